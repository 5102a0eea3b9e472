//! Assets as a serialized DAG names them: in its schedule, and as inlets and outlets of its tasks
//! (airflow/serialization/encoders.py `encode_asset_like`).

use super::{Task, decode};
use artel_platform::{Error, Result};
use serde_json::{Value, json};
use std::collections::HashSet;

/// Something that tasks make.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Asset {
    pub name: String,
    pub uri: String,
    pub group: String,
    pub extra: Value,
    /// What tells of news from outside.
    pub watchers: Vec<Watcher>,
}

/// A trigger whose every event is news of an asset.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Watcher {
    pub name: String,
    pub classpath: String,
    /// As Airflow's DAG serialization writes them.
    pub kwargs: Value,
}

impl Watcher {
    /// Reads `{"name": …, "trigger": {"classpath": …, "kwargs": {…}}}`.
    fn read(value: &Value) -> Option<Self> {
        let (of, text) = (&value["trigger"], |value: &Value| value.as_str().map(str::to_owned));
        Some(Self { name: text(&value["name"])?, classpath: text(&of["classpath"])?, kwargs: of["kwargs"].clone() })
    }
}

/// An asset, or what stands for one.
#[derive(Debug, Clone, PartialEq)]
pub enum AssetLike {
    /// Itself.
    Asset(Asset),
    /// A name that events give a meaning to.
    Alias {
        /// Its name.
        name: String,
        /// Its group.
        group: String,
    },
    /// The active asset of that name.
    NameRef(String),
    /// The active asset of that URI.
    UriRef(String),
}

/// What a DAG waits for.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// News of one.
    Of(AssetLike),
    /// Every part is met.
    All(Vec<Condition>),
    /// A part is met.
    Any(Vec<Condition>),
}

/// What there is news of.
#[derive(Debug, Clone, Default)]
pub struct News {
    /// Name and URI of assets, active or not.
    pub assets: HashSet<(String, String)>,
    /// Names of active assets.
    pub names: HashSet<String>,
    /// URIs of active assets.
    pub uris: HashSet<String>,
    /// Aliases that came to mean one of the assets.
    pub aliases: HashSet<String>,
}

impl AssetLike {
    /// Reads `{"__type": "asset", "name": …}` or `{"__type": "asset", "__var": {"name": …}}`. `None` for what is no asset.
    fn read(value: &Value) -> Option<Self> {
        let of = decode::unwrapped(value);
        let text = |key: &str| of[key].as_str().map(str::to_owned);
        match value["__type"].as_str()? {
            "asset" => Some(Self::Asset(Asset {
                name: text("name")?,
                uri: text("uri")?,
                group: text("group").unwrap_or_else(|| "asset".into()),
                extra: if of["extra"].is_object() { decode::plain(&of["extra"]) } else { json!({}) },
                watchers: decode::list(&of["watchers"]).iter().filter_map(Watcher::read).collect(),
            })),
            "asset_alias" => Some(Self::Alias { name: text("name")?, group: text("group").unwrap_or_else(|| "asset".into()) }),
            "asset_ref" => text("name").map(Self::NameRef).or_else(|| text("uri").map(Self::UriRef)),
            _ => None,
        }
    }

    /// As upstream shows a part of a schedule (`as_expression`); `id` finds an asset's number.
    fn expression(&self, id: &impl Fn(&Asset) -> Option<i64>) -> Value {
        match self {
            Self::Asset(a) => json!({"asset": {"uri": a.uri, "name": a.name, "group": a.group, "id": id(a)}}),
            Self::Alias { name, group } => json!({"alias": {"name": name, "group": group}}),
            Self::NameRef(name) => json!({"asset_ref": {"name": name}}),
            Self::UriRef(uri) => json!({"asset_ref": {"uri": uri}}),
        }
    }
}

impl Condition {
    /// Reads the `asset_condition` of a timetable.
    pub fn read(value: &Value) -> Result<Self> {
        let parts = || decode::list(&value["objects"]).iter().map(Self::read).collect::<Result<Vec<_>>>();
        match value["__type"].as_str() {
            Some("asset_all") => Ok(Self::All(parts()?)),
            Some("asset_any") => Ok(Self::Any(parts()?)),
            _ => AssetLike::read(value).map(Self::Of).ok_or_else(|| Error::invalid(format!("asset condition {value} is not understood"))),
        }
    }

    /// Is there news of enough of it? (airflow/assets/evaluation.py)
    pub fn is_met(&self, news: &News) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|p| p.is_met(news)),
            Self::Any(parts) => parts.iter().any(|p| p.is_met(news)),
            Self::Of(AssetLike::Asset(a)) => news.assets.contains(&(a.name.clone(), a.uri.clone())),
            Self::Of(AssetLike::Alias { name, .. }) => news.aliases.contains(name),
            Self::Of(AssetLike::NameRef(name)) => news.names.contains(name),
            Self::Of(AssetLike::UriRef(uri)) => news.uris.contains(uri),
        }
    }

    /// Everything that it is about.
    pub fn leaves(&self) -> Vec<&AssetLike> {
        match self {
            Self::Of(one) => vec![one],
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::leaves).collect(),
        }
    }

    /// As upstream shows it; `id` finds an asset's number.
    pub fn expression(&self, id: &impl Fn(&Asset) -> Option<i64>) -> Value {
        let all = |parts: &[Self]| parts.iter().map(|p| p.expression(id)).collect::<Vec<_>>();
        match self {
            Self::Of(one) => one.expression(id),
            Self::All(parts) => json!({"all": all(parts)}),
            Self::Any(parts) => json!({"any": all(parts)}),
        }
    }
}

impl Task {
    /// What it takes.
    pub fn inlets(&self) -> Vec<AssetLike> {
        self.assets("inlets")
    }

    /// What it makes.
    pub fn outlets(&self) -> Vec<AssetLike> {
        self.assets("outlets")
    }

    fn assets(&self, key: &str) -> Vec<AssetLike> {
        let places = [&self.serialized[key], &self.serialized["partial_kwargs"][key]];
        places.into_iter().flat_map(decode::list).filter_map(AssetLike::read).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dag::Dag;
    use proptest::prelude::*;

    fn dags() -> serde_json::Map<String, Value> {
        let all: Value = serde_json::from_str(include_str!("../../tests/recorded/assets.json")).unwrap();
        all.as_object().unwrap().clone()
    }

    fn dag(dag_id: &str) -> Dag {
        Dag::read(&dags()[dag_id]).unwrap()
    }

    fn asset(name: &str, uri: &str) -> AssetLike {
        AssetLike::Asset(Asset { name: name.into(), uri: uri.into(), group: "asset".into(), extra: json!({}), watchers: vec![] })
    }

    #[test]
    fn schedules_and_ports_are_read_as_airflow_writes_them() {
        let consumer = dag("cons");
        let bee = AssetLike::Asset(Asset {
            name: "bee".into(),
            uri: "s3://b/b".into(),
            group: "g".into(),
            extra: json!({"k": 1}),
            watchers: vec![],
        });
        let alias = AssetLike::Alias { name: "ali".into(), group: "asset".into() };
        let a = asset("s3://b/a", "s3://b/a");
        let condition = consumer.timetable.asset_condition().unwrap();
        let both = Condition::All(vec![Condition::Of(bee.clone()), Condition::Of(alias.clone())]);
        assert_eq!(condition, &Condition::Any(vec![Condition::Of(a.clone()), both]));
        assert_eq!(dag("prod").task("p").unwrap().outlets(), [a.clone(), bee, alias.clone(), AssetLike::NameRef("nm".into())]);
        assert_eq!(dag("prod").task("p").unwrap().inlets(), [a.clone(), alias]);
        assert_eq!(dag("mapped").task("m").unwrap().outlets(), [a]);
        assert_eq!(dag("deco2").task("deco2").unwrap().inlets(), [AssetLike::NameRef("deco".into())]);
        assert_eq!((consumer.timetable.type_name(), consumer.timetable.summary().unwrap().as_str()), ("AssetTriggeredTimetable", "Asset"));
        let either = dag("both").timetable;
        assert_eq!((either.type_name(), either.summary().unwrap().as_str()), ("AssetOrTimeSchedule", "Asset or 0 0 * * *"));
        let shown = condition.expression(&|a| (a.name == "bee").then_some(7));
        assert_eq!(
            shown,
            json!({"any": [{"asset": {"uri": "s3://b/a", "name": "s3://b/a", "group": "asset", "id": null}},
                {"all": [{"asset": {"uri": "s3://b/b", "name": "bee", "group": "g", "id": 7}}, {"alias": {"name": "ali", "group": "asset"}}]}]})
        );
    }

    #[test]
    fn references_and_aliases_are_met_through_what_they_stand_for() {
        let any = dag("cons2").timetable;
        let condition = any.asset_condition().unwrap();
        let mut news = News::default();
        news.assets.insert(("s3://b/a".into(), "s3://b/a".into()));
        news.uris.insert("artel://models/m@champion".into());
        assert!(!condition.is_met(&news));
        news.names.insert("nm".into());
        assert!(condition.is_met(&news));
        let alias = Condition::Of(AssetLike::Alias { name: "ali".into(), group: String::new() });
        assert!(!alias.is_met(&news));
        news.aliases.insert("ali".into());
        assert!(alias.is_met(&news));
        assert!(Condition::All(vec![]).is_met(&news) && !Condition::Any(vec![]).is_met(&news));
        assert!(Condition::read(&json!({"__type": "asset_all", "objects": [{"__type": "tuple"}]})).is_err());
    }

    fn conditions() -> impl Strategy<Value = Condition> {
        let leaf = (0..4u8).prop_map(|n| Condition::Of(asset(&n.to_string(), "u")));
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Condition::All),
                prop::collection::vec(inner, 0..4).prop_map(Condition::Any),
            ]
        })
    }

    fn news(bits: u8) -> News {
        let assets = (0..4u8).filter(|n| bits >> n & 1 == 1).map(|n| (n.to_string(), "u".to_owned())).collect();
        News { assets, ..News::default() }
    }

    proptest! {
        #[test]
        fn more_news_never_unmeets_a_condition(condition in conditions(), some in 0..16u8, more in 0..16u8) {
            prop_assert!(!condition.is_met(&news(some)) || condition.is_met(&news(some | more)));
        }

        #[test]
        fn all_and_any_are_each_others_opposite(condition in conditions(), bits in 0..16u8) {
            fn opposite(c: &Condition) -> Condition {
                match c {
                    Condition::Of(one) => Condition::Of(one.clone()),
                    Condition::All(parts) => Condition::Any(parts.iter().map(opposite).collect()),
                    Condition::Any(parts) => Condition::All(parts.iter().map(opposite).collect()),
                }
            }
            prop_assert_eq!(condition.is_met(&news(bits)), !opposite(&condition).is_met(&news(!bits & 15)));
        }
    }
}
