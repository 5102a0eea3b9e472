//! Searching models and versions with MLflow's filters (platform's `search` reads them).

mod wording;

use crate::Registry;
use crate::model_versions::number;
use crate::store::search::{self as store, Page, Searchable};
use crate::validate::IS_PROMPT_TAG;
use artel_platform::db::Value;
use artel_platform::identity::Visible;
use artel_platform::search::{Comparator, Condition, Entity, Grammar, Keys, Operand, Order, PageToken, Type};
use artel_platform::{Error, Result};
use artel_proto::mlflow::{ModelVersion, RegisteredModel};

/// Filter, order and page, as the client sends them.
#[derive(Debug, Clone, Default)]
pub struct SearchRequest {
    /// e.g. `name LIKE 'wine%' AND tags.team = 'nlp'`
    pub filter: String,
    /// At most so many.
    pub max_results: i64,
    /// e.g. `["name DESC"]`
    pub order_by: Vec<String>,
    /// From the page before.
    pub page_token: Option<String>,
    /// The models that the caller may see.
    pub visible: Visible,
}

/// What a filter of registered models may name.
const MODELS: Grammar = Grammar { entities: &[attributes(&[("name", "name", Type::TextOrList)]), TAGS] };
/// What an order of registered models may name.
const MODEL_ORDERS: Grammar = Grammar {
    entities: &[attributes(&[
        ("name", "name", Type::Text),
        ("timestamp", "last_updated_time", Type::Number),
        ("last_updated_timestamp", "last_updated_time", Type::Number),
    ])],
};
/// What a filter of model versions may name.
const VERSIONS: Grammar = Grammar {
    entities: &[
        attributes(&[
            ("name", "name", Type::TextOrList),
            ("version_number", "version", Type::Number),
            ("run_id", "run_id", Type::TextOrList),
            ("source_path", "source", Type::Text),
        ]),
        TAGS,
    ],
};
/// What an order of model versions may name.
const VERSION_ORDERS: Grammar = Grammar {
    entities: &[attributes(&[
        ("name", "name", Type::Text),
        ("version_number", "version", Type::Number),
        ("creation_timestamp", "creation_time", Type::Number),
        ("last_updated_timestamp", "last_updated_time", Type::Number),
    ])],
};

const TAGS: Entity = Entity { name: "tag", aliases: &["tags"], keys: Keys::Any(Type::Text), orders: false };

const fn attributes(keys: &'static [(&'static str, &'static str, Type)]) -> Entity {
    Entity { name: "attribute", aliases: &[], keys: Keys::Named(keys), orders: true }
}

impl Registry {
    /// Registered models, prompts only when asked for; and the token of the next page.
    pub async fn search_registered_models(
        &self,
        workspace: &str,
        request: &SearchRequest,
    ) -> Result<(Vec<RegisteredModel>, Option<String>)> {
        wording::filter(&MODELS, &request.filter)?;
        let conditions = MODELS.filter(&request.filter)?;
        wording::order_by(&MODEL_ORDERS, "order by", &request.order_by)?;
        let mut orders = MODEL_ORDERS.order_by(&request.order_by)?;
        complete(&mut orders, &[("name", true)]);
        let page = page(workspace, request, &conditions, &orders, 1000)?;
        let (mut models, keys) = store::registered_models(&self.db, &page).await?;
        let next = next_page(&page, &mut models, keys);
        let mut models = self.completed(workspace, models).await?;
        for model in &mut models {
            // upstream reads them by another statement here: sorted by stage
            model.latest_versions.sort_by(|a, b| a.current_stage.cmp(&b.current_stage));
        }
        Ok((models, next))
    }

    /// Model versions, those of prompts only when asked for; and the token of the next page.
    pub async fn search_model_versions(&self, workspace: &str, request: &SearchRequest) -> Result<(Vec<ModelVersion>, Option<String>)> {
        wording::filter(&VERSIONS, &request.filter)?;
        let conditions = VERSIONS.filter(&request.filter)?;
        wording::order_by(&VERSION_ORDERS, "attribute", &request.order_by)?;
        let mut orders = VERSION_ORDERS.order_by(&request.order_by)?;
        let ordered = !orders.is_empty();
        complete(
            &mut orders,
            if ordered {
                &[("name", true), ("version", false)]
            } else {
                &[("last_updated_time", false), ("name", true), ("version", false)]
            },
        );
        let page = page(workspace, request, &conditions, &orders, 200_000)?;
        let (mut versions, keys) = store::model_versions(&self.db, &page).await?;
        let next = next_page(&page, &mut versions, keys);
        debug_assert!(versions.iter().all(|v| number(v) > 0));
        Ok((self.tagged(workspace, versions).await?, next))
    }
}

/// Adds the orders that every search ends with, so that the last is unique.
fn complete(orders: &mut Vec<Order>, last: &[(&str, bool)]) {
    for (key, ascending) in last {
        if !orders.iter().any(|o| o.key == *key) {
            orders.push(Order { entity: "attribute", key: (*key).into(), ascending: *ascending });
        }
    }
}

fn page<'a>(
    workspace: &'a str,
    request: &'a SearchRequest,
    conditions: &'a [Condition],
    orders: &'a [Order],
    most: i64,
) -> Result<Page<'a>> {
    let given = request.max_results;
    if given < 1 {
        return Err(Error::invalid(format!("Invalid value for max_results. It must be a positive integer, but got {given}")));
    }
    if given > most {
        return Err(Error::invalid(format!(
            "Invalid value for request parameter max_results. It must be at most {most}, but got value {given}"
        )));
    }
    let description = format!("{workspace}\n{}\n{:?}", request.filter, request.order_by);
    let after = PageToken::decode(request.page_token.as_deref(), &description)?.map(|token| token.keys());
    let visible = &request.visible;
    Ok(Page { workspace, searched: searched(conditions)?, orders, after, limit: given, description, visible })
}

/// Does this filter ask for prompts? One that cannot be read asks for nothing; the search itself says why.
pub(crate) fn asks_for_prompts(filter: &str) -> bool {
    let conditions = VERSIONS.filter(filter).unwrap_or_default();
    searched(&conditions).is_ok_and(|searched| searched.prompts)
}

/// The token of the next page, when a row more than asked for was found; that row is dropped.
fn next_page<T>(page: &Page<'_>, rows: &mut Vec<T>, mut keys: Vec<Vec<Value>>) -> Option<String> {
    if rows.len() as i64 <= page.limit {
        return None;
    }
    rows.truncate(page.limit as usize);
    keys.truncate(page.limit as usize);
    keys.last().map(|keys| PageToken::new(&page.description, 0, keys).encode())
}

/// Splits conditions by what they are about. Unless a filter asks for prompts, they are hidden, and what it says about
/// the prompt tag is dropped (mlflow/store/model_registry/sqlalchemy_store.py `_update_query_to_exclude_prompts`).
fn searched(conditions: &[Condition]) -> Result<Searchable<'_>> {
    let prompts = conditions.iter().find(|c| c.entity == "tag" && c.key == IS_PROMPT_TAG).is_some_and(|c| {
        let Operand::Text(value) = &c.value else { return false };
        match c.comparator {
            Comparator::Equal => value.eq_ignore_ascii_case("true"),
            Comparator::NotEqual => value.eq_ignore_ascii_case("false"),
            _ => false,
        }
    });
    let mut searchable = Searchable { prompts, attributes: Vec::new(), tags: Vec::new() };
    for condition in conditions {
        if condition.entity != "tag" {
            check_number(condition)?;
            searchable.attributes.push(condition);
        } else if prompts || condition.key != IS_PROMPT_TAG {
            searchable.tags.push(condition);
        }
    }
    Ok(searchable)
}

fn check_number(condition: &Condition) -> Result<()> {
    match &condition.value {
        Operand::Number(text) if text.parse::<i64>().is_err() => {
            Err(Error::invalid(format!("Invalid value for numeric attribute 'version_number': {text}")))
        }
        _ => Ok(()),
    }
}
