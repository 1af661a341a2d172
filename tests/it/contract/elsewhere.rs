//! Addresses that a portal tells: none leads the token away from where it belongs.

use std::sync::{Arc, Mutex};

use cancel_pending::domain::{CallGuard, OfferQuery};
use cancel_pending::portal::{CancelPortal as _, CancelVerdict, Guard, ReadPortal as _, capabilities};

use super::{Asked, Rig, Said, backend, call, emulated, pinned, rigs, scripted};
use crate::support::raw::{RawPortal, answer};

fn pin(rig: &dyn Rig) -> OfferQuery {
    pinned(rig, rig.ids()[0])
}

/// A server that must not be called.
fn elsewhere() -> RawPortal {
    RawPortal::start(|_, stream| answer(stream, "200 OK", &[], b"{}"))
}

#[tokio::test]
async fn a_location_elsewhere_is_never_called() {
    for rig in rigs().into_iter().filter(|rig| !rig.location_headers().is_empty()) {
        let elsewhere = elsewhere();
        let host = elsewhere.url.trim_start_matches("http:");
        let (_emulator, backend) = emulated(rig, &[(rig.ids()[0], Said::Running)]).await;
        let own = backend.origin().as_str().to_owned();
        let follower = backend.follower();
        assert!(follower.resume(&rig.location(&own)).may_be_called(), "on its own origin it may");
        let user = own.replace("http://", "http://user:secret@");
        for origin in [elsewhere.url.as_str(), host, &user, &own.replace("http:", "https:"), &format!("{own}.example")]
        {
            let location = follower.resume(&rig.location(origin));
            assert!(!location.may_be_called(), "{location:?}");
            follower.follow(&pin(rig), Some(&location)).await.expect("a look");
        }
        assert_eq!(elsewhere.requests(), 0);
    }
}

#[tokio::test]
async fn a_token_never_goes_below_another_prefix() {
    for rig in rigs().into_iter().filter(|rig| !rig.location_headers().is_empty()) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        let portal = RawPortal::serve(move |request, stream| {
            seen.lock().expect("not poisoned").push(request.path.clone());
            match rig.asked(request) {
                Asked::List => answer(stream, "200 OK", &[], &rig.list(&[])),
                _ => answer(stream, "200 OK", &[], &rig.operation(Said::Running)),
            }
        });
        let backend = backend(rig, &portal.url);
        let follower = backend.follower();
        follower.follow(&pin(rig), None).await.expect("a look");
        let usual: Vec<String> = asked.lock().expect("not poisoned").clone();
        let good = rig.location("");
        let last = good.rsplit('/').next().expect("a path");
        for path in [
            format!("/admin{good}"),
            format!("/admin/..{good}"),
            format!("{good}/../../../../../../../admin/{last}"),
            format!("{good}/%2e%2e/%2E%2E/admin"),
            format!("{good}%2f..%2fadmin"),
            format!("{good}\\..\\admin"),
            format!("/{good}"),
            "/admin".to_owned(),
            String::new(),
        ] {
            for told in [path.clone(), format!("{}{path}", portal.url)] {
                let location = follower.resume(&told);
                assert!(!location.may_be_called(), "{told}: {location:?}");
                asked.lock().expect("not poisoned").clear();
                follower.follow(&pin(rig), Some(&location)).await.expect("a look");
                assert_eq!(*asked.lock().expect("not poisoned"), usual, "{told}");
            }
        }
    }
}

#[tokio::test]
async fn what_an_answer_tells_is_held_to_the_same() {
    for rig in rigs() {
        for header in rig.location_headers() {
            let elsewhere = elsewhere();
            let told = rig.location(&elsewhere.url);
            let portal = scripted(rig, move |asked, stream| {
                let is_call = asked == Asked::Cancel;
                if is_call {
                    answer(stream, "202 Accepted", &[(*header, told.as_str())], b"");
                }
                is_call
            });
            let backend = backend(rig, &portal.url);
            let sent = backend.slot().await.expect("a slot").cancel(&call(rig, rig.ids()[0], Guard::Unguarded)).await;
            let CancelVerdict::Accepted { location: Some(location), .. } = sent.verdict else { panic!("{sent:?}") };
            assert!(!location.may_be_called(), "{location:?}");
            assert_eq!(location.shown, rig.location(&elsewhere.url), "people see it");
            backend.follower().follow(&pin(rig), Some(&location)).await.expect("a look");
            assert_eq!(elsewhere.requests(), 0, "{header}");
        }
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    for rig in rigs() {
        let all = [Asked::List, Asked::Operation, Asked::Guard, Asked::Cancel];
        let is_asked = |what: &Asked| rig.needs_operation() || !matches!(what, Asked::Operation | Asked::Guard);
        for what in all.into_iter().filter(is_asked) {
            let elsewhere = elsewhere();
            let to = elsewhere.url.clone();
            let portal = scripted(rig, move |asked, stream| {
                let is_meant = asked == what;
                if is_meant {
                    answer(stream, "307 Temporary Redirect", &[("Location", &to)], b"");
                }
                is_meant
            });
            let backend = backend(rig, &portal.url);
            let slot = backend.slot().await.expect("a slot");
            let (seen, guard) = (slot.live(&pin(rig)).await, slot.guard(&pin(rig)).await);
            let sent = slot.cancel(&call(rig, rig.ids()[0], Guard::Unguarded)).await;
            let failed = (seen.is_err(), guard.is_err(), sent.failure().is_some());
            let expected =
                (matches!(what, Asked::List | Asked::Operation), what == Asked::Guard, what == Asked::Cancel);
            assert_eq!(failed, expected, "{what:?}: {seen:?} {guard:?} {sent:?}");
            assert_eq!(elsewhere.requests(), 0, "{what:?}");
        }
    }
}

#[tokio::test]
async fn a_guard_that_fits_no_header_is_not_sent() {
    for rig in rigs().into_iter().filter(|rig| capabilities(rig.kind()).call_guard == CallGuard::Tag) {
        let portal = scripted(rig, |_, _| false);
        let backend = backend(rig, &portal.url);
        let slot = backend.slot().await.expect("a slot");
        let sent = slot.cancel(&call(rig, rig.ids()[0], Guard::Tag("\"a\r\nX: y\"".to_owned()))).await;
        assert!(matches!(sent.verdict, CancelVerdict::NotSent(_)) && !sent.has_left(), "{sent:?}");
        assert_eq!(portal.requests(), 0);
    }
}
