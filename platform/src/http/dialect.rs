//! The same error, as each API's clients expect it.

use super::Fault;
use crate::error::{Code, Error};
use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use serde_json::json;

/// How errors look on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `{"error": {"code", "message"}}`, Artel's own API.
    Artel,
    /// `{"error_code", "message"}` (mlflow/exceptions.py).
    Mlflow,
    /// `{"detail"}` (FastAPI, as Airflow's API); what does not fit is 422, with a list.
    Airflow,
    /// `{"status", "message"}` (jupyterhub/apihandlers/base.py).
    Jupyterhub,
    /// `<Error><Code/><Message/></Error>` (Amazon S3 API reference, "Error responses").
    S3,
}

/// MLflow's error names where the handler gave none, and the status of names whose status is not their code's
/// (mlflow/protos/databricks.proto, mlflow/exceptions.py `ERROR_CODE_TO_HTTP_STATUS`).
const MLFLOW_NAMES: &[(Code, &str)] = &[
    (Code::InvalidArgument, "INVALID_PARAMETER_VALUE"),
    (Code::Unauthenticated, "UNAUTHENTICATED"),
    (Code::PermissionDenied, "PERMISSION_DENIED"),
    (Code::NotFound, "RESOURCE_DOES_NOT_EXIST"),
    (Code::AlreadyExists, "RESOURCE_ALREADY_EXISTS"),
    (Code::FailedPrecondition, "INVALID_PARAMETER_VALUE"),
    (Code::ResourceExhausted, "REQUEST_LIMIT_EXCEEDED"),
    (Code::Unavailable, "TEMPORARILY_UNAVAILABLE"),
    (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"),
    (Code::Unimplemented, "NOT_IMPLEMENTED"),
    (Code::Internal, "INTERNAL_ERROR"),
];

/// The reason of an error that is 422 where 400 and 422 are told apart.
pub const UNPROCESSABLE: &str = "UNPROCESSABLE";

/// S3's error names where the handler gave none.
const S3_NAMES: &[(Code, &str)] = &[
    (Code::InvalidArgument, "InvalidRequest"),
    (Code::Unauthenticated, "AccessDenied"),
    (Code::PermissionDenied, "AccessDenied"),
    (Code::NotFound, "NoSuchKey"),
    (Code::AlreadyExists, "OperationAborted"),
    (Code::FailedPrecondition, "OperationAborted"),
    (Code::ResourceExhausted, "SlowDown"),
    (Code::Unavailable, "ServiceUnavailable"),
    (Code::DeadlineExceeded, "RequestTimeout"),
    (Code::Unimplemented, "NotImplemented"),
];

/// S3's errors whose status is not their code's.
const S3_STATUS: &[(&str, StatusCode)] = &[
    ("MethodNotAllowed", StatusCode::METHOD_NOT_ALLOWED),
    ("MissingContentLength", StatusCode::LENGTH_REQUIRED),
    ("PreconditionFailed", StatusCode::PRECONDITION_FAILED),
    ("InvalidRange", StatusCode::RANGE_NOT_SATISFIABLE),
];

/// What upstream says to whoever is not known (mlflow/server/auth/__init__.py `make_basic_auth_response`).
const MLFLOW_UNAUTHENTICATED: &str = "You are not authenticated. Please see https://www.mlflow.org/docs/latest/auth/index.html#authenticating-to-mlflow on how to authenticate.";

/// By which MLflow's client sorts errors: name, SQLSTATE, class (mlflow/error_classification.py). Names that are not
/// here have neither.
const MLFLOW_CLASSES: &[(&str, &str, &str)] = &[
    ("BAD_REQUEST", "KAM00", "INVALID_PARAMETER_VALUE"),
    ("CUSTOMER_UNAUTHORIZED", "KAM00", "PERMISSION_DENIED"),
    ("ENDPOINT_NOT_FOUND", "KAM00", "RESOURCE_NOT_FOUND"),
    ("INTERNAL_ERROR", "XXM00", "CLIENT_INTERNAL_ERROR"),
    ("INVALID_PARAMETER_VALUE", "KAM00", "INVALID_PARAMETER_VALUE"),
    ("INVALID_STATE", "XXM00", "CLIENT_INTERNAL_ERROR"),
    ("NOT_FOUND", "KAM00", "RESOURCE_NOT_FOUND"),
    ("PERMISSION_DENIED", "KAM00", "PERMISSION_DENIED"),
    ("RESOURCE_ALREADY_EXISTS", "KAM00", "RESOURCE_ALREADY_EXISTS"),
    ("RESOURCE_DOES_NOT_EXIST", "KAM00", "RESOURCE_NOT_FOUND"),
    ("TEMPORARILY_UNAVAILABLE", "XXM00", "CLIENT_INTERNAL_ERROR"),
];

/// Classes that are finer than their error's name: class, SQLSTATE, name.
const MLFLOW_FINER: &[(&str, &str, &str)] = &[("ATTRIBUTE_NOT_FOUND", "KAM04", "INVALID_PARAMETER_VALUE")];

impl Dialect {
    /// The response for `error`.
    pub fn render(self, error: &Error) -> HttpResponse {
        if error.code == Code::Internal {
            tracing::error!(error = %error.chain(), "internal error");
        }
        let status = self.status(error);
        let mut response = HttpResponseBuilder::new(status);
        if error.code == Code::Unavailable || error.code == Code::ResourceExhausted {
            response.insert_header((header::RETRY_AFTER, error.retry_after.unwrap_or(1).to_string()));
        }
        if status == StatusCode::UNAUTHORIZED {
            let realm = if self == Self::Mlflow { "Basic realm=\"mlflow\"" } else { "Basic realm=\"artel\"" };
            response.insert_header((header::WWW_AUTHENTICATE, realm));
        }
        match self {
            Self::Artel => response.json(json!({"error": {"code": error.code.grpc().to_string(), "message": error.message}})),
            Self::Mlflow if status == StatusCode::UNAUTHORIZED => {
                response.content_type("text/html; charset=utf-8").body(MLFLOW_UNAUTHENTICATED)
            }
            Self::Mlflow => response.json(mlflow_body(mlflow_name(error), &error.message)),
            Self::Airflow if error.faults.is_empty() => response.json(json!({"detail": error.message})),
            Self::Airflow => {
                let detail: Vec<_> = error.faults.iter().map(Fault::to_json).collect();
                response.json(json!({"detail": detail}))
            }
            Self::Jupyterhub => response.json(json!({"status": status.as_u16(), "message": error.message})),
            Self::S3 => response.content_type("application/xml").body(s3_body(error)),
        }
    }

    /// The response where the path is known and the method is not one of `allowed`.
    pub fn method_not_allowed(self, allowed: &str) -> HttpResponse {
        let error = Error::invalid(format!("this path has no such method; use {allowed}")).reason("BAD_REQUEST");
        let mut response = self.render(&error);
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        if let Ok(allowed) = header::HeaderValue::from_str(allowed) {
            response.headers_mut().insert(header::ALLOW, allowed);
        }
        response
    }

    fn status(self, error: &Error) -> StatusCode {
        match (self, error.code) {
            (Self::Mlflow, Code::AlreadyExists | Code::FailedPrecondition) => StatusCode::BAD_REQUEST,
            // JupyterHub never says 401: an unknown caller is simply not allowed
            (Self::Jupyterhub, Code::Unauthenticated) => StatusCode::FORBIDDEN,
            (Self::Airflow, Code::InvalidArgument) if !error.faults.is_empty() || error.reason == Some(UNPROCESSABLE) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            (Self::S3, Code::Unauthenticated) => StatusCode::FORBIDDEN,
            (Self::S3, code) => S3_STATUS.iter().find(|row| row.0 == s3_name(error)).map_or(code.http(), |row| row.1),
            (_, code) => code.http(),
        }
    }
}

fn mlflow_body(name: &str, message: &str) -> serde_json::Value {
    if let Some((class, sqlstate, name)) = MLFLOW_FINER.iter().find(|row| row.0 == name) {
        return json!({"error_code": name, "message": message, "sqlstate": sqlstate, "error_class": class});
    }
    match MLFLOW_CLASSES.iter().find(|row| row.0 == name) {
        Some((_, sqlstate, class)) => json!({"error_code": name, "message": message, "sqlstate": sqlstate, "error_class": class}),
        None => json!({"error_code": name, "message": message}),
    }
}

fn mlflow_name(error: &Error) -> &'static str {
    error.reason.unwrap_or_else(|| MLFLOW_NAMES.iter().find(|row| row.0 == error.code).map_or("INTERNAL_ERROR", |row| row.1))
}

fn s3_name(error: &Error) -> &'static str {
    error.reason.unwrap_or_else(|| S3_NAMES.iter().find(|row| row.0 == error.code).map_or("InternalError", |row| row.1))
}

fn s3_body(error: &Error) -> String {
    let message = error.message.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let message: String = message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let name = s3_name(error);
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{name}</Code><Message>{message}</Message></Error>")
}

/// Lets handlers return `Result<_, Error>`; the route's dialect replaces this form.
impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        self.code.http()
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}
