//! OTLP/HTTP requests, in protobuf or JSON, plain or compressed (mlflow/server/otel_api.py).

use super::Incoming;
use super::content::{Content, json_of, trace_id};
use artel_platform::python;
use artel_proto::opentelemetry::span::{Event, Link};
use artel_proto::opentelemetry::{AnyValue, ArrayValue, ExportTraceServiceRequest, KeyValue, KeyValueList, Resource, ResourceSpans};
use artel_proto::opentelemetry::{ScopeSpans, Span, Status, any_value};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::{DeflateDecoder, GzDecoder, ZlibDecoder};
use prost::Message;
use serde_json::Value;
use std::io::Read;

/// Largest request once it is unpacked.
const MAX_UNPACKED: u64 = 256 * 1024 * 1024;
/// Programs whose name is told at their root spans; other names could be anything.
const KNOWN_PROGRAMS: [&str; 5] = ["claude-code", "codex_cli_rs", "codex_vscode", "gemini-cli", "qwen-code"];

/// Unpacks a body; the error is upstream's text.
pub(crate) fn unpack(body: &[u8], encoding: &str) -> Result<Vec<u8>, String> {
    let read = |reader: &mut dyn Read| {
        let mut out = Vec::new();
        let whole = reader.take(MAX_UNPACKED + 1).read_to_end(&mut out).is_ok();
        (whole && out.len() as u64 <= MAX_UNPACKED).then_some(out)
    };
    match encoding {
        "gzip" => read(&mut GzDecoder::new(body)).ok_or_else(|| "Failed to decompress gzip payload".into()),
        // the RFC's deflate has a frame, that of some clients has none
        "deflate" => read(&mut ZlibDecoder::new(body))
            .or_else(|| read(&mut DeflateDecoder::new(body)))
            .ok_or_else(|| "Failed to decompress deflate payload".into()),
        other => Err(format!("Unsupported Content-Encoding: {other}")),
    }
}

/// Reads a request; `None` where it is none.
pub(crate) fn parse(body: &[u8], is_json: bool) -> Option<ExportTraceServiceRequest> {
    if is_json {
        return request(&serde_json::from_slice(body).ok()?);
    }
    ExportTraceServiceRequest::decode(body).ok()
}

/// The spans of a request; `None` when one of them is none.
pub(crate) fn spans(request: &ExportTraceServiceRequest) -> Option<Vec<Incoming>> {
    let mut spans = Vec::new();
    for group in &request.resource_spans {
        let told = group.resource.iter().flat_map(|r| &r.attributes);
        let resource: Vec<(String, Value)> = told.map(|a| (a.key.clone(), json_of(a.value.as_ref()))).collect();
        let program = resource.iter().find(|(key, _)| key == "service.name").and_then(|(_, value)| value.as_str());
        let program = program.filter(|name| KNOWN_PROGRAMS.contains(name));
        for span in group.scope_spans.iter().flat_map(|scope| &scope.spans) {
            let mut content = Content::from_otlp(span)?;
            if let (None, Some(program)) = (&content.parent_span_id, program) {
                content.attributes.insert("service.name".into(), python::dumps(program));
            }
            spans.push(Incoming { trace_id: trace_id(&span.trace_id), span: content, resource: resource.clone() });
        }
    }
    Some(spans)
}

/// A field in either spelling.
fn field<'a>(object: &'a Value, camel: &str, snake: &str) -> &'a Value {
    static NULL: Value = Value::Null;
    object.get(camel).or_else(|| object.get(snake)).unwrap_or(&NULL)
}

/// Every item of a list; a list that is absent is empty. `None` when an item cannot be read.
fn each<T>(list: &Value, read: impl Fn(&Value) -> Option<T>) -> Option<Vec<T>> {
    match list {
        Value::Null => Some(Vec::new()),
        Value::Array(items) => items.iter().map(read).collect(),
        _ => None,
    }
}

fn request(json: &Value) -> Option<ExportTraceServiceRequest> {
    json.as_object()?;
    Some(ExportTraceServiceRequest { resource_spans: each(field(json, "resourceSpans", "resource_spans"), resource_spans)? })
}

fn resource_spans(json: &Value) -> Option<ResourceSpans> {
    let attributes = each(&json["resource"]["attributes"], key_value)?;
    Some(ResourceSpans {
        resource: Some(Resource { attributes }),
        scope_spans: each(field(json, "scopeSpans", "scope_spans"), |scope| Some(ScopeSpans { spans: each(&scope["spans"], span)? }))?,
    })
}

fn span(json: &Value) -> Option<Span> {
    let status = &json["status"];
    let code = match &status["code"] {
        Value::Number(code) => code.as_i64()?,
        Value::String(name) => ["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"].iter().position(|n| n == name)? as i64,
        _ => 0,
    };
    Some(Span {
        trace_id: unhex(field(json, "traceId", "trace_id"))?,
        span_id: unhex(field(json, "spanId", "span_id"))?,
        parent_span_id: unhex(field(json, "parentSpanId", "parent_span_id"))?,
        name: text(&json["name"])?,
        start_time_unix_nano: number(field(json, "startTimeUnixNano", "start_time_unix_nano"))?,
        end_time_unix_nano: number(field(json, "endTimeUnixNano", "end_time_unix_nano"))?,
        attributes: each(&json["attributes"], key_value)?,
        events: each(&json["events"], |event| {
            Some(Event {
                time_unix_nano: number(field(event, "timeUnixNano", "time_unix_nano"))?,
                name: text(&event["name"])?,
                attributes: each(&event["attributes"], key_value)?,
            })
        })?,
        links: each(&json["links"], |link| {
            Some(Link {
                trace_id: unhex(field(link, "traceId", "trace_id"))?,
                span_id: unhex(field(link, "spanId", "span_id"))?,
                attributes: each(&link["attributes"], key_value)?,
            })
        })?,
        status: Some(Status { message: text(&status["message"])?, code: i32::try_from(code).ok()? }),
    })
}

fn key_value(json: &Value) -> Option<KeyValue> {
    Some(KeyValue { key: text(&json["key"])?, value: json.get("value").map(any).unwrap_or(Some(AnyValue::default())) })
        .filter(|pair| pair.value.is_some())
}

fn any(json: &Value) -> Option<AnyValue> {
    let Some((name, value)) = json.as_object()?.iter().next() else { return Some(AnyValue::default()) };
    let value = match name.as_str() {
        "stringValue" | "string_value" => any_value::Value::StringValue(value.as_str()?.into()),
        "boolValue" | "bool_value" => any_value::Value::BoolValue(value.as_bool()?),
        "intValue" | "int_value" => any_value::Value::IntValue(value.as_i64().or_else(|| value.as_str()?.parse().ok())?),
        "doubleValue" | "double_value" => any_value::Value::DoubleValue(value.as_f64().or_else(|| value.as_str()?.parse().ok())?),
        "bytesValue" | "bytes_value" => any_value::Value::BytesValue(STANDARD.decode(value.as_str()?).ok()?),
        "arrayValue" | "array_value" => any_value::Value::ArrayValue(ArrayValue { values: each(&value["values"], any)? }),
        "kvlistValue" | "kvlist_value" => any_value::Value::KvlistValue(KeyValueList { values: each(&value["values"], key_value)? }),
        _ => return Some(AnyValue::default()),
    };
    Some(AnyValue { value: Some(value) })
}

fn text(json: &Value) -> Option<String> {
    match json {
        Value::Null => Some(String::new()),
        Value::String(text) => Some(text.clone()),
        _ => None,
    }
}

fn number(json: &Value) -> Option<u64> {
    match json {
        Value::Null => Some(0),
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    }
}

fn unhex(json: &Value) -> Option<Vec<u8>> {
    let text = text(json)?;
    if text.len() % 2 != 0 || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sample() -> Value {
        json!({"resourceSpans": [{
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "codex_cli_rs"}}]},
            "scopeSpans": [{"spans": [{
                "traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331", "name": "ask",
                "startTimeUnixNano": "1000", "endTimeUnixNano": 2000, "status": {"code": 2, "message": "no"},
                "attributes": [{"key": "n", "value": {"intValue": "5"}}, {"key": "l", "value": {"arrayValue": {"values": [{"boolValue": true}]}}}],
                "events": [{"timeUnixNano": "1", "name": "e"}],
            }]}],
        }]})
    }

    #[test]
    fn json_is_read_like_protobuf() {
        let request = parse(sample().to_string().as_bytes(), true).unwrap();
        assert_eq!(parse(&request.encode_to_vec(), false).unwrap(), request);
        let spans = spans(&request).unwrap();
        let span = &spans[0].span;
        assert_eq!(spans[0].trace_id, "tr-0af7651916cd43dd8448eb211c80319c");
        assert_eq!((span.attributes["n"].as_str(), span.attributes["l"].as_str()), ("5", "[true]"));
        assert_eq!((span.attributes["service.name"].as_str(), span.status(), span.events.len()), ("\"codex_cli_rs\"", "ERROR", 1));
        for (from, to) in [("b7ad6b7169203331", "xyz"), ("1000", "soon"), ("intValue\":\"5", "intValue\":\"five")] {
            assert!(parse(sample().to_string().replace(from, to).as_bytes(), true).is_none(), "{from}");
        }
        assert!(parse(b"[1]", true).is_none() && parse(b"nonsense", false).is_none());
    }

    #[test]
    fn bodies_are_unpacked() {
        use flate2::Compression;
        use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
        use std::io::Write;
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(b"text").unwrap();
        assert_eq!(unpack(&gzip.finish().unwrap(), "gzip").unwrap(), b"text");
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(b"text").unwrap();
        assert_eq!(unpack(&zlib.finish().unwrap(), "deflate").unwrap(), b"text");
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::fast());
        raw.write_all(b"text").unwrap();
        assert_eq!(unpack(&raw.finish().unwrap(), "deflate").unwrap(), b"text");
        assert_eq!(unpack(b"text", "gzip").unwrap_err(), "Failed to decompress gzip payload");
        assert_eq!(unpack(b"text", "br").unwrap_err(), "Unsupported Content-Encoding: br");
    }
}
