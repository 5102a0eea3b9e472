//! The first administrator.

use crate::Hub;
use crate::store::users::{self, User};
use artel_platform::{Result, ResultExt};
use artel_proto::artel::hub::v1::UserChanged;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Name of the first administrator.
const ADMIN: &str = "admin";

/// Who to log in as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bootstrap {
    /// The administrator's name.
    pub user: String,
    /// Their password, when this start made it up. It is in `DATA/admin-password` too.
    pub password: Option<String>,
}

impl Hub {
    /// Makes the administrator when there is no user. With replicas started together one of them does.
    pub async fn bootstrap(&self) -> Result<Bootstrap> {
        let known = Bootstrap { user: ADMIN.into(), password: None };
        if users::any(&self.db).await? {
            return Ok(known);
        }
        let fixed = self.settings.fixed_admin_password()?;
        let password = fixed.clone().unwrap_or_else(|| self.cx.ids.secret()[..24].to_owned());
        let hash = self.passwords.hash(&password).await?;
        let admin = User { name: ADMIN.into(), admin: true, password: Some(hash), created: self.cx.clock.now(), last_activity: None };
        let mut tx = self.db.begin().await?;
        if !users::insert(&mut tx, &admin).await? {
            return Ok(known);
        }
        tx.emit(&UserChanged { name: ADMIN.into(), removed: false }).await?;
        if fixed.is_none() {
            // before the commit: a password that nobody can read would lock everybody out
            write_secret(&self.cx.config.data.join("admin-password"), &password)?;
        }
        tx.commit().await?;
        Ok(Bootstrap { user: ADMIN.into(), password: fixed.is_none().then_some(password) })
    }
}

fn write_secret(path: &Path, secret: &str) -> Result<()> {
    let failed = format!("cannot write {}", path.display());
    let _ = std::fs::remove_file(path);
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).or_internal(&failed)?;
    writeln!(file, "{secret}").or_internal(&failed)
}
