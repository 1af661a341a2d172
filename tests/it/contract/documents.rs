//! Documents that can't be read, or are about something else: an error each, and never "nothing".

use std::io::Write as _;

use cancel_pending::domain::Live;
use cancel_pending::portal::{Failure, ListOffers as _, ReadPortal as _, UNWATCHED};

use super::{Asked, Rig, Said, backend, emulated, rigs, scripted, unpinned};
use crate::support::raw::answer;

/// What a portal may answer in place of any document.
const UNREADABLE: &[&str] = &["", "<html>maintenance</html>", "null", "42", "\"[]\"", "[", "[[{}]]"];

/// Answers one kind of request with a body, and all others as the rig does.
fn answering(rig: &'static dyn Rig, what: Asked, body: Vec<u8>) -> crate::support::raw::RawPortal {
    scripted(rig, move |asked, stream| {
        let is_meant = asked == what;
        if is_meant {
            answer(stream, "200 OK", &[], &body);
        }
        is_meant
    })
}

fn start_of(body: &[u8]) -> String {
    String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned()
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error() {
    for rig in rigs() {
        let whole = rig.list(&[(rig.ids()[0], Said::Completed)]);
        // The second is whole JSON, and shorter than the head says: a list may go on behind it.
        for sent in [whole[..whole.len() / 2].to_vec(), whole.clone()] {
            let portal = scripted(rig, move |asked, stream| {
                let is_list = asked == Asked::List;
                if is_list {
                    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", sent.len() + 10);
                    // The other side may have hung up already.
                    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&sent));
                }
                is_list
            });
            let backend = backend(rig, &portal.url);
            // In a slot, where nothing is tried again.
            let seen = backend.slot().await.expect("a slot").live(&unpinned(rig)).await;
            assert!(matches!(seen, Err(Failure::Interrupted(_))), "{seen:?}");
        }
    }
}

#[tokio::test]
async fn an_operation_that_is_listed_and_can_not_be_read_is_an_error() {
    for rig in rigs().into_iter().filter(|rig| rig.needs_operation()) {
        for body in UNREADABLE {
            let portal = answering(rig, Asked::Operation, body.as_bytes().to_vec());
            let seen = backend(rig, &portal.url).reader().live(&unpinned(rig)).await;
            assert!(seen.is_err(), "{body}: {seen:?}");
        }
        for status in ["403 Forbidden", "404 Not Found", "302 Found", "500 Internal Server Error"] {
            let portal = scripted(rig, move |asked, stream| {
                let is_operation = asked == Asked::Operation;
                if is_operation {
                    answer(stream, status, &[], b"");
                }
                is_operation
            });
            let backend = backend(rig, &portal.url);
            let seen = backend.slot().await.expect("a slot").live(&unpinned(rig)).await;
            assert!(seen.is_err(), "{status}: {seen:?}");
        }
    }
}

#[tokio::test]
async fn offers_are_listed() {
    for rig in rigs() {
        let (_emulator, emulated) = emulated(rig, &[]).await;
        let offers = emulated.reader().list(&rig.key().publisher, UNWATCHED).await.expect("a list").offers;
        assert!(offers.iter().any(|offer| rig.key().offer == offer.id), "{offers:?}");
        assert!(offers.iter().all(|offer| offer.kind.as_ref().is_some_and(|kind| !kind.is_empty())), "{offers:?}");
        // As it came: letter case, digits, a byte order mark in front of it, the publisher in another letter case.
        let ids = ["Vm", "1152921505700000004"];
        let list = rig.offers(&rig.key().publisher.as_str().to_uppercase(), &ids.map(Some));
        let portal = answering(rig, Asked::Offers, [b"\xef\xbb\xbf".as_slice(), &list].concat());
        let offers =
            backend(rig, &portal.url).reader().list(&rig.key().publisher, UNWATCHED).await.expect("a list").offers;
        assert_eq!(offers.iter().map(|offer| offer.id.as_str()).collect::<Vec<_>>(), ids);
    }
}

#[tokio::test]
async fn a_list_of_offers_that_can_not_be_read_whole_is_an_error() {
    for rig in rigs() {
        let publisher = rig.key().publisher;
        let mut bodies: Vec<Vec<u8>> = UNREADABLE.iter().map(|body| body.as_bytes().to_vec()).collect();
        bodies.extend([b"{}".to_vec(), b"[{\"id\": 5}]".to_vec()]);
        bodies.push(rig.offers(publisher.as_str(), &[Some("vm"), None]));
        bodies.push(rig.offers(publisher.as_str(), &[Some("vm"), Some(" ")]));
        if rig.offers_name_their_publisher() {
            bodies.push(rig.offers("fabrikam", &[Some("vm")]));
        }
        let mut large = rig.offers(publisher.as_str(), &[Some("vm")]);
        large.splice(1..1, vec![b' '; 5 * 1024 * 1024]);
        bodies.push(large);
        for body in bodies {
            let start = start_of(&body);
            let portal = answering(rig, Asked::Offers, body);
            let listed = backend(rig, &portal.url).reader().list(&publisher, UNWATCHED).await;
            // A product that is no offer's is told by its own id; nothing is left out without a word.
            let is_whole = listed.as_ref().is_ok_and(|list| list.unnamed.is_empty());
            assert!(!is_whole, "{start}: {listed:?}");
        }
    }
}

/// So that the cases above fail for what they are about, and not for the way in which they are sent.
#[tokio::test]
async fn the_documents_of_a_rig_can_be_read() {
    for rig in rigs() {
        let portal = scripted(rig, |_, _| false);
        let backend = backend(rig, &portal.url);
        let observed = backend.reader().live(&unpinned(rig)).await.expect("a live state");
        assert!(matches!(observed.live, Live::Running(_)), "{observed:?}");
        let over = answering(rig, Asked::List, rig.list(&[(rig.ids()[0], Said::Completed)]));
        let observed = super::backend(rig, &over.url).reader().live(&unpinned(rig)).await.expect("a live state");
        assert_eq!(observed.live, Live::Nothing);
        let offers = backend.reader().list(&rig.key().publisher, UNWATCHED).await.expect("a list").offers;
        assert_eq!(offers.len(), 1);
    }
}
