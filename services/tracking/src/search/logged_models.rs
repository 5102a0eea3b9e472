//! Searching logged models.

use super::{Binds, Page};
use crate::store::logged_models as store;
use crate::{Tracking, validate};
use artel_platform::db::{AssertSqlSafe, Row, Value};
use artel_platform::search::{Condition, Entity, Grammar, Keys, Keyset, Operand, PageToken, Type};
use artel_platform::{Error, Result};
use artel_proto::json::EnumName;
use artel_proto::mlflow::search_logged_models::{Dataset, OrderBy};
use artel_proto::mlflow::{LoggedModel, LoggedModelStatus, SearchLoggedModels};

const ATTRIBUTES: &[(&str, &str, Type)] = &[
    ("model_id", "model_id", Type::TextOrList),
    ("experiment_id", "experiment", Type::TextOrList),
    ("name", "name", Type::TextOrList),
    ("model_type", "model_type", Type::TextOrList),
    ("status", "status", Type::TextOrList),
    ("source_run_id", "source_run_id", Type::TextOrList),
    ("artifact_location", "artifact_location", Type::TextOrList),
    ("lifecycle_stage", "lifecycle_stage", Type::TextOrList),
    ("creation_time", "creation_timestamp_ms", Type::Number),
    ("creation_timestamp", "creation_timestamp_ms", Type::Number),
    ("creation_timestamp_ms", "creation_timestamp_ms", Type::Number),
    ("last_updated_timestamp", "last_updated_timestamp_ms", Type::Number),
    ("last_updated_timestamp_ms", "last_updated_timestamp_ms", Type::Number),
];

/// What a search of logged models may name.
const GRAMMAR: Grammar = Grammar {
    entities: &[
        Entity { name: "attributes", aliases: &["attribute"], keys: Keys::Named(ATTRIBUTES), orders: true },
        Entity { name: "metrics", aliases: &[], keys: Keys::Any(Type::Number), orders: true },
        Entity { name: "params", aliases: &[], keys: Keys::Any(Type::Loose), orders: false },
        Entity { name: "tags", aliases: &[], keys: Keys::Any(Type::Loose), orders: false },
    ],
};

impl Tracking {
    /// A page of models that a filter lets through, in the order asked for.
    pub(crate) async fn search_logged_models(&self, workspace: &str, request: SearchLoggedModels) -> Result<Page<LoggedModel>> {
        if request.datasets.iter().any(|d| d.dataset_name().is_empty()) {
            return Err(Error::invalid("`dataset_name` in the `datasets` clause must be specified."));
        }
        let limit = match request.max_results() {
            0 => 100,
            count => validate::max_results(i64::from(count))? as usize,
        };
        let described =
            format!("{workspace}\n{:?}\n{}\n{:?}\n{:?}", request.experiment_ids, request.filter(), request.order_by, request.datasets);
        let token = PageToken::decode(request.page_token.as_deref(), &described)?;
        let experiments = request.experiment_ids.iter().map(|id| validate::experiment_id(id)).collect::<Result<Vec<_>>>()?;
        if experiments.is_empty() {
            return Ok(Page { rows: Vec::new(), next: None });
        }
        let mut binds = Binds::default();
        let mut ordering = Ordering::default();
        for (n, by) in request.order_by.iter().enumerate() {
            ordering.add(n, by, &mut binds)?;
        }
        ordering.finish();
        let mut conditions = vec![
            format!("m.workspace = {}", binds.add(workspace)),
            format!("m.experiment IN {}", binds.list(experiments)),
            "m.lifecycle_stage <> 'deleted'".to_owned(),
        ];
        conditions.extend(filters(&GRAMMAR.filter(request.filter())?, &request.datasets, &mut binds)?);
        if let Some(token) = token {
            let after = ordering.keyset.after(&token.keys(), &mut binds.0);
            conditions
                .push(after.ok_or_else(|| Error::invalid("Invalid page token: it belongs to another search; start from the first page"))?);
        }
        let statement = format!(
            "SELECT {}, {} FROM logged_models m{} WHERE {} ORDER BY {} LIMIT {}",
            store::COLUMNS,
            ordering.keyset.columns(),
            ordering.joins,
            conditions.join(" AND "),
            ordering.keyset.order_by(),
            limit + 1
        );
        let rows = self.db.fetch_all(AssertSqlSafe(statement), binds.0).await?;
        let next = match rows.get(limit) {
            None => None,
            Some(_) => Some(PageToken::new(&described, 0, &ordering.keys_of(&rows[limit - 1])?).encode()),
        };
        let found = rows.iter().take(limit).map(store::read).collect::<Result<Vec<_>>>()?;
        Ok(Page { rows: self.complete_models(found).await?, next })
    }
}

/// ORDER BY as it grows.
#[derive(Default)]
struct Ordering {
    keyset: Keyset,
    /// Of each term: `i`nteger, `r`eal or `t`ext.
    kinds: Vec<char>,
    joins: String,
    named: Vec<&'static str>,
}

impl Ordering {
    fn add(&mut self, n: usize, by: &OrderBy, binds: &mut Binds) -> Result<()> {
        let field = by.field_name();
        let unknown = || Error::invalid(format!("Invalid order by field name: {field}")).reason("ATTRIBUTE_NOT_FOUND");
        let ascending = by.ascending.unwrap_or(true);
        if let Some((entity, name)) = field.split_once('.') {
            if entity != "metrics" {
                return Err(Error::invalid(format!("Invalid order by field name: {field}. Only metrics are supported.")));
            }
            self.add_metric(n, name, by, ascending, binds);
            return Ok(());
        }
        let (_, column, kind) = ATTRIBUTES.iter().find(|row| row.0 == field).ok_or_else(unknown)?;
        self.named.push(column);
        let (empty, letter) = if *kind == Type::Number || matches!(*column, "status" | "experiment") { ("0", 'i') } else { ("''", 't') };
        self.push(format!("CASE WHEN m.{column} IS NULL THEN CAST(1 AS BIGINT) ELSE 0 END"), true, 'i');
        self.push(format!("COALESCE(m.{column}, {empty})"), ascending, letter);
        Ok(())
    }

    /// By the latest value of a metric, on one dataset where that is said.
    fn add_metric(&mut self, n: usize, name: &str, by: &OrderBy, ascending: bool, binds: &mut Binds) {
        let mut scope = format!("key = {}", binds.add(name));
        for (column, value) in [("dataset_name", by.dataset_name()), ("dataset_digest", by.dataset_digest())] {
            if !value.is_empty() {
                scope.push_str(&format!(" AND {column} = {}", binds.add(value)));
            }
        }
        self.joins.push_str(&format!(
            " LEFT JOIN (SELECT model_id, value, ROW_NUMBER() OVER (PARTITION BY model_id ORDER BY timestamp DESC, step DESC, run_id) AS place
              FROM logged_model_metrics WHERE {scope}) o{n} ON o{n}.model_id = m.model_id AND o{n}.place = 1"
        ));
        self.push(format!("CASE WHEN o{n}.value IS NULL THEN CAST(1 AS BIGINT) ELSE 0 END"), true, 'i');
        self.push(format!("COALESCE(o{n}.value, 0)"), ascending, 'r');
    }

    fn finish(&mut self) {
        if !self.named.contains(&"creation_timestamp_ms") {
            self.push("m.creation_timestamp_ms".into(), false, 'i');
        }
        self.push("m.model_id".into(), true, 't');
    }

    fn push(&mut self, sql: String, ascending: bool, kind: char) {
        self.keyset.push(sql, ascending);
        self.kinds.push(kind);
    }

    fn keys_of(&self, row: &Row) -> Result<Vec<Value>> {
        let key = |(i, kind): (usize, &char)| {
            let name = format!("key{i}");
            Ok(match kind {
                'i' => Value::from(row.get::<i64>(&name)?),
                'r' => Value::from(row.get::<f64>(&name)?),
                _ => Value::from(row.get::<String>(&name)?),
            })
        };
        self.kinds.iter().enumerate().map(key).collect()
    }
}

fn filters(conditions: &[Condition], datasets: &[Dataset], binds: &mut Binds) -> Result<Vec<String>> {
    let mut filters = Vec::new();
    let mut by_metric = false;
    for Condition { entity, key, comparator, value } in conditions {
        filters.push(match *entity {
            "attributes" if matches!(value, Operand::Number(_)) => binds.number(&format!("m.{key}"), comparator, value)?,
            "attributes" if key == "status" => binds.text(&status_text(), comparator, value)?,
            "attributes" if key == "experiment" => binds.text("CAST(m.experiment AS TEXT)", comparator, value)?,
            "attributes" => binds.text(&format!("m.{key}"), comparator, value)?,
            "metrics" => {
                by_metric = true;
                let (key, scope) = (binds.add(key), on_datasets(datasets, binds));
                let compared = binds.real("v.value", comparator, value)?;
                format!(
                    "EXISTS (SELECT 1 FROM logged_model_metrics v WHERE v.model_id = m.model_id AND v.key = {key} AND {compared}{scope})"
                )
            }
            table => {
                let key = binds.add(key);
                let compared = binds.text("v.value", comparator, value)?;
                format!("EXISTS (SELECT 1 FROM logged_model_{table} v WHERE v.model_id = m.model_id AND v.key = {key} AND {compared})")
            }
        });
    }
    if !datasets.is_empty() && !by_metric {
        let scope = on_datasets(datasets, binds);
        filters.push(format!("EXISTS (SELECT 1 FROM logged_model_metrics v WHERE v.model_id = m.model_id{scope})"));
    }
    Ok(filters)
}

/// The stored number of a status, as the client names it.
fn status_text() -> String {
    let names = (0..=3).filter_map(|n| LoggedModelStatus::try_from(n).ok());
    let cases: Vec<String> = names
        .map(|s| {
            format!(
                "WHEN {} THEN '{}'",
                s as i32,
                s.name().trim_start_matches("LOGGED_MODEL_").trim_start_matches("STATUS_").trim_start_matches("UPLOAD_")
            )
        })
        .collect();
    format!("(CASE m.status {} ELSE '' END)", cases.join(" "))
}

fn on_datasets(datasets: &[Dataset], binds: &mut Binds) -> String {
    if datasets.is_empty() {
        return String::new();
    }
    let one = |dataset: &Dataset, binds: &mut Binds| {
        let mut sql = format!("(v.dataset_name = {}", binds.add(dataset.dataset_name()));
        if !dataset.dataset_digest().is_empty() {
            sql.push_str(&format!(" AND v.dataset_digest = {}", binds.add(dataset.dataset_digest())));
        }
        sql + ")"
    };
    let all: Vec<String> = datasets.iter().map(|d| one(d, binds)).collect();
    format!(" AND ({})", all.join(" OR "))
}
