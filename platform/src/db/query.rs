//! Queries as values: what is asked, and what becomes of the rows. Several of them are one journey to SQLite and back.

use super::{Row, Value};
use crate::error::{Error, Result};
use sqlx::{SqlSafeStr, SqlStr};

/// A statement and its values.
pub type Asked = (SqlStr, Vec<Value>);
/// The rows of each statement, in order.
pub type Each = Vec<Vec<Row>>;

/// One `SELECT`, and what its answer means.
pub struct Query<T> {
    asked: Asked,
    read: Box<dyn FnOnce(Vec<Row>) -> Result<T> + Send>,
}

impl<T> Query<T> {
    fn new(sql: impl SqlSafeStr, args: Vec<Value>, read: impl FnOnce(Vec<Row>) -> Result<T> + Send + 'static) -> Self {
        Self { asked: (sql.into_sql_str(), args), read: Box::new(read) }
    }

    /// The only row of a query that always has one (an aggregate).
    pub fn one(sql: impl SqlSafeStr, args: Vec<Value>, read: impl FnOnce(&Row) -> Result<T> + Send + 'static) -> Self {
        Self::new(sql, args, |rows| read(rows.first().ok_or_else(|| Error::internal("a query that always has a row had none"))?))
    }
}

impl<T> Query<Vec<T>> {
    /// Every row.
    pub fn all(sql: impl SqlSafeStr, args: Vec<Value>, read: impl Fn(&Row) -> Result<T> + Send + 'static) -> Self {
        Self::new(sql, args, move |rows| rows.iter().map(read).collect())
    }
}

impl<T> Query<Option<T>> {
    /// The first row, if there is one. For what has at most a few: all of them are fetched.
    pub fn first(sql: impl SqlSafeStr, args: Vec<Value>, read: impl FnOnce(&Row) -> Result<T> + Send + 'static) -> Self {
        Self::new(sql, args, |rows| rows.first().map(read).transpose())
    }
}

/// One query or a tuple of them.
pub trait Queries {
    /// What they answer.
    type Answers;

    #[doc(hidden)]
    fn into_parts(self) -> (Vec<Asked>, impl FnOnce(Each) -> Result<Self::Answers>);
}

impl<T> Queries for Query<T> {
    type Answers = T;

    fn into_parts(self) -> (Vec<Asked>, impl FnOnce(Each) -> Result<T>) {
        (vec![self.asked], |answers| (self.read)(answers.into_iter().next().unwrap_or_default()))
    }
}

macro_rules! tuples {
    ($(($($query:ident: $answer:ident),+))+) => { $(
        impl<$($answer),+> Queries for ($(Query<$answer>,)+) {
            type Answers = ($($answer,)+);

            fn into_parts(self) -> (Vec<Asked>, impl FnOnce(Each) -> Result<Self::Answers>) {
                let ($($query,)+) = self;
                (vec![$($query.asked),+], |answers| {
                    let mut answers = answers.into_iter();
                    Ok(($(($query.read)(answers.next().unwrap_or_default())?,)+))
                })
            }
        }
    )+ };
}

tuples! {
    (a: A, b: B)
    (a: A, b: B, c: C)
    (a: A, b: B, c: C, d: D)
    (a: A, b: B, c: C, d: D, e: E)
}
