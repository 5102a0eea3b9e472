//! Paging, ordering and patterns, as upstream's lists take them (airflow/api_fastapi/common/parameters.py).

use crate::store::{Filter, Page};
use artel_platform::{Error, Result};
use serde::Deserialize;
use utoipa::IntoParams;

/// Entries of a page unless told otherwise, and at most.
const DEFAULT_LIMIT: i64 = 50;
const MAX_LIMIT: i64 = 1000;

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
    /// makes the order total.
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
        parts.push(tie.to_owned());
        let limit = self.int("limit")?.unwrap_or(DEFAULT_LIMIT);
        let offset = self.int("offset")?.unwrap_or(0);
        if limit < 0 || offset < 0 {
            return Err(Error::invalid("limit and offset must not be negative"));
        }
        Ok(Page { limit: if limit == 0 { MAX_LIMIT } else { limit.min(MAX_LIMIT) }, offset, order: parts.join(", ") })
    }

    /// `{key}_pattern` (SQL LIKE, `~` for anything) and `{key}_prefix_pattern` on a column.
    pub(super) fn patterns(&self, filter: &mut Filter, key: &str, column: &str) {
        if let Some(pattern) = self.get(&format!("{key}_pattern")).filter(|p| *p != "~" && !p.is_empty()) {
            let inside = if pattern.contains('%') || pattern.contains('_') {
                pattern.to_lowercase()
            } else {
                format!("%{}%", pattern.to_lowercase())
            };
            filter.compare(&format!("LOWER({column})"), "LIKE", inside);
        }
        if let Some(prefix) = self.get(&format!("{key}_prefix_pattern")).filter(|p| !p.is_empty()) {
            let length = filter.arg(prefix.chars().count());
            filter.with(&format!("substr({column}, 1, CAST({length} AS INTEGER)) = {{}}"), prefix);
        }
    }

    /// `{key}_gte`, `_gt`, `_lte`, `_lt` on a column of times.
    pub(super) fn times(&self, filter: &mut Filter, key: &str, column: &str) -> Result<()> {
        for (suffix, operator) in [("gte", ">="), ("gt", ">"), ("lte", "<="), ("lt", "<")] {
            if let Some(text) = self.get(&format!("{key}_{suffix}")) {
                filter.compare(column, operator, crate::times::parse(text)?);
            }
        }
        Ok(())
    }
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
        assert_eq!((page.limit, page.offset, page.order.as_str()), (1000, 0, "run_after DESC NULLS LAST, run_id"));
        assert_eq!(query("").page(&order, "-dag_id", "run_id").unwrap().limit, 50);
        assert!(query("order_by=id; DROP").page(&order, "dag_id", "run_id").is_err());
        assert!(query("limit=-1").page(&order, "dag_id", "run_id").is_err());
    }
}
