//! Frames of the model worker (python/README.md): 4 bytes big-endian header length, JSON header, raw body.

use artel_platform::{Error, Result};
use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

/// A request for the model, as it came by HTTP.
#[derive(Debug, Clone)]
pub struct Question {
    /// `/invocations`
    pub path: &'static str,
    /// The request's content type header; may be empty.
    pub content_type: String,
    /// The request's body.
    pub body: Bytes,
}

/// What the model's process answers: status, content type and body as MLflow's scoring server gives them.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Content type header.
    pub content_type: String,
    /// Body.
    pub body: Bytes,
}

#[derive(Serialize)]
struct QuestionHeader<'a> {
    id: u64,
    path: &'a str,
    content_type: &'a str,
}

#[derive(Deserialize)]
struct AnswerHeader {
    id: u64,
    status: u16,
    content_type: String,
}

pub(super) fn frame(id: u64, question: &Question) -> Result<Bytes> {
    let header = serde_json::to_vec(&QuestionHeader { id, path: question.path, content_type: &question.content_type })?;
    let mut frame = BytesMut::with_capacity(4 + header.len() + question.body.len());
    frame.put_u32(header.len() as u32);
    frame.put_slice(&header);
    frame.put_slice(&question.body);
    Ok(frame.freeze())
}

/// The id of the question, and the answer.
pub(super) fn parse(frame: &Bytes) -> Result<(u64, Answer)> {
    let broken = || Error::internal("the model worker sent a frame that is no answer");
    let length = frame.get(..4).and_then(|l| <[u8; 4]>::try_from(l).ok()).map(u32::from_be_bytes).ok_or_else(broken)? as usize;
    let header: AnswerHeader = serde_json::from_slice(frame.get(4..4 + length).ok_or_else(broken)?).map_err(|e| broken().because(e))?;
    Ok((header.id, Answer { status: header.status, content_type: header.content_type, body: frame.slice(4 + length..) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_and_an_answer() {
        let question = Question { path: "/invocations", content_type: "text/csv".into(), body: Bytes::from_static(b"a,b") };
        let framed = frame(7, &question).expect("framed");
        let length = u32::from_be_bytes(framed[..4].try_into().expect("four bytes")) as usize;
        assert_eq!(&framed[4..4 + length], br#"{"id":7,"path":"/invocations","content_type":"text/csv"}"#);
        assert_eq!(&framed[4 + length..], b"a,b");

        let head = br#"{"id":7,"status":200,"content_type":"application/json","seconds":0.1}"#;
        let mut reply = BytesMut::new();
        reply.put_u32(head.len() as u32);
        reply.put_slice(head);
        reply.put_slice(b"{}");
        let expected = Answer { status: 200, content_type: "application/json".into(), body: Bytes::from_static(b"{}") };
        assert_eq!(parse(&reply.freeze()).expect("parsed"), (7, expected));
        assert!(parse(&Bytes::from_static(b"\0\0\0\x09x")).is_err());
    }
}
