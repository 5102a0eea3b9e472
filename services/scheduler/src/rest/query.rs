//! Parameters of lists, as upstream takes them (airflow/api_fastapi/common/parameters.py).

use super::{batch, body};
use crate::store::Filter;
use crate::times;
use artel_platform::http::{Fault, UNPROCESSABLE};
use artel_platform::{Error, Result};
use serde_json::{Value, json};
use std::time::Duration;

/// Words for the state of what has none yet.
const NO_STATE: [&str; 2] = ["none", "no_status"];

/// Ends of ranges in names of parameters, and what they say in SQL.
pub(super) const BOUNDS: [(&str, &str); 4] = [("gte", ">="), ("gt", ">"), ("lte", "<="), ("lt", "<")];

/// The query of a request: values may come more than once.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn of(request: &actix_web::HttpRequest) -> Self {
        Self::read(request.query_string())
    }

    pub(super) fn read(text: &str) -> Self {
        Self(url::form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    /// The query that says this.
    pub(super) fn made<const N: usize>(said: [(&str, Option<String>); N]) -> Self {
        Self(said.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect())
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }

    /// Every value of a key; `a,b` is not split, as upstream does not.
    pub(super) fn all(&self, key: &str) -> Vec<String> {
        self.0.iter().filter(|(k, _)| k == key).map(|(_, v)| v.clone()).collect()
    }

    /// The value of a key, held against a schema.
    fn fitted(&self, key: &str, schema: &Value) -> Result<Option<Value>> {
        self.get(key).map(|text| body::held(text.into(), schema, &["query".into(), key.into()])).transpose()
    }

    pub(super) fn int(&self, key: &str) -> Result<Option<i64>> {
        Ok(self.fitted(key, &json!({"type": "integer"}))?.and_then(|number| number.as_i64()))
    }

    /// Which instance of a mapped task; -1 where it is not mapped.
    pub(super) fn map_index(&self) -> Result<Option<i64>> {
        Ok(self.fitted("map_index", &json!({"type": "integer", "minimum": -1}))?.and_then(|number| number.as_i64()))
    }

    /// A number of entries.
    pub(super) fn count(&self, key: &str) -> Result<Option<i64>> {
        Ok(self.fitted(key, &json!({"type": "integer", "minimum": 0}))?.and_then(|number| number.as_i64()))
    }

    /// A span that has to be given: a number of seconds above 0.
    pub(super) fn seconds(&self, key: &str) -> Result<Duration> {
        let seconds = self.fitted(key, &json!({"type": "number", "exclusiveMinimum": 0}))?.and_then(|seconds| seconds.as_f64());
        let seconds = seconds.ok_or_else(|| Error::from(Fault::of_query(key, "missing", "Field required")))?;
        Ok(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
    }

    /// One of a few words.
    pub(super) fn choice(&self, key: &str, words: &[&str]) -> Result<Option<&str>> {
        match self.get(key) {
            Some(word) if !words.contains(&word) => Err(Fault::of_query(key, "literal_error", body::should_be(words)).into()),
            word => Ok(word),
        }
    }

    /// A state, or another word of `words`.
    pub(super) fn word(&self, key: &str, words: &[&str]) -> Result<Option<Value>> {
        self.fitted(key, &json!({"type": "string", "enum": words}))
    }

    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>> {
        Ok(self.fitted(key, &json!({"type": "boolean"}))?.and_then(|truth| truth.as_bool()))
    }

    /// A text that a column is equal to; an empty one lets everything through (upstream's `FilterParam`).
    pub(super) fn equal(&self, filter: &mut Filter, key: &str, column: &str) {
        if let Some(text) = self.get(key).filter(|text| !text.is_empty()) {
            filter.compare(column, "=", text);
        }
    }

    /// A part of the text of a column in whatever case, with SQL's `%` and `_`; `~` for anything. `|` stands between alternatives.
    pub(super) fn search(&self, filter: &mut Filter, key: &str, column: &str) {
        if let Some(pattern) = self.get(key).filter(|p| *p != "~") {
            let parts = alternatives(pattern).into_iter().map(|part| format!("%{}%", part.to_lowercase()));
            filter.either(&format!("LOWER({column}) LIKE {{}}"), parts);
        }
    }

    /// `{key}_pattern` (see [`Query::search`]) and `{key}_prefix_pattern` (how the text begins) on a column; `|` stands between
    /// alternatives.
    pub(super) fn patterns(&self, filter: &mut Filter, key: &str, column: &str) {
        self.search(filter, &format!("{key}_pattern"), column);
        if let Some(prefix) = self.get(&format!("{key}_prefix_pattern")) {
            // as upstream: what is neither letter nor digit at the end of a prefix does not count
            let parts = alternatives(prefix).into_iter().map(|part| part.trim_end_matches(|c: char| !c.is_alphanumeric()));
            let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
            filter.either(&format!("substr({column}, 1, length({{}})) = {{}}"), parts);
        }
    }

    /// Any of the values of `key`, whole numbers.
    pub(super) fn ints(&self, filter: &mut Filter, key: &str, column: &str) -> Result<()> {
        let numbers =
            body::held(self.all(key).into(), &json!({"type": "array", "items": {"type": "integer"}}), &["query".into(), key.into()])?;
        let numbers: Vec<i64> = numbers.as_array().into_iter().flatten().filter_map(Value::as_i64).collect();
        filter.any_of(column, &numbers);
        Ok(())
    }

    /// Any of the words of `key`, which are those of `known` or of [`NO_STATE`]; anything else is refused as upstream does.
    pub(super) fn words(&self, filter: &mut Filter, key: &str, column: &str, known: &[&str]) -> Result<()> {
        let wanted = self.all(key);
        if wanted.iter().any(|word| !known.contains(&word.as_str()) && !NO_STATE.contains(&word.as_str())) {
            let what = key.rsplit_once("dag_run_").map_or(key, |(_, what)| what).replace('_', " ");
            let message = format!("Invalid value for {what}. Valid values are {}", known.join(", "));
            return Err(Error::invalid(message).reason(UNPROCESSABLE));
        }
        let words = wanted.into_iter().map(|word| if NO_STATE.contains(&word.as_str()) { Value::Null } else { word.into() });
        batch::any_of(filter, column, &words.collect());
        Ok(())
    }

    /// `duration_gte`, `_gt`, `_lte`, `_lt` in seconds.
    pub(super) fn durations(&self, filter: &mut Filter) -> Result<()> {
        for (suffix, operator) in BOUNDS {
            let key = format!("duration_{suffix}");
            if let Some(seconds) = self.fitted(&key, &json!({"type": "number"}))?.and_then(|seconds| seconds.as_f64()) {
                filter.compare("(end_date - start_date)", operator, seconds * 1000.0);
            }
        }
        Ok(())
    }

    /// [`Query::times`] of when something began or ended: what has not yet does it now (upstream's `NullableDatetimeRangeFilter`).
    pub(super) fn open_times(&self, filter: &mut Filter, key: &str, column: &str, now: i64) -> Result<()> {
        self.times(filter, key, &format!("COALESCE({column}, {now})"))
    }

    /// `{key}_gte`, `_gt`, `_lte`, `_lt` on a column of times.
    pub(super) fn times(&self, filter: &mut Filter, key: &str, column: &str) -> Result<()> {
        for (suffix, operator) in BOUNDS {
            if let Some(time) = self.time(&format!("{key}_{suffix}"))? {
                filter.compare(column, operator, time);
            }
        }
        Ok(())
    }

    /// A time.
    pub(super) fn time(&self, key: &str) -> Result<Option<i64>> {
        let time = self.fitted(key, &json!({"type": "string", "format": "date-time"}))?;
        time.map(|time| times::parse(time.as_str().unwrap_or_default())).transpose()
    }
}

/// The parts of a pattern between `|`; the pattern where there are none.
fn alternatives(pattern: &str) -> Vec<&str> {
    let parts: Vec<&str> = pattern.split('|').map(str::trim).filter(|part| !part.is_empty()).collect();
    if pattern.contains('|') && !parts.is_empty() { parts } else { vec![pattern] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Query {
        Query::read(text)
    }

    #[test]
    fn patterns_are_parts_of_texts_and_prefixes_begin_them() {
        let clause = |text: &str| {
            let mut filter = Filter::default();
            query(text).patterns(&mut filter, "dag_id", "dag_id");
            (filter.clause(), filter.args)
        };
        let of = |args: &[&str]| args.iter().map(|a| (*a).into()).collect::<Vec<crate::store::SqlValue>>();
        assert_eq!(clause("dag_id_pattern=My_dag"), ("WHERE (LOWER(dag_id) LIKE $1)".into(), of(&["%my_dag%"])));
        let two = "WHERE (LOWER(dag_id) LIKE $1 OR LOWER(dag_id) LIKE $2)";
        assert_eq!(clause("dag_id_pattern=a%7Cb"), (two.into(), of(&["%a%", "%b%"])));
        assert_eq!(clause("dag_id_pattern=~&dag_id_prefix_pattern=_"), (String::new(), vec![]));
        assert_eq!(clause("dag_id_prefix_pattern=Ab_"), ("WHERE (substr(dag_id, 1, length($1)) = $1)".into(), of(&["Ab"])));
    }
}
