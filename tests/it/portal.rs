//! The portal as it must not be: slow, broken, hostile. Each misbehaviour is one clear `error`
//! entry, bounded, and the other entries are unharmed.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use cancel_pending::domain::{Observed, OfferQuery, PortalKind, PortalOrigin};
use cancel_pending::http_client::Route;
use cancel_pending::portal::{
    Backend, Credential, CredentialError, Exchange, Failure, HttpExchange, Incoming, Outgoing, Pending,
    ReadPortal as _, Token, TransportSettings,
};

use http::StatusCode;
use http::header::{HeaderMap, HeaderValue};

use crate::support::plans::key;
use crate::support::raw::{RawPortal, answer, wait_for_close};
use crate::support::{Run, Workspace, assert_inert_text, decisions, tls};

const OFFERS: &str = "\
publisher: contoso
offers:
  - {id: bad, cancelPending: true, operationId: op}
  - {id: good, cancelPending: true}
  - {id: left-alone}
";

const RUNNING: &[u8] = br#"[{"id": "op", "submissionType": "publish", "submissionState": "running"}]"#;
const OPERATION: &[u8] = br#"{"status": "running", "cancellationRequestState": "canCancel", "steps": []}"#;

/// What cuts attempts short, where a test waits for them to end.
const SHORT: &[&str] = &["--request-timeout", "1s"];

/// Runs `plan --format json` against a portal.
fn plan(portal: &RawPortal, more: &[&str]) -> Run {
    let workspace = Workspace::with("offers.yaml", OFFERS);
    let mut arguments = vec!["plan", "--format", "json", "--endpoint", &portal.url];
    arguments.extend(more);
    workspace.run(arguments)
}

/// A portal on which `good` is well and `bad` is what the script does.
fn portal(bad: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static) -> RawPortal {
    RawPortal::start(move |path, stream| match path {
        path if path.contains("/offers/good/submissions/") => answer(stream, "200 OK", &[], RUNNING),
        path if path.contains("/offers/good/operations/op") => answer(stream, "200 OK", &[], OPERATION),
        path => bad(path, stream),
    })
}

/// Asserts that `bad` is an error with this in its message, and `good` is planned.
#[track_caller]
fn expect_error(portal: &RawPortal, message: &str) -> Run {
    expect_error_with(portal, message, &[])
}

#[track_caller]
fn expect_error_with(portal: &RawPortal, message: &str, more: &[&str]) -> Run {
    let run = plan(portal, more).expect(1);
    let plan = run.json();
    assert_eq!(
        decisions(&plan),
        ["contoso/bad error -", "contoso/good cancel unpinned", "contoso/left-alone ignored -"]
    );
    let said = plan["entries"][0]["message"].as_str().expect("a message");
    assert!(said.contains(message), "{message:?} is not in {said:?}");
    assert_inert_text(&run.stdout);
    assert_inert_text(&run.stderr);
    run
}

fn status(line: &'static str, headers: &'static [(&str, &str)], body: &'static str) -> RawPortal {
    portal(move |_, stream| answer(stream, line, headers, body.as_bytes()))
}

#[test]
fn every_documented_status_carries_the_portals_own_words() {
    let body = r#"{"error": {"code": "TheCode", "message": "The message."}}"#;
    for (line, expected) in [
        ("400 Bad Request", "answered 400 Bad Request (TheCode: The message.)"),
        ("401 Unauthorized", "answered 401 Unauthorized (TheCode: The message.); the token is missing"),
        ("403 Forbidden", "answered 403 Forbidden (TheCode: The message.); the account may not read this publisher"),
        ("404 Not Found", "answered 404 Not Found (TheCode: The message.); check the ids"),
        ("412 Precondition Failed", "answered 412 Precondition Failed (TheCode: The message.)"),
        ("422 Unprocessable Entity", "answered 422 Unprocessable Entity (TheCode: The message.)"),
        ("418 I'm a teapot", "answered 418 I'm a teapot (TheCode: The message.)"),
    ] {
        expect_error(&status(line, &[], body), expected);
    }
    expect_error(&status("404 Not Found", &[], "nginx"), "answered 404 Not Found");
    // A front end that answers in the portal's place says nothing about an offer.
    expect_error(&status("404 Not Found", &[], "<html>nginx</html>"), "this is the page of a front end or a proxy");
}

/// Answers every request with one status.
struct Always(StatusCode, AtomicUsize);

impl Exchange for Always {
    fn exchange(&self, _request: Outgoing) -> Pending<'_, Result<Incoming, Failure>> {
        self.1.fetch_add(1, Ordering::SeqCst);
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", HeaderValue::from_static("0"));
        Box::pin(std::future::ready(Ok(Incoming { status: self.0, headers, body: Bytes::new() })))
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_tried_again_and_then_said() {
    for status in [
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::INTERNAL_SERVER_ERROR,
        StatusCode::SERVICE_UNAVAILABLE,
    ] {
        let exchange = Arc::new(Always(status, AtomicUsize::new(0)));
        let credential = Arc::new(cancel_pending::portal::StaticToken(Token::new("x").expect("a token")));
        let (settings, shared) = (TransportSettings::default(), Arc::clone(&exchange) as Arc<dyn Exchange>);
        let backend = Backend::new(PortalKind::CloudPartner, PortalOrigin::microsoft(), credential, shared, &settings);
        let failure = backend.reader().live(&query()).await.expect_err("a failure");
        assert!(failure.to_string().contains(&format!("answered {status}")), "{failure}");
        assert_eq!(exchange.1.load(Ordering::SeqCst), 4, "{status}");
    }
}

#[test]
fn what_is_final_is_asked_once() {
    for line in ["400 Bad Request", "403 Forbidden", "404 Not Found", "302 Found"] {
        let portal = status(line, &[], "");
        plan(&portal, &[]).expect(1);
        assert_eq!(portal.requests(), 3, "{line}: one for bad, two for good");
    }
}

#[test]
fn a_passing_fault_passes() {
    for line in ["429 Too Many Requests", "503 Service Unavailable", "500 Internal Server Error", "408 Request Timeout"]
    {
        let calls = Mutex::new(0);
        let portal = portal(move |path, stream| {
            let mut calls = calls.lock().expect("a lock");
            *calls += 1;
            match (*calls, path) {
                (1, _) => answer(stream, line, &[("Retry-After", "0")], b""),
                (2, _) => drop(stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n[{\"id\"")),
                (_, path) if path.contains("/submissions/") => answer(stream, "200 OK", &[], RUNNING),
                _ => answer(stream, "200 OK", &[], OPERATION),
            }
        });
        let workspace = Workspace::with("offers.yaml", OFFERS);
        let run = workspace.run(["plan", "--format", "json", "--endpoint", &portal.url]).expect(0);
        assert_eq!(decisions(&run.json())[0], "contoso/bad cancel -", "{line}");
    }
}

#[test]
fn redirects_are_not_followed_and_the_token_does_not_travel() {
    let elsewhere = RawPortal::start(|_, stream| answer(stream, "200 OK", &[], b"[]"));
    for status in
        ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"]
    {
        let to = format!("{}/here", elsewhere.url);
        let bad = portal(move |_, stream| answer(stream, status, &[("Location", &to)], b""));
        let run = expect_error(&bad, &format!("answered {status} and points elsewhere"));
        assert!(run.stdout.contains("redirects are not followed"));
    }
    assert_eq!(elsewhere.requests(), 0);
}

#[test]
fn what_is_no_document_of_the_api_is_said_so() {
    for (body, expected) in [
        ("", "not a list of submissions"),
        ("<!doctype html>", "not a list of submissions"),
        ("{\"value\": []}", "not a list of submissions"),
        ("[{\"id\": \"op\"", "not a list of submissions"),
        ("null", "not a list of submissions"),
        ("[{\"id\": \"../../admin\"}]", "the id of a running operation"),
        ("[{\"id\": \"a$b$2$preview\"}]", "the id of a running operation"),
    ] {
        expect_error(&status("200 OK", &[], body), expected);
    }
    let deep = portal(|_, stream| answer(stream, "200 OK", &[], "[".repeat(200_000).as_bytes()));
    expect_error(&deep, "not a list of submissions");
    let operation = portal(|path, stream| match path {
        path if path.contains("/submissions/") => answer(stream, "200 OK", &[], RUNNING),
        _ => answer(stream, "200 OK", &[], b"[]"),
    });
    expect_error(&operation, "not an operation");
}

#[test]
fn several_running_operations_are_blocked_and_named() {
    for second in ["running", "not started"] {
        let body = format!(
            r#"[{{"id": "op", "submissionState": "running"}}, {{"id": "op2", "submissionState": "{second}"}}]"#
        );
        let portal = portal(move |_, stream| answer(stream, "200 OK", &[], body.as_bytes()));
        let plan = plan(&portal, &[]).expect(1).json();
        assert_eq!(decisions(&plan)[0], "contoso/bad blocked -");
        let said = plan["entries"][0]["message"].as_str().expect("a message");
        assert!(said.contains("several operations are running or queued on this offer (op, op2)"), "{said}");
    }
}

#[test]
fn an_answer_without_end_is_bounded() {
    let announced = portal(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 209715200\r\n\r\n[");
        wait_for_close(stream);
    });
    expect_error(&announced, "larger than 4 MiB");
    let chunked = portal(|_, stream| {
        let chunk = [b"10000\r\n".as_slice(), &vec![b' '; 0x10000], b"\r\n"].concat();
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        while stream.write_all(&chunk).is_ok() {}
    });
    let workspace = Workspace::with("offers.yaml", OFFERS);
    let run = workspace.run(["plan", "--format", "json", "--endpoint", &chunked.url]).expect(1);
    assert!(run.stdout.contains("larger than 4 MiB"), "{}", run.stdout);
}

#[test]
fn headers_without_end_are_bounded() {
    let portal = portal(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        while stream.write_all(format!("X-Header: {}\r\n", "x".repeat(1000)).as_bytes()).is_ok() {}
    });
    expect_error(&portal, "broke before the answer was complete");
}

#[test]
fn a_compressed_answer_is_not_unpacked() {
    // A gzip member of zeros; that it would expand does not matter, because nothing expands it.
    let bomb: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b, 4, 0, 0x43, 0xbe, 0xb7, 0xe8, 1, 0, 0, 0];
    for encoding in ["gzip", "br", "deflate", "zstd"] {
        let portal = portal(move |_, stream| answer(stream, "200 OK", &[("Content-Encoding", encoding)], bomb));
        expect_error(&portal, &format!("compressed (`{encoding}`)"));
    }
}

#[test]
fn a_hang_ends() {
    expect_error_with(&portal(|_, stream| wait_for_close(stream)), "did not answer within 1 s", SHORT);
}

#[test]
fn one_byte_at_a_time_ends() {
    let portal = portal(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n[");
        while stream.write_all(b" ").and_then(|()| stream.flush()).is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    expect_error_with(&portal, "did not answer within 1 s", SHORT);
}

#[test]
fn a_connection_that_breaks_is_said_so() {
    expect_error(&portal(|_, _| {}), "broke before the answer was complete");
    let half = portal(|_, stream| drop(stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[{\"id\"")));
    expect_error(&half, "broke before the answer was complete");
    expect_error(
        &portal(|_, stream| drop(stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n"))),
        "broke before the answer was complete",
    );
}

#[test]
fn nobody_listening_is_said_so() {
    let unused = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let workspace = Workspace::with("offers.yaml", OFFERS);
    let url = format!("http://{unused}");
    let run = workspace.run(["plan", "--format", "json", "--endpoint", &url, "--request-timeout", "300ms"]).expect(1);
    assert!(run.stdout.contains("could not reach http://127.0.0.1"), "{}", run.stdout);
}

/// No connection, a token that is not accepted, a portal that is down: that is one error, however many offers
/// it keeps from being read.
#[test]
fn what_no_offer_of_the_portal_can_be_read_for_is_said_once() {
    let offers: String =
        (0..12).map(|number| format!("  - {{id: offer-{number:02}, cancelPending: true}}\n")).collect();
    let workspace = Workspace::with("offers.yaml", format!("publisher: contoso\noffers:\n{offers}"));
    let unused = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let count = AtomicUsize::new(0);
    let refusing = RawPortal::start(move |_, stream| {
        // Each answer has a name of its own, which does not make it another reason.
        let id = count.fetch_add(1, Ordering::SeqCst).to_string();
        answer(stream, "401 Unauthorized", &[("x-ms-correlation-request-id", &id)], b"");
    });
    let down = RawPortal::start(|_, stream| answer(stream, "503 Service Unavailable", &[], b""));
    let unreachable = format!("http://{unused}");
    for (url, reason) in [
        (&unreachable, "could not reach http://"),
        (&refusing.url, "answered 401 Unauthorized"),
        (&down.url, "answered 503 Service Unavailable"),
    ] {
        let plan = |format: &str| {
            let arguments = ["plan", "--format", format, "--endpoint", url, "-v"];
            workspace.run(arguments.iter().copied().chain(SHORT.iter().copied())).expect(1)
        };
        let text = plan("text");
        let said = text.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(said.matches(reason).count(), 1, "{said}");
        assert!(said.contains("could not check 12 of 12 marked offers"), "{said}");
        assert!(said.contains(&format!("error {url} why ")), "{said}");
        assert!(said.contains("contoso / offer-09, and 2 more"), "{said}");
        let warnings = text.stderr.lines().filter(|line| line.contains("WARN"));
        assert_eq!(warnings.count(), 1, "{}", text.stderr);
        let json = plan("json").json();
        assert_eq!(json["summary"]["error"], 12);
        let entries = json["entries"].as_array().expect("entries");
        assert!(entries.iter().all(|entry| entry["message"].as_str().is_some_and(|text| text.contains(reason))));
        assert!(entries.iter().all(|entry| entry["note"] == "portal-unreadable"), "{}", entries[0]);
    }
}

/// One offer that fails says nothing of the portal while another one can be read, or fails for another reason.
#[test]
fn what_only_some_offers_can_not_be_read_for_is_said_of_each() {
    let workspace = Workspace::with(
        "offers.yaml",
        "publisher: contoso\noffers: [{id: one, cancelPending: true}, {id: two, cancelPending: true}]\n",
    );
    for (one, two) in [
        ("401 Unauthorized", "200 OK"),
        ("401 Unauthorized", "403 Forbidden"),
        ("403 Forbidden", "403 Forbidden"),
        ("404 Not Found", "404 Not Found"),
    ] {
        let portal = RawPortal::start(move |path, stream| {
            answer(stream, if path.contains("/one/") { one } else { two }, &[], b"[]");
        });
        let run = workspace.run(["plan", "--endpoint", &portal.url]).expect(1);
        assert!(run.stdout.contains("error  contoso / one"), "{one}, {two}: {}", run.stdout);
        assert_eq!(run.stdout.contains("error  contoso / two"), two != "200 OK", "{one}, {two}: {}", run.stdout);
    }
}

#[test]
fn an_absurd_retry_after_is_not_waited_out() {
    let portal = status("429 Too Many Requests", &[("Retry-After", "86400")], "");
    expect_error_with(&portal, "answered 429 Too Many Requests", SHORT);
    assert_eq!(portal.requests(), 3, "the wait would pass the deadline, so there is none");
}

#[test]
fn what_finished_meanwhile_is_in_sync_and_unknown_words_are_kept() {
    for (word, decision) in
        [("completed", "in-sync"), ("Canceled", "in-sync"), ("finalizing", "blocked"), ("Not Started", "cancel")]
    {
        let portal = portal(move |path, stream| match path {
            path if path.contains("/submissions/") => answer(stream, "200 OK", &[], RUNNING),
            _ => answer(stream, "200 OK", &[], format!("[{{\"status\": \"{word}\"}}]").as_bytes()),
        });
        let run = plan(&portal, &[]);
        let entry = &run.json()["entries"][0];
        assert_eq!(entry["decision"], decision, "{word}");
        if decision == "blocked" {
            assert_eq!(entry["operation"]["state"], word);
        }
    }
}

#[test]
fn hostile_words_of_the_portal_stay_inert_in_every_format() {
    for text in crate::support::plans::HOSTILE {
        let text = serde_json::Value::from(*text);
        let list = serde_json::json!([{"id": "op", "submissionType": text, "submissionState": "running"}]).to_string();
        let operation = serde_json::json!({
            "status": "running", "cancellationRequestState": "canCancel",
            "steps": [{"stepName": text, "status": text, "estimatedTimeFrame": text, "messages": [{"messageHtml": text}]}],
        });
        let operation = operation.to_string();
        let error = serde_json::json!({"error": {"code": text, "message": text}}).to_string();
        for good in [true, false] {
            let (list, operation, error) = (list.clone(), operation.clone(), error.clone());
            let portal = RawPortal::start(move |path, stream| match path {
                path if path.contains("/submissions/") && good => answer(stream, "200 OK", &[], list.as_bytes()),
                _ if good => answer(stream, "200 OK", &[], operation.as_bytes()),
                _ => answer(stream, "400 Bad Request", &[], error.as_bytes()),
            });
            let workspace = Workspace::with("offers.yaml", OFFERS);
            for format in ["text", "json", "markdown"] {
                let run = workspace.run(["plan", "--format", format, "--endpoint", &portal.url, "-vv"]);
                assert_inert_text(&run.stdout);
                assert_inert_text(&run.stderr);
            }
        }
    }
}

/// A portal on which nothing runs, and the most requests that it had at once.
fn crowded() -> (RawPortal, Arc<AtomicUsize>) {
    let (now, most) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    let peak = Arc::clone(&most);
    let portal = RawPortal::start(move |_, stream| {
        peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(5));
        now.fetch_sub(1, Ordering::SeqCst);
        answer(stream, "200 OK", &[], b"[]");
    });
    (portal, most)
}

#[test]
fn no_more_requests_at_once_than_asked_for() {
    let (portal, most) = crowded();
    let offers: String = (0..40).map(|number| format!("  - {{id: offer-{number}, cancelPending: true}}\n")).collect();
    let workspace = Workspace::with("offers.yaml", format!("publisher: contoso\noffers:\n{offers}"));
    workspace.run(["plan", "--endpoint", &portal.url, "--concurrency", "3"]).expect(0);
    assert_eq!(portal.requests(), 40, "one call an idle offer");
    assert!(most.load(Ordering::SeqCst) <= 3);
}

#[test]
fn a_retry_after_holds_for_all_requests_together() {
    for line in ["429 Too Many Requests", "503 Service Unavailable"] {
        all_wait_after(line);
    }
}

fn all_wait_after(line: &'static str) {
    const WAIT: Duration = Duration::from_secs(1);
    let asked: Arc<Mutex<Option<Instant>>> = Arc::default();
    let (requests, early) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    let (at, too_early) = (Arc::clone(&asked), Arc::clone(&early));
    // The first two come together. One is throttled; the other is served when that has been heard.
    let (both, heard) = (Barrier::new(2), Barrier::new(2));
    let portal = RawPortal::start(move |_, stream| match requests.fetch_add(1, Ordering::SeqCst) {
        0 => {
            both.wait();
            *at.lock().expect("not poisoned") = Some(Instant::now());
            answer(stream, line, &[("Retry-After", "1")], b"");
            wait_for_close(stream);
            heard.wait();
        }
        1 => {
            both.wait();
            heard.wait();
            answer(stream, "200 OK", &[], b"[]");
        }
        _ => {
            let since = at.lock().expect("not poisoned").map(|asked| asked.elapsed());
            too_early.fetch_add(usize::from(since < Some(WAIT)), Ordering::SeqCst);
            answer(stream, "200 OK", &[], b"[]");
        }
    });
    let offers: String = (0..6).map(|number| format!("  - {{id: offer-{number}, cancelPending: true}}\n")).collect();
    let workspace = Workspace::with("offers.yaml", format!("publisher: contoso\noffers:\n{offers}"));
    workspace.run(["plan", "--endpoint", &portal.url, "--concurrency", "2"]).expect(0);
    assert_eq!(early.load(Ordering::SeqCst), 0, "requests while the portal wanted to be left alone");
    assert_eq!(portal.requests(), 7, "one came in vain");
}

#[test]
fn no_token_shows_anywhere() {
    let portal = status("401 Unauthorized", &[], "");
    let workspace = Workspace::with("offers.yaml", OFFERS);
    for format in ["text", "json"] {
        let output = workspace
            .command()
            .env("CANCEL_PENDING_TOKEN", "canary-token-4711")
            .env("RUST_LOG", "trace")
            .args(["plan", "--endpoint", &portal.url, "-vvvv", "--log-format", format, "--out", "plan.json"])
            .output()
            .expect("the program runs");
        let run = Run::of(output);
        assert!(!format!("{}{}{}", run.stdout, run.stderr, workspace.read("plan.json")).contains("canary"));
        assert!(run.stderr.contains("401"), "the log says what happened: {}", run.stderr);
    }
}

/// A credential whose first token the portal does not accept.
struct Renewable(AtomicUsize);

impl Credential for Renewable {
    fn token(&self) -> Pending<'_, Result<Token, CredentialError>> {
        Box::pin(std::future::ready(Token::new("old")))
    }

    fn renew<'a>(&'a self, _: &'a Token) -> Pending<'a, Result<Token, CredentialError>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(std::future::ready(Token::new("new")))
    }
}

fn backend(origin: PortalOrigin, credential: Arc<dyn Credential>, settings: &TransportSettings) -> Backend {
    let exchange = HttpExchange::new(origin.clone(), &Route::Direct, settings.request_timeout, 4).expect("an exchange");
    Backend::new(PortalKind::CloudPartner, origin, credential, exchange, settings)
}

fn query() -> OfferQuery {
    OfferQuery::unpinned(key("contoso", "vm"))
}

#[tokio::test]
async fn a_token_that_is_not_accepted_is_renewed_once() {
    for (accepted, expected_renewals, expected_requests) in [("new", 1, 2), ("none", 1, 2)] {
        let raw = RawPortal::serve(move |request, stream| {
            let right = request.header("authorization") == Some(&format!("Bearer {accepted}"));
            answer(stream, if right { "200 OK" } else { "401 Unauthorized" }, &[], b"[]");
        });
        let credential = Arc::new(Renewable(0.into()));
        let origin = raw.url.parse().expect("an origin");
        let shared: Arc<dyn Credential> = Arc::<Renewable>::clone(&credential);
        let backend = backend(origin, shared, &TransportSettings::default());
        let live = backend.reader().live(&query()).await;
        assert_eq!(live == Ok(Observed::nothing()), accepted == "new", "{live:?}");
        assert_eq!(credential.0.load(Ordering::SeqCst), expected_renewals);
        assert_eq!(raw.requests(), expected_requests);
    }
}

/// However many offers are read at once: there are no more slots than were asked for.
#[tokio::test(flavor = "multi_thread")]
async fn a_backend_has_slots_of_its_own() {
    let (raw, most) = crowded();
    let settings = TransportSettings { concurrency: 2, ..TransportSettings::default() };
    let credential = Arc::new(cancel_pending::portal::StaticToken(Token::new("x").expect("a token")));
    let backend = backend(raw.url.parse().expect("an origin"), credential, &settings);
    let (reader, query) = (backend.reader(), query());
    let seen = futures_util::future::join_all((0..40).map(|_| reader.live(&query))).await;
    assert!(seen.iter().all(|live| *live == Ok(Observed::nothing())));
    assert!(most.load(Ordering::SeqCst) <= 2);
}

#[test]
fn a_portal_out_of_reach_is_not_called_for_each_offer() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let portal = format!("https://{}", listener.local_addr().expect("an address"));
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    // It takes connections and ends them before there is any TLS.
    std::thread::spawn(move || {
        for _ in listener.incoming() {
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    let offers: String = (0..100).map(|number| format!("  - {{id: offer-{number}, cancelPending: true}}\n")).collect();
    let workspace = Workspace::with("offers.yaml", format!("publisher: contoso\noffers:\n{offers}"));
    workspace.write("authority.pem", tls::certificates().0);
    let mut command = workspace.command();
    command.env("SSL_CERT_FILE", workspace.path("authority.pem"));
    command.args(["plan", "--format", "json", "--concurrency", "4", "--endpoint", &portal]).args(SHORT);
    let plan = Run::of(command.output().expect("the program runs")).expect(1).json();
    assert_eq!(plan["summary"]["error"], 100);
    for entry in plan["entries"].as_array().expect("a list") {
        assert!(entry["message"].as_str().expect("text").starts_with("could not reach https://"), "{entry}");
    }
    // Four at a time, each at most four times.
    let connections = connections.load(Ordering::SeqCst);
    assert!((1..=16).contains(&connections), "{connections} connections");
}
