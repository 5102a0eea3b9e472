//! Secrets are taken out of log lines. What counts as one is upstream's rule (airflow_shared/secrets_masker).

use crate::sensitive::is_sensitive;
use serde_json::Value;

/// Shorter values would mask half of every line.
const SHORTEST: usize = 5;
const MASK: &str = "***";

/// The secrets of one task.
#[derive(Default)]
pub(super) struct Masker {
    /// Longest first, so that a secret inside a longer one leaves no rest.
    secrets: Vec<String>,
}

impl Masker {
    /// Takes note of a value; with a name only when the name is that of a secret. Maps give their keys as names.
    pub(super) fn add(&mut self, value: &Value, name: Option<&str>) {
        match value {
            Value::String(text) if name.is_none_or(is_sensitive) => self.add_text(text),
            Value::Array(items) => items.iter().for_each(|item| self.add(item, name)),
            Value::Object(items) => {
                for (key, item) in items {
                    self.add(item, if name.is_none_or(is_sensitive) && name.is_some() { None } else { Some(key) });
                }
            }
            _ => {}
        }
    }

    fn add_text(&mut self, text: &str) {
        let inside_json = serde_json::to_string(text).map(|t| t.trim_matches('"').to_owned()).unwrap_or_default();
        for secret in [text.to_owned(), inside_json] {
            if secret.len() >= SHORTEST && !self.secrets.contains(&secret) {
                self.secrets.push(secret);
            }
        }
        self.secrets.sort_by_key(|s| std::cmp::Reverse(s.len()));
    }

    /// The line with every known secret replaced.
    pub(super) fn apply(&self, line: String) -> String {
        self.secrets
            .iter()
            .fold(line, |line, secret| if line.contains(secret.as_str()) { line.replace(secret.as_str(), MASK) } else { line })
    }
}

#[cfg(test)]
mod tests {
    use super::Masker;
    use serde_json::json;

    #[test]
    fn only_secrets_are_masked() {
        let mut masker = Masker::default();
        masker.add(&json!("plainly"), Some("colour"));
        masker.add(&json!("hunter2!"), Some("db_password"));
        masker.add(&json!("quote\"d-one"), None);
        masker.add(&json!({"user": "ada-lovelace", "token": ["tok-12345"]}), Some("extra"));
        masker.add(&json!("abc"), None);
        let line = r#"plainly hunter2! quote\"d-one ada-lovelace tok-12345 abc"#.to_owned();
        assert_eq!(masker.apply(line), "plainly *** *** ada-lovelace *** abc");
    }
}
