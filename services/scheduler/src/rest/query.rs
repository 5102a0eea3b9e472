//! Paging, ordering and patterns, as upstream's lists take them (airflow/api_fastapi/common/parameters.py).

use crate::store::{Filter, Page};
use artel_platform::{Error, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use utoipa::IntoParams;

/// Entries of a page unless told otherwise, and at most.
const DEFAULT_LIMIT: i64 = 50;
const MAX_LIMIT: i64 = 1000;

/// Before the number in a cursor.
const CURSOR: &str = "after ";
/// Ends of ranges in names of parameters, and what they say in SQL.
const BOUNDS: [(&str, &str); 4] = [("gte", ">="), ("gt", ">"), ("lte", "<="), ("lt", "<")];

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

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }

    /// Every value of a key; `a,b` is not split, as upstream does not.
    pub(super) fn all(&self, key: &str) -> Vec<String> {
        self.0.iter().filter(|(k, _)| k == key).map(|(_, v)| v.clone()).collect()
    }

    pub(super) fn int(&self, key: &str) -> Result<Option<i64>> {
        let number = |text: &str| text.parse().map_err(|_| Error::invalid(format!("{key} is no whole number: {text:?}")));
        self.get(key).map(number).transpose()
    }

    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>> {
        self.get(key)
            .map(|text| match text.to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => Ok(true),
                "false" | "0" | "no" | "off" => Ok(false),
                _ => Err(Error::invalid(format!("{key} is neither true nor false: {text:?}"))),
            })
            .transpose()
    }

    /// `order` maps what may be ordered by to SQL expressions; `default` is one of its keys, perhaps with `-`; `tie`
    /// makes the order total, in the direction of what comes first (upstream's `SortParam`).
    pub(super) fn page(&self, order: &[(&str, &str)], default: &str, tie: &str) -> Result<Page> {
        let mut wanted = self.all("order_by");
        if wanted.is_empty() {
            wanted.push(default.to_owned());
        }
        let mut parts = Vec::new();
        for field in &wanted {
            let (name, direction) = field.strip_prefix('-').map_or((field.as_str(), "ASC"), |name| (name, "DESC"));
            let found = order.iter().find(|o| o.0 == name).ok_or_else(|| {
                let known: Vec<&str> = order.iter().map(|o| o.0).collect();
                Error::invalid(format!(
                    "Ordering with '{name}' is disallowed or the attribute does not exist; there are {}",
                    known.join(", ")
                ))
            })?;
            let nulls = if direction == "ASC" { "NULLS FIRST" } else { "NULLS LAST" };
            parts.push(format!("{} {direction} {nulls}", found.1));
        }
        let direction = if wanted[0].starts_with('-') { " DESC" } else { "" };
        parts.extend(tie.split(", ").map(|column| format!("{column}{direction}")));
        let limit = self.int("limit")?.unwrap_or(DEFAULT_LIMIT);
        let offset = match self.cursor()? {
            Some(offset) => offset,
            None => self.int("offset")?.unwrap_or(0),
        };
        if limit < 0 || offset < 0 {
            return Err(Error::invalid("limit and offset must not be negative"));
        }
        Ok(Page { limit: if limit == 0 { MAX_LIMIT } else { limit.min(MAX_LIMIT) }, offset, order: parts.join(", ") })
    }

    /// How many entries come before what a cursor points at. Who pages by cursors begins with an empty one.
    fn cursor(&self) -> Result<Option<i64>> {
        let Some(cursor) = self.get("cursor") else { return Ok(None) };
        if cursor.is_empty() {
            return Ok(Some(0));
        }
        let text = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let before = text.as_deref().and_then(|text| text.strip_prefix(CURSOR)?.parse().ok()).filter(|before: &i64| *before >= 0);
        before.map(Some).ok_or_else(|| Error::invalid("Invalid cursor token"))
    }

    /// Cursors to the next and to the previous page, for who pages by them.
    pub(super) fn cursors(&self, page: &Page, total: i64) -> (Option<String>, Option<String>) {
        if self.get("cursor").is_none() {
            return (None, None);
        }
        let to = |before: i64| URL_SAFE_NO_PAD.encode(format!("{CURSOR}{before}"));
        let next = page.offset.saturating_add(page.limit);
        ((next < total).then(|| to(next)), (page.offset > 0).then(|| to((page.offset - page.limit).max(0))))
    }

    /// `{key}_pattern` (a part of the text in whatever case, with SQL's `%` and `_`; `~` for anything) and
    /// `{key}_prefix_pattern` (how the text begins) on a column; `|` stands between alternatives.
    pub(super) fn patterns(&self, filter: &mut Filter, key: &str, column: &str) {
        if let Some(pattern) = self.get(&format!("{key}_pattern")).filter(|p| *p != "~") {
            let parts = alternatives(pattern).into_iter().map(|part| format!("%{}%", part.to_lowercase()));
            filter.either(&format!("LOWER({column}) LIKE {{}}"), parts);
        }
        if let Some(prefix) = self.get(&format!("{key}_prefix_pattern")) {
            // as upstream: what is neither letter nor digit at the end of a prefix does not count
            let parts = alternatives(prefix).into_iter().map(|part| part.trim_end_matches(|c: char| !c.is_alphanumeric()));
            let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
            filter.either(&format!("substr({column}, 1, length({{}})) = {{}}"), parts);
        }
    }

    /// Any of the values of `key`, whole numbers.
    pub(super) fn ints(&self, filter: &mut Filter, key: &str, column: &str) -> Result<()> {
        let number = |text: &String| text.parse::<i64>().map_err(|_| Error::invalid(format!("{key} is no whole number: {text:?}")));
        let numbers = self.all(key).iter().map(number).collect::<Result<Vec<_>>>()?;
        filter.any_of(column, &numbers);
        Ok(())
    }

    /// `duration_gte`, `_gt`, `_lte`, `_lt` in seconds.
    pub(super) fn durations(&self, filter: &mut Filter) -> Result<()> {
        for (suffix, operator) in BOUNDS {
            let key = format!("duration_{suffix}");
            if let Some(text) = self.get(&key) {
                let seconds = text.parse().ok().filter(|seconds: &f64| seconds.is_finite());
                let seconds = seconds.ok_or_else(|| Error::invalid(format!("{key} is no number: {text:?}")))?;
                filter.compare("(end_date - start_date)", operator, seconds * 1000.0);
            }
        }
        Ok(())
    }

    /// `{key}_gte`, `_gt`, `_lte`, `_lt` on a column of times.
    pub(super) fn times(&self, filter: &mut Filter, key: &str, column: &str) -> Result<()> {
        for (suffix, operator) in BOUNDS {
            let key = format!("{key}_{suffix}");
            if let Some(text) = self.get(&key) {
                let at = crate::times::parse(text).map_err(|e| Error::new(e.code, format!("{key}: {}", e.message)))?;
                filter.compare(column, operator, at);
            }
        }
        Ok(())
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
        assert_eq!((offset, next), (4, None));
        assert!(of("cursor=nonsense").is_err());
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
