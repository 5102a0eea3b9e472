//! XComs (routes/xcoms.py).

use super::{Call, Reply};
use crate::Scheduler;
use crate::objects::XComMeta;
use crate::store::xcoms::{self, XComKey};
use artel_platform::{Error, Result};
use serde_json::{Value, json};

impl Scheduler {
    /// `xcoms/{dag}/{run}/{task}/{key…}`, with `/item/{offset}` or `/slice` behind. A key may contain slashes.
    pub(super) async fn xcom(&self, call: &Call<'_>, [dag_id, run_id, task_id]: [&str; 3], rest: &[&str]) -> Result<Reply> {
        let named = |parts: &[&str]| parts.join("/");
        match (call.method, rest) {
            ("GET", [key @ .., "item", offset]) if !key.is_empty() => {
                let offset: i64 = offset.parse().map_err(|_| Error::invalid(format!("{offset:?} is no offset")))?;
                let name = named(key);
                let key = XComKey { dag_id, run_id, task_id, key: &name };
                Ok(match xcoms::item(&self.db, &key, offset).await? {
                    Some(found) => Reply::ok(self.xcom_value(&found).await?),
                    None => missing(&key, &format!("offset={offset}")),
                })
            }
            ("GET", [key @ .., "slice"]) if !key.is_empty() => {
                let name = named(key);
                self.slice(call, &XComKey { dag_id, run_id, task_id, key: &name }).await
            }
            (method, key) => {
                let name = named(key);
                let key = XComKey { dag_id, run_id, task_id, key: &name };
                match method {
                    "GET" => self.get_xcom(call, &key).await,
                    "HEAD" => self.count_xcoms(call, &key).await,
                    "POST" => self.put_xcom(call, &key).await,
                    "DELETE" => self.delete_xcom(call, &key).await,
                    _ => Ok(Reply::new(405, json!({"detail": "Method Not Allowed"}))),
                }
            }
        }
    }

    async fn get_xcom(&self, call: &Call<'_>, key: &XComKey<'_>) -> Result<Reply> {
        let map_index = call.query.int("map_index")?.unwrap_or(-1);
        let found = match call.query.int("offset")? {
            Some(offset) => xcoms::item(&self.db, key, offset).await?,
            None if call.query.flag("include_prior_dates") => xcoms::get_prior(&self.db, key, map_index).await?,
            None => xcoms::get(&self.db, key, map_index).await?,
        };
        Ok(match found {
            Some(found) => Reply::ok(json!({"key": key.key, "value": self.xcom_value(&found).await?})),
            None => missing(key, &format!("map_index={map_index}")),
        })
    }

    async fn count_xcoms(&self, call: &Call<'_>, key: &XComKey<'_>) -> Result<Reply> {
        if call.query.int("map_index")?.is_some() {
            return Ok(Reply::refused(400, "invalid_request", "Cannot specify map_index in a HEAD request"));
        }
        let count = xcoms::count(&self.db, key, None).await?;
        Ok(Reply { headers: vec![("Content-Range", format!("map_indexes {count}"))], ..Reply::empty(200) })
    }

    /// A Python slice over the values in the order of their map indexes.
    async fn slice(&self, call: &Call<'_>, key: &XComKey<'_>) -> Result<Reply> {
        let mut all = xcoms::sequence(&self.db, key).await?;
        if all.is_empty() && call.query.flag("include_prior_dates") {
            all = xcoms::get_prior(&self.db, key, -1).await?.into_iter().collect();
        }
        let step = call.query.int("step")?.unwrap_or(1);
        if step == 0 {
            return Ok(Reply::refused(400, "value_error", "slice step cannot be zero"));
        }
        let wanted = positions(all.len() as i64, call.query.int("start")?, call.query.int("stop")?, step);
        let mut values = Vec::with_capacity(wanted.len());
        for position in wanted {
            values.push(self.xcom_value(&all[position as usize]).await?);
        }
        Ok(Reply::ok(Value::Array(values)))
    }

    async fn put_xcom(&self, call: &Call<'_>, key: &XComKey<'_>) -> Result<Reply> {
        let mapped_length = call.query.int("mapped_length")?;
        if mapped_length.is_some_and(|length| length > self.settings.max_map_length) {
            return Ok(Reply::refused(
                400,
                "unmappable_return_value_length",
                "pushed value is too large to map as a downstream's dependency",
            ));
        }
        let map_index = call.query.int("map_index")?.unwrap_or(-1);
        let stored = self.store_value(key, map_index, call.body.to_string()).await?;
        let mut tx = self.db.begin().await?;
        if crate::store::runs::get(&mut tx, key.dag_id, key.run_id).await?.is_none() {
            return Ok(Reply::new(404, json!({"detail": format!("DAG run not found on DAG {} with ID {}", key.dag_id, key.run_id)})));
        }
        let meta = XComMeta { map_index, mapped_length, dag_result: call.query.flag("dag_result") };
        self.write_xcom(&mut tx, key, &stored, &meta).await?;
        tx.commit().await?;
        Ok(Reply::new(201, json!({"message": "XCom successfully set"})))
    }

    async fn delete_xcom(&self, call: &Call<'_>, key: &XComKey<'_>) -> Result<Reply> {
        let mut tx = self.db.begin().await?;
        xcoms::delete(&mut tx, key, call.query.int("map_index")?.unwrap_or(-1), self.cx.clock.now()).await?;
        tx.commit().await?;
        Ok(Reply::ok(json!({"message": format!("XCom with key: {} successfully deleted.", key.key)})))
    }
}

fn missing(key: &XComKey<'_>, which: &str) -> Reply {
    Reply::not_found(format!(
        "XCom with key='{}' {which} not found for task '{}' in DAG run '{}' of '{}'",
        key.key, key.task_id, key.run_id, key.dag_id
    ))
}

/// Which positions a Python slice takes.
fn positions(length: i64, start: Option<i64>, stop: Option<i64>, step: i64) -> Vec<i64> {
    let (lowest, highest) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let place = |given: Option<i64>, default: i64| match given {
        None => default,
        Some(i) if i < 0 => (i + length).max(lowest),
        Some(i) => i.min(highest),
    };
    let (mut at, stop) = if step > 0 { (place(start, 0), place(stop, length)) } else { (place(start, length - 1), place(stop, -1)) };
    let mut found = Vec::new();
    while (step > 0 && at < stop) || (step < 0 && at > stop) {
        found.push(at);
        at += step;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::positions;

    /// As `list(range(5))[start:stop:step]` in Python.
    #[test]
    fn slices_are_pythons() {
        assert_eq!(positions(5, None, None, 1), [0, 1, 2, 3, 4]);
        assert_eq!(positions(5, Some(1), Some(3), 1), [1, 2]);
        assert_eq!(positions(5, Some(-2), None, 1), [3, 4]);
        assert_eq!(positions(5, None, Some(-1), 2), [0, 2]);
        assert_eq!(positions(5, None, None, -1), [4, 3, 2, 1, 0]);
        assert_eq!(positions(5, Some(3), Some(0), -2), [3, 1]);
        assert_eq!(positions(5, Some(9), None, 1), [0i64; 0]);
        assert_eq!(positions(5, Some(-9), Some(2), 1), [0, 1]);
        assert_eq!(positions(0, None, None, -1), [0i64; 0]);
    }
}
