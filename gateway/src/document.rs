//! One OpenAPI 3.1 document for the whole suite.

use actix_web::http::StatusCode;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{InfoBuilder, OpenApi, OpenApiBuilder, RefOr};

/// The services' documents, merged.
pub fn merge(version: &str, parts: impl IntoIterator<Item = OpenApi>) -> OpenApi {
    let info = InfoBuilder::new()
        .title("Artel")
        .version(version)
        .description(Some("Notebooks, experiments, models, pipelines and serving behind one login. Paths under an upstream's prefix follow that upstream."))
        .build();
    let mut document = OpenApiBuilder::new().info(info).build();
    for part in parts {
        document.merge(part);
    }
    complete_operations(&mut document);
    let components = document.components.get_or_insert_with(Default::default);
    let scheme = SecurityScheme::Http(
        Http::builder().scheme(HttpAuthScheme::Bearer).description(Some("A token, a session cookie or Basic credentials")).build(),
    );
    components.security_schemes.insert("artel".into(), scheme.into());
    document
}

/// Makes each operation complete. Handlers of different services bear the same names, and a client generated from the
/// document needs each operation's id to be its own: method and path make it so, and keep it so when others come.
/// OpenAPI demands a description of each response; one that says no more than its status gets the status' name.
fn complete_operations(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        let operations = [
            ("get", &mut item.get),
            ("put", &mut item.put),
            ("post", &mut item.post),
            ("delete", &mut item.delete),
            ("options", &mut item.options),
            ("head", &mut item.head),
            ("patch", &mut item.patch),
            ("trace", &mut item.trace),
        ];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                operation.operation_id = Some(operation_id(method, path));
                describe_responses(operation);
            }
        }
    }
}

fn describe_responses(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && response.description.is_empty()
        {
            let named = StatusCode::from_bytes(status.as_bytes()).ok().and_then(|s| s.canonical_reason());
            response.description = named.unwrap_or("See the status").into();
        }
    }
}

/// `get`, `/api/2.0/mlflow/runs/{id}/` → `get_api_2_0_mlflow_runs_id_`
fn operation_id(method: &str, path: &str) -> String {
    let mut id = method.to_owned();
    for part in path[1..].split(['/', '.', '-']) {
        id.push('_');
        id.extend(part.chars().filter(|c| c.is_alphanumeric() || *c == '_'));
    }
    id
}

#[cfg(test)]
mod tests {
    use super::operation_id;

    #[test]
    fn operations_are_named_by_method_and_path() {
        assert_eq!(operation_id("get", "/api/2.0/mlflow/runs/get"), "get_api_2_0_mlflow_runs_get");
        assert_eq!(operation_id("delete", "/hub/api/users/{name}/tokens/{id}"), "delete_hub_api_users_name_tokens_id");
        assert_ne!(operation_id("get", "/hub"), operation_id("get", "/hub/"));
    }
}
