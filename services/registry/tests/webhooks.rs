//! Webhooks from the making to the delivery, against a real receiver.

#[path = "support/receiver.rs"]
mod receiver;
mod support;

use artel_platform::testkit::on_both_engines;
use artel_platform::{Context, args};
use receiver::Receiver;
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{RUN, Server, serve};

const TAGS: [&str; 15] = [
    "REGISTERED_MODEL.CREATED",
    "MODEL_VERSION.CREATED",
    "MODEL_VERSION_TAG.SET",
    "MODEL_VERSION_TAG.DELETED",
    "MODEL_VERSION_ALIAS.CREATED",
    "MODEL_VERSION_ALIAS.DELETED",
    "PROMPT.CREATED",
    "PROMPT_VERSION.CREATED",
    "PROMPT_TAG.SET",
    "PROMPT_TAG.DELETED",
    "PROMPT_VERSION_TAG.SET",
    "PROMPT_VERSION_TAG.DELETED",
    "PROMPT_ALIAS.CREATED",
    "PROMPT_ALIAS.DELETED",
    "BUDGET_POLICY.EXCEEDED",
];

fn events(names: &[&str]) -> Value {
    let pair = |name: &&str| {
        let (entity, action) = name.split_once('.').unwrap();
        json!({"entity": entity, "action": action})
    };
    names.iter().map(pair).collect()
}

/// Settings under which webhooks may go to this machine and come again at once.
fn local(mut cx: Context) -> Context {
    let settings = &mut Arc::make_mut(&mut cx.config).registry;
    settings.insert("webhook_private_targets".into(), true.into());
    settings.insert("webhook_retry_seconds".into(), 0.05.into());
    settings.insert("webhook_attempts".into(), 4.into());
    settings.insert("webhook_timeout_seconds".into(), 2.into());
    cx
}

async fn call(server: &Server, method: Method, path: &str, body: Value) -> (u16, Value) {
    let url = if path.starts_with('/') { format!("{}{path}", server.url) } else { format!("{}/api/2.0/mlflow/{path}", server.url) };
    let mut request = reqwest::Client::new().request(method.clone(), url);
    if method != Method::GET {
        request = request.json(&body);
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

async fn post(server: &Server, path: &str, body: Value) -> Value {
    let (status, answer) = call(server, Method::POST, path, body).await;
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

async fn make(server: &Server, body: Value) -> String {
    post(server, "webhooks", body).await["webhook"]["webhook_id"].as_str().unwrap().to_owned()
}

async fn log(server: &Server, webhook: &str) -> Vec<Value> {
    let (status, answer) = call(server, Method::GET, &format!("/api/artel/v1/models/webhooks/{webhook}/deliveries"), Value::Null).await;
    assert_eq!(status, 200, "{answer}");
    answer["deliveries"].as_array().unwrap().clone()
}

/// Waits until the newest delivery has this status.
async fn logged(server: &Server, webhook: &str, status: &str) -> Value {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let found = log(server, webhook).await;
        if found.first().is_some_and(|delivery| delivery["status"] == status) {
            return found[0].clone();
        }
        assert!(Instant::now() < end, "no {status}: {found:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[actix_web::test]
async fn a_webhook_from_its_making_to_its_end() {
    on_both_engines(async |cx| {
        let cx = local(cx);
        let server = serve(&cx).await;
        let made = post(
            &server,
            "webhooks",
            json!({"name": "deploy", "url": "http://127.0.0.1:9/hook", "secret": "s3cret", "description": "d", "events": events(&["MODEL_VERSION.CREATED", "MODEL_VERSION_TAG.SET"])}),
        )
        .await;
        let webhook = &made["webhook"];
        assert_eq!((&webhook["name"], &webhook["status"], &webhook["description"]), (&json!("deploy"), &json!("ACTIVE"), &json!("d")));
        assert!(webhook.get("secret").is_none(), "{webhook}");
        assert!(webhook["creation_timestamp"].is_i64() && webhook["last_updated_timestamp"].is_i64());
        assert_eq!(webhook["events"], events(&["MODEL_VERSION.CREATED", "MODEL_VERSION_TAG.SET"]));
        let id = webhook["webhook_id"].as_str().unwrap().to_owned();
        let at = format!("webhooks/{id}");

        let (_, changed) =
            call(&server, Method::PATCH, &at, json!({"name": "", "description": "", "status": "DISABLED", "events": events(&["PROMPT.CREATED"])})).await;
        let changed = &changed["webhook"];
        assert_eq!((&changed["name"], &changed["status"], changed.get("description")), (&json!("deploy"), &json!("DISABLED"), None));
        assert_eq!(changed["events"], events(&["PROMPT.CREATED"]));
        assert_eq!(call(&server, Method::GET, &at, Value::Null).await.1["webhook"], *changed);

        for name in ["b", "c"] {
            make(&server, json!({"name": name, "url": "http://127.0.0.1:9/", "events": events(&["PROMPT.CREATED"])})).await;
        }
        let (mut names, mut token) = (Vec::new(), String::new());
        loop {
            let (_, page) = call(&server, Method::GET, &format!("webhooks?max_results=2&page_token={token}"), Value::Null).await;
            names.extend(page["webhooks"].as_array().unwrap().iter().map(|w| w["name"].as_str().unwrap().to_owned()));
            match page["next_page_token"].as_str() {
                Some(next) => token = next.replace('+', "%2B").replace('=', "%3D"),
                None => break,
            }
        }
        names.sort();
        assert_eq!(names, ["b", "c", "deploy"]);

        assert_eq!(call(&server, Method::DELETE, &at, json!({})).await, (200, json!({})));
        let gone = json!({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": format!("Webhook with ID {id} not found.")});
        for method in [Method::GET, Method::PATCH, Method::DELETE] {
            let (status, body) = call(&server, method, &at, json!({})).await;
            assert_eq!((status, &body["message"]), (404, &gone["message"]));
        }
        server.stop(&cx).await;
    })
    .await;
}

#[actix_web::test]
async fn what_cannot_be_a_webhook_is_refused_by_name() {
    on_both_engines(async |cx| {
        let server = serve(&cx).await; // private targets are not allowed here
        let good = json!({"name": "deploy", "url": "https://8.8.8.8/hook", "events": events(&["PROMPT.CREATED"])});
        for (field, value, message) in [
            ("name", json!(null), "Missing value for required parameter 'name'."),
            ("name", json!("-x"), "Webhook name '-x' is invalid."),
            ("url", json!(""), "Missing value for required parameter 'url'."),
            ("url", json!("http://8.8.8.8/"), "Invalid webhook URL scheme: 'http'. Allowed schemes are: https."),
            ("url", json!("https://127.0.0.1/"), "Webhook URL must not resolve to a non-public IP address."),
            ("url", json!("https://localhost/"), "Webhook URL must not resolve to a non-public IP address. 'localhost' resolves to "),
            ("events", json!([]), "Webhook events must be a non-empty list of WebhookEvent objects: []."),
            ("events", events(&["PROMPT.SET"]), "Invalid action 'set' for entity 'prompt'. Valid actions are: ['created']"),
            ("events", json!([{"action": "SET"}]), "Webhook events must name an entity"),
        ] {
            let mut body = good.clone();
            body[field] = value;
            let (status, answer) = call(&server, Method::POST, "webhooks", body).await;
            assert_eq!((status, &answer["error_code"]), (400, &json!("INVALID_PARAMETER_VALUE")), "{answer}");
            assert!(answer["message"].as_str().unwrap().starts_with(message), "{answer}");
        }
        let id = make(&server, good).await;
        let (status, answer) = call(&server, Method::PATCH, &format!("webhooks/{id}"), json!({"url": "https://10.0.0.1/"})).await;
        assert!(status == 400 && answer["message"].as_str().unwrap().contains("non-public"), "{answer}");
        for query in ["max_results=1001", "max_results=-1", "page_token=x", "page_token=e30="] {
            assert_eq!(call(&server, Method::GET, &format!("webhooks?{query}"), Value::Null).await.0, 400, "{query}");
        }
        server.stop(&cx).await;
    })
    .await;
}

#[actix_web::test]
async fn every_change_is_told_signed_to_whoever_asked() {
    on_both_engines(async |cx| {
        let cx = local(cx);
        let server = serve(&cx).await;
        let receiver = Receiver::start();
        make(&server, json!({"name": "all", "url": receiver.url, "secret": "s3cret", "events": events(&TAGS)})).await;
        make(&server, json!({"name": "off", "url": receiver.url, "status": "DISABLED", "events": events(&TAGS)})).await;

        let prompt_tag = json!({"key": "mlflow.prompt.is_prompt", "value": "true"});
        post(&server, "registered-models/create", json!({"name": "wine", "tags": [{"key": "team", "value": "red"}]})).await;
        post(&server, "model-versions/create", json!({"name": "wine", "source": format!("runs:/{RUN}/model"), "run_id": RUN})).await;
        post(&server, "model-versions/set-tag", json!({"name": "wine", "version": "1", "key": "k", "value": "v"})).await;
        call(&server, Method::DELETE, "model-versions/delete-tag", json!({"name": "wine", "version": "1", "key": "k"})).await;
        post(&server, "registered-models/alias", json!({"name": "wine", "alias": "champion", "version": "1"})).await;
        call(&server, Method::DELETE, "registered-models/alias", json!({"name": "wine", "alias": "champion"})).await;
        post(&server, "registered-models/set-tag", json!({"name": "wine", "key": "nobody", "value": "hears"})).await;
        post(&server, "registered-models/create", json!({"name": "ask", "description": "q", "tags": [prompt_tag, {"key": "a", "value": "b"}]})).await;
        let text = json!({"key": "mlflow.prompt.text", "value": "Hello {{name}}"});
        post(&server, "model-versions/create", json!({"name": "ask", "source": "dummy-source", "tags": [prompt_tag, text, {"key": "c", "value": "d"}]})).await;
        post(&server, "registered-models/set-tag", json!({"name": "ask", "key": "k", "value": "v"})).await;
        call(&server, Method::DELETE, "registered-models/delete-tag", json!({"name": "ask", "key": "k"})).await;
        post(&server, "model-versions/set-tag", json!({"name": "ask", "version": "1", "key": "k", "value": "v"})).await;
        call(&server, Method::DELETE, "model-versions/delete-tag", json!({"name": "ask", "version": "1", "key": "k"})).await;
        post(&server, "registered-models/alias", json!({"name": "ask", "alias": "live", "version": "1"})).await;
        call(&server, Method::DELETE, "registered-models/alias", json!({"name": "ask", "alias": "live"})).await;
        // refused: nobody hears of it
        assert_eq!(call(&server, Method::POST, "registered-models/create", json!({"name": "wine"})).await.0, 400);

        let received = receiver.wait(14).await;
        assert!(received.iter().all(|r| r.is_signed_with("s3cret") && !r.is_signed_with("other")), "{received:?}");
        let mut told: Vec<(String, Value)> = received.iter().map(|r| (r.event(), r.json()["data"].clone())).collect();
        told.sort_by(|a, b| a.0.cmp(&b.0));
        let version = |name: &str| json!({"name": name, "version": "1", "key": "k"});
        let tag = |name: &str| json!({"name": name, "version": "1", "key": "k", "value": "v"});
        let expected = [
            ("model_version.created", json!({"name": "wine", "version": "1", "source": format!("runs:/{RUN}/model"), "run_id": RUN, "tags": {}, "description": null})),
            ("model_version_alias.created", json!({"name": "wine", "alias": "champion", "version": "1"})),
            ("model_version_alias.deleted", json!({"name": "wine", "alias": "champion"})),
            ("model_version_tag.deleted", version("wine")),
            ("model_version_tag.set", tag("wine")),
            ("prompt.created", json!({"name": "ask", "tags": {"a": "b"}, "description": "q"})),
            ("prompt_alias.created", json!({"name": "ask", "alias": "live", "version": "1"})),
            ("prompt_alias.deleted", json!({"name": "ask", "alias": "live"})),
            ("prompt_tag.deleted", json!({"name": "ask", "key": "k"})),
            ("prompt_tag.set", json!({"name": "ask", "key": "k", "value": "v"})),
            ("prompt_version.created", json!({"name": "ask", "version": "1", "template": "Hello {{name}}", "tags": {"c": "d"}, "description": null})),
            ("prompt_version_tag.deleted", version("ask")),
            ("prompt_version_tag.set", tag("ask")),
            ("registered_model.created", json!({"name": "wine", "tags": {"team": "red"}, "description": ""})),
        ];
        assert_eq!(told, expected.map(|(event, data)| (event.to_owned(), data)));
        let body = received[0].json();
        let timestamp = body["timestamp"].as_str().unwrap();
        assert!(timestamp.len() == 32 && timestamp.ends_with("+00:00"), "{timestamp}");
        assert_eq!(body.as_object().unwrap().keys().collect::<Vec<_>>(), ["action", "data", "entity", "timestamp"]);
        server.stop(&cx).await;
        receiver.stop().await;
    })
    .await;
}

#[actix_web::test]
async fn a_delivery_is_tried_again_until_it_arrives_or_is_hopeless() {
    on_both_engines(async |cx| {
        let cx = local(cx);
        let server = serve(&cx).await;
        let receiver = Receiver::start();
        let id = make(&server, json!({"name": "deploy", "url": receiver.url, "events": events(&["REGISTERED_MODEL.CREATED"])})).await;

        receiver.answer(&[500, 503]);
        post(&server, "registered-models/create", json!({"name": "a"})).await;
        let received = receiver.wait(3).await;
        assert!(received.iter().all(|r| r.delivery_id == received[0].delivery_id && r.body == received[0].body && r.signature.is_none()));
        let done = logged(&server, &id, "DELIVERED").await;
        assert_eq!(
            (&done["attempts"], &done["response_status"], &done["event"]),
            (&json!(3), &json!(200), &json!("registered_model.created"))
        );
        assert_eq!((done.get("next_attempt_at"), done.get("error")), (None, None));

        receiver.answer(&[400]);
        post(&server, "registered-models/create", json!({"name": "b"})).await;
        let failed = logged(&server, &id, "FAILED").await;
        assert_eq!((&failed["attempts"], &failed["response_status"]), (&json!(1), &json!(400)));
        assert_eq!(failed["error"], "the receiver answers 400 Bad Request");

        // the receiver says nothing in time, then no more attempts are left
        receiver.answer(&[0, 429, 500, 500]);
        post(&server, "registered-models/create", json!({"name": "c"})).await;
        receiver.wait(8).await;
        let failed = logged(&server, &id, "FAILED").await;
        assert_eq!((&failed["attempts"], &failed["response_status"]), (&json!(4), &json!(500)), "{failed}");

        let again = format!("/api/artel/v1/models/webhooks/{id}/deliveries/{}/send", failed["delivery_id"].as_str().unwrap());
        post(&server, &again, json!({})).await;
        assert_eq!(logged(&server, &id, "DELIVERED").await["attempts"], 1);
        assert_eq!(call(&server, Method::POST, "/api/artel/v1/models/webhooks/x/deliveries/y/send", json!({})).await.0, 404);
        let (_, delivered) =
            call(&server, Method::GET, &format!("/api/artel/v1/models/webhooks/{id}/deliveries?status=delivered&limit=1"), Value::Null)
                .await;
        assert_eq!((delivered["deliveries"].as_array().unwrap().len(), delivered["next_page_token"].is_string()), (1, true));
        for bad in ["status=lost", "limit=0"] {
            assert_eq!(
                call(&server, Method::GET, &format!("/api/artel/v1/models/webhooks/{id}/deliveries?{bad}"), Value::Null).await.0,
                400
            );
        }

        let result = post(&server, &format!("webhooks/{id}/test"), json!({})).await;
        assert_eq!(result["result"], json!({"success": true, "response_status": 200, "response_body": "received"}));
        assert_eq!(receiver.received().last().unwrap().json()["data"]["name"], "example_model");
        receiver.answer(&[404]);
        let result = post(&server, &format!("webhooks/{id}/test"), json!({"event": {"entity": "PROMPT_TAG", "action": "SET"}})).await;
        assert_eq!((&result["result"]["success"], &result["result"]["response_status"]), (&json!(false), &json!(404)));
        receiver.stop().await;
        // another test may listen at the receiver's address by now; nobody does at this one
        let nowhere = json!({"url": "http://127.0.0.1:9/"});
        assert_eq!(call(&server, Method::PATCH, &format!("webhooks/{id}"), nowhere).await.0, 200);
        let result = post(&server, &format!("webhooks/{id}/test"), json!({})).await;
        assert_eq!(result["result"]["success"], false);
        assert!(result["result"]["error_message"].as_str().unwrap().starts_with("Failed to test webhook: "), "{result}");
        server.stop(&cx).await;
    })
    .await;
}

#[actix_web::test]
async fn what_was_not_delivered_is_delivered_after_a_restart() {
    on_both_engines(async |cx| {
        let receiver = Receiver::start();
        let mut first = local(stopped_apart(&cx));
        // so that the attempt is under way when the process stops, however slow the machine is
        Arc::make_mut(&mut first.config).registry.insert("webhook_timeout_seconds".into(), 120.into());
        let second = local(stopped_apart(&cx));
        let server = serve(&first).await;
        let id = make(&server, json!({"name": "deploy", "url": receiver.url, "secret": "s", "events": events(&["REGISTERED_MODEL.CREATED"])})).await;
        receiver.answer(&[0]);
        post(&server, "registered-models/create", json!({"name": "a"})).await;
        let before = receiver.wait(1).await; // under way, and the process stops
        server.stop(&first).await;
        first.tasks.close();
        first.tasks.wait().await;

        // another was held by a process that was killed: its lease runs out a moment after the start
        let db = second.database("registry", artel_registry::MIGRATIONS).await.unwrap();
        let lease = second.clock.now() + 700;
        let sql = "INSERT INTO webhook_deliveries (delivery_id, webhook_id, entity, action, body, creation_time, status, attempts, next_attempt_time) \
            VALUES ('killed', $1, 'registered_model', 'created', '{\"entity\": \"registered_model\", \"action\": \"created\"}', 0, 'PENDING', 1, $2)";
        db.execute(sql, args![&id, lease]).await.unwrap();

        let server = serve(&second).await;
        let received = receiver.wait(3).await;
        // in which order depends on how long the start takes
        let mut again: Vec<&str> = received[1..].iter().map(|r| r.delivery_id.as_str()).collect();
        again.sort_unstable_by_key(|id| *id == "killed");
        assert_eq!(again, [before[0].delivery_id.as_str(), "killed"], "what was given back and what was held by the killed one");
        assert!(second.clock.now() >= lease && received.iter().all(|r| r.is_signed_with("s")));
        let end = Instant::now() + Duration::from_secs(20);
        while log(&server, &id).await.iter().any(|d| d["status"] != "DELIVERED") {
            assert!(Instant::now() < end);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let attempts: Vec<i64> = log(&server, &id).await.iter().map(|d| d["attempts"].as_i64().unwrap()).collect();
        assert_eq!(attempts, [1, 2], "the attempt that the stop broke off does not count, the killed one does");
        assert_eq!(receiver.received().len(), 3);
        server.stop(&second).await;
        receiver.stop().await;
    })
    .await;
}

/// The same installation for another process.
fn stopped_apart(cx: &Context) -> Context {
    Context { stop: Default::default(), tasks: Default::default(), ..cx.clone() }
}

#[actix_web::test]
async fn secrets_are_not_readable_at_rest() {
    on_both_engines(async |cx| {
        let cx = local(cx);
        let server = serve(&cx).await;
        let id =
            make(&server, json!({"name": "a", "url": "http://127.0.0.1:9/", "secret": "hunter2", "events": events(&["PROMPT.CREATED"])}))
                .await;
        let db = cx.database("registry", artel_registry::MIGRATIONS).await.unwrap();
        let stored = async || {
            let row = db.fetch_one("SELECT secret FROM webhooks WHERE webhook_id = $1", args![&id]).await.unwrap();
            row.opt::<String>("secret").unwrap()
        };
        let sealed = stored().await.unwrap();
        assert!(sealed.starts_with("v1:") && !sealed.contains("hunter2"));
        call(&server, Method::PATCH, &format!("webhooks/{id}"), json!({"secret": ""})).await;
        assert_eq!(stored().await, None);
        server.stop(&cx).await;
    })
    .await;
}
