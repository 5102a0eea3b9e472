//! The Task Execution API over HTTP, for stock Airflow workers. A task shows the token that it was given.

use crate::Scheduler;
use crate::execution::{Caller, Reply};
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use artel_platform::identity::{Identity, Kind};
use artel_platform::{Error, Result};

/// The largest body of a call: an XCom.
const LIMIT: usize = 64 << 20;

macro_rules! handlers {
    ($($(#[$doc:meta])* $name:ident $method:ident),+ $(,)?) => { $(
        $(#[$doc])*
        #[utoipa::path($method, path = "/execution/{path:.*}", tag = "task execution", responses((status = 200, body = serde_json::Value)), security(("artel" = ["execution"])))]
        pub(super) async fn $name(scheduler: web::Data<Scheduler>, path: web::Path<String>, request: HttpRequest, who: Identity, body: web::Payload) -> Result<HttpResponse> {
            call(&scheduler, &path, &request, &who, body).await
        }
    )+ };
}

handlers! {
    /// Reads.
    get get,
    /// Counts XComs.
    head head,
    /// Makes XComs and runs.
    post post,
    /// Replaces variables and rendered fields; heartbeats.
    put put,
    /// Changes states.
    patch patch,
    /// Removes XComs and variables.
    delete delete,
}

async fn call(scheduler: &Scheduler, path: &str, request: &HttpRequest, who: &Identity, body: web::Payload) -> Result<HttpResponse> {
    let ti_id = match who.kind {
        Kind::Task => Some(who.token_id.clone().ok_or_else(|| Error::denied("this token names no task"))?),
        _ if who.admin => None,
        _ => return Err(Error::denied("only tasks speak to the execution API")),
    };
    let body = body.to_bytes_limited(LIMIT).await.map_err(|_| Error::invalid("the body is too large"))?;
    let body = body.map_err(|e| Error::invalid(e.to_string()))?;
    let text = std::str::from_utf8(&body).map_err(|_| Error::invalid("the body is no UTF-8"))?;
    // the raw path: a name in it may hold an encoded slash
    let raw = request.path().strip_prefix("/execution/").unwrap_or(path);
    let caller = Caller::new(ti_id);
    let reply = scheduler.execution(&caller, request.method().as_str(), raw, request.query_string(), text).await;
    Ok(respond(reply))
}

fn respond(reply: Reply) -> HttpResponse {
    let mut response = HttpResponseBuilder::new(StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    for (name, value) in reply.headers {
        response.insert_header((name, value));
    }
    match reply.body {
        Some(body) => response.insert_header((header::CONTENT_TYPE, "application/json")).body(body.to_string()),
        None => response.finish(),
    }
}
