//! Users, sessions and tokens over HTTP, on both engines.

mod support;

use artel_platform::Context;
use artel_platform::testkit::on_both_engines;
use artel_proto::artel::hub::v1::Password;
use artel_proto::artel::hub::v1::authenticate_request::Credential;
use serde_json::{Value, json};
use support::{Suite, free_url, process};

/// A hub with the user `ada` (password `ada's`) and `admin` (password `admin's`).
async fn suite(cx: &Context) -> Suite {
    let suite = Suite::start(process(cx, &free_url(), &[("admin_password", "admin's".into())])).await;
    let admin = suite.token("admin", "admin's").await;
    let made = suite
        .script()
        .post(suite.at("/hub/api/users/ada"))
        .bearer_auth(&admin)
        .json(&json!({"admin": false, "password": "ada's"}))
        .send()
        .await
        .unwrap();
    assert_eq!(made.status(), 201);
    suite
}

fn cookies(answer: &reqwest::Response) -> Vec<String> {
    answer.headers().get_all("set-cookie").iter().map(|v| v.to_str().unwrap().to_owned()).collect()
}

fn location(answer: &reqwest::Response) -> &str {
    answer.headers()["location"].to_str().unwrap()
}

#[tokio::test]
async fn the_first_start_makes_an_administrator() {
    on_both_engines(|cx| async move {
        let cx = process(&cx, &free_url(), &[]);
        let first = Suite::start(cx.clone()).await;
        let file = cx.config.data.join("admin-password");
        let password = std::fs::read_to_string(&file).unwrap().trim().to_owned();
        assert_eq!(std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&file).unwrap()) & 0o777, 0o600);
        let login = Credential::Password(Password { username: "Admin".into(), password: password.clone() });
        let principal = first.authenticate(login).await.expect("the password fits");
        assert!(principal.admin && principal.scopes == ["*"]);
        first.stop().await;
        let second = Suite::start(process(&cx, &free_url(), &[])).await;
        assert_eq!(std::fs::read_to_string(&file).unwrap().trim(), password, "a second start changes nothing");
        artel_hub::Hub::open(&second.cx).await.unwrap().set_password("admin", "mine").await.unwrap();
        assert!(!file.exists(), "it is no longer the password");
        second.stop().await;
    })
    .await;
}

#[tokio::test]
async fn logging_in_and_out() {
    on_both_engines(|cx| async move {
        let suite = suite(&cx).await;
        let browser = suite.browser();
        let wrong = suite.log_in(&browser, "ada", "wrong").await;
        assert_eq!(wrong.status(), 403);
        assert!(wrong.text().await.unwrap().contains("Invalid username or password"));
        let json = browser
            .post(suite.at("/hub/login"))
            .header("accept", "application/json")
            .json(&json!({"username": "ada", "password": "wrong"}))
            .send()
            .await
            .unwrap();
        assert_eq!(
            (json.status().as_u16(), json.json::<Value>().await.unwrap()),
            (403, json!({"status": 403, "message": "Invalid username or password"}))
        );

        let answer = suite.log_in(&browser, "ada", "ada's").await;
        assert_eq!((answer.status().as_u16(), location(&answer)), (302, "/"));
        let set = cookies(&answer);
        let session = set.iter().find(|c| c.starts_with("artel-session=")).unwrap();
        assert!(
            session.contains("HttpOnly") && session.contains("SameSite=Lax") && session.contains("Path=/") && !session.contains("Secure")
        );
        assert!(set.iter().any(|c| c.starts_with("jupyterhub-session-id=") && c.contains("HttpOnly")));
        let xsrf = set.iter().find(|c| c.starts_with("_xsrf=")).unwrap();
        assert!(!xsrf.contains("HttpOnly"));
        let value = session.split(['=', ';']).nth(1).unwrap().to_owned();
        let principal = suite.authenticate(Credential::Session(value.clone())).await.unwrap();
        assert_eq!(principal.csrf, xsrf.split(['=', ';']).nth(1).unwrap());
        assert!(!principal.admin && principal.scopes.contains(&"experiments".to_owned()));

        let me: Value = browser.get(suite.at("/hub/api/user")).send().await.unwrap().json().await.unwrap();
        assert_eq!((me["name"].as_str(), me["admin"].as_bool(), me["kind"].as_str()), (Some("ada"), Some(false), Some("user")));
        let out = browser.post(suite.at("/hub/logout")).send().await.unwrap();
        assert_eq!((out.status().as_u16(), location(&out)), (302, "/login"));
        assert!(suite.authenticate(Credential::Session(value)).await.is_none());
        assert_eq!(browser.get(suite.at("/hub/api/user")).send().await.unwrap().status(), 403);
        suite.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_login_leads_nowhere_else() {
    let fixture = artel_platform::testkit::fixture(artel_platform::testkit::Engine::Sqlite).await.unwrap();
    let suite = suite(&fixture.cx).await;
    for (next, expected) in
        [("/user/ada/lab", "/user/ada/lab"), ("//evil.example", "/"), ("https://evil.example", "/"), ("/\\evil.example", "/")]
    {
        let form = [("username", "ada"), ("password", "ada's"), ("next", next)];
        let answer = suite.browser().post(suite.at("/hub/login")).form(&form).send().await.unwrap();
        assert_eq!(location(&answer), expected, "{next}");
        let query = url::form_urlencoded::byte_serialize(next.as_bytes()).collect::<String>();
        let form = suite.browser().get(suite.at(&format!("/hub/login?next={query}"))).send().await.unwrap();
        let expected = url::form_urlencoded::byte_serialize(expected.as_bytes()).collect::<String>();
        assert_eq!(location(&form), format!("/login?next={expected}"), "{next}");
    }
    let form = [("username", "ada"), ("password", "ada's")];
    let foreign = suite.browser().post(suite.at("/hub/login")).header("origin", "https://evil.example").form(&form).send().await.unwrap();
    assert_eq!(foreign.status(), 403);
    let own = suite.browser().post(suite.at("/hub/login")).header("origin", &suite.url).form(&form).send().await.unwrap();
    assert_eq!(own.status(), 302);
    suite.stop().await;
}

#[tokio::test]
async fn tokens_are_narrow_and_revocable() {
    on_both_engines(|cx| async move {
        let suite = suite(&cx).await;
        let ada = suite.token("ada", "ada's").await;
        let script = suite.script();
        let tokens = suite.at("/hub/api/users/ada/tokens");
        let ask = |body: Value, by: String| script.post(&tokens).header("authorization", format!("token {by}")).json(&body).send();

        let narrow: Value =
            ask(json!({"note": "culler", "scopes": ["read:users:name!user", "tokens!user"], "expires_in": 60}), ada.clone())
                .await
                .unwrap()
                .json()
                .await
                .unwrap();
        assert_eq!(narrow["note"], "culler");
        assert_eq!(
            narrow["scopes"],
            json!(["read:tokens!user=ada", "read:users:groups!user=ada", "read:users:name!user=ada", "tokens!user=ada"])
        );
        let secret = narrow["token"].as_str().unwrap().to_owned();
        let refused = ask(json!({"scopes": ["admin:users"]}), ada.clone()).await.unwrap();
        assert_eq!(refused.status(), 400);
        let why = refused.json::<Value>().await.unwrap();
        assert!(why["message"].as_str().unwrap().contains("not held by"), "{why}");
        // a narrow token does not make a wide one
        assert_eq!(ask(json!({"scopes": ["servers!user"]}), secret.clone()).await.unwrap().status(), 400);
        let same: Value = ask(json!({"scopes": ["inherit"]}), secret.clone()).await.unwrap().json().await.unwrap();
        assert_eq!(same["scopes"], narrow["scopes"]);

        let me: Value = script.get(suite.at("/hub/api/user")).bearer_auth(&secret).send().await.unwrap().json().await.unwrap();
        assert_eq!((&me["name"], &me["token_id"], &me["scopes"]), (&json!("ada"), &narrow["id"], &narrow["scopes"]));
        assert_eq!(script.post(suite.at("/hub/api/users/ada/server")).bearer_auth(&secret).send().await.unwrap().status(), 403);
        assert_eq!(script.get(suite.at("/hub/api/users/admin")).bearer_auth(&ada).send().await.unwrap().status(), 404);

        let listed: Value = script.get(&tokens).bearer_auth(&ada).send().await.unwrap().json().await.unwrap();
        assert_eq!(listed["api_tokens"].as_array().unwrap().len(), 3);
        assert!(listed.to_string().find(&secret).is_none(), "a secret is shown once");
        let one = format!("{tokens}/{}", narrow["id"].as_str().unwrap());
        assert_eq!(script.delete(&one).bearer_auth(&ada).send().await.unwrap().status(), 204);
        assert_eq!(script.delete(&one).bearer_auth(&ada).send().await.unwrap().status(), 404);
        assert!(suite.authenticate(Credential::Token(secret)).await.is_none());
        suite.stop().await;
    })
    .await;
}

#[tokio::test]
async fn an_answer_about_oneself_is_never_old() {
    on_both_engines(|cx| async move {
        let suite = suite(&cx).await;
        let (admin, ada) = (suite.token("admin", "admin's").await, suite.token("ada", "ada's").await);
        let script = suite.script();
        let me = async || -> Value {
            let mut said: Value = script.get(suite.at("/hub/api/user")).bearer_auth(&ada).send().await.unwrap().json().await.unwrap();
            // the request itself is activity, which is noted a moment later
            said["last_activity"].take();
            said
        };
        let before = me().await;
        assert_eq!((&before, &before["groups"]), (&me().await, &json!([])));
        for (path, body) in [("/hub/api/groups/makers", json!({})), ("/hub/api/groups/makers/users", json!({"users": ["ada"]}))] {
            let done = script.post(suite.at(path)).bearer_auth(&admin).json(&body).send().await.unwrap();
            assert!(done.status().is_success(), "{path}");
        }
        assert_eq!(me().await["groups"], json!(["makers"]));
        let removed = script.delete(suite.at("/hub/api/users/ada")).bearer_auth(&admin).send().await.unwrap();
        assert_eq!(removed.status(), 204);
        assert_eq!(script.get(suite.at("/hub/api/user")).bearer_auth(&ada).send().await.unwrap().status(), 403);
        suite.stop().await;
    })
    .await;
}

#[tokio::test]
async fn users_are_listed_changed_and_removed() {
    on_both_engines(|cx| async move {
        let suite = suite(&cx).await;
        let admin = suite.token("admin", "admin's").await;
        let script = suite.script();
        let users = suite.at("/hub/api/users");
        let many = json!({"usernames": ["bob", "Cyd", "ada"]});
        let made: Value = script.post(&users).bearer_auth(&admin).json(&many).send().await.unwrap().json().await.unwrap();
        assert_eq!(made.as_array().unwrap().iter().map(|u| u["name"].as_str().unwrap()).collect::<Vec<_>>(), ["bob", "cyd"]);
        assert_eq!(script.post(&users).bearer_auth(&admin).json(&many).send().await.unwrap().status(), 409);
        let bad = script.post(suite.at("/hub/api/users/a%20b")).bearer_auth(&admin).send().await.unwrap();
        assert_eq!(bad.status(), 400);

        let page = script
            .get(format!("{users}?sort=name&limit=2&offset=1"))
            .header("accept", "application/jupyterhub-pagination+json")
            .bearer_auth(&admin)
            .send()
            .await
            .unwrap();
        let page: Value = page.json().await.unwrap();
        assert_eq!(page["items"].as_array().unwrap().iter().map(|u| u["name"].as_str().unwrap()).collect::<Vec<_>>(), ["admin", "bob"]);
        assert_eq!((&page["_pagination"]["total"], &page["_pagination"]["next"]["offset"]), (&json!(4), &json!(3)));
        let named: Value = script.get(format!("{users}?name_filter=D")).bearer_auth(&admin).send().await.unwrap().json().await.unwrap();
        assert_eq!(named.as_array().unwrap().len(), 3, "ada, admin and cyd");
        for (state, expected) in [("inactive", 4), ("ready", 0), ("active", 0)] {
            let found: Value = script.get(format!("{users}?state={state}")).bearer_auth(&admin).send().await.unwrap().json().await.unwrap();
            assert_eq!(found.as_array().unwrap().len(), expected, "{state}");
        }
        assert_eq!(script.get(format!("{users}?state=odd")).bearer_auth(&admin).send().await.unwrap().status(), 400);

        let ada = suite.token("ada", "ada's").await;
        assert_eq!(script.get(&users).bearer_auth(&ada).send().await.unwrap().status(), 403);
        let own = script
            .patch(format!("{users}/ada"))
            .bearer_auth(&ada)
            .json(&json!({"password": "x", "old_password": "ada's"}))
            .send()
            .await
            .unwrap();
        assert_eq!(own.status(), 403, "not with a token");
        let browser = suite.browser();
        suite.log_in(&browser, "ada", "ada's").await;
        let wrong = browser.patch(format!("{users}/ada")).json(&json!({"password": "x", "old_password": "?"})).send().await.unwrap();
        assert_eq!(wrong.status(), 403);
        let right = browser.patch(format!("{users}/ada")).json(&json!({"password": "new", "old_password": "ada's"})).send().await.unwrap();
        assert_eq!(right.status(), 200);
        assert_eq!(suite.log_in(&suite.browser(), "ada", "ada's").await.status(), 403);
        assert_eq!(suite.log_in(&suite.browser(), "ada", "new").await.status(), 302);
        assert_eq!(browser.patch(format!("{users}/ada")).json(&json!({"admin": true})).send().await.unwrap().status(), 403);

        assert_eq!(script.delete(format!("{users}/admin")).bearer_auth(&admin).send().await.unwrap().status(), 400);
        assert_eq!(script.delete(format!("{users}/ada")).bearer_auth(&admin).send().await.unwrap().status(), 204);
        assert!(suite.authenticate(Credential::Token(ada)).await.is_none());
        assert_eq!(script.get(format!("{users}/ada")).bearer_auth(&admin).send().await.unwrap().status(), 404);
        suite.stop().await;
    })
    .await;
}

#[tokio::test]
async fn the_command_line_works_beside_the_service() {
    on_both_engines(|cx| async move {
        let suite = suite(&cx).await;
        let hub = artel_hub::Hub::open(&suite.cx).await.unwrap();
        hub.add_user("eve", false, Some("eve's")).await.unwrap();
        assert_eq!(hub.add_user("eve", false, None).await.unwrap_err().message, "User eve already exists");
        assert_eq!(hub.list_users().await.unwrap().iter().map(|u| u.name.as_str()).collect::<Vec<_>>(), ["ada", "admin", "eve"]);
        let token = hub.create_token("eve", &["experiments".into()], Some(60), "script").await.unwrap();
        let basic = |username: &str| Credential::Password(Password { username: username.into(), password: token.secret.clone() });
        assert_eq!(suite.authenticate(basic("Eve")).await.unwrap().token_id, token.id, "a token in the place of the password");
        assert!(suite.authenticate(basic("ada")).await.is_none(), "nobody else's");
        let principal = suite.authenticate(Credential::Token(token.secret.clone())).await.unwrap();
        assert_eq!(principal.scopes, ["experiments", "read:experiments", "read:users:groups!user=eve", "read:users:name!user=eve"]);
        hub.set_password("eve", "other").await.unwrap();
        assert_eq!(suite.log_in(&suite.browser(), "eve", "eve's").await.status(), 403);
        hub.remove_user("eve").await.unwrap();
        assert!(suite.authenticate(Credential::Token(token.secret)).await.is_none());
        suite.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_token_is_an_s3_access_key_as_long_as_it_is_valid() {
    use artel_proto::artel::hub::v1::AccessKeyRequest;
    on_both_engines(|cx| async move {
        let suite = suite(&cx).await;
        let ada = suite.token("ada", "ada's").await;
        let url = suite.at("/hub/api/users/ada/tokens");
        let wish = json!({"scopes": ["artifacts"]});
        let made: Value = suite.script().post(&url).bearer_auth(&ada).json(&wish).send().await.unwrap().json().await.unwrap();
        let (id, secret) = (made["s3"]["access_key_id"].as_str().unwrap(), made["s3"]["secret_access_key"].as_str().unwrap());
        let shown: Value = suite.script().get(format!("{url}/{id}")).bearer_auth(&ada).send().await.unwrap().json().await.unwrap();
        assert!(shown.get("s3").is_none() && shown.get("token").is_none(), "{shown}");

        let ask = async |id: &str| suite.cx.peers.hub().access_key(AccessKeyRequest { access_key_id: id.into() }).await;
        let known = ask(id).await.unwrap().into_inner();
        let principal = known.principal.unwrap();
        assert_eq!((known.secret_access_key.as_str(), known.expires), (secret, 0));
        assert_eq!((principal.name.as_str(), principal.admin), ("ada", false));
        assert_eq!(principal.scopes, ["artifacts", "read:artifacts", "read:users:groups!user=ada", "read:users:name!user=ada"]);
        assert_eq!(ask("a0").await.unwrap_err().code(), tonic::Code::Unauthenticated);

        let revoked = suite.script().delete(format!("{url}/{id}")).bearer_auth(&ada).send().await.unwrap();
        assert_eq!(revoked.status(), 204);
        assert_eq!(ask(id).await.unwrap_err().code(), tonic::Code::Unauthenticated);
        suite.stop().await;
    })
    .await;
}
