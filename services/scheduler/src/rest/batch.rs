//! What the routes that list by a body of filters have in common.

use super::body;
use super::query::{BOUNDS, Query};
use crate::store::{Filter, Page};
use crate::times;
use artel_platform::Result;
use artel_platform::http::Fault;
use serde_json::Value;

/// A body of filters: what one kind of thing is found by, beside its page and the bounds that all of them have. A filter that is left
/// out lets everything through.
macro_rules! batch_body {
    ($(#[$meta:meta])* $name:ident { $($own:tt)* }) => {
        #[derive(serde::Deserialize, utoipa::ToSchema)]
        $(#[$meta])*
        #[serde(deny_unknown_fields)]
        #[allow(dead_code, reason = "pages and bounds are read as they were sent")]
        pub(super) struct $name {
            $($own)*
            order_by: Option<String>,
            #[schema(minimum = 0)]
            page_offset: Option<i64>,
            /// 100 unless given, at most 1000.
            #[schema(minimum = 0)]
            page_limit: Option<i64>,
            #[schema(value_type = Option<crate::rest::body::Aware>)]
            run_after_gte: Option<String>,
            #[schema(value_type = Option<crate::rest::body::Aware>)]
            run_after_gt: Option<String>,
            #[schema(value_type = Option<crate::rest::body::Aware>)]
            run_after_lte: Option<String>,
            #[schema(value_type = Option<crate::rest::body::Aware>)]
            run_after_lt: Option<String>,
            #[schema(value_type = Option<crate::rest::body::Aware>)]
            logical_date_gte: Option<String>,
            #[schema(value_type = Option<crate::rest::body::Aware>)]
            logical_date_gt: Option<String>,
            #[schema(value_type = Option<crate::rest::body::Aware>)]
            logical_date_lte: Option<String>,
            #[schema(value_type = Option<crate::rest::body::Aware>)]
            logical_date_lt: Option<String>,
            #[schema(value_type = Option<crate::rest::body::Aware>)]
            start_date_gte: Option<String>,
            #[schema(value_type = Option<crate::rest::body::Aware>)]
            start_date_gt: Option<String>,
            #[schema(value_type = Option<crate::rest::body::Aware>)]
            start_date_lte: Option<String>,
            #[schema(value_type = Option<crate::rest::body::Aware>)]
            start_date_lt: Option<String>,
            #[schema(value_type = Option<crate::rest::body::Aware>)]
            end_date_gte: Option<String>,
            #[schema(value_type = Option<crate::rest::body::Aware>)]
            end_date_gt: Option<String>,
            #[schema(value_type = Option<crate::rest::body::Aware>)]
            end_date_lte: Option<String>,
            #[schema(value_type = Option<crate::rest::body::Aware>)]
            end_date_lt: Option<String>,
            /// Seconds.
            duration_gte: Option<f64>,
            duration_gt: Option<f64>,
            duration_lte: Option<f64>,
            duration_lt: Option<f64>,
        }
    };
}
pub(super) use batch_body;

/// Entries of a page unless told otherwise.
const DEFAULT_LIMIT: i64 = 100;

/// `{field}_gte`, `_gt`, `_lte`, `_lt` of times and of durations in seconds; each field with its column.
/// What has not begun or ended does it `now`.
pub(super) fn bounds(filter: &mut Filter, sent: &Value, columns: &[(&str, &str)], now: i64) -> Result<()> {
    for (field, column) in columns {
        let open = matches!(*field, "start_date" | "end_date");
        let column = if open { &format!("COALESCE({column}, {now})") } else { *column };
        for (suffix, operator) in BOUNDS {
            match &sent[format!("{field}_{suffix}")] {
                Value::String(time) => filter.compare(column, operator, times::parse(time)?),
                Value::Number(seconds) => filter.compare(column, operator, seconds.as_f64().unwrap_or_default() * 1000.0),
                _ => {}
            }
        }
    }
    Ok(())
}

/// These routes have `~` in their path, and name DAGs and runs in the body.
pub(super) fn only_any(given: &[(&str, &str)]) -> Result<()> {
    let fault = |field: &str| Fault { kind: "literal_error", place: vec!["path".into(), field.into()], message: body::should_be(&["~"]) };
    let faults: Vec<Fault> = given.iter().filter(|(_, given)| *given != "~").map(|(field, _)| fault(field)).collect();
    if faults.is_empty() { Ok(()) } else { Err(faults.into()) }
}

/// Any of the words of a list, where null stands for none at all.
pub(super) fn any_of(filter: &mut Filter, column: &str, wanted: &Value) {
    let mut each = Vec::new();
    for word in wanted.as_array().into_iter().flatten() {
        each.push(match word.as_str() {
            None => format!("{column} IS NULL"),
            Some(word) => format!("{column} = {}", filter.arg(word)),
        });
    }
    if !each.is_empty() {
        filter.that(format!("({})", each.join(" OR ")));
    }
}

/// `order_by`, `page_limit` and `page_offset`; for the first two see [`Query::page`].
pub(super) fn page(sent: &Value, order: &[(&str, &str)], tie: &str) -> Result<Page> {
    let given = |field: &str| match &sent[field] {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let query = Query::made([
        ("order_by", given("order_by")),
        ("limit", given("page_limit").or(Some(DEFAULT_LIMIT.to_string()))),
        ("offset", given("page_offset")),
    ]);
    query.page(order, "id", tie)
}
