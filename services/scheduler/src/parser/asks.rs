//! What a DAG file's top level asks while it is parsed: variables and connections (python/README.md, PROTOCOL.md §4).

use crate::Scheduler;
use artel_platform::Result;
use serde_json::{Value, json};

/// The name under which a question is remembered, so that the file is parsed again when the answer changes.
pub(super) fn name(body: &Value) -> Option<String> {
    let text = |key: &str| body[key].as_str();
    match body["type"].as_str()? {
        "GetVariable" => Some(format!("variable:{}", text("key")?)),
        "GetConnection" => Some(format!("connection:{}", text("conn_id")?)),
        _ => None,
    }
}

impl Scheduler {
    /// The answer to one question.
    pub(super) async fn answer_parser(&self, body: &Value) -> Value {
        match self.try_answer(body).await {
            Ok(answer) => answer,
            Err(error) => json!({"type": "ErrorResponse", "error": "GENERIC_ERROR", "detail": {"message": error.message}}),
        }
    }

    async fn try_answer(&self, body: &Value) -> Result<Value> {
        let text = |key: &str| body[key].as_str().unwrap_or_default();
        Ok(match text("type") {
            "GetVariable" => match self.get_variable(text("key")).await? {
                Some(variable) => json!({"type": "VariableResult", "key": variable.key, "value": variable.value}),
                None => json!({"type": "ErrorResponse", "error": "VARIABLE_NOT_FOUND", "detail": {"key": text("key")}}),
            },
            "GetVariableKeys" => {
                let (limit, offset) = (body["limit"].as_i64().unwrap_or(1000), body["offset"].as_i64().unwrap_or(0));
                let (keys, total) = self.list_variable_keys(body["prefix"].as_str(), limit, offset).await?;
                json!({"type": "VariableKeysResult", "keys": keys, "total_entries": total})
            }
            "GetConnection" => match self.get_connection(text("conn_id")).await? {
                Some(c) => json!({
                    "type": "ConnectionResult", "conn_id": c.conn_id, "conn_type": c.conn_type, "host": c.host, "schema": c.schema,
                    "login": c.login, "password": c.password, "port": c.port, "extra": c.extra,
                }),
                None => json!({"type": "ErrorResponse", "error": "CONNECTION_NOT_FOUND", "detail": {"conn_id": text("conn_id")}}),
            },
            "PutVariable" => {
                self.put_variable(text("key"), body["value"].as_str(), body["description"].as_str()).await?;
                json!({"type": "OKResponse", "ok": true})
            }
            "DeleteVariable" => json!({"type": "OKResponse", "ok": self.delete_variable(text("key")).await?}),
            "MaskSecret" => Value::Null,
            other => {
                json!({"type": "ErrorResponse", "error": "GENERIC_ERROR", "detail": {"message": format!("{other} is not answered while a file is parsed")}})
            }
        })
    }
}
