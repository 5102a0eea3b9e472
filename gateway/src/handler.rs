//! Around every request: its id, its caller, and whether it goes to a notebook server, a service or the web app.

use crate::authenticate::{Authenticated, Authenticator};
use crate::credentials::SESSION_COOKIE;
use crate::notebooks::{Notebooks, Place};
use crate::proxy::{Client, Forwarded, Proxy, Target};
use crate::{table, webapp};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode, Uri};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use artel_platform::config::Config;
use artel_platform::http::{Dialect, REQUEST_ID};
use artel_platform::identity::Keys;
use artel_platform::rpc::Replicas;
use artel_platform::{Code, Error, Result, clock::Clock};
use std::collections::HashMap;
use std::sync::Arc;

/// What every request needs.
pub(crate) struct Front {
    pub(crate) authenticator: Authenticator,
    pub(crate) notebooks: Notebooks,
    pub(crate) config: Arc<Config>,
    /// Where the services of other processes are, by name.
    pub(crate) services: HashMap<String, Replicas<Target>>,
    pub(crate) keys: Keys,
    pub(crate) clock: Clock,
}

/// The outermost layer.
pub(crate) async fn around(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> std::result::Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let started = std::time::Instant::now();
    let front = request.app_data::<web::Data<Front>>().expect("the gateway's state is mounted").clone();
    let id = request_id(&request);
    one_slash_first(&mut request);
    let (method, path) = (request.method().clone(), request.path().to_owned());
    let browser = is_browser(request.headers());
    let mut response = route(front, request, next).await?;
    if browser && response.status() == StatusCode::UNAUTHORIZED {
        // a browser would open its own password window over the web app, which has a login page
        response.headers_mut().remove(header::WWW_AUTHENTICATE);
    }
    let status = response.status().as_u16();
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HeaderName::from_static(REQUEST_ID), value);
    }
    tracing::debug!(%method, path, status, request_id = id, ms = started.elapsed().as_millis() as u64, "request");
    Ok(response)
}

/// `//get-artifact`: a client joined its base address, which ends in a slash, with a path. Upstream's server takes them
/// for one; further inside they may be part of a name.
fn one_slash_first(request: &mut ServiceRequest) {
    let uri = request.uri();
    let Some(rest) = uri.path_and_query().map(|p| p.as_str()).filter(|path| path.starts_with("//")) else { return };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = format!("/{}", rest.trim_start_matches('/')).parse().ok();
    if let Ok(uri) = Uri::from_parts(parts) {
        request.match_info_mut().get_mut().update(&uri);
        request.head_mut().uri = uri;
    }
}

/// Every browser calls itself Mozilla, and no API client does.
fn is_browser(headers: &HeaderMap) -> bool {
    headers.get(header::USER_AGENT).is_some_and(|agent| agent.as_bytes().starts_with(b"Mozilla/"))
}

async fn route(
    front: web::Data<Front>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> std::result::Result<ServiceResponse<BoxBody>, actix_web::Error> {
    // a notebook server authenticates by itself: the proxy stays dumb
    match front.notebooks.place(request.path()).await {
        Ok(None) => {}
        Ok(Some(place)) => {
            let (request, payload) = request.into_parts();
            let response = pass_to_notebook(&front, &request, payload, &place).await;
            return Ok(ServiceResponse::new(request, response));
        }
        Err(error) => return Ok(request.into_response(Dialect::Jupyterhub.render(&error))),
    }
    if let Err(error) = front.authenticator.authenticate(&request).await {
        let response = dialect(request.path()).render(&error);
        return Ok(request.into_response(response));
    }
    // whoever was told that something is taken back must not find it there: the hub's event may come a moment later
    let takes_back = request.path().starts_with("/hub/") && matches!(*request.method(), Method::DELETE | Method::PATCH | Method::PUT);
    let response = next.call(request).await.map(ServiceResponse::map_into_boxed_body);
    if takes_back {
        front.authenticator.forget();
    }
    response
}

/// What passes this thread's requests on: none waits for another thread to wake up.
fn proxy(request: &HttpRequest) -> &Proxy {
    request.app_data::<Proxy>().expect("each thread has a proxy")
}

async fn pass_to_notebook(front: &Front, request: &HttpRequest, payload: Payload, place: &Place) -> HttpResponse {
    // it is the program of another user, perhaps: the session of the suite is not for it
    let forwarded = Forwarded { withheld_cookie: Some(SESSION_COOKIE), ..front.forwarded(request, None) };
    match proxy(request).pass_actix(request, payload, &place.target, &forwarded).await {
        Ok(response) => {
            if response.status().is_success() || response.status().as_u16() == 101 {
                front.notebooks.touch(place);
            }
            response
        }
        Err(error) => Dialect::Jupyterhub.render(&error),
    }
}

/// Everything that is not mounted in this process: a service elsewhere, or the web app.
pub(crate) async fn elsewhere(request: HttpRequest, payload: web::Payload, front: web::Data<Front>) -> HttpResponse {
    let Some(service) = table::owner(request.path()) else {
        // pages are only asked for
        return if is_api(request.path()) || !request.method().is_safe() { nowhere(&request) } else { webapp::answer(&request) };
    };
    match front.pass_to_service(service, &request, payload.into_inner()).await {
        Ok(response) => response,
        Err(error) => dialect(request.path()).render(&error),
    }
}

/// Below these paths are answers for programs: the web app's page would be taken for one.
fn is_api(path: &str) -> bool {
    path.starts_with("/api/") || path.starts_with("/ajax-api/")
}

fn nowhere(request: &HttpRequest) -> HttpResponse {
    let error = Error::not_found(format!("{} {} is not known", request.method(), request.path())).reason("ENDPOINT_NOT_FOUND");
    let of_mlflow = is_api(request.path()) && !request.path().starts_with("/api/artel/");
    if of_mlflow { Dialect::Mlflow } else { Dialect::Artel }.render(&error)
}

impl Front {
    async fn pass_to_service(&self, service: &str, request: &HttpRequest, payload: Payload) -> Result<HttpResponse> {
        let Some(replicas) = self.services.get(service) else {
            return Err(Error::not_found(format!("{} {} is not known", request.method(), request.path())).reason("ENDPOINT_NOT_FOUND"));
        };
        let authenticated = request.extensions().get::<Authenticated>().cloned();
        let signed = authenticated.map(|who| who.signed(&self.keys, self.clock.now())).transpose()?;
        let forwarded = self.forwarded(request, signed);
        let (number, address) = replicas.current();
        let passed = proxy(request).pass_actix(request, payload, address, &forwarded).await;
        if !passed.as_ref().is_err_and(|error| error.code == Code::Unavailable) {
            return passed;
        }
        replicas.gone(number);
        let (next, address) = replicas.current();
        // what only asks may be asked twice; anything else may have been done before the connection broke
        if next == number || !request.method().is_safe() {
            return passed;
        }
        proxy(request).pass_actix(request, Payload::None, address, &forwarded).await
    }

    fn forwarded(&self, request: &HttpRequest, identity: Option<String>) -> Forwarded<'_> {
        let scheme = if self.config.server.public_url.starts_with("https:") { "https" } else { "http" };
        let client = Client { ip: request.peer_addr().map(|address| address.ip()), scheme, append: false };
        Forwarded { identity, client: Some(client), ..Forwarded::default() }
    }
}

/// The client's id of the request when it is a sensible one, else a new one.
fn request_id(request: &ServiceRequest) -> String {
    let given = request.headers().get(REQUEST_ID).and_then(|v| v.to_str().ok());
    match given {
        Some(id) if id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) => id.into(),
        _ => artel_platform::clock::Ids::random().hex32(),
    }
}

/// The dialect of errors that no handler made.
fn dialect(path: &str) -> Dialect {
    match table::owner(path) {
        Some("artifact") if path.starts_with("/s3") => Dialect::S3,
        Some("hub") if path.contains("/mlflow/") => Dialect::Mlflow,
        Some("hub") => Dialect::Jupyterhub,
        Some("scheduler") => Dialect::Airflow,
        Some("tracking" | "registry" | "artifact" | "serving") => Dialect::Mlflow,
        _ => Dialect::Artel,
    }
}
