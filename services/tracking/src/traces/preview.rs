//! The short form of what went into a trace and what came out (mlflow/tracing/utils/truncation.py).

use serde_json::Value;

/// Longest preview, in characters.
const LONGEST: usize = 1000;

/// The text of the last message of `role` where the JSON holds a chat, else the JSON itself; cut where it is too long.
pub(crate) fn preview(json: &str, role: &str) -> String {
    let value: Value = serde_json::from_str(json).unwrap_or_default();
    let said = messages(&value).and_then(|messages| {
        let last = messages.iter().rev().find(|m| m["role"] == role).or(messages.last())?;
        Some(text_of(last)).filter(|text| !text.is_empty())
    });
    let shown = said.unwrap_or(json);
    if shown.chars().nth(LONGEST).is_none() {
        return shown.to_owned();
    }
    shown.chars().take(LONGEST - 3).chain("...".chars()).collect()
}

fn is_message(item: &Value) -> bool {
    item.get("role").is_some() && item.get("content").is_some()
}

/// The messages of the known forms of chats; `None` where there are none.
fn messages(value: &Value) -> Option<Vec<&Value>> {
    let listed = |key: &str| value.get(key).and_then(Value::as_array).filter(|items| !items.is_empty());
    let of = |items: &'_ [Value]| -> Vec<usize> { (0..items.len()).filter(|n| is_message(&items[*n])).collect() };
    let pick = |key: &str| listed(key).map(|items| of(items).into_iter().map(|n| &items[n]).collect());
    if let Some(found) = pick("messages") {
        return Some(found);
    }
    if let Some(message) = listed("choices").and_then(|choices| choices[0].get("message")).filter(|m| is_message(m)) {
        return Some(vec![message]);
    }
    pick("input").or_else(|| pick("output")).or_else(|| messages(value.get("request")?))
}

fn text_of(message: &Value) -> &str {
    match &message["content"] {
        Value::String(text) => text,
        Value::Array(parts) => parts
            .iter()
            .find_map(|part| match part {
                Value::String(text) => Some(text.as_str()),
                part if part["type"] == "text" || part["type"] == "output_text" => part["text"].as_str(),
                _ => None,
            })
            .unwrap_or_default(),
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::preview;

    #[test]
    fn chats_are_shown_by_their_last_message() {
        let chat = r#"{"messages": [{"role": "user", "content": "hi"}, {"role": "user", "content": [{"type": "text", "text": "there"}]}, {"role": "assistant", "content": "yes"}]}"#;
        assert_eq!(preview(chat, "user"), "there");
        assert_eq!(preview(chat, "assistant"), "yes");
        assert_eq!(preview(r#"{"choices": [{"message": {"role": "assistant", "content": "ok"}}]}"#, "assistant"), "ok");
        assert_eq!(preview(r#"{"request": {"input": [{"role": "user", "content": "q"}]}}"#, "user"), "q");
        assert_eq!(preview(r#"{"x": 1}"#, "user"), r#"{"x": 1}"#);
        assert_eq!(preview("plain", "user"), "plain");
    }

    #[test]
    fn long_ones_are_cut_by_characters() {
        let long = "é".repeat(1001);
        assert_eq!(preview(&long, "user"), format!("{}...", "é".repeat(997)));
        assert_eq!(preview(&"é".repeat(1000), "user").chars().count(), 1000);
    }
}
