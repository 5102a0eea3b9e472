//! What is a secret by its name (airflow/_shared/secrets_masker `DEFAULT_SENSITIVE_FIELDS`).

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

/// Is this the name of a secret?
pub(crate) fn is_sensitive(name: &str) -> bool {
    let lower = name.to_lowercase();
    SENSITIVE.iter().any(|word| lower.contains(word))
}

/// JSON without the texts that stand under the name of a secret.
pub(crate) fn redacted(value: Value) -> Value {
    redact(value, false)
}

fn redact(value: Value, hidden: bool) -> Value {
    match value {
        Value::String(_) if hidden => "***".into(),
        Value::Array(items) => items.into_iter().map(|item| redact(item, hidden)).collect(),
        Value::Object(items) => items
            .into_iter()
            .map(|(key, item)| {
                let hidden = hidden || is_sensitive(&key);
                (key, redact(item, hidden))
            })
            .collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::redacted;
    use serde_json::json;

    #[test]
    fn texts_under_the_name_of_a_secret_are_hidden() {
        let shown = redacted(json!({"sslmode": "require", "API_KEY": "k", "more": {"db_password": ["a", 1]}, "tokens": {"n": "x"}}));
        assert_eq!(shown, json!({"sslmode": "require", "API_KEY": "***", "more": {"db_password": ["***", 1]}, "tokens": {"n": "***"}}));
    }
}
