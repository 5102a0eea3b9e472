//! Multipart uploads: begun, filled with parts in any order, completed. Completing moves no bytes.

use super::body::Upload as Bytes;
use super::buckets::iso;
use super::checksum::{self, Algorithm, COMPOSITE, Checksum, FULL_OBJECT, of_parts};
use super::content::{self, Changes, Shown, checksum_json, read_checksum};
use super::xml::{Answer, Element};
use super::{Call, READ, S3, WRITE, failure, get, headers};
use crate::store::s3_objects::{self, Object};
use crate::store::s3_pieces::{self, Piece};
use crate::store::s3_uploads::{self, Upload};
use actix_web::{HttpResponse, web};
use artel_platform::{Error, Result};
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

/// Most parts of an upload.
pub(super) const MOST_PARTS: i64 = 10_000;
/// Least size of each part but the last (Amazon S3 user guide, "Multipart upload limits").
const LEAST_PART: u64 = 5 * 1024 * 1024;

/// Which checksum the object of an upload shall have.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) algorithm: Algorithm,
    pub(super) full: bool,
}

impl Plan {
    pub(super) fn kind(self) -> &'static str {
        if self.full { FULL_OBJECT } else { COMPOSITE }
    }

    pub(super) fn read(json: Option<&String>) -> Result<Option<Self>> {
        Ok(json.map(|text| serde_json::from_str(text)).transpose()?)
    }
}

impl S3 {
    /// CreateMultipartUpload.
    pub(super) async fn create_upload(&self, call: &Call) -> Result<HttpResponse> {
        let request = &call.request;
        let bucket = self.bucket(call, WRITE).await?.name;
        let plan = checksum::algorithm(request)?.map(|algorithm| {
            let full = request.amz("x-amz-checksum-type").map_or(algorithm == Algorithm::Crc64Nvme, |kind| kind == FULL_OBJECT);
            Plan { algorithm, full }
        });
        if plan.is_some_and(|p| p.full && matches!(p.algorithm, Algorithm::Sha1 | Algorithm::Sha256)) {
            return Err(Error::invalid("a hash of the whole object cannot be had from its parts: use x-amz-checksum-type: COMPOSITE"));
        }
        let new = Upload {
            id: self.artifacts.new_content(),
            bucket,
            key: request.key.clone(),
            headers: headers::to_json(&headers::of_request(request)?)?,
            checksum: plan.as_ref().map(serde_json::to_string).transpose()?,
            created_at: self.artifacts.clock.now(),
        };
        let mut tx = self.artifacts.db.begin().await?;
        s3_uploads::insert(&mut tx, &new).await?;
        tx.commit().await?;
        let mut answer = Answer::new("InitiateMultipartUploadResult");
        answer.leaf("Bucket", &new.bucket).leaf("Key", &new.key).leaf("UploadId", &new.id);
        let mut answer = answer.finish();
        if let Some(plan) = plan {
            for (name, value) in [("x-amz-checksum-algorithm", plan.algorithm.name()), ("x-amz-checksum-type", plan.kind())] {
                answer.headers_mut().insert(
                    actix_web::http::header::HeaderName::from_static(name),
                    actix_web::http::header::HeaderValue::from_static(value),
                );
            }
        }
        Ok(answer)
    }

    /// The upload that the request names, into its bucket and key.
    pub(super) async fn upload(&self, call: &Call, bucket: &str) -> Result<Upload> {
        let id = call.request.query("uploadId").unwrap_or_default();
        let found = s3_uploads::find(&self.artifacts.db, id).await?;
        found.filter(|u| u.bucket == bucket && u.key == call.request.key).ok_or_else(|| failure::no_such_upload(id))
    }

    /// UploadPart and UploadPartCopy.
    pub(super) async fn upload_part(&self, call: &Call, body: web::Payload) -> Result<HttpResponse> {
        let request = &call.request;
        let bucket = self.bucket(call, WRITE).await?.name;
        let number = request.number("partNumber", 1..=MOST_PARTS)?.ok_or_else(|| failure::argument("partNumber is missing"))?;
        let upload = self.upload(call, &bucket).await?;
        let plan = Plan::read(upload.checksum.as_ref())?;
        let copied = request.amz("x-amz-copy-source").is_some();
        let bytes = if copied {
            self.copied(call, plan).await?
        } else {
            self.receive(request, call.signer.clone(), plan.map(|p| p.algorithm), body).await?
        };
        let written = self.add_part(&upload.id, number, &bytes).await;
        let piece = self.keep_or_abandon(&bytes, written).await?;
        if copied {
            let mut answer = Answer::new("CopyPartResult");
            answer.leaf("LastModified", iso(piece.created_at)).leaf("ETag", format!("\"{}\"", piece.etag));
            return Ok(answer.finish());
        }
        let mut answer = HttpResponse::Ok();
        answer.insert_header(("etag", format!("\"{}\"", piece.etag)));
        if let Some(checksum) = bytes.checksum {
            answer.insert_header((checksum.algorithm.header(), checksum.value));
        }
        Ok(answer.finish())
    }

    /// The bytes of the copy source's range, written once more: a part must be a blob of its own.
    async fn copied(&self, call: &Call, plan: Option<Plan>) -> Result<Bytes> {
        let (_, source, places) = self.source(call).await?;
        let (offset, length) = match call.request.amz("x-amz-copy-source-range") {
            None => (0, source.size),
            Some(range) => {
                let ends = range.strip_prefix("bytes=").and_then(|r| r.split_once('-'));
                let ends = ends.and_then(|(first, last)| Some((first.parse::<u64>().ok()?, last.parse::<u64>().ok()?)));
                let (first, last) = ends
                    .filter(|(first, last)| first <= last)
                    .ok_or_else(|| failure::argument("x-amz-copy-source-range must be bytes=FIRST-LAST"))?;
                if last >= source.size {
                    return Err(failure::argument(format!("the range lies outside the source of {} bytes", source.size)));
                }
                (first, last - first + 1)
            }
        };
        let stream = get::read(&self.artifacts.blobs, places, offset, length);
        self.store(stream, plan.map(|p| p.algorithm)).await
    }

    async fn add_part(&self, id: &str, number: i64, bytes: &Bytes) -> Result<Piece> {
        let now = self.artifacts.clock.now();
        let piece = content::piece(number, bytes, now)?;
        let mut tx = self.artifacts.db.begin().await?;
        // it may have been completed or given up while the bytes came
        s3_uploads::hold(&mut tx, id, now).await?.ok_or_else(|| failure::no_such_upload(id))?;
        let released = s3_pieces::put(&mut tx, id, &piece).await?.into_iter().collect();
        let copy = Changes { released, new: Some(bytes), ..Changes::default() }.count(&mut tx, now).await?;
        tx.commit().await?;
        self.wake_sweep(copy);
        Ok(piece)
    }

    /// CompleteMultipartUpload. Asked again after an answer that was lost, it says the same again.
    pub(super) async fn complete_upload(&self, call: &Call, body: web::Payload) -> Result<HttpResponse> {
        let bucket = self.bucket(call, WRITE).await?.name;
        let listed = listed(&self.document(&call.request, call.signer.clone(), body).await?)?;
        let id = call.request.query("uploadId").unwrap_or_default();
        let object = match self.upload(call, &bucket).await {
            Ok(upload) => self.complete(call, &upload, &listed).await?,
            Err(missing) => {
                let there = s3_objects::find(&self.artifacts.db, &bucket, &call.request.key).await?;
                there.filter(|object| object.content == id).ok_or(missing)?
            }
        };
        let mut answer = Answer::new("CompleteMultipartUploadResult");
        let place = call.request.http.uri().path();
        answer.leaf("Location", place).leaf("Bucket", &bucket).leaf("Key", &object.key).leaf("ETag", format!("\"{}\"", object.etag));
        if let Some(checksum) = read_checksum(object.checksum.as_ref())? {
            answer.leaf(checksum.algorithm.element(), &checksum.value).leaf("ChecksumType", checksum.kind());
        }
        Ok(answer.finish())
    }

    async fn complete(&self, call: &Call, upload: &Upload, listed: &[Listed]) -> Result<Object> {
        let now = self.artifacts.clock.now();
        loop {
            let mut tx = self.artifacts.db.begin().await?;
            s3_uploads::hold(&mut tx, &upload.id, now).await?.ok_or_else(|| failure::no_such_upload(&upload.id))?;
            let pieces = s3_pieces::all(&mut tx, &upload.id).await?;
            let chosen = choose(&pieces, listed)?;
            let object = assemble(call, upload, &chosen, now)?;
            let Shown::Done(mut released) = content::show(&mut tx, &call.request, &upload.bucket, &object).await? else { continue };
            for piece in pieces.iter().filter(|p| !chosen.iter().any(|c| c.number == p.number)) {
                released.extend(s3_pieces::remove(&mut tx, &upload.id, piece.number).await?);
            }
            s3_uploads::remove(&mut tx, &upload.id).await?;
            Changes { released, ..Changes::default() }.count(&mut tx, now).await?;
            tx.commit().await?;
            return Ok(object);
        }
    }

    /// ListParts.
    pub(super) async fn list_parts(&self, call: &Call) -> Result<HttpResponse> {
        let bucket = self.bucket(call, READ).await?.name;
        let upload = self.upload(call, &bucket).await?;
        let most = call.request.number("max-parts", 0..=i64::from(i32::MAX))?.unwrap_or(1000).min(1000);
        let after = call.request.number("part-number-marker", 0..=i64::from(i32::MAX))?.unwrap_or(0);
        let mut pieces = s3_pieces::page(&self.artifacts.db, &upload.id, after, most + 1).await?;
        let truncated = pieces.len() as i64 > most;
        pieces.truncate(most as usize);
        let mut answer = Answer::new("ListPartsResult");
        answer.leaf("Bucket", &bucket).leaf("Key", &upload.key).leaf("UploadId", &upload.id).leaf("StorageClass", "STANDARD");
        if let Some(plan) = Plan::read(upload.checksum.as_ref())? {
            answer.leaf("ChecksumAlgorithm", plan.algorithm.name()).leaf("ChecksumType", plan.kind());
        }
        answer.leaf("PartNumberMarker", after).leaf("MaxParts", most).leaf("IsTruncated", truncated);
        answer.maybe("NextPartNumberMarker", pieces.last().map(|p| p.number));
        for piece in &pieces {
            let checksum = read_checksum(piece.checksum.as_ref())?;
            answer.within("Part", |xml| {
                xml.leaf("PartNumber", piece.number).leaf("LastModified", iso(piece.created_at));
                xml.leaf("ETag", format!("\"{}\"", piece.etag)).leaf("Size", piece.size);
                if let Some(checksum) = checksum {
                    xml.leaf(checksum.algorithm.element(), checksum.value);
                }
            });
        }
        Ok(answer.finish())
    }
}

/// A part as the client lists it.
#[derive(Debug, PartialEq, Eq)]
struct Listed {
    number: i64,
    etag: String,
}

fn listed(document: &[u8]) -> Result<Vec<Listed>> {
    let document = Element::parse(document)?;
    let parts = document.children.iter().filter(|element| element.name == "Part");
    let parts: Option<Vec<Listed>> = parts
        .map(|part| {
            let number = part.word("PartNumber")?.parse().ok()?;
            Some(Listed { number, etag: part.word("ETag")?.trim_matches('"').to_owned() })
        })
        .collect();
    let parts = parts.filter(|parts| document.name == "CompleteMultipartUpload" && !parts.is_empty());
    let parts = parts.ok_or_else(|| failure::malformed_xml("it lists no parts with PartNumber and ETag"))?;
    if parts.windows(2).any(|pair| pair[0].number >= pair[1].number) {
        return Err(Error::invalid("parts must be listed in the order of their numbers").reason("InvalidPartOrder"));
    }
    Ok(parts)
}

/// The pieces that are listed.
fn choose<'a>(pieces: &'a [Piece], listed: &[Listed]) -> Result<Vec<&'a Piece>> {
    let mut chosen = Vec::with_capacity(listed.len());
    for part in listed {
        let piece = pieces.binary_search_by_key(&part.number, |p| p.number).ok().map(|at| &pieces[at]);
        let piece = piece.filter(|piece| piece.etag == part.etag);
        chosen.push(piece.ok_or_else(|| {
            Error::invalid(format!("part {} was not uploaded, or its ETag is another", part.number)).reason("InvalidPart")
        })?);
    }
    match chosen.split_last().and_then(|(_, before)| before.iter().find(|piece| piece.size < LEAST_PART)) {
        None => Ok(chosen),
        Some(small) => {
            Err(Error::invalid(format!("part {} has {} bytes; only the last may have less than {LEAST_PART}", small.number, small.size))
                .reason("EntityTooSmall"))
        }
    }
}

/// The object that the pieces make.
fn assemble(call: &Call, upload: &Upload, pieces: &[&Piece], now: i64) -> Result<Object> {
    let size = pieces.iter().map(|piece| piece.size).sum();
    if let Some(said) = call.request.amz("x-amz-mp-object-size").filter(|said| said.parse() != Ok(size)) {
        return Err(Error::invalid(format!("the parts have {size} bytes, and x-amz-mp-object-size says {said}")));
    }
    let mut md5 = Md5::new();
    for piece in pieces {
        md5.update(hex::decode(&piece.etag).unwrap_or_default());
    }
    let checksum = match Plan::read(upload.checksum.as_ref())? {
        None => None,
        Some(plan) => {
            let parts = pieces.iter().map(|p| Ok((read_checksum(p.checksum.as_ref())?, p.size))).collect::<Result<Vec<_>>>()?;
            of_parts(plan.algorithm, plan.full, &parts)?
        }
    };
    check_said(call, checksum.as_ref())?;
    Ok(Object {
        key: upload.key.clone(),
        content: upload.id.clone(),
        size,
        etag: format!("{}-{}", hex::encode(md5.finalize()), pieces.len()),
        headers: upload.headers.clone(),
        checksum: checksum_json(checksum.as_ref())?,
        modified_at: now,
    })
}

/// A client may say at the end what the object's checksum is.
fn check_said(call: &Call, checksum: Option<&Checksum>) -> Result<()> {
    let Some(checksum) = checksum else { return Ok(()) };
    let header = checksum.algorithm.header();
    let plain = |value: &str| value.split_once('-').map_or(value, |(sum, _)| sum).to_owned();
    match call.request.amz(header) {
        Some(said) if plain(said) != plain(&checksum.value) => {
            Err(Error::invalid(format!("the object does not have the checksum that {header} says")).reason("BadDigest"))
        }
        _ => Ok(()),
    }
}
