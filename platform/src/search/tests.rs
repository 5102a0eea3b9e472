//! The language by example, and by chance.

use super::*;
use crate::db::Value;
use proptest::prelude::*;

const RUNS: Grammar = Grammar {
    entities: &[
        Entity {
            name: "attribute",
            aliases: &["attr", "attributes"],
            keys: Keys::Named(&[
                ("start_time", "start_time", Type::Number),
                ("created", "start_time", Type::Number),
                ("run_id", "run_id", Type::TextOrList),
                ("run name", "run_name", Type::Text),
            ]),
            orders: true,
        },
        Entity { name: "metric", aliases: &["metrics"], keys: Keys::Any(Type::Number), orders: true },
        Entity { name: "tag", aliases: &["tags"], keys: Keys::Any(Type::TextOrNull), orders: false },
    ],
};

fn one(filter: &str) -> Condition {
    let mut conditions = RUNS.filter(filter).unwrap_or_else(|e| panic!("{filter}: {e}"));
    assert_eq!(conditions.len(), 1, "{filter}");
    conditions.remove(0)
}

fn refusal(filter: &str) -> String {
    RUNS.filter(filter).expect_err(filter).message
}

#[test]
fn keys_are_named_in_every_spelling() {
    for filter in ["metrics.loss > 1", "metric.loss>1", "metrics.\"loss\" > 1", "  metrics.`loss`   >1 "] {
        let condition = one(filter);
        assert_eq!((condition.entity, condition.key.as_str()), ("metric", "loss"));
        assert_eq!((condition.comparator, condition.value), (Comparator::Greater, Operand::Number("1".into())));
    }
    assert_eq!(one("tags.mlflow.source.type = 'JOB'").key, "mlflow.source.type");
    assert_eq!(one("metrics.`val loss/1` < -1.5e-3").key, "val loss/1");
    assert_eq!(one("`run name` = 'a'").key, "run_name");
    assert_eq!(one("created >= 5").key, "start_time");
    assert_eq!(one("tags.метка = 'да'").key, "метка");
}

#[test]
fn every_comparator_is_read_in_any_case() {
    assert_eq!(one("tags.a is not null").comparator, Comparator::IsNotNull);
    assert_eq!(one("tags.a Is Null").comparator, Comparator::IsNull);
    assert_eq!(one("tags.a ilike '%x%'").value, Operand::Text("%x%".into()));
    assert_eq!(one("run_id in ('a', \"b\",)").value, Operand::List(vec!["a".into(), "b".into()]));
    assert_eq!(one("run_id NOT IN ('a')").comparator, Comparator::NotIn);
    assert_eq!(RUNS.filter("metrics.a > 1 and metrics.b <= .5 AND tags.c != 'it''s'").unwrap().len(), 3);
    assert!(RUNS.filter("   ").unwrap().is_empty());
}

#[test]
fn refusals_say_what_and_where() {
    for (filter, said) in [
        ("metrics.a > 1 OR metrics.b > 2", "Invalid clause(s) in filter string: 'OR' at position 15"),
        ("metrics.a > 'x'", "Expected numeric value type for metric. Found 'x'"),
        ("tags.a = b", "not quoted"),
        ("tags.a = 5", "Expected a quoted string value"),
        ("tags.a > 'b'", "Invalid comparator '>'"),
        ("metrics.a == 1", "Invalid comparator '=='"),
        ("nothing.a = 1", "Invalid entity type 'nothing'"),
        ("color = 'red'", "Invalid attribute key 'color'"),
        ("tags.a = 'b", "position 10 is never closed"),
        ("run_id IN ()", "got empty list"),
        ("run_id IN (1)", "different type in list"),
        ("run_id IN 'a'", "ill-formed"),
        ("metrics.a > 1 AND", "'AND' at position 15"),
    ] {
        let message = refusal(filter);
        assert!(message.contains(said), "{filter}: {message}");
    }
    for filter in ["metrics.a", "metrics.a >", "= 1", "(metrics.a > 1)", "metrics. a > 1", "metrics.a > 1;"] {
        refusal(filter);
    }
}

#[test]
fn orders_are_read() {
    let orders = RUNS.order_by(&["metrics.`val loss` desc", "start_time", "\"run name\" ASC"]).unwrap();
    assert_eq!(orders[0], Order { entity: "metric", key: "val loss".into(), ascending: false });
    assert!(orders[1].ascending && orders[2].key == "run_name");
    for (clause, message) in [
        ("metrics.a sideways", "Invalid ordering key"),
        ("metrics.a asc b", "Could not be parsed"),
        ("", "Could not be parsed"),
        ("tags.a", "Invalid order_by entity"),
    ] {
        let error = RUNS.order_by(&[clause]).unwrap_err();
        assert!(error.message.contains(message), "{clause}: {error}");
    }
    assert!(RUNS.order_by(&["created", "start_time desc"]).unwrap_err().message.contains("duplicate fields"));
}

#[test]
fn a_token_is_for_its_search() {
    let keys = vec![Value::Int(-1), Value::Real(0.1 + 0.2), Value::Text("ü".into())];
    let token = PageToken::new("search", 2, &keys).encode();
    let back = PageToken::decode(Some(&token), "search").unwrap().unwrap();
    assert_eq!((back.part, back.keys()), (2, keys));
    assert!(PageToken::decode(Some(&token), "other").is_err());
    assert!(PageToken::decode(Some("~"), "search").unwrap_err().message.starts_with("Invalid page token, could not base64-decode"));
    assert!(PageToken::decode(Some("e30="), "search").unwrap_err().message.starts_with("Invalid page token"));
    assert!(PageToken::decode(None, "search").unwrap().is_none());
}

#[test]
fn a_keyset_continues_in_each_direction() {
    let mut keyset = Keyset::default();
    keyset.push("a", true);
    keyset.push("b", false);
    let mut args = vec![Value::Int(7)];
    let sql = keyset.after(&[Value::Int(1), Value::Int(2)], &mut args).unwrap();
    assert_eq!(sql, "((a > $2) OR (a = $2 AND b < $3))");
    assert_eq!(args.len(), 3);
    assert_eq!(keyset.order_by(), "a ASC, b DESC");
    assert!(keyset.after(&[Value::Int(1)], &mut args).is_none());
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in ".{0,80}") {
        let _ = RUNS.filter(&text);
        let _ = RUNS.order_by(&[&text]);
        let _ = PageToken::decode(Some(&text), "s");
    }

    #[test]
    fn what_looks_like_a_filter_is_read_or_refused(text in "(metrics|tags|run_id|`|\"|'|\\.|a|1|-|e|=|<|!| |\\(|\\)|,|AND|IN|IS|NOT|NULL|LIKE){0,16}") {
        let _ = RUNS.filter(&text);
    }

    #[test]
    fn quoted_names_and_values_come_back(name in "[^`]{1,20}", value in "[^']{0,20}") {
        let condition = one(&format!("tags.`{name}` = '{value}'"));
        prop_assert_eq!(condition.key, name);
        prop_assert_eq!(condition.value, Operand::Text(value));
    }
}
