//! One `order_by` clause: a key, then ASC or DESC or nothing.

use super::filter::{Key, Reader};
use super::token::tokens;
use crate::error::{Error, Result};

/// An order as it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderClause {
    /// By what.
    pub key: Key,
    /// Smallest first?
    pub ascending: bool,
}

impl OrderClause {
    /// Reads `metrics.loss DESC`.
    pub fn parse(text: &str) -> Result<Self> {
        let unreadable = || Error::invalid(format!("Invalid order_by clause '{text}'. Could not be parsed."));
        let tokens = tokens(text).map_err(|_| unreadable())?;
        let mut reader = Reader { tokens: &tokens, next: 0 };
        let key = reader.key().map_err(|_| unreadable())?;
        let ascending = match reader.take() {
            None => true,
            Some(token) if token.is("ASC") => true,
            Some(token) if token.is("DESC") => false,
            Some(_) if reader.peek().is_none() => return Err(Error::invalid(format!("Invalid ordering key in order_by clause '{text}'."))),
            Some(_) => return Err(unreadable()),
        };
        if reader.peek().is_some() {
            return Err(unreadable());
        }
        Ok(Self { key, ascending })
    }
}
