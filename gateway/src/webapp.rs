//! The web app: its files, and its page for every path that nobody else owns.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};

/// Scripts and styles only from here; user-made content is never part of the app's pages.
const POLICY: &str = "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'self'; form-action 'self'";

/// The file at the request's path, or the app's page. A missing file under `/assets/` is 404.
pub(crate) fn answer(request: &HttpRequest) -> HttpResponse {
    let asset = match artel_ui::asset(request.path()) {
        Some(asset) => asset,
        None if request.path().starts_with("/assets/") => return HttpResponse::NotFound().finish(),
        None => artel_ui::page(),
    };
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|v| v.to_str().ok());
    if known == Some(asset.etag.as_str()) {
        return HttpResponse::NotModified().insert_header((header::ETAG, asset.etag)).finish();
    }
    let caching = if asset.immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    HttpResponse::Ok()
        .content_type(asset.mime)
        .insert_header((header::ETAG, asset.etag))
        .insert_header((header::CACHE_CONTROL, caching))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::REFERRER_POLICY, "same-origin"))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .body(asset.bytes.into_owned())
}
