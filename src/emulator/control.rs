//! The emulator's own calls, `_emulator/…`: turning its clock, and what it was asked.
//!
//! Owns their paths. They need no token, hit no fault and stand in no log.

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::json;

use super::api::json_answer;
use super::exchange::SharedState;

pub(super) fn routes() -> Router<Arc<SharedState>> {
    Router::new().route("/_emulator/clock", post(turn_clock)).route("/_emulator/requests", get(requests))
}

/// Turns the clock: `POST /_emulator/clock?advance=3h`.
async fn turn_clock(State(shared): State<Arc<SharedState>>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let advance = url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "advance");
    let Some(by) = advance.and_then(|(_, text)| humantime::parse_duration(&text).ok()) else {
        let error = json!({ "error": { "code": "BadRequest", "message": "Say by how much: ?advance=3h" } });
        return json_answer(StatusCode::BAD_REQUEST, &error);
    };
    let mut inner = shared.lock();
    inner.clock.turn(by);
    json_answer(StatusCode::OK, &json!({ "now": inner.clock.now() }))
}

/// The requests so far: `GET /_emulator/requests`.
async fn requests(State(shared): State<Arc<SharedState>>) -> Response {
    json_answer(StatusCode::OK, &shared.lock().log)
}
