//! URIs of models and of places, read as upstream reads them (Python's `urllib.parse`, mlflow/store/artifact/utils/models.py).

use percent_encoding::percent_decode_str;
use std::path::{Component, Path, PathBuf};

/// The parts of a URI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Uri<'a> {
    /// Lower case; empty for a plain path.
    pub(crate) scheme: String,
    /// What stands between `//` and the path.
    pub(crate) authority: &'a str,
    /// The path, without query and fragment.
    pub(crate) path: &'a str,
}

/// Splits a URI; anything can be split.
pub(crate) fn split(uri: &str) -> Uri<'_> {
    let is_scheme =
        |s: &str| s.starts_with(|c: char| c.is_ascii_alphabetic()) && s.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let (scheme, rest) = match uri.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => (scheme.to_ascii_lowercase(), rest),
        _ => (String::new(), uri),
    };
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len())),
        None => ("", rest),
    };
    let path = &path[..path.find(['?', '#']).unwrap_or(path.len())];
    Uri { scheme, authority, path }
}

/// Decodes as long as it changes; `plus` also makes `+` a space.
pub(crate) fn unquote(text: &str, plus: bool) -> String {
    let mut text = text.to_owned();
    loop {
        let spaced = if plus { text.replace('+', " ") } else { text.clone() };
        let decoded = percent_decode_str(&spaced).decode_utf8_lossy().into_owned();
        if decoded == text {
            return text;
        }
        text = decoded;
    }
}

/// What a `models:/` URI names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ModelUri<'a> {
    /// `models:/m-1f…`
    Logged(&'a str),
    /// `models:/wine/2`
    Version(&'a str, i64),
    /// `models:/wine/latest`
    Latest(&'a str),
    /// `models:/wine/Production`
    Stage(&'a str, &'a str),
    /// `models:/wine@champion`
    Alias(&'a str, &'a str),
}

impl<'a> ModelUri<'a> {
    /// The registered model, unless it is a logged one.
    pub(crate) fn name(&self) -> Option<&'a str> {
        match self {
            Self::Logged(_) => None,
            Self::Version(name, _) | Self::Latest(name) | Self::Stage(name, _) | Self::Alias(name, _) => Some(name),
        }
    }
}

/// Reads a `models:/` URI; `None` when it is none.
pub(crate) fn model(uri: &str) -> Option<ModelUri<'_>> {
    let Uri { scheme, path, .. } = split(uri);
    if scheme != "models" {
        return None;
    }
    let parts: Vec<&str> = path.strip_prefix('/')?.trim_start_matches('/').split('/').collect();
    match parts[..] {
        [name] if name.trim().is_empty() => None,
        [name] => match name.rsplit_once('@') {
            Some((_, alias)) if alias.trim().is_empty() => None,
            Some((name, alias)) => Some(ModelUri::Alias(name, alias)),
            None => Some(ModelUri::Logged(name)),
        },
        [name, suffix] if name.trim().is_empty() || suffix.trim().is_empty() => None,
        [name, suffix] if suffix.chars().all(|c| c.is_ascii_digit()) => Some(ModelUri::Version(name, suffix.parse().ok()?)),
        [name, suffix] if suffix.eq_ignore_ascii_case("latest") => Some(ModelUri::Latest(name)),
        [name, stage] => Some(ModelUri::Stage(name, stage)),
        _ => None,
    }
}

/// `runs:/ID/path` → id and path.
pub(crate) fn run(uri: &str) -> Option<(&str, &str)> {
    let Uri { scheme, path, .. } = split(uri);
    let (id, path) = path.strip_prefix('/').map(|path| path.split_once('/').unwrap_or((path, "")))?;
    (scheme == "runs" && !id.is_empty()).then_some((id, path))
}

/// The file that a path or a `file:` URI means on this machine: absolute, without `.` and `..`.
pub(crate) fn local_path(uri: &str) -> PathBuf {
    let parts = split(uri);
    let path = match parts.scheme.as_str() {
        "file" => percent_decode_str(parts.path).decode_utf8_lossy().into_owned(),
        _ => uri.to_owned(),
    };
    let mut resolved = std::env::current_dir().unwrap_or_default();
    for part in Path::new(&path).components() {
        match part {
            Component::ParentDir => drop(resolved.pop()),
            Component::CurDir => {}
            other => resolved.push(other),
        }
    }
    resolved
}

/// Is it the source of a prompt, which has no files?
pub(crate) fn is_placeholder(location: &str) -> bool {
    crate::source::PROMPT_SOURCES.contains(&location)
}

/// The path in the artifact service that a URI of the proxy means.
pub(crate) fn proxied(uri: &str) -> Option<String> {
    let Uri { scheme, path, .. } = split(uri);
    let path = match scheme.as_str() {
        "mlflow-artifacts" => path,
        "http" | "https" => path.split_once("/api/2.0/mlflow-artifacts/artifacts").map(|(_, path)| path)?,
        _ => return None,
    };
    Some(percent_decode_str(path.trim_matches('/')).decode_utf8_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_uris() {
        let parts = |uri| {
            let uri = split(uri);
            (uri.scheme, uri.authority.to_owned(), uri.path.to_owned())
        };
        let expect = |s: &str, a: &str, p: &str| (s.to_owned(), a.to_owned(), p.to_owned());
        assert_eq!(parts("s3://bucket/a/b?x=1#f"), expect("s3", "bucket", "/a/b"));
        assert_eq!(parts("mlflow-artifacts:/1/a"), expect("mlflow-artifacts", "", "/1/a"));
        assert_eq!(parts("S3://b"), expect("s3", "b", ""));
        assert_eq!(parts("/a/b:c"), expect("", "", "/a/b:c"));
        assert_eq!(parts("file:///etc"), expect("file", "", "/etc"));
        assert_eq!(unquote("a%252e+b", true), "a. b");
    }

    #[test]
    fn local_paths() {
        for (uri, path) in
            [("/a/./b/../c", "/a/c"), ("file:///a/b%20c", "/a/b c"), ("file:/a/../../b", "/b"), ("file://localhost/etc", "/etc")]
        {
            assert_eq!(local_path(uri), Path::new(path), "{uri}");
        }
        assert!(local_path("a/b").is_absolute() && local_path("a/b").ends_with("a/b"));
    }

    #[test]
    fn model_uris() {
        assert_eq!(model("models:/m-12"), Some(ModelUri::Logged("m-12")));
        assert_eq!(model("models:/wine/12"), Some(ModelUri::Version("wine", 12)));
        assert_eq!(model("models:/wine/Latest"), Some(ModelUri::Latest("wine")));
        assert_eq!(model("models:/wine/production"), Some(ModelUri::Stage("wine", "production")));
        assert_eq!(model("models:/a@b@champion"), Some(ModelUri::Alias("a@b", "champion")));
        for bad in ["models:/", "models:wine/1", "models:/a/b/c", "models:/wine/ ", "models:/wine@", "runs:/a/b", "wine"] {
            assert_eq!(model(bad), None, "{bad}");
        }
    }

    #[test]
    fn places() {
        assert_eq!(run("runs:/ab12/model/x"), Some(("ab12", "model/x")));
        assert_eq!(run("runs:/ab12"), Some(("ab12", "")));
        assert_eq!(run("runs:/"), None);
        assert_eq!(proxied("mlflow-artifacts:/1/run/artifacts/my%20model").as_deref(), Some("1/run/artifacts/my model"));
        assert_eq!(proxied("http://h:1/api/2.0/mlflow-artifacts/artifacts/1/x").as_deref(), Some("1/x"));
        assert_eq!(proxied("s3://b/1/x"), None);
    }
}
