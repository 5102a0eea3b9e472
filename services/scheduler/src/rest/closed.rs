//! Routes of upstream's API that say no on a stock installation, and say the same here: its settings are no business of the
//! API's callers, connections are not tested, and logs are nowhere else.

use super::accepted::{json_or_text, neither};
use super::query::Query;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use artel_platform::{Error, Result};

/// Why settings are not told (services/public/config.py; `[api] expose_config` is off unless somebody sets it).
const NOT_EXPOSED: &str = "Your Airflow administrator chose not to expose the configuration, most likely for security reasons.";
/// Why connections are not tested (routes/public/connections.py; `[core] test_connection`).
const NOT_TESTED: &str = "Testing connections is disabled in Airflow configuration. Contact your deployment admin to enable it.";
/// Where the pages to log in and out are.
const LOGIN: &str = "/hub/login";
const LOGOUT: &str = "/hub/logout";

fn refused(request: &HttpRequest) -> Result<HttpResponse> {
    if json_or_text(request).is_some() { Err(Error::denied(NOT_EXPOSED)) } else { Ok(neither()) }
}

/// Airflow's settings, which are not told.
#[utoipa::path(get, path = "/api/v2/config", tag = "pipelines", params(("section" = Option<String>, Query)), responses((status = 403), (status = 406)), security(("artel" = ["read:dags"])))]
pub(super) async fn config(request: HttpRequest) -> Result<HttpResponse> {
    refused(&request)
}

/// One of Airflow's settings, which is not told.
#[utoipa::path(get, path = "/api/v2/config/section/{section}/option/{option}", tag = "pipelines", responses((status = 403), (status = 406)), security(("artel" = ["read:dags"])))]
pub(super) async fn config_option(request: HttpRequest) -> Result<HttpResponse> {
    refused(&request)
}

/// Tests a connection, which is off.
#[utoipa::path(post, path = "/api/v2/connections/test", tag = "pipelines", request_body = serde_json::Value, responses((status = 403)), security(("artel" = ["connections"])))]
pub(super) async fn test_connection() -> Result<HttpResponse> {
    Err(Error::denied(NOT_TESTED))
}

/// Has a worker test a connection, which is off.
#[utoipa::path(post, path = "/api/v2/connections/enqueue-test", tag = "pipelines", request_body = serde_json::Value, responses((status = 403)), security(("artel" = ["connections"])))]
pub(super) async fn enqueue_test() -> Result<HttpResponse> {
    Err(Error::denied(NOT_TESTED))
}

/// What came of a test: there never is one.
#[utoipa::path(get, path = "/api/v2/connections/enqueue-test", tag = "pipelines", params(("Airflow-Connection-Test-Token" = String, Header)), responses((status = 404)), security(("artel" = ["read:connections"])))]
pub(super) async fn test_result(request: HttpRequest) -> Result<HttpResponse> {
    let token = request.headers().get("airflow-connection-test-token").and_then(|value| value.to_str().ok());
    let token = token.ok_or_else(|| Error::invalid("the header Airflow-Connection-Test-Token is missing"))?;
    Err(Error::not_found(format!("No connection test found for token: `{token}`")))
}

/// Where else the log of a try is: nowhere.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/externalLogUrl/{try_number}", tag = "pipelines", responses((status = 400)), security(("artel" = ["read:dags"])))]
pub(super) async fn external_log() -> Result<HttpResponse> {
    Err(Error::invalid("Task log handler does not support external logs."))
}

/// Leads to the page to log in.
#[utoipa::path(get, path = "/api/v2/auth/login", tag = "pipelines", params(("next" = Option<String>, Query)), responses((status = 307)), security(("artel" = ["public"])))]
pub(super) async fn login(request: HttpRequest) -> Result<HttpResponse> {
    let query = Query::of(&request);
    let Some(next) = query.get("next").filter(|next| !next.is_empty()) else { return Ok(to(LOGIN)) };
    let path = own_path(next, &request).ok_or_else(|| Error::invalid("Invalid or unsafe next URL"))?;
    let next: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
    Ok(to(&format!("{LOGIN}?next={next}")))
}

/// Leads to where the session ends.
#[utoipa::path(get, path = "/api/v2/auth/logout", tag = "pipelines", responses((status = 307)), security(("artel" = ["public"])))]
pub(super) async fn logout() -> HttpResponse {
    to(LOGOUT)
}

fn to(place: &str) -> HttpResponse {
    HttpResponse::TemporaryRedirect().insert_header((header::LOCATION, place)).finish()
}

/// The path of a URL of this site; browsers take a backslash for a slash.
fn own_path(next: &str, request: &HttpRequest) -> Option<String> {
    let base = url::Url::parse(&format!("http://{}", request.connection_info().host())).ok()?;
    let target = base.join(&next.trim().replace('\\', "/")).ok()?;
    let same = matches!(target.scheme(), "http" | "https") && (target.host_str(), target.port()) == (base.host_str(), base.port());
    // a path that begins like this would be taken for a host
    let own = same && !target.path().starts_with("//");
    let query = target.query().map_or(String::new(), |query| format!("?{query}"));
    own.then(|| format!("{}{query}", target.path()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn nobody_is_sent_to_another_site() {
        let request = TestRequest::get().insert_header(("host", "artel.example")).to_http_request();
        for (next, path) in [("/dags?x=1", "/dags?x=1"), ("http://artel.example/a", "/a"), ("dags", "/dags")] {
            assert_eq!(own_path(next, &request).as_deref(), Some(path), "{next}");
        }
        for next in [
            "//evil.example",
            "https://evil.example/a",
            "\\\\evil.example",
            "javascript:alert(1)",
            "http://artel.example:81/",
            "http://artel.example//evil.example",
        ] {
            assert_eq!(own_path(next, &request), None, "{next}");
        }
    }
}
