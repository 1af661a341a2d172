//! The paths of the API, their checks and their documents.
//!
//! Owns what a call answers in which order: token, version of the API, faults, publisher,
//! offer, entity tag, and then what the state machine says.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::stream;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::emulator::clock::Clock;
use crate::emulator::faults::Faults;
use crate::emulator::scenario::{Call, ConnectionFault, FaultSpec, FaultTime, LocationStyle, Scenario, Spelling};
use crate::emulator::server::LoggedRequest;
use crate::emulator::world::{Offer, Operation, STEPS, Started, World};
use crate::portal::cloud_partner::wire::{API_VERSION, Message, OperationDocument, StepDocument, Submission};

/// How many requests the log keeps.
const LOG_LENGTH: usize = 100_000;

/// What all connections share.
pub(in crate::emulator) struct Shared {
    token: Option<String>,
    latency: Duration,
    pub origin: String,
    inner: Mutex<Inner>,
}

pub(in crate::emulator) struct Inner {
    world: World,
    faults: Faults,
    pub clock: Clock,
    pub log: Vec<LoggedRequest>,
}

/// Marks an answer that must not arrive: the connection is closed instead.
#[derive(Clone, Copy)]
pub(in crate::emulator) struct CloseConnection;

impl Shared {
    pub fn new(scenario: Scenario, origin: String) -> Self {
        // In whole seconds, as people write times.
        let start = scenario.clock.now.unwrap_or_else(Timestamp::now);
        let start = Timestamp::from_second(start.as_second()).unwrap_or(start);
        let clock = Clock::new(start, scenario.clock.speed);
        let inner = Inner {
            world: World::new(scenario.offers, start),
            faults: Faults::new(scenario.faults),
            clock,
            log: Vec::new(),
        };
        Self { token: scenario.token, latency: scenario.latency, origin, inner: Mutex::new(inner) }
    }

    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic while it was held has left a state that is still one.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request as the handlers need it.
struct Request {
    call: Call,
    method: Method,
    parameters: HashMap<String, String>,
    query: HashMap<String, String>,
    headers: HeaderMap,
    body: Bytes,
}

impl Request {
    fn parameter(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
    }
}

pub(in crate::emulator) fn router(shared: Arc<Shared>) -> Router {
    macro_rules! call {
        ($method:ident, $call:expr) => {
            $method(
                |State(shared): State<Arc<Shared>>,
                 Path(parameters): Path<HashMap<String, String>>,
                 method: Method,
                 uri: Uri,
                 RawQuery(query): RawQuery,
                 headers: HeaderMap,
                 body: Bytes| async move {
                    let query =
                        url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
                    let request = Request { call: $call, method, parameters, query, headers, body };
                    serve(&shared, &uri, request).await
                },
            )
        };
    }
    use axum::routing::put;
    let offer = "/api/publishers/{publisher}/offers/{offer}";
    Router::new()
        .route("/api/publishers/{publisher}/offers", call!(get, Call::Offers))
        .route(offer, call!(get, Call::Offer).merge(call!(put, Call::Update)))
        .route(&format!("{offer}/versions/{{version}}"), call!(get, Call::Offer))
        .route(&format!("{offer}/slot/{{slot}}"), call!(get, Call::Offer))
        .route(&format!("{offer}/status"), call!(get, Call::Status))
        .route(&format!("{offer}/submissions/"), call!(get, Call::Submissions))
        .route(&format!("{offer}/operations/{{operation}}"), call!(get, Call::Operation))
        .route("/api/operations/{operation}", call!(get, Call::Operation))
        .route(&format!("{offer}/publish"), call!(post, Call::Publish))
        .route(&format!("{offer}/golive"), call!(post, Call::GoLive))
        .route(&format!("{offer}/cancel"), call!(post, Call::Cancel))
        .route("/_emulator/clock", post(turn_clock))
        .route("/_emulator/requests", get(requests))
        .fallback(|| async { error(StatusCode::NOT_FOUND, "ResourceNotFound", "There is no such call in this API.") })
        .with_state(shared)
}

/// Turns the clock: `POST /_emulator/clock?advance=3h`.
async fn turn_clock(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let advance = url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "advance");
    let Some(by) = advance.and_then(|(_, text)| humantime::parse_duration(&text).ok()) else {
        return error(StatusCode::BAD_REQUEST, "BadRequest", "Say by how much: ?advance=3h");
    };
    let mut inner = shared.lock();
    inner.clock.turn(by);
    document(StatusCode::OK, &json!({ "now": inner.clock.now() }))
}

/// The requests so far: `GET /_emulator/requests`.
async fn requests(State(shared): State<Arc<Shared>>) -> Response {
    document(StatusCode::OK, &shared.lock().log)
}

async fn serve(shared: &Shared, uri: &Uri, request: Request) -> Response {
    if !shared.latency.is_zero() {
        tokio::time::sleep(shared.latency).await;
    }
    let (response, hang) = {
        let mut inner = shared.lock();
        let (response, hang) = answer(shared, &mut inner, &request);
        if inner.log.len() < LOG_LENGTH {
            let entry = LoggedRequest {
                method: request.method.to_string(),
                path: uri.path().to_owned(),
                status: response.status().as_u16(),
                if_match: header_text(&request.headers, &header::IF_MATCH),
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

fn header_text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

fn answer(shared: &Shared, inner: &mut Inner, request: &Request) -> (Response, bool) {
    if let Some(refusal) = unauthorized(shared, request) {
        return (refusal, false);
    }
    if request.query.get("api-version").map(String::as_str) != Some(API_VERSION) {
        let text = format!("The api-version of this API is {API_VERSION}.");
        return (error(StatusCode::BAD_REQUEST, "InvalidAPIVersion", &text), false);
    }
    let now = inner.clock.now();
    inner.world.advance(now);
    let (publisher, offer) = ids(request);
    match inner.faults.hit(request.call, &publisher, &offer) {
        None => (carry_out(shared, inner, request, now), false),
        Some(fault) => {
            let real = match fault.when {
                FaultTime::Before => None,
                FaultTime::After => Some(carry_out(shared, inner, request, now)),
            };
            faulty(&fault, real)
        }
    }
}

/// Publisher and offer of a request, also from the old form `contoso$contoso-offer$2$preview`.
fn ids(request: &Request) -> (String, String) {
    let publisher = request.parameter("publisher");
    if publisher.is_empty() {
        let mut parts = request.parameter("operation").split('$').map(str::to_owned);
        (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
    } else {
        (publisher.to_owned(), request.parameter("offer").to_owned())
    }
}

fn unauthorized(shared: &Shared, request: &Request) -> Option<Response> {
    let header = header_text(&request.headers, &header::AUTHORIZATION).unwrap_or_default();
    let token = header.strip_prefix("Bearer ").unwrap_or_default();
    let accepted = shared.token.as_ref().map_or(!token.is_empty(), |expected| expected == token);
    (!accepted).then(|| {
        let text = "The request has no bearer token, or one that is not accepted.";
        error(StatusCode::UNAUTHORIZED, "Unauthorized", text)
    })
}

fn faulty(fault: &FaultSpec, real: Option<Response>) -> (Response, bool) {
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
            let status = real.map_or(StatusCode::OK, |real| real.status());
            (status, [(header::CONTENT_LENGTH, "4096")], Body::from_stream(broken)).into_response()
        }
        None => {
            let status = fault.status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or_default();
            let code = fault.code.as_deref().unwrap_or("Fault");
            error(status, code, fault.message.as_deref().unwrap_or("A fault of the emulator's state file."))
        }
    };
    if let Some(value) = fault.retry_after.as_ref().and_then(|text| text.parse().ok()) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    (response, false)
}

fn carry_out(shared: &Shared, inner: &mut Inner, request: &Request, now: Timestamp) -> Response {
    let (publisher, offer_id) = ids(request);
    if !inner.world.has_publisher(&publisher) {
        return error(
            StatusCode::FORBIDDEN,
            "Forbidden",
            "The client has no access to the namespace of this publisher.",
        );
    }
    if request.call == Call::Offers {
        let offers: Vec<Value> = inner.world.offers_of(&publisher).map(|offer| offer_document(offer, now)).collect();
        return document(StatusCode::OK, &offers);
    }
    let Some(offer) = inner.world.offer_mut(&publisher, &offer_id) else {
        return error(StatusCode::NOT_FOUND, "OfferNotFound", "There is no such offer.");
    };
    let etag = offer.etag();
    let writes = matches!(request.call, Call::Update | Call::Publish | Call::GoLive | Call::Cancel);
    if let Some(wanted) = header_text(&request.headers, &header::IF_MATCH)
        && writes
        && wanted != "*"
        && wanted != etag
    {
        let text = "The offer was changed since it was read.";
        return error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed", text);
    }
    match request.call {
        Call::Offers | Call::Any | Call::Offer => {
            with_etag(document(StatusCode::OK, &offer_document(offer, now)), &etag)
        }
        Call::Status => document(StatusCode::OK, &status_document(offer, now)),
        Call::Submissions => {
            let filter = request.query.get("status").map(|text| text.to_lowercase());
            let wanted = |operation: &&Operation| match filter.as_deref() {
                None | Some("" | "all") => true,
                Some("running") => operation.is_running(),
                Some(status) => operation.status == status,
            };
            let list: Vec<Submission> =
                offer.submissions().filter(wanted).map(|operation| submission(offer, operation)).collect();
            document(StatusCode::OK, &list)
        }
        Call::Operation => operation_answer(offer, request.parameter("operation"), now),
        Call::Update => {
            let Ok(definition) = serde_json::from_slice::<Value>(&request.body) else {
                return error(StatusCode::BAD_REQUEST, "BadRequest", "The body is not JSON.");
            };
            offer.definition = definition.get("definition").cloned().unwrap_or(definition);
            offer.revision += 1;
            let etag = offer.etag();
            with_etag(document(StatusCode::OK, &offer_document(offer, now)), &etag)
        }
        Call::Publish | Call::GoLive | Call::Cancel => {
            if !request.body.is_empty() && serde_json::from_slice::<Value>(&request.body).is_err() {
                return error(StatusCode::BAD_REQUEST, "BadRequest", "The body is not JSON.");
            }
            let (migrated, style) = (offer.spec.migrated, offer.spec.location);
            let started = match request.call {
                Call::Publish => inner.world.publish(&publisher, &offer_id, now),
                Call::GoLive => inner.world.go_live(&publisher, &offer_id, now),
                _ => inner.world.cancel(&publisher, &offer_id, now),
            };
            match started {
                None => error(StatusCode::NOT_FOUND, "OfferNotFound", "There is no such offer."),
                Some(Started::Done) => StatusCode::OK.into_response(),
                Some(Started::Refused(status, code, text)) => {
                    error(StatusCode::from_u16(status).unwrap_or(StatusCode::CONFLICT), &code, &text)
                }
                Some(Started::Accepted(id)) => {
                    let path = if migrated {
                        format!("/api/publishers/{publisher}/offers/{offer_id}/operations/{id}")
                    } else {
                        format!("/api/operations/{publisher}${offer_id}$2$preview")
                    };
                    accepted(&shared.origin, style, &path)
                }
            }
        }
    }
}

fn accepted(origin: &str, style: LocationStyle, path: &str) -> Response {
    let mut response = StatusCode::ACCEPTED.into_response();
    let (name, value) = match style {
        LocationStyle::Path => (header::LOCATION, format!("{path}?api-version={API_VERSION}")),
        LocationStyle::Absolute => (HeaderName::from_static("operation-location"), format!("{origin}{path}")),
        LocationStyle::None => return response,
    };
    if let Ok(value) = value.parse() {
        response.headers_mut().insert(name, value);
    }
    response
}

fn operation_answer(offer: &mut Offer, id: &str, now: Timestamp) -> Response {
    let (wrapped, step_time) = (offer.spec.wrapped, offer.spec.step_time);
    // The old form names no operation: it is the latest one of the offer.
    let latest = offer.operations.last().map(|operation| operation.id.clone());
    let id = if id.contains('$') { latest.unwrap_or_default() } else { id.to_owned() };
    let publishing_version = offer.publishing_version;
    match offer.poll(&id, now) {
        None => error(StatusCode::NOT_FOUND, "OperationNotFound", "There is no such operation."),
        Some(operation) => {
            let described = operation_document(operation, publishing_version, step_time, now);
            if wrapped { document(StatusCode::OK, &[described]) } else { document(StatusCode::OK, &described) }
        }
    }
}

fn operation_document(operation: &Operation, version: u64, step_time: Duration, now: Timestamp) -> OperationDocument {
    let steps = STEPS.iter().enumerate().map(|(index, (id, name, estimate))| {
        let message = operation.message.as_ref().filter(|_| index == operation.step);
        StepDocument {
            estimated_time_frame: Some((*estimate).to_owned()),
            id: Some((*id).to_owned()),
            step_name: Some((*name).to_owned()),
            description: Some(format!("{name} of the offer.")),
            status: Some(operation.status_of(index)),
            progress_percentage: Some(operation.progress_of(index, step_time, now)),
            messages: message
                .map(|text| Message {
                    message_html: Some(text.clone()),
                    level: Some("error".to_owned()),
                    timestamp: Some(operation.changed.to_string()),
                })
                .into_iter()
                .collect(),
        }
    });
    OperationDocument {
        status: Some(operation.status.clone()),
        messages: Vec::new(),
        publishing_version: Some(version),
        offer_version: Some(1),
        cancellation_request_state: operation.cancellation.clone().map(Value::String),
        steps: if operation.kind == "cancel" { Vec::new() } else { steps.collect() },
    }
}

fn submission(offer: &Offer, operation: &Operation) -> Submission {
    let common = Submission {
        id: operation.id.clone(),
        offer_id: Some("56615b67-2185-49fe-80d2-c4ddf77bb2e8".to_owned()),
        offer_version: Some(1),
        offer_type_id: Some(offer.spec.kind.clone()),
        publisher_id: Some(offer.spec.publisher.to_string()),
        submission_type: Some(operation.kind.clone()),
        publishing_version: Some(offer.publishing_version),
        slot: Some("staging".to_owned()),
        version: Some(636_576_975_611_768_314 + offer.revision),
        ..Submission::default()
    };
    match offer.spec.spelling {
        Spelling::Example => Submission {
            submission_state: Some(operation.status.clone()),
            changed_time: Some(operation.changed.to_string()),
            ..common
        },
        Spelling::Table => Submission {
            status: Some(operation.status.clone()),
            created_date_time: Some(operation.created.to_string()),
            last_action_date_time: Some(operation.changed.to_string()),
            ..common
        },
    }
}

/// The state word of an offer.
fn offer_state(offer: &Offer) -> &'static str {
    match (offer.running(), offer.submissions().last()) {
        (Some(running), _) if running.step_status.as_deref() == Some("waitingForPublisherReview") => {
            "waitingForPublisherReview"
        }
        (Some(_), _) => "running",
        (None, None) => "neverPublished",
        (None, Some(last)) => match last.status.as_str() {
            "canceled" => "canceled",
            "failed" => "failed",
            _ => "succeeded",
        },
    }
}

fn offer_document(offer: &Offer, now: Timestamp) -> Value {
    json!({
        "offerTypeId": offer.spec.kind,
        "publisherId": offer.spec.publisher,
        "id": offer.spec.id,
        "status": offer_state(offer),
        "version": offer.revision,
        "definition": offer.definition,
        "changedTime": offer.operations.iter().map(|operation| operation.changed).max().unwrap_or(now),
    })
}

fn status_document(offer: &Offer, now: Timestamp) -> Value {
    let last = offer.running().or_else(|| offer.submissions().last());
    let steps =
        last.map(|operation| operation_document(operation, offer.publishing_version, offer.spec.step_time, now).steps);
    json!({
        "status": offer_state(offer),
        "messages": [],
        "steps": steps.unwrap_or_default(),
        "previewLinks": [],
        "liveLinks": [],
    })
}

fn document<T: serde::Serialize + ?Sized>(status: StatusCode, value: &T) -> Response {
    let body = serde_json::to_vec(value).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn with_etag(mut response: Response, etag: &str) -> Response {
    if let Ok(value) = etag.parse() {
        response.headers_mut().insert(header::ETAG, value);
    }
    response
}

fn error(status: StatusCode, code: &str, message: &str) -> Response {
    document(status, &json!({ "error": { "code": code, "message": message } }))
}
