//! Traces as clients tell them: MLflow's JSON, and spans by OTLP.

#![allow(dead_code)]

use super::Server;
use artel_proto::opentelemetry::{
    AnyValue, ExportTraceServiceRequest, KeyValue, Resource, ResourceSpans, ScopeSpans, Span, Status, any_value,
};
use prost::Message;
use serde_json::{Value, json};

pub const V3: &str = "/api/3.0/mlflow/traces";

pub async fn call(server: &Server, method: reqwest::Method, path: &str, body: Value) -> (u16, Value) {
    server.send(server.client().request(method, format!("{}{path}", server.url)).json(&body)).await
}

pub async fn post(server: &Server, path: &str, body: Value) -> Value {
    let (status, answer) = call(server, reqwest::Method::POST, &format!("{V3}{path}"), body).await;
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

pub async fn get(server: &Server, path: &str) -> (u16, Value) {
    server.send(server.client().get(format!("{}{V3}{path}", server.url))).await
}

pub fn info(id: &str, experiment: &str, second: i64, more: Value) -> Value {
    let mut info = json!({
        "trace_id": id,
        "trace_location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}},
        "request_time": format!("2024-01-01T00:00:{second:02}.250Z"),
        "execution_duration": "1.500s",
        "state": "OK",
        "request_preview": "in",
        "response_preview": "out",
    });
    for (key, value) in more.as_object().unwrap() {
        info[key] = value.clone();
    }
    json!({"trace": {"trace_info": info}})
}

pub fn text(key: &str, value: &str) -> KeyValue {
    KeyValue { key: key.into(), value: Some(AnyValue { value: Some(any_value::Value::StringValue(value.into())) }) }
}

pub fn span(trace: u8, id: u8, parent: u8, name: &str, attributes: Vec<KeyValue>) -> Span {
    let base = 1_700_000_000_000_000_000;
    Span {
        trace_id: vec![trace; 16],
        span_id: vec![id; 8],
        parent_span_id: if parent == 0 { vec![] } else { vec![parent; 8] },
        name: name.into(),
        start_time_unix_nano: base + u64::from(id) * 1_000_000,
        end_time_unix_nano: base + 100_000_000 - u64::from(id) * 1_000_000,
        status: Some(Status { message: String::new(), code: 1 }),
        attributes,
        ..Span::default()
    }
}

pub fn export(spans: Vec<Span>) -> Vec<u8> {
    let resource = Resource { attributes: vec![text("service.name", "cellar"), text("telemetry.sdk.name", "x")] };
    let group = ResourceSpans { resource: Some(resource), scope_spans: vec![ScopeSpans { spans }] };
    ExportTraceServiceRequest { resource_spans: vec![group] }.encode_to_vec()
}

pub async fn send(server: &Server, experiment: &str, body: Vec<u8>) -> (u16, Value) {
    let request = server.client().post(format!("{}/v1/traces", server.url));
    let request = request.header("x-mlflow-experiment-id", experiment).header("content-type", "application/x-protobuf");
    server.send(request.body(body)).await
}

pub fn id(trace: u8) -> String {
    format!("tr-{}", format!("{trace:02x}").repeat(16))
}

pub fn usage(input: i64) -> KeyValue {
    text("mlflow.chat.tokenUsage", &format!("{{\"input_tokens\": {input}, \"output_tokens\": 1, \"total_tokens\": {}}}", input + 1))
}

pub async fn found(server: &Server, experiment: &str, filter: &str, order: &str, page: i64) -> Vec<String> {
    let (mut ids, mut token) = (Vec::new(), Value::Null);
    loop {
        let order: Vec<&str> = Some(order).filter(|o| !o.is_empty()).into_iter().collect();
        let body = json!({"locations": [{"mlflow_experiment": {"experiment_id": experiment}}], "filter": filter,
            "order_by": order, "max_results": page, "page_token": token});
        let answer = post(server, "/search", body).await;
        let traces = answer["traces"].as_array().cloned().unwrap_or_default();
        assert!(traces.len() as i64 <= page);
        ids.extend(traces.iter().map(|t| t["trace_id"].as_str().unwrap().to_owned()));
        token = answer["next_page_token"].clone();
        if token.is_null() {
            return ids;
        }
    }
}
