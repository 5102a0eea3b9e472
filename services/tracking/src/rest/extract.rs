//! What upstream checks of each request, declared beside its handler; `platform::http` reads and checks.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use artel_platform::http::{Checks, read_mlflow};
use artel_platform::{Error, Result};
use artel_proto::json::Message;
use futures::future::LocalBoxFuture;

/// A message whose requests are checked.
pub(super) trait Checked: Message {
    /// What upstream checks.
    const CHECKS: Checks<Self>;
}

/// Declares what is checked: `checked!(LogParam, requires(run_id, key) { "run_id": [Required, Text], … })`.
macro_rules! checked {
    ($message:ident, requires($($required:ident),*) $(, also($it:ident => $also:expr))? $(, { $($field:literal: [$($check:ident),*]),* $(,)? })?) => {
        impl $crate::rest::extract::Checked for artel_proto::mlflow::$message {
            const CHECKS: artel_platform::http::Checks<Self> = artel_platform::http::Checks {
                rules: &[$($(artel_platform::http::Rule { field: $field, checks: &[$(artel_platform::http::Check::$check),*] }),*)?],
                complete: |_message| {
                    true $(&& $crate::rest::extract::Present::present(&_message.$required))* $(&& { let $it = _message; $also })?
                },
            };
        }
    };
}
pub(super) use checked;

/// Does a field hold something?
pub(super) trait Present {
    fn present(&self) -> bool;
}
impl Present for Option<String> {
    fn present(&self) -> bool {
        self.as_ref().is_some_and(|text| !text.is_empty())
    }
}
impl Present for Option<i64> {
    fn present(&self) -> bool {
        self.is_some()
    }
}
impl Present for Option<i32> {
    fn present(&self) -> bool {
        self.is_some()
    }
}
impl Present for Option<f64> {
    fn present(&self) -> bool {
        self.is_some()
    }
}
impl<T> Present for Vec<T> {
    fn present(&self) -> bool {
        !self.is_empty()
    }
}

/// A checked request, from its body or (GET) its query string.
pub(super) struct Request<T>(pub(super) T);

impl<T: Checked + 'static> FromRequest for Request<T> {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let read = read_mlflow(request.clone(), payload.take(), T::CHECKS);
        Box::pin(async move { read.await.map(Self) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;
    use artel_proto::mlflow::{CreateExperiment, GetMetricHistoryBulkInterval, LogBatch, LogMetric, SearchRuns};

    async fn read<T: Checked + 'static>(request: TestRequest) -> Result<T> {
        let (request, mut payload) = request.to_http_parts();
        Request::<T>::from_request(&request, &mut payload).await.map(|request| request.0)
    }

    fn post(body: &'static str) -> TestRequest {
        TestRequest::post().insert_header(("content-type", "application/json")).set_payload(body)
    }

    async fn refusal<T: Checked + std::fmt::Debug + 'static>(body: &'static str) -> String {
        read::<T>(post(body)).await.unwrap_err().message
    }

    #[actix_web::test]
    async fn wrong_types_are_named() {
        assert!(
            refusal::<CreateExperiment>(r#"{"name": 123}"#)
                .await
                .starts_with("Invalid value 123 for parameter 'name' supplied:  Hint: Value was of type 'int'.")
        );
        assert!(
            refusal::<CreateExperiment>(r#"{"name": "a", "artifact_location": 9.0}"#)
                .await
                .starts_with("Invalid value 9.0 for parameter 'artifact_location'")
        );
        assert!(refusal::<CreateExperiment>(r#"{"name": "a", "tags": "5"}"#).await.starts_with("Invalid value \"5\" for parameter 'tags'"));
        assert!(
            refusal::<LogMetric>(r#"{"run_id": "a", "key": "k", "value": 1, "timestamp": "foo"}"#)
                .await
                .starts_with("Invalid value \"foo\" for parameter 'timestamp' supplied")
        );
        assert!(
            refusal::<SearchRuns>(r#"{"max_results": 123456789}"#)
                .await
                .starts_with("Invalid value 123456789 for parameter 'max_results' supplied")
        );
    }

    #[actix_web::test]
    async fn missing_values_are_named() {
        for body in ["{}", "", "nonsense", "null", "\"{}\""] {
            assert!(refusal::<CreateExperiment>(body).await.starts_with("Missing value for required parameter 'name'."), "{body}");
        }
        let body = r#"{"run_id": "a", "metrics": [{"key": "mae", "value": 2.5}]}"#;
        assert!(refusal::<LogBatch>(body).await.starts_with("Missing value for required parameter 'metrics[0].timestamp'."));
        assert!(refusal::<LogBatch>("[1]").await.ends_with("it must be a JSON object"));
        assert!(read::<LogBatch>(TestRequest::post().set_payload("{}")).await.unwrap_err().message.contains("Content-Type"));
    }

    #[actix_web::test]
    async fn two_spellings_are_refused_and_old_ones_read() {
        let body = r#"{"run_id": "a", "metrics": [{"modelId": "x", "model_id": "y"}]}"#;
        assert!(refusal::<LogBatch>(body).await.contains("both 'model_id' and 'modelId'"));
        let message: LogMetric = read(post(r#"{"run_uuid": "a", "key": "k", "value": "NaN", "timestamp": 1}"#)).await.unwrap();
        assert!(message.value().is_nan() && message.run_uuid() == "a");
    }

    #[actix_web::test]
    async fn query_strings_become_messages() {
        let uri = "/?run_ids=a&run_ids=b&metric_key=m%20x&max_results=3&other=1";
        let message: GetMetricHistoryBulkInterval = read(TestRequest::get().uri(uri)).await.unwrap();
        assert_eq!((message.run_ids.len(), message.metric_key(), message.max_results()), (2, "m x", 3));
    }
}
