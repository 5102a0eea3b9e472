//! Traces are found by what is in them, page by page.

mod support;

use artel_platform::testkit::on_both_engines;
use serde_json::{Value, json};
use support::serve;
use support::traces::*;

#[actix_web::test]
async fn traces_are_searched_and_paged() {
    on_both_engines(|cx| async move {
        let server = serve(&cx).await;
        let experiment = server.experiment("e").await;
        let other = server.experiment("other").await;
        for (n, team) in [(1, "red"), (2, "white"), (3, "red")] {
            let session = if n == 3 { "s3" } else { "s12" };
            let more = json!({"tags": {"team": team, "mlflow.traceName": format!("name-{n}")}, "state": if n == 2 { "ERROR" } else { "OK" },
                "trace_metadata": {"mlflow.trace.session": session, "mlflow.trace.cost": format!("{{\"total_cost\": {n}.5}}")}});
            post(&server, "", info(&id(n), &experiment, n.into(), more)).await;
            let kind = text("mlflow.spanType", if n == 1 { "LLM" } else { "TOOL" });
            let body = export(vec![span(n, 1, 0, &format!("span-{n}"), vec![kind, text("grape", team)])]);
            assert_eq!(send(&server, &experiment, body).await.0, 200);
        }
        post(&server, "", info("tr-elsewhere", &other, 1, json!({}))).await;
        let run = server.run(&experiment, 1).await;
        server.ok("traces/link-to-run", json!({"trace_ids": [id(2)], "run_id": run})).await;
        server.ok("traces/link-prompts", json!({"trace_id": id(3), "prompt_versions": [{"name": "p", "version": "1"}]})).await;
        let said = |value: Value, more: Value| json!({"assessment": {"assessment_name": "score", "source": {"source_type": "CODE"}, "feedback": {"value": value}, "metadata": more}});
        post(&server, &format!("/{}/assessments", id(3)), said(json!(0.5), json!({}))).await;
        post(&server, &format!("/{}/assessments", id(1)), said(json!("yes"), json!({"mlflow.trace.session": "s12"}))).await;

        let cases: &[(&str, &[u8])] = &[
            ("", &[3, 2, 1]),
            ("tags.team = 'red'", &[3, 1]),
            ("tags.team != 'red'", &[2]),
            ("tags.none IS NULL AND tags.team IS NOT NULL", &[3, 2, 1]),
            ("name = 'name-2'", &[2]),
            ("status IN ('OK')", &[3, 1]),
            ("trace.status = 'ERROR'", &[2]),
            ("timestamp_ms >= 1704067202250 AND timestamp < 1704067203250", &[2]),
            ("execution_time_ms = 1500 AND end_time > 5", &[3, 2, 1]),
            ("metadata.mlflow.trace.session = 's12'", &[2, 1]),
            ("request_metadata.`mlflow.trace.session` LIKE 's3%'", &[3]),
            ("metadata.mlflow.trace.cost = '{\"total_cost\": 2.5}'", &[2]),
            ("metadata.mlflow.trace.cost != '{\"total_cost\": 2.5}'", &[3, 1]),
            ("metadata.mlflow.trace.tokenUsage IS NULL", &[3, 2, 1]),
            ("span.type = 'TOOL' AND span.name LIKE 'span-%'", &[3, 2]),
            ("span.type = 'TOOL' AND span.name = 'span-1'", &[]),
            ("span.attributes.grape = 'white'", &[2]),
            ("span.attributes.grape != 'white'", &[3, 1]),
            ("span.attributes.grape LIKE '%re%'", &[3, 1]),
            ("trace.text LIKE '%span-3%'", &[3]),
            ("trace.text ILIKE '%SPAN-3%'", &[3]),
            ("trace.text LIKE '%SPAN-3%'", &[]),
            ("tags.team RLIKE '^r.d$'", &[3, 1]),
            ("span.name RLIKE 'n-[12]' AND span.type = 'TOOL'", &[2]),
            ("span.attributes.grape RLIKE '^wh'", &[2]),
            ("trace.name RLIKE '[13]$' AND status = 'OK'", &[3, 1]),
            ("feedback.score > 0.4", &[3]),
            ("feedback.score > 0.6", &[]),
            ("feedback.score = 'yes'", &[2, 1]),
            ("feedback.score IS NULL", &[]),
            ("expectation.score IS NULL", &[3, 2, 1]),
            ("prompt = 'p/1'", &[3]),
            ("issue.id = 'i'", &[]),
        ];
        for (filter, expected) in cases {
            let expected: Vec<String> = expected.iter().map(|n| id(*n)).collect();
            assert_eq!(found(&server, &experiment, filter, "", 100).await, expected, "{filter}");
            assert_eq!(found(&server, &experiment, filter, "", 1).await, expected, "{filter}, page by page");
        }
        assert_eq!(found(&server, &experiment, &format!("run_id = '{run}'"), "", 10).await, [id(2)]);
        for (order, expected) in [
            ("timestamp_ms ASC", [1, 2, 3]),
            ("name ASC", [1, 2, 3]),
            ("tags.team DESC", [2, 3, 1]),
            ("status ASC", [2, 3, 1]),
            ("request_id ASC", [1, 2, 3]),
        ] {
            assert_eq!(found(&server, &experiment, "", order, 1).await, expected.map(id), "{order}");
        }
        let places = json!([{"mlflow_experiment": {"experiment_id": experiment}}]);
        for (wrong, word) in [
            (json!({"filter": "trace.none = 'x'"}), "none"),
            (json!({"filter": "things.x = 'y'"}), "things"),
            (json!({"filter": "trace.status > 'OK'"}), "status"),
            (json!({"filter": "tags.team = 5"}), "team"),
            (json!({"filter": "trace.name IN ('x')"}), "IN"),
            (json!({"filter": "timestamp_ms = 'x'"}), "timestamp_ms"),
            (json!({"filter": "tags.team RLIKE '('"}), "("),
            (json!({"filter": "prompt = 'p'"}), "p"),
            (json!({"order_by": ["none"]}), "none"),
            (json!({"order_by": ["timestamp_ms", "timestamp"]}), "duplicate"),
            (json!({"max_results": 501}), "max_results"),
            (json!({"max_results": 0}), "max_results"),
            (json!({"page_token": "x"}), "token"),
        ] {
            let mut body = wrong.clone();
            body["locations"] = places.clone();
            let (status, answer) = call(&server, reqwest::Method::POST, &format!("{V3}/search"), body).await;
            assert_eq!((status, &answer["error_code"]), (400, &json!("INVALID_PARAMETER_VALUE")), "{wrong}: {answer}");
            assert!(answer["message"].as_str().unwrap().contains(word), "{wrong}: {answer}");
        }
        let answer = post(&server, "/calculate-filter-correlation", json!({"experiment_ids": [experiment], "filter_string1": "tags.team = 'red'", "filter_string2": "status = 'OK'"})).await;
        assert_eq!((&answer["joint_count"], &answer["total_count"]), (&json!(2), &json!(3)));
        assert!(answer["npmi"].as_f64().unwrap() > 0.999, "{answer}");
        server.stop().await;
    })
    .await;
}
