//! What names and values may be. Limits and messages are upstream's (mlflow/utils/validation.py).

use crate::uri;
use artel_platform::{Error, Result};

const MAX_TAG_KEY: usize = 250;
const MAX_TAG_VALUE: usize = 100_000;
const MAX_ALIAS: usize = 255;
/// Upstream leaves this to its database; an index entry of either engine holds it.
const MAX_NAME: usize = 1000;

/// The tag that makes a registered model a prompt (mlflow/prompt/constants.py).
pub(crate) const IS_PROMPT_TAG: &str = "mlflow.prompt.is_prompt";
/// The tag that holds a prompt version's text.
pub(crate) const PROMPT_TEXT_TAG: &str = "mlflow.prompt.text";
const PROMPT_TYPE_TAG: &str = "_mlflow_prompt_type";

/// Is it a tag by which the client marks prompts? Webhooks do not tell of these.
pub(crate) fn is_internal(key: &str) -> bool {
    key == IS_PROMPT_TAG || key == PROMPT_TYPE_TAG
}

const BAD_CHARACTERS: &str =
    "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).";

fn missing(path: &str) -> Error {
    Error::invalid(format!("Missing value for required parameter '{path}'."))
}

fn invalid_value(path: &str, value: &str, why: &str) -> Error {
    Error::invalid(format!("Invalid value {} for parameter '{path}' supplied: {why}", serde_json::Value::from(value)))
}

fn length(what: &str, limit: usize, value: &str) -> Result<()> {
    if value.len() > limit && value.chars().count() > limit {
        return Err(Error::invalid(format!("'{what}' exceeds the maximum length of {limit} characters")));
    }
    Ok(())
}

/// A name that would be another file when it is used as one.
fn unique_path(path: &str, name: &str) -> Result<()> {
    let normal = name.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
    if normal && !name.starts_with("..") {
        return Ok(());
    }
    let why = format!(
        "Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to '{}'",
        normalized(name)
    );
    Err(invalid_value(path, name, &why))
}

/// Python's `posixpath.normpath`, as far as its result is shown.
fn normalized(name: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if name.starts_with('/') => {}
            part => parts.push(part),
        }
    }
    let root = if name.starts_with('/') { "/" } else { "" };
    match (root, parts.is_empty()) {
        ("", true) => ".".into(),
        _ => format!("{root}{}", parts.join("/")),
    }
}

/// The name of a registered model.
pub(crate) fn model_name(name: &str) -> Result<()> {
    model_name_in("name", name)
}

/// The new name of a registered model.
pub(crate) fn new_model_name(name: &str) -> Result<()> {
    if name.trim().is_empty() {
        return Err(missing("new_name"));
    }
    model_name(name)
}

fn model_name_in(path: &str, name: &str) -> Result<()> {
    if name.trim().is_empty() {
        return Err(missing(path));
    }
    if name.contains(['/', ':']) {
        return Err(Error::invalid(format!("Invalid model name '{name}'. Names cannot contain '/' or ':'.")));
    }
    length("name", MAX_NAME, name)?;
    unique_path(path, name)
}

/// The key of a tag.
pub(crate) fn tag_key(key: &str) -> Result<()> {
    if !key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '/' | '.' | '-' | ' ' | ':')) {
        return Err(invalid_value("key", key, BAD_CHARACTERS));
    }
    unique_path("key", key)
}

/// A tag of a registered model.
pub(crate) fn model_tag(key: &str, value: &str) -> Result<()> {
    tag_key(key)?;
    length("key", MAX_TAG_KEY, key)?;
    length("value", MAX_TAG_VALUE, value)
}

/// A tag of a model version.
pub(crate) fn version_tag(key: &str, value: Option<&str>) -> Result<()> {
    let value = value.unwrap_or_default();
    tag_key(key)?;
    length("key", MAX_TAG_KEY, key)?;
    if key == PROMPT_TEXT_TAG && length("", MAX_TAG_VALUE, value).is_err() {
        return Err(Error::invalid(format!("Prompt text exceeds max length of {MAX_TAG_VALUE} characters.")));
    }
    length("value", MAX_TAG_VALUE, value)
}

/// The path of a file, relative to those of its version; it cannot lead out of there (mlflow/utils/validation.py
/// `path_not_unique`, mlflow/utils/uri.py `validate_path_is_safe`).
pub(crate) fn file_path(path: &str) -> Result<String> {
    let path = uri::unquote(path, false);
    let bytes = path.as_bytes();
    let drive = bytes.len() >= 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' && matches!(bytes.get(2), Some(b'/' | b'\\'));
    let leads_away = path.contains(['#', '\0'])
        || path.starts_with(['/', '\\'])
        || drive
        || path.starts_with("file:")
        || path.split(['/', '\\']).any(|part| part == "..");
    if leads_away { Err(Error::invalid("Invalid path")) } else { Ok(path) }
}

/// A version number as text.
pub(crate) fn version(text: &str) -> Result<i64> {
    text.trim().parse().map_err(|_| Error::invalid(format!("Parameter 'version' must be an integer, got '{text}'.")))
}

/// An alias that is read.
pub(crate) fn alias(alias: &str) -> Result<()> {
    if alias.is_empty() {
        return Err(Error::invalid("Registered model alias name cannot be empty."));
    }
    if !alias.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-')) {
        return Err(Error::invalid(format!(
            "Invalid alias name: '{alias}'. Names may only contain alphanumerics, underscores (_), and dashes (-)."
        )));
    }
    length("Registered model alias name", MAX_ALIAS, alias)
}

/// An alias that is set: some are reserved.
pub(crate) fn new_alias(name: &str) -> Result<()> {
    alias(name)?;
    if name.eq_ignore_ascii_case("latest") {
        return Err(Error::invalid("'latest' alias name (case insensitive) is reserved."));
    }
    let number = name.strip_prefix(['v', 'V']).unwrap_or_default();
    if !number.is_empty() && number.chars().all(char::is_numeric) {
        return Err(Error::invalid(format!("Version alias name '{name}' is reserved.")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["wine", "Вино 2", "a.b", "with space", "a..b", "x@y", ".hidden"] {
            assert!(model_name(good).is_ok(), "{good}");
        }
        for bad in ["", "  ", "a/b", "a:b", ".", "..", "..a"] {
            assert!(model_name(bad).is_err(), "{bad}");
        }
        assert_eq!(
            model_name("..").unwrap_err().message,
            "Invalid value \"..\" for parameter 'name' supplied: Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to '..'"
        );
    }

    #[test]
    fn tags() {
        for good in ["a", "mlflow.prompt.is_prompt", "a/b c:d-e", "ключ"] {
            assert!(tag_key(good).is_ok(), "{good}");
        }
        for bad in ["a#b", "/a", "a//b", "a/../b", "./a", "a/", ""] {
            assert!(tag_key(bad).is_err(), "{bad}");
        }
        assert_eq!(normalized("a/../b"), "b");
        assert_eq!(normalized(""), ".");
        assert!(model_tag(&"k".repeat(251), "v").is_err() && model_tag("k", &"v".repeat(100_001)).is_err());
        assert!(model_tag(&"ж".repeat(250), &"v".repeat(100_000)).is_ok());
    }

    #[test]
    fn aliases() {
        for good in ["champion", "v", "v1a", "Latest2", "чемпион", "a-b_c"] {
            assert!(new_alias(good).is_ok(), "{good}");
        }
        for bad in ["", "latest", "LATEST", "v1", "V20", "a b", "a@b", "a.b"] {
            assert!(new_alias(bad).is_err(), "{bad}");
        }
        assert!(alias("latest").is_ok() && alias(&"a".repeat(256)).is_err());
    }
}
