use super::document::Request;
use super::{project, snake};
use serde_json::{Map, Value, json};

fn read(query: &str) -> Result<Request, String> {
    Request::read(query, None, Map::new()).map_err(|e| e.message)
}

fn refusal(query: &str) -> String {
    read(query).err().unwrap_or_default()
}

#[test]
fn what_is_not_there_is_named() {
    assert_eq!(refusal("{ nope }"), "Cannot query field 'nope' on type 'Query'.");
    assert_eq!(
        refusal("{ mlflowGetRun(input: {runId: \"a\"}) { run { info { nope } } } }"),
        "Cannot query field 'nope' on type 'MlflowRunInfo'."
    );
    assert_eq!(refusal("{ test { ...F } }"), "Unknown fragment 'F'.");
    assert!(refusal("{ mlflowGetRun { run } }").contains("must have a selection of subfields"));
    assert!(refusal("{ test { output { a } } }").contains("must not have a selection"));
    assert!(refusal("{ test { output }").starts_with("Syntax Error"));
    assert!(refusal("fragment F on Test { ...F } { test { ...F } }").contains("within itself"));
    assert!(refusal("query a { test { output } } query b { test { output } }").starts_with("Must provide operation name"));
    assert!(read("query q @component(name: \"x\") { test(inputString: \"a\") { output __typename } }").is_ok());
}

#[test]
fn a_request_is_no_batch() {
    let many = |n: usize| (0..n).map(|i| format!("k{i}: test(inputString: \"a\") {{ output }} ")).collect::<String>();
    assert!(read(&format!("{{ {} }}", many(10))).is_ok());
    assert_eq!(refusal(&format!("{{ {} }}", many(11))), "GraphQL queries should have at most 10 root fields, got 11 root fields.");
    let aliases: String = (0..11).map(|i| format!("k{i}: output ")).collect();
    let spread = format!("fragment F on Test {{ {aliases} }} {{ test {{ ...F }} }}");
    assert_eq!(refusal(&spread), "GraphQL queries should have at most 10 aliases, got 11 aliases.");
    let deep = format!("{{ {} x {} }}", "a {".repeat(11), "}".repeat(11));
    assert_eq!(refusal(&deep), "Query exceeds maximum depth of 10");
    let wide = format!("{{ test {{ {} }} }}", "output ".repeat(1001));
    assert_eq!(refusal(&wide), "Query exceeds maximum total selections of 1000");
    // brackets without end are refused before they fill the stack
    assert!(refusal(&"{ a ".repeat(100_000)).starts_with("Syntax Error"));
}

fn picked(query: &str, variables: Value, value: Value) -> Value {
    let Value::Object(variables) = variables else { panic!("variables are an object") };
    let request = Request::read(query, None, variables).unwrap_or_else(|e| panic!("{e}"));
    let root = request.select(request.root, &[&request.selected]).remove(0);
    let kind = request.root.field(&root.field.name).and_then(super::Kind::object).expect("an object");
    project(&request, kind, &value, &root.inside)
}

#[test]
fn what_is_wanted_is_picked() {
    let value = json!({"run": {
        "info": {"run_id": "a", "start_time": 5, "status": "FINISHED"},
        "data": {"metrics": [{"key": "m", "value": "NaN", "step": 3}, {"key": "n", "value": 0.5}]}
    }});
    let query = "query q($no: Boolean = false, $yes: Boolean!) {
        mlflowGetRun(input: {runId: \"a\"}) {
            apiError { code }
            run { ...R info { status @skip(if: $yes) id: runId } ... on MlflowRunExtension { info { endTime } } }
        }
    }
    fragment R on MlflowRunExtension { data { metrics { value step } params @include(if: $no) { key } } info { startTime __typename } }";
    assert_eq!(
        picked(query, json!({"yes": true}), value),
        json!({"apiError": null, "run": {
            "data": {"metrics": [{"value": null, "step": "3"}, {"value": 0.5, "step": "0"}]},
            "info": {"startTime": "5", "__typename": "MlflowRunInfo", "id": "a", "endTime": "0"}
        }})
    );
}

#[test]
fn names_are_protobufs() {
    assert_eq!(snake("experimentId"), "experiment_id");
    assert_eq!(snake("name"), "name");
}
