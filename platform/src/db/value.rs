//! Values of placeholders, bound alike on both engines.

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgArguments, PgTypeInfo};
use sqlx::sqlite::SqliteArguments;
use sqlx::{Encode, Postgres, SqlSafeStr, Sqlite, Type};

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// No value, of any type.
    Null,
    /// A whole number, a time in milliseconds, or 0/1.
    Int(i64),
    /// A real number. SQLite stores NaN as NULL: do not send it one.
    Real(f64),
    /// Text.
    Text(String),
    /// Bytes (column type BYTEA).
    Bytes(Vec<u8>),
}

macro_rules! from {
    ($($source:ty => |$v:ident| $value:expr;)+) => { $(
        impl From<$source> for Value { fn from($v: $source) -> Self { $value } }
    )+ };
}

from! {
    i64 => |v| Value::Int(v);
    i32 => |v| Value::Int(i64::from(v));
    u32 => |v| Value::Int(i64::from(v));
    usize => |v| Value::Int(v as i64);
    bool => |v| Value::Int(i64::from(v));
    f64 => |v| Value::Real(v);
    &str => |v| Value::Text(v.to_owned());
    String => |v| Value::Text(v);
    &String => |v| Value::Text(v.clone());
    Vec<u8> => |v| Value::Bytes(v);
    &[u8] => |v| Value::Bytes(v.to_vec());
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

/// NULL whose type PostgreSQL infers from where it stands.
struct Unspecified;

impl Type<Postgres> for Unspecified {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(0))
    }
}

impl Encode<'_, Postgres> for Unspecified {
    fn encode_by_ref(&self, _: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Ok(IsNull::Yes)
    }
}

pub(super) fn sqlite(sql: impl SqlSafeStr, args: Vec<Value>) -> sqlx::query::Query<'static, Sqlite, SqliteArguments> {
    args.into_iter().fold(sqlx::query(sql), |query, value| match value {
        Value::Null => query.bind(None::<i64>),
        Value::Int(v) => query.bind(v),
        Value::Real(v) => query.bind(v),
        Value::Text(v) => query.bind(v),
        Value::Bytes(v) => query.bind(v),
    })
}

pub(super) fn postgres(sql: impl SqlSafeStr, args: Vec<Value>) -> sqlx::query::Query<'static, Postgres, PgArguments> {
    args.into_iter().fold(sqlx::query(sql), |query, value| match value {
        Value::Null => query.bind(Unspecified),
        Value::Int(v) => query.bind(v),
        Value::Real(v) => query.bind(v),
        Value::Text(v) => query.bind(v),
        Value::Bytes(v) => query.bind(v),
    })
}
