//! What a handler's `#[utoipa::path]` says of its route, and what the document says of every route besides.

use super::dialect::Dialect;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{HttpMethod, RefOr, Required, ResponseBuilder};

/// What `#[utoipa::path]` made of a handler.
pub(super) struct Described {
    pub(super) path: String,
    pub(super) methods: Vec<HttpMethod>,
    pub(super) operation: Operation,
    /// What the operation's bodies refer to, by name.
    pub(super) schemas: Vec<(String, RefOr<Schema>)>,
}

impl Described {
    /// The same with all that goes without saying, and the scope that the route needs.
    ///
    /// # Panics
    /// When it names no scope: a defect that every start would show.
    pub(super) fn complete(mut self, dialect: Dialect) -> (Self, String) {
        declare_path_parameters(&self.path, &mut self.operation);
        let scope = scope_of(&self.operation).unwrap_or_else(|| panic!("{} names no scope", self.path));
        declare_failures(dialect, &scope, &mut self.operation);
        (self, scope)
    }
}

/// The scope inside `security(("artel" = ["scope"]))`.
fn scope_of(operation: &Operation) -> Option<String> {
    let security = serde_json::to_value(operation.security.as_ref()?).ok()?;
    security.get(0)?.get("artel")?.get(0)?.as_str().map(Into::into)
}

/// What any handler may answer, or the check of the caller before it: in the document also where the handler does not
/// describe it. MLflow's conflicts are 400.
const FAILURES: &[(u16, &str)] = &[
    (400, "The request is wrong; the answer names what of it"),
    (401, "The caller is not known"),
    (403, "The caller is not allowed to do this"),
    (404, "Something that the request names does not exist"),
    (409, "What the request names is in another state than it needs"),
];

fn declare_failures(dialect: Dialect, scope: &str, operation: &mut Operation) {
    for (status, why) in FAILURES {
        let never = (scope == "public" && matches!(status, 401 | 403)) || (dialect == Dialect::Mlflow && *status == 409);
        if !never {
            let response = || ResponseBuilder::new().description(*why).build().into();
            operation.responses.responses.entry(status.to_string()).or_insert_with(response);
        }
    }
}

/// Every `{name}` of a path is a parameter, also where the handler does not describe it.
fn declare_path_parameters(path: &str, operation: &mut Operation) {
    let path = openapi_path(path);
    let declared = operation.parameters.get_or_insert_with(Vec::new);
    for name in path.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
        let known = |p: &RefOr<Parameter>| matches!(p, RefOr::T(p) if p.name == name && p.parameter_in == ParameterIn::Path);
        if !declared.iter().any(known) {
            let text = ObjectBuilder::new().schema_type(Type::String).build();
            declared.push(
                ParameterBuilder::new()
                    .name(name)
                    .parameter_in(ParameterIn::Path)
                    .required(Required::True)
                    .schema(Some(text))
                    .build()
                    .into(),
            );
        }
    }
    if declared.is_empty() {
        operation.parameters = None;
    }
}

/// `{path:.*}` is actix's; OpenAPI knows only the name.
pub(super) fn openapi_path(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut skipping = false;
    for c in path.chars() {
        match c {
            ':' if out.rfind('{') > out.rfind('}') || (out.contains('{') && !out.contains('}')) => skipping = true,
            '}' => {
                skipping = false;
                out.push(c);
            }
            _ if skipping => {}
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::openapi_path;

    #[test]
    fn tail_patterns_are_not_shown() {
        assert_eq!(openapi_path("/artifacts/{path:.*}"), "/artifacts/{path}");
        assert_eq!(openapi_path("/users/{name}/x:y"), "/users/{name}/x:y");
    }
}
