//! Statements whose outcome nobody looks at. They are gathered, and travel to the database together.

use super::Value;
use std::fmt::Write;

type Statement = (String, Vec<Value>);

/// Statements in the order in which they are to run.
#[derive(Default)]
pub(super) struct Along(Vec<Statement>);

impl Along {
    pub(super) fn push(&mut self, sql: impl Into<String>, args: Vec<Value>) {
        self.0.push((sql.into(), args));
    }

    /// All of them in one text: SQLite's statements share the values of a text.
    pub(super) fn for_sqlite(self) -> Option<Statement> {
        self.0.into_iter().reduce(|(mut text, mut values), (sql, args)| {
            text.push_str("; ");
            text.push_str(&numbered_from(&sql, values.len()));
            values.extend(args);
            (text, values)
        })
    }

    /// Texts that PostgreSQL takes: INSERTs that follow one another are one, in which none sees what another does.
    pub(super) fn for_postgres(self) -> Vec<Statement> {
        let mut groups: Vec<Vec<Statement>> = Vec::new();
        for statement in self.0 {
            match groups.last_mut() {
                Some(group) if [&group[0], &statement].iter().all(|(sql, _)| sql.starts_with("INSERT")) => group.push(statement),
                _ => groups.push(vec![statement]),
            }
        }
        groups.into_iter().map(in_one).collect()
    }
}

/// `WITH along_0 AS (…), along_1 AS (…) …`
fn in_one(mut group: Vec<Statement>) -> Statement {
    let last = group.pop().unwrap_or_default();
    if group.is_empty() {
        return last;
    }
    let (mut text, mut values) = (String::new(), Vec::new());
    for (at, (sql, args)) in group.into_iter().enumerate() {
        let before = if at == 0 { "WITH" } else { "," };
        let _ = write!(text, "{before} along_{at} AS ({})", numbered_from(&sql, values.len()));
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

    fn three() -> Along {
        let mut along = Along::default();
        along.push("UPDATE c SET last = last + $1", args![1]);
        along.push("INSERT INTO a (x, y) VALUES ($1, $2)", args!["x", "y"]);
        along.push("INSERT INTO b (z) VALUES ($1)", args!["z"]);
        along
    }

    #[test]
    fn placeholders_go_on_counting() {
        let (text, values) = three().for_sqlite().unwrap();
        assert_eq!(text, "UPDATE c SET last = last + $1; INSERT INTO a (x, y) VALUES ($2, $3); INSERT INTO b (z) VALUES ($4)");
        assert_eq!(values, args![1, "x", "y", "z"]);
        assert_eq!(Along::default().for_sqlite(), None);
    }

    #[test]
    fn only_inserts_share_a_text_of_postgresql() {
        let texts = three().for_postgres();
        assert_eq!(texts[0], ("UPDATE c SET last = last + $1".into(), args![1]));
        let inserts = "WITH along_0 AS (INSERT INTO a (x, y) VALUES ($1, $2)) INSERT INTO b (z) VALUES ($3)";
        assert_eq!(texts[1], (inserts.into(), args!["x", "y", "z"]));
        assert_eq!(texts.len(), 2);
    }
}
