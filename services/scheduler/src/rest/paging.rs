//! Pages of lists and their order, as upstream's lists take them (airflow/api_fastapi/common/parameters.py `SortParam`,
//! common/cursors.py).

use super::query::Query;
use crate::store::Page;
use artel_platform::{Error, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use utoipa::IntoParams;

/// Entries of a page unless told otherwise, and at most.
const DEFAULT_LIMIT: i64 = 50;
const MAX_LIMIT: i64 = 1000;
/// Fields that a list can be ordered by at once.
const MAX_FIELDS: usize = 10;

/// Before the number in a cursor, and before the order that the number is counted in.
const CURSOR: &str = "after ";
const IN_ORDER: &str = " in ";
/// Who pages by cursors is told of so many entries at most (upstream's `bounded_total_entries`).
const COUNTED: i64 = 50_000;

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
    /// `order` maps what may be ordered by to SQL expressions, several with `; ` between; `default` is one of its keys, perhaps with
    /// `-`; `tie` makes the order total, in the direction of what comes first (upstream's `SortParam`).
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
        let offset = self.cursor()?.unwrap_or(offset);
        Ok(Page { limit: limit.min(MAX_LIMIT), offset, order })
    }

    /// How many entries come before what a cursor points at. Who pages by cursors begins with an empty one, and goes on in the
    /// same order.
    fn cursor(&self) -> Result<Option<i64>> {
        let Some(cursor) = self.get("cursor") else { return Ok(None) };
        if cursor.is_empty() {
            return Ok(Some(0));
        }
        let text = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let parts = text.as_deref().and_then(|text| text.strip_prefix(CURSOR)?.split_once(IN_ORDER));
        let read = parts.and_then(|(before, of)| Some((before.parse().ok()?, of))).filter(|(before, _): &(i64, _)| *before >= 0);
        match read {
            Some((before, of)) if of == self.ordered() => Ok(Some(before)),
            Some(_) => Err(Error::invalid("Cursor token does not match current query shape")),
            None => Err(Error::invalid("Invalid cursor token")),
        }
    }

    /// In what order the list was asked for.
    fn ordered(&self) -> String {
        self.all("order_by").join(" ")
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
        let to = |before: i64| URL_SAFE_NO_PAD.encode(format!("{CURSOR}{before}{IN_ORDER}{}", self.ordered()));
        let next = page.offset.saturating_add(page.limit);
        ((next < total).then(|| to(next)), (page.offset > 0).then(|| to((page.offset - page.limit).max(0))))
    }
}

/// Upstream's word for what a list cannot be ordered by.
pub(super) fn no_order(name: &str) -> Error {
    Error::invalid(format!("Ordering with '{name}' is disallowed or the attribute does not exist on the model"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Query {
        Query::read(text)
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
}
