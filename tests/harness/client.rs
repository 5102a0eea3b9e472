//! A browser-like session of one user: cookies, the CSRF header on writes, JSON.

use reqwest::{Method, RequestBuilder, StatusCode};

/// Logged in by password.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    csrf: String,
    pub user: String,
}

/// A JSON value.
pub type Json = serde_json::Value;

impl Client {
    /// Logs in; fails when it is refused.
    pub async fn login(url: &str, user: &str, password: &str) -> Self {
        let http = reqwest::Client::builder().cookie_store(true).build().unwrap();
        let answer = http
            .post(format!("{url}/hub/login"))
            .header("accept", "application/json")
            .json(&serde_json::json!({"username": user, "password": password}))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "login of {user}: {}", answer.text().await.unwrap_or_default());
        let mut client = Self { http, url: url.into(), csrf: String::new(), user: user.into() };
        let me = client.get("/api/artel/v1/me").await;
        assert_eq!(me["name"], user);
        client.csrf = me["csrf"].as_str().unwrap_or_default().to_owned();
        client
    }

    /// The same session at another gateway: cookies do not know ports.
    pub fn at(&self, url: &str) -> Self {
        Self { url: url.into(), ..self.clone() }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).header("x-xsrftoken", &self.csrf)
    }

    /// Status and body of a request.
    pub async fn send(&self, request: RequestBuilder) -> (u16, Json) {
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Json::String(text)))
    }

    /// GET that must succeed.
    pub async fn get(&self, path: &str) -> Json {
        let (status, body) = self.send(self.request(Method::GET, path)).await;
        assert_eq!(status, 200, "GET {path}: {body}");
        body
    }

    /// GET that may fail for now.
    pub async fn try_get(&self, path: &str) -> Result<Json, String> {
        let answer = self.request(Method::GET, path).send().await.map_err(|e| e.to_string())?;
        let status = answer.status();
        let text = answer.text().await.map_err(|e| e.to_string())?;
        if status.is_success() { serde_json::from_str(&text).map_err(|e| e.to_string()) } else { Err(format!("{status} {text}")) }
    }

    /// POST that must succeed.
    pub async fn post(&self, path: &str, body: Json) -> Json {
        let (status, answer) = self.send(self.request(Method::POST, path).json(&body)).await;
        assert!((200..300).contains(&status), "POST {path}: {status} {answer}");
        answer
    }

    /// A token with everything the user may do.
    pub async fn token(&self) -> String {
        let answer = self.post(&format!("/hub/api/users/{}/tokens", self.user), serde_json::json!({"note": "test"})).await;
        answer["token"].as_str().expect("a token").to_owned()
    }

    /// Adds an ordinary user.
    pub async fn add_user(&self, name: &str, password: &str) {
        self.post(&format!("/hub/api/users/{name}"), serde_json::json!({"password": password})).await;
    }
}
