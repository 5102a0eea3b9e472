//! The bytes of a request: taken apart, checked against everything that the client says of them, and written to a place
//! of their own in the object store, whole or not at all.

use super::S3;
use super::checksum::{Algorithm, Checksum, Hasher, Wanted};
use super::chunked::Chunked;
use super::failure;
use super::request::Request;
use super::signature::{ChunkKey, sha256};
use crate::contents::Stored;
use actix_web::web;
use artel_platform::blob::{ByteStream, Sums, Written};
use artel_platform::{Error, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// Largest XML document of a request.
const LARGEST_DOCUMENT: usize = 8 * 1024 * 1024;
/// Header that says how the body is signed, or what its hash is.
const CONTENT_SHA256: &str = "x-amz-content-sha256";

/// Bytes that lie in the object store and belong to nothing yet.
pub(super) struct Upload {
    pub(super) stored: Stored,
    pub(super) checksum: Option<Checksum>,
}

/// Who signed the request's body, if its signature asks for chunks to be checked.
pub(super) type Signer = Option<ChunkKey>;

impl S3 {
    /// Writes the body to a new place. What is wrong with it leaves nothing. Where the request names no checksum, one by
    /// `algorithm` is computed.
    pub(super) async fn receive(
        &self,
        request: &Request,
        signer: Signer,
        algorithm: Option<Algorithm>,
        payload: web::Payload,
    ) -> Result<Upload> {
        let wanted = Wanted::of(request)?.or(algorithm.map(|algorithm| Wanted { algorithm, value: None }));
        let md5 = content_md5(request)?;
        let mut intake = Intake::new(request, signer, wanted.as_ref());
        let location = self.artifacts.place().await?;
        // the body lives on this thread, the store wants a stream that may move: a short channel joins them
        let (send, receive) = mpsc::channel::<Result<Bytes>>(4);
        let (written, passed) =
            futures::join!(self.artifacts.blobs.put(&location, Sums::WithMd5, ReceiverStream::new(receive)), intake.pump(payload, send));
        let checked = match (written, passed) {
            (_, Err(error)) | (Err(error), Ok(())) => Err(error),
            (Ok(written), Ok(())) => intake.check(request, &written, md5.as_deref(), wanted).map(|checksum| (written, checksum)),
        };
        match checked {
            Ok((written, checksum)) => Ok(Upload { stored: Stored { location, written, upload: None }, checksum }),
            Err(error) => {
                self.artifacts.abandon(&location).await?;
                Err(error)
            }
        }
    }

    /// Writes bytes of the store itself to a new place.
    pub(super) async fn store(&self, bytes: ByteStream, algorithm: Option<Algorithm>) -> Result<Upload> {
        let mut hasher = algorithm.map(Hasher::new);
        let hashed = bytes.inspect_ok(|chunk| hasher.iter_mut().for_each(|hasher| hasher.update(chunk)));
        let stored = self.artifacts.store(Sums::WithMd5, hashed).await?;
        let checksum = hasher.map(|hasher| hasher.finish(&stored.written));
        Ok(Upload { stored, checksum })
    }

    /// Reads a body that is a small document.
    pub(super) async fn document(&self, request: &Request, signer: Signer, mut payload: web::Payload) -> Result<Vec<u8>> {
        let (mut intake, mut whole) = (Intake::new(request, signer, None), Vec::new());
        let mut pieces = Vec::new();
        while let Some(chunk) = payload.next().await {
            intake.take(chunk.map_err(broken)?, &mut pieces)?;
            whole.extend(pieces.drain(..).flatten());
            if whole.len() > LARGEST_DOCUMENT {
                return Err(Error::invalid("the request's document is too large").reason("MaxMessageLengthExceeded"));
            }
        }
        let md5 = Some(hex::encode(<md5::Md5 as md5::Digest>::digest(&whole)));
        let written = Written { size: whole.len() as u64, sha256: sha256(&whole), md5 };
        intake.check(request, &written, content_md5(request)?.as_deref(), None)?;
        Ok(whole)
    }
}

/// What bytes pass through on their way from the connection to the store.
struct Intake {
    chunked: Option<Chunked>,
    hasher: Option<Hasher>,
}

impl Intake {
    fn new(request: &Request, signer: Signer, wanted: Option<&Wanted>) -> Self {
        let kind = request.header(CONTENT_SHA256).unwrap_or_default();
        let chunked = kind.starts_with("STREAMING-").then(|| {
            let signed = kind.starts_with("STREAMING-AWS4-HMAC-SHA256");
            Chunked::new(signer.filter(|_| signed), kind.ends_with("-TRAILER"))
        });
        Self { chunked, hasher: wanted.map(|w| Hasher::new(w.algorithm)) }
    }

    fn take(&mut self, chunk: Bytes, out: &mut Vec<Bytes>) -> Result<()> {
        match &mut self.chunked {
            Some(chunked) => chunked.feed(chunk, out)?,
            None => out.push(chunk),
        }
        if let Some(hasher) = &mut self.hasher {
            out.iter().for_each(|piece| hasher.update(piece));
        }
        Ok(())
    }

    /// Passes the body on until it ends or breaks off, or the store gives up.
    async fn pump(&mut self, mut payload: web::Payload, send: mpsc::Sender<Result<Bytes>>) -> Result<()> {
        let mut pieces = Vec::new();
        while let Some(chunk) = payload.next().await {
            let taken = chunk.map_err(broken).and_then(|chunk| self.take(chunk, &mut pieces));
            if let Err(error) = taken {
                // the store must not take the end of the stream for the end of the bytes
                let _ = send.send(Err(Error::new(error.code, error.message.clone()))).await;
                return Err(error);
            }
            for piece in pieces.drain(..) {
                if send.send(Ok(piece)).await.is_err() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Compares what arrived with what was announced.
    fn check(&mut self, request: &Request, written: &Written, md5: Option<&str>, wanted: Option<Wanted>) -> Result<Option<Checksum>> {
        let trailers = self.chunked.take().map(Chunked::finish).transpose()?.unwrap_or_default();
        if let Some(length) = request.header("x-amz-decoded-content-length").and_then(|v| v.parse::<u64>().ok())
            && length != written.size
        {
            return Err(Error::invalid(format!("{length} bytes were announced and {} came", written.size)).reason("IncompleteBody"));
        }
        let hash = request.header(CONTENT_SHA256).filter(|v| v.len() == 64);
        if hash.is_some_and(|hash| !hash.eq_ignore_ascii_case(&written.sha256)) {
            return Err(Error::invalid("the bytes do not have the hash that x-amz-content-sha256 says").reason("XAmzContentSHA256Mismatch"));
        }
        if md5.is_some() && md5 != written.md5.as_deref() {
            return Err(bad_digest("Content-MD5"));
        }
        let (Some(wanted), Some(hasher)) = (wanted, self.hasher.take()) else { return Ok(None) };
        let computed = hasher.finish(written);
        let header = wanted.algorithm.header();
        let said = wanted.value.or_else(|| trailers.into_iter().find(|(name, _)| name == header).map(|(_, value)| value));
        match said {
            Some(said) if said != computed.value => Err(bad_digest(header)),
            _ => Ok(Some(computed)),
        }
    }
}

fn broken(error: actix_web::error::PayloadError) -> Error {
    Error::invalid("the upload broke off before its end").reason("IncompleteBody").because(error.to_string())
}

fn bad_digest(header: &str) -> Error {
    Error::invalid(format!("the bytes do not have the checksum that {header} says")).reason("BadDigest")
}

/// `Content-MD5` in hex.
fn content_md5(request: &Request) -> Result<Option<String>> {
    let Some(given) = request.header("content-md5") else { return Ok(None) };
    let bytes = STANDARD.decode(given).ok().filter(|bytes| bytes.len() == 16);
    bytes.map(|bytes| Some(hex::encode(bytes))).ok_or_else(|| failure::argument("Content-MD5 is no MD5 in Base64").reason("InvalidDigest"))
}
