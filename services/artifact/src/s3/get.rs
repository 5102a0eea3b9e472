//! GetObject and HeadObject.

use super::conditions::{self, Verdict};
use super::content::read_checksum;
use super::range::{outside, range};
use super::request::Request;
use super::{Call, READ, S3, failure, headers};
use crate::store::s3_objects::{self, Object};
use crate::store::s3_pieces::{self, Place};
use actix_web::body::SizedStream;
use actix_web::http::header::{self, HttpDate};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, HttpResponseBuilder};
use artel_platform::blob::{Blobs, ByteStream};
use artel_platform::{Error, Result};
use futures::{StreamExt, TryStreamExt};

/// Whatever a user's page does in a browser, it does it as nobody.
const SANDBOX: &str = "sandbox";
/// How often an object is looked at again that was replaced between two looks.
const LOOKS: usize = 5;

/// Bytes of an object.
struct Span {
    offset: u64,
    length: u64,
    /// The request asked for a part.
    partial: bool,
}

impl S3 {
    pub(super) async fn get_object(&self, call: &Call) -> Result<HttpResponse> {
        let request = &call.request;
        let bucket = self.bucket(call, READ).await?.name;
        let (object, places) = self.look(&bucket, &request.key).await?;
        let verdict = conditions::read(request, "", &object)?;
        if verdict == Verdict::NotModified {
            return Ok(described(StatusCode::NOT_MODIFIED, &object, request)?.finish());
        }
        let (span, parts) = span(request, &object, &places)?;
        let mut answer = described(if span.partial { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK }, &object, request)?;
        if span.partial && span.length > 0 {
            let (first, last) = (span.offset, span.offset + span.length - 1);
            answer.insert_header((header::CONTENT_RANGE, format!("bytes {first}-{last}/{}", object.size)));
        }
        if let Some(parts) = parts {
            answer.insert_header(("x-amz-mp-parts-count", parts));
        }
        let asked = request.amz("x-amz-checksum-mode").is_some_and(|mode| mode.eq_ignore_ascii_case("enabled"));
        if let Some(checksum) = read_checksum(object.checksum.as_ref())?.filter(|_| asked && !span.partial) {
            let kind = checksum.kind();
            answer.insert_header((checksum.algorithm.header(), checksum.value)).insert_header(("x-amz-checksum-type", kind));
        }
        if request.method() == Method::HEAD {
            return Ok(answer.no_chunking(span.length).body(SizedStream::new(span.length, futures::stream::empty::<Result<_>>())));
        }
        let bytes = read(&self.artifacts.blobs, places, span.offset, span.length);
        Ok(answer.body(SizedStream::new(span.length, bytes.boxed_local())))
    }

    /// The object and where its bytes lie.
    pub(super) async fn look(&self, bucket: &str, key: &str) -> Result<(Object, Vec<Place>)> {
        for _ in 0..LOOKS {
            let object = s3_objects::find(&self.artifacts.db, bucket, key).await?.ok_or_else(|| failure::no_such_key(key))?;
            let places = s3_pieces::places(&self.artifacts.db, &object.content).await?;
            // an object has at least one piece, unless another was put in its place just now
            if !places.is_empty() {
                return Ok((object, places));
            }
        }
        Err(Error::unavailable(format!("{key} is being written by others; try again")))
    }
}

/// What part of the object is asked for; with `partNumber` also how many parts there are.
fn span(request: &Request, object: &Object, places: &[Place]) -> Result<(Span, Option<usize>)> {
    let size = object.size;
    if let Some(number) = request.number("partNumber", 1..=10_000)? {
        let at = number as usize - 1;
        let Some(place) = places.get(at) else { return Err(outside(size)) };
        let offset = places[..at].iter().map(|p| p.size).sum();
        return Ok((Span { offset, length: place.size, partial: true }, Some(places.len())));
    }
    let span = match range(request.header("range"), size)? {
        None => Span { offset: 0, length: size, partial: false },
        Some((offset, length)) => Span { offset, length, partial: true },
    };
    Ok((span, None))
}

fn described(status: StatusCode, object: &Object, request: &Request) -> Result<HttpResponseBuilder> {
    let mut answer = HttpResponse::build(status);
    headers::give(object, request, &mut answer)?;
    answer
        .insert_header((header::ETAG, format!("\"{}\"", object.etag)))
        .insert_header((header::LAST_MODIFIED, HttpDate::from(conditions::modified(object))))
        .insert_header((header::ACCEPT_RANGES, "bytes"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CONTENT_SECURITY_POLICY, SANDBOX));
    Ok(answer)
}

/// `length` bytes from `offset` of pieces that follow each other; each is opened when it is its turn.
pub(super) fn read(blobs: &Blobs, places: Vec<Place>, offset: u64, length: u64) -> ByteStream {
    let mut wanted = Vec::new();
    let (mut start, end) = (0, offset + length);
    for place in places {
        let (from, to) = (offset.max(start), end.min(start + place.size));
        if from < to {
            wanted.push((place.location, from - start, to - from));
        }
        start += place.size;
    }
    let blobs = blobs.clone();
    futures::stream::iter(wanted)
        .then(move |(location, offset, length)| {
            let blobs = blobs.clone();
            async move { blobs.get(&location, offset, Some(length)).await }
        })
        .try_flatten()
        .boxed()
}
