//! Errors, in the forms in which the APIs tell them.
//!
//! Owns these forms. Which one is used, an API says, or the state file.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::json_answer;
use crate::emulator::scenario::ErrorForm;

/// An error that a call answers.
#[derive(Debug, Clone)]
pub(in crate::emulator) struct ErrorAnswer {
    pub status: u16,
    pub code: String,
    pub message: String,
    /// How it is told; none: as the API usually does.
    pub form: Option<ErrorForm>,
}

impl ErrorAnswer {
    pub fn new(status: u16, code: &str, message: &str) -> Self {
        Self { status, code: code.to_owned(), message: message.to_owned(), form: None }
    }

    pub fn response(&self, usual: ErrorForm) -> Response {
        let Self { code, message, .. } = self;
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        match self.form.unwrap_or(usual) {
            ErrorForm::Nested => json_answer(status, &json!({ "error": { "code": code, "message": message } })),
            ErrorForm::String => json_answer(status, &format!("{code} - {message}")),
            ErrorForm::Flat => json_answer(status, &json!({ "code": code, "message": message, "details": [] })),
            ErrorForm::StatusCode => json_answer(status, &json!({ "statusCode": self.status, "message": message })),
            ErrorForm::Text => {
                let inner = json!({ "code": code, "message": message });
                let text = format!("The request was not successful ({status}): {inner}");
                (status, [(header::CONTENT_TYPE, "text/plain")], text).into_response()
            }
        }
    }
}
