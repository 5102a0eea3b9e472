//! OAuth as a notebook server's page does it, step by step.

use super::Suite;
use reqwest::{Client, Response};
use serde_json::Value;

/// RFC 7636, appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// The address that the server of `ada` sends a browser to.
pub fn question(redirect_uri: &str) -> String {
    let pairs = [
        ("client_id", "jupyterhub-user-ada"),
        ("redirect_uri", redirect_uri),
        ("response_type", "code"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("state", "s=1&t"),
    ];
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("/hub/api/oauth2/authorize?{query}")
}

pub async fn ask(suite: &Suite, browser: &Client) -> Response {
    browser.get(suite.at(&question("/user/ada/oauth_callback"))).send().await.expect("an answer")
}

/// The code in the redirect that a browser got.
pub fn code(answer: &Response) -> String {
    let location = answer.headers()["location"].to_str().expect("text");
    let (callback, query) = location.split_once('?').expect("a query");
    assert_eq!(callback, "/user/ada/oauth_callback");
    let pairs: std::collections::HashMap<String, String> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    assert_eq!(pairs["state"], "s=1&t");
    pairs["code"].clone()
}

/// Exchanges a code with the server's secret; returns status and body.
pub async fn exchange(suite: &Suite, secret: &str, code: &str, verifier: &str) -> (u16, Value) {
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "jupyterhub-user-ada"),
        ("client_secret", secret),
        ("redirect_uri", "/user/ada/oauth_callback"),
        ("code", code),
        ("code_verifier", verifier),
    ];
    let answer = suite.script().post(suite.at("/hub/api/oauth2/token")).form(&form).send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}
