//! A file as the answer to a GET or HEAD: whole or in part, under its own name, and harmless in a browser.

use super::range::{Part, part};
use crate::error::Result;
use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HttpDate};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt::Write;
use std::time::{Duration, UNIX_EPOCH};

/// Names without extension and extensions that are shown as text (mlflow/utils/mime_type_utils.py).
const TEXT: &[&str] = &[
    "txt",
    "log",
    "err",
    "cfg",
    "conf",
    "cnf",
    "cf",
    "ini",
    "properties",
    "prop",
    "hocon",
    "toml",
    "yaml",
    "yml",
    "xml",
    "json",
    "js",
    "py",
    "py3",
    "csv",
    "tsv",
    "md",
    "rst",
    "ipynb",
    "MLmodel",
    "mlproject",
];

/// Types that run scripts in a browser.
const ACTIVE: &[&str] = &["text/html", "application/xhtml+xml", "image/svg+xml"];

/// Whatever a user's page does, it does it as nobody: in an origin of its own.
const SANDBOX: &str = "sandbox allow-scripts";

/// Unescaped in `filename*` (RFC 5987 attr-char).
const ATTR_CHAR: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// What is to be known of a file to send it.
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    /// Its name, without folders.
    pub name: &'a str,
    /// Number of bytes.
    pub size: u64,
    /// No other bytes have the same.
    pub version: &'a str,
    /// When it was written, in milliseconds, where that is known.
    pub written_at: Option<i64>,
}

/// The content type of a file by its name (mlflow/utils/mime_type_utils.py `_guess_mime_type`).
pub fn content_type(name: &str) -> String {
    let extension = match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() && !extension.is_empty() => extension,
        _ => name,
    };
    if TEXT.contains(&extension) {
        return "text/plain".into();
    }
    // what compressed data are is told by the ending before, and data of this kind have no type upstream
    let name = uncompressed(name);
    if name.ends_with(".parquet") {
        return "application/octet-stream".into();
    }
    mime_guess::from_path(name).first_raw().unwrap_or("application/octet-stream").into()
}

/// A name without the ending that says how it is compressed (Python's `mimetypes`).
fn uncompressed(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((_, "tgz" | "taz" | "tz" | "tbz2" | "txz")) => "a.tar",
        Some((_, "svgz")) => "a.svg",
        Some((stem, "gz" | "Z" | "bz2" | "xz" | "br")) => stem,
        _ => name,
    }
}

/// The answer to `request`, a GET or HEAD of `file`. `open` gives as many bytes from an offset, and is asked only when some
/// are to be sent.
pub async fn send<S>(request: &HttpRequest, file: File<'_>, open: impl AsyncFnOnce(u64, u64) -> Result<S>) -> Result<HttpResponse>
where
    S: Stream<Item = Result<Bytes>> + 'static,
{
    let header = |name: header::HeaderName| request.headers().get(name).and_then(|v| v.to_str().ok());
    let etag = format!("\"{}\"", file.version);
    let size = file.size;
    if header(header::IF_NONE_MATCH)
        .is_some_and(|tags| tags.split(',').any(|tag| matches!(tag.trim(), "*") || tag.trim().trim_start_matches("W/") == etag))
    {
        return Ok(described(StatusCode::NOT_MODIFIED, file, &etag).finish());
    }
    // a range of another version is of no use: then the whole file is sent
    let ranged = header(header::IF_RANGE).is_none_or(|tag| tag == etag);
    let (offset, length) = match part(header(header::RANGE).filter(|_| ranged), size) {
        Part::Whole => (0, size),
        Part::Some { offset, length } => (offset, length),
        Part::None => {
            let mut response = described(StatusCode::RANGE_NOT_SATISFIABLE, file, &etag);
            return Ok(response.insert_header((header::CONTENT_RANGE, format!("bytes */{size}"))).finish());
        }
    };
    let mut response = described(if length < size { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK }, file, &etag);
    if length < size {
        response.insert_header((header::CONTENT_RANGE, format!("bytes {offset}-{}/{size}", offset + length - 1)));
    }
    if request.method() == actix_web::http::Method::HEAD {
        return Ok(response.no_chunking(length).body(SizedStream::new(length, futures::stream::empty::<Result<_>>())));
    }
    let bytes = open(offset, length).await?;
    Ok(response.body(SizedStream::new(length, bytes.boxed_local())))
}

fn described(status: StatusCode, file: File<'_>, etag: &str) -> HttpResponseBuilder {
    let kind = content_type(file.name);
    let mut response = HttpResponse::build(status);
    response
        .insert_header((header::ETAG, etag))
        .insert_header((header::ACCEPT_RANGES, "bytes"))
        .insert_header((header::CONTENT_DISPOSITION, disposition(file.name)))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    if let Some(written) = file.written_at {
        let written = UNIX_EPOCH + Duration::from_millis(written.max(0) as u64);
        response.insert_header((header::LAST_MODIFIED, HttpDate::from(written)));
    }
    if ACTIVE.contains(&kind.as_str()) {
        response.insert_header((header::CONTENT_SECURITY_POLICY, SANDBOX));
    }
    response.content_type(kind);
    response
}

/// `Content-Disposition` for a download, with a plain name beside a name that is not (mlflow/server/handlers.py
/// `_content_disposition_attachment`).
pub fn disposition(name: &str) -> String {
    if name.is_ascii() {
        return format!("attachment; filename={}", quoted(name));
    }
    let plain: String = name.chars().filter(char::is_ascii).collect();
    let plain = if plain.is_empty() { "download".into() } else { plain };
    format!("attachment; filename={}; filename*=UTF-8''{}", quoted(&plain), utf8_percent_encode(name, ATTR_CHAR))
}

/// A token as it is, anything else in quotes.
fn quoted(text: &str) -> String {
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if text.chars().all(token) {
        return text.into();
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                let _ = write!(out, "\\{c}");
            }
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_upstreams() {
        for (name, expected) in [
            ("MLmodel", "text/plain"),
            ("conda.yaml", "text/plain"),
            ("data.json", "text/plain"),
            ("model.pkl", "application/octet-stream"),
            ("figure.png", "image/png"),
            ("page.html", "text/html"),
            ("plot.svg", "image/svg+xml"),
            ("noextension", "application/octet-stream"),
            (".env", "application/octet-stream"),
            ("table.parquet", "application/octet-stream"),
            ("data.tar.gz", "application/x-tar"),
            ("data.tgz", "application/x-tar"),
            ("weights.gz", "application/octet-stream"),
            ("table.csv.gz", "text/csv"),
        ] {
            assert_eq!(content_type(name), expected, "{name}");
        }
    }

    #[test]
    fn names_survive_the_header() {
        assert_eq!(disposition("model.pkl"), "attachment; filename=model.pkl");
        assert_eq!(disposition("my \"model\".pkl"), "attachment; filename=\"my \\\"model\\\".pkl\"");
        assert_eq!(disposition("модель.pkl"), "attachment; filename=.pkl; filename*=UTF-8''%D0%BC%D0%BE%D0%B4%D0%B5%D0%BB%D1%8C.pkl");
        assert_eq!(disposition("模"), "attachment; filename=download; filename*=UTF-8''%E6%A8%A1");
    }
}
