//! `aws-chunked` bodies: bytes in pieces, each with its length and perhaps its signature, and trailers after them (Amazon
//! S3 API reference, "Signature Calculations for the Authorization Header: Transferring Payload in Multiple Chunks").

use super::failure;
use super::signature::{ChunkKey, EMPTY_SHA256, sha256};
use artel_platform::{Error, Result};
use aws_lc_rs::digest;
use bytes::{Buf, Bytes};

/// Longest line of a chunk's head or of a trailer.
const LONGEST_LINE: usize = 4096;
/// Most trailers.
const MOST_TRAILERS: usize = 16;

/// Names and values after the bytes.
type Trailers = Vec<(String, String)>;

/// How far a body has been read.
enum State {
    /// A line with length and signature follows.
    Head,
    /// So many bytes of a chunk follow.
    Data {
        left: u64,
        signature: String,
        hash: Box<digest::Context>,
    },
    /// The line's end after a chunk follows.
    End,
    /// Trailers, then an empty line.
    Trailers,
    Done,
}

/// Takes the pieces apart as they come.
pub(super) struct Chunked {
    /// Signs the chunks; `None`: they are not signed, or nobody's signature is asked for.
    key: Option<ChunkKey>,
    state: State,
    line: Vec<u8>,
    trailers: Trailers,
    /// The trailers are signed.
    signed_trailers: bool,
    trailer_signature: Option<String>,
}

impl Chunked {
    pub(super) fn new(key: Option<ChunkKey>, signed_trailers: bool) -> Self {
        let (state, line, trailers) = (State::Head, Vec::new(), Vec::new());
        Self { key, state, line, trailers, signed_trailers, trailer_signature: None }
    }

    /// Reads on; what is data goes to `out`.
    pub(super) fn feed(&mut self, mut input: Bytes, out: &mut Vec<Bytes>) -> Result<()> {
        while !input.is_empty() {
            if let State::Data { left, hash, .. } = &mut self.state {
                let piece = input.split_to(usize::try_from(*left).unwrap_or(usize::MAX).min(input.len()));
                *left -= piece.len() as u64;
                if self.key.is_some() {
                    hash.update(&piece);
                }
                out.push(piece);
                self.chunk_may_end()?;
                continue;
            }
            let end = input.iter().position(|b| *b == b'\n');
            self.line.extend_from_slice(&input[..end.unwrap_or(input.len())]);
            if self.line.len() > LONGEST_LINE {
                return Err(malformed("a line is too long"));
            }
            let Some(end) = end else { return Ok(()) };
            input.advance(end + 1);
            let line = std::mem::take(&mut self.line);
            let line = std::str::from_utf8(line.trim_ascii_end()).map_err(|_| malformed("a line is not text"))?;
            self.line(line)?;
        }
        Ok(())
    }

    fn line(&mut self, line: &str) -> Result<()> {
        match self.state {
            State::Head => {
                let (size, extension) = line.split_once(';').unwrap_or((line, ""));
                let left = u64::from_str_radix(size.trim(), 16).map_err(|_| malformed("a chunk names no length"))?;
                let signature = extension.trim().strip_prefix("chunk-signature=").unwrap_or_default().to_owned();
                if left == 0 {
                    self.check_chunk(EMPTY_SHA256, &signature)?;
                    self.state = State::Trailers;
                } else {
                    self.state = State::Data { left, signature, hash: Box::new(digest::Context::new(&digest::SHA256)) };
                }
            }
            State::End if line.is_empty() => self.state = State::Head,
            State::End => return Err(malformed("a chunk is longer than it says")),
            State::Trailers if line.is_empty() => self.state = State::Done,
            State::Trailers => self.trailer(line)?,
            State::Done if line.is_empty() => {}
            State::Done | State::Data { .. } => return Err(malformed("something follows its end")),
        }
        Ok(())
    }

    fn trailer(&mut self, line: &str) -> Result<()> {
        let (name, value) = line.split_once(':').ok_or_else(|| malformed("a trailer has no name"))?;
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().to_owned());
        if name == "x-amz-trailer-signature" {
            self.trailer_signature = Some(value);
        } else if self.trailers.len() < MOST_TRAILERS {
            self.trailers.push((name, value));
        }
        Ok(())
    }

    fn chunk_may_end(&mut self) -> Result<()> {
        let State::Data { left: 0, signature, hash } = &self.state else { return Ok(()) };
        if self.key.is_some() {
            let (signature, hash) = (signature.clone(), hex::encode(hash.clone().finish()));
            self.check_chunk(&hash, &signature)?;
        }
        self.state = State::End;
        Ok(())
    }

    fn check_chunk(&mut self, hash: &str, signature: &str) -> Result<()> {
        match &mut self.key {
            Some(key) => key.check("AWS4-HMAC-SHA256-PAYLOAD", &format!("{EMPTY_SHA256}\n{hash}"), signature),
            None => Ok(()),
        }
    }

    /// The trailers, when the body was whole and its signatures were right.
    pub(super) fn finish(mut self) -> Result<Trailers> {
        // some clients leave out the last empty line
        if !matches!(self.state, State::Done | State::Trailers) {
            return Err(Error::invalid("the body ends before its last chunk").reason("IncompleteBody"));
        }
        if let Some(key) = self.key.as_mut().filter(|_| self.signed_trailers) {
            let lines: String = self.trailers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
            let signature = self.trailer_signature.as_deref().ok_or_else(failure::bad_signature)?;
            key.check("AWS4-HMAC-SHA256-TRAILER", &sha256(lines.as_bytes()), signature)?;
        }
        Ok(self.trailers)
    }
}

fn malformed(why: &str) -> Error {
    Error::invalid(format!("the aws-chunked body is malformed: {why}")).reason("IncompleteBody")
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::hmac;
    use proptest::prelude::*;

    /// Amazon S3 API reference, "Example: PUT Object" of the page named above: 65 KiB of `a` in two chunks.
    fn reference() -> (ChunkKey, Vec<u8>) {
        let scope = "20130524/us-east-1/s3/aws4_request";
        let mut key = hmac::Key::new(hmac::HMAC_SHA256, b"AWS4wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
        for part in scope.split('/') {
            key = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref());
        }
        let seed = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9".into();
        let key = ChunkKey { key, time: "20130524T000000Z".into(), scope: scope.into(), seed };
        let mut body = b"10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n".to_vec();
        body.extend([b'a'; 65536]);
        body.extend(b"\r\n400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n");
        body.extend([b'a'; 1024]);
        body.extend(b"\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n");
        (key, body)
    }

    fn decode(key: Option<ChunkKey>, trailers: bool, body: &[u8], step: usize) -> Result<(Vec<u8>, Trailers)> {
        let (mut chunked, mut out) = (Chunked::new(key, trailers), Vec::new());
        for piece in body.chunks(step) {
            chunked.feed(Bytes::copy_from_slice(piece), &mut out)?;
        }
        Ok((out.concat(), chunked.finish()?))
    }

    #[test]
    fn the_reference_body_is_verified() {
        let (key, body) = reference();
        for step in [7, 4096, body.len()] {
            assert_eq!(decode(Some(key.clone()), false, &body, step).unwrap().0, vec![b'a'; 66560]);
        }
        let mut changed = body.clone();
        changed[66_000] = b'b';
        assert_eq!(decode(Some(key.clone()), false, &changed, 4096).unwrap_err().reason, Some("SignatureDoesNotMatch"));
        assert_eq!(decode(Some(key.clone()), false, &body[..66000], 4096).unwrap_err().reason, Some("IncompleteBody"));
        // a chunk that is left out
        let cut = [&body[..65536 + 90], &body[body.len() - 86..]].concat();
        assert_eq!(decode(Some(key), false, &cut, 4096).unwrap_err().reason, Some("SignatureDoesNotMatch"));
    }

    #[test]
    fn trailers_follow_unsigned_chunks() {
        let (data, trailers) = decode(None, false, b"4\r\nwxyz\r\n0\r\nX-Amz-Checksum-Crc32: AAAA\r\n\r\n", 3).unwrap();
        assert_eq!((data.as_slice(), trailers), (&b"wxyz"[..], vec![("x-amz-checksum-crc32".to_owned(), "AAAA".to_owned())]));
        for wrong in ["x\r\n", "4\r\nwxyz1\r\n0\r\n\r\n", "4\r\nwx", "0\r\n\r\nmore\r\n"] {
            assert!(decode(None, false, wrong.as_bytes(), 2).is_err(), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_bytes(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 0..8), step in 1usize..64) {
            let mut body = Vec::new();
            for part in &parts {
                body.extend(format!("{:x}\r\n", part.len()).into_bytes());
                body.extend(part);
                body.extend(b"\r\n");
            }
            body.extend(b"0\r\n\r\n");
            prop_assert_eq!(decode(None, false, &body, step).unwrap().0, parts.concat());
        }
    }
}
