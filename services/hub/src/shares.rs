//! Access to a notebook server, given by its owner to a user or a group (jupyterhub/apihandlers/shares.py).

use crate::Hub;
use crate::authenticate::hash;
use crate::names;
use crate::permit::Over;
use crate::scopes::split;
use crate::store::shares::{self as store, Of, Share, ShareCode};
use crate::users::tell_everybody;
use artel_platform::db::Tx;
use artel_platform::{Error, Identity, Result};
use std::collections::BTreeSet;

/// To whom something is given: `user` or `group`, and the name.
pub(crate) type Grantee<'a> = (&'a str, &'a str);

/// Scopes as they are stored with a share: each for that server only. Fails for any other filter.
pub(crate) fn of_server(scopes: &[String], owner: &str, server: &str) -> Result<Vec<String>> {
    let own = format!("server={}", names::full(owner, server));
    let mut filtered = BTreeSet::new();
    for scope in scopes {
        let (base, filter) = split(scope);
        if let Some(filter) = filter.filter(|filter| *filter != own) {
            return Err(Error::invalid(format!("!{filter} not allowed on sharing {scope}, only !{own}")));
        }
        filtered.insert(format!("{base}!{own}"));
    }
    if filtered.is_empty() {
        filtered.insert(format!("access:servers!{own}"));
    }
    Ok(filtered.into_iter().collect())
}

impl Hub {
    /// The scopes that `who` wants to give with a server, as far as they may.
    pub(crate) async fn scopes_to_share(&self, who: &Identity, wanted: &[String], at: (&str, &str)) -> Result<Vec<String>> {
        self.vocabulary.check(wanted, "share")?;
        let scopes = of_server(wanted, at.0, at.1)?;
        for scope in &scopes {
            let (base, _) = split(scope);
            // with a filter for a server these would give nothing, or something else than they say
            if matches!(base, "self" | "inherit" | "*" | "(no_scope)") {
                return Err(Error::invalid(format!("the scope {base} cannot be shared")));
            }
            if !self.holds(&who.scopes, base, Over::Server(at.0, at.1)).await? {
                return Err(Error::denied(format!("Do not have permission to grant share with scope {scope}")));
            }
        }
        Ok(scopes)
    }

    /// Gives access; scopes that were given before stay.
    pub(crate) async fn grant_share(&self, owner: &str, server: &str, grantee: Grantee<'_>, scopes: &[String]) -> Result<Share> {
        let mut tx = self.db.begin().await?;
        let share = self.add_scopes(&mut tx, owner, server, grantee, scopes).await?;
        tx.commit().await?;
        Ok(share)
    }

    async fn add_scopes(&self, tx: &mut Tx, owner: &str, server: &str, grantee: Grantee<'_>, scopes: &[String]) -> Result<Share> {
        let mut share = store::hold_or_make(tx, owner, server, grantee, self.cx.clock.now()).await?;
        let all: BTreeSet<String> = share.scopes.iter().chain(scopes).cloned().collect();
        share.scopes = all.into_iter().collect();
        store::set_scopes(tx, share.id, &share.scopes).await?;
        tell_everybody(tx);
        Ok(share)
    }

    /// Takes scopes away again (all when `None`); returns what is left.
    pub(crate) async fn revoke_share(
        &self,
        owner: &str,
        server: &str,
        grantee: Grantee<'_>,
        scopes: Option<&[String]>,
    ) -> Result<Option<Share>> {
        let mut tx = self.db.begin().await?;
        let Some(mut share) = store::hold(&mut tx, owner, server, grantee).await? else { return Ok(None) };
        share.scopes.retain(|scope| scopes.is_some_and(|taken| !taken.contains(scope)));
        if share.scopes.is_empty() {
            store::delete(&mut tx, share.id).await?;
        } else {
            store::set_scopes(&mut tx, share.id, &share.scopes).await?;
        }
        tell_everybody(&mut tx);
        tx.commit().await?;
        Ok(Some(share).filter(|share| !share.scopes.is_empty()))
    }

    /// Takes a server back from everybody.
    pub(crate) async fn revoke_all_shares(&self, owner: &str, server: &str) -> Result<()> {
        let mut tx = self.db.begin().await?;
        store::delete_all(&mut tx, Of::Server(owner, server)).await?;
        tell_everybody(&mut tx);
        tx.commit().await
    }

    /// A new code for access to a server, with its secret, which is shown this once.
    pub(crate) async fn new_share_code(&self, owner: &str, server: &str, scopes: Vec<String>, seconds: i64) -> Result<(ShareCode, String)> {
        let now = self.cx.clock.now();
        let secret = self.cx.ids.secret();
        let new = ShareCode {
            id: 0,
            owner: owner.into(),
            server: server.into(),
            scopes,
            created: now,
            expires: now + seconds * 1000,
            exchange_count: 0,
            last_exchanged: None,
        };
        let mut tx = self.db.begin().await?;
        let code = store::insert_code(&mut tx, &hash(&secret), &new).await?;
        tx.commit().await?;
        Ok((code, secret))
    }

    /// The code with this secret, unless it has expired.
    pub(crate) async fn share_code(&self, secret: &str) -> Result<Option<ShareCode>> {
        store::find_code(&self.db, &hash(secret), self.cx.clock.now()).await
    }

    /// Gives a user what a code is for.
    pub(crate) async fn exchange_share_code(&self, code: &ShareCode, user: &str) -> Result<Share> {
        let mut tx = self.db.begin().await?;
        let share = self.add_scopes(&mut tx, &code.owner, &code.server, ("user", user), &code.scopes).await?;
        store::exchanged(&mut tx, code.id, self.cx.clock.now()).await?;
        tx.commit().await?;
        Ok(share)
    }
}

#[cfg(test)]
mod tests {
    use super::of_server;

    #[test]
    fn shares_are_of_one_server() {
        let of = |scopes: &[&str]| of_server(&scopes.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>(), "ada", "gpu");
        assert_eq!(of(&[]).unwrap(), ["access:servers!server=ada/gpu"]);
        assert_eq!(
            of(&["read:servers", "access:servers!server=ada/gpu"]).unwrap(),
            ["access:servers!server=ada/gpu", "read:servers!server=ada/gpu"]
        );
        for bad in ["servers!user=ada", "servers!server=ada/", "servers!server=ada/gp", "servers!user", "servers!server"] {
            assert!(of(&[bad]).is_err(), "{bad}");
        }
    }
}
