//! Names of users and servers, and what is derived from them. They become folder names and parts of URLs, so they
//! are narrower than upstream's "anything without a slash".

use artel_platform::{Error, Result};

/// First parts of paths that a default server answers itself: a named server of that name would hide them.
const TAKEN_BY_JUPYTER: &[&str] = &[
    "api",
    "consoles",
    "custom",
    "doc",
    "edit",
    "files",
    "kernelspecs",
    "lab",
    "login",
    "logout",
    "lsp",
    "metrics",
    "nbconvert",
    "nbextensions",
    "notebooks",
    "oauth_callback",
    "proxy",
    "schemas",
    "static",
    "terminals",
    "tree",
    "view",
];

/// The name as it is kept: upstream's accounts are lowercase. Fails when it cannot be one.
pub(crate) fn user(name: &str) -> Result<String> {
    let name = name.to_ascii_lowercase();
    if is_plain(&name, "._@+-") {
        Ok(name)
    } else {
        Err(Error::invalid(format!("Invalid username: {name:?}; use 1 to 64 of a-z, 0-9 and . _ @ + -, beginning with a letter or digit")))
    }
}

/// Fails when `name` cannot be a named server's (the default server's name is empty and always fine).
pub(crate) fn check_server(name: &str) -> Result<()> {
    if name.is_empty() {
        return Ok(());
    }
    if !is_plain(&name.to_ascii_lowercase(), "._-") {
        return Err(Error::invalid(format!(
            "Invalid server name: {name:?}; use 1 to 64 letters, digits and . _ -, beginning with a letter or digit"
        )));
    }
    if TAKEN_BY_JUPYTER.contains(&name) {
        return Err(Error::invalid(format!("a server cannot be called {name}: Jupyter uses this name itself")));
    }
    Ok(())
}

fn is_plain(name: &str, more: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.len() <= 64 && name.starts_with(plain) && name.chars().all(|c| plain(c) || more.contains(c))
}

/// `/user/ada/` or `/user/ada/gpu/`: where the proxy serves it.
pub(crate) fn prefix(user: &str, server: &str) -> String {
    if server.is_empty() { format!("/user/{user}/") } else { format!("/user/{user}/{server}/") }
}

/// The reverse of [`prefix`].
pub(crate) fn from_prefix(prefix: &str) -> Option<(&str, &str)> {
    let rest = prefix.strip_prefix("/user/")?.trim_end_matches('/');
    let (user, server) = rest.split_once('/').unwrap_or((rest, ""));
    (!user.is_empty() && !server.contains('/')).then_some((user, server))
}

/// The OAuth client that a notebook server is.
pub(crate) fn oauth_client(user: &str, server: &str) -> String {
    if server.is_empty() { format!("jupyterhub-user-{user}") } else { format!("jupyterhub-user-{user}-{server}") }
}

/// Where its OAuth answers go.
pub(crate) fn oauth_callback(user: &str, server: &str) -> String {
    format!("{}oauth_callback", prefix(user, server))
}

/// Upstream's name of a server in logs and filters.
pub(crate) fn full(user: &str, server: &str) -> String {
    format!("{user}/{server}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_in_paths() {
        assert_eq!(user("Ada").unwrap(), "ada");
        assert_eq!(user("ada.b@example.org").unwrap(), "ada.b@example.org");
        for bad in ["", ".", "..", "a/b", "a b", "-a", "_a", "a\n", "a%2e", "\u{212a}elvin", &"a".repeat(65)] {
            assert!(user(bad).is_err(), "{bad:?}");
        }
        assert!(check_server("").is_ok());
        assert!(check_server("GPU-2").is_ok());
        assert!(check_server("lab").is_err());
        assert!(check_server("a/b").is_err());
        assert!(check_server("\u{212a}elvin").is_err(), "its lowercase letter is a k");
    }

    #[test]
    fn prefixes_and_back() {
        assert_eq!(from_prefix(&prefix("ada", "")), Some(("ada", "")));
        assert_eq!(from_prefix(&prefix("ada", "gpu")), Some(("ada", "gpu")));
        assert_eq!(from_prefix("/other/ada"), None);
        assert_eq!(from_prefix("/user/"), None);
    }
}
