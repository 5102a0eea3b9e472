//! The little of an MLmodel file (YAML) that is compared: the signature. Upstream writes each of its parts as JSON in
//! one YAML string, folded over several lines where it is long (mlflow/models/signature.py `to_dict`).

use serde_json::Value;

/// Inputs, outputs and parameters of a model: name and type of each, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Signature {
    pub(crate) inputs: Vec<(String, String)>,
    pub(crate) outputs: Vec<(String, String)>,
    pub(crate) params: Vec<(String, String)>,
}

/// The signature in the text of an MLmodel file; `None` when it has none.
pub(crate) fn signature(text: &str) -> Option<Signature> {
    let mut lines =
        text.lines().skip_while(|line| line.trim_end() != "signature:").skip(1).take_while(|line| line.starts_with(' ')).peekable();
    let mut signature = Signature::default();
    lines.peek()?;
    while let Some(line) = lines.next() {
        let indent = line.len() - line.trim_start().len();
        let Some((key, first)) = line.trim().split_once(':') else { continue };
        let mut value = first.trim().to_owned();
        while let Some(more) = lines.next_if(|next| next.len() - next.trim_start().len() > indent || next.trim().is_empty()) {
            // a backslash at the end of a line of a double-quoted string joins without a space
            if value.starts_with('"') && value.ends_with('\\') {
                value.pop();
                value.push_str(more.trim_start().strip_prefix('\\').unwrap_or(more.trim_start()));
            } else {
                value.push(' ');
                value.push_str(more.trim());
            }
        }
        let columns = columns(&scalar(&value));
        match key {
            "inputs" => signature.inputs = columns,
            "outputs" => signature.outputs = columns,
            "params" => signature.params = columns,
            _ => {}
        }
    }
    Some(signature)
}

/// The text of a YAML scalar in quotes of either kind, or as it is.
fn scalar(value: &str) -> String {
    if let Some(inner) = value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        return inner.replace("''", "'");
    }
    let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return value.to_owned() };
    let mut text = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(c) = characters.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        let digits = match characters.next() {
            Some('x') => 2,
            Some('u') => 4,
            Some('U') => 8,
            Some('n') => {
                text.push('\n');
                continue;
            }
            Some('t') => {
                text.push('\t');
                continue;
            }
            Some(other) => {
                text.push(other);
                continue;
            }
            None => break,
        };
        let code: String = characters.by_ref().take(digits).collect();
        text.extend(u32::from_str_radix(&code, 16).ok().and_then(char::from_u32));
    }
    text
}

/// Name and type of each item of a JSON list of columns, tensors or parameters.
fn columns(json: &str) -> Vec<(String, String)> {
    let Ok(Value::Array(items)) = serde_json::from_str::<Value>(json) else { return Vec::new() };
    let named = |(place, item): (usize, &Value)| (item["name"].as_str().map_or_else(|| place.to_string(), str::to_owned), type_of(item));
    items.iter().enumerate().map(named).collect()
}

fn type_of(item: &Value) -> String {
    let mut text = match (&item["type"], &item["tensor-spec"]) {
        (Value::String(kind), spec) if kind == "tensor" => {
            format!("{}{}", spec["dtype"].as_str().unwrap_or("tensor"), compact(&spec["shape"]))
        }
        (Value::String(kind), _) => match kind.as_str() {
            "array" => format!("array<{}>", type_of(&item["items"])),
            "map" => format!("map<{}>", type_of(&item["values"])),
            "object" => format!("object{}", compact(&item["properties"])),
            kind => kind.to_owned(),
        },
        (other, _) => compact(other),
    };
    if item["required"] == Value::Bool(false) {
        text.push('?');
    }
    if let Some(default) = item.get("default") {
        text.push_str(&format!(" = {}", compact(default)));
    }
    text
}

fn compact(value: &Value) -> String {
    if value.is_null() { String::new() } else { value.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(columns: &[(&str, &str)]) -> Vec<(String, String)> {
        columns.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned())).collect()
    }

    #[test]
    fn a_folded_signature_is_read() {
        let text = "flavors:\n  python_function:\n    loader_module: m\nsignature:\n  inputs: '[{\"type\": \"double\", \"name\": \"it''s\", \"required\": true}, {\"type\": \"long\",\n    \"name\": \"y\", \"required\": false}]'\n  outputs: '[{\"type\": \"tensor\", \"tensor-spec\": {\"dtype\": \"float64\", \"shape\": [-1, 4]}}]'\n  params: '[{\"name\": \"n\", \"type\": \"long\", \"default\": 3, \"shape\": null}]'\nutc_time_created: 'x'\n";
        let signature = signature(text).unwrap();
        assert_eq!(signature.inputs, pairs(&[("it's", "double"), ("y", "long?")]));
        assert_eq!(signature.outputs, pairs(&[("0", "float64[-1,4]")]));
        assert_eq!(signature.params, pairs(&[("n", "long = 3")]));
    }

    #[test]
    fn what_is_not_there_is_empty() {
        assert_eq!(signature("flavors: {}\n"), None);
        assert_eq!(signature("signature:\n  inputs: null\n  outputs: null\n  params: null\n"), Some(Signature::default()));
        let nested = "signature:\n  inputs: \"[{\\\"type\\\": \\\"array\\\", \\\"items\\\": {\\\"type\\\": \\\"string\\\"}, \\\n    \\ \\\"name\\\": \\\"\\u0436\\\"}]\"\n";
        assert_eq!(signature(nested).unwrap().inputs, pairs(&[("ж", "array<string>")]));
    }
}
