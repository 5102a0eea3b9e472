//! Roles, grants and what the other services learn of them, on both engines.

mod support;

use artel_platform::testkit::on_both_engines;
use artel_proto::artel::hub::v1::change_grants_request::Change;
use artel_proto::artel::hub::v1::{ChangeGrantsRequest, Grant, ListGrantsRequest, Password, authenticate_request::Credential};
use serde_json::{Value, json};
use support::{Suite, free_url, process};

const ADMIN: &str = "correct horse";
const ADA: &str = "ada has a password";

/// A hub with a default permission, the administrator's token and the user `ada` with hers.
async fn suite(cx: &artel_platform::Context, default: &str) -> (Suite, String, String) {
    let settings = [("admin_password", ADMIN.into()), ("default_permission", default.into())];
    let suite = Suite::start(process(cx, &free_url(), &settings)).await;
    let admin = suite.token("admin", ADMIN).await;
    let made = call(&suite, &admin, "POST", "2.0/mlflow/users/create", json!({"username": "ada", "password": ADA})).await;
    assert_eq!(made, (200, json!({"user": {"id": 2, "username": "ada", "is_admin": false}})));
    let ada = suite.token("ada", ADA).await;
    (suite, admin, ada)
}

/// One request below `/api/`: the parameters of a GET go into the query.
async fn call(suite: &Suite, token: &str, method: &str, path: &str, params: Value) -> (u16, Value) {
    let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
    let request = suite.script().request(method.clone(), suite.at(&format!("/api/{path}"))).bearer_auth(token);
    let request = if method == "GET" { request.query(&params) } else { request.json(&params) };
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

async fn is_restricted(suite: &Suite) -> bool {
    let login = Credential::Password(Password { username: "ada".into(), password: ADA.into() });
    suite.authenticate(login).await.expect("the password fits").restricted
}

async fn grants(suite: &Suite) -> Vec<(String, String, String)> {
    let answer = suite.cx.peers.hub().list_grants(ListGrantsRequest { user: "ada".into() }).await.unwrap().into_inner();
    let row = |g: Grant| (g.resource_type, g.resource_pattern, g.permission);
    answer.grants.into_iter().map(row).collect()
}

async fn change(suite: &Suite, resource: &str, change: Change) {
    let request = ChangeGrantsRequest {
        workspace: "default".into(),
        resource_types: vec!["registered_model".into(), "prompt".into()],
        resource: resource.into(),
        change: Some(change),
    };
    suite.cx.peers.hub().change_grants(request).await.unwrap();
}

fn row(kind: &str, pattern: &str, permission: &str) -> (String, String, String) {
    (kind.into(), pattern.into(), permission.into())
}

#[tokio::test]
async fn nobody_is_asked_about_until_something_is_refused() {
    on_both_engines(|cx| async move {
        let (suite, admin, ada) = suite(&cx, "MANAGE").await;
        assert!(!is_restricted(&suite).await, "everybody shares everything");
        let refusal = json!({"username": "ada", "resource_type": "experiment", "resource_id": "7", "permission": "DENY"});
        assert_eq!(call(&suite, &admin, "POST", "3.0/mlflow/users/permissions/grant", refusal.clone()).await, (200, json!({})));
        assert!(is_restricted(&suite).await);
        assert_eq!(grants(&suite).await, [row("experiment", "7", "DENY")]);
        let (status, again) = call(&suite, &admin, "POST", "3.0/mlflow/users/permissions/grant", refusal.clone()).await;
        assert_eq!((status, again["error_code"].as_str()), (400, Some("RESOURCE_ALREADY_EXISTS")));
        let (status, own) = call(&suite, &ada, "GET", "3.0/mlflow/users/current/permissions", json!({})).await;
        assert_eq!((status, &own["permissions"][0]["role_name"], &own["is_admin"]), (200, &json!("__user_2__"), &json!(false)));
        assert_eq!(call(&suite, &admin, "POST", "3.0/mlflow/users/permissions/revoke", refusal).await.0, 200);
        assert!(!is_restricted(&suite).await);
        suite.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_users_grants_follow_what_they_are_about() {
    on_both_engines(|cx| async move {
        let (suite, admin, _) = suite(&cx, "READ").await;
        assert!(is_restricted(&suite).await, "by the default users may only read");
        change(&suite, "wine", Change::Owner("ada".into())).await;
        change(&suite, "wine", Change::Owner("ada".into())).await;
        change(&suite, "wine", Change::Owner("nobody".into())).await;
        assert_eq!(grants(&suite).await, [row("registered_model", "wine", "MANAGE"), row("prompt", "wine", "MANAGE")]);
        change(&suite, "wine", Change::NewName("claret".into())).await;
        change(&suite, "claret", Change::NewName("claret".into())).await;
        assert_eq!(grants(&suite).await, [row("registered_model", "claret", "MANAGE"), row("prompt", "claret", "MANAGE")]);
        change(&suite, "claret", Change::Removed(true)).await;
        assert_eq!(grants(&suite).await, []);

        let made = call(&suite, &admin, "POST", "3.0/mlflow/roles/create", json!({"workspace": "red", "name": "r"})).await;
        let role = made.1["role"]["id"].as_i64().expect("a number");
        call(&suite, &admin, "POST", "3.0/mlflow/roles/assign", json!({"username": "ada", "role_id": role})).await;
        let gone = ChangeGrantsRequest { workspace: "red".into(), change: Some(Change::WorkspaceRemoved(true)), ..Default::default() };
        suite.cx.peers.hub().change_grants(gone).await.unwrap();
        assert_eq!(call(&suite, &admin, "GET", "3.0/mlflow/roles/get", json!({"role_id": role})).await.0, 404);

        // a user who is gone leaves nothing to the next of that name
        change(&suite, "wine", Change::Owner("ada".into())).await;
        assert_eq!(call(&suite, &admin, "DELETE", "2.0/mlflow/users/delete", json!({"username": "ada"})).await.0, 200);
        let again = call(&suite, &admin, "POST", "2.0/mlflow/users/create", json!({"username": "ada", "password": ADA})).await;
        assert_eq!(again.1["user"]["id"], 3);
        assert_eq!(grants(&suite).await, []);
        suite.stop().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_asked_wrongly_is_told_in_upstreams_words() {
    on_both_engines(|cx| async move {
        let (suite, admin, ada) = suite(&cx, "READ").await;
        let missing = "Missing value for required parameter 'role_id'. See the API docs for more information about request parameters.";
        for (token, method, path, params, status, message) in [
            (&admin, "GET", "3.0/mlflow/roles/get", json!({}), 400, missing),
            (&admin, "GET", "3.0/mlflow/roles/get", json!({"role_id": "x"}), 400, "Parameter 'role_id' must be an integer. Got: 'x'"),
            (&admin, "GET", "3.0/mlflow/roles/get", json!({"role_id": 99}), 404, "Role with id=99 not found"),
            (&ada, "GET", "3.0/mlflow/roles/get", json!({"role_id": 99}), 403, "Permission denied"),
            (&admin, "GET", "2.0/mlflow/users/get", json!({"username": "bob"}), 404, "User with username=bob not found"),
            (&ada, "POST", "3.0/mlflow/roles/create", json!({"workspace": "default", "name": "r"}), 403, "Permission denied"),
            (&admin, "POST", "3.0/mlflow/roles/create", json!({"workspace": "default", "name": " "}), 400, "Role name cannot be empty."),
            (
                &admin,
                "PATCH",
                "2.0/mlflow/users/update-password",
                json!({"username": "ada", "password": "short"}),
                400,
                "Password must be at least 12 characters.",
            ),
        ] {
            let (told, body) = call(&suite, token, method, path, params).await;
            assert_eq!((told, body["message"].as_str()), (status, Some(message)), "{method} {path}");
        }
        // a narrow token gives nobody rights
        let wish = json!({"scopes": ["read:experiments"]});
        let url = suite.at("/hub/api/users/admin/tokens");
        let made: Value = suite.script().post(url).bearer_auth(&admin).json(&wish).send().await.unwrap().json().await.unwrap();
        let narrow = made["token"].as_str().unwrap();
        let grant = json!({"username": "ada", "resource_type": "experiment", "resource_id": "1", "permission": "MANAGE"});
        assert_eq!(call(&suite, narrow, "POST", "3.0/mlflow/users/permissions/grant", grant).await.0, 403);
        let signup = suite.script().get(suite.at("/signup")).send().await.unwrap();
        assert_eq!((signup.status().as_u16(), signup.headers()["location"].to_str().unwrap()), (302, "/hub/admin"));
        suite.stop().await;
    })
    .await;
}
