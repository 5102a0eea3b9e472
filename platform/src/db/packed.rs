//! Many rows as one value. Every row, and in it every value, has its own way from SQLite's thread, which costs several times
//! as much as reading it does: where a query reads hundreds of rows again and again, they come packed.

use super::{Query, Row, Value};
use crate::error::{Error, Result};
use sqlx::AssertSqlSafe;

impl<T> Query<Vec<T>> {
    /// Every row of `SELECT columns FROM from ORDER BY order`. Each column is text or a whole number, or NULL.
    pub fn packed(
        columns: &[&str],
        from: &str,
        order: &str,
        args: Vec<Value>,
        read: impl Fn(&mut Fields<'_>) -> Result<T> + Send + 'static,
    ) -> Self {
        // a length before each value: any text may be in it
        let field = |column: &&str| format!("COALESCE(octet_length(CAST({column} AS TEXT)) || ':' || {column}, '-')");
        let row: Vec<String> = columns.iter().map(field).collect();
        let sql = format!("SELECT COALESCE(string_agg({}, '' ORDER BY {order}), '') AS packed FROM {from}", row.join(" || "));
        Query::one(AssertSqlSafe(sql), args, move |row| unpack(row, read))
    }
}

fn unpack<T>(row: &Row, read: impl Fn(&mut Fields<'_>) -> Result<T>) -> Result<Vec<T>> {
    let packed: String = row.get("packed")?;
    let mut fields = Fields(&packed);
    let mut all = Vec::new();
    while !fields.0.is_empty() {
        all.push(read(&mut fields)?);
    }
    Ok(all)
}

/// The values of a row, in the order of its columns.
pub struct Fields<'a>(&'a str);

impl<'a> Fields<'a> {
    /// The next one, if it is not NULL.
    pub fn opt(&mut self) -> Result<Option<&'a str>> {
        if let Some(rest) = self.0.strip_prefix('-') {
            self.0 = rest;
            return Ok(None);
        }
        let parts = || {
            let (length, rest) = self.0.split_once(':')?;
            rest.split_at_checked(length.parse().ok()?)
        };
        let (value, rest) = parts().ok_or_else(|| Error::internal("a packed row cannot be read"))?;
        self.0 = rest;
        Ok(Some(value))
    }

    /// The next one, a text.
    pub fn text(&mut self) -> Result<String> {
        Ok(self.opt()?.ok_or_else(null)?.to_owned())
    }

    /// The next one, a number.
    pub fn int(&mut self) -> Result<i64> {
        self.opt_int()?.ok_or_else(null)
    }

    /// The next one, a number if it is not NULL.
    pub fn opt_int(&mut self) -> Result<Option<i64>> {
        let number = |text: &str| text.parse().map_err(|_| Error::internal(format!("a packed row has {text:?} where a number should be")));
        self.opt()?.map(number).transpose()
    }
}

fn null() -> Error {
    Error::internal("a packed row has no value where one should be")
}
