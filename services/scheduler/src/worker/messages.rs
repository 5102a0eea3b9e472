//! What a task asks, as a call of the Task Execution API, and the API's answer as the task expects it. The pairs are
//! upstream's (airflow/sdk/execution_time/request_handlers.py and sdk/api/client.py); see python/PROTOCOL.md §4.

use super::execution_api::{Answer, Call};
use serde_json::{Map, Value, json};

/// How an API answer becomes the task's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Reply {
    /// Nothing but that it is done.
    Done,
    /// The API's object with a type.
    Typed(&'static str),
    /// The API's value under one key.
    Under(&'static str, &'static str),
    /// As `Typed`; 404 is this error, which the task may handle.
    Found(&'static str, &'static str),
    /// As `Under("…", "root")`; 404 is this error.
    FoundRoot(&'static str, &'static str),
    /// An XCom; 404 is the value nil.
    XCom,
    /// The number of XComs, from a header.
    XComCount,
}

/// The call behind a request of the task `ti_id`. `None` for a type that is not known.
pub(crate) fn call(ti_id: &str, message: &Value) -> Option<(Call, Reply)> {
    let text = |key: &str| message[key].as_str().unwrap_or_default();
    let own = |rest: &str| format!("task-instances/{ti_id}/{rest}");
    let xcom = |rest: &str| format!("xcoms/{}{rest}", path(message, &["dag_id", "run_id", "task_id", "key"]));
    let get = |path: String, query: String, reply: Reply| Some((Call { method: "GET", path, query, body: None }, reply));
    let send = |method, path: String, query: String, body: Option<Value>, reply| Some((Call { method, path, query, body }, reply));
    let none = String::new;
    match text("type") {
        "SucceedTask" | "RetryTask" | "DeferTask" | "RescheduleTask" | "AwaitInputTask" | "TaskState" => {
            send("PATCH", own("state"), none(), Some(without_type(message)), Reply::Done)
        }
        "SetRenderedFields" => send("PUT", own("rtif"), none(), Some(message["rendered_fields"].clone()), Reply::Done),
        "SetRenderedMapIndex" => send("PATCH", own("rendered-map-index"), none(), Some(message["rendered_map_index"].clone()), Reply::Done),
        "SkipDownstreamTasks" => send("PATCH", own("skip-downstream"), none(), Some(json!({"tasks": message["tasks"]})), Reply::Done),
        "ValidateInletsAndOutlets" => get(own("validate-inlets-and-outlets"), none(), Reply::Typed("InactiveAssetsResult")),
        "GetPrevSuccessfulDagRun" => get(own("previous-successful-dagrun"), none(), Reply::Typed("PrevSuccessfulDagRunResult")),
        "GetTaskRescheduleStartDate" => get(
            format!("task-reschedules/{ti_id}/start_date"),
            query(message, &["try_number"]),
            Reply::Under("TaskRescheduleStartDate", "start_date"),
        ),

        "GetVariable" => {
            get(format!("variables/{}", path(message, &["key"])), none(), Reply::Found("VariableResult", "VARIABLE_NOT_FOUND"))
        }
        "GetVariableKeys" => {
            get("variables/keys".into(), query(message, &["prefix", "limit", "offset"]), Reply::Typed("VariableKeysResult"))
        }
        "PutVariable" => {
            let body = json!({"val": message["value"], "description": message["description"]});
            send("PUT", format!("variables/{}", path(message, &["key"])), none(), Some(body), Reply::Done)
        }
        "DeleteVariable" => send("DELETE", format!("variables/{}", path(message, &["key"])), none(), None, Reply::Done),
        "GetConnection" => {
            get(format!("connections/{}", path(message, &["conn_id"])), none(), Reply::Found("ConnectionResult", "CONNECTION_NOT_FOUND"))
        }

        "GetXCom" => get(xcom(""), query(message, &["map_index", "include_prior_dates"]), Reply::XCom),
        "SetXCom" => send(
            "POST",
            xcom(""),
            query(message, &["map_index", "dag_result", "mapped_length"]),
            Some(message["value"].clone()),
            Reply::Done,
        ),
        "DeleteXCom" => send("DELETE", xcom(""), query(message, &["map_index"]), None, Reply::Done),
        "GetXComCount" => send("HEAD", xcom(""), none(), None, Reply::XComCount),
        "GetXComSequenceItem" => {
            get(xcom(&format!("/item/{}", message["offset"])), none(), Reply::FoundRoot("XComSequenceIndexResult", "XCOM_NOT_FOUND"))
        }
        "GetXComSequenceSlice" => get(
            xcom("/slice"),
            query(message, &["start", "stop", "step", "include_prior_dates"]),
            Reply::Under("XComSequenceSliceResult", "root"),
        ),

        "GetDagRun" => get(format!("dag-runs/{}", path(message, &["dag_id", "run_id"])), none(), Reply::Typed("DagRunResult")),
        "GetDagRunState" => {
            get(format!("dag-runs/{}/state", path(message, &["dag_id", "run_id"])), none(), Reply::Typed("DagRunStateResult"))
        }
        "GetPreviousDagRun" => get(
            "dag-runs/previous".into(),
            query(message, &["dag_id", "logical_date", "state"]),
            Reply::Under("PreviousDagRunResult", "dag_run"),
        ),
        "GetDRCount" => get(
            "dag-runs/count".into(),
            query(message, &["dag_id", "logical_dates", "run_ids", "states"]),
            Reply::Under("DRCount", "count"),
        ),
        "TriggerDagRun" => {
            let body = compact(message, &["type", "dag_id", "run_id"]);
            send("POST", format!("dag-runs/{}", path(message, &["dag_id", "run_id"])), none(), Some(body), Reply::Done)
        }
        "GetTICount" => get("task-instances/count".into(), query(message, TASK_FILTER), Reply::Under("TICount", "count")),
        "GetTaskStates" => get("task-instances/states".into(), query(message, TASK_FILTER), Reply::Typed("TaskStatesResult")),
        "GetTaskBreadcrumbs" => {
            get("task-instances/breadcrumbs".into(), query(message, &["dag_id", "run_id"]), Reply::Typed("TaskBreadcrumbsResult"))
        }
        "GetPreviousTI" => {
            let place = format!("task-instances/previous/{}", path(message, &["dag_id", "task_id"]));
            get(place, query(message, &["map_index", "logical_date", "state"]), Reply::Under("PreviousTIResult", "task_instance"))
        }
        "CreateHITLDetailPayload" => {
            send("POST", hitl(message), none(), Some(without_type(message)), Reply::Typed("HITLDetailRequestResult"))
        }
        "UpdateHITLDetail" => send("PATCH", hitl(message), none(), Some(without_type(message)), Reply::Typed("HITLDetailResponseResult")),
        "GetHITLDetailResponse" => get(hitl(message), none(), Reply::Typed("HITLDetailResponseResult")),
        "GetTaskStateStore" => get(task_store(message), none(), Reply::Found("TaskStateStoreResult", "TASK_STORE_NOT_FOUND")),
        "SetTaskStateStore" => {
            let body = json!({"value": message["value"], "expires_at": message["expires_at"]});
            send("PUT", task_store(message), none(), Some(body), Reply::Done)
        }
        "DeleteTaskStateStore" => send("DELETE", task_store(message), none(), None, Reply::Done),
        "ClearTaskStateStore" => send("DELETE", format!("store/ti/{}", path(message, &["ti_id"])), none(), None, Reply::Done),
        "GetAssetStateStoreByName" => get(
            "store/asset/by-name/value".into(),
            query(message, &["name", "key"]),
            Reply::Found("AssetStateStoreResult", "ASSET_STORE_NOT_FOUND"),
        ),
        "GetAssetStateStoreByUri" => get(
            "store/asset/by-uri/value".into(),
            query(message, &["uri", "key"]),
            Reply::Found("AssetStateStoreResult", "ASSET_STORE_NOT_FOUND"),
        ),
        "SetAssetStateStoreByName" => {
            let body = json!({"value": message["value"]});
            send("PUT", "store/asset/by-name/value".into(), query(message, &["name", "key"]), Some(body), Reply::Done)
        }
        "SetAssetStateStoreByUri" => {
            let body = json!({"value": message["value"]});
            send("PUT", "store/asset/by-uri/value".into(), query(message, &["uri", "key"]), Some(body), Reply::Done)
        }
        "DeleteAssetStateStoreByName" => {
            send("DELETE", "store/asset/by-name/value".into(), query(message, &["name", "key"]), None, Reply::Done)
        }
        "DeleteAssetStateStoreByUri" => {
            send("DELETE", "store/asset/by-uri/value".into(), query(message, &["uri", "key"]), None, Reply::Done)
        }
        "ClearAssetStateStoreByName" => send("DELETE", "store/asset/by-name/clear".into(), query(message, &["name"]), None, Reply::Done),
        "ClearAssetStateStoreByUri" => send("DELETE", "store/asset/by-uri/clear".into(), query(message, &["uri"]), None, Reply::Done),
        "GetDag" => get(format!("dags/{}", path(message, &["dag_id"])), none(), Reply::Typed("DagResult")),
        "GetAssetByName" => get("assets/by-name".into(), query(message, &["name"]), Reply::Found("AssetResult", "ASSET_NOT_FOUND")),
        "GetAssetByUri" => get("assets/by-uri".into(), query(message, &["uri"]), Reply::Found("AssetResult", "ASSET_NOT_FOUND")),
        "GetAssetsByAlias" => get("assets/by-alias".into(), query(message, &["alias_name"]), Reply::Under("AssetsByAliasResult", "assets")),
        "GetAssetEventByAsset" => get(
            "asset-events/by-asset".into(),
            query(message, &["name", "uri", "after", "before", "limit", "ascending"]),
            Reply::Typed("AssetEventsResult"),
        ),
        "GetAssetEventByAssetAlias" => {
            let place = query(message, &["alias_name", "after", "before", "limit", "ascending"]);
            get("asset-events/by-asset-alias".into(), place.replacen("alias_name=", "name=", 1), Reply::Typed("AssetEventsResult"))
        }
        _ => None,
    }
}

fn hitl(message: &Value) -> String {
    format!("hitlDetails/{}", path(message, &["ti_id"]))
}

fn task_store(message: &Value) -> String {
    format!("store/ti/{}", path(message, &["ti_id", "key"]))
}

const TASK_FILTER: &[&str] = &["dag_id", "map_index", "task_ids", "task_group_id", "logical_dates", "run_ids", "states"];

/// The task's answer: `(body, error)`, the two last slots of the frame.
pub(crate) fn answer(message: &Value, reply: Reply, answer: Answer) -> (Value, Value) {
    let missing = answer.status == 404;
    match reply {
        Reply::XCom if missing => return (json!({"type": "XComResult", "key": message["key"], "value": null}), Value::Null),
        Reply::Found(_, error) | Reply::FoundRoot(_, error) if missing => {
            return (json!({"type": "ErrorResponse", "error": error, "detail": compact(message, &["type"])}), Value::Null);
        }
        // TriggerDagRunOperator handles this one itself
        Reply::Done if answer.status == 409 && message["type"] == "TriggerDagRun" => {
            return (json!({"type": "ErrorResponse", "error": "DAGRUN_ALREADY_EXISTS", "detail": {}}), Value::Null);
        }
        _ if !answer.is_success() => return (Value::Null, api_error(&answer)),
        _ => {}
    }
    let body = match reply {
        Reply::Done => Value::Null,
        Reply::Typed(name) | Reply::Found(name, _) => typed(name, answer.body),
        Reply::Under(name, key) => json!({"type": name, key: answer.body}),
        Reply::FoundRoot(name, _) => json!({"type": name, "root": answer.body}),
        Reply::XCom => json!({"type": "XComResult", "key": message["key"], "value": answer.body["value"]}),
        Reply::XComCount => {
            let range = answer.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-range"));
            let count = range.and_then(|(_, v)| v.rsplit(' ').next()).and_then(|n| n.parse::<i64>().ok()).unwrap_or(0);
            json!({"type": "XComCountResponse", "len": count})
        }
    };
    (body, Value::Null)
}

/// The answer to a request of unknown type.
pub(crate) fn unknown(message: &Value) -> Value {
    let text = format!("this supervisor does not know the request {}", message["type"]);
    json!({"type": "ErrorResponse", "error": "API_SERVER_ERROR", "detail": {"status_code": 400, "message": text}})
}

fn api_error(answer: &Answer) -> Value {
    let status = if answer.status == 0 { Value::Null } else { answer.status.into() };
    json!({"type": "ErrorResponse", "error": "API_SERVER_ERROR", "detail": {"status_code": status, "message": "the scheduler refused a call of this task", "detail": answer.body}})
}

fn typed(name: &str, body: Value) -> Value {
    let mut object = match body {
        Value::Object(object) => object,
        _ => Map::new(),
    };
    object.insert("type".into(), name.into());
    Value::Object(object)
}

fn without_type(message: &Value) -> Value {
    let mut body = message.clone();
    if let Some(object) = body.as_object_mut() {
        object.remove("type");
    }
    body
}

/// The message without `drop` and without what is nil.
fn compact(message: &Value, drop: &[&str]) -> Value {
    let items = message.as_object().into_iter().flatten().filter(|(k, v)| !drop.contains(&k.as_str()) && !v.is_null());
    Value::Object(items.map(|(k, v)| (k.clone(), v.clone())).collect())
}

/// Path segments, each encoded.
fn path(message: &Value, keys: &[&str]) -> String {
    let segments: Vec<String> = keys.iter().map(|key| encode(message[*key].as_str().unwrap_or_default())).collect();
    segments.join("/")
}

/// The named values as a query; nil ones and a map index of −1 are left out, lists are repeated.
fn query(message: &Value, keys: &[&str]) -> String {
    let mut pairs = Vec::new();
    for key in keys {
        let mut add = |value: &Value| match value {
            Value::Null => {}
            Value::String(text) => pairs.push(format!("{key}={}", encode(text))),
            other => pairs.push(format!("{key}={}", encode(&other.to_string()))),
        };
        match &message[*key] {
            Value::Number(n) if *key == "map_index" && n.as_i64().is_some_and(|n| n < 0) => {}
            Value::Array(items) => items.iter().for_each(&mut add),
            value => add(value),
        }
    }
    pairs.join("&")
}

fn encode(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, body: Value) -> Answer {
        Answer { status, body, headers: Default::default(), next: None }
    }

    #[test]
    fn an_xcom_is_asked_by_path_and_query() {
        let message = json!({"type": "GetXCom", "key": "return_value", "dag_id": "d", "run_id": "manual__2026-01-01T00:00:00+00:00", "task_id": "t", "map_index": -1, "include_prior_dates": false});
        let (call, reply) = call("ti", &message).unwrap();
        assert_eq!(call.path, "xcoms/d/manual%5F%5F2026%2D01%2D01T00%3A00%3A00%2B00%3A00/t/return%5Fvalue");
        assert_eq!(call.query, "include_prior_dates=false");
        let (body, error) = answer(&message, reply, answered(404, Value::Null));
        assert_eq!((body["value"].clone(), error), (Value::Null, Value::Null));
    }

    #[test]
    fn a_missing_variable_is_an_error_the_task_may_handle() {
        let message = json!({"type": "GetVariable", "key": "x"});
        let (_, reply) = call("ti", &message).unwrap();
        let (body, error) = answer(&message, reply, answered(404, Value::Null));
        assert_eq!(body["error"], "VARIABLE_NOT_FOUND");
        assert!(error.is_null());
        let (body, _) = answer(&message, reply, answered(200, json!({"key": "x", "value": "1"})));
        assert_eq!(body, json!({"type": "VariableResult", "key": "x", "value": "1"}));
    }

    #[test]
    fn a_refused_call_is_raised_in_the_task() {
        let message = json!({"type": "SetXCom", "key": "k", "value": 1});
        let (_, reply) = call("ti", &message).unwrap();
        let (body, error) = answer(&message, reply, answered(500, json!({"detail": "x"})));
        assert!(body.is_null());
        assert_eq!(error["detail"]["status_code"], 500);
        assert!(call("ti", &json!({"type": "Nonsense"})).is_none());
    }
}
