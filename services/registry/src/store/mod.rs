//! SQL of the registry.

pub(crate) mod aliases;
pub(crate) mod deliveries;
pub(crate) mod model_versions;
pub(crate) mod registered_models;
pub(crate) mod search;
pub(crate) mod tags;
pub(crate) mod webhooks;
pub(crate) mod workspaces;

use artel_platform::db::Value;

/// How many values one IN list has.
const IN_LIST: usize = 500;

/// `$n, $n+1, …` for `values`, which are added to `args`.
pub(crate) fn placeholders(values: impl IntoIterator<Item = impl Into<Value>>, args: &mut Vec<Value>) -> String {
    let mut places = Vec::new();
    for value in values {
        args.push(value.into());
        places.push(format!("${}", args.len()));
    }
    places.join(", ")
}
