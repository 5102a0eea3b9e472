//! MLflow's web bundle asks for runs and experiments by GraphQL. A field's value is the answer of the operation of the
//! same name, of which the request picks what it wants.

mod document;
mod permit;
mod resolve;
mod schema;
#[cfg(test)]
mod tests;

use crate::Tracking;
use artel_platform::Result;
use artel_platform::http::Access;
use artel_platform::identity::Identity;
use document::{Request, Selected};
use schema::{Kind, Type};
use serde_json::{Map, Value};

/// Whose question it is.
pub(crate) struct Asker<'a> {
    pub(crate) workspace: &'a str,
    pub(crate) identity: &'a Identity,
    /// What restricts them, if anything does.
    pub(crate) access: Option<&'a Access>,
}

impl Tracking {
    /// Answers a request: its data, and what went wrong. A request that cannot be read or asks for what there is not
    /// has no data at all; a field that fails is `null`.
    pub(crate) async fn graphql(
        &self,
        asker: &Asker<'_>,
        query: &str,
        operation: Option<&str>,
        variables: Map<String, Value>,
    ) -> (Value, Vec<String>) {
        let request = match Request::read(query, operation, variables) {
            Ok(request) => request,
            Err(error) => return (Value::Null, vec![error.message]),
        };
        let (mut data, mut errors) = (Map::new(), Vec::new());
        for selected in request.select(request.root, &[&request.selected]) {
            let value = match self.root_field(asker, &request, &selected).await {
                Ok(value) => value,
                Err(error) => {
                    if error.code == artel_platform::Code::Internal {
                        tracing::error!(error = %error.chain(), "a field of a GraphQL request failed");
                    }
                    errors.push(error.message);
                    Value::Null
                }
            };
            data.insert(selected.key.to_owned(), value);
        }
        (Value::Object(data), errors)
    }

    async fn root_field(&self, asker: &Asker<'_>, request: &Request, selected: &Selected<'_>) -> Result<Value> {
        let field = selected.field;
        if field.name == "__typename" {
            return Ok(request.root.name.into());
        }
        let Some(Kind::One(kind)) = request.root.field(&field.name) else { return Ok(Value::Null) };
        let mut input = request.argument(field, if field.name.starts_with("test") { "inputString" } else { "input" });
        if let Some(access) = asker.access {
            self.permit_field(access, &field.name, &mut input).await?;
        }
        let mut value = self.resolve(asker, &field.name, input).await?;
        if let Some(run) = value.get_mut("run") {
            self.extend_runs(asker, std::slice::from_mut(run), &wanted_of_runs(request, kind, selected, "run")).await?;
        }
        if let Some(Value::Array(runs)) = value.get_mut("runs") {
            self.extend_runs(asker, runs, &wanted_of_runs(request, kind, selected, "runs")).await?;
        }
        Ok(project(request, kind, &value, &selected.inside))
    }
}

/// What is asked of the runs in the field `name` of an answer.
fn wanted_of_runs<'a>(request: &'a Request, of: &'static Type, selected: &Selected<'a>, name: &str) -> Vec<&'a str> {
    let outer = request.select(of, &selected.inside);
    let Some(run) = of.field(name).and_then(Kind::object) else { return Vec::new() };
    outer.iter().filter(|f| f.field.name == name).flat_map(|f| request.select(run, &f.inside)).map(|f| f.field.name.as_str()).collect()
}

/// Of a message what the request wants of it.
fn project(request: &Request, of: &'static Type, value: &Value, sets: &[&graphql_parser::query::SelectionSet<'static, String>]) -> Value {
    let mut out = Map::new();
    for selected in request.select(of, sets) {
        let name = selected.field.name.as_str();
        let value = value.get(snake(name)).unwrap_or(&Value::Null);
        let projected = match of.field(name) {
            None => of.name.into(),
            Some(Kind::Nothing(_)) => Value::Null,
            Some(Kind::One(inner)) => project(request, inner, value, &selected.inside),
            Some(Kind::Many(inner)) => {
                value.as_array().into_iter().flatten().map(|item| project(request, inner, item, &selected.inside)).collect()
            }
            Some(Kind::Text) => value.as_str().unwrap_or_default().into(),
            Some(Kind::Texts) => Value::Array(value.as_array().cloned().unwrap_or_default()),
            Some(Kind::Bool) => value.as_bool().unwrap_or_default().into(),
            Some(Kind::Long) => value.as_i64().unwrap_or_default().to_string().into(),
            Some(Kind::Real) if value.is_null() => 0.0.into(),
            Some(Kind::Real) => value.as_f64().map_or(Value::Null, Value::from),
            Some(Kind::Enum(default)) => value.as_str().unwrap_or(default).into(),
        };
        out.insert(selected.key.to_owned(), projected);
    }
    Value::Object(out)
}

/// `experimentId` as protobuf has it.
fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}
