//! Upstream's metrics (jupyterhub/handlers/metrics.py).

use crate::Hub;
use crate::permit::Over;
use actix_web::{HttpResponse, web};
use artel_platform::{Identity, Result};

/// The hub's metrics in Prometheus' text form.
#[utoipa::path(get, path = "/hub/metrics", tag = "hub", responses((status = 200, content_type = "text/plain")), security(("artel" = ["read:metrics"])))]
pub(super) async fn page(hub: web::Data<Hub>, who: Identity) -> Result<HttpResponse> {
    hub.metrics_answer(&who).await
}

/// The same.
#[utoipa::path(get, path = "/hub/api/metrics", tag = "hub", responses((status = 200, content_type = "text/plain")), security(("artel" = ["read:metrics"])))]
pub(super) async fn api(hub: web::Data<Hub>, who: Identity) -> Result<HttpResponse> {
    hub.metrics_answer(&who).await
}

impl Hub {
    async fn metrics_answer(&self, who: &Identity) -> Result<HttpResponse> {
        self.allow(who, &["read:metrics"], Over::Everything).await?;
        let text = self.metrics_text().await?;
        Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text))
    }
}
