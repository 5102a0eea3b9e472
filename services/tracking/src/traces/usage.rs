//! Tokens and costs of a trace: the sums over its spans, and how they are told (mlflow/store/tracking/utils/trace_analytics.py,
//! mlflow/tracing/utils `_aggregate_from_nodes`).

use artel_platform::python;
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};

/// Metadata under which the tokens of a trace are told.
pub(crate) const TOKEN_USAGE: &str = "mlflow.trace.tokenUsage";
/// Metadata under which its costs are told.
pub(crate) const COST: &str = "mlflow.trace.cost";

/// What is counted, in upstream's order; the first three are always part of a sum.
pub(crate) const TOKENS: [&str; 6] = [
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "cache_creation_input_tokens_above_1hr",
];
/// What is paid, in US dollars.
pub(crate) const COSTS: [&str; 3] = ["input_cost", "output_cost", "total_cost"];

/// Counts of [`TOKENS`].
pub(crate) type Tokens = [Option<i64>; 6];
/// Amounts of [`COSTS`].
pub(crate) type Costs = [Option<f64>; 3];

/// What one span says of itself, and where it hangs.
pub(crate) struct Node {
    pub(crate) span_id: String,
    /// Empty for the root.
    pub(crate) parent: String,
    pub(crate) tokens: Option<Map<String, Value>>,
    pub(crate) costs: Option<Map<String, Value>>,
}

/// The sum over the topmost spans that say anything: what a span says includes what its children say.
pub(crate) fn sum_tokens(nodes: &[Node]) -> Option<Tokens> {
    let told = topmost(nodes, |node| node.tokens.as_ref());
    let mut sum: Tokens = [None; 6];
    for (n, key) in TOKENS.iter().enumerate() {
        let mut counts = told.iter().filter_map(|one| one.get(*key)).map(|v| count(v).unwrap_or_default()).peekable();
        if n < 3 || counts.peek().is_some() {
            sum[n] = Some(counts.sum());
        }
    }
    (!told.is_empty()).then_some(sum)
}

/// The same for costs.
pub(crate) fn sum_costs(nodes: &[Node]) -> Option<Costs> {
    let told = topmost(nodes, |node| node.costs.as_ref());
    let sum = COSTS.map(|key| Some(told.iter().filter_map(|one| one.get(key)).filter_map(amount).sum()));
    (!told.is_empty()).then_some(sum)
}

fn topmost<'a>(nodes: &'a [Node], told: impl Fn(&'a Node) -> Option<&'a Map<String, Value>>) -> Vec<&'a Map<String, Value>> {
    let known: HashSet<&str> = nodes.iter().map(|n| n.span_id.as_str()).collect();
    let mut children: HashMap<&str, Vec<&'a Node>> = HashMap::new();
    let mut waiting: Vec<&'a Node> = Vec::new();
    for node in nodes {
        if known.contains(node.parent.as_str()) && node.parent != node.span_id {
            children.entry(&node.parent).or_default().push(node);
        } else {
            waiting.push(node);
        }
    }
    let mut found = Vec::new();
    while let Some(node) = waiting.pop() {
        match told(node) {
            Some(own) => found.push(own),
            None => waiting.extend(children.remove(node.span_id.as_str()).unwrap_or_default()),
        }
    }
    found
}

/// A whole number of tokens; `None` for anything else.
pub(crate) fn count(value: &Value) -> Option<i64> {
    match value {
        Value::Number(n) => n.as_i64().or_else(|| n.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < 9.2e18).map(|f| f as i64)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// An amount of money; `None` for what is no finite number.
pub(crate) fn amount(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(n) => n.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|n| n.is_finite())
}

/// Takes over what a metadata value says; keys that it does not name stay.
pub(crate) fn read_tokens(text: &str, tokens: &mut Tokens) {
    let Ok(Value::Object(told)) = serde_json::from_str(text) else { return };
    for (key, slot) in TOKENS.iter().zip(tokens) {
        if let Some(value) = told.get(*key) {
            *slot = count(value);
        }
    }
}

/// The same for costs.
pub(crate) fn read_costs(text: &str, costs: &mut Costs) {
    let Ok(Value::Object(told)) = serde_json::from_str(text) else { return };
    for (key, slot) in COSTS.iter().zip(costs) {
        if let Some(value) = told.get(*key) {
            *slot = amount(value);
        }
    }
}

/// Tokens as a metadata value; `None` where there are none.
pub(crate) fn show_tokens(tokens: &Tokens) -> Option<String> {
    show(TOKENS.iter().zip(tokens.iter().map(|n| n.map(Value::from))))
}

/// Costs as a metadata value.
pub(crate) fn show_costs(costs: &Costs) -> Option<String> {
    show(COSTS.iter().zip(costs.iter().map(|n| n.map(Value::from))))
}

fn show<'a>(pairs: impl Iterator<Item = (&'a &'a str, Option<Value>)>) -> Option<String> {
    let told: indexmap::IndexMap<&str, Value> = pairs.filter_map(|(key, value)| Some((*key, value?))).collect();
    (!told.is_empty()).then(|| python::dumps(&told))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn node(span_id: &str, parent: &str, tokens: Value) -> Node {
        Node { span_id: span_id.into(), parent: parent.into(), tokens: tokens.as_object().cloned(), costs: None }
    }

    #[test]
    fn a_parent_that_counts_includes_its_children() {
        let usage = |n: i64| json!({"input_tokens": n, "output_tokens": 1, "total_tokens": n + 1});
        let nodes = [
            node("root", "", Value::Null),
            node("a", "root", usage(10)),
            node("b", "a", usage(4)),
            node("c", "root", json!({"input_tokens": 5, "cache_read_input_tokens": 2})),
            node("stray", "elsewhere", usage(1)),
        ];
        assert_eq!(sum_tokens(&nodes), Some([Some(16), Some(2), Some(13), Some(2), None, None]));
        assert_eq!(sum_tokens(&nodes[..1]), None);
        assert_eq!(sum_costs(&nodes), None);
    }

    #[test]
    fn they_are_told_as_json_in_order() {
        let mut tokens = [None; 6];
        read_tokens(r#"{"output_tokens": 2.0, "input_tokens": 1, "total_tokens": "x"}"#, &mut tokens);
        assert_eq!(show_tokens(&tokens).unwrap(), r#"{"input_tokens": 1, "output_tokens": 2}"#);
        assert_eq!(show_costs(&[None; 3]), None);
        assert_eq!(show_costs(&[Some(0.5), None, Some(1.0)]).unwrap(), r#"{"input_cost": 0.5, "total_cost": 1.0}"#);
    }
}
