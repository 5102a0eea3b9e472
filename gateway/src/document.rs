//! One OpenAPI 3.1 document for the whole suite.

use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{InfoBuilder, OpenApi, OpenApiBuilder};

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
    name_operations(&mut document);
    let components = document.components.get_or_insert_with(Default::default);
    let scheme = SecurityScheme::Http(
        Http::builder().scheme(HttpAuthScheme::Bearer).description(Some("A token, a session cookie or Basic credentials")).build(),
    );
    components.security_schemes.insert("artel".into(), scheme.into());
    document
}

/// Handlers of different services bear the same names, and a client generated from the document needs each operation's
/// id to be its own: method and path make it so, and keep it so when others come.
fn name_operations(document: &mut OpenApi) {
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
            }
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
