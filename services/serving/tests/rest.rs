//! The REST side: shapes that MLflow's clients read, errors in MLflow's form.

mod support;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::{Next, from_fn};
use actix_web::{App, HttpMessage, test};
use artel_platform::testkit::{Engine, admin, fixture};
use artel_serving::Serving;
use serde_json::{Value, json};

async fn as_admin(request: ServiceRequest, next: Next<impl MessageBody>) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    request.extensions_mut().insert(admin());
    next.call(request).await
}

async fn call(serving: &std::sync::Arc<Serving>, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
    let routes = artel_serving::routes().state(serving.clone());
    let app = test::init_service(App::new().wrap(from_fn(as_admin)).configure(|config| routes.configure(config))).await;
    let mut request = test::TestRequest::with_uri(path).method(method);
    if !body.is_null() {
        request = request.set_json(body);
    }
    let response = test::call_service(&app, request.to_request()).await;
    let status = response.status();
    let body = test::read_body(response).await;
    (status, serde_json::from_slice(&body).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&body).into())))
}

#[actix_web::test]
async fn an_endpoint_from_creation_to_deletion() {
    let fixture = fixture(Engine::Sqlite).await.expect("a fixture");
    let serving = Serving::open(&fixture.cx).await.expect("the service opens");
    let entity = json!({"entity_name": "wine", "alias": "champion", "workload_size": "Small"});
    let (status, made) =
        call(&serving, Method::POST, "/api/2.0/serving-endpoints/", json!({"name": "wine", "config": {"served_entities": [entity]}})).await;
    assert_eq!(status, StatusCode::OK, "{made}");
    assert_eq!(made["state"], json!({"ready": "NOT_READY", "config_update": "IN_PROGRESS"}));
    assert_eq!(made["creator"], "admin");
    let served = &made["config"]["served_entities"][0];
    assert_eq!(
        (&served["name"], &served["entity_name"], &served["alias"], &served["workload_size"]),
        (&json!("wine-champion"), &json!("wine"), &json!("champion"), &json!("Small"))
    );
    assert_eq!(served["state"]["deployment"], "DEPLOYMENT_CREATING");
    assert_eq!(made["config"]["traffic_config"], json!({"routes": [{"served_model_name": "wine-champion", "traffic_percentage": 100}]}));

    let (_, got) = call(&serving, Method::GET, "/api/2.0/serving-endpoints/wine", Value::Null).await;
    assert_eq!(got, made);
    for path in ["/api/2.0/serving-endpoints", "/api/2.0/serving-endpoints/"] {
        let (_, listed) = call(&serving, Method::GET, path, Value::Null).await;
        assert_eq!(listed, json!({"endpoints": [made]}));
    }
    let (_, client) = call(&serving, Method::GET, "/api/2.0/endpoints/", Value::Null).await;
    let expected = json!({"name": "wine", "endpoint_type": "mlflow/v1/invocations", "model": {"name": "wine", "provider": "mlflow"}, "endpoint_url": "/endpoints/wine/invocations", "limit": null});
    assert_eq!(client, json!({"endpoints": [expected]}));

    let sent_back = got["config"].clone();
    let (status, changed) = call(&serving, Method::PUT, "/api/2.0/serving-endpoints/wine/config", sent_back).await;
    assert_eq!((status, &changed["config"]["config_version"]), (StatusCode::OK, &json!(2)), "{changed}");
    let kept = |endpoint: &Value, key: &str| endpoint["config"]["served_entities"][0][key].clone();
    for key in ["name", "entity_name", "alias", "workload_size"] {
        assert_eq!(kept(&changed, key), kept(&got, key), "{key}");
    }

    let (_, tags) =
        call(&serving, Method::PATCH, "/api/2.0/serving-endpoints/wine/tags", json!({"add_tags": [{"key": "a", "value": "b"}]})).await;
    assert_eq!(tags, json!({"tags": [{"key": "a", "value": "b"}]}));

    let (status, gone) = call(&serving, Method::DELETE, "/api/2.0/serving-endpoints/wine", Value::Null).await;
    assert_eq!((status, gone), (StatusCode::OK, json!({})));
}

#[actix_web::test]
async fn refusals_say_what_to_do() {
    let fixture = fixture(Engine::Sqlite).await.expect("a fixture");
    let serving = Serving::open(&fixture.cx).await.expect("the service opens");
    let entity = json!({"entity_name": "wine", "alias": "champion"});
    let create = |body: Value| call(&serving, Method::POST, "/api/2.0/serving-endpoints", body);
    create(json!({"name": "wine", "config": {"served_entities": [entity]}})).await;
    for (body, status, code) in [
        (json!({"name": "wine", "config": {"served_entities": [entity]}}), 400, "RESOURCE_ALREADY_EXISTS"),
        (json!({"name": "a b", "config": {"served_entities": [entity]}}), 400, "INVALID_PARAMETER_VALUE"),
        (json!({"name": "x", "config": {}}), 400, "INVALID_PARAMETER_VALUE"),
        (json!({"name": "x", "config": {"served_entities": [entity, entity]}}), 501, "NOT_IMPLEMENTED"),
        (json!({"name": "x", "config": {"served_entities": [entity]}, "rate_limits": [{"calls": 1}]}), 501, "NOT_IMPLEMENTED"),
        (
            json!({"name": "x", "config": {"served_entities": [entity], "traffic_config": {"routes": [{"served_model_name": "x", "traffic_percentage": 100}]}}}),
            400,
            "INVALID_PARAMETER_VALUE",
        ),
        (json!({"config": {}}), 400, "INVALID_PARAMETER_VALUE"),
    ] {
        let (got, answer) = create(body.clone()).await;
        assert_eq!((got.as_u16(), answer["error_code"].as_str()), (status, Some(code)), "{body}: {answer}");
    }
    for path in ["/serving-endpoints/wine/invocations", "/api/2.0/serving-endpoints/wine/invocations", "/endpoints/wine/invocations"] {
        let (status, answer) = call(&serving, Method::POST, path, json!({"inputs": [1]})).await;
        assert_eq!((status, answer["error_code"].as_str()), (StatusCode::SERVICE_UNAVAILABLE, Some("TEMPORARILY_UNAVAILABLE")), "{answer}");
    }
    let (status, _) = call(&serving, Method::GET, "/serving-endpoints/wine/ping", Value::Null).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    for (method, path) in [
        (Method::POST, "/serving-endpoints/beer/invocations"),
        (Method::GET, "/api/2.0/serving-endpoints/beer"),
        (Method::GET, "/serving-endpoints/beer/health"),
    ] {
        let (status, answer) = call(&serving, method, path, Value::Null).await;
        assert_eq!((status, answer["error_code"].as_str()), (StatusCode::NOT_FOUND, Some("RESOURCE_DOES_NOT_EXIST")), "{path}: {answer}");
    }
}
