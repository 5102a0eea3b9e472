//! An HTTP server that webhooks go to: it keeps what came and answers as it is told.

use actix_web::web::{Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use base64::Engine as _;
use serde_json::Value;
use std::collections::VecDeque;
use std::net::TcpListener;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Received {
    pub delivery_id: String,
    pub timestamp: String,
    pub signature: Option<String>,
    pub body: String,
}

impl Received {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// e.g. `model_version.created`
    pub fn event(&self) -> String {
        let json = self.json();
        format!("{}.{}", json["entity"].as_str().unwrap(), json["action"].as_str().unwrap())
    }

    pub fn is_signed_with(&self, secret: &str) -> bool {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
        let signed = format!("{}.{}.{}", self.delivery_id, self.timestamp, self.body);
        let tag = self.signature.as_deref().and_then(|s| s.strip_prefix("v1,")).unwrap_or_default();
        let tag = base64::engine::general_purpose::STANDARD.decode(tag).unwrap();
        aws_lc_rs::hmac::verify(&key, signed.as_bytes(), &tag).is_ok()
    }
}

#[derive(Default)]
struct Kept {
    received: Mutex<Vec<Received>>,
    answers: Mutex<VecDeque<u16>>,
}

pub struct Receiver {
    pub url: String,
    kept: Data<Kept>,
    handle: actix_web::dev::ServerHandle,
}

impl Receiver {
    pub fn start() -> Self {
        let kept = Data::new(Kept::default());
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", socket.local_addr().unwrap());
        let data = kept.clone();
        let server = HttpServer::new(move || App::new().app_data(data.clone()).route("/hook", web::post().to(take)));
        let server = server.workers(1).disable_signals().listen(socket).unwrap().run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { url, kept, handle }
    }

    /// The next requests are answered with these statuses, all later ones with 200. 0: no answer for some seconds.
    pub fn answer(&self, statuses: &[u16]) {
        self.kept.answers.lock().unwrap().extend(statuses);
    }

    pub fn received(&self) -> Vec<Received> {
        self.kept.received.lock().unwrap().clone()
    }

    /// Waits until `count` requests have come.
    pub async fn wait(&self, count: usize) -> Vec<Received> {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let received = self.received();
            if received.len() >= count {
                return received;
            }
            assert!(Instant::now() < end, "only {} of {count} came: {received:?}", received.len());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn stop(self) {
        self.handle.stop(false).await;
    }
}

async fn take(request: HttpRequest, body: Bytes, kept: Data<Kept>) -> HttpResponse {
    let header = |name: &str| request.headers().get(name).map(|v| v.to_str().unwrap().to_owned());
    kept.received.lock().unwrap().push(Received {
        delivery_id: header("X-MLflow-Delivery-Id").unwrap_or_default(),
        timestamp: header("X-MLflow-Timestamp").unwrap_or_default(),
        signature: header("X-MLflow-Signature"),
        body: String::from_utf8(body.to_vec()).unwrap(),
    });
    let status = kept.answers.lock().unwrap().pop_front().unwrap_or(200);
    if status == 0 {
        tokio::time::sleep(Duration::from_secs(30)).await;
    }
    HttpResponse::build(actix_web::http::StatusCode::from_u16(status.max(200)).unwrap()).body("received")
}
