//! Error pages: from the hub (`--error-target`), from a folder (`--error-path`), or the built-in ones.

use super::answers;
use crate::proxy::{Answer, Body, Forwarded, Proxy, Target};
use artel_platform::{Error, Result};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use std::path::PathBuf;
use std::time::Duration;

const HTML: &str = "text/html";

pub(super) struct Errors {
    target: Option<Target>,
    folder: Option<PathBuf>,
    /// `--proxy-timeout`, which holds for the hub as for any target.
    patience: Option<Duration>,
}

impl Errors {
    pub(super) fn new(target: Option<Target>, folder: Option<PathBuf>, patience: Option<Duration>) -> Self {
        Self { target, folder, patience }
    }

    /// The page for a request for `url` that ended in `status`.
    pub(super) async fn page(&self, proxy: &Proxy, status: StatusCode, url: &str) -> Response<Body> {
        if let Some(target) = &self.target {
            return match self.ask(proxy, target, status, url).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::error!("no error page from --error-target: {}", error.chain());
                    answers::text(status, answers::reason(status))
                }
            };
        }
        let Some(folder) = &self.folder else { return answers::typed(status, HTML, built_in(status)) };
        for name in [format!("{}.html", status.as_u16()), "error.html".to_owned()] {
            match tokio::fs::read(folder.join(&name)).await {
                Ok(page) => return answers::typed(status, HTML, page),
                Err(error) => tracing::debug!("no error page {name} in --error-path: {error}"),
            }
        }
        answers::text(status, answers::reason(status))
    }

    async fn ask(&self, proxy: &Proxy, target: &Target, status: StatusCode, url: &str) -> Result<Response<Body>> {
        let asked = ask(proxy, target, status, url);
        let Some(limit) = self.patience else { return asked.await };
        let late = |_| Error::unavailable(format!("no answer within --proxy-timeout, {} ms", limit.as_millis()));
        tokio::time::timeout(limit, asked).await.map_err(late)?
    }
}

/// Asks for `/CODE?url=…`; its page, whatever its status, is answered with `status`.
async fn ask(proxy: &Proxy, target: &Target, status: StatusCode, url: &str) -> Result<Response<Body>> {
    let url: String = url::form_urlencoded::byte_serialize(url.as_bytes()).collect();
    let mut request = Request::new(Empty::new().map_err(|never| match never {}).boxed_unsync());
    *request.uri_mut() =
        format!("/{}?url={url}", status.as_u16()).parse().map_err(|e| Error::internal("no path of an error page").because(e))?;
    match proxy.pass(request, target, &Forwarded::default()).await? {
        Answer::Whole(page) => {
            let (parts, body) = page.into_parts();
            let mut response = Response::new(body);
            *response.status_mut() = status;
            for name in [CONTENT_TYPE, CONTENT_ENCODING] {
                if let Some(value) = parts.headers.get(&name) {
                    response.headers_mut().insert(name, value.clone());
                }
            }
            Ok(response)
        }
        Answer::Upgraded(..) => Err(Error::internal("the error page is no page")),
    }
}

fn built_in(status: StatusCode) -> String {
    let (title, text) = match status.as_u16() {
        404 => ("404: Not Found", "No route leads here."),
        503 => ("503: Service Unavailable", "The server behind this address does not answer. It may be starting, or have stopped."),
        _ => ("Proxy Error", "The request could not be passed on."),
    };
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head>\n<body><h1>{title}</h1><p>{text}</p></body></html>\n"
    )
}
