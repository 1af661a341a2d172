//! The APIs that the emulator speaks, one folder or file each.
//!
//! Owns what an API adds to the emulator: paths, documents, its form of an error. What is the same for all of them
//! (token, latency, faults, log) is in `exchange`.

mod cloud_partner;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

use super::exchange::{ApiRoute, Carried, EmulatedRequest};
use super::world::World;

/// All APIs. The first one answers paths that belong to none.
pub(super) const ALL: &[&dyn Api] = &[&cloud_partner::CloudPartnerApi];

/// The API that a path belongs to, known or not.
pub(super) fn of_path(path: &str) -> &'static dyn Api {
    ALL.iter().copied().find(|api| path.starts_with(api.prefix())).unwrap_or(ALL[0])
}

/// An API of the portal.
pub(super) trait Api: Send + Sync {
    /// What all its paths begin with.
    fn prefix(&self) -> &'static str;

    fn routes(&self) -> Vec<ApiRoute>;

    /// An error, as this API tells it.
    fn error(&self, error: &ErrorAnswer) -> Response;

    /// Why a request is refused that has a token, before anything else is looked at.
    fn refusal(&self, request: &EmulatedRequest) -> Option<ErrorAnswer>;

    /// Which offer a request is about, for the faults that name one.
    fn subject(&self, world: &World, request: &EmulatedRequest) -> CallSubject;

    fn carry_out(&self, carried: &mut Carried<'_>, request: &EmulatedRequest) -> Response;

    /// What is done to every answer. `served` counts the requests before this one.
    fn finish(&self, response: Response, served: u64) -> Response;
}

/// The publisher and the offer that a request is about; empty: it names none.
#[derive(Debug, Clone, Default)]
pub(super) struct CallSubject {
    pub publisher: String,
    pub offer: String,
}

/// An error that a call answers.
#[derive(Debug, Clone)]
pub(super) struct ErrorAnswer {
    pub status: u16,
    pub code: String,
    pub message: String,
}

impl ErrorAnswer {
    pub fn new(status: u16, code: &str, message: &str) -> Self {
        Self { status, code: code.to_owned(), message: message.to_owned() }
    }

    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

pub(super) fn json_answer<T: Serialize + ?Sized>(status: StatusCode, value: &T) -> Response {
    let body = serde_json::to_vec(value).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
