//! What every call goes through, whichever API it belongs to.
//!
//! Owns the order: latency, token, what the API asks of every request, faults, and then the call itself; and the
//! state that all connections share, with the log of requests.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodFilter, on};
use futures_util::stream;
use jiff::Timestamp;

use super::api::{self, Api, ErrorAnswer};
use super::clock::EmulatedClock;
use super::control;
use super::faults::Faults;
use super::scenario::{ConnectionFault, EmulatedCall, ErrorForm, FaultSpec, FaultTime, Scenario};
use super::server::LoggedRequest;
use super::world::{World, WorldSettings};

/// How many requests the log keeps.
const LOG_LENGTH: usize = 100_000;

/// What all connections share.
pub(super) struct SharedState {
    token: Option<String>,
    latency: Duration,
    origin: String,
    inner: Mutex<LockedState>,
}

/// What changes with the requests.
pub(super) struct LockedState {
    pub clock: EmulatedClock,
    pub log: Vec<LoggedRequest>,
    world: World,
    faults: Faults,
    /// How many requests there were.
    served: u64,
}

/// Marks an answer that must not arrive: the connection is closed instead.
#[derive(Clone, Copy)]
pub(super) struct CloseConnection;

/// A request as an API needs it.
pub(super) struct EmulatedRequest {
    pub call: EmulatedCall,
    pub body: Bytes,
    method: Method,
    uri: Uri,
    parameters: HashMap<String, String>,
    query: HashMap<String, String>,
    headers: HeaderMap,
}

impl EmulatedRequest {
    /// A part of the path; empty where the path has none of this name.
    pub fn parameter(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
    }

    /// A parameter of the query. Letter case carries no meaning in its name.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.get(&name.to_lowercase()).map(String::as_str)
    }

    pub fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    }

    /// Whether the body is JSON, or none at all.
    pub fn has_json_or_no_body(&self) -> bool {
        self.body.is_empty() || serde_json::from_slice::<serde::de::IgnoredAny>(&self.body).is_ok()
    }
}

/// What a call works on.
pub(super) struct Carried<'a> {
    pub world: &'a mut World,
    pub now: Timestamp,
    /// What absolute URLs begin with.
    pub origin: &'a str,
}

impl SharedState {
    pub fn new(scenario: Scenario, origin: String) -> Self {
        // In whole seconds, as people write times.
        let start = scenario.clock.now.unwrap_or_else(Timestamp::now);
        let start = Timestamp::from_second(start.as_second()).unwrap_or(start);
        let settings =
            WorldSettings { partner_center: scenario.partner_center, product_ingestion: scenario.product_ingestion };
        let inner = LockedState {
            clock: EmulatedClock::new(start, scenario.clock.speed),
            log: Vec::new(),
            world: World::new(settings, &scenario.offers, start),
            faults: Faults::new(scenario.faults),
            served: 0,
        };
        Self { token: scenario.token, latency: scenario.latency, origin, inner: Mutex::new(inner) }
    }

    pub fn lock(&self) -> MutexGuard<'_, LockedState> {
        // A panic while it was held has left a state that is still one.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accepts(&self, request: &EmulatedRequest) -> bool {
        let header = request.header("authorization").unwrap_or_default();
        let token = header.strip_prefix("Bearer ").unwrap_or_default();
        self.token.as_ref().map_or(!token.is_empty(), |expected| expected == token)
    }
}

/// All APIs and the emulator's own calls.
pub(super) fn router(shared: Arc<SharedState>) -> Router {
    let mut router = control::routes().fallback(unknown);
    for api in api::ALL {
        router = router.merge(routes(*api));
    }
    router.with_state(shared)
}

async fn unknown(State(shared): State<Arc<SharedState>>, uri: Uri) -> Response {
    let refusal = ErrorAnswer::new(404, "ResourceNotFound", "There is no such call in this API.");
    refusal.response(api::of_path(uri.path()).error_form(&shared.lock().world))
}

fn routes(api: &'static dyn Api) -> Router<Arc<SharedState>> {
    api.routes().into_iter().fold(Router::new(), |router, (method, path, call)| {
        let answer = move |State(shared): State<Arc<SharedState>>,
                           Path(parameters): Path<HashMap<String, String>>,
                           method: Method,
                           uri: Uri,
                           RawQuery(query): RawQuery,
                           headers: HeaderMap,
                           body: Bytes| async move {
            let query = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
                .map(|(name, value)| (name.to_lowercase(), value.into_owned()))
                .collect();
            serve(&shared, api, EmulatedRequest { call, body, method, uri, parameters, query, headers }).await
        };
        router.route(&path, on(method, answer))
    })
}

/// `GET`, `POST` and so on, with the path and the call that it is.
pub(super) type ApiRoute = (MethodFilter, String, EmulatedCall);

async fn serve(shared: &SharedState, api: &dyn Api, request: EmulatedRequest) -> Response {
    if !shared.latency.is_zero() {
        tokio::time::sleep(shared.latency).await;
    }
    let (response, hang) = {
        let mut inner = shared.lock();
        let (response, hang) = answer(shared, api, &mut inner, &request);
        let response = api.finish(response, inner.served);
        inner.served += 1;
        if inner.log.len() < LOG_LENGTH {
            let entry = LoggedRequest {
                method: request.method.to_string(),
                path: request.uri.path().to_owned(),
                query: request.uri.query().map(str::to_owned),
                status: response.status().as_u16(),
                if_match: request.header("if-match"),
                body: String::from_utf8_lossy(&request.body).into_owned(),
            };
            inner.log.push(entry);
        }
        (response, hang)
    };
    if hang {
        std::future::pending::<()>().await;
    }
    response
}

/// The answer, and whether it never comes.
fn answer(shared: &SharedState, api: &dyn Api, inner: &mut LockedState, request: &EmulatedRequest) -> (Response, bool) {
    let form = api.error_form(&inner.world);
    if !shared.accepts(request) {
        let text = "The request has no bearer token, or one that is not accepted.";
        return (ErrorAnswer::new(401, "Unauthorized", text).response(form), false);
    }
    if let Some(refusal) = api.refusal(&inner.world, request) {
        return (refusal.response(form), false);
    }
    let now = inner.clock.now();
    inner.world.advance(now);
    let subject = api.subject(&inner.world, request);
    let fault = inner.faults.hit(api.portal(), request.call, &subject);
    let mut carry_out = || {
        let mut carried = Carried { world: &mut inner.world, now, origin: &shared.origin };
        api.carry_out(&mut carried, request).unwrap_or_else(|error| error.response(form))
    };
    match fault {
        None => (carry_out(), false),
        Some(fault) => {
            let real = match fault.when {
                FaultTime::Before => None,
                FaultTime::After => Some(carry_out()),
            };
            faulty(&fault, form, real.as_ref())
        }
    }
}

/// The answer that a fault makes, and whether it never comes.
fn faulty(fault: &FaultSpec, form: ErrorForm, real: Option<&Response>) -> (Response, bool) {
    let mut response = match fault.connection {
        Some(ConnectionFault::Drop) => {
            let mut response = StatusCode::OK.into_response();
            response.extensions_mut().insert(CloseConnection);
            response
        }
        Some(ConnectionFault::Hang) => return (StatusCode::OK.into_response(), true),
        Some(ConnectionFault::Truncate) => {
            let broken =
                stream::iter([Ok(Bytes::from_static(b"[{\"id\": ")), Err(std::io::Error::other("closed half-way"))]);
            let status = real.map_or(StatusCode::OK, Response::status);
            (status, [(header::CONTENT_LENGTH, "4096")], Body::from_stream(broken)).into_response()
        }
        None => {
            let error = ErrorAnswer {
                status: fault.status.unwrap_or(500),
                code: fault.code.clone().unwrap_or_else(|| "Fault".to_owned()),
                message: fault.message.clone().unwrap_or_else(|| "A fault of the emulator's state file.".to_owned()),
                form: fault.form,
            };
            let response = error.response(form);
            match &fault.body {
                Some(body) => response.map(|_| Body::from(body.clone())),
                None => response,
            }
        }
    };
    if let Some(value) = fault.retry_after.as_ref().and_then(|text| text.parse().ok()) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    (response, false)
}
