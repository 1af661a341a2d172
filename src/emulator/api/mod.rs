//! The APIs that the emulator speaks, one folder each.
//!
//! Owns what an API adds to the emulator: paths, documents, its form of an error. What is the same for all of them
//! (token, latency, faults, log) is in `exchange`.

mod cloud_partner;
mod error;
mod partner_center;
mod product_ingestion;

pub(super) use error::ErrorAnswer;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

use super::exchange::{ApiRoute, Carried, EmulatedRequest};
use super::scenario::{EmulatedPortal, ErrorForm};
use super::world::World;

/// All APIs. The first one answers paths that belong to none.
pub(super) const ALL: &[&dyn Api] =
    &[&cloud_partner::CloudPartnerApi, &partner_center::PartnerCenterApi, &product_ingestion::ProductIngestionApi];

/// The API that a path belongs to, known or not.
pub(super) fn of_path(path: &str) -> &'static dyn Api {
    ALL.iter().copied().find(|api| path.starts_with(api.prefix())).unwrap_or(ALL[0])
}

/// An API of the portal.
pub(super) trait Api: Send + Sync {
    /// What the state file calls it.
    fn portal(&self) -> EmulatedPortal;

    /// What all its paths begin with.
    fn prefix(&self) -> &'static str;

    fn routes(&self) -> Vec<ApiRoute>;

    /// How it tells an error, unless the state file says otherwise for that one.
    fn error_form(&self, world: &World) -> ErrorForm;

    /// Why a request is refused that has a token, before anything else is looked at.
    fn refusal(&self, world: &World, request: &EmulatedRequest) -> Option<ErrorAnswer>;

    /// Which offer a request is about, for the faults that name one.
    fn subject(&self, world: &World, request: &EmulatedRequest) -> CallSubject;

    /// Does what is asked.
    fn carry_out(&self, carried: &mut Carried<'_>, request: &EmulatedRequest) -> Result<Response, ErrorAnswer>;

    /// What is done to every answer. `served` counts the requests before this one.
    fn finish(&self, response: Response, served: u64) -> Response;
}

/// The publisher and the offer that a request is about; empty: it names none.
#[derive(Debug, Clone, Default)]
pub(super) struct CallSubject {
    pub publisher: String,
    pub offer: String,
}

pub(super) fn json_answer<T: Serialize + ?Sized>(status: StatusCode, value: &T) -> Response {
    let body = serde_json::to_vec(value).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
