//! What a search may not name or compare, in the words that upstream has for the registry (mlflow/utils/search_utils.py
//! `SearchModelUtils`, `SearchModelVersionUtils`). Whatever passes here is read by the grammar, which refuses the rest.

use artel_platform::search::{Clause, Comparator, Grammar, Keys, OrderClause, Type};
use artel_platform::{Error, Result};

/// Names of keys as Python shows a set.
fn set(keys: &[(&str, &str, Type)]) -> String {
    let names: Vec<String> = keys.iter().map(|row| format!("'{}'", row.0)).collect();
    format!("{{{}}}", names.join(", "))
}

fn attributes(grammar: &Grammar) -> &'static [(&'static str, &'static str, Type)] {
    match grammar.entities[0].keys {
        Keys::Named(keys) => keys,
        Keys::Any(_) => &[],
    }
}

/// Fails for an attribute that is not there and for a comparison that its type does not have.
pub(super) fn filter(grammar: &Grammar, text: &str) -> Result<()> {
    let keys = attributes(grammar);
    for Clause { key, comparator, .. } in Clause::parse(text)? {
        if matches!(comparator, Comparator::IsNull | Comparator::IsNotNull) {
            continue;
        }
        let text = comparator.text();
        match key.scope.as_deref() {
            Some("tag" | "tags") if !Type::Text.comparators().contains(&comparator) => {
                return Err(Error::invalid(format!("Invalid comparator for tag: {text}")));
            }
            Some(_) => continue,
            None => {}
        }
        let Some((name, _, kind)) = keys.iter().find(|row| row.0 == key.name) else {
            return Err(Error::invalid(format!("Invalid attribute key '{}' specified. Valid keys are '{}'", key.name, set(keys))));
        };
        if kind.comparators().contains(&comparator) {
            continue;
        }
        return Err(Error::invalid(match (kind, &comparator) {
            (_, Comparator::In | Comparator::NotIn) => {
                let listed: Vec<String> = keys.iter().filter(|row| row.2 == Type::TextOrList).map(|row| format!("'{}'", row.0)).collect();
                format!("Only [{}] attributes support comparison with a list of quoted string values.", listed.join(", "))
            }
            (Type::Number, _) => format!("Invalid comparator for attribute {name}: {text}"),
            (_, _) => format!("Invalid comparator for attribute: {text}"),
        }));
    }
    Ok(())
}

/// Fails for an order by something that is not there; `what` upstream calls a key there.
pub(super) fn order_by(grammar: &Grammar, what: &str, clauses: &[String]) -> Result<()> {
    let keys = attributes(grammar);
    for text in clauses {
        let OrderClause { key, .. } = OrderClause::parse(text)?;
        let what = if key.scope.is_some() { "order by" } else { what };
        if key.scope.is_some() || !keys.iter().any(|row| row.0 == key.name) {
            let shown = key.scope.map_or_else(|| key.name.clone(), |scope| format!("{scope}.{}", key.name));
            return Err(Error::invalid(format!("Invalid {what} key '{shown}' specified. Valid keys are '{}'", set(keys))));
        }
    }
    Ok(())
}
