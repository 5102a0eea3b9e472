//! Filters, orders and pages on both engines.

mod support;

use artel_platform::testkit::on_both_engines;
use artel_proto::mlflow::{ModelVersionTag, RegisteredModelTag};
use artel_registry::{NewVersion, SearchRequest};
use support::{Bench, RUN, bench, from_run};

const W: &str = "default";

fn request(filter: &str, order_by: &[&str]) -> SearchRequest {
    SearchRequest {
        filter: filter.into(),
        max_results: 100,
        order_by: order_by.iter().map(|o| (*o).to_owned()).collect(),
        page_token: None,
        visible: Default::default(),
    }
}

async fn models(b: &Bench, filter: &str, order_by: &[&str]) -> Vec<String> {
    let (found, next) =
        b.registry.search_registered_models(W, &request(filter, order_by)).await.unwrap_or_else(|e| panic!("{filter}: {e}"));
    assert_eq!(next, None);
    found.into_iter().map(|m| m.name.unwrap()).collect()
}

async fn versions(b: &Bench, filter: &str, order_by: &[&str]) -> Vec<String> {
    let (found, next) = b.registry.search_model_versions(W, &request(filter, order_by)).await.unwrap_or_else(|e| panic!("{filter}: {e}"));
    assert_eq!(next, None);
    found.into_iter().map(|v| format!("{}/{}", v.name(), v.version())).collect()
}

fn model_tag(key: &str, value: &str) -> RegisteredModelTag {
    RegisteredModelTag { key: Some(key.into()), value: Some(value.into()) }
}

fn version_tag(key: &str, value: &str) -> ModelVersionTag {
    ModelVersionTag { key: Some(key.into()), value: Some(value.into()) }
}

async fn filled(b: &Bench) {
    for (name, tags) in [
        ("b", vec![model_tag("team", "nlp"), model_tag("stage", "x")]),
        ("A", vec![model_tag("team", "vision")]),
        ("a_c", vec![]),
        ("Вино", vec![model_tag("team", "NLP")]),
        ("prompt", vec![model_tag("mlflow.prompt.is_prompt", "true")]),
    ] {
        b.registry.create_registered_model(W, name, &tags, "").await.unwrap();
        b.clock.advance(1);
    }
    b.registry.create_registered_model("other", "elsewhere", &[], "").await.unwrap();
    for name in ["b", "A", "b"] {
        let tags = vec![version_tag("k", name)];
        b.registry.create_model_version(W, NewVersion { tags, ..from_run(name) }).await.unwrap();
        b.clock.advance(1);
    }
    let source = NewVersion { name: "b".into(), source: "s3://bucket/x".into(), ..Default::default() };
    b.registry.create_model_version(W, source).await.unwrap();
    let prompt = NewVersion {
        name: "prompt".into(),
        source: "dummy-source".into(),
        tags: vec![version_tag("mlflow.prompt.is_prompt", "true"), version_tag("mlflow.prompt.text", "hello")],
        ..Default::default()
    };
    b.registry.create_model_version(W, prompt).await.unwrap();
}

#[tokio::test]
async fn models_are_found() {
    on_both_engines(async |cx| {
        let b = bench(cx).await;
        filled(&b).await;
        for (filter, expected) in [
            ("", &["A", "a_c", "b", "Вино"][..]),
            ("name = 'b'", &["b"]),
            ("name != 'b'", &["A", "a_c", "Вино"]),
            ("name LIKE 'a%'", &["a_c"]),
            ("name ILIKE 'a%'", &["A", "a_c"]),
            ("name IN ('b', 'A', 'none')", &["A", "b"]),
            ("attribute.name NOT IN ('b')", &["A", "a_c", "Вино"]),
            ("tags.team = 'nlp'", &["b"]),
            ("tag.team ILIKE 'NLP'", &["b", "Вино"]),
            ("tags.team != 'nlp'", &["A", "Вино"]),
            ("tags.team = 'nlp' AND tags.stage = 'x' AND name LIKE '%'", &["b"]),
            ("tags.team = 'nlp' AND tags.stage = 'y'", &[]),
            ("tags.`mlflow.prompt.is_prompt` = 'true'", &["prompt"]),
            ("tags.`mlflow.prompt.is_prompt` != 'false'", &["prompt"]),
            ("tags.`mlflow.prompt.is_prompt` = 'false'", &["A", "a_c", "b", "Вино"]),
            ("tags.`mlflow.prompt.is_prompt` != 'true'", &["A", "a_c", "b", "Вино"]),
        ] {
            assert_eq!(models(&b, filter, &[]).await, expected, "{filter}");
        }
        assert_eq!(models(&b, "", &["name DESC"]).await, ["Вино", "b", "a_c", "A"]);
        assert_eq!(models(&b, "", &["timestamp"]).await, ["a_c", "Вино", "A", "b"], "versions touch their model");
        assert_eq!(models(&b, "", &["last_updated_timestamp DESC", "name"]).await, ["b", "A", "Вино", "a_c"]);
        for bad in [
            "name > 'a'",
            "description = 'x'",
            "metrics.a = 1",
            "tags.a IN ('x')",
            "name = 'a' OR name = 'b'",
            "name = a",
            "tags.a IS NULL",
            "name",
        ] {
            assert!(b.registry.search_registered_models(W, &request(bad, &[])).await.is_err(), "{bad}");
        }
        for bad in [&["creation_timestamp"][..], &["name", "name DESC"], &["tags.a"], &["name sideways"]] {
            assert!(b.registry.search_registered_models(W, &request("", bad)).await.is_err(), "{bad:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn versions_are_found() {
    on_both_engines(async |cx| {
        let b = bench(cx).await;
        filled(&b).await;
        let by_run = format!("run_id = '{RUN}'");
        let in_runs = format!("run_id IN ('{RUN}', 'x') AND version_number >= 1");
        for (filter, expected) in [
            ("", &["b/3", "b/2", "A/1", "b/1"][..]),
            ("name = 'b'", &["b/3", "b/2", "b/1"]),
            ("name IN ('A')", &["A/1"]),
            ("name = 'b' AND version_number > 1", &["b/3", "b/2"]),
            ("version_number != 1", &["b/3", "b/2"]),
            ("source_path LIKE 's3://%'", &["b/3"]),
            (by_run.as_str(), &["b/2", "A/1", "b/1"]),
            (in_runs.as_str(), &["b/2", "A/1", "b/1"]),
            ("tags.k = 'b'", &["b/2", "b/1"]),
            ("tags.`mlflow.prompt.is_prompt` = 'true'", &["prompt/1"]),
            ("name = 'prompt'", &[]),
        ] {
            assert_eq!(versions(&b, filter, &[]).await, expected, "{filter}");
        }
        assert_eq!(versions(&b, "", &["name", "version_number"]).await, ["A/1", "b/1", "b/2", "b/3"]);
        assert_eq!(versions(&b, "", &["version_number DESC"]).await, ["b/3", "b/2", "A/1", "b/1"]);
        assert_eq!(versions(&b, "", &["creation_timestamp ASC"]).await, ["b/1", "A/1", "b/2", "b/3"]);
        b.registry.delete_model_version(W, "b", "2").await.unwrap();
        assert_eq!(versions(&b, "name = 'b'", &[]).await, ["b/3", "b/1"]);
        for bad in ["version_number = 1.5", "source_path IN ('a')", "alias = 'x'", "version_number LIKE '1'", "run_id > 'a'"] {
            assert!(b.registry.search_model_versions(W, &request(bad, &[])).await.is_err(), "{bad}");
        }
    })
    .await;
}

#[tokio::test]
async fn pages_follow_each_other_without_gaps() {
    on_both_engines(async |cx| {
        let b = bench(cx).await;
        for n in 0..23 {
            b.model(&format!("m{n:02}")).await;
        }
        for order in [&[][..], &["name DESC"], &["timestamp DESC"]] {
            let mut search = SearchRequest { max_results: 5, ..request("name LIKE 'm%'", order) };
            let mut seen = Vec::new();
            loop {
                let (page, next) = b.registry.search_registered_models(W, &search).await.unwrap();
                seen.extend(page.into_iter().map(|m| m.name.unwrap()));
                let Some(next) = next else { break };
                search.page_token = Some(next);
            }
            let mut all: Vec<String> = (0..23).map(|n| format!("m{n:02}")).collect();
            if order == ["name DESC"] {
                all.reverse();
            }
            assert_eq!(seen, all, "{order:?}");
            search.filter = "name LIKE '%'".into();
            assert!(b.registry.search_registered_models(W, &search).await.is_err(), "a token of another search");
        }
        let refused = async |max_results, token: Option<&str>| {
            let search = SearchRequest { max_results, page_token: token.map(Into::into), ..request("", &[]) };
            b.registry.search_registered_models(W, &search).await.is_err()
        };
        assert!(refused(0, None).await && refused(1001, None).await && refused(5, Some("???")).await && refused(5, Some("bm8=")).await);
    })
    .await;
}

#[tokio::test]
async fn refusals_are_in_upstreams_words() {
    on_both_engines(async |cx| {
        let b = bench(cx).await;
        let of_models =
            async |filter: &str, order: &[&str]| b.registry.search_registered_models(W, &request(filter, order)).await.unwrap_err().message;
        let of_versions =
            async |filter: &str, order: &[&str]| b.registry.search_model_versions(W, &request(filter, order)).await.unwrap_err().message;
        assert_eq!(of_models("run_id = 'x'", &[]).await, "Invalid attribute key 'run_id' specified. Valid keys are '{'name'}'");
        assert_eq!(of_models("name > 'x'", &[]).await, "Invalid comparator for attribute: >");
        assert_eq!(of_models("tags.n > '1'", &[]).await, "Invalid comparator for tag: >");
        assert_eq!(of_versions("version_number LIKE '1'", &[]).await, "Invalid comparator for attribute version_number: LIKE");
        assert_eq!(
            of_versions("source_path IN ('a')", &[]).await,
            "Only ['name', 'run_id'] attributes support comparison with a list of quoted string values."
        );
        assert!(of_models("", &["bogus"]).await.starts_with("Invalid order by key 'bogus' specified. Valid keys are '{'name', "));
        assert!(of_versions("", &["bogus DESC"]).await.starts_with("Invalid attribute key 'bogus' specified. Valid keys are '{'name', "));
        assert!(of_versions("", &["tags.n"]).await.starts_with("Invalid order by key 'tags.n' specified."));
        assert_eq!(of_models("", &["name ASC,"]).await, "Invalid order_by clause 'name ASC,'. Could not be parsed.");
    })
    .await;
}
