//! Rows read alike from both engines.

use crate::error::{Error, Result};
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;

/// One row of a result.
pub enum Row {
    /// From SQLite.
    Sqlite(SqliteRow),
    /// From PostgreSQL.
    Postgres(PgRow),
}

/// A Rust type that a column can be read as.
pub trait Column: Sized {
    /// Reads the column called `name`; `None` where it is NULL.
    fn read(row: &Row, name: &str) -> sqlx::Result<Option<Self>>;
    /// Reads the column at a place, counted from 0.
    fn read_at(row: &Row, place: usize) -> sqlx::Result<Option<Self>>;
}

macro_rules! columns {
    ($($type:ty),+) => { $(impl Column for $type {
        fn read(row: &Row, name: &str) -> sqlx::Result<Option<Self>> {
            match row {
                // unchecked: SQLite columns have no strict types
                Row::Sqlite(row) => row.try_get_unchecked(name),
                Row::Postgres(row) => row.try_get(name),
            }
        }
        fn read_at(row: &Row, place: usize) -> sqlx::Result<Option<Self>> {
            match row {
                Row::Sqlite(row) => row.try_get_unchecked(place),
                Row::Postgres(row) => row.try_get(place),
            }
        }
    })+ };
}

columns!(i64, f64, String, Vec<u8>);

impl Column for bool {
    fn read(row: &Row, name: &str) -> sqlx::Result<Option<Self>> {
        if let Row::Postgres(row) = row
            && let Ok(value) = row.try_get::<Option<bool>, _>(name)
        {
            return Ok(value);
        }
        Ok(i64::read(row, name)?.map(|v| v != 0))
    }

    fn read_at(row: &Row, place: usize) -> sqlx::Result<Option<Self>> {
        Ok(i64::read_at(row, place)?.map(|v| v != 0))
    }
}

impl Row {
    /// The value of a column that is never NULL.
    pub fn get<T: Column>(&self, name: &str) -> Result<T> {
        self.opt(name)?.ok_or_else(|| Error::internal(format!("column {name} is NULL")))
    }

    /// The value of a column, or `None` where it is NULL.
    pub fn opt<T: Column>(&self, name: &str) -> Result<Option<T>> {
        T::read(self, name).map_err(|e| Error::internal(format!("column {name} cannot be read")).because(e))
    }

    /// The value of the column at `place` (counted from 0), which is never NULL: for results of very many rows.
    pub fn at<T: Column>(&self, place: usize) -> Result<T> {
        let value = T::read_at(self, place).map_err(|e| Error::internal(format!("column {place} cannot be read")).because(e))?;
        value.ok_or_else(|| Error::internal(format!("column {place} is NULL")))
    }
}
