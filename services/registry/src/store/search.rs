//! Searches as SQL.

use super::{model_versions, placeholders, registered_models};
use crate::stages;
use crate::validate::IS_PROMPT_TAG;
use artel_platform::db::{AssertSqlSafe, Db, Row, Value};
use artel_platform::identity::Visible;
use artel_platform::search::{Comparator, Condition, Keyset, Operand, Order};
use artel_platform::{Error, Result, args};
use artel_proto::mlflow::{ModelVersion, RegisteredModel};

/// One page of a search.
pub(crate) struct Page<'a> {
    pub(crate) workspace: &'a str,
    pub(crate) searched: Searchable<'a>,
    /// Keys are columns.
    pub(crate) orders: &'a [Order],
    /// The sort keys of the last row of the page before.
    pub(crate) after: Option<Vec<Value>>,
    pub(crate) limit: i64,
    /// What its page tokens are good for.
    pub(crate) description: String,
    /// The models that the caller may see.
    pub(crate) visible: &'a Visible,
}

/// The conditions of a search.
pub(crate) struct Searchable<'a> {
    /// Prompts are searched too.
    pub(crate) prompts: bool,
    /// About columns.
    pub(crate) attributes: Vec<&'a Condition>,
    /// About tags.
    pub(crate) tags: Vec<&'a Condition>,
}

/// A table and its tags.
struct Tables {
    table: &'static str,
    tags: &'static str,
    /// Which tags belong to a row `m`.
    belongs: &'static str,
}

const MODELS: Tables =
    Tables { table: "registered_models", tags: "registered_model_tags", belongs: "t.workspace = m.workspace AND t.name = m.name" };
const VERSIONS: Tables = Tables {
    table: "model_versions",
    tags: "model_version_tags",
    belongs: "t.workspace = m.workspace AND t.name = m.name AND t.version = m.version",
};

/// One model more than the page has, when there is one; and the sort keys of each.
pub(crate) async fn registered_models(db: &Db, page: &Page<'_>) -> Result<(Vec<RegisteredModel>, Vec<Vec<Value>>)> {
    rows(db, page, &MODELS, registered_models::COLUMNS, "", registered_models::read).await
}

/// One version more than the page has, when there is one; and the sort keys of each.
pub(crate) async fn model_versions(db: &Db, page: &Page<'_>) -> Result<(Vec<ModelVersion>, Vec<Vec<Value>>)> {
    rows(db, page, &VERSIONS, model_versions::COLUMNS, stages::DELETED, model_versions::read).await
}

async fn rows<T>(
    db: &Db,
    page: &Page<'_>,
    tables: &Tables,
    columns: &str,
    hidden_stage: &str,
    read: impl Fn(&Row) -> Result<T>,
) -> Result<(Vec<T>, Vec<Vec<Value>>)> {
    let mut values = args![page.workspace];
    let mut all = vec!["m.workspace = $1".to_owned()];
    if !hidden_stage.is_empty() {
        all.push(format!("m.current_stage <> {}", placeholders([hidden_stage], &mut values)));
    }
    conditions(&page.searched, tables, &mut all, &mut values)?;
    visible(page.visible, &mut all, &mut values)?;
    let mut keyset = Keyset::default();
    for order in page.orders {
        keyset.push(format!("m.{}", order.key), order.ascending);
    }
    if let Some(keys) = &page.after {
        let after = keyset.after(keys, &mut values);
        all.push(after.ok_or_else(|| Error::invalid("Invalid page token: it belongs to another search; start from the first page"))?);
    }
    let limit = placeholders([page.limit + 1], &mut values);
    let sql = format!(
        "SELECT {columns}, {} FROM {} m WHERE {} ORDER BY {} LIMIT {limit}",
        keyset.columns(),
        tables.table,
        all.join(" AND "),
        keyset.order_by()
    );
    let (mut found, mut keys) = (Vec::new(), Vec::new());
    for row in db.fetch_all(AssertSqlSafe(sql), values).await? {
        found.push(read(&row)?);
        keys.push(page.orders.iter().enumerate().map(|(i, order)| key(&row, i, &order.key)).collect::<Result<_>>()?);
    }
    Ok((found, keys))
}

/// Most names that one statement takes.
const MOST_NAMES: usize = 30_000;

fn visible(visible: &Visible, all: &mut Vec<String>, values: &mut Vec<Value>) -> Result<()> {
    let (word, names) = match visible {
        Visible::All => return Ok(()),
        Visible::Only(names) if names.is_empty() => {
            all.push("1 = 0".into());
            return Ok(());
        }
        Visible::Only(names) => ("IN", names),
        Visible::Except(names) => ("NOT IN", names),
    };
    if names.len() > MOST_NAMES {
        let count = names.len();
        return Err(Error::exhausted(format!("you have grants on {count} single models; ask for one grant on all of them instead")));
    }
    all.push(format!("m.name {word} ({})", placeholders(names, values)));
    Ok(())
}

fn key(row: &Row, place: usize, column: &str) -> Result<Value> {
    let name = format!("key{place}");
    if column == "name" { row.get::<String>(&name).map(Value::Text) } else { row.get::<i64>(&name).map(Value::Int) }
}

fn conditions(searched: &Searchable<'_>, tables: &Tables, all: &mut Vec<String>, values: &mut Vec<Value>) -> Result<()> {
    for condition in &searched.attributes {
        all.push(comparison(&format!("m.{}", condition.key), condition, values)?);
    }
    let mut keys: Vec<&str> = searched.tags.iter().map(|c| c.key.as_str()).collect();
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        let mut one = vec![tables.belongs.to_owned(), format!("t.key = {}", placeholders([key], values))];
        for condition in searched.tags.iter().filter(|c| c.key == key) {
            one.push(comparison("t.value", condition, values)?);
        }
        all.push(format!("EXISTS (SELECT 1 FROM {} t WHERE {})", tables.tags, one.join(" AND ")));
    }
    if !searched.prompts {
        let key = placeholders([IS_PROMPT_TAG], values);
        all.push(format!(
            "m.name NOT IN (SELECT p.name FROM {} p WHERE p.workspace = $1 AND p.key = {key} AND p.value = 'true')",
            tables.tags
        ));
    }
    Ok(())
}

fn comparison(column: &str, condition: &Condition, values: &mut Vec<Value>) -> Result<String> {
    let value = |values: &mut Vec<Value>| match &condition.value {
        Operand::Number(text) => Ok(placeholders([text.parse::<i64>().unwrap_or_default()], values)),
        Operand::Text(text) => Ok(placeholders([text], values)),
        Operand::List(items) => Ok(placeholders(items, values)),
        Operand::Bare(_) | Operand::Nothing => Err(Error::invalid(format!("nothing to compare '{}' with", condition.key))),
    };
    let place = value(values)?;
    Ok(match condition.comparator {
        Comparator::NotEqual => format!("{column} <> {place}"),
        Comparator::Like => format!("{column} LIKE {place}"),
        Comparator::ILike => format!("LOWER({column}) LIKE LOWER({place})"),
        Comparator::In => format!("{column} IN ({place})"),
        Comparator::NotIn => format!("{column} NOT IN ({place})"),
        ref other => format!("{column} {} {place}", other.text()),
    })
}
