//! The one error type. A code says what kind of failure it is; the message is for the person who called and says
//! what is wrong, with which thing, and what to do; the source is for the log and never leaves the process.

use crate::http::Fault;
use actix_web::http::StatusCode;
use std::fmt;

/// A result with Artel's error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// What kind of failure it is; the names are gRPC's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// The request is malformed or breaks a rule that does not depend on state.
    InvalidArgument,
    /// Nobody is logged in, or the credential is wrong.
    Unauthenticated,
    /// Somebody is, and may not.
    PermissionDenied,
    /// The named thing is not there.
    NotFound,
    /// The thing to be made is there already.
    AlreadyExists,
    /// The request is fine, the state is not.
    FailedPrecondition,
    /// A limit was reached.
    ResourceExhausted,
    /// A dependency is away for now; the same call may work later.
    Unavailable,
    /// It took too long.
    DeadlineExceeded,
    /// Upstream has this, Artel does not.
    Unimplemented,
    /// A defect, or a broken disk.
    Internal,
}

/// Code, HTTP status, gRPC code: one row each.
const CODES: &[(Code, u16, tonic::Code)] = &[
    (Code::InvalidArgument, 400, tonic::Code::InvalidArgument),
    (Code::Unauthenticated, 401, tonic::Code::Unauthenticated),
    (Code::PermissionDenied, 403, tonic::Code::PermissionDenied),
    (Code::NotFound, 404, tonic::Code::NotFound),
    (Code::AlreadyExists, 409, tonic::Code::AlreadyExists),
    (Code::FailedPrecondition, 409, tonic::Code::FailedPrecondition),
    (Code::ResourceExhausted, 429, tonic::Code::ResourceExhausted),
    (Code::Unavailable, 503, tonic::Code::Unavailable),
    (Code::DeadlineExceeded, 504, tonic::Code::DeadlineExceeded),
    (Code::Unimplemented, 501, tonic::Code::Unimplemented),
    (Code::Internal, 500, tonic::Code::Internal),
];

impl Code {
    /// The HTTP status where the dialect names no other.
    pub fn http(self) -> StatusCode {
        let status = CODES.iter().find(|row| row.0 == self).map_or(500, |row| row.1);
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The gRPC status code.
    pub fn grpc(self) -> tonic::Code {
        CODES.iter().find(|row| row.0 == self).map_or(tonic::Code::Internal, |row| row.2)
    }
}

/// A failure on its way to whoever called.
pub struct Error {
    /// What kind.
    pub code: Code,
    /// For the caller: lowercase, what and which, no full stop.
    pub message: String,
    /// The upstream error name where the dialect has finer ones than [`Code`] (e.g. MLflow's `RESOURCE_ALREADY_EXISTS`).
    pub reason: Option<&'static str>,
    /// Seconds after which the same call may work, where that is known.
    pub retry_after: Option<u64>,
    /// What is wrong with the request, where the dialect shows each thing by itself.
    pub faults: Vec<Fault>,
    source: Option<Source>,
}

macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident => $code:ident;)+) => { impl Error { $(
        $(#[$doc])*
        pub fn $name(message: impl Into<String>) -> Self { Self::new(Code::$code, message) }
    )+ } };
}

constructors! {
    /// See [`Code::InvalidArgument`].
    invalid => InvalidArgument;
    /// See [`Code::Unauthenticated`].
    unauthenticated => Unauthenticated;
    /// See [`Code::PermissionDenied`].
    denied => PermissionDenied;
    /// See [`Code::NotFound`].
    not_found => NotFound;
    /// See [`Code::AlreadyExists`].
    exists => AlreadyExists;
    /// See [`Code::FailedPrecondition`].
    conflict => FailedPrecondition;
    /// See [`Code::ResourceExhausted`].
    exhausted => ResourceExhausted;
    /// See [`Code::Unavailable`].
    unavailable => Unavailable;
    /// See [`Code::DeadlineExceeded`].
    timeout => DeadlineExceeded;
    /// See [`Code::Unimplemented`].
    unimplemented => Unimplemented;
    /// See [`Code::Internal`].
    internal => Internal;
}

impl Error {
    /// An error with that code and message.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), reason: None, retry_after: None, faults: Vec::new(), source: None }
    }

    /// With the upstream's finer name.
    pub fn reason(mut self, reason: &'static str) -> Self {
        self.reason = Some(reason);
        self
    }

    /// With the seconds that the caller shall wait before trying again.
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// With the cause, for the log.
    pub fn because(mut self, source: impl Into<Source>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The whole chain of causes in one line, for the log.
    pub fn chain(&self) -> String {
        let mut text = self.message.clone();
        let mut next = self.source.as_deref().map(|s| s as &dyn std::error::Error);
        while let Some(cause) = next {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            next = cause.source();
        }
        text
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.code, self.chain())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|s| s as &(dyn std::error::Error + 'static))
    }
}

/// Adds what was being done to a foreign error, with a code.
pub trait ResultExt<T> {
    /// The failure becomes [`Code::Internal`] with this message and the original as its source.
    fn or_internal(self, message: &str) -> Result<T>;
    /// The failure becomes [`Code::Unavailable`].
    fn or_unavailable(self, message: &str) -> Result<T>;
    /// The failure becomes [`Code::InvalidArgument`]; the original's text is shown, it is about the caller's input.
    fn or_invalid(self, message: &str) -> Result<T>;
}

impl<T, E: Into<Source>> ResultExt<T> for std::result::Result<T, E> {
    fn or_internal(self, message: &str) -> Result<T> {
        self.map_err(|e| Error::internal(message).because(e))
    }
    fn or_unavailable(self, message: &str) -> Result<T> {
        self.map_err(|e| Error::unavailable(message).because(e))
    }
    fn or_invalid(self, message: &str) -> Result<T> {
        self.map_err(|e| {
            let source = e.into();
            Error::invalid(format!("{message}: {source}"))
        })
    }
}

impl From<Error> for tonic::Status {
    fn from(error: Error) -> Self {
        if error.code == Code::Internal {
            tracing::error!(error = %error.chain(), "internal error");
        }
        tonic::Status::new(error.code.grpc(), error.message)
    }
}

impl From<tonic::Status> for Error {
    fn from(status: tonic::Status) -> Self {
        let code = match status.code() {
            // the connection broke in the middle of an answer: ours never say these
            tonic::Code::Unknown | tonic::Code::Cancelled => Code::Unavailable,
            code => CODES.iter().find(|row| row.2 == code).map_or(Code::Internal, |row| row.0),
        };
        Error::new(code, status.message())
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => {
                Error::unavailable("the database does not answer; try again").because(error)
            }
            // PostgreSQL stores no NUL character (SQLSTATE 22021)
            sqlx::Error::Database(e) if e.code().as_deref() == Some("22021") => {
                Error::invalid("text must not contain the character NUL").because(error)
            }
            sqlx::Error::Database(e) if e.is_unique_violation() => Error::exists("a row with this key exists already").because(error),
            _ => Error::internal("the database refused a statement").because(error),
        }
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Error::internal("input or output failed").because(error)
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Error::internal("stored JSON cannot be read").because(error)
    }
}
