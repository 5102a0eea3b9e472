//! Large values in the artifact service: XComs above a size. The row of a value names its object; an object without a row
//! is noted in the transaction that took the row away, and removed afterwards.

use crate::Scheduler;
use crate::store::objects;
use crate::store::xcoms::{self, NewXCom, XCom, XComKey};
use artel_platform::db::Tx;
use artel_platform::{Code, Error, Result};
use artel_proto::artel::artifact::v1::{DeleteRequest, GetRequest, PutHeader, PutRequest, put_request};
use serde_json::Value;

/// The workspace that DAGs belong to.
pub(crate) const WORKSPACE: &str = "default";
/// Bytes handed to the artifact service at a time.
const PART: usize = 1 << 20;
/// Objects removed in one go.
const BATCH: i64 = 200;
/// How long a value that is being stored may go without its row, in milliseconds.
const UNCLAIMED: i64 = 60 * 60 * 1000;
/// The scheduler itself reads the values of this key, and they are small.
const ALWAYS_INLINE: &str = "skipmixin_key";

/// A value of an XCom, ready to be written in a transaction.
pub(crate) struct Stored {
    value: String,
    object: Option<String>,
}

/// What is written beside a value.
pub(crate) struct XComMeta {
    pub(crate) map_index: i64,
    pub(crate) mapped_length: Option<i64>,
    pub(crate) dag_result: bool,
}

impl Scheduler {
    /// Puts a large value where it is to be, before the transaction that tells of it.
    pub(crate) async fn store_value(&self, key: &XComKey<'_>, map_index: i64, value: String) -> Result<Stored> {
        if value.len() <= self.settings.xcom_inline_bytes || key.key == ALWAYS_INLINE {
            return Ok(Stored { value, object: None });
        }
        let path = format!("xcoms/dag_id={}/run_id={}/task_id={}/{map_index}/{}", key.dag_id, key.run_id, key.task_id, self.cx.ids.hex32());
        // until the row is there the object is doomed: it goes when this is as far as it gets
        let mut tx = self.db.begin().await?;
        objects::doom(&mut tx, &path, self.cx.clock.now() + UNCLAIMED).await?;
        tx.commit().await?;
        self.put_object(&path, value.into()).await?;
        Ok(Stored { value: String::new(), object: Some(path) })
    }

    /// Writes an XCom in place of what was there.
    pub(crate) async fn write_xcom(&self, tx: &mut Tx, key: &XComKey<'_>, stored: &Stored, meta: &XComMeta) -> Result<()> {
        let new = NewXCom {
            map_index: meta.map_index,
            value: &stored.value,
            object: stored.object.as_deref(),
            mapped_length: meta.mapped_length,
            dag_result: meta.dag_result,
        };
        if let Some(path) = &stored.object {
            objects::forget(tx, path).await?;
        }
        xcoms::put(tx, key, &new, self.cx.clock.now()).await
    }

    /// Writes a small XCom inside a transaction.
    pub(crate) async fn push_xcom(&self, tx: &mut Tx, key: &XComKey<'_>, map_index: i64, value: &Value) -> Result<()> {
        let stored = Stored { value: value.to_string(), object: None };
        self.write_xcom(tx, key, &stored, &XComMeta { map_index, mapped_length: None, dag_result: false }).await
    }

    /// The JSON of an XCom, wherever it is.
    pub(crate) async fn xcom_text(&self, xcom: &XCom) -> Result<String> {
        let Some(path) = &xcom.object else { return Ok(xcom.value.clone()) };
        let bytes = self.get_object(path, 0, None).await?;
        String::from_utf8(bytes).map_err(|_| Error::internal(format!("the value of XCom {} is no UTF-8", xcom.key)))
    }

    /// The value of an XCom, wherever it is.
    pub(crate) async fn xcom_value(&self, xcom: &XCom) -> Result<Value> {
        Ok(serde_json::from_str(&self.xcom_text(xcom).await?)?)
    }

    async fn put_object(&self, path: &str, bytes: bytes::Bytes) -> Result<()> {
        let header = PutHeader { workspace: WORKSPACE.into(), path: path.into(), content_type: "application/json".into() };
        let parts = (0..bytes.len()).step_by(PART).map(move |at| put_request::Part::Data(bytes.slice(at..(at + PART).min(bytes.len()))));
        let all = std::iter::once(put_request::Part::Header(header)).chain(parts).map(|part| PutRequest { part: Some(part) });
        self.cx.peers.artifact().put(futures::stream::iter(all)).await?;
        Ok(())
    }

    /// A part of an object.
    pub(crate) async fn get_object(&self, path: &str, offset: i64, length: Option<i64>) -> Result<Vec<u8>> {
        let request = GetRequest { workspace: WORKSPACE.into(), path: path.into(), offset, length };
        let mut stream = self.cx.peers.artifact().get(request).await?.into_inner();
        let mut bytes = Vec::new();
        while let Some(chunk) = stream.message().await? {
            bytes.extend_from_slice(&chunk.data);
        }
        Ok(bytes)
    }

    /// Removes what nothing speaks of any more.
    pub(crate) async fn sweep_objects(&self) -> Result<()> {
        loop {
            let doomed = objects::doomed(&self.db, self.cx.clock.now(), BATCH).await?;
            for path in &doomed {
                let request = DeleteRequest { workspace: WORKSPACE.into(), path: path.clone(), recursive: false };
                if let Err(status) = self.cx.peers.artifact().delete(request).await
                    && Error::from(status.clone()).code != Code::NotFound
                {
                    return Err(status.into());
                }
                let mut tx = self.db.begin().await?;
                objects::forget(&mut tx, path).await?;
                tx.commit().await?;
            }
            if (doomed.len() as i64) < BATCH {
                return Ok(());
            }
        }
    }
}
