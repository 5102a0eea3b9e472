//! The query of a call: values may come more than once.

use artel_platform::{Error, Result};

/// Decoded pairs.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn parse(text: &str) -> Self {
        Self(url::form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }

    pub(super) fn all(&self, key: &str) -> Vec<String> {
        self.0.iter().filter(|(k, _)| k == key).map(|(_, v)| v.clone()).collect()
    }

    pub(super) fn required(&self, key: &str) -> Result<&str> {
        self.get(key).ok_or_else(|| Error::invalid(format!("the parameter {key} is missing")))
    }

    pub(super) fn int(&self, key: &str) -> Result<Option<i64>> {
        let number = |text: &str| text.parse().map_err(|_| Error::invalid(format!("the parameter {key} is no number: {text:?}")));
        self.get(key).filter(|v| !v.is_empty()).map(number).transpose()
    }

    pub(super) fn flag(&self, key: &str) -> bool {
        self.get(key).is_some_and(|v| matches!(v.to_ascii_lowercase().as_str(), "true" | "1" | "yes" | "on"))
    }

    /// Times, in milliseconds.
    pub(super) fn times(&self, key: &str) -> Result<Vec<i64>> {
        self.all(key).iter().map(|t| crate::times::parse(t)).collect()
    }
}
