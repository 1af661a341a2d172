//! The Cloud Partner Portal publishing API as a backend.
//!
//! Owns its paths and which calls answer which question: one for an offer on which nothing
//! runs, two for one on which something does; and what an answer to the cancel call means.

mod interpret;
mod location;
pub mod wire;
mod words;

use std::time::SystemTime;

use http::header::{CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_MATCH};
use http::{Method, StatusCode};
use serde_json::json;

use super::answers::{accepted_call, failed_call, undocumented_answer};
use super::client::{Answer, Call, Failure, Requests, Slot, Wanted, retry_after};
use super::{
    CancelAnswer, CancelCall, CancelVerdict, Followed, Guard, ListOffers, ListWatch, ListedSoFar, Location, ReadPortal,
};
use crate::domain::{
    CallGuard, Capabilities, EmailAddress, FailureScope, Live, Observed, OfferId, OfferKey, OfferList, OfferQuery,
    OperationId, Phase, PinSighting, PortalOrigin, PublisherId, ReadFailure, StatusWord,
};
use interpret::{Described, ListedOperation};
pub use location::location;
use wire::API_VERSION;

/// Everything of this API lies below this path.
pub(super) const PREFIX: &str = "/api/";

/// What this API can do (source: the page on the cancel call).
pub(super) const CAPABILITIES: Capabilities = Capabilities {
    takes_notification_emails: true,
    call_guard: CallGuard::Tag,
    cancels_unpinned: true,
    forgets_cancelled: false,
    shows_cancelling: true,
    lists_activity: true,
    lists_by_publisher: true,
};

/// The longest entity tag that is sent back.
const MAX_TAG_BYTES: usize = 1024;

/// Reads the Cloud Partner Portal.
pub struct CloudPartner<'a, R> {
    requests: R,
    origin: &'a PortalOrigin,
}

impl<'a, R: Requests> CloudPartner<'a, R> {
    /// A reader by which these requests are made.
    pub(super) const fn new(requests: R, origin: &'a PortalOrigin) -> Self {
        Self { requests, origin }
    }

    /// What runs, and what became of what is pinned.
    async fn observe(&self, query: &OfferQuery) -> Result<Observed, Failure> {
        // No filter: `status=running` hides what is queued.
        let answer = self.requests.get(&submissions_path(&query.key), Wanted::Body).await?;
        let listed = interpret::submissions(&answer.body, &query.key).map_err(Failure::Unreadable)?;
        let (over, mut unfinished): (Vec<_>, Vec<_>) = listed.into_iter().partition(|one| one.phase.is_over());
        let mut ended = None;
        let live = match unfinished.len() {
            0 => Live::Nothing,
            1 => match self.describe(&query.key, unfinished.swap_remove(0)).await? {
                (_, Described::Running(running)) => Live::Running(running),
                (id, Described::Over(phase, word)) => {
                    ended = Some((id, phase, word));
                    Live::Nothing
                }
            },
            _ => Live::Several(unfinished.into_iter().map(|one| one.id).collect()),
        };
        let pin = match (&query.operation, &live) {
            (None, _) => PinSighting::NotLooked,
            (Some(pin), Live::Running(running)) if running.operation.id == *pin => PinSighting::NotLooked,
            (Some(pin), Live::Several(ids)) if ids.contains(pin) => PinSighting::NotLooked,
            (Some(pin), _) => self.sight(&query.key, pin, &over, ended).await,
        };
        Ok(Observed { pin, ..Observed::of(live) })
    }

    async fn describe(&self, key: &OfferKey, listed: ListedOperation) -> Result<(OperationId, Described), Failure> {
        let id = listed.id.clone();
        let path = operation_path(key, &id);
        let answer = self.requests.get(&path, Wanted::Body).await?;
        let guard = tag(&answer.headers).ok().flatten();
        let location = format!("{}{path}", self.origin);
        let described = interpret::operation(&answer.body, listed, location, guard).map_err(Failure::Unreadable)?;
        Ok((id, described))
    }

    /// What became of an operation that is not running.
    async fn sight(
        &self,
        key: &OfferKey,
        pin: &OperationId,
        over: &[ListedOperation],
        ended: Option<(OperationId, Phase, StatusWord)>,
    ) -> PinSighting {
        if let Some((_, phase, word)) = ended.filter(|(id, ..)| id == pin) {
            return PinSighting::Known { phase, word: Some(word) };
        }
        // Its own document has the last word; the list is what is left where there is none.
        let listed = over.iter().find(|one| one.id == *pin);
        let from_list =
            |listed: &ListedOperation| PinSighting::Known { phase: listed.phase, word: listed.state.clone() };
        let state = match self.requests.get(&operation_path(key, pin), Wanted::Body).await {
            Ok(answer) => interpret::own_state(&answer.body).map_err(Failure::Unreadable),
            Err(failure) => Err(failure),
        };
        match (state, listed) {
            (Ok(state), Some(listed)) if state.phase.is_none() => from_list(listed),
            (Ok(state), _) => PinSighting::Known { phase: state.phase.unwrap_or(Phase::Unknown), word: state.word },
            (Err(_), Some(listed)) => from_list(listed),
            (Err(failure), None) if failure.status() == Some(StatusCode::NOT_FOUND) => PinSighting::Unknown,
            (Err(failure), None) => {
                PinSighting::Unreadable(ReadFailure { message: failure.to_string(), scope: FailureScope::Offer })
            }
        }
    }
}

impl<R: Requests> ReadPortal for CloudPartner<'_, R> {
    async fn live(&self, query: &OfferQuery) -> Result<Observed, Failure> {
        self.observe(query).await
    }

    async fn guard(&self, query: &OfferQuery) -> Result<Guard, Failure> {
        // The tag is in the head of the answer. Its body, a whole offer, can be megabytes.
        let answer = self.requests.get(&offer_path(&query.key), Wanted::Head).await?;
        tag(&answer.headers).map(|tag| tag.map_or(Guard::Unguarded, Guard::Tag)).map_err(Failure::Unreadable)
    }

    async fn follow(&self, query: &OfferQuery, location: Option<&Location>) -> Result<Followed, Failure> {
        let (mut progress, mut wait) = (None, None);
        if let Some(path) = location.and_then(|location| location.callable.as_deref()) {
            match self.requests.get(path, Wanted::Body).await {
                Ok(answer) => {
                    wait = retry_after(&answer.headers, SystemTime::now());
                    progress = interpret::progress(&answer.body).ok();
                }
                // What runs tells all the same.
                Err(failure) => tracing::info!(path, %failure, "the location of the cancellation can't be read"),
            }
        }
        Ok(Followed { observed: self.observe(query).await?, progress, retry_after: wait })
    }

    fn resume(&self, told: &str) -> Location {
        location(told, self.origin)
    }
}

impl<R: Requests> ListOffers for CloudPartner<'_, R> {
    async fn list(&self, publisher: &PublisherId, watch: ListWatch<'_>) -> Result<OfferList, Failure> {
        let path = format!("/api/publishers/{publisher}/offers?api-version={API_VERSION}");
        let answer = self.requests.get(&path, Wanted::Body).await?;
        let offers = interpret::offers(&answer.body, publisher).map_err(Failure::Unreadable)?;
        watch(ListedSoFar { pages: 1, offers: offers.len() });
        Ok(OfferList { offers, unnamed: Vec::new() })
    }

    /// The API's page calls the `id` of an offer a GUID, while the ids in addresses are readable.
    async fn listed_id(&self, key: &OfferKey) -> Result<Option<OfferId>, Failure> {
        let answer = match self.requests.get(&offer_path(key), Wanted::Body).await {
            Err(failure) if failure.status() == Some(StatusCode::NOT_FOUND) => return Ok(None),
            answer => answer?,
        };
        if let Some(id) = interpret::own_guid(&answer.body).map_err(Failure::Unreadable)? {
            return Ok(Some(id));
        }
        // Its operations name it, too.
        let answer = self.requests.get(&submissions_path(key), Wanted::Body).await?;
        interpret::guid_in_submissions(&answer.body).map_err(Failure::Unreadable)
    }
}

/// Reads the entity tag of an answer. None where the portal gave none, and where it gave a weak
/// one, which by RFC 9110 can never match in `If-Match`. A tag that is broken is an error.
fn tag(headers: &HeaderMap) -> Result<Option<String>, String> {
    let Some(value) = headers.get(ETAG) else { return Ok(None) };
    if value.len() > MAX_TAG_BYTES {
        return Err(format!("the entity tag of the offer is longer than {MAX_TAG_BYTES} bytes"));
    }
    let text = value.to_str().map_err(|_| "the entity tag of the offer holds bytes that no tag may hold".to_owned())?;
    let text = text.trim();
    if text.starts_with("W/") {
        return Ok(None);
    }
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match inner {
        Some(inner) if !inner.is_empty() && !inner.contains('"') => Ok(Some(text.to_owned())),
        // Some servers leave the quotes out. What is sent back must be what came.
        None if !text.is_empty() && !text.contains(['"', ',', ' ', '*']) => Ok(Some(text.to_owned())),
        _ => Err("the entity tag of the offer is empty or broken".to_owned()),
    }
}

/// Sends the cancel call in a slot.
pub(super) async fn cancel(slot: &Slot<'_>, origin: &PortalOrigin, call: &CancelCall) -> CancelAnswer {
    let if_match = match &call.guard {
        Guard::Tag(tag) => tag.as_str(),
        // The API wants the header; `*` takes whatever is there.
        Guard::Unguarded | Guard::NotNeeded => "*",
    };
    let mut headers = HeaderMap::new();
    let Ok(if_match) = HeaderValue::try_from(if_match) else {
        let why = "the entity tag of the offer can't be put into an HTTP header".to_owned();
        return CancelAnswer { status: None, verdict: CancelVerdict::NotSent(Failure::Unreadable(why)) };
    };
    headers.insert(IF_MATCH, if_match);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let metadata = if call.notify.is_empty() {
        json!({})
    } else {
        let emails: Vec<&str> = call.notify.iter().map(EmailAddress::as_str).collect();
        json!({ "notification-emails": emails.join(",") })
    };
    let request = Call {
        method: Method::POST,
        path_and_query: cancel_path(&call.offer),
        headers,
        body: json!({ "metadata": metadata }).to_string().into_bytes().into(),
        wanted: Wanted::Head,
    };
    match slot.send(request).await {
        Ok(answer) => accepted(&answer, origin),
        Err(failure) => refused(failure),
    }
}

fn accepted(answer: &Answer, portal: &PortalOrigin) -> CancelAnswer {
    match answer.status {
        StatusCode::OK => CancelAnswer { status: Some(answer.status.as_u16()), verdict: CancelVerdict::Done },
        StatusCode::ACCEPTED => accepted_call(answer, location::in_headers(&answer.headers, portal), None),
        status => undocumented_answer(status),
    }
}

fn refused(failure: Failure) -> CancelAnswer {
    match failed_call(failure) {
        CancelAnswer { status: Some(412), verdict: CancelVerdict::Refused(failure) } => {
            CancelAnswer { status: Some(412), verdict: CancelVerdict::Changed(failure) }
        }
        answer => answer,
    }
}

// Ids are free of anything that means something in a URL, so paths are put together as text.

fn offer_path(key: &OfferKey) -> String {
    format!("/api/publishers/{}/offers/{}?api-version={API_VERSION}", key.publisher, key.offer)
}

fn cancel_path(key: &OfferKey) -> String {
    format!("/api/publishers/{}/offers/{}/cancel?api-version={API_VERSION}", key.publisher, key.offer)
}

fn submissions_path(key: &OfferKey) -> String {
    // The API's page has the slash before the question mark, and the portal wants it.
    format!("/api/publishers/{}/offers/{}/submissions/?api-version={API_VERSION}", key.publisher, key.offer)
}

fn operation_path(key: &OfferKey, id: &OperationId) -> String {
    format!("/api/publishers/{}/offers/{}/operations/{id}?api-version={API_VERSION}", key.publisher, key.offer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_sent_back_as_it_came_or_not_at_all() {
        let read = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(ETAG, HeaderValue::from_static(text));
            tag(&headers)
        };
        assert_eq!(tag(&HeaderMap::new()), Ok(None));
        assert_eq!(read("\"a-1\""), Ok(Some("\"a-1\"".to_owned())));
        assert_eq!(read("a-1"), Ok(Some("a-1".to_owned())));
        assert_eq!(read("W/\"datetime'2026'\""), Ok(None), "a weak tag can never match");
        for broken in ["", "  ", "\"", "\"\"", "\"a\"b\"", "\"a", "a b", "*", "\"a\", \"b\""] {
            assert!(read(broken).is_err(), "{broken:?}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(ETAG, HeaderValue::try_from(format!("\"{}\"", "x".repeat(1_024))).expect("a value"));
        assert!(tag(&headers).is_err(), "too long");
    }
}
