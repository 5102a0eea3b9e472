//! Conditions on traces as SQL.

use super::Binds;
use super::grammar::{Condition, Subject};
use crate::traces::{SESSION, SOURCE_RUN, usage};
use artel_platform::Result;
use artel_platform::search::{Comparator, Operand};
use serde_json::Value;

/// Placeholders of what every trace of the search shares.
pub(super) struct Scope {
    pub(super) workspace: String,
    /// In parentheses.
    pub(super) experiments: String,
}

/// Every condition of a filter. Those on spans must hold for one span together.
pub(super) fn conditions(filter: &[Condition], scope: &Scope, binds: &mut Binds) -> Result<Vec<String>> {
    let mut all = Vec::with_capacity(filter.len());
    for condition in filter {
        if !on_spans(condition) {
            all.push(of_trace(condition, scope, binds)?);
        }
    }
    let of_spans = span_conditions(filter, binds)?;
    if filter.iter().any(on_spans) {
        let of_spans: String = of_spans.iter().map(|c| format!(" AND {c}")).collect();
        all.push(format!("EXISTS (SELECT 1 FROM spans s WHERE s.trace_id = t.trace_id{of_spans})"));
    }
    Ok(all)
}

fn on_spans(condition: &Condition) -> bool {
    matches!(condition.subject, Subject::Span(_) | Subject::SpanAttribute(_) | Subject::Content)
}

/// The conditions on spans that are no regular expressions, of a span `s`.
pub(super) fn span_conditions(filter: &[Condition], binds: &mut Binds) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for condition in filter.iter().filter(|c| on_spans(c) && c.pattern.is_none()) {
        let Condition { subject, comparator, value, .. } = condition;
        all.push(match subject {
            Subject::Span(column) => {
                let compared = binds.text(column, comparator, value)?;
                // a span without a type differs from none and equals none
                if *column == "s.type" { format!("({column} <> '' AND {compared})") } else { compared }
            }
            Subject::SpanAttribute(name) => attribute(name, comparator, value, binds)?,
            _ => content(comparator, value, binds)?,
        });
    }
    Ok(all)
}

fn content(comparator: &Comparator, value: &Operand, binds: &mut Binds) -> Result<String> {
    binds.text("s.content", comparator, value)
}

/// An attribute is a JSON text inside the JSON of its span.
fn attribute(name: &str, comparator: &Comparator, value: &Operand, binds: &mut Binds) -> Result<String> {
    let like = |text: String, binds: &mut Binds| binds.text("s.content", &Comparator::Like, &Operand::Text(text));
    let equals = |text: &str, binds: &mut Binds| -> Result<String> {
        let dumped = Value::from(Value::from(text).to_string()).to_string();
        let as_text = like(format!("%\"{name}\": {dumped}%"), binds)?;
        let as_number = like(format!("%\"{name}\": \"{text}\"%"), binds)?;
        Ok(format!("({as_text} OR {as_number})"))
    };
    let items = match value {
        Operand::Text(text) => std::slice::from_ref(text),
        Operand::List(items) => items,
        _ => &[],
    };
    match comparator {
        Comparator::Like | Comparator::ILike => {
            let pattern = Operand::Text(format!("%\"{name}\"{}%", items.first().map_or("", String::as_str)));
            binds.text("s.content", comparator, &pattern)
        }
        Comparator::Equal | Comparator::In => {
            let any = items.iter().map(|item| equals(item, binds)).collect::<Result<Vec<_>>>()?;
            Ok(format!("({})", any.join(" OR ")))
        }
        _ => {
            let there = like(format!("%\"{name}\": %"), binds)?;
            let any = items.iter().map(|item| equals(item, binds)).collect::<Result<Vec<_>>>()?;
            Ok(format!("({there} AND NOT ({}))", any.join(" OR ")))
        }
    }
}

fn of_trace(condition: &Condition, scope: &Scope, binds: &mut Binds) -> Result<String> {
    let Condition { subject, comparator, value, pattern } = condition;
    let null = match comparator {
        Comparator::IsNull => Some("IS NULL"),
        Comparator::IsNotNull => Some("IS NOT NULL"),
        _ => None,
    };
    Ok(match subject {
        Subject::Number(column) => binds.number(column, comparator, value)?,
        Subject::Text(column) => match null {
            Some(null) => format!("{column} {null}"),
            None if pattern.is_some() => format!("{column} IS NOT NULL"),
            None => binds.text(column, comparator, value)?,
        },
        Subject::Tag(key) => pair("trace_tags", key, condition, binds)?,
        Subject::Metadata(key) if key == SOURCE_RUN && *comparator == Comparator::Equal => {
            let linked = linked("run", value, binds)?;
            format!("({linked} OR {})", pair("trace_metadata", key, condition, binds)?)
        }
        Subject::Metadata(key) => pair("trace_metadata", key, condition, binds)?,
        Subject::Usage(key) => counted(key, comparator, value, binds),
        Subject::Prompt => linked("prompt", value, binds)?,
        Subject::Issue => {
            let name = binds.text("a.name", comparator, value)?;
            format!("EXISTS (SELECT 1 FROM assessments a WHERE a.trace_id = t.trace_id AND a.assessment_type = 'issue' AND {name})")
        }
        Subject::Assessment(kind, name) => assessed(kind, name, condition, scope, binds)?,
        Subject::Span(_) | Subject::SpanAttribute(_) | Subject::Content => "1 = 1".into(),
    })
}

fn linked(kind: &str, value: &Operand, binds: &mut Binds) -> Result<String> {
    let target = binds.text("l.target", &Comparator::Equal, value)?;
    Ok(format!("EXISTS (SELECT 1 FROM trace_links l WHERE l.trace_id = t.trace_id AND l.kind = '{kind}' AND {target})"))
}

fn pair(table: &str, key: &str, condition: &Condition, binds: &mut Binds) -> Result<String> {
    let probe = format!("SELECT 1 FROM {table} v WHERE v.trace_id = t.trace_id AND v.key = {}", binds.add(key));
    Ok(match condition.comparator {
        Comparator::IsNull => format!("NOT EXISTS ({probe})"),
        Comparator::IsNotNull => format!("EXISTS ({probe})"),
        _ if condition.pattern.is_some() => format!("EXISTS ({probe})"),
        _ => format!("EXISTS ({probe} AND {})", binds.text("v.value", &condition.comparator, &condition.value)?),
    })
}

/// Token usage and costs are kept as numbers: only the very text that they are told as equals them.
fn counted(key: &str, comparator: &Comparator, value: &Operand, binds: &mut Binds) -> String {
    let (columns, told): (&[&str], Option<String>) = match value {
        Operand::Text(text) if key == usage::TOKEN_USAGE => {
            let mut tokens = [None; 6];
            usage::read_tokens(text, &mut tokens);
            (&usage::TOKENS, usage::show_tokens(&tokens))
        }
        Operand::Text(text) => {
            let mut costs = [None; 3];
            usage::read_costs(text, &mut costs);
            (&usage::COSTS, usage::show_costs(&costs))
        }
        _ if key == usage::TOKEN_USAGE => (&usage::TOKENS, None),
        _ => (&usage::COSTS, None),
    };
    let any: Vec<String> = columns.iter().map(|c| format!("t.{c} IS NOT NULL")).collect();
    let any = format!("({})", any.join(" OR "));
    let Operand::Text(text) = value else {
        return if *comparator == Comparator::IsNull { format!("NOT {any}") } else { any };
    };
    let mut equal = "1 = 0".to_owned();
    if told.as_ref() == Some(text) {
        let told: Value = serde_json::from_str(text).unwrap_or_default();
        let mut all = Vec::with_capacity(columns.len());
        for column in columns {
            all.push(match (told[column].as_i64(), told[column].as_f64()) {
                (Some(count), _) => format!("t.{column} = {}", binds.add(count)),
                (None, Some(amount)) => format!("t.{column} = {}", binds.add(amount)),
                _ => format!("t.{column} IS NULL"),
            });
        }
        equal = format!("({})", all.join(" AND "));
    }
    if *comparator == Comparator::Equal { equal } else { format!("({any} AND NOT COALESCE({equal}, 1 = 0))") }
}

/// An assessment of the trace, or one of another trace that is about the session of both.
fn assessed(kind: &str, name: &str, condition: &Condition, scope: &Scope, binds: &mut Binds) -> Result<String> {
    let Condition { comparator, value, pattern, .. } = condition;
    let compared = match (comparator, value) {
        (Comparator::IsNull | Comparator::IsNotNull, _) => String::new(),
        _ if pattern.is_some() => String::new(),
        (Comparator::Equal | Comparator::NotEqual, Operand::Text(text)) => {
            let (bare, dumped) = (binds.add(text), binds.add(Value::from(text.as_str()).to_string()));
            let not = if *comparator == Comparator::NotEqual { "NOT " } else { "" };
            format!(" AND {not}(a.value = {bare} OR a.value = {dumped})")
        }
        (_, Operand::Number(_)) => format!(" AND {}", binds.real("a.number", comparator, value)?),
        _ => format!(" AND {}", binds.text("a.value", comparator, value)?),
    };
    let of = format!("a.assessment_type = '{kind}' AND a.name = {} AND a.valid = 1{compared}", binds.add(name));
    let direct = format!("EXISTS (SELECT 1 FROM assessments a WHERE a.trace_id = t.trace_id AND {of})");
    let told_of = binds.add(format!("%\"{SESSION}\":%"));
    let (workspace, experiments) = (&scope.workspace, &scope.experiments);
    let by_session = format!(
        "EXISTS (SELECT 1 FROM assessments a JOIN traces x ON x.trace_id = a.trace_id WHERE x.workspace = {workspace}
         AND x.experiment IN {experiments} AND x.session_id = t.session_id AND a.metadata LIKE {told_of} AND {of})"
    );
    let either = format!("({direct} OR {by_session})");
    Ok(if *comparator == Comparator::IsNull { format!("NOT {either}") } else { either })
}
