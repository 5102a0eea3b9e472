//! `/graphql` over HTTP.

mod support;

use artel_platform::testkit::on_both_engines;
use serde_json::{Value, json};
use support::{SCOPES, Server, serve};

async fn ask(server: &Server, query: String) -> Value {
    let (status, answer) = server.send(server.client().post(format!("{}/graphql", server.url)).json(&json!({"query": query}))).await;
    assert_eq!(status, 200, "{query}: {answer}");
    answer
}

#[actix_web::test]
async fn runs_and_experiments_are_asked_for_by_name() {
    on_both_engines(|cx| async move {
        let server = serve(&cx).await;
        let id = server.experiment("wine").await;
        let run = server.run(&id, 5).await;
        server.ok("runs/log-metric", json!({"run_id": run, "key": "nan", "value": "NaN", "timestamp": 2, "step": 2})).await;
        server.ok("runs/log-metric", json!({"run_id": run, "key": "acc", "value": 0.5, "timestamp": 1, "step": 1})).await;

        let answer = ask(
            &server,
            format!(
                "query q @component(name: \"x\") {{ mlflowGetRun(input: {{runId: \"{run}\"}}) {{
                    run {{ info {{ status endTime }} experiment {{ name tags {{ key }} }} data {{ metrics {{ key value step }} }} }} }} }}"
            ),
        )
        .await;
        assert_eq!(answer["errors"], Value::Null);
        assert_eq!(
            answer["data"]["mlflowGetRun"]["run"],
            json!({
                "info": {"status": "RUNNING", "endTime": "0"},
                "experiment": {"name": "wine", "tags": []},
                "data": {"metrics": [{"key": "acc", "value": 0.5, "step": "1"}, {"key": "nan", "value": null, "step": "2"}]}
            })
        );

        let answer = ask(&server, format!("mutation {{ mlflowSearchRuns(input: {{experimentIds: [\"{id}\"], runViewType: ALL}}) {{ runs {{ info {{ runId }} }} }} }}")).await;
        assert_eq!(answer["data"]["mlflowSearchRuns"]["runs"], json!([{"info": {"runId": run}}]));

        let query = "query ($key: String!) { h: mlflowGetMetricHistoryBulkInterval(input: {runIds: [\"RUN\"], metricKey: $key}) { metrics { value timestamp } } }";
        let body = json!({"query": query.replace("RUN", &run), "variables": {"key": "acc"}});
        let (_, answer) = server.send(server.client().post(format!("{}/graphql", server.url)).json(&body)).await;
        assert_eq!(answer["data"]["h"]["metrics"], json!([{"value": 0.5, "timestamp": "1"}]));
        server.stop().await;
    })
    .await;
}

#[actix_web::test]
async fn what_fails_is_told_and_the_rest_is_answered() {
    on_both_engines(|cx| async move {
        let server = serve(&cx).await;
        let answer = ask(&server, "{ a: mlflowGetExperiment(input: {experimentId: \"999\"}) { experiment { name } } b: mlflowGetExperiment(input: {experimentId: \"0\"}) { experiment { name } } }".into()).await;
        assert_eq!(answer["data"], json!({"a": null, "b": {"experiment": {"name": "Default"}}}));
        assert_eq!(answer["errors"], json!(["No Experiment with id=999 exists"]));
        let answer = ask(&server, "{ mlflowGetExperiment(input: {nope: 1}) { experiment { name } } }".into()).await;
        assert!(answer["errors"][0].as_str().unwrap().contains("'nope'"));
        let answer = ask(&server, "{ nope }".into()).await;
        assert_eq!(answer, json!({"data": null, "errors": ["Cannot query field 'nope' on type 'Query'."]}));
        let url = format!("{}/graphql?query=%7Btest(inputString:%22a%22)%7Boutput%7D%7D", server.url);
        let (_, answer) = server.send(server.client().get(url)).await;
        assert_eq!(answer, json!({"data": {"test": {"output": "a"}}, "errors": null}));
        let (status, _) = server.send(server.client().post(format!("{}/graphql", server.url)).body("{}")).await;
        assert_eq!(status, 400);
        server.stop().await;
    })
    .await;
}

/// A token for some experiments gets of each field what it would get of the operation behind it.
#[actix_web::test]
async fn who_may_see_some_experiments_gets_these() {
    on_both_engines(|cx| async move {
        let server = serve(&cx).await;
        let (mine, other) = (server.experiment("mine").await, server.experiment("other").await);
        let (run, hidden) = (server.run(&mine, 1).await, server.run(&other, 2).await);
        for run in [&run, &hidden] {
            server.ok("runs/log-metric", json!({"run_id": run, "key": "acc", "value": 0.5, "timestamp": 1})).await;
        }
        let scopes = format!("read:experiments!experiment={mine} read:models!model=m");
        let ask = async |query: String| {
            let request = server.client().post(format!("{}/graphql", server.url)).header(SCOPES, &scopes).json(&json!({"query": query}));
            let (status, answer) = server.send(request).await;
            assert_eq!(status, 200, "{query}: {answer}");
            answer
        };
        let experiment = |id: &str| format!("{{ f: mlflowGetExperiment(input: {{experimentId: \"{id}\"}}) {{ experiment {{ name }} }} }}");
        let get_run = |id: &str| format!("{{ f: mlflowGetRun(input: {{runId: \"{id}\"}}) {{ run {{ info {{ runId }} experiment {{ name }} }} }} }}");
        let search = |ids: &[&str]| format!("{{ f: mlflowSearchRuns(input: {{experimentIds: {ids:?}}}) {{ runs {{ info {{ runId }} }} }} }}");
        let history = |ids: &[&str]| {
            format!("{{ f: mlflowGetMetricHistoryBulkInterval(input: {{runIds: {ids:?}, metricKey: \"acc\"}}) {{ metrics {{ value }} }} }}")
        };
        assert_eq!(ask(experiment(&mine)).await["data"]["f"], json!({"experiment": {"name": "mine"}}));
        assert_eq!(ask(get_run(&run)).await["data"]["f"]["run"], json!({"info": {"runId": run}, "experiment": {"name": "mine"}}));
        assert_eq!(ask(search(&[&mine, &other])).await["data"]["f"]["runs"], json!([{"info": {"runId": run}}]));
        assert_eq!(ask(history(&[&run])).await["data"]["f"]["metrics"], json!([{"value": 0.5}]));
        for refused in [
            experiment(&other),
            experiment(&format!("0{other}")),
            get_run(&hidden),
            get_run("none"),
            search(&[&other]),
            history(&[&run, &hidden]),
            format!("{{ f: mlflowListArtifacts(input: {{runUuid: \"{hidden}\"}}) {{ rootUri }} }}"),
            format!("mutation {{ f: mlflowSearchDatasets(input: {{experimentIds: [\"{other}\"]}}) {{ datasetSummaries {{ name }} }} }}"),
        ] {
            let answer = ask(refused.clone()).await;
            assert_eq!(answer, json!({"data": {"f": null}, "errors": ["Permission denied"]}), "{refused}");
        }
        let both = format!("{{ a: mlflowGetRun(input: {{runId: \"{hidden}\"}}) {{ run {{ info {{ runId }} }} }} b: mlflowGetRun(input: {{runId: \"{run}\"}}) {{ run {{ info {{ runId }} }} }} }}");
        assert_eq!(ask(both).await["data"], json!({"a": null, "b": {"run": {"info": {"runId": run}}}}));
        server.stop().await;
    })
    .await;
}
