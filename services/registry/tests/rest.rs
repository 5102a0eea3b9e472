//! MLflow's registry API over HTTP: statuses and bodies as upstream's.

mod support;

use artel_platform::testkit::{Engine, fixture};
use artel_proto::artel::registry::v1::{ResolveModelRequest, resolve_model_request::Selector};
use reqwest::Method;
use serde_json::{Value, json};
use support::{MODEL, RUN, Server, serve};

async fn call(server: &Server, method: Method, path: &str, body: Value) -> (u16, Value) {
    let client = reqwest::Client::new();
    let url = format!("{}/api/2.0/mlflow/{path}", server.url);
    let request = if method == Method::GET { client.get(url) } else { client.request(method, url).json(&body) };
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

#[actix_web::test]
async fn a_model_from_its_making_to_its_end() {
    let fixture = fixture(Engine::Sqlite).await.unwrap();
    let server = serve(&fixture.cx).await;
    let post = async |path: &str, body: Value| call(&server, Method::POST, path, body).await;
    let get = async |path: &str| call(&server, Method::GET, path, Value::Null).await;
    let patch = async |path: &str, body: Value| call(&server, Method::PATCH, path, body).await;
    let delete = async |path: &str, body: Value| call(&server, Method::DELETE, path, body).await;

    let (status, made) = post("registered-models/create", json!({"name": "wine"})).await;
    let model = &made["registered_model"];
    assert_eq!((status, &model["name"], model["creation_timestamp"].is_i64()), (200, &json!("wine"), true));
    assert_eq!(model.as_object().unwrap().len(), 3, "absent fields stay absent: {model}");
    assert_eq!(
        post("registered-models/create", json!({"name": "wine"})).await,
        (
            400,
            json!({"error_code": "RESOURCE_ALREADY_EXISTS", "message": "Registered Model (name=wine) already exists.", "sqlstate": "KAM00", "error_class": "RESOURCE_ALREADY_EXISTS"})
        )
    );
    let (status, made) =
        post("model-versions/create", json!({"name": "wine", "source": format!("models:/{MODEL}"), "model_id": MODEL, "run_id": RUN}))
            .await;
    assert_eq!(status, 200, "{made}");
    let version = &made["model_version"];
    for (field, value) in [
        ("version", json!("1")),
        ("status", json!("READY")),
        ("current_stage", json!("None")),
        ("description", json!("")),
        ("run_link", json!("")),
    ] {
        assert_eq!(version[field], value, "{field}");
    }
    assert_eq!(post("registered-models/alias", json!({"name": "wine", "alias": "champion", "version": "1"})).await, (200, json!({})));
    let (_, by_alias) = get("registered-models/alias?name=wine&alias=champion").await;
    assert_eq!(by_alias["model_version"]["aliases"], json!(["champion"]));
    let (_, place) = get("model-versions/get-download-uri?name=wine&version=1").await;
    assert_eq!(place["artifact_uri"], format!("mlflow-artifacts:/1/models/{MODEL}/artifacts"));

    assert_eq!(
        patch("registered-models/update", json!({"name": "wine", "description": "red"})).await.1["registered_model"]["description"],
        "red"
    );
    assert_eq!(
        patch("model-versions/update", json!({"name": "wine", "version": "1", "description": "d"})).await.1["model_version"]["description"],
        "d"
    );
    assert_eq!(post("model-versions/set-tag", json!({"name": "wine", "version": "1", "key": "k", "value": "v"})).await, (200, json!({})));
    let (status, moved) = post(
        "model-versions/transition-stage",
        json!({"name": "wine", "version": "1", "stage": "staging", "archive_existing_versions": true}),
    )
    .await;
    assert_eq!((status, &moved["model_version"]["current_stage"]), (200, &json!("Staging")));
    for answer in [
        post("registered-models/get-latest-versions", json!({"name": "wine", "stages": ["Staging"]})).await,
        get("registered-models/get-latest-versions?name=wine&stages=Staging").await,
    ] {
        assert_eq!(answer.1["model_versions"][0]["tags"], json!([{"key": "k", "value": "v"}]));
    }
    let (_, found) = get("registered-models/search?filter=name%20LIKE%20%27w%25%27&max_results=1").await;
    assert_eq!(found["registered_models"][0]["aliases"], json!([{"alias": "champion", "version": "1"}]));
    let (_, found) = get("model-versions/search?filter=name%3D%27wine%27&order_by=version_number%20DESC&order_by=name").await;
    assert_eq!((found["model_versions"].as_array().unwrap().len(), found.get("next_page_token")), (1, None));

    let request = ResolveModelRequest { workspace: String::new(), name: "wine".into(), selector: Some(Selector::Alias("champion".into())) };
    let resolved = fixture.cx.peers.registry().resolve_model(request).await.unwrap().into_inner();
    assert_eq!((resolved.version, resolved.model_id.as_str()), (1, MODEL));
    assert_eq!(resolved.artifact_path, format!("1/models/{MODEL}/artifacts"));

    assert_eq!(post("registered-models/rename", json!({"name": "wine", "new_name": "vin"})).await.0, 200);
    assert_eq!(delete("registered-models/alias", json!({"name": "vin", "alias": "champion"})).await, (200, json!({})));
    assert_eq!(delete("model-versions/delete-tag", json!({"name": "vin", "version": "1", "key": "k"})).await, (200, json!({})));
    assert_eq!(delete("model-versions/delete", json!({"name": "vin", "version": "1"})).await, (200, json!({})));
    assert_eq!(delete("registered-models/delete", json!({"name": "vin"})).await, (200, json!({})));
    assert_eq!(
        get("registered-models/get?name=vin").await,
        (
            404,
            json!({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "Registered Model with name=vin not found", "sqlstate": "KAM00", "error_class": "RESOURCE_NOT_FOUND"})
        )
    );
    server.stop(&fixture.cx).await;
}

#[actix_web::test]
async fn mistakes_are_told_in_upstreams_words() {
    let fixture = fixture(Engine::Sqlite).await.unwrap();
    let server = serve(&fixture.cx).await;
    let docs = " See the API docs for more information about request parameters.";
    for (method, path, body, message) in [
        (Method::POST, "registered-models/create", json!({}), format!("Missing value for required parameter 'name'.{docs}")),
        (
            Method::POST,
            "registered-models/create",
            json!({"name": 5}),
            format!("Invalid value 5 for parameter 'name' supplied:  Hint: Value was of type 'int'.{docs}"),
        ),
        (
            Method::POST,
            "registered-models/create",
            json!({"name": "a/b"}),
            "Invalid model name 'a/b'. Names cannot contain '/' or ':'.".into(),
        ),
        (Method::POST, "model-versions/create", json!({"name": "a"}), format!("Missing value for required parameter 'source'.{docs}")),
        (
            Method::GET,
            "registered-models/search?max_results=1001",
            Value::Null,
            format!("Invalid value \"1001\" for parameter 'max_results' supplied:  Hint: Value was of type 'str'.{docs}"),
        ),
        (
            Method::GET,
            "model-versions/search?max_results=0",
            Value::Null,
            "Invalid value for max_results. It must be a positive integer, but got 0".into(),
        ),
        (Method::GET, "registered-models/alias?name=a&alias=", Value::Null, format!("Missing value for required parameter 'alias'.{docs}")),
        (Method::GET, "model-versions/get?name=a&version=one", Value::Null, "Parameter 'version' must be an integer, got 'one'.".into()),
    ] {
        let (status, body) = call(&server, method, path, body).await;
        assert_eq!(
            (status, body["error_code"].as_str(), body["message"].as_str()),
            (400, Some("INVALID_PARAMETER_VALUE"), Some(message.as_str())),
            "{path}"
        );
    }
    server.stop(&fixture.cx).await;
}
