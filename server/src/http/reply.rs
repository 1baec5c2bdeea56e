//! Answers, good and bad.
//!
//! Invariant: every failure's body is JSON with a non-empty `error`.

use std::fmt::Display;

use roost_engine::error::{Code, Error, Kind};
use serde_json::{Value as Json, json};

use crate::project::ProjectError;
use crate::template::TemplateError;

/// An answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Reply {
    /// HTTP status.
    pub(super) status: u16,
    /// Headers; Content-Type among them.
    pub(super) headers: Vec<(&'static str, String)>,
    /// Body.
    pub(super) body: Vec<u8>,
}

impl Reply {
    /// JSON, 200.
    pub(super) fn json(value: &Json) -> Reply {
        Reply::with("application/json; charset=utf-8", value.to_string())
    }

    /// JSON under another status.
    pub(super) fn json_as(status: u16, value: &Json) -> Reply {
        Reply {
            status,
            ..Reply::json(value)
        }
    }

    /// Exactly `text/plain`: the client compares the whole header.
    pub(super) fn text(body: impl Into<Vec<u8>>) -> Reply {
        Reply::with("text/plain", body)
    }

    /// A body of any type, 200.
    pub(super) fn with(content_type: &str, body: impl Into<Vec<u8>>) -> Reply {
        Reply {
            status: 200,
            headers: vec![("Content-Type", content_type.to_owned())],
            body: body.into(),
        }
    }

    /// No body.
    pub(super) fn empty(status: u16) -> Reply {
        Reply {
            status,
            ..Reply::default()
        }
    }
}

/// A refusal.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    /// HTTP status.
    pub(super) status: u16,
    /// What was found and what was expected.
    pub(super) message: String,
    /// More headers.
    pub(super) headers: Vec<(&'static str, String)>,
}

/// Result of a handler.
pub(super) type Handled<T = Reply> = Result<T, Failure>;

impl Failure {
    /// A refusal.
    pub(super) fn new(status: u16, message: impl Display) -> Failure {
        Failure {
            status,
            message: message.to_string(),
            headers: Vec::new(),
        }
    }

    /// 400.
    pub(super) fn bad(message: impl Display) -> Failure {
        Failure::new(400, message)
    }

    /// 404.
    pub(super) fn not_found(message: impl Display) -> Failure {
        Failure::new(404, message)
    }

    /// 403.
    pub(super) fn forbidden(message: impl Display) -> Failure {
        Failure::new(403, message)
    }

    /// 400 with the words for what is known and not built.
    pub(super) fn not_implemented(what: impl Display) -> Failure {
        Failure::new(400, format!("NOT_IMPLEMENTED: {what}"))
    }

    /// As an answer.
    pub(super) fn into_reply(self) -> Reply {
        let message = if self.message.is_empty() {
            "unknown error".to_owned()
        } else {
            self.message
        };
        let mut reply = Reply::json_as(self.status, &json!({ "error": message }));
        reply.headers.extend(self.headers);
        reply
    }
}

/// The status for an error of the database.
pub(super) fn status_of(e: &Error) -> u16 {
    match e.code() {
        Code::UNKNOWN_TABLE | Code::UNKNOWN_DATABASE => 404,
        Code::ACCESS_DENIED => 403,
        Code::TIMEOUT_EXCEEDED => 408,
        Code::TABLE_ALREADY_EXISTS => 409,
        _ => match e.kind() {
            Kind::Bug | Kind::CorruptData | Kind::Io => 500,
            Kind::ReadOnly => 503,
            _ => 400,
        },
    }
}

impl From<Error> for Failure {
    fn from(e: Error) -> Self {
        Failure::new(status_of(&e), format!("[Error] {e} ({})", e.code().name()))
    }
}

impl From<ProjectError> for Failure {
    fn from(e: ProjectError) -> Self {
        match e {
            ProjectError::Database(e) => e.into(),
            e => Failure::new(e.status(), e),
        }
    }
}

impl From<TemplateError> for Failure {
    fn from(e: TemplateError) -> Self {
        Failure::new(e.status, e.message)
    }
}
