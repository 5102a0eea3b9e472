//! Searches: checked filters and orders turned into SQL, page by page.

mod experiments;
mod logged_models;
mod narrow;
mod runs;
pub(crate) mod traces;

use artel_platform::db::Value;
use artel_platform::search::{Comparator, Operand};
use artel_platform::{Error, Result};
use artel_proto::mlflow::ViewType;

/// One page of a search.
pub(crate) struct Page<T> {
    /// Its rows.
    pub(crate) rows: Vec<T>,
    /// For the next page, where there is one.
    pub(crate) next: Option<String>,
}

/// The stages of life that a view shows.
pub(crate) fn stages(view: Option<i32>) -> &'static [&'static str] {
    match view.and_then(|v| ViewType::try_from(v).ok()) {
        Some(ViewType::DeletedOnly) => &["deleted"],
        Some(ViewType::All) => &["active", "deleted"],
        Some(ViewType::ActiveOnly) | None => &["active"],
    }
}

/// A statement's values while its text is made.
#[derive(Default)]
struct Binds(Vec<Value>);

impl Binds {
    /// Adds a value; returns its placeholder.
    fn add(&mut self, value: impl Into<Value>) -> String {
        self.0.push(value.into());
        format!("${}", self.0.len())
    }

    /// `(…)` for an IN.
    fn list<V: Into<Value>>(&mut self, values: impl IntoIterator<Item = V>) -> String {
        crate::store::in_list(values.into_iter().map(Into::into), &mut self.0)
    }

    /// `column comparator value` for texts.
    fn text(&mut self, column: &str, comparator: &Comparator, value: &Operand) -> Result<String> {
        Ok(match (comparator, value) {
            (Comparator::Like, Operand::Text(text)) => format!("{column} LIKE {}", self.add(pattern(text))),
            (Comparator::ILike, Operand::Text(text)) => format!("LOWER({column}) LIKE {}", self.add(pattern(&text.to_lowercase()))),
            (Comparator::In, Operand::List(items)) => format!("{column} IN {}", self.list(items)),
            (Comparator::NotIn, Operand::List(items)) => format!("{column} NOT IN {}", self.list(items)),
            (_, Operand::Text(text) | Operand::Bare(text) | Operand::Number(text)) => {
                format!("{column} {} {}", sign(comparator)?, self.add(text))
            }
            _ => return Err(unfit(comparator)),
        })
    }

    /// `column comparator value` for whole numbers.
    fn number(&mut self, column: &str, comparator: &Comparator, value: &Operand) -> Result<String> {
        let Operand::Number(text) = value else { return Err(unfit(comparator)) };
        let placeholder = match text.parse::<i64>() {
            Ok(whole) => self.add(whole),
            Err(_) => self.add(real(text)?),
        };
        Ok(format!("{column} {} {placeholder}", sign(comparator)?))
    }

    /// `column comparator value` for real numbers.
    fn real(&mut self, column: &str, comparator: &Comparator, value: &Operand) -> Result<String> {
        let Operand::Number(text) = value else { return Err(unfit(comparator)) };
        let number = real(text)?;
        Ok(format!("{column} {} {}", sign(comparator)?, self.add(number)))
    }
}

/// A backslash is an ordinary character to SQLite, and an escape to PostgreSQL unless doubled. SQLite has no pattern
/// for a lone backslash that both read alike, so it matches any one character: wider, never narrower.
fn pattern(text: &str) -> String {
    text.replace('\\', "_")
}

fn real(text: &str) -> Result<f64> {
    text.parse().map_err(|_| Error::invalid(format!("'{text}' is not a number")))
}

fn sign(comparator: &Comparator) -> Result<&'static str> {
    Ok(match comparator {
        Comparator::Equal => "=",
        Comparator::NotEqual => "<>",
        Comparator::Less => "<",
        Comparator::LessEqual => "<=",
        Comparator::Greater => ">",
        Comparator::GreaterEqual => ">=",
        other => return Err(unfit(other)),
    })
}

fn unfit(comparator: &Comparator) -> Error {
    Error::invalid(format!("Invalid comparator '{}' for this value", comparator.text()))
}
