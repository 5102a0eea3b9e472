//! A real OpenID Connect provider (`oidc-provider-mock`, on Authlib) that runs here: see `tests/provider/serve.py`.

use super::{Suite, free_url, process, until};
use artel_platform::Context;
use artel_platform::python::Requirements;
use reqwest::{Client, Response};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Stdio;
use tokio::process::{Child, Command};

const LOCKED: &str = include_str!("../provider/requirements.txt");

/// A running provider that knows one client, which is the hub at a certain URL.
pub struct Provider {
    pub url: String,
    client_id: String,
    client_secret: String,
    script: Client,
    process: Child,
}

impl Provider {
    /// For a hub at `hub`. Access tokens are good for `life` seconds; without `refresh` there are no refresh tokens.
    pub async fn start(cx: &Context, hub: &str, life: u32, refresh: bool) -> Self {
        let python = process(cx, hub, &[]).python.ensure("provider", &Requirements::Text(LOCKED.into())).await.expect("an environment");
        let url = free_url();
        let port = url.rsplit(':').next().expect("a port").to_owned();
        let mut command = Command::new(python.python());
        command.arg(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/provider/serve.py")).args([&port, &life.to_string()]);
        if !refresh {
            command.arg("no-refresh");
        }
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn().expect("the provider starts");
        let script = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        let register = || async {
            let body = json!({"redirect_uris": [format!("{hub}/hub/oauth_callback")]});
            script.post(format!("{url}/oauth2/clients")).json(&body).send().await.ok()?.json::<Value>().await.ok()
        };
        let client = until("the provider", 60, register).await;
        let text = |name: &str| client[name].as_str().expect("a text").to_owned();
        Self { client_id: text("client_id"), client_secret: text("client_secret"), url, script, process }
    }

    /// The settings of the hub, with `more` in `[hub.oidc]`.
    pub fn settings(&self, more: &str) -> toml::Value {
        let text = format!(
            "issuer = \"{}\"\nclient_id = \"{}\"\nclient_secret = \"{}\"\ngroups_claim = \"groups\"\n{more}",
            self.url, self.client_id, self.client_secret
        );
        let mut all = artel_platform::config::Config::load(None, &toml::Table::new()).expect("the built-in settings").hub;
        let mut oidc = all.remove("oidc").and_then(|oidc| oidc.as_table().cloned()).expect("the section is there");
        oidc.extend(text.parse::<toml::Table>().expect("TOML"));
        toml::Value::Table(oidc)
    }

    /// Says what is to be known of `subject`.
    pub async fn knows(&self, subject: &str, claims: Value) {
        let put = self.script.put(format!("{}/users/{subject}", self.url)).json(&claims).send().await.expect("an answer");
        assert!(put.status().is_success());
    }

    /// Takes back every token of `subject`, as for who was removed or blocked.
    pub async fn forgets(&self, subject: &str) {
        let revoked = self.script.post(format!("{}/users/{subject}/revoke-tokens", self.url)).send().await.expect("an answer");
        assert!(revoked.status().is_success());
    }

    /// Where the provider sends the browser whose user signs in as `subject` at `url`.
    pub async fn consent(&self, url: &str, subject: &str) -> String {
        let answer = self.script.post(url).form(&[("sub", subject)]).send().await.expect("an answer");
        location(&answer)
    }

    /// The same for who refuses, with the state that oidc-provider-mock leaves out (RFC 6749 §4.1.2.1 has it here too).
    pub async fn deny(&self, url: &str) -> String {
        let answer = self.script.post(url).form(&[("action", "deny")]).send().await.expect("an answer");
        let asked = reqwest::Url::parse(url).expect("a URL");
        let (_, state) = asked.query_pairs().find(|(name, _)| name == "state").expect("a state");
        let mut back = reqwest::Url::parse(&location(&answer)).expect("a URL");
        back.query_pairs_mut().append_pair("state", &state);
        back.into()
    }

    /// The whole way in a browser: returns the hub's answer to who comes back.
    pub async fn sign_in(&self, suite: &Suite, browser: &Client, subject: &str) -> Response {
        let departure = browser.get(suite.at("/hub/oauth_login")).send().await.expect("an answer");
        let back = self.consent(&location(&departure), subject).await;
        browser.get(back).send().await.expect("an answer")
    }

    pub async fn stop(mut self) {
        let _ = self.process.kill().await;
    }
}

/// Where an answer leads.
pub fn location(answer: &Response) -> String {
    answer.headers().get("location").unwrap_or_else(|| panic!("{} leads nowhere", answer.status())).to_str().expect("text").to_owned()
}
