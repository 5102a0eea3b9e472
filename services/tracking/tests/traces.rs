//! Traces: told as a whole or span by span, read, searched, assessed and deleted, on both engines.

mod support;

use artel_platform::testkit::on_both_engines;
use artel_proto::opentelemetry::Span;
use serde_json::{Value, json};
use support::serve;
use support::traces::*;

#[actix_web::test]
async fn a_trace_is_kept_as_it_is_told() {
    on_both_engines(|cx| async move {
        let server = serve(&cx).await;
        let experiment = server.experiment("e").await;
        let tokens = r#"{"input_tokens": 1, "output_tokens": 2}"#;
        let told = json!({
            "trace_metadata": {"mlflow.trace.session": "s", "mlflow.trace.tokenUsage": tokens, "k": "v"},
            "tags": {"mlflow.traceName": "ask", "team": "a"},
            "assessments": [{"assessment_name": "good", "source": {"source_type": "HUMAN", "source_id": "ann"}, "feedback": {"value": true}}],
        });
        for _ in 0..2 {
            let answer = post(&server, "", info("tr-one", &experiment, 1, told.clone())).await;
            assert_eq!(answer["trace"]["trace_info"]["trace_id"], "tr-one");
        }
        let (_, answer) = get(&server, "/tr-one").await;
        let kept = &answer["trace"]["trace_info"];
        assert_eq!(kept["request_time"], "2024-01-01T00:00:01.250Z");
        assert_eq!((&kept["execution_duration"], &kept["state"]), (&json!("1.500s"), &json!("OK")));
        assert_eq!(
            kept["trace_metadata"],
            json!({"mlflow.trace.session": "s", "mlflow.trace.tokenUsage": tokens, "k": "v", "mlflow.trace.infoFinalized": "true"})
        );
        assert_eq!(
            kept["tags"],
            json!({"mlflow.traceName": "ask", "team": "a", "mlflow.artifactLocation": format!("mlflow-artifacts:/{experiment}/traces/tr-one/artifacts")})
        );
        assert_eq!(kept["assessments"][0]["feedback"], json!({"value": true}));
        assert_eq!(kept["assessments"][0]["source"], json!({"source_type": "HUMAN", "source_id": "ann"}));

        let (status, answer) = get(&server, "/tr-none").await;
        assert_eq!((status, &answer["error_code"]), (404, &json!("RESOURCE_DOES_NOT_EXIST")));
        for wrong in [json!({}), info("", &experiment, 1, json!({})), info("tr-x", "987654", 1, json!({})), info("tr-x", &experiment, 1, json!({"request_time": "soon"}))] {
            let (status, answer) = call(&server, reqwest::Method::POST, V3, wrong).await;
            assert!(status == 400 || status == 404, "{answer}");
        }
        let tags = format!("{V3}/tr-one/tags");
        assert_eq!(call(&server, reqwest::Method::PATCH, &tags, json!({"key": "a", "value": "1"})).await.0, 200);
        assert_eq!(call(&server, reqwest::Method::PATCH, &tags, json!({"key": "mlflow.traceName", "value": "other"})).await.0, 200);
        assert_eq!(call(&server, reqwest::Method::PATCH, &tags, json!({"key": "mlflow.trace.spansLocation", "value": "x"})).await.0, 400);
        assert_eq!(call(&server, reqwest::Method::DELETE, &tags, json!({"key": "team"})).await.0, 200);
        assert_eq!(call(&server, reqwest::Method::DELETE, &tags, json!({"key": "team"})).await.0, 404);
        let (_, answer) = get(&server, "/tr-one").await;
        let tags = &answer["trace"]["trace_info"]["tags"];
        assert_eq!((&tags["a"], &tags["mlflow.traceName"], &tags["team"]), (&json!("1"), &json!("other"), &Value::Null));
        server.stop().await;
    })
    .await;
}

#[actix_web::test]
async fn spans_make_their_trace_and_what_the_client_tells_counts_more() {
    on_both_engines(|cx| async move {
        let server = serve(&cx).await;
        let experiment = server.experiment("e").await;
        let inputs = text("mlflow.spanInputs", r#"{"messages": [{"role": "user", "content": "why?"}]}"#);
        let first = export(vec![span(1, 2, 1, "inner", vec![usage(5)])]);
        let second = export(vec![span(
            1,
            1,
            0,
            "outer",
            vec![inputs, usage(9), text("mlflow.traceTag.mlflow.traceName", "named"), text("user.id", "ann")],
        )]);
        assert_eq!(send(&server, &experiment, first).await.0, 200);
        let (_, answer) = get(&server, &format!("/{}", id(1))).await;
        assert_eq!(answer["trace"]["trace_info"]["state"], "IN_PROGRESS");
        for _ in 0..2 {
            assert_eq!(send(&server, &experiment, second.clone()).await.0, 200);
        }
        let (_, answer) = get(&server, &format!("/get?trace_id={}", id(1))).await;
        let (kept, spans) = (&answer["trace"]["trace_info"], answer["trace"]["spans"].as_array().unwrap());
        assert_eq!(spans.iter().map(|s| s["name"].as_str().unwrap()).collect::<Vec<_>>(), ["outer", "inner"]);
        assert_eq!((&kept["state"], &kept["execution_duration"]), (&json!("OK"), &json!("0.098s")));
        assert_eq!((&kept["request_preview"], &kept["request_time"]), (&json!("why?"), &json!("2023-11-14T22:13:20.001Z")));
        let told: Value = serde_json::from_str(kept["trace_metadata"]["mlflow.trace.tokenUsage"].as_str().unwrap()).unwrap();
        assert_eq!(told, json!({"input_tokens": 9, "output_tokens": 1, "total_tokens": 10}));
        assert_eq!((&kept["trace_metadata"]["mlflow.trace.user"], &kept["tags"]["mlflow.traceName"]), (&json!("ann"), &json!("named")));
        assert_eq!((&kept["tags"]["service.name"], &kept["tags"]["telemetry.sdk.name"]), (&json!("cellar"), &Value::Null));

        post(&server, "", info(&id(1), &experiment, 7, json!({"trace_metadata": {"mlflow.trace.tokenUsage": "{\"input_tokens\": 1}"}})))
            .await;
        assert_eq!(send(&server, &experiment, export(vec![span(1, 3, 1, "late", vec![usage(70)])])).await.0, 200);
        let answer = post(&server, "/batchGetInfos", json!({"trace_ids": ["tr-none", id(1)]})).await;
        let kept = &answer["trace_infos"][0];
        assert_eq!((&kept["request_time"], &kept["execution_duration"]), (&json!("2024-01-01T00:00:07.250Z"), &json!("1.500s")));
        let tokens = kept["trace_metadata"]["mlflow.trace.tokenUsage"].as_str().unwrap();
        assert!(tokens.contains("\"input_tokens\": 1,"), "{tokens}");
        let (_, answer) = get(&server, &format!("/batchGet?trace_ids={}&trace_ids=tr-none", id(1))).await;
        assert_eq!(answer["traces"][0]["spans"].as_array().unwrap().len(), 3);
        let file = server.client().get(format!("{}/ajax-api/2.0/mlflow/get-trace-artifact?request_id={}", server.url, id(1)));
        assert_eq!(server.send(file).await.1["spans"].as_array().unwrap().len(), 3);

        assert_eq!(send(&server, "987654", export(vec![span(9, 1, 0, "x", vec![])])).await.0, 404);
        assert_eq!(send(&server, &experiment, vec![255, 255]).await, (400, json!({"detail": "Invalid OpenTelemetry format"})));
        assert_eq!(send(&server, &experiment, vec![]).await.0, 400);
        let nameless = Span { span_id: vec![], ..span(9, 1, 0, "x", vec![]) };
        assert_eq!(send(&server, &experiment, export(vec![span(8, 1, 0, "y", vec![]), nameless])).await.0, 422);
        assert_eq!(get(&server, &format!("/{}", id(8))).await.0, 404, "a refused request leaves nothing");
        let unnamed = server.client().post(format!("{}/v1/traces", server.url)).body(vec![]);
        assert_eq!(server.send(unnamed).await.0, 422);
        server.stop().await;
    })
    .await;
}

#[actix_web::test]
async fn assessments_are_changed_overridden_and_taken_back() {
    on_both_engines(|cx| async move {
        let server = serve(&cx).await;
        let experiment = server.experiment("e").await;
        post(&server, "", info("tr-a", &experiment, 1, json!({}))).await;
        let source = json!({"source_type": "HUMAN", "source_id": "ann"});
        let feedback = |value: Value, more: Value| {
            let mut assessment = json!({"assessment_name": "f", "source": source, "feedback": {"value": value}, "metadata": {"a": "1"}});
            assessment.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!({"assessment": assessment})
        };
        let first = post(&server, "/tr-a/assessments", feedback(json!(0.5), json!({"rationale": "r"}))).await["assessment"].clone();
        let path = format!("/tr-a/assessments/{}", first["assessment_id"].as_str().unwrap());
        assert!(first["assessment_id"].as_str().unwrap().starts_with("a-") && first["valid"] == true, "{first}");

        let change = json!({"assessment": {"feedback": {"value": "x"}, "metadata": {"b": "2"}, "rationale": "s"}, "update_mask": "feedback,metadata,rationale"});
        let (status, answer) = call(&server, reqwest::Method::PATCH, &format!("{V3}{path}"), change).await;
        assert_eq!(status, 200, "{answer}");
        let changed = &answer["assessment"];
        assert_eq!((&changed["feedback"]["value"], &changed["metadata"]), (&json!("x"), &json!({"a": "1", "b": "2"})));
        assert_eq!((&changed["rationale"], &changed["create_time"]), (&json!("s"), &first["create_time"]));
        let wrong = json!({"assessment": {"expectation": {"value": 1}}, "update_mask": "expectation"});
        assert_eq!(call(&server, reqwest::Method::PATCH, &format!("{V3}{path}"), wrong).await.0, 400);

        let second = post(&server, "/tr-a/assessments", feedback(json!(1.0), json!({"overrides": first["assessment_id"]}))).await["assessment"].clone();
        assert_eq!(get(&server, &path).await.1["assessment"]["valid"], false);
        let second = format!("{V3}/tr-a/assessments/{}", second["assessment_id"].as_str().unwrap());
        for _ in 0..2 {
            assert_eq!(call(&server, reqwest::Method::DELETE, &second, json!({})).await.0, 200);
        }
        assert_eq!(get(&server, &path).await.1["assessment"]["valid"], true);

        let listed = json!({"serialization_format": "JSON_FORMAT", "value": "[1, {\"a\": null}]"});
        let expectation = json!({"assessment": {"assessment_name": "e", "source": source, "expectation": {"serialized_value": listed}}});
        let answer = post(&server, "/tr-a/assessments", expectation).await;
        assert_eq!(answer["assessment"]["expectation"], json!({"serialized_value": listed}));
        for wrong in [
            feedback(json!(1), json!({"overrides": "a-none"})),
            feedback(json!(1), json!({"expectation": {"value": 1}})),
            json!({"assessment": {"assessment_name": "n", "source": source}}),
            json!({}),
        ] {
            let (status, answer) = call(&server, reqwest::Method::POST, &format!("{V3}/tr-a/assessments"), wrong).await;
            assert!(status == 400 || status == 404, "{answer}");
        }
        assert_eq!(call(&server, reqwest::Method::POST, &format!("{V3}/tr-none/assessments"), feedback(json!(1), json!({}))).await.0, 404);
        assert_eq!(get(&server, "/tr-a/assessments/a-none").await.0, 404);
        server.stop().await;
    })
    .await;
}

#[actix_web::test]
async fn old_clients_begin_end_and_find_traces() {
    on_both_engines(|cx| async move {
        let server = serve(&cx).await;
        let experiment = server.experiment("e").await;
        let begin = json!({"experiment_id": experiment, "timestamp_ms": 1000, "tags": [{"key": "mlflow.traceName", "value": "n"}], "request_metadata": [{"key": "m", "value": "1"}]});
        let begun = server.ok("traces", begin).await["trace_info"].clone();
        assert_eq!((&begun["status"], &begun["timestamp_ms"], &begun["execution_time_ms"]), (&json!("IN_PROGRESS"), &json!(1000), &json!(0)));
        let id = begun["request_id"].as_str().unwrap();
        let end = json!({"timestamp_ms": 1250, "status": "OK", "tags": [{"key": "t", "value": "2"}]});
        let (status, answer) = call(&server, reqwest::Method::PATCH, &format!("/api/2.0/mlflow/traces/{id}"), end).await;
        assert_eq!((status, &answer["trace_info"]["execution_time_ms"]), (200, &json!(250)));
        let (_, answer) = server.get(&format!("traces/{id}/info")).await;
        assert_eq!(answer["trace_info"]["status"], "OK");
        assert!(answer["trace_info"]["tags"].as_array().unwrap().contains(&json!({"key": "mlflow.traceName", "value": "n"})));
        let (_, answer) = server.get(&format!("traces?experiment_ids={experiment}&filter=tags.t%20%3D%20'2'")).await;
        assert_eq!(answer["traces"][0]["request_id"], id);
        let (status, _) = get(&server, &format!("/get?trace_id={id}")).await;
        assert_eq!(status, 400, "its spans are not here");
        server.stop().await;
    })
    .await;
}

#[actix_web::test]
async fn deleted_traces_leave_nothing() {
    on_both_engines(|cx| async move {
        let server = serve(&cx).await;
        let experiment = server.experiment("e").await;
        for n in 1..=4 {
            post(&server, "", info(&id(n), &experiment, n.into(), json!({"tags": {"k": "v"}}))).await;
            assert_eq!(send(&server, &experiment, export(vec![span(n, 1, 0, "s", vec![])])).await.0, 200);
        }
        for wrong in [
            json!({}),
            json!({"max_timestamp_millis": 1, "request_ids": ["x"]}),
            json!({"max_timestamp_millis": 1, "max_traces": 0}),
            json!({"request_ids": ["x"], "max_traces": 1}),
        ] {
            let mut body = wrong;
            body["experiment_id"] = json!(experiment);
            assert_eq!(call(&server, reqwest::Method::POST, &format!("{V3}/delete-traces"), body).await.0, 400);
        }
        let other = server.experiment("other").await;
        let answer = post(&server, "/delete-traces", json!({"experiment_id": other, "request_ids": [id(1)]})).await;
        assert_eq!(answer["traces_deleted"], 0, "it is of another experiment");
        let answer = post(&server, "/delete-traces", json!({"experiment_id": experiment, "request_ids": [id(4), id(4), "tr-none"]})).await;
        assert_eq!(answer["traces_deleted"], 1);
        let answer = post(
            &server,
            "/delete-traces",
            json!({"experiment_id": experiment, "max_timestamp_millis": 1704067203250_i64, "max_traces": 2}),
        )
        .await;
        assert_eq!(answer["traces_deleted"], 2);
        assert_eq!(found(&server, &experiment, "", "", 10).await, [id(3)]);
        assert_eq!(get(&server, &format!("/{}", id(4))).await.0, 404);
        post(&server, "", info(&id(4), &experiment, 9, json!({}))).await;
        let (_, answer) = get(&server, &format!("/{}", id(4))).await;
        assert_eq!(answer["trace"]["trace_info"]["tags"]["k"], Value::Null, "no tag of the deleted one");
        server.stop().await;
    })
    .await;
}
