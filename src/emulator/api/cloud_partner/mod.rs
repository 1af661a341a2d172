//! The Cloud Partner Portal publishing API: its paths and their checks.
//!
//! Owns what a call answers in which order: version of the API, publisher, offer, entity tag, and then what the
//! state machine says.

mod documents;

use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::MethodFilter;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Api, CallSubject, ErrorAnswer, json_answer};
use crate::emulator::exchange::{ApiRoute, Carried, EmulatedRequest};
use crate::emulator::scenario::{EmulatedCall, EmulatedPortal, ErrorForm, LocationStyle};
use crate::emulator::world::{EmulatedOffer, EmulatedOperation, StartAnswer, World};
use crate::portal::cloud_partner::wire::{API_VERSION, Submission};

/// That API.
pub(super) struct CloudPartnerApi;

impl Api for CloudPartnerApi {
    fn portal(&self) -> EmulatedPortal {
        EmulatedPortal::CloudPartner
    }

    fn prefix(&self) -> &'static str {
        "/api/"
    }

    fn routes(&self) -> Vec<ApiRoute> {
        use EmulatedCall as Call;
        let (get, post) = (MethodFilter::GET, MethodFilter::POST);
        let offers = "/api/publishers/{publisher}/offers";
        let of_offer = |method, rest: &str, call| (method, format!("{offers}/{{offer}}{rest}"), call);
        vec![
            (get, offers.to_owned(), Call::Offers),
            of_offer(get, "", Call::Offer),
            of_offer(MethodFilter::PUT, "", Call::Update),
            of_offer(get, "/versions/{version}", Call::Offer),
            of_offer(get, "/slot/{slot}", Call::Offer),
            of_offer(get, "/status", Call::Status),
            of_offer(get, "/submissions/", Call::Submissions),
            of_offer(get, "/operations/{operation}", Call::Operation),
            of_offer(get, "/operations/{operation}/", Call::Operation),
            (get, "/api/operations/{operation}".to_owned(), Call::Operation),
            (get, "/api/operations/{operation}/".to_owned(), Call::Operation),
            of_offer(post, "/publish", Call::Publish),
            of_offer(post, "/golive", Call::GoLive),
            of_offer(post, "/cancel", Call::Cancel),
        ]
    }

    fn error_form(&self, _: &World) -> ErrorForm {
        ErrorForm::Nested
    }

    fn refusal(&self, _: &World, request: &EmulatedRequest) -> Option<ErrorAnswer> {
        (request.query("api-version") != Some(API_VERSION)).then(|| {
            ErrorAnswer::new(400, "InvalidAPIVersion", &format!("The api-version of this API is {API_VERSION}."))
        })
    }

    fn subject(&self, _: &World, request: &EmulatedRequest) -> CallSubject {
        subject(request)
    }

    fn carry_out(&self, carried: &mut Carried<'_>, request: &EmulatedRequest) -> Result<Response, ErrorAnswer> {
        carry_out(carried, request)
    }

    fn finish(&self, response: Response, _: u64) -> Response {
        response
    }
}

/// Publisher and offer, also from the old form `contoso$contoso-offer$2$preview`.
fn subject(request: &EmulatedRequest) -> CallSubject {
    let publisher = request.parameter("publisher");
    if publisher.is_empty() {
        let mut parts = request.parameter("operation").split('$').map(str::to_owned);
        CallSubject { publisher: parts.next().unwrap_or_default(), offer: parts.next().unwrap_or_default() }
    } else {
        CallSubject { publisher: publisher.to_owned(), offer: request.parameter("offer").to_owned() }
    }
}

fn carry_out(carried: &mut Carried<'_>, request: &EmulatedRequest) -> Result<Response, ErrorAnswer> {
    let now = carried.now;
    let CallSubject { publisher, offer: id } = subject(request);
    let offers = &mut carried.world.offers;
    if !offers.has_publisher(&publisher) {
        let text = "The client has no access to the namespace of this publisher.";
        return Err(ErrorAnswer::new(403, "Forbidden", text));
    }
    if request.call == EmulatedCall::Offers {
        let list: Vec<Value> = offers.offers_of(&publisher).map(|offer| documents::listed_offer(offer, now)).collect();
        return Ok(json_answer(StatusCode::OK, &list));
    }
    let offer = offers.offer_mut(&publisher, &id).ok_or_else(no_offer)?;
    let writes = matches!(
        request.call,
        EmulatedCall::Update | EmulatedCall::Publish | EmulatedCall::GoLive | EmulatedCall::Cancel
    );
    let etag = offer.etag();
    if writes && request.header("if-match").is_some_and(|wanted| wanted != "*" && wanted != etag) {
        let text = "The offer was changed since it was read.";
        return Err(ErrorAnswer::new(412, "PreconditionFailed", text));
    }
    match request.call {
        EmulatedCall::Status => Ok(json_answer(StatusCode::OK, &documents::status(offer, now))),
        EmulatedCall::Submissions => {
            offer.poll_list(now);
            Ok(json_answer(StatusCode::OK, &submissions(offer, request.query("status"))))
        }
        EmulatedCall::Operation => operation(offer, request.parameter("operation"), now),
        EmulatedCall::Update => {
            let Ok(definition) = serde_json::from_slice::<Value>(&request.body) else {
                return Err(not_json());
            };
            offer.definition = definition.get("definition").cloned().unwrap_or(definition);
            offer.revision += 1;
            Ok(with_etag(json_answer(StatusCode::OK, &documents::offer(offer, now)), &offer.etag()))
        }
        EmulatedCall::Publish | EmulatedCall::GoLive | EmulatedCall::Cancel => start(carried, request, &publisher, &id),
        _ => Ok(with_etag(json_answer(StatusCode::OK, &documents::offer(offer, now)), &etag)),
    }
}

/// The list of submissions, without those that the filter leaves out.
fn submissions(offer: &EmulatedOffer, filter: Option<&str>) -> Vec<Submission> {
    let filter = filter.map(str::to_lowercase);
    let wanted = |operation: &&EmulatedOperation| match filter.as_deref() {
        None | Some("" | "all") => true,
        Some("running") => operation.is_running(),
        Some(status) => operation.status == status,
    };
    offer.submissions().filter(wanted).map(|operation| documents::submission(offer, operation)).collect()
}

fn operation(offer: &mut EmulatedOffer, id: &str, now: Timestamp) -> Result<Response, ErrorAnswer> {
    let (wrapped, step_time, version) = (offer.spec.wrapped, offer.spec.step_time, offer.publishing_version);
    // The old form names no operation: it is the latest one of the offer.
    let latest = offer.operations.last().map(|operation| operation.id.clone());
    let id = if id.contains('$') { latest.unwrap_or_default() } else { id.to_owned() };
    let Some(operation) = offer.poll(&id, now) else {
        return Err(ErrorAnswer::new(404, "OperationNotFound", "There is no such operation."));
    };
    let described = documents::operation(operation, version, step_time, now);
    Ok(json_answer(StatusCode::OK, &if wrapped { json!([described]) } else { described }))
}

/// What starts an operation, or ends one.
fn start(
    carried: &mut Carried<'_>,
    request: &EmulatedRequest,
    publisher: &str,
    id: &str,
) -> Result<Response, ErrorAnswer> {
    if !request.has_json_or_no_body() {
        return Err(not_json());
    }
    let (offers, now) = (&mut carried.world.offers, carried.now);
    let offer = offers.offer_mut(publisher, id).ok_or_else(no_offer)?;
    let (migrated, style) = (offer.spec.migrated, offer.spec.location);
    let form = offer.spec.cancel.form.filter(|_| request.call == EmulatedCall::Cancel);
    let started = match request.call {
        EmulatedCall::Publish => offers.publish(publisher, id, now),
        EmulatedCall::GoLive => offers.go_live(publisher, id, now),
        _ => offers.cancel(publisher, id, now),
    };
    match started.ok_or_else(no_offer)? {
        StartAnswer::Done => Ok(StatusCode::OK.into_response()),
        StartAnswer::Refused(status, code, message) => Err(ErrorAnswer { status, code, message, form }),
        StartAnswer::Accepted(operation) => {
            let path = if migrated {
                format!("/api/publishers/{publisher}/offers/{id}/operations/{operation}")
            } else {
                format!("/api/operations/{publisher}${id}$2$preview")
            };
            Ok(accepted(carried.origin, style, &path))
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

fn no_offer() -> ErrorAnswer {
    ErrorAnswer::new(404, "OfferNotFound", "There is no such offer.")
}

fn not_json() -> ErrorAnswer {
    ErrorAnswer::new(400, "BadRequest", "The body is not JSON.")
}

fn with_etag(mut response: Response, etag: &str) -> Response {
    if let Ok(value) = etag.parse() {
        response.headers_mut().insert(header::ETAG, value);
    }
    response
}
