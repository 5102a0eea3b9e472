//! S3's errors by their names (Amazon S3 API reference, "List of error codes"). Those without a function here are made
//! where they happen.

use artel_platform::Error;

pub(super) fn no_such_bucket(name: &str) -> Error {
    Error::not_found(format!("there is no bucket {name}")).reason("NoSuchBucket")
}

pub(super) fn no_such_key(key: &str) -> Error {
    Error::not_found(format!("there is no object {key}")).reason("NoSuchKey")
}

pub(super) fn no_such_upload(id: &str) -> Error {
    Error::not_found(format!("there is no multipart upload {id}: it was completed or aborted, or never begun")).reason("NoSuchUpload")
}

pub(super) fn argument(message: impl Into<String>) -> Error {
    Error::invalid(message).reason("InvalidArgument")
}

pub(super) fn malformed_xml(why: impl std::fmt::Display) -> Error {
    Error::invalid(format!("the request body is not the XML that this operation takes: {why}")).reason("MalformedXML")
}

pub(super) fn precondition(header: &str) -> Error {
    Error::conflict(format!("the condition {header} does not hold")).reason("PreconditionFailed")
}

pub(super) fn not_implemented(what: &str) -> Error {
    Error::unimplemented(format!("{what} is not implemented"))
}

pub(super) fn bad_signature() -> Error {
    Error::denied(
        "the signature does not match the request: check the secret access key, and that nothing between client and server \
         changes the path, the query or the signed headers",
    )
    .reason("SignatureDoesNotMatch")
}
