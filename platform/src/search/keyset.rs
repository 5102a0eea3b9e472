//! "Everything after that row" in SQL, for any mix of directions.

use crate::db::Value;

/// One expression of an ORDER BY. It is never NULL: say `COALESCE` where its column can be.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// The expression.
    pub sql: String,
    /// Smallest first?
    pub ascending: bool,
}

/// A whole ORDER BY whose last term is unique.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Keyset(Vec<Term>);

impl Keyset {
    /// Orders next by this.
    pub fn push(&mut self, sql: impl Into<String>, ascending: bool) {
        self.0.push(Term { sql: sql.into(), ascending });
    }

    /// The terms in order.
    pub fn terms(&self) -> &[Term] {
        &self.0
    }

    /// The text after `ORDER BY`.
    pub fn order_by(&self) -> String {
        let terms: Vec<String> = self.0.iter().map(|t| format!("{} {}", t.sql, if t.ascending { "ASC" } else { "DESC" })).collect();
        terms.join(", ")
    }

    /// Each expression under the name `key0`, `key1`, …, for the select list.
    pub fn columns(&self) -> String {
        let terms: Vec<String> = self.0.iter().enumerate().map(|(i, t)| format!("{} AS key{i}", t.sql)).collect();
        terms.join(", ")
    }

    /// The condition for rows after the one with `keys`; adds its values to `args`.
    /// `None` when there are not as many keys as terms (a token of another search).
    pub fn after(&self, keys: &[Value], args: &mut Vec<Value>) -> Option<String> {
        if keys.len() != self.0.len() || keys.contains(&Value::Null) {
            return None;
        }
        let mut placeholders = Vec::new();
        for key in keys {
            args.push(key.clone());
            placeholders.push(format!("${}", args.len()));
        }
        let mut alternatives = Vec::new();
        for (i, term) in self.0.iter().enumerate() {
            let mut all: Vec<String> = (0..i).map(|j| format!("{} = {}", self.0[j].sql, placeholders[j])).collect();
            all.push(format!("{} {} {}", term.sql, if term.ascending { ">" } else { "<" }, placeholders[i]));
            alternatives.push(format!("({})", all.join(" AND ")));
        }
        Some(format!("({})", alternatives.join(" OR ")))
    }
}
