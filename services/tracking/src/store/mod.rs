//! SQL, and nothing but SQL.

pub(crate) mod datasets;
pub(crate) mod experiments;
pub(crate) mod gc;
pub(crate) mod history;
pub(crate) mod journal;
mod leaf;
pub(crate) mod leaves;
pub(crate) mod logged_models;
pub(crate) mod metric_keys;
pub(crate) mod metrics;
pub(crate) mod permissions;
pub(crate) mod point;
pub(crate) mod runs;
pub(crate) mod sequences;
pub(crate) mod traces;
pub(crate) mod traces_spans;
pub(crate) mod values;
pub(crate) mod workspaces;

use artel_platform::db::{Dialect, Value};

/// `(…)` for an IN over a few values, which are added to `args`. Lists are filled up to a few sizes by repeating the
/// last value, so that the statement cache meets few texts.
pub(crate) fn in_list(values: impl IntoIterator<Item = Value>, args: &mut Vec<Value>) -> String {
    let start = args.len();
    args.extend(values);
    let count = args.len() - start;
    if count == 0 {
        return "(NULL)".into();
    }
    let last = args[args.len() - 1].clone();
    args.resize(start + count.next_power_of_two(), last);
    let mut sql = String::with_capacity(6 * (args.len() - start) + 2);
    for n in start + 1..=args.len() {
        sql.push_str(if n == start + 1 { "($" } else { ",$" });
        sql.push_str(&n.to_string());
    }
    sql.push(')');
    sql
}

/// `(…)` for an IN over any number of ids, as one value: one statement text for every number of them. As a table its
/// column is `id`.
pub(crate) fn in_ids(dialect: Dialect, ids: &[i64], args: &mut Vec<Value>) -> String {
    let listed: Vec<String> = ids.iter().map(i64::to_string).collect();
    let listed = listed.join(",");
    let placeholder = args.len() + 1;
    match dialect {
        Dialect::Sqlite => {
            args.push(format!("[{listed}]").into());
            format!("(SELECT value AS id FROM json_each(${placeholder}))")
        }
        Dialect::Postgres => {
            args.push(format!("{{{listed}}}").into());
            format!("(SELECT unnest(CAST(CAST(${placeholder} AS TEXT) AS BIGINT[])) AS id)")
        }
    }
}
