//! When somebody was last active.

use crate::store::{servers, users};
use crate::{Hub, names};
use artel_platform::Result;

/// Activity of one server at a time in milliseconds.
pub(crate) struct Seen<'a> {
    pub user: &'a str,
    pub server: &'a str,
    pub at: i64,
}

impl Hub {
    /// Notes activity of a user and of servers; earlier times than known change nothing.
    pub(crate) async fn note_activity(&self, user: Option<(&str, i64)>, seen: &[Seen<'_>]) -> Result<()> {
        let mut tx = self.db.begin().await?;
        if let Some((user, at)) = user {
            users::active(&mut tx, user, at).await?;
        }
        for seen in seen {
            servers::touch(&mut tx, seen.user, seen.server, seen.at).await?;
        }
        tx.commit().await
    }

    /// The same by what the proxy knows: prefix and time.
    pub(crate) async fn note_traffic(&self, routes: &[(String, i64)]) -> Result<()> {
        let seen: Vec<Seen<'_>> = routes
            .iter()
            .filter_map(|(prefix, at)| {
                let (user, server) = names::from_prefix(prefix)?;
                Some(Seen { user, server, at: *at })
            })
            .collect();
        if seen.is_empty() {
            return Ok(());
        }
        let mut tx = self.db.begin().await?;
        for seen in &seen {
            servers::touch(&mut tx, seen.user, seen.server, seen.at).await?;
            users::active(&mut tx, seen.user, seen.at).await?;
        }
        tx.commit().await
    }
}
