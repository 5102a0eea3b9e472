//! Every route of the whole suite, without a credential and with one that is good for something else.

use crate::harness::{Installation, Shape};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// Scopes that need no more than to be anybody, or nobody.
const OPEN: &[&str] = &["public", "authenticated"];
/// What the narrow token of the test may do.
const NARROW: &str = "read:deployments";

struct Operation {
    method: Method,
    path: String,
    scope: String,
}

/// From the document that clients are generated from.
fn operations(document: &Value) -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            if ["parameters", "summary", "description", "servers"].contains(&method.as_str().to_lowercase().as_str()) {
                continue;
            }
            let scope =
                operation["security"][0]["artel"][0].as_str().unwrap_or_else(|| panic!("{method} {path} names no scope")).to_owned();
            let path = path.split('/').map(|part| if part.contains('{') { "1" } else { part }).collect::<Vec<_>>().join("/");
            found.push(Operation { method, path, scope });
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_asks_who_and_what_for() {
    let artel = Installation::start(Shape::Single).await.unwrap();
    let admin = artel.admin().await;
    let all = operations(&admin.get("/openapi.json").await);
    let guarded: Vec<&Operation> = all.iter().filter(|o| !OPEN.contains(&o.scope.as_str())).collect();
    assert!(guarded.len() > 60, "only {} guarded routes were found", guarded.len());
    let narrow = admin.post("/hub/api/users/admin/tokens", json!({"note": "narrow", "scopes": [NARROW]})).await;
    let narrow = narrow["token"].as_str().unwrap();
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let ask = async |operation: &Operation, token: Option<&str>| {
        let mut request = http.request(operation.method.clone(), format!("{}{}", artel.url, operation.path)).json(&json!({}));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        request.send().await.unwrap().status()
    };
    let mut wrong = Vec::new();
    for operation in &guarded {
        let nobody = ask(operation, None).await;
        if !matches!(nobody, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            wrong.push(format!("{} {} answers nobody with {nobody}", operation.method, operation.path));
        }
        let with_narrow = ask(operation, Some(narrow)).await;
        if operation.scope != NARROW && with_narrow != StatusCode::FORBIDDEN {
            wrong.push(format!(
                "{} {} needs {} and answers a token for {NARROW} with {with_narrow}",
                operation.method, operation.path, operation.scope
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(
        http.get(format!("{}/api/2.0/serving-endpoints", artel.url)).bearer_auth(narrow).send().await.unwrap().status(),
        StatusCode::OK
    );
    let revoked = admin.token().await;
    let path = "/hub/api/users/admin/tokens";
    let tokens = admin.get(path).await;
    let newest =
        tokens["api_tokens"].as_array().unwrap().iter().filter(|t| t["note"] == "test").map(|t| t["id"].clone()).next_back().unwrap();
    let me = async || http.get(format!("{}/api/artel/v1/me", artel.url)).bearer_auth(&revoked).send().await.unwrap().status();
    assert_eq!(me().await, StatusCode::OK);
    let (status, body) = admin.send(admin.request(Method::DELETE, &format!("{path}/{}", newest.as_str().unwrap()))).await;
    assert_eq!(status, 204, "{body}");
    crate::harness::eventually("a revoked token is refused", 5, async || match me().await {
        StatusCode::UNAUTHORIZED => Ok(()),
        other => Err(other.to_string()),
    })
    .await;
}
