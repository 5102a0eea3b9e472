//! Accounts of this machine, for servers that run as their users' own (upstream's `LocalProcessSpawner`).

use artel_platform::{Error, Result, ResultExt};
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// Changes the account in front of a program; part of every Debian (util-linux).
const SETPRIV: &str = "setpriv";

/// An account that a server may run as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    uid: u32,
    gid: u32,
    /// The folder that is its home.
    pub(crate) home: PathBuf,
}

impl Account {
    /// The account `name`, wherever this machine knows it from (files, LDAP). `FAILED_PRECONDITION` when there is none
    /// that a server may run as.
    pub(crate) async fn find(name: &str) -> Result<Self> {
        let found =
            Command::new("getent").args(["passwd", "--", name]).output().await.or_unavailable("getent cannot be asked for accounts")?;
        let account = Self::parse(name, &String::from_utf8_lossy(&found.stdout)).ok_or_else(|| {
            Error::conflict(format!(
                "this machine has no account {name}, as which the server would run (hub.system_accounts); make one: useradd --create-home {name}"
            ))
        })?;
        if account.uid == 0 {
            return Err(Error::conflict(format!("a server is not started as the superuser, which {name} is on this machine")));
        }
        if !account.home.is_dir() {
            let home = account.home.display();
            return Err(Error::conflict(format!("the account {name} has no home folder ({home}); make it: mkhomedir_helper {name}")));
        }
        Ok(account)
    }

    /// A line of passwd(5).
    fn parse(name: &str, line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.trim_end().split(':').collect();
        let [found, _, uid, gid, _, home, _] = fields[..] else { return None };
        (found == name).then_some(Self { uid: uid.parse().ok()?, gid: gid.parse().ok()?, home: home.into() })
    }

    /// A program with its arguments as this account runs it: with its groups, and nothing that only root may.
    pub(crate) fn runs(&self, program: &Path, arguments: &[String]) -> (PathBuf, Vec<String>) {
        let mut all = vec![
            format!("--reuid={}", self.uid),
            format!("--regid={}", self.gid),
            "--init-groups".into(),
            "--inh-caps=-all".into(),
            "--".into(),
            program.display().to_string(),
        ];
        all.extend_from_slice(arguments);
        (SETPRIV.into(), all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_passwd_is_read() {
        let ada = Account::parse("ada", "ada:x:1001:100:Ada,,,:/home/ada:/bin/bash\n").unwrap();
        assert_eq!(ada, Account { uid: 1001, gid: 100, home: "/home/ada".into() });
        for wrong in ["", "bob:x:1:1::/home/bob:/bin/sh", "ada:x:many:1::/home/ada:/bin/sh", "ada:x:1:1"] {
            assert_eq!(Account::parse("ada", wrong), None, "{wrong}");
        }
    }

    #[tokio::test]
    async fn what_may_not_be_is_said() {
        let message = async |name| Account::find(name).await.unwrap_err().message;
        assert!(message("nobody-of-this-name").await.contains("useradd"));
        assert!(message("root").await.contains("superuser"));
    }
}
