//! An object on its way into the bucket. A small one in one PUT, a larger one as a multipart upload that is aborted on failure.

use super::super::Written;
use super::super::meter::Meter;
use super::S3;
use crate::error::{Result, ResultExt};
use aws_sdk_s3::primitives::ByteStream as Body;
use aws_sdk_s3::types::CompletedPart;
use base64::prelude::{BASE64_STANDARD as BASE64, Engine};
use bytes::{Bytes, BytesMut};
use crc_fast::CrcAlgorithm;
use futures::{Stream, StreamExt};
use tokio::task::JoinSet;

/// Size of a part; S3 wants at least 5 MiB and at most 10,000 parts.
const PART: usize = 8 * 1024 * 1024;
/// So many parts of that size make a large object; those after them are larger.
const PARTS: i32 = 1000;
/// Parts that are sent at once. With the one that arrives they are all that is in memory of an object.
const AT_ONCE: usize = 3;

/// Parts under way; each comes back with its bytes, whose memory is used again.
type Sending = JoinSet<Result<(CompletedPart, Bytes)>>;

impl S3 {
    pub(in crate::blob) async fn put(
        &self,
        key: &str,
        meter: Meter,
        data: impl Stream<Item = Result<Bytes>> + Send + Unpin,
    ) -> Result<Written> {
        let mut data = Parts { data, left: Bytes::new(), ended: false };
        let first = data.fill(BytesMut::new(), PART).await?;
        if data.ended {
            return self.put_whole(key, meter, first).await;
        }
        let upload = self.begin(key, self.checksum.clone()).await?;
        let mut sending = Sending::new();
        let sent = self.put_parts((key, &upload), meter, first, &mut data, &mut sending).await;
        if sent.is_err() {
            // a part that came after the end would be kept
            sending.shutdown().await;
            let _ = self.abort(key, &upload).await;
        }
        sent
    }

    async fn put_whole(&self, key: &str, meter: Meter, bytes: Bytes) -> Result<Written> {
        let request = self.client.put_object().bucket(&self.bucket).key(self.key(key)).set_checksum_crc32(self.crc32(&bytes));
        let mut request = request.body(Body::from(bytes.clone())).customize();
        if self.checksum.is_some() {
            request = request.disable_payload_signing();
        }
        let (sent, hashed) = futures::join!(request.send(), meter.with(std::slice::from_ref(&bytes)));
        sent.or_unavailable("the S3 server did not take an object")?;
        Ok(hashed?.written())
    }

    /// Sends part after part, a few at once, while they are hashed and the next one arrives.
    async fn put_parts(
        &self,
        (key, upload): (&str, &str),
        mut meter: Meter,
        mut part: Bytes,
        data: &mut Parts<impl Stream<Item = Result<Bytes>> + Unpin>,
        sending: &mut Sending,
    ) -> Result<Written> {
        let mut done = Vec::new();
        for number in 1.. {
            if part.is_empty() {
                break;
            }
            let mut buffer = None;
            if sending.len() == AT_ONCE
                && let Some((sent, bytes)) = sent(sending).await?
            {
                done.push(sent);
                buffer = bytes.try_into_mut().ok();
            }
            sending.spawn(self.clone().send_part(key.to_owned(), upload.to_owned(), number, part.clone()));
            let size = if number < PARTS { PART } else { 2 * PART };
            let next = data.fill(buffer.unwrap_or_else(|| BytesMut::with_capacity(size)), size);
            let (hashed, filled) = futures::join!(meter.with(std::slice::from_ref(&part)), next);
            (meter, part) = (hashed?, filled?);
        }
        while let Some((part, _)) = sent(sending).await? {
            done.push(part);
        }
        done.sort_unstable_by_key(|part| part.part_number);
        self.complete(key, upload, done).await?;
        Ok(meter.written())
    }

    async fn send_part(self, key: String, upload: String, number: i32, part: Bytes) -> Result<(CompletedPart, Bytes)> {
        let request = self.client.upload_part().bucket(&self.bucket).key(self.key(&key)).upload_id(upload).part_number(number);
        let sum = self.crc32(&part);
        let mut request = request.set_checksum_crc32(sum.clone()).body(Body::from(part.clone())).customize();
        if self.checksum.is_some() {
            request = request.disable_payload_signing();
        }
        let answer = request.send().await.or_unavailable("the S3 server did not take a part")?;
        let sent = CompletedPart::builder().part_number(number).set_e_tag(answer.e_tag).set_checksum_crc32(sum).build();
        Ok((sent, part))
    }

    /// As it is on the wire, where the server is to check it. It takes a hundredth of the time of a signature.
    fn crc32(&self, bytes: &[u8]) -> Option<String> {
        let sum = || (crc_fast::checksum(CrcAlgorithm::Crc32IsoHdlc, bytes) as u32).to_be_bytes();
        self.checksum.is_some().then(|| BASE64.encode(sum()))
    }
}

/// The next part that has been sent; `None` when all have been.
async fn sent(sending: &mut Sending) -> Result<Option<(CompletedPart, Bytes)>> {
    match sending.join_next().await {
        Some(part) => part.or_internal("sending a part stopped")?.map(Some),
        None => Ok(None),
    }
}

/// A stream, cut into parts.
struct Parts<S> {
    data: S,
    /// What has come already of the next part.
    left: Bytes,
    ended: bool,
}

impl<S: Stream<Item = Result<Bytes>> + Unpin> Parts<S> {
    /// The next `size` bytes, fewer at the end, in this memory.
    async fn fill(&mut self, mut buffer: BytesMut, size: usize) -> Result<Bytes> {
        buffer.clear();
        loop {
            let taken = self.left.len().min(size - buffer.len());
            buffer.extend_from_slice(&self.left.split_to(taken));
            if buffer.len() == size || self.ended {
                return Ok(buffer.freeze());
            }
            match self.data.next().await {
                Some(chunk) => self.left = chunk?,
                None => self.ended = true,
            }
        }
    }
}
