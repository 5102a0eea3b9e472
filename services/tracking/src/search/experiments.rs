//! Searching experiments.

use super::{Binds, Page, stages};
use crate::permissions::numbers;
use crate::store::experiments as store;
use crate::store::in_ids;
use crate::{Tracking, validate};
use artel_platform::db::{AssertSqlSafe, Row, Value};
use artel_platform::identity::Visible;
use artel_platform::search::{Comparator, Condition, Entity, Grammar, Keys, Keyset, Operand, Order, PageToken, Type};
use artel_platform::{Error, Result};
use artel_proto::mlflow::{Experiment, SearchExperiments};

const ATTRIBUTES: &[(&str, &str, Type)] = &[
    ("name", "name", Type::Text),
    ("experiment_id", "id", Type::TextOrList),
    ("creation_time", "creation_time", Type::Number),
    ("last_update_time", "last_update_time", Type::Number),
];

/// What a search of experiments may name.
const GRAMMAR: Grammar = Grammar {
    entities: &[
        Entity { name: "attribute", aliases: &["attr", "attributes"], keys: Keys::Named(ATTRIBUTES), orders: true },
        Entity { name: "tag", aliases: &["tags"], keys: Keys::Any(Type::TextOrNull), orders: false },
    ],
};

impl Tracking {
    /// A page of experiments that a filter lets through, in the order asked for.
    /// Only those of them that `visible` names are looked at.
    pub(crate) async fn search_experiments(
        &self,
        workspace: &str,
        request: SearchExperiments,
        visible: &Visible,
    ) -> Result<Page<Experiment>> {
        let limit = validate::max_results(request.max_results())? as usize;
        let filter = GRAMMAR.filter(request.filter())?;
        let order = order(GRAMMAR.order_by(&request.order_by)?);
        let described = format!("{workspace}\n{}\n{:?}\n{:?}", request.filter(), request.order_by, request.view_type);
        let token = PageToken::decode(request.page_token.as_deref(), &described)?;
        let mut binds = Binds::default();
        let mut conditions = vec![
            format!("e.workspace = {}", binds.add(workspace)),
            format!("e.lifecycle_stage IN {}", binds.list(stages(request.view_type).iter().copied())),
        ];
        match visible {
            Visible::All => {}
            Visible::Except(ids) => {
                conditions.push(format!("e.id NOT IN {}", in_ids(self.db.dialect(), &numbers(ids), &mut binds.0)));
            }
            Visible::Only(ids) => conditions.push(format!("e.id IN {}", in_ids(self.db.dialect(), &numbers(ids), &mut binds.0))),
        }
        for condition in &filter {
            conditions.push(sql(condition, &mut binds)?);
        }
        if let Some(token) = token {
            let after = order.after(&token.keys(), &mut binds.0);
            conditions
                .push(after.ok_or_else(|| Error::invalid("Invalid page token: it belongs to another search; start from the first page"))?);
        }
        let statement = format!(
            "SELECT {}, {} FROM experiments e WHERE {} ORDER BY {} LIMIT {}",
            store::COLUMNS,
            order.columns(),
            conditions.join(" AND "),
            order.order_by(),
            limit + 1
        );
        let rows = self.db.fetch_all(AssertSqlSafe(statement), binds.0).await?;
        let next = match rows.get(limit) {
            None => None,
            Some(_) => Some(PageToken::new(&described, 0, &keys_of(&rows[limit - 1], &order)?).encode()),
        };
        let found = rows.iter().take(limit).map(store::read).collect::<Result<Vec<_>>>()?;
        let mut tags = store::tags(&self.db, &found.iter().map(|e| e.id).collect::<Vec<_>>()).await?;
        let rows = found
            .into_iter()
            .map(|e| {
                let own = tags.remove(&e.id).unwrap_or_default();
                e.message(own)
            })
            .collect();
        Ok(Page { rows, next })
    }
}

fn order(asked: Vec<Order>) -> Keyset {
    let mut order = Keyset::default();
    if asked.is_empty() {
        order.push("e.creation_time", false);
        order.push("e.id", true);
        return order;
    }
    for by in &asked {
        order.push(format!("e.{}", by.key), by.ascending);
    }
    if !asked.iter().any(|by| by.key == "id") {
        order.push("e.id", false);
    }
    order
}

fn keys_of(row: &Row, order: &Keyset) -> Result<Vec<Value>> {
    let key = |(i, term): (usize, &artel_platform::search::Term)| {
        let name = format!("key{i}");
        Ok(if term.sql == "e.name" { Value::from(row.get::<String>(&name)?) } else { Value::from(row.get::<i64>(&name)?) })
    };
    order.terms().iter().enumerate().map(key).collect()
}

fn sql(condition: &Condition, binds: &mut Binds) -> Result<String> {
    let Condition { key, comparator, value, entity } = condition;
    if *entity == "tag" {
        let key = binds.add(key);
        let probe = format!("SELECT 1 FROM experiment_tags t WHERE t.experiment = e.id AND t.key = {key}");
        return Ok(match comparator {
            Comparator::IsNull => format!("NOT EXISTS ({probe})"),
            Comparator::IsNotNull => format!("EXISTS ({probe})"),
            _ => format!("EXISTS ({probe} AND {})", binds.text("t.value", comparator, value)?),
        });
    }
    match (key.as_str(), comparator, value) {
        ("id", Comparator::Equal | Comparator::NotEqual, Operand::Text(id)) => {
            let sign = if *comparator == Comparator::Equal { "=" } else { "<>" };
            Ok(format!("e.id {sign} {}", binds.add(validate::experiment_id(id)?)))
        }
        ("id", Comparator::In | Comparator::NotIn, Operand::List(ids)) => {
            let ids = ids.iter().map(|id| validate::experiment_id(id)).collect::<Result<Vec<_>>>()?;
            Ok(format!("e.id {} {}", comparator.text(), binds.list(ids)))
        }
        ("id", ..) => Err(Error::invalid(format!("Invalid comparator for experiment_id: {}", comparator.text()))),
        ("name", ..) => binds.text("e.name", comparator, value),
        (_, _, Operand::Number(number)) if number.parse::<i64>().is_err() => {
            Err(Error::invalid(format!("Invalid value for numeric attribute '{key}': '{number}'")))
        }
        _ => binds.number(&format!("e.{key}"), comparator, value),
    }
}
