//! What every backend must do, in one suite: against its emulator over HTTP, and against answers
//! that no emulator would give. A further backend adds a rig and a line in `rigs`.

mod cloud_partner;
mod documents;
mod elsewhere;
mod partner_center;
mod product_ingestion;

use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use cancel_pending::domain::{
    CallGuard, Cancellability, JobId, Live, OfferKey, OfferQuery, Phase, PinSighting, PortalKind, ProductId,
};
use cancel_pending::emulator::{Emulator, Scenario};
use cancel_pending::http_client::Route;
use cancel_pending::portal::{
    Backend, CancelAnswer, CancelCall, CancelPortal as _, CancelVerdict, Guard, HttpExchange, ReadPortal as _,
    StaticToken, Token, TransportSettings, capabilities,
};

use crate::support::raw::{RawPortal, Request, answer, wait_for_close};

/// What a portal is made to say of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Queued,
    Running,
    Cancelling,
    NotCancellable,
    /// Its state is a word that nobody knows.
    UnknownState,
    /// So is whether it can be cancelled.
    UnknownCancellation,
    Cancelled,
    Completed,
}

/// A request, as far as the suite has to tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// For the operations of the offer.
    List,
    /// For one operation.
    Operation,
    /// For what guards a call.
    Guard,
    /// For the offers of a publisher.
    Offers,
    /// To cancel.
    Cancel,
    Other,
}

/// How one portal says things.
trait Rig: Sync {
    fn kind(&self) -> PortalKind;
    /// The offer that all cases are about.
    fn key(&self) -> OfferKey;
    /// The product that the offer is, where calls name it.
    fn product(&self) -> Option<ProductId> {
        None
    }
    /// The job that works on its operations, where calls name it.
    fn job(&self) -> Option<JobId> {
        None
    }
    /// Whether it has a word for this.
    fn can_say(&self, _: Said) -> bool {
        true
    }
    /// Whether an operation is described by a document of its own, without which nothing is known of it.
    fn needs_operation(&self) -> bool {
        true
    }
    /// Whether an offer in a list says whose it is.
    fn offers_name_their_publisher(&self) -> bool {
        true
    }
    /// What any other request is answered with.
    fn other(&self, _: &Request) -> Vec<u8> {
        b"{}".to_vec()
    }
    /// A state of the emulator in which the offer has these operations, ids as given.
    fn state(&self, operations: &[(&str, Said)]) -> String;
    /// A list of operations as the portal answers it.
    fn list(&self, operations: &[(&str, Said)]) -> Vec<u8>;
    /// The same, about another publisher or offer.
    fn lists_about_others(&self, id: &str) -> Vec<Vec<u8>>;
    /// The document of one operation.
    fn operation(&self, said: Said) -> Vec<u8>;
    /// A list of offers as the portal answers it: of this publisher, with these ids. None: an offer without one.
    fn offers(&self, publisher: &str, ids: &[Option<&str>]) -> Vec<u8>;
    /// What a request is.
    fn asked(&self, request: &Request) -> Asked;
    /// Ids of operations that must be kept as they came.
    fn ids(&self) -> [&'static str; 2];
    /// Where a cancellation would be followed, on an origin: in a form that is followed on the portal's own.
    fn location(&self, origin: &str) -> String;
    /// The headers by which an accepted call tells its location, on a portal that tells any.
    fn location_headers(&self) -> &'static [&'static str] {
        &[]
    }
}

fn rigs() -> [&'static dyn Rig; 3] {
    [&cloud_partner::CloudPartnerRig, &partner_center::PartnerCenterRig, &product_ingestion::ProductIngestionRig]
}

fn backend(rig: &dyn Rig, url: &str) -> Backend {
    let origin: cancel_pending::domain::PortalOrigin = url.parse().expect("an origin");
    let settings =
        TransportSettings { concurrency: 4, request_timeout: Duration::from_secs(2), ..TransportSettings::default() };
    let exchange = HttpExchange::new(origin.clone(), &Route::Direct, settings.request_timeout, 4).expect("an exchange");
    let credential = Arc::new(StaticToken(Token::new("a-token").expect("a token")));
    Backend::new(rig.kind(), origin, credential, exchange, &settings)
}

async fn emulated(rig: &dyn Rig, operations: &[(&str, Said)]) -> (Emulator, Backend) {
    let scenario = Scenario::read(&rig.state(operations)).expect("a state");
    let emulator = Emulator::start(scenario, "127.0.0.1:0".parse().expect("an address"), None).await.expect("a port");
    let backend = backend(rig, &emulator.url());
    (emulator, backend)
}

fn unpinned(rig: &dyn Rig) -> OfferQuery {
    OfferQuery { job: rig.job(), ..OfferQuery::unpinned(rig.key()) }
}

fn pinned(rig: &dyn Rig, id: &str) -> OfferQuery {
    OfferQuery { operation: Some(id.parse().expect("an id")), ..unpinned(rig) }
}

fn call(rig: &dyn Rig, id: &str, guard: Guard) -> CancelCall {
    CancelCall {
        offer: rig.key(),
        product: rig.product(),
        operation: id.parse().expect("an id"),
        job: rig.job(),
        guard,
        notify: Vec::new(),
    }
}

/// A portal that answers as the rig does, but for what the script answers itself.
fn scripted(
    rig: &'static dyn Rig,
    script: impl Fn(Asked, &mut TcpStream) -> bool + Send + Sync + 'static,
) -> RawPortal {
    RawPortal::serve(move |request, stream| {
        let asked = rig.asked(request);
        if script(asked, stream) {
            return;
        }
        match asked {
            Asked::List => answer(stream, "200 OK", &[], &rig.list(&[(rig.ids()[0], Said::Running)])),
            Asked::Operation => answer(stream, "200 OK", &[], &rig.operation(Said::Running)),
            Asked::Offers => answer(stream, "200 OK", &[], &rig.offers(rig.key().publisher.as_str(), &[Some("vm")])),
            _ => answer(stream, "200 OK", &[], &rig.other(request)),
        }
    })
}

async fn sent(rig: &'static dyn Rig, script: impl Fn(&mut TcpStream) + Send + Sync + 'static) -> CancelAnswer {
    let portal = scripted(rig, move |asked, stream| {
        let is_call = asked == Asked::Cancel;
        if is_call {
            script(stream);
        }
        is_call
    });
    let backend = backend(rig, &portal.url);
    let slot = backend.slot().await.expect("a slot");
    slot.cancel(&call(rig, rig.ids()[0], Guard::Unguarded)).await
}

#[tokio::test]
async fn what_runs_is_told_by_its_phase_and_what_is_not_known_allows_nothing() {
    for rig in rigs() {
        let id = rig.ids()[0];
        for (said, phase, may_be_cancelled) in [
            (Said::Queued, Phase::Queued, true),
            (Said::Running, Phase::Running, true),
            (Said::Cancelling, Phase::Cancelling, false),
            (Said::NotCancellable, Phase::Running, false),
            (Said::UnknownState, Phase::Unknown, false),
            (Said::UnknownCancellation, Phase::Running, false),
        ]
        .into_iter()
        .filter(|(said, ..)| rig.can_say(*said))
        {
            let (_emulator, backend) = emulated(rig, &[(id, said)]).await;
            let observed = backend.reader().live(&unpinned(rig)).await.expect("a live state");
            let Live::Running(running) = observed.live else { panic!("{said:?}: {observed:?}") };
            assert_eq!(running.phase, phase, "{said:?}");
            let allowed = matches!(running.cancellability, Cancellability::Allowed | Cancellability::Unsaid)
                && matches!(running.phase, Phase::Queued | Phase::Running);
            assert_eq!(allowed, may_be_cancelled, "{said:?}");
        }
    }
}

#[tokio::test]
async fn nothing_one_and_several() {
    for rig in rigs() {
        let [id, other] = rig.ids();
        for over in [vec![], vec![(id, Said::Completed)], vec![(id, Said::Cancelled), (other, Said::Completed)]] {
            let (_emulator, backend) = emulated(rig, &over).await;
            let observed = backend.reader().live(&unpinned(rig)).await.expect("a live state");
            assert_eq!(observed.live, Live::Nothing, "{over:?}");
        }
        for second in [Said::Running, Said::Queued, Said::UnknownState].into_iter().filter(|said| rig.can_say(*said)) {
            let (_emulator, backend) = emulated(rig, &[(id, Said::Running), (other, second)]).await;
            let observed = backend.reader().live(&unpinned(rig)).await.expect("a live state");
            let Live::Several(ids) = observed.live else { panic!("{second:?}: {observed:?}") };
            assert_eq!(ids.len(), 2);
        }
    }
}

#[tokio::test]
async fn ids_are_kept_as_they_came() {
    for rig in rigs() {
        // As a double, the last one would end in 000.
        for id in rig.ids().into_iter().chain(["1152921505700000004"]) {
            let (_emulator, backend) = emulated(rig, &[(id, Said::Running)]).await;
            let observed = backend.reader().live(&unpinned(rig)).await.expect("a live state");
            let Live::Running(running) = observed.live else { panic!("{observed:?}") };
            assert_eq!(running.operation.id.as_str(), id);
        }
    }
}

#[tokio::test]
async fn a_pin_that_is_not_what_runs_is_looked_up() {
    for rig in rigs() {
        let [id, other] = rig.ids();
        for rest in [vec![], vec![(other, Said::Running)]] {
            for (said, phase) in [(Said::Cancelled, Phase::Cancelled), (Said::Completed, Phase::Completed)] {
                let operations: Vec<_> = rest.iter().copied().chain([(id, said)]).collect();
                let (_emulator, backend) = emulated(rig, &operations).await;
                let observed = backend.reader().live(&pinned(rig, id)).await.expect("a live state");
                match observed.pin {
                    PinSighting::Known { phase: seen, word: Some(_) } => assert_eq!(seen, phase),
                    // A portal may forget what was cancelled.
                    PinSighting::Unknown => assert!(capabilities(rig.kind()).forgets_cancelled, "{operations:?}"),
                    other => panic!("{operations:?}: {other:?}"),
                }
            }
            let (_emulator, backend) = emulated(rig, &rest).await;
            let observed = backend.reader().live(&pinned(rig, id)).await.expect("a live state");
            assert_eq!(observed.pin, PinSighting::Unknown, "{rest:?}");
        }
        let (_emulator, backend) = emulated(rig, &[(id, Said::Running)]).await;
        let observed = backend.reader().live(&pinned(rig, &id.to_uppercase())).await.expect("a live state");
        assert_eq!(observed.pin, PinSighting::NotLooked, "it is what runs");
    }
}

#[tokio::test]
async fn a_list_that_can_not_be_read_is_an_error_and_never_nothing() {
    for rig in rigs() {
        let mut bodies: Vec<Vec<u8>> =
            ["", "<html>maintenance</html>", "null", "{}", "[", "\"[]\"", "[{\"id\": 5}]", "42"]
                .map(|body| body.as_bytes().to_vec())
                .into();
        bodies.extend(rig.lists_about_others(rig.ids()[0]));
        let mut large = rig.list(&[]);
        large.splice(1..1, vec![b' '; 5 * 1024 * 1024]);
        bodies.push(large);
        for body in bodies {
            let start = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
            let portal = scripted(rig, move |asked, stream| {
                let is_list = asked == Asked::List;
                if is_list {
                    answer(stream, "200 OK", &[], &body);
                }
                is_list
            });
            let seen = backend(rig, &portal.url).reader().live(&unpinned(rig)).await;
            assert!(seen.is_err(), "{start}: {seen:?}");
        }
        for status in ["403 Forbidden", "404 Not Found", "302 Found", "500 Internal Server Error"] {
            let portal = scripted(rig, move |asked, stream| {
                let is_list = asked == Asked::List;
                if is_list {
                    answer(stream, status, &[("Location", "/elsewhere")], b"[]");
                }
                is_list
            });
            let seen = backend(rig, &portal.url).reader().live(&unpinned(rig)).await;
            assert!(seen.is_err(), "{status}: {seen:?}");
        }
    }
}

#[tokio::test]
async fn a_byte_order_mark_is_no_part_of_a_document() {
    for rig in rigs() {
        let marked = |body: Vec<u8>| [b"\xef\xbb\xbf".as_slice(), &body].concat();
        let portal = scripted(rig, move |asked, stream| {
            match asked {
                Asked::List => answer(stream, "200 OK", &[], &marked(rig.list(&[(rig.ids()[0], Said::Running)]))),
                Asked::Operation => answer(stream, "200 OK", &[], &marked(rig.operation(Said::Running))),
                _ => return false,
            }
            true
        });
        let observed = backend(rig, &portal.url).reader().live(&unpinned(rig)).await.expect("a live state");
        assert!(matches!(observed.live, Live::Running(_)), "{observed:?}");
    }
}

#[tokio::test]
async fn a_cancellation_takes_effect_and_is_followed() {
    for rig in rigs() {
        let id = rig.ids()[0];
        let (emulator, backend) = emulated(rig, &[(id, Said::Running)]).await;
        let verdict = {
            let slot = backend.slot().await.expect("a slot");
            let guard = slot.guard(&unpinned(rig)).await.expect("a guard");
            slot.cancel(&call(rig, id, guard)).await.verdict
        };
        let location = match verdict {
            CancelVerdict::Done => None,
            CancelVerdict::Accepted { location, .. } => location,
            other => panic!("{other:?}"),
        };
        let follower = backend.follower();
        let mut looks = 0;
        loop {
            let look = follower.follow(&pinned(rig, id), location.as_ref()).await.expect("a look");
            if look.observed.live == Live::Nothing {
                break;
            }
            looks += 1;
            assert!(looks < 20, "it does not end: {look:?}");
        }
        let cancels = emulator.requests().iter().filter(|request| request.method != "GET").count();
        assert_eq!(cancels, 1);
    }
}

#[tokio::test]
async fn a_guard_is_honoured_where_the_portal_has_one() {
    for rig in rigs().into_iter().filter(|rig| capabilities(rig.kind()).call_guard == CallGuard::Tag) {
        let id = rig.ids()[0];
        let (_emulator, backend) = emulated(rig, &[(id, Said::Running)]).await;
        let slot = backend.slot().await.expect("a slot");
        let answer = slot.cancel(&call(rig, id, Guard::Tag("\"of-yesterday\"".to_owned()))).await;
        assert!(matches!(answer.verdict, CancelVerdict::Changed(_)), "{answer:?}");
        let observed = slot.live(&unpinned(rig)).await.expect("a live state");
        let Live::Running(running) = observed.live else { panic!("{observed:?}") };
        assert_eq!(running.phase, Phase::Running, "nothing was done");
    }
}

/// Source of the cases: each of these became `*` in an earlier release, and an operation that had
/// taken the planned one's place was cancelled.
#[tokio::test]
async fn a_guard_that_can_not_be_read_is_not_no_guard() {
    for rig in rigs().into_iter().filter(|rig| capabilities(rig.kind()).call_guard == CallGuard::Tag) {
        let long = format!("\"{}\"", "x".repeat(1_024));
        let tag = |value: String| (Some(value), "200 OK", true);
        let cases = [
            (None, "401 Unauthorized", true),
            (None, "403 Forbidden", true),
            (None, "404 Not Found", true),
            (None, "500 Internal Server Error", true),
            (None, "302 Found", true),
            tag(String::new()),
            tag("\"".to_owned()),
            tag("\"a\"b\"".to_owned()),
            tag(long),
            (Some("\"good\"".to_owned()), "200 OK", false),
            (Some("W/\"weak\"".to_owned()), "200 OK", false),
            (None, "200 OK", false),
        ];
        for (tag, status, is_error) in cases {
            let shown = format!("{status} {tag:?}").chars().take(60).collect::<String>();
            let (sent, weak) = (tag.clone(), tag.as_deref().is_none_or(|tag| tag.starts_with("W/")));
            let portal = scripted(rig, move |asked, stream| {
                let is_guard = asked == Asked::Guard;
                if is_guard {
                    let headers: Vec<(&str, &str)> = sent.iter().map(|tag| ("ETag", tag.as_str())).collect();
                    // As large as a real offer, and larger than what is read of an answer.
                    answer(stream, status, &headers, &vec![b' '; 5 * 1024 * 1024]);
                }
                is_guard
            });
            let backend = backend(rig, &portal.url);
            let guard = backend.slot().await.expect("a slot").guard(&unpinned(rig)).await;
            assert_eq!(guard.is_err(), is_error, "{shown}: {guard:?}");
            if let Ok(guard) = guard {
                let expected = tag.filter(|_| !weak).map_or(Guard::Unguarded, Guard::Tag);
                assert_eq!(guard, expected, "{shown}");
            }
        }
    }
}

#[tokio::test]
async fn an_answer_to_a_call_says_what_is_known_of_it() {
    for rig in rigs() {
        for (line, expected) in [
            ("400 Bad Request", "refused"),
            ("403 Forbidden", "refused"),
            ("404 Not Found", "refused or lost"),
            ("409 Conflict", "refused"),
            ("302 Found", "refused"),
            ("401 Unauthorized", "not sent"),
            ("429 Too Many Requests", "lost"),
            ("500 Internal Server Error", "lost"),
            ("503 Service Unavailable", "lost"),
        ] {
            let answer = sent(rig, move |stream| answer(stream, line, &[], b"")).await;
            let seen = match answer.verdict {
                CancelVerdict::Refused(_) => "refused",
                CancelVerdict::NotSent(_) => "not sent",
                CancelVerdict::Lost(_) => "lost",
                ref other => panic!("{line}: {other:?}"),
            };
            assert!(expected.contains(seen), "{line}: {seen}");
            assert_eq!(answer.status, line[..3].parse().ok());
            assert!(answer.has_left());
        }
        for script in [|_: &mut TcpStream| {}, wait_for_close] {
            let answer = sent(rig, script).await;
            assert!(matches!(answer.verdict, CancelVerdict::Lost(_)), "{answer:?}");
        }
        let unused = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
        let backend = backend(rig, &format!("http://{unused}"));
        let slot = backend.slot().await.expect("a slot");
        let answer = slot.cancel(&call(rig, rig.ids()[0], Guard::Unguarded)).await;
        assert!(matches!(answer.verdict, CancelVerdict::NotSent(_)) && !answer.has_left(), "{answer:?}");
    }
}
