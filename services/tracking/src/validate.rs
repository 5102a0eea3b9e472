//! What names and values may be. Limits and messages are upstream's (mlflow/utils/validation.py).

pub(crate) use artel_platform::http::{invalid_value, missing_value};
use artel_platform::{Error, Result};
use artel_proto::mlflow::{DatasetInput, ExperimentTag, Metric, Param, RunTag};
use std::borrow::Cow;

const MAX_KEY: usize = 250;
const MAX_PARAM_VALUE: usize = 6000;
const MAX_TAG_VALUE: usize = 8000;
const MAX_EXPERIMENT_NAME: usize = 500;
const MAX_EXPERIMENT_TAG_VALUE: usize = 20_000;
const MAX_METRICS: usize = 1000;
const MAX_PARAMS_OR_TAGS: usize = 100;
const MAX_BATCH: usize = 1000;
const MAX_ARTIFACT_LOCATION: usize = 2048;
const MAX_RESULTS: i64 = 50_000;

/// Parts of a dataset input, with their longest lengths.
const MAX_DATASET: &[(&str, usize)] = &[("name", 500), ("digest", 36), ("source", 65_535), ("schema", 1_048_575), ("profile", 16_777_215)];
const MAX_INPUT_TAG_KEY: usize = 255;
const MAX_INPUT_TAG_VALUE: usize = 500;

const BAD_CHARACTERS: &str =
    "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).";

/// The name of a metric, param or tag: it may be used as a file's name.
pub(crate) fn name(name: &str, path: &str) -> Result<()> {
    if !name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '/' | '.' | '-' | ' ' | ':')) {
        return Err(Error::invalid(invalid_value(path, &name.into(), BAD_CHARACTERS)));
    }
    if !name.is_empty() && !name.contains('/') && !name.starts_with('.') {
        return Ok(());
    }
    let normal = normal_path(name);
    if normal != name || normal == "." || normal.starts_with("..") || normal.starts_with('/') {
        let why = format!(
            "Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to '{normal}'"
        );
        return Err(Error::invalid(invalid_value(path, &name.into(), &why)));
    }
    Ok(())
}

/// Python's `posixpath.normpath`.
fn normal_path(path: &str) -> String {
    let slashes = match path.bytes().take_while(|b| *b == b'/').count() {
        2 => "//",
        0 => "",
        _ => "/",
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|p| !p.is_empty() && *p != ".") {
        if part != ".." || (slashes.is_empty() && parts.last().is_none_or(|p| *p == "..")) {
            parts.push(part);
        } else {
            parts.pop();
        }
    }
    let joined = format!("{slashes}{}", parts.join("/"));
    if joined.is_empty() { ".".into() } else { joined }
}

fn length(what: &str, limit: usize, value: &str) -> Result<()> {
    if value.len() > limit && value.chars().count() > limit {
        return Err(Error::invalid(format!("'{what}' exceeds the maximum length of {limit} characters")));
    }
    Ok(())
}

/// The value, cut where that is wanted.
fn cut(what: &str, limit: usize, value: &str, truncate: bool) -> Result<String> {
    match value.char_indices().nth(limit) {
        Some((end, _)) if truncate => Ok(value[..end].to_owned()),
        Some(_) => Err(Error::invalid(format!("'{what}' exceeds the maximum length of {limit} characters"))),
        None => Ok(value.to_owned()),
    }
}

fn join<'a>(path: &str, field: &'a str) -> Cow<'a, str> {
    if path.is_empty() { field.into() } else { format!("{path}.{field}").into() }
}

/// One metric point.
pub(crate) fn metric(metric: &Metric, path: &str) -> Result<()> {
    self::name(metric.key(), &join(path, "name"))?;
    if metric.value.is_none() {
        return Err(Error::invalid(missing_value(&join(path, "value"))));
    }
    if metric.timestamp() < 0 {
        let why = format!("metric '{}' (value={:?}). Timestamp must be a nonnegative long (64-bit integer) ", metric.key(), metric.value());
        return Err(Error::invalid(invalid_value(&join(path, "timestamp"), &metric.timestamp().into(), &why)));
    }
    if metric.dataset_name().is_empty() != metric.dataset_digest().is_empty() {
        return Err(Error::invalid("Both dataset_name and dataset_digest must be provided if one is provided"));
    }
    length("Metric name", MAX_KEY, metric.key())
}

/// One param; returns its value as it is to be kept.
pub(crate) fn param(param: &Param, path: &str, truncate: bool) -> Result<String> {
    self::name(param.key(), &join(path, "key"))?;
    length("Param key", MAX_KEY, param.key())?;
    cut("Param value", MAX_PARAM_VALUE, param.value(), truncate)
}

/// One tag of a run; returns its value as it is to be kept.
pub(crate) fn tag(tag: &RunTag, path: &str, truncate: bool) -> Result<String> {
    self::name(tag.key(), &join(path, "key"))?;
    length(&join(path, "key"), MAX_KEY, tag.key())?;
    cut(&join(path, "value"), MAX_TAG_VALUE, tag.value(), truncate)
}

/// One tag of an experiment.
pub(crate) fn experiment_tag(tag: &ExperimentTag) -> Result<()> {
    self::name(tag.key(), "key")?;
    length("key", MAX_KEY, tag.key())?;
    length("value", MAX_EXPERIMENT_TAG_VALUE, tag.value())
}

/// How much one batch may hold.
pub(crate) fn batch(metrics: usize, params: usize, tags: usize) -> Result<()> {
    let limits = [
        ("metrics", MAX_METRICS, metrics),
        ("params", MAX_PARAMS_OR_TAGS, params),
        ("tags", MAX_PARAMS_OR_TAGS, tags),
        ("metrics, params, and tags", MAX_BATCH, metrics + params + tags),
    ];
    match limits.into_iter().find(|(_, limit, count)| count > limit) {
        None => Ok(()),
        Some((what, limit, count)) => Err(Error::invalid(format!(
            "A batch logging request can contain at most {limit} {what}. Got {count} {what}. Please split up {what} across multiple requests and try again."
        ))),
    }
}

/// A param may be named once in a request.
pub(crate) fn unique_params(params: &[Param]) -> Result<()> {
    let mut seen = std::collections::HashSet::new();
    let twice: Vec<&str> = params.iter().map(Param::key).filter(|key| !seen.insert(*key)).collect();
    if twice.is_empty() {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "Duplicate parameter keys have been submitted: {twice:?}. Please ensure the request contains only one param value per param key."
    )))
}

/// A run's public id.
pub(crate) fn run_id(run_id: &str) -> Result<()> {
    let good = run_id.chars().next().is_some_and(|c| c.is_ascii_alphanumeric())
        && run_id.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
        && run_id.chars().count() <= 256;
    if good { Ok(()) } else { Err(Error::invalid(invalid_value("run_id", &run_id.into(), ""))) }
}

/// The number of an experiment; the empty id means the default one.
pub(crate) fn experiment_id(id: &str) -> Result<i64> {
    if id.is_empty() {
        return Ok(0);
    }
    id.trim().parse().map_err(|_| Error::invalid(format!("Invalid experiment ID '{id}'. Experiment ID must be a valid integer.")))
}

/// An experiment's name.
pub(crate) fn experiment_name(name: &str) -> Result<()> {
    if name.is_empty() {
        return Err(Error::invalid("Invalid experiment name: ''"));
    }
    length("name", MAX_EXPERIMENT_NAME, name)
}

/// A logged model's name.
pub(crate) fn logged_model_name(name: &str) -> Result<()> {
    const BAD: [char; 6] = ['/', ':', '.', '%', '"', '\''];
    if name.contains(BAD) {
        return Err(Error::invalid(format!(
            "Invalid model name ('{name}') provided. Model name must be a non-empty string and cannot contain the following characters: ('/', ':', '.', '%', '\"', \"'\")"
        )));
    }
    Ok(())
}

/// A place for artifacts that the client names.
pub(crate) fn artifact_location(location: &str) -> Result<()> {
    let path = location.split(['?', '#']).next().unwrap_or_default();
    let web = !path.contains(':') || path.starts_with("http");
    if location.contains('#') || (web && path.rsplit('/').next().is_some_and(|last| last.contains(';'))) {
        return Err(Error::invalid("'artifact_location' URL can't include fragments or params."));
    }
    if let Some((_, query)) = location.split_once('?')
        && crate::artifacts::decode(query)?.contains("..")
    {
        return Err(Error::invalid("Invalid query string"));
    }
    if location.starts_with("runs:") {
        return Err(Error::invalid(format!("Artifact location cannot be a runs:/ URI. Given: '{location}'")));
    }
    if location.chars().count() > MAX_ARTIFACT_LOCATION {
        return Err(Error::invalid(format!(
            "Invalid artifact path length. The length of the artifact path cannot be greater than {MAX_ARTIFACT_LOCATION} characters."
        )));
    }
    Ok(())
}

/// How many rows a page may have.
pub(crate) fn max_results(count: i64) -> Result<i64> {
    let why = match count {
        ..1 => "a positive integer".to_owned(),
        _ if count > MAX_RESULTS => format!("at most {MAX_RESULTS}"),
        _ => return Ok(count),
    };
    Err(Error::invalid(format!("Invalid value {count} for parameter 'max_results' supplied. It must be {why}")))
}

/// A dataset that a run took.
pub(crate) fn dataset_input(input: &DatasetInput) -> Result<()> {
    let dataset = input.dataset.as_ref().ok_or_else(|| Error::invalid("Dataset input must have a dataset associated with it."))?;
    let values =
        [Some(dataset.name()), Some(dataset.digest()), Some(dataset.source()), dataset.schema.as_deref(), dataset.profile.as_deref()];
    for ((what, limit), value) in MAX_DATASET.iter().zip(values) {
        length(what, *limit, value.unwrap_or_default())?;
    }
    for tag in &input.tags {
        length("key", MAX_INPUT_TAG_KEY, tag.key())?;
        length("value", MAX_INPUT_TAG_VALUE, tag.value())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_also_names_of_files() {
        for good in ["a", "val/loss", "a.b-c_d e:f", "метка", "..a/b", "a..", "1"] {
            assert_eq!(name(good, "key").is_ok(), !good.starts_with(".."), "{good}");
        }
        for bad in ["", ".", "..", "/a", "a/", "a//b", "a/./b", "a/../b", "../a", "a\\b", "a,b", "a\n"] {
            assert!(name(bad, "key").is_err(), "{bad:?}");
        }
    }

    #[test]
    fn messages_show_values_as_python_does() {
        assert_eq!(
            invalid_value("metrics[3].name", &"é\"".into(), "why"),
            "Invalid value \"\\u00e9\\\"\" for parameter 'metrics[3].name' supplied: why"
        );
        assert_eq!(invalid_value("run_id", &"-".into(), ""), "Invalid value \"-\" for parameter 'run_id' supplied.");
    }

    #[test]
    fn long_values_are_cut_at_characters() {
        assert_eq!(cut("value", 3, "éééé", true).unwrap(), "ééé");
        assert!(cut("value", 3, "éééé", false).is_err());
        assert_eq!(cut("value", 3, "abc", false).unwrap(), "abc");
    }
}
