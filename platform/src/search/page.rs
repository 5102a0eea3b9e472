//! Page tokens: opaque to the client, a place in an order to the server.

use crate::db::Value;
use crate::error::{Error, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The place of the last row of a page, good only for the search that made it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PageToken {
    /// Part of a hash of the search.
    #[serde(rename = "s")]
    search: String,
    /// Which of the search's parts the place is in.
    #[serde(rename = "p", default)]
    pub part: u32,
    #[serde(rename = "k")]
    keys: Vec<Place>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Place {
    #[serde(rename = "n")]
    Null,
    #[serde(rename = "i")]
    Int(i64),
    /// The bits of a real number: text would not keep every one of them.
    #[serde(rename = "r")]
    Real(u64),
    #[serde(rename = "t")]
    Text(String),
}

impl PageToken {
    /// A token for the row with these sort keys, in the search that `search` describes.
    pub fn new(search: &str, part: u32, keys: &[Value]) -> Self {
        let keys = keys.iter().map(|value| match value {
            Value::Int(v) => Place::Int(*v),
            Value::Real(v) => Place::Real(v.to_bits()),
            Value::Text(v) => Place::Text(v.clone()),
            Value::Null | Value::Bytes(_) => Place::Null,
        });
        Self { search: fingerprint(search), part, keys: keys.collect() }
    }

    /// As the client gets it.
    pub fn encode(&self) -> String {
        STANDARD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads a token back; `None` for none. Fails for one that is malformed or belongs to another search.
    pub fn decode(token: Option<&str>, search: &str) -> Result<Option<Self>> {
        let Some(token) = token.filter(|t| !t.is_empty()) else { return Ok(None) };
        let bytes = STANDARD.decode(token).map_err(|_| Error::invalid("Invalid page token, could not base64-decode"))?;
        let token: Self = serde_json::from_slice(&bytes)
            .map_err(|_| Error::invalid(format!("Invalid page token, decoded value={:?}", String::from_utf8_lossy(&bytes))))?;
        if token.search != fingerprint(search) {
            return Err(Error::invalid(
                "Invalid page token: it belongs to a search with another filter, order or place; start from the first page",
            ));
        }
        Ok(Some(token))
    }

    /// The sort keys, as they were.
    pub fn keys(&self) -> Vec<Value> {
        let value = |place: &Place| match place {
            Place::Null => Value::Null,
            Place::Int(v) => Value::Int(*v),
            Place::Real(v) => Value::Real(f64::from_bits(*v)),
            Place::Text(v) => Value::Text(v.clone()),
        };
        self.keys.iter().map(value).collect()
    }
}

fn fingerprint(search: &str) -> String {
    hex::encode(&Sha256::digest(search.as_bytes())[..6])
}
