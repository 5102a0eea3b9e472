//! A bundle as the settings describe it.

use super::{DAGS_FOLDER, Repository, Source};
use artel_platform::{Error, Result};
use serde::Deserialize;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

/// An entry of `[scheduler] bundles`; see artel.toml.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct BundleSettings {
    pub(crate) name: String,
    /// A local folder.
    path: String,
    /// URL or local path of a repository.
    git: String,
    /// Branch, tag or commit.
    #[serde(rename = "ref")]
    reference: String,
    subfolder: String,
    poll_seconds: Option<u64>,
    timeout_seconds: Option<u64>,
    /// Id of a connection with the credentials, as upstream's `git_conn_id`.
    pub(crate) connection: String,
    pub(crate) username: String,
    pub(crate) token_file: String,
    pub(crate) private_key_file: String,
    pub(crate) known_hosts_file: String,
    /// What pushes are signed with.
    pub(crate) hook_secret_file: String,
}

impl BundleSettings {
    fn wrong(&self, what: &str) -> Error {
        Error::invalid(format!("setting scheduler.bundles, bundle {:?}: {what}", self.name))
    }

    /// Checks the entry and says where its files come from.
    pub(super) fn source(&self, data: &Path) -> Result<Source> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        if self.name.is_empty() || self.name.starts_with('.') || self.name.len() > 100 || !self.name.chars().all(plain) {
            return Err(self.wrong("name must be letters, digits, `_`, `-` and `.`, and not begin with a `.`"));
        }
        if self.name == DAGS_FOLDER {
            return Err(self.wrong("this is the name of the folder of the setting scheduler.dags"));
        }
        match (self.path.is_empty(), self.git.is_empty()) {
            (false, true) => self.local(data),
            (true, false) => self.repository(data),
            // upstream takes the URL of the connection's host
            (true, true) if !self.connection.is_empty() => self.repository(data),
            _ => Err(self.wrong("exactly one of path and git is needed")),
        }
    }

    fn local(&self, data: &Path) -> Result<Source> {
        let path = data.join(&self.path);
        if !path.is_dir() {
            return Err(self.wrong(&format!("path {} is no folder", path.display())));
        }
        Ok(Source::Folder(path))
    }

    fn repository(&self, data: &Path) -> Result<Source> {
        let reference = if self.reference.is_empty() { "main" } else { &self.reference };
        if reference.starts_with('-') || reference.contains("..") || reference.contains([' ', ':', '^', '~', '*', '?', '[', '\\']) {
            return Err(self.wrong(&format!("ref {reference:?} is no name of a branch, tag or commit")));
        }
        if self.git.starts_with('-') || self.git.contains("::") {
            return Err(self.wrong(&format!("git {:?} is no URL or path", self.git)));
        }
        let subfolder = PathBuf::from(&self.subfolder);
        if subfolder.components().any(|c| !matches!(c, Component::Normal(_) | Component::CurDir)) {
            return Err(self.wrong("subfolder must be a path below the repository"));
        }
        Ok(Source::Git(Box::new(Repository::new(
            self.clone(),
            &self.git,
            reference,
            &subfolder,
            &data.join("bundles").join(&self.name),
            Duration::from_secs(self.timeout_seconds.unwrap_or(300).max(1)),
        ))))
    }

    /// Time between looks at the remote; `None` when only pushes are told of.
    pub(super) fn poll(&self) -> Option<Duration> {
        Some(self.poll_seconds.unwrap_or(60)).filter(|s| *s > 0).map(Duration::from_secs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(settings: BundleSettings) -> String {
        settings.source(Path::new("/data")).err().expect("refused").message
    }

    #[test]
    fn entries_that_cannot_be_used_are_refused_with_the_reason() {
        let git = |name: &str, url: &str| BundleSettings { name: name.into(), git: url.into(), ..BundleSettings::default() };
        assert!(refused(git("", "https://h/r")).contains("name must be"));
        assert!(refused(git("../x", "https://h/r")).contains("name must be"));
        assert!(refused(git("dags-folder", "https://h/r")).contains("scheduler.dags"));
        assert!(refused(git("a", "")).contains("exactly one"));
        assert!(refused(git("a", "--upload-pack=touch /tmp/x")).contains("no URL"));
        assert!(refused(git("a", "ext::sh -c x")).contains("no URL"));
        assert!(refused(BundleSettings { reference: "--all".into(), ..git("a", "https://h/r") }).contains("no name"));
        assert!(refused(BundleSettings { subfolder: "../up".into(), ..git("a", "https://h/r") }).contains("below the repository"));
        assert!(refused(BundleSettings { name: "b".into(), path: "/no/such/folder".into(), ..Default::default() }).contains("no folder"));
        assert!(git("a", "https://h/r").source(Path::new("/data")).is_ok());
    }
}
