//! Variables and connections (routes/variables.py, connections.py).

use super::{Call, Reply};
use crate::Scheduler;
use artel_platform::Result;
use serde_json::json;

impl Scheduler {
    pub(super) async fn variable(&self, call: &Call<'_>, key: &str) -> Result<Reply> {
        match call.method {
            "GET" => Ok(match self.get_variable(key).await? {
                Some(variable) => Reply::ok(json!({"key": key, "value": variable.value})),
                None => Reply::not_found(format!("Variable with key '{key}' not found")),
            }),
            "PUT" => {
                // upstream's body calls it `val`, and takes `value` as well
                let value = call.text("val").or_else(|| call.text("value"));
                self.put_variable(key, value, call.text("description")).await?;
                Ok(Reply::new(201, json!({"message": "Variable successfully set"})))
            }
            "DELETE" => {
                self.delete_variable(key).await?;
                Ok(Reply::empty(204))
            }
            _ => Ok(Reply::new(405, json!({"detail": "Method Not Allowed"}))),
        }
    }

    pub(super) async fn variable_keys(&self, call: &Call<'_>) -> Result<Reply> {
        let limit = call.query.int("limit")?.unwrap_or(1000).clamp(1, 10_000);
        let offset = call.query.int("offset")?.unwrap_or(0).max(0);
        let (keys, total) = self.list_variable_keys(call.query.get("prefix"), limit, offset).await?;
        Ok(Reply::ok(json!({"keys": keys, "total_entries": total})))
    }

    pub(super) async fn connection(&self, id: &str) -> Result<Reply> {
        Ok(match self.get_connection(id).await? {
            Some(c) => Reply::ok(json!({
                "conn_id": c.conn_id, "conn_type": c.conn_type, "host": c.host, "schema": c.schema, "login": c.login,
                "password": c.password, "port": c.port, "extra": c.extra,
            })),
            None => Reply::not_found(format!("Connection with ID {id} not found")),
        })
    }
}
