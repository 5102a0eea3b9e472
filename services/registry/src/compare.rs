//! Two versions of a model side by side: what they were made with, what they expect, what they need.

use crate::mlmodel::{self, Signature};
use crate::model_versions::number;
use crate::{Registry, uri};
use artel_platform::{Code, Error, Result};
use artel_proto::artel::tracking::v1::RunDescription;
use artel_proto::mlflow::ModelVersion;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// One thing in both versions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Difference {
    /// What it is called.
    key: String,
    /// In the first version; absent where it has no such thing.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// In the second version; absent where it has no such thing.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    /// Are they different?
    changed: bool,
}

/// One metric in both versions. What JSON has no number for is text: `NaN`, `Infinity`, `-Infinity`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MetricDifference {
    /// Name of the metric.
    key: String,
    /// The last value of the first version's run.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    from: Option<Value>,
    /// The last value of the second version's run.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    to: Option<Value>,
    /// Second minus first, where both are numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<f64>,
}

/// What models expect and give: type by name. A type with `?` is optional.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignatureDifference {
    inputs: Vec<Difference>,
    outputs: Vec<Difference>,
    params: Vec<Difference>,
}

/// One of the two versions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ComparedVersion {
    version: String,
    stage: String,
    source: String,
    /// The run that made it; empty where none is known.
    run_id: String,
    /// `false`: the run is gone, so its params and metrics are not known.
    run_found: bool,
    /// `false`: its files are not in this installation or have no MLmodel, so signature and requirements are not known.
    model_found: bool,
    aliases: Vec<String>,
    /// Milliseconds UTC.
    creation_timestamp: i64,
}

/// Two versions of a model side by side.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Comparison {
    name: String,
    from: ComparedVersion,
    to: ComparedVersion,
    /// Of the runs that made them.
    params: Vec<Difference>,
    /// Of the runs that made them.
    metrics: Vec<MetricDifference>,
    /// Of the versions.
    tags: Vec<Difference>,
    signature: SignatureDifference,
    /// Lines of `requirements.txt` by package.
    requirements: Vec<Difference>,
}

/// All that is known of one side.
struct Side {
    version: ModelVersion,
    run: Option<RunDescription>,
    signature: Signature,
    requirements: BTreeMap<String, String>,
    model_found: bool,
}

impl Registry {
    /// Versions `from` and `to` of a model side by side.
    pub(crate) async fn compare(&self, workspace: &str, name: &str, from: i64, to: i64) -> Result<Comparison> {
        let (from, to) = (self.side(workspace, name, from).await?, self.side(workspace, name, to).await?);
        Ok(Comparison {
            name: name.into(),
            params: differences(params(&from), params(&to)),
            metrics: metric_differences(&from, &to),
            tags: differences(tags(&from), tags(&to)),
            signature: SignatureDifference {
                inputs: in_order(&from.signature.inputs, &to.signature.inputs),
                outputs: in_order(&from.signature.outputs, &to.signature.outputs),
                params: in_order(&from.signature.params, &to.signature.params),
            },
            requirements: differences(texts(&from.requirements), texts(&to.requirements)),
            from: from.about(),
            to: to.about(),
        })
    }

    async fn side(&self, workspace: &str, name: &str, version: i64) -> Result<Side> {
        let version = self.version(workspace, name, version).await?;
        let run = match version.run_id() {
            "" => None,
            run_id => found(self.run(workspace, run_id).await)?,
        };
        let location = self.download_uri(workspace, name, number(&version)).await?;
        let folder = if uri::is_placeholder(&location) { None } else { found(self.artifact_path(workspace, &location).await)? };
        let (mut signature, mut requirements, mut model_found) = (Signature::default(), BTreeMap::new(), false);
        if let Some(folder) = folder {
            if let Some(text) = self.read_text(workspace, format!("{folder}/MLmodel")).await? {
                signature = mlmodel::signature(&text).unwrap_or_default();
                model_found = true;
            }
            let text = self.read_text(workspace, format!("{folder}/requirements.txt")).await?;
            requirements = text.iter().flat_map(|text| text.lines()).filter_map(requirement).collect();
        }
        Ok(Side { version, run, signature, requirements, model_found })
    }
}

/// What was deleted, or lies elsewhere, is not known; that is no failure of the comparison.
fn found<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Error { code: Code::NotFound | Code::FailedPrecondition, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

impl Side {
    fn about(&self) -> ComparedVersion {
        let version = &self.version;
        ComparedVersion {
            version: version.version().into(),
            stage: version.current_stage().into(),
            source: version.source().into(),
            run_id: version.run_id().into(),
            run_found: self.run.is_some(),
            model_found: self.model_found,
            aliases: version.aliases.clone(),
            creation_timestamp: version.creation_timestamp(),
        }
    }
}

/// Package and whole line of a requirement; `None` for comments and options.
fn requirement(line: &str) -> Option<(String, String)> {
    let line = line.split(" #").next().unwrap_or_default().trim();
    if line.is_empty() || line.starts_with(['#', '-']) {
        return None;
    }
    let name = line.split(|c: char| !(c.is_alphanumeric() || "-_.".contains(c))).next().unwrap_or(line);
    Some((name.to_lowercase().replace(['_', '.'], "-"), line.to_owned()))
}

type Texts<'a> = BTreeMap<&'a str, &'a str>;

fn texts(map: &BTreeMap<String, String>) -> Texts<'_> {
    map.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

fn params(side: &Side) -> Texts<'_> {
    side.run.iter().flat_map(|run| &run.params).map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

fn tags(side: &Side) -> Texts<'_> {
    side.version.tags.iter().map(|tag| (tag.key(), tag.value())).collect()
}

fn difference(key: &str, from: Option<&str>, to: Option<&str>) -> Difference {
    Difference { key: key.into(), from: from.map(Into::into), to: to.map(Into::into), changed: from != to }
}

/// Every key of either side, in alphabetical order.
fn differences(from: Texts<'_>, to: Texts<'_>) -> Vec<Difference> {
    let keys: std::collections::BTreeSet<&str> = from.keys().chain(to.keys()).copied().collect();
    keys.into_iter().map(|key| difference(key, from.get(key).copied(), to.get(key).copied())).collect()
}

/// Every key of either side, in the order of the second, then what only the first has.
fn in_order(from: &[(String, String)], to: &[(String, String)]) -> Vec<Difference> {
    let find = |side: &[(String, String)], key: &str| side.iter().find(|(k, _)| k == key).map(|(_, kind)| kind.clone());
    let gone = from.iter().filter(|(key, _)| find(to, key).is_none());
    to.iter().chain(gone).map(|(key, _)| difference(key, find(from, key).as_deref(), find(to, key).as_deref())).collect()
}

fn metric_differences(from: &Side, to: &Side) -> Vec<MetricDifference> {
    let values = |side: &Side| side.run.iter().flat_map(|run| run.metrics.clone()).collect::<BTreeMap<String, f64>>();
    let (from, to) = (values(from), values(to));
    let keys: std::collections::BTreeSet<&String> = from.keys().chain(to.keys()).collect();
    let one = |key: &String| {
        let (from, to) = (from.get(key).copied(), to.get(key).copied());
        let difference = from.zip(to).map(|(from, to)| to - from).filter(|d| d.is_finite());
        MetricDifference { key: key.clone(), from: from.map(json), to: to.map(json), difference }
    };
    keys.into_iter().map(one).collect()
}

fn json(value: f64) -> Value {
    match value {
        v if v.is_nan() => "NaN".into(),
        v if v.is_infinite() => if v > 0.0 { "Infinity" } else { "-Infinity" }.into(),
        v => v.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_go_by_package() {
        let read = |line| requirement(line).map(|(name, _)| name);
        assert_eq!(read("scikit_learn==1.5.0"), Some("scikit-learn".into()));
        assert_eq!(read("numpy[extra]>=2 # why"), Some("numpy".into()));
        assert_eq!(requirement("a>1 # why").unwrap().1, "a>1");
        for none in ["", "# comment", "-r other.txt", "  "] {
            assert_eq!(read(none), None, "{none}");
        }
    }

    #[test]
    fn columns_keep_their_order() {
        let pair = |key: &str, kind: &str| (key.to_owned(), kind.to_owned());
        let compared = in_order(&[pair("b", "long"), pair("z", "long")], &[pair("c", "long"), pair("b", "double")]);
        let shown: Vec<_> = compared.iter().map(|d| (d.key.as_str(), d.from.as_deref(), d.to.as_deref(), d.changed)).collect();
        assert_eq!(shown, [("c", None, Some("long"), true), ("b", Some("long"), Some("double"), true), ("z", Some("long"), None, true)]);
    }
}
