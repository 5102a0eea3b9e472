//! Paging, ordering and patterns, as upstream's lists take them (airflow/api_fastapi/common/parameters.py).

use super::{batch, body};
use crate::store::{Filter, Page};
use crate::times;
use artel_platform::http::{Fault, UNPROCESSABLE};
use artel_platform::{Error, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;
use utoipa::IntoParams;

/// Entries of a page unless told otherwise, and at most.
const DEFAULT_LIMIT: i64 = 50;
const MAX_LIMIT: i64 = 1000;
/// Fields that a list can be ordered by at once.
const MAX_FIELDS: usize = 10;

/// Words for the state of what has none yet.
const NO_STATE: [&str; 2] = ["none", "no_status"];

/// Before the number in a cursor, and before the order that the number is counted in.
const CURSOR: &str = "after ";
const IN_ORDER: &str = " in ";
/// Who pages by cursors is told of so many entries at most (upstream's `bounded_total_entries`).
const COUNTED: i64 = 50_000;
/// Ends of ranges in names of parameters, and what they say in SQL.
pub(super) const BOUNDS: [(&str, &str); 4] = [("gte", ">="), ("gt", ">"), ("lte", "<="), ("lt", "<")];

/// The query of a request: values may come more than once.
pub(super) struct Query(Vec<(String, String)>);

/// Paging and order of a list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)]
pub(super) struct Paging {
    /// Entries of a page, 50 unless given, at most 1000.
    limit: Option<i64>,
    /// Entries to pass over.
    offset: Option<i64>,
    /// A field to order by, with `-` in front from the end; more than one by repeating.
    order_by: Option<Vec<String>>,
}

impl Query {
    pub(super) fn of(request: &actix_web::HttpRequest) -> Self {
        Self(url::form_urlencoded::parse(request.query_string().as_bytes()).into_owned().collect())
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
    fn count(&self, key: &str) -> Result<Option<i64>> {
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

    /// `order` maps what may be ordered by to SQL expressions, several with `; ` between; `default` is one of its keys, perhaps with `-`; `tie`
    /// makes the order total, in the direction of what comes first (upstream's `SortParam`).
    pub(super) fn page(&self, order: &[(&str, &str)], default: &str, tie: &str) -> Result<Page> {
        let mut wanted = self.all("order_by");
        if wanted.is_empty() {
            wanted.push(default.to_owned());
        }
        if wanted.len() > MAX_FIELDS {
            let given: Vec<String> = wanted.iter().map(|field| format!("'{field}'")).collect();
            return Err(Error::invalid(format!(
                "Ordering with more than {MAX_FIELDS} parameters is not allowed. Provided: [{}]",
                given.join(", ")
            )));
        }
        let mut parts = Vec::new();
        for field in &wanted {
            let (name, direction) = field.strip_prefix('-').map_or((field.as_str(), "ASC"), |name| (name, "DESC"));
            let found = order.iter().find(|o| o.0 == name).ok_or_else(|| no_order(name))?;
            let nulls = if direction == "ASC" { "NULLS FIRST" } else { "NULLS LAST" };
            parts.extend(found.1.split("; ").map(|column| format!("{column} {direction} {nulls}")));
        }
        let direction = if wanted[0].starts_with('-') { " DESC" } else { "" };
        parts.extend(tie.split(", ").map(|column| format!("{column}{direction}")));
        let (limit, offset) = (self.count("limit")?.unwrap_or(DEFAULT_LIMIT), self.count("offset")?.unwrap_or(0));
        let order = parts.join(", ");
        let offset = self.cursor(&order)?.unwrap_or(offset);
        Ok(Page { limit: limit.min(MAX_LIMIT), offset, order })
    }

    /// How many entries come before what a cursor points at. Who pages by cursors begins with an empty one, and goes on in the
    /// same order.
    fn cursor(&self, order: &str) -> Result<Option<i64>> {
        let Some(cursor) = self.get("cursor") else { return Ok(None) };
        if cursor.is_empty() {
            return Ok(Some(0));
        }
        let text = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let parts = text.as_deref().and_then(|text| text.strip_prefix(CURSOR)?.split_once(IN_ORDER));
        let read = parts.and_then(|(before, of)| Some((before.parse().ok()?, of))).filter(|(before, _): &(i64, _)| *before >= 0);
        match read {
            Some((before, of)) if of == order => Ok(Some(before)),
            Some(_) => Err(Error::invalid("Cursor token does not match current query shape")),
            None => Err(Error::invalid("Invalid cursor token")),
        }
    }

    /// How many entries a list says it has, and the most that it would: without cursors there is no such limit.
    pub(super) fn counted(&self, total: i64) -> (i64, Option<i64>) {
        if self.get("cursor").is_some() { (total.min(COUNTED), Some(COUNTED)) } else { (total, None) }
    }

    /// Cursors to the next and to the previous page, for who pages by them.
    pub(super) fn cursors(&self, page: &Page, total: i64) -> (Option<String>, Option<String>) {
        if self.get("cursor").is_none() {
            return (None, None);
        }
        let to = |before: i64| URL_SAFE_NO_PAD.encode(format!("{CURSOR}{before}{IN_ORDER}{}", page.order));
        let next = page.offset.saturating_add(page.limit);
        ((next < total).then(|| to(next)), (page.offset > 0).then(|| to((page.offset - page.limit).max(0))))
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

/// Upstream's word for what a list cannot be ordered by.
pub(super) fn no_order(name: &str) -> Error {
    Error::invalid(format!("Ordering with '{name}' is disallowed or the attribute does not exist on the model"))
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
        Query(url::form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    #[test]
    fn pages_are_limited_and_ordered_by_known_fields_only() {
        let order = [("dag_id", "dag_id"), ("run_after", "run_after")];
        let page = query("limit=5000&order_by=-run_after").page(&order, "dag_id", "run_id").unwrap();
        assert_eq!((page.limit, page.offset, page.order.as_str()), (1000, 0, "run_after DESC NULLS LAST, run_id DESC"));
        assert_eq!(query("").page(&order, "-dag_id", "run_id").unwrap().limit, 50);
        assert!(query("order_by=id; DROP").page(&order, "dag_id", "run_id").is_err());
        assert!(query("limit=-1").page(&order, "dag_id", "run_id").is_err());
    }

    #[test]
    fn cursors_lead_from_page_to_page() {
        let of = |text: &str| query(text).page(&[("id", "id")], "id", "id").map(|page| (page.offset, query(text).cursors(&page, 5)));
        assert_eq!(of("limit=2&offset=4").unwrap(), (4, (None, None)));
        let (offset, (next, previous)) = of("limit=2&cursor=&offset=4").unwrap();
        assert_eq!((offset, previous), (0, None));
        let (offset, (next, previous)) = of(&format!("limit=2&cursor={}", next.unwrap())).unwrap();
        assert_eq!((offset, of(&format!("limit=2&cursor={}", previous.unwrap())).unwrap().0), (2, 0));
        let (offset, (next, _)) = of(&format!("limit=2&cursor={}", next.unwrap())).unwrap();
        assert_eq!((offset, next.as_ref()), (4, None));
        assert!(of("cursor=nonsense").is_err());
        let (_, (next, _)) = of("limit=2&cursor=").unwrap();
        let error = of(&format!("limit=2&order_by=-id&cursor={}", next.unwrap())).unwrap_err();
        assert_eq!(error.message, "Cursor token does not match current query shape");
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
