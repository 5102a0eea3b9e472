//! A content as an HTTP response.

use crate::objects::{Artifacts, Content};
use actix_web::{HttpRequest, HttpResponse};
use artel_platform::Result;
use artel_platform::http::file;

/// The response to a GET or HEAD of `content`.
pub(crate) async fn content(artifacts: &Artifacts, content: &Content, request: &HttpRequest) -> Result<HttpResponse> {
    let entry = &content.entry;
    let name = entry.path.rsplit('/').next().unwrap_or_default();
    let file = file::File { name, size: entry.size, version: &entry.sha256, written_at: Some(content.created_at) };
    file::send(request, file, async |offset, length| artifacts.read(content, offset, Some(length)).await).await
}
