//! JSON values as Python's `str` and `repr` write them, for texts that upstream makes with these.

use serde_json::{Number, Value};

/// `str(value)`.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => repr(other),
    }
}

/// `repr(value)`.
pub(crate) fn repr(value: &Value) -> String {
    let joined = |items: Vec<String>| items.join(", ");
    match value {
        Value::Null => "None".into(),
        Value::Bool(yes) => if *yes { "True" } else { "False" }.into(),
        Value::Number(number) => written(number),
        Value::String(text) => quoted(text),
        Value::Array(items) => format!("[{}]", joined(items.iter().map(repr).collect())),
        Value::Object(items) => {
            format!("{{{}}}", joined(items.iter().map(|(key, item)| format!("{}: {}", quoted(key), repr(item))).collect()))
        }
    }
}

/// The exponent has a sign and two digits.
fn written(number: &Number) -> String {
    let text = number.to_string();
    let Some((digits, exponent)) = text.split_once(['e', 'E']) else { return text };
    let (sign, power) = exponent.strip_prefix('-').map_or(('+', exponent.trim_start_matches('+')), |power| ('-', power));
    format!("{digits}e{sign}{power:0>2}")
}

/// In single quotes, in double quotes where the text has single ones only.
fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut written = String::from(quote);
    for c in text.chars() {
        match c {
            '\n' => written.push_str("\\n"),
            '\r' => written.push_str("\\r"),
            '\t' => written.push_str("\\t"),
            '\\' => written.push_str("\\\\"),
            c if c == quote => written.extend(['\\', c]),
            c if c.is_ascii_control() => written.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => written.push(c),
        }
    }
    written.push(quote);
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_written_as_python_writes_them() {
        assert_eq!(text(&json!("plain 'text'")), "plain 'text'");
        let value = json!([1, 2.5, 1e30, 1e-7, true, null, "it's", "a\n\"b\" it's", {"k": [false]}]);
        assert_eq!(text(&value), r#"[1, 2.5, 1e+30, 1e-07, True, None, "it's", 'a\n"b" it\'s', {'k': [False]}]"#);
    }
}
