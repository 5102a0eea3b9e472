//! Groups, roles, shares and services: what they give, to whom, and that it ends when they do; on both engines.

mod support;

use artel_platform::testkit::on_both_engines;
use artel_proto::artel::hub::v1::authenticate_request::Credential;
use serde_json::{Value, json};
use support::{Suite, free_url, process};

/// Settings as an installation has them.
const SETTINGS: &str = r#"
    admin_password = "admin's"
    [load_groups.class]
    users = ["ada"]
    properties = { room = "12" }
    [custom_scopes."custom:jobs:run"]
    description = "Run jobs"
    [[load_roles]]
    name = "teacher"
    scopes = ["read:users!group=class", "list:users!group=class", "custom:jobs:run"]
    users = ["tess"]
    [[load_roles]]
    name = "seen"
    scopes = ["list:services"]
    groups = ["class"]
    [[services]]
    name = "boss"
    admin = true
    api_token = "token-of-boss"
    [[services]]
    name = "guest"
    api_token = "token-of-guest"
"#;

struct Hub {
    suite: Suite,
    http: reqwest::Client,
}

impl Hub {
    async fn start(cx: &artel_platform::Context) -> Self {
        let settings: toml::Table = SETTINGS.parse().unwrap();
        let settings: Vec<(&str, toml::Value)> = settings.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
        let suite = Suite::start(process(cx, &free_url(), &settings)).await;
        let http = suite.script();
        let hub = Self { suite, http };
        for name in ["tess", "bob"] {
            assert_eq!(hub.call("token-of-boss", "POST", &format!("users/{name}"), json!({})).await.0, 201);
        }
        hub
    }

    async fn call(&self, token: &str, method: &str, path: &str, body: Value) -> (u16, Value) {
        let request = self.http.request(method.parse().unwrap(), self.suite.at(&format!("/hub/api/{path}"))).bearer_auth(token);
        let answer = if body.is_null() { request } else { request.json(&body) }.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    async fn get(&self, token: &str, path: &str) -> (u16, Value) {
        self.call(token, "GET", path, Value::Null).await
    }

    /// A token of a user with these scopes.
    async fn token(&self, user: &str, scopes: &[&str]) -> String {
        let (status, made) = self.call("token-of-boss", "POST", &format!("users/{user}/tokens"), json!({"scopes": scopes})).await;
        assert_eq!(status, 201, "{made}");
        made["token"].as_str().unwrap().to_owned()
    }

    async fn scopes(&self, token: &str) -> Vec<String> {
        self.suite.authenticate(Credential::Token(token.to_owned())).await.map(|p| p.scopes).unwrap_or_default()
    }

    async fn holds(&self, token: &str, scope: &str) -> bool {
        self.scopes(token).await.iter().any(|held| held == scope)
    }
}

#[tokio::test]
async fn roles_of_the_settings_follow_their_groups() {
    on_both_engines(|cx| async move {
        let hub = Hub::start(&cx).await;
        let ada = hub.token("ada", &["inherit"]).await;
        let tess = hub.token("tess", &["inherit"]).await;
        assert!(hub.holds(&ada, "list:services").await, "by her class");
        assert!(hub.holds(&tess, "custom:jobs:run").await);
        assert_eq!(hub.get(&tess, "users/ada").await.0, 200);
        assert_eq!(hub.get(&tess, "users/bob").await.0, 404);
        let (_, list) = hub.get(&tess, "users").await;
        assert_eq!(list.as_array().unwrap().iter().map(|u| u["name"].as_str().unwrap()).collect::<Vec<_>>(), ["ada"]);

        let moved = hub.call("token-of-boss", "DELETE", "groups/class/users", json!({"users": ["ada"]})).await;
        assert_eq!(moved.1["users"], json!([]));
        assert!(!hub.holds(&ada, "list:services").await, "she has left");
        assert_eq!(hub.get(&tess, "users/ada").await.0, 404, "tess looks after the class only");
        hub.suite.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_token_has_what_its_owner_has_now() {
    on_both_engines(|cx| async move {
        let hub = Hub::start(&cx).await;
        assert_eq!(hub.call("token-of-boss", "PUT", "roles/reporter", json!({"scopes": ["read:hub"]})).await.0, 200);
        let bob = hub.token("bob", &["inherit"]).await;
        assert_eq!(hub.get(&bob, "info").await.0, 403);
        assert_eq!(hub.call("token-of-boss", "PUT", "roles/reporter/users/bob", Value::Null).await.0, 204);
        assert_eq!(hub.get(&bob, "info").await.0, 200);
        let narrow = hub.token("bob", &["read:hub"]).await;
        assert_eq!(hub.get(&narrow, "info").await.0, 200);
        assert_eq!(hub.get("token-of-boss", "roles/reporter").await.1["users"], json!(["bob"]));
        assert_eq!(hub.get("token-of-boss", "users/bob").await.1["roles"], json!(["user", "reporter"]));
        assert_eq!(hub.call("token-of-boss", "DELETE", "roles/reporter/users/bob", Value::Null).await.0, 204);
        for token in [&bob, &narrow] {
            assert_eq!(hub.get(token, "info").await.0, 403, "what the owner has lost, the token has not");
        }
        assert_eq!(hub.call("token-of-boss", "DELETE", "roles/reporter", Value::Null).await.0, 204);
        assert_eq!(hub.call("token-of-boss", "DELETE", "roles/teacher", Value::Null).await.0, 409, "the settings have it");
        hub.suite.stop().await;
    })
    .await;
}

#[tokio::test]
async fn nobody_gives_more_than_they_have() {
    on_both_engines(|cx| async move {
        let hub = Hub::start(&cx).await;
        for (role, scopes) in [("registrar", json!(["admin:users"])), ("strong", json!(["shutdown"])), ("weak", json!(["read:users:name"]))]
        {
            assert_eq!(hub.call("token-of-boss", "PUT", &format!("roles/{role}"), json!({"scopes": scopes})).await.0, 200);
        }
        assert_eq!(hub.call("token-of-boss", "PUT", "roles/registrar/services/guest", Value::Null).await.0, 204);
        let guest = "token-of-guest";
        assert_eq!(hub.call(guest, "PUT", "roles/weak/users/bob", Value::Null).await.0, 204);
        assert_eq!(hub.call(guest, "PUT", "roles/strong/users/bob", Value::Null).await.0, 403);
        assert_eq!(hub.call(guest, "PUT", "roles/admin/services/guest", Value::Null).await.0, 403);
        assert_eq!(hub.call(guest, "PUT", "roles/mine", json!({"scopes": ["shutdown"]})).await.0, 403);
        assert_eq!(hub.call(guest, "PUT", "roles/mine", json!({"scopes": ["servers!user"]})).await.0, 403, "another's own things");
        assert_eq!(hub.call(guest, "PUT", "roles/mine", json!({"scopes": ["no:such"]})).await.0, 400);
        assert_eq!(hub.call(guest, "PUT", "roles/A", json!({"scopes": []})).await.0, 400);
        let made = hub.call(guest, "POST", "users/eve", json!({"admin": true})).await;
        assert_eq!(made.0, 403);
        hub.suite.stop().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_shared_can_be_reached_until_it_is_taken_back() {
    on_both_engines(|cx| async move {
        let hub = Hub::start(&cx).await;
        let (ada, bob) = (hub.token("ada", &["inherit"]).await, hub.token("bob", &["inherit"]).await);
        assert_eq!(hub.call(&ada, "PUT", "users/ada/servers/gpu", json!({})).await.0, 201);
        assert_eq!(hub.call(&ada, "POST", "shares/ada/gpu", json!({"user": "bob"})).await.0, 403, "users share when a role lets them");
        let shared = hub.call("token-of-boss", "POST", "shares/ada/gpu", json!({"user": "bob", "scopes": ["read:servers"]})).await;
        assert_eq!((shared.0, &shared.1["scopes"]), (200, &json!(["read:servers!server=ada/gpu"])));
        assert_eq!(hub.get(&bob, "users/ada/servers/gpu").await.0, 200);
        assert_eq!(hub.get(&bob, "users/ada/server").await.0, 404, "the other one is not shared");
        let renamed = hub.call(&ada, "PATCH", "users/ada/servers/gpu", json!({"name": "big"})).await;
        assert_eq!(renamed.1["name"], "big");
        assert_eq!(hub.get(&bob, "users/ada/servers/big").await.0, 200, "the share goes along");
        assert_eq!(hub.call("token-of-boss", "PATCH", "users/ada", json!({"name": "eva"})).await.1["name"], "eva");
        assert_eq!(hub.get(&bob, "users/eva/servers/big").await.0, 200, "and with the user");
        assert_eq!(hub.get(&ada, "user").await.1["name"], "eva", "whose token is hers as before");
        assert_eq!(hub.call("token-of-boss", "DELETE", "shares/eva/big", Value::Null).await.0, 204);
        assert_eq!(hub.get(&bob, "users/eva/servers/big").await.0, 404);
        hub.suite.stop().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_given_at_one_time_is_all_there() {
    on_both_engines(|cx| async move {
        let hub = Hub::start(&cx).await;
        assert_eq!(hub.call("token-of-boss", "PUT", "users/ada/servers/gpu", json!({})).await.0, 201);
        let scopes = ["access:servers", "read:servers", "start:servers", "delete:servers", "servers"];
        let give = |scope: &str| hub.call("token-of-boss", "POST", "shares/ada/gpu", json!({"user": "bob", "scopes": [scope]}));
        for (status, answer) in futures::future::join_all(scopes.map(give)).await {
            assert_eq!(status, 200, "{answer}");
        }
        let (_, shared) = hub.get("token-of-boss", "users/bob/shared/ada/gpu").await;
        assert_eq!(shared["scopes"].as_array().map(Vec::len), Some(scopes.len()), "{shared}");
        hub.suite.stop().await;
    })
    .await;
}

#[tokio::test]
async fn services_come_and_go() {
    on_both_engines(|cx| async move {
        let hub = Hub::start(&cx).await;
        assert_eq!(hub.get("token-of-guest", "user").await.1["name"], "guest");
        let made =
            hub.call("token-of-boss", "POST", "services/late", json!({"api_token": "token-of-late", "url": "http://127.0.0.1:9"})).await;
        assert_eq!((made.0, &made.1["prefix"]), (201, &json!("/services/late/")));
        assert!(!made.1.to_string().contains("token-of-late"), "its token is never shown");
        assert_eq!(hub.get("token-of-late", "user").await.1["kind"], "service");
        assert!(hub.get("token-of-boss", "proxy").await.1.get("/services/late/").is_some());
        assert_eq!(hub.call("token-of-boss", "DELETE", "services/late", Value::Null).await.0, 200);
        assert_eq!(hub.get("token-of-late", "user").await.0, 403);
        assert_eq!(hub.call("token-of-boss", "DELETE", "services/guest", Value::Null).await.0, 405);
        hub.suite.stop().await;
        // without the service in the settings its token is worth nothing
        let next = Suite::start(process(&cx, &free_url(), &[("admin_password", "admin's".into())])).await;
        assert!(next.authenticate(Credential::Token("token-of-guest".into())).await.is_none());
        next.stop().await;
    })
    .await;
}
