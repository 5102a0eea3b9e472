//! What a search of traces may name (mlflow/utils/search_utils.py `SearchTraceUtils`).

use crate::traces::tags::TRACE_NAME;
use crate::traces::{SESSION, SOURCE_RUN, usage};
use artel_platform::search::{Clause, Comparator, Key, Operand, OrderClause};
use artel_platform::{Error, Result};
use regex::Regex;

/// What is compared or sorted by.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Subject {
    /// A column, by its expression, that holds a number.
    Number(&'static str),
    /// A column that holds a text, perhaps none.
    Text(&'static str),
    Tag(String),
    Metadata(String),
    /// `mlflow.trace.tokenUsage` or `mlflow.trace.cost`.
    Usage(&'static str),
    Prompt,
    /// A column of spans.
    Span(&'static str),
    SpanAttribute(String),
    Content,
    /// Kind and name.
    Assessment(&'static str, String),
    Issue,
}

/// One comparison.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    pub(super) subject: Subject,
    pub(super) comparator: Comparator,
    pub(super) value: Operand,
    /// Of `RLIKE`, which is not one of [`Comparator`]'s own.
    pub(super) pattern: Option<Regex>,
}

const NAME: &str = "t.trace_name";
const ATTRIBUTES: &[(&str, Subject)] = &[
    ("request_id", Subject::Text("t.trace_id")),
    ("timestamp", Subject::Number("t.timestamp_ms")),
    ("timestamp_ms", Subject::Number("t.timestamp_ms")),
    ("execution_time", Subject::Number("t.execution_time_ms")),
    ("execution_time_ms", Subject::Number("t.execution_time_ms")),
    ("end_time", Subject::Number("(t.timestamp_ms + COALESCE(t.execution_time_ms, 0))")),
    ("end_time_ms", Subject::Number("(t.timestamp_ms + COALESCE(t.execution_time_ms, 0))")),
    ("status", Subject::Text("t.status")),
    ("client_request_id", Subject::Text("t.client_request_id")),
    ("name", Subject::Text(NAME)),
    ("prompt", Subject::Prompt),
    ("text", Subject::Content),
];
const SCOPES: &[&str] =
    &["tag", "request_metadata", "attribute", "span", "feedback", "expectation", "issue", "tags", "attributes", "trace", "metadata"];

impl Subject {
    /// What a key of a filter or an order means.
    fn of(key: &Key) -> Result<Self> {
        let name = key.name.as_str();
        let scope = match key.scope.as_deref() {
            None | Some("attribute" | "attributes" | "trace") => "attribute",
            Some("tags") => "tag",
            Some("metadata") => "request_metadata",
            Some(scope) => SCOPES
                .iter()
                .find(|s| **s == scope)
                .ok_or_else(|| Error::invalid(format!("Invalid entity type '{scope}'. Valid values are {}", set(SCOPES.iter()))))?,
        };
        if scope == "span" {
            return span(name);
        }
        let known = ATTRIBUTES.iter().find(|row| row.0 == name).map(|row| row.1.clone());
        if scope == "attribute" && name != "run_id" && name != "experiment_id" && known.is_none() {
            let keys = set(ATTRIBUTES.iter().map(|row| &row.0).chain(&["run_id"]));
            return Err(Error::invalid(format!("Invalid attribute key '{name}' specified. Valid keys are '{keys}'")));
        }
        // these names mean the same in every scope but that of spans
        match name.to_ascii_lowercase().as_str() {
            "name" => return Ok(Self::Text(NAME)),
            "prompt" => return Ok(Self::Prompt),
            "run_id" => return Ok(Self::Metadata(SOURCE_RUN.into())),
            "text" => return Ok(Self::Content),
            _ => {}
        }
        Ok(match scope {
            "attribute" => known.unwrap_or(Self::Number("t.experiment")),
            "tag" if name == TRACE_NAME => Self::Text(NAME),
            "tag" if name == "mlflow.linkedPrompts" => Self::Prompt,
            "tag" => Self::Tag(name.into()),
            "request_metadata" if name == SESSION => Self::Text("t.session_id"),
            "request_metadata" if name == usage::TOKEN_USAGE => Self::Usage(usage::TOKEN_USAGE),
            "request_metadata" if name == usage::COST => Self::Usage(usage::COST),
            "request_metadata" => Self::Metadata(name.into()),
            "feedback" => Self::Assessment("feedback", name.into()),
            "expectation" => Self::Assessment("expectation", name.into()),
            _ if name == "id" => Self::Issue,
            _ => return Err(Error::invalid(format!("Invalid issue attribute '{name}'. Supported attributes: id"))),
        })
    }

    /// How it may be compared.
    fn comparators(&self) -> &'static [&'static str] {
        match self {
            Self::Number(_) => &["!=", "<", "<=", "=", ">", ">="],
            Self::Text(NAME | "t.session_id") | Self::Tag(_) | Self::Metadata(_) => {
                &["!=", "=", "ILIKE", "IS NOT NULL", "IS NULL", "LIKE", "RLIKE"]
            }
            Self::Text(_) | Self::Span(_) | Self::SpanAttribute(_) => &["!=", "=", "ILIKE", "IN", "LIKE", "NOT IN", "RLIKE"],
            Self::Usage(_) => &["!=", "=", "IS NOT NULL", "IS NULL"],
            Self::Prompt | Self::Issue => &["="],
            Self::Content => &["ILIKE", "LIKE"],
            Self::Assessment(..) => &["!=", "<", "<=", "=", ">", ">=", "ILIKE", "IS NOT NULL", "IS NULL", "LIKE", "RLIKE"],
        }
    }
}

/// As Python shows a set, sorted.
fn set<'a>(names: impl Iterator<Item = &'a &'a str>) -> String {
    let mut names: Vec<String> = names.map(|name| format!("'{name}'")).collect();
    names.sort_unstable();
    format!("{{{}}}", names.join(", "))
}

fn span(name: &str) -> Result<Subject> {
    if let Some(attribute) = name.strip_prefix("attributes.") {
        if attribute.is_empty() {
            return Err(Error::invalid("Span attribute name cannot be empty after 'attributes.'"));
        }
        return Ok(Subject::SpanAttribute(attribute.into()));
    }
    match name {
        "name" => Ok(Subject::Span("s.name")),
        "type" => Ok(Subject::Span("s.type")),
        "status" => Ok(Subject::Span("s.status")),
        "content" => Ok(Subject::Content),
        _ => Err(Error::invalid(format!(
            "Invalid span attribute '{name}'. Supported attributes: name, status, type, attributes.<attribute_name>."
        ))),
    }
}

/// Reads and checks a filter.
pub(super) fn filter(text: &str) -> Result<Vec<Condition>> {
    Clause::parse(text)?.into_iter().map(condition).collect()
}

fn condition(clause: Clause) -> Result<Condition> {
    let Clause { key, comparator, value } = clause;
    let subject = Subject::of(&key)?;
    let (sign, allowed) = (comparator.text(), subject.comparators());
    if !allowed.contains(&sign) {
        if subject == Subject::Prompt {
            return Err(Error::invalid(format!(
                "Invalid comparator '{sign}' for prompts filter. Only '=' is supported with format: prompt = \"name/version\""
            )));
        }
        return Err(Error::invalid(format!(
            "Invalid comparator '{sign}' for '{}' at position {}, not one of {allowed:?}",
            key.name, key.at
        )));
    }
    check_value(&subject, &key, &comparator, &value)?;
    let pattern = match (&comparator, &value) {
        (Comparator::Unknown(_), Operand::Text(text)) => Some(regex(&subject, text)?),
        _ => None,
    };
    Ok(Condition { subject, comparator, value, pattern })
}

fn check_value(subject: &Subject, key: &Key, comparator: &Comparator, value: &Operand) -> Result<()> {
    let ordered = matches!(comparator, Comparator::Less | Comparator::LessEqual | Comparator::Greater | Comparator::GreaterEqual);
    let number = matches!(subject, Subject::Number(_)) || (ordered && matches!(subject, Subject::Assessment(..)));
    let shown = match value {
        Operand::Number(text) | Operand::Bare(text) => text.clone(),
        Operand::Text(text) => format!("'{text}'"),
        Operand::List(items) => format!("{items:?}"),
        Operand::Nothing => String::new(),
    };
    match value {
        Operand::Number(_) if number => Ok(()),
        _ if number => Err(Error::invalid(format!(
            "Expected a numeric value for {} when using comparator '{}'. Got value {shown}",
            key.name,
            comparator.text()
        ))),
        Operand::Text(text) if *subject == Subject::Prompt && text.matches('/').count() != 1 => {
            Err(Error::invalid(format!("Invalid prompts filter value '{text}'. Expected format: prompt = \"name/version\"")))
        }
        Operand::Text(_) | Operand::Nothing => Ok(()),
        Operand::List(_) if matches!(comparator, Comparator::In | Comparator::NotIn) => Ok(()),
        Operand::Bare(text) => Err(Error::invalid(format!(
            "Parameter value is either not quoted or unidentified quote types used for string value {text}. Use either single or double quotes."
        ))),
        _ => Err(Error::invalid(format!("Expected a quoted string value for {} (e.g. 'my-value'). Got value {shown}", key.name))),
    }
}

/// The pattern of an `RLIKE`. Attributes of spans are looked for in the JSON of the span.
fn regex(subject: &Subject, text: &str) -> Result<Regex> {
    let pattern = match subject {
        Subject::SpanAttribute(name) => {
            let (prefix, rest) = text.strip_prefix('^').map_or((r#""\\".*"#, text), |rest| (r#""\\""#, rest));
            let (rest, suffix) = rest.strip_suffix('$').map_or((rest, ""), |rest| (rest, r#"\\""#));
            format!("\"{}\": {prefix}{rest}{suffix}", regex::escape(name))
        }
        _ => text.to_owned(),
    };
    Regex::new(&pattern).map_err(|e| Error::invalid(format!("'{text}' is no regular expression: {e}")))
}

/// Reads and checks an order; each key may come once.
pub(super) fn order_by(clauses: &[String]) -> Result<Vec<(Subject, bool)>> {
    let mut orders: Vec<(Subject, bool)> = Vec::with_capacity(clauses.len());
    for text in clauses {
        let clause = OrderClause::parse(text)?;
        let subject = Subject::of(&clause.key)?;
        match &subject {
            Subject::Number(_) | Subject::Text(_) | Subject::Tag(_) | Subject::Metadata(_) => {}
            Subject::Usage(key) => {
                return Err(Error::invalid(format!(
                    "Ordering by reserved metadata '{key}' is not supported because it is represented by multiple columns."
                )));
            }
            _ => return Err(Error::invalid(format!("Invalid order_by entity in '{text}'"))),
        }
        if orders.iter().any(|(known, _)| *known == subject) {
            return Err(Error::invalid(format!("`order_by` contains duplicate fields: {clauses:?}")));
        }
        orders.push((subject, clause.ascending));
    }
    Ok(orders)
}
