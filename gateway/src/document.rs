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
    let components = document.components.get_or_insert_with(Default::default);
    let scheme = SecurityScheme::Http(
        Http::builder().scheme(HttpAuthScheme::Bearer).description(Some("A token, a session cookie or Basic credentials")).build(),
    );
    components.security_schemes.insert("artel".into(), scheme.into());
    document
}
