//! The first administrator.

use crate::Hub;
use crate::store::users::{self, User};
use artel_platform::{Result, ResultExt};
use artel_proto::artel::hub::v1::UserAdded;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Name of the first administrator.
const ADMIN: &str = "admin";

impl Hub {
    /// Makes the administrator when there is no user. A password that was made up is in `DATA/admin-password`, until
    /// it is changed. With replicas started together one of them does.
    pub(crate) async fn bootstrap(&self) -> Result<()> {
        if users::any(&self.db).await? {
            return Ok(());
        }
        let fixed = self.settings.fixed_admin_password()?;
        let password = fixed.clone().unwrap_or_else(|| self.cx.ids.secret()[..24].to_owned());
        let hash = self.passwords.hash(&password).await?;
        let admin = User {
            name: ADMIN.into(),
            admin: true,
            password: Some(hash),
            created: self.cx.clock.now(),
            last_activity: None,
            suspended: None,
        };
        let mut tx = self.db.begin().await?;
        if !users::insert(&mut tx, &admin).await? {
            return Ok(());
        }
        tx.emit(&UserAdded { name: ADMIN.into() });
        if fixed.is_none() {
            // before the commit: a password that nobody can read would lock everybody out
            write_secret(&self.password_file(), &password)?;
        }
        tx.commit().await
    }

    /// Removes the file of the first password when it no longer says the truth.
    pub(crate) fn forget_first_password(&self, user: &str) {
        if user == ADMIN {
            let _ = std::fs::remove_file(self.password_file());
        }
    }

    fn password_file(&self) -> PathBuf {
        self.cx.config.data.join("admin-password")
    }
}

fn write_secret(path: &Path, secret: &str) -> Result<()> {
    let failed = format!("cannot write {}", path.display());
    let _ = std::fs::remove_file(path);
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).or_internal(&failed)?;
    writeln!(file, "{secret}").or_internal(&failed)
}
