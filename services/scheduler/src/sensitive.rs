//! What is a secret by its name (airflow/_shared/secrets_masker `DEFAULT_SENSITIVE_FIELDS`).

use crate::python_json::Document;
use serde_json::Value;

/// A named value is a secret when its name contains one of these, in whatever case.
const SENSITIVE: &[&str] = &[
    "access_key",
    "access_token",
    "api_key",
    "apikey",
    "auth_header",
    "authorization",
    "bearer",
    "connection_string",
    "dsn",
    "passphrase",
    "passwd",
    "password",
    "private_key",
    "proxy",
    "proxy_password",
    "proxies",
    "secret",
    "service_account",
    "service_key",
    "token",
    "keyfile_dict",
    "webhook_url",
];

/// What is shown in place of a secret.
pub(crate) const HIDDEN: &str = "***";

/// Is this the name of a secret?
pub(crate) fn is_sensitive(name: &str) -> bool {
    let lower = name.to_lowercase();
    SENSITIVE.iter().any(|word| lower.contains(word))
}

/// JSON without the texts that stand under the name of a secret.
pub(crate) fn redacted(value: Value) -> Value {
    let document = serde_json::from_value(value).map(|document| redacted_document(document, false));
    document.and_then(serde_json::to_value).unwrap_or_default()
}

/// The same of a document; `hidden`: all of it stands under such a name.
pub(crate) fn redacted_document(document: Document, hidden: bool) -> Document {
    match document {
        Document::Plain(Value::String(_)) if hidden => Document::Plain(HIDDEN.into()),
        Document::List(items) => Document::List(items.into_iter().map(|item| redacted_document(item, hidden)).collect()),
        Document::Object(fields) => {
            let field = |(key, value): (String, Document)| {
                let hidden = hidden || is_sensitive(&key);
                (key, redacted_document(value, hidden))
            };
            Document::Object(fields.into_iter().map(field).collect())
        }
        other => other,
    }
}

/// What a person who was shown `***` sends back, with the secrets that it stands for (`SecretsMasker.merge`).
pub(crate) fn with_secrets_of(new: Document, old: &Document) -> Document {
    match (new, old) {
        (Document::Object(fields), Document::Object(former)) => {
            let kept = |key: &str, value: Document| match former.iter().find(|(known, _)| known == key) {
                Some((_, old)) if is_sensitive(key) && hides(&value) => old.clone(),
                Some((_, old)) => with_secrets_of(value, old),
                None => value,
            };
            let field = |(key, value): (String, Document)| {
                let value = kept(&key, value);
                (key, value)
            };
            Document::Object(fields.into_iter().map(field).collect())
        }
        (Document::List(items), Document::List(former)) => {
            let former = former.iter().map(Some).chain(std::iter::repeat(None));
            let kept = |(item, old): (Document, Option<&Document>)| match old {
                Some(old) => with_secrets_of(item, old),
                None => item,
            };
            Document::List(items.into_iter().zip(former).map(kept).collect())
        }
        (new, _) => new,
    }
}

/// Is it what is shown in place of a secret, or does it have some of that in it?
fn hides(value: &Document) -> bool {
    match value {
        Document::Plain(value) => value.as_str() == Some(HIDDEN),
        Document::List(items) => items.iter().any(hides),
        Document::Object(fields) => fields.iter().any(|(_, value)| hides(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_under_the_name_of_a_secret_are_hidden() {
        let shown = redacted(json!({"sslmode": "require", "API_KEY": "k", "more": {"db_password": ["a", 1]}, "tokens": {"n": "x"}}));
        assert_eq!(shown, json!({"sslmode": "require", "API_KEY": "***", "more": {"db_password": ["***", 1]}, "tokens": {"n": "***"}}));
    }

    #[test]
    fn who_sends_back_what_was_shown_keeps_the_secrets() {
        let read = |text: &str| serde_json::from_str::<Document>(text).unwrap();
        let old = read(r#"{"sslmode": "require", "api_key": "k", "deep": {"password": "p", "n": 1}, "tokens": ["a", "b"]}"#);
        let new = read(r#"{"sslmode": "off", "deep": {"password": "***", "n": 2}, "api_key": "new", "tokens": ["***"], "note": "***"}"#);
        let expected = r#"{"sslmode": "off", "deep": {"password": "p", "n": 2}, "api_key": "new", "tokens": ["a", "b"], "note": "***"}"#;
        assert_eq!(with_secrets_of(new, &old), read(expected));
    }
}
