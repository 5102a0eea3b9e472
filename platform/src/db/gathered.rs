//! Statements whose outcome nobody looks at. They are gathered, and travel to the database with a later one.

use super::Value;
use super::query::Asked;
use sqlx::{AssertSqlSafe, SqlSafeStr};
use std::fmt::Write;

type Statement = (String, Vec<Value>);

/// Statements in the order in which they are to run.
#[derive(Default)]
pub(super) struct Gathered {
    waiting: Vec<Statement>,
    /// They were sent, and it is not known yet what became of them.
    on_their_way: bool,
}

impl Gathered {
    pub(super) fn push(&mut self, sql: impl Into<String>, args: Vec<Value>) {
        self.waiting.push((sql.into(), args));
    }

    /// Those of the other follow these.
    pub(super) fn append(&mut self, mut other: Self) {
        self.waiting.append(&mut other.waiting);
    }

    /// What was sent has been done.
    pub(super) fn arrived(&mut self) {
        self.on_their_way = false;
    }

    /// Was something sent that failed, or was it given up half way?
    pub(super) fn is_lost(&self) -> bool {
        self.on_their_way
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// `queries` with what waits before them, in one text: SQLite's statements share the values of a text. The first one's
    /// placeholders keep their numbers; only it may have anonymous ones.
    pub(super) fn before(&mut self, queries: impl IntoIterator<Item = Asked>) -> Asked {
        let mut queries = queries.into_iter();
        let Some((sql, mut values)) = queries.next() else { unreachable!("something is asked") };
        let mut rest = queries.peekable();
        if self.waiting.is_empty() && rest.peek().is_none() {
            return (sql, values);
        }
        self.on_their_way |= !self.waiting.is_empty();
        let mut text = String::new();
        for (sql, args) in self.waiting.drain(..) {
            let _ = write!(text, "{}; ", numbered_from(&sql, values.len()));
            values.extend(args);
        }
        text.push_str(sql.as_str());
        for (sql, args) in rest {
            let _ = write!(text, "; {}", numbered_from(sql.as_str(), values.len()));
            values.extend(args);
        }
        (AssertSqlSafe(text).into_sql_str(), values)
    }

    /// All of them in one text.
    pub(super) fn for_sqlite(mut self) -> Option<Asked> {
        let (sql, args) = self.waiting.pop()?;
        Some(self.before([(AssertSqlSafe(sql).into_sql_str(), args)]))
    }

    /// Each in a text of its own.
    pub(super) fn one_by_one(&mut self) -> Vec<Statement> {
        self.on_their_way |= !self.waiting.is_empty();
        std::mem::take(&mut self.waiting)
    }

    /// Texts that PostgreSQL takes: INSERTs that follow one another are one, in which none sees what another does.
    pub(super) fn for_postgres(self) -> Vec<Statement> {
        let mut groups: Vec<Vec<Statement>> = Vec::new();
        for statement in self.waiting {
            match groups.last_mut() {
                Some(group) if [&group[0], &statement].iter().all(|(sql, _)| sql.starts_with("INSERT")) => group.push(statement),
                _ => groups.push(vec![statement]),
            }
        }
        groups.into_iter().map(in_one).collect()
    }
}

/// `WITH gathered_0 AS (…), gathered_1 AS (…) …`
fn in_one(mut group: Vec<Statement>) -> Statement {
    let last = group.pop().unwrap_or_default();
    if group.is_empty() {
        return last;
    }
    let (mut text, mut values) = (String::new(), Vec::new());
    for (at, (sql, args)) in group.into_iter().enumerate() {
        let before = if at == 0 { "WITH" } else { "," };
        let _ = write!(text, "{before} gathered_{at} AS ({})", numbered_from(&sql, values.len()));
        values.extend(args);
    }
    text.push(' ');
    text.push_str(&numbered_from(&last.0, values.len()));
    values.extend(last.1);
    (text, values)
}

/// The statement with `$1` as `$n`, `n` being one more than `before`.
fn numbered_from(sql: &str, before: usize) -> String {
    let mut parts = sql.split('$');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        text.push('$');
        match part[..digits].parse::<usize>() {
            Ok(number) => drop(write!(text, "{}{}", number + before, &part[digits..])),
            Err(_) => text.push_str(part),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args;

    fn three() -> Gathered {
        let mut gathered = Gathered::default();
        gathered.push("UPDATE c SET last = last + $1", args![1]);
        gathered.push("INSERT INTO a (x, y) VALUES ($1, $2)", args!["x", "y"]);
        gathered.push("INSERT INTO b (z) VALUES ($1)", args!["z"]);
        gathered
    }

    #[test]
    fn placeholders_go_on_counting() {
        let (text, values) = three().for_sqlite().unwrap();
        assert_eq!(text.as_str(), "UPDATE c SET last = last + $2; INSERT INTO a (x, y) VALUES ($3, $4); INSERT INTO b (z) VALUES ($1)");
        assert_eq!(values, args!["z", 1, "x", "y"]);
        assert!(Gathered::default().for_sqlite().is_none());
    }

    #[test]
    fn queries_follow_what_waits_once() {
        let asked = |sql: &'static str, args| (sql.into_sql_str(), args);
        let mut gathered = Gathered::default();
        gathered.push("DELETE FROM a WHERE x = $1", args!["x"]);
        let (text, values) = gathered.before([asked("SELECT ?, ?", args![1, 2]), asked("SELECT $2, $1", args![3, 4])]);
        assert_eq!(text.as_str(), "DELETE FROM a WHERE x = $3; SELECT ?, ?; SELECT $5, $4");
        assert_eq!(values, args![1, 2, "x", 3, 4]);
        assert!(gathered.is_lost(), "as long as there is no answer");
        gathered.arrived();
        assert_eq!(gathered.before([asked("SELECT $1", args![1])]).0.as_str(), "SELECT $1");
        assert!(!gathered.is_lost());
    }

    #[test]
    fn only_inserts_share_a_text_of_postgresql() {
        let texts = three().for_postgres();
        assert_eq!(texts[0], ("UPDATE c SET last = last + $1".into(), args![1]));
        let inserts = "WITH gathered_0 AS (INSERT INTO a (x, y) VALUES ($1, $2)) INSERT INTO b (z) VALUES ($3)";
        assert_eq!(texts[1], (inserts.into(), args!["x", "y", "z"]));
        assert_eq!(texts.len(), 2);
    }
}
