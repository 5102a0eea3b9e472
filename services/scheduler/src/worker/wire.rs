//! Frames between the task runner and its supervisor: 4 bytes big-endian length and MessagePack (python/PROTOCOL.md §2).
//! Here they are JSON values; datetimes of the child become RFC 3339 text, which it accepts in answers too.

use super::descriptors;
use artel_platform::{Error, Result, ResultExt};
use chrono::{DateTime, SecondsFormat};
use rmpv::Value as Pack;
use serde_json::{Map, Number, Value as Json};
use std::os::fd::OwnedFd;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UnixStream;

/// Largest frame of a task: an XCom.
const MAX_FRAME: usize = 256 * 1024 * 1024;
/// MessagePack's extension type for timestamps.
const TIMESTAMP: i8 = -1;

/// A request of the task runner.
pub(super) struct Request {
    pub(super) id: u64,
    pub(super) body: Json,
}

/// The next request, `None` when the child has closed its end.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Option<Request>> {
    let mut length = [0; 4];
    match stream.read_exact(&mut length).await {
        Ok(_) => {}
        Err(e) if matches!(e.kind(), std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::ConnectionReset) => return Ok(None),
        Err(e) => return Err(e.into()),
    }
    let length = u32::from_be_bytes(length) as usize;
    if length > MAX_FRAME {
        return Err(Error::exhausted(format!("a message of the task has {length} bytes; {MAX_FRAME} are allowed")));
    }
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).await?;
    let frame = rmpv::decode::read_value(&mut bytes.as_slice()).or_internal("a message of the task is no MessagePack")?;
    let Pack::Array(parts) = frame else { return Err(Error::internal("a message of the task is no array")) };
    let mut parts = parts.into_iter();
    let id = parts.next().and_then(|v| v.as_u64()).ok_or_else(|| Error::internal("a message of the task has no id"))?;
    Ok(Some(Request { id, body: parts.next().map_or(Json::Null, to_json) }))
}

/// Sends an answer: `body`, or `error` that the child raises.
pub(super) async fn write(stream: &mut (impl AsyncWrite + Unpin), id: u64, body: &Json, error: &Json) -> Result<()> {
    stream.write_all(&answer(id, body, error)?).await?;
    Ok(())
}

/// The same with a file descriptor.
pub(super) async fn write_with(stream: &mut UnixStream, id: u64, body: &Json, descriptor: OwnedFd) -> Result<()> {
    let bytes = answer(id, body, &Json::Null)?;
    let (length, rest) = bytes.split_at(4);
    descriptors::pass(stream, length.try_into().or_internal("a length has four bytes")?, &[descriptor]).await?;
    stream.write_all(rest).await?;
    Ok(())
}

fn answer(id: u64, body: &Json, error: &Json) -> Result<Vec<u8>> {
    let frame = Pack::Array(vec![id.into(), to_pack(body), to_pack(error)]);
    let mut bytes = vec![0; 4];
    rmpv::encode::write_value(&mut bytes, &frame).or_internal("an answer cannot be encoded")?;
    let length = (bytes.len() - 4) as u32;
    bytes[..4].copy_from_slice(&length.to_be_bytes());
    Ok(bytes)
}

fn to_json(value: Pack) -> Json {
    match value {
        Pack::Nil => Json::Null,
        Pack::Boolean(v) => v.into(),
        Pack::Integer(v) => v.as_i64().map(Json::from).or_else(|| v.as_u64().map(Json::from)).unwrap_or(Json::Null),
        Pack::F32(v) => real(f64::from(v)),
        Pack::F64(v) => real(v),
        Pack::String(v) => String::from_utf8_lossy(v.as_bytes()).into_owned().into(),
        Pack::Binary(v) => String::from_utf8_lossy(&v).into_owned().into(),
        Pack::Array(items) => items.into_iter().map(to_json).collect(),
        Pack::Map(items) => Json::Object(items.into_iter().map(|(k, v)| (key(k), to_json(v))).collect::<Map<_, _>>()),
        Pack::Ext(TIMESTAMP, bytes) => timestamp(&bytes).map_or(Json::Null, Json::from),
        Pack::Ext(..) => Json::Null,
    }
}

/// JSON has no NaN and no infinities; upstream's server stores their names.
fn real(value: f64) -> Json {
    Number::from_f64(value).map_or_else(
        || {
            Json::from(if value.is_nan() {
                "NaN"
            } else if value > 0.0 {
                "Infinity"
            } else {
                "-Infinity"
            })
        },
        Json::Number,
    )
}

fn key(value: Pack) -> String {
    match to_json(value) {
        Json::String(text) => text,
        other => other.to_string(),
    }
}

/// 4, 8 or 12 bytes: seconds; nanoseconds and seconds in 64 bits; nanoseconds, then seconds in 64 bits.
fn timestamp(bytes: &[u8]) -> Option<String> {
    let (seconds, nanos) = match bytes.len() {
        4 => (i64::from(u32::from_be_bytes(bytes.try_into().ok()?)), 0),
        8 => {
            let both = u64::from_be_bytes(bytes.try_into().ok()?);
            ((both & 0x3_ffff_ffff) as i64, (both >> 34) as u32)
        }
        12 => (i64::from_be_bytes(bytes[4..].try_into().ok()?), u32::from_be_bytes(bytes[..4].try_into().ok()?)),
        _ => return None,
    };
    Some(DateTime::from_timestamp(seconds, nanos)?.to_rfc3339_opts(SecondsFormat::Micros, true))
}

fn to_pack(value: &Json) -> Pack {
    match value {
        Json::Null => Pack::Nil,
        Json::Bool(v) => (*v).into(),
        Json::Number(v) => {
            v.as_i64().map(Pack::from).or_else(|| v.as_u64().map(Pack::from)).unwrap_or_else(|| v.as_f64().unwrap_or_default().into())
        }
        Json::String(v) => v.as_str().into(),
        Json::Array(items) => Pack::Array(items.iter().map(to_pack).collect()),
        Json::Object(items) => Pack::Map(items.iter().map(|(k, v)| (k.as_str().into(), to_pack(v))).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_recorded_timestamp_is_read() {
        let bytes = [0x2d, 0x8e, 0xa8, 0xa0, 0x6b, 0x03, 0xd8, 0xa1];
        assert_eq!(timestamp(&bytes).unwrap(), "2026-11-23T06:09:37.191081Z");
        assert_eq!(timestamp(&[0x6b, 0x03, 0xd8, 0xa1]).unwrap(), "2026-11-23T06:09:37.000000Z");
    }

    #[tokio::test]
    async fn a_frame_comes_back_as_it_was() {
        let body = json!({"type": "SetXCom", "value": [1, 2.5, "ü", null, {"a": true}]});
        let mut bytes = Vec::new();
        write(&mut bytes, 7, &body, &Json::Null).await.unwrap();
        let request = read(&mut bytes.as_slice()).await.unwrap().unwrap();
        assert_eq!((request.id, request.body), (7, body));
        assert!(read(&mut [].as_slice()).await.unwrap().is_none());
    }
}
