//! The emulator, spoken to as any client of the API would.

mod partner_center;
mod product_ingestion;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::time::Duration;

use bytes::Bytes;
use cancel_pending::emulator::{Emulator, Scenario};
use cancel_pending::http_client::{self, Route, Security, read_body};
use http::header::{AUTHORIZATION, HeaderMap};
use http::{Method, Request, StatusCode, request};
use serde_json::{Value, json};

use crate::support::{Workspace, repository};

const STATE: &str = "\
token: the-token
clock: {now: 2026-11-22T12:00:00Z, speed: 0}
offers:
  - publisher: contoso
    id: vm
    stepTime: 1h
  - publisher: contoso
    id: old
    migrated: false
    wrapped: true
    spelling: table
    cancel: {answer: accepted, polls: 2}
    operations: [{id: running-one, step: displaycertify, stepStatus: blocked, message: No image., changedAgo: 2d}]
  - publisher: contoso
    id: absolute
    location: absolute
    cancel: {answer: accepted, polls: 1}
    operations: [{id: running-two}]
  - publisher: contoso
    id: refuses
    cancel: {answer: refused, status: 409, code: TooLate}
    operations: [{id: running-three}]
  - {publisher: contoso, id: ignores, cancel: {answer: ignored}, operations: [{id: running-four}]}
  - {publisher: contoso, id: sticks, cancel: {answer: stuck}, operations: [{id: running-five}]}
faults:
  - {on: status, offer: vm, skip: 1, times: 1, status: 429, retryAfter: '7'}
  - {on: status, offer: old, connection: drop}
  - {on: status, offer: absolute, connection: truncate}
  - {on: cancel, offer: absolute, times: 1, when: after, connection: drop}
";

struct Client {
    emulator: Emulator,
    http: reqwest::Client,
}

const GUIDS: &str = "\
clock: {now: 2026-11-22T12:00:00Z, speed: 0}
offers:
  - {publisher: contoso, id: readable, displayText: The readable one, type: microsoft-azure-saas}
  - {publisher: contoso, id: by-guid, guid: 11111111-2222-4333-8444-000000000001, listedBy: guid, operations: [{id: one}]}
  - {publisher: contoso, id: in-list, guid: 11111111-2222-4333-8444-000000000002, listedBy: guid-in-list, operations: [{id: two}]}
";

/// An answer that was read to its end.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn header(&self, name: &str) -> String {
        self.headers[name].to_str().expect("text").to_owned()
    }
}

impl Client {
    async fn new() -> Self {
        Self::with(STATE).await
    }

    async fn with(state: &str) -> Self {
        let scenario = Scenario::read(state).expect("a state");
        let emulator =
            Emulator::start(scenario, "127.0.0.1:0".parse().expect("an address"), None).await.expect("a port");
        Self {
            emulator,
            http: http_client::client(&Route::Direct, Security::Tls, Duration::from_secs(10), 1).expect("a client"),
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.emulator.url())
    }

    fn request(&self, method: Method, path: &str) -> request::Builder {
        let sign = if path.contains('?') { '&' } else { '?' };
        let url = self.url(&format!("{path}{sign}api-version=2017-10-31"));
        Request::builder().method(method).uri(url).header(AUTHORIZATION, "Bearer the-token")
    }

    /// A request as it is given. The token is accepted by any state that names none.
    fn plain(&self, method: Method, path: &str) -> request::Builder {
        Request::builder().method(method).uri(self.url(path)).header(AUTHORIZATION, "Bearer the-token")
    }

    /// None: the connection broke before the answer was complete.
    async fn send(&self, request: request::Builder, body: &str) -> Option<Answer> {
        let request = request.body(body.to_owned()).expect("a request");
        let response = self.http.execute(request.try_into().expect("a request")).await.ok()?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = read_body(response, 1024 * 1024).await.ok()?;
        Some(Answer { status, headers, body })
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.send(self.request(Method::GET, path), "").await.expect("an answer");
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        serde_json::from_slice(&answer.body).expect("JSON")
    }

    async fn post(&self, path: &str) -> Answer {
        self.send(self.request(Method::POST, path), "").await.expect("an answer")
    }

    async fn running(&self, offer: &str) -> Vec<String> {
        let list = self.get(&format!("/api/publishers/contoso/offers/{offer}/submissions/?status=running")).await;
        list.as_array().expect("a list").iter().map(|one| one["id"].as_str().expect("an id").to_owned()).collect()
    }
}

#[tokio::test]
async fn token_version_and_names_are_checked() {
    let client = Client::new().await;
    let status = async |request| client.send(request, "").await.expect("an answer").status.as_u16();
    let vm = || Request::get(client.url("/api/publishers/contoso/offers/vm?api-version=2017-10-31"));
    assert_eq!(status(vm()).await, 401);
    assert_eq!(status(vm().header(AUTHORIZATION, "Bearer another")).await, 401);
    assert_eq!(status(vm().header(AUTHORIZATION, "Bearer the-token")).await, 200);
    let no_version = Request::get(client.url("/api/publishers/contoso/offers/vm"));
    let answer = client.send(no_version.header(AUTHORIZATION, "Bearer the-token"), "").await.expect("an answer");
    assert_eq!(answer.status, 400);
    assert!(String::from_utf8_lossy(&answer.body).contains("InvalidAPIVersion"));
    assert_eq!(status(client.request(Method::GET, "/api/publishers/fabrikam/offers/vm")).await, 403);
    assert_eq!(status(client.request(Method::GET, "/api/publishers/contoso/offers/none")).await, 404);
    assert_eq!(status(client.request(Method::GET, "/api/publishers/contoso/offers/vm/operations/none")).await, 404);
    assert_eq!(
        status(client.request(Method::GET, "/api/publishers/contoso/offers/vm/submissions?status=running")).await,
        404
    );
}

#[tokio::test]
async fn publish_moves_with_the_clock_and_goes_live() {
    let client = Client::new().await;
    let vm = "/api/publishers/contoso/offers/vm";
    assert_eq!(client.get(&format!("{vm}/status")).await["status"], "neverPublished");
    let published = client.post(&format!("{vm}/publish")).await;
    assert_eq!(published.status, 202);
    let path = published.header("location");
    assert!(
        path.starts_with("/api/publishers/contoso/offers/vm/operations/") && path.ends_with("?api-version=2017-10-31")
    );
    let operation = path.trim_end_matches("?api-version=2017-10-31");
    assert_eq!(client.post(&format!("{vm}/publish")).await.status, 409);
    assert_eq!(client.post(&format!("{vm}/golive")).await.status, 400);

    client.emulator.advance(Duration::from_mins(90));
    let document = client.get(operation).await;
    let steps: Vec<_> = document["steps"].as_array().expect("steps").iter().map(|s| s["status"].clone()).collect();
    assert_eq!(steps, ["complete", "inProgress", "notStarted", "notStarted", "notStarted", "notStarted"]);
    assert_eq!(document["steps"][1]["progressPercentage"], json!(50), "a whole number: clients read it as one");
    assert_eq!(document["cancellationRequestState"], "canCancel");

    client.emulator.advance(Duration::from_hours(5));
    assert_eq!(client.get(operation).await["steps"][4]["status"], "waitingForPublisherReview");
    assert_eq!(client.get("/api/publishers/contoso/offers").await.as_array().expect("a list").len(), 6);
    let live = client.post(&format!("{vm}/golive")).await;
    assert_eq!(live.status, 202);
    assert_eq!(client.get(operation).await["status"], "complete");
    client.emulator.advance(Duration::from_hours(2));
    assert_eq!(client.running("vm").await, Vec::<String>::new());
}

#[tokio::test]
async fn cancel_answers_in_every_way() {
    let client = Client::new().await;
    let cancel = |offer: &str| format!("/api/publishers/contoso/offers/{offer}/cancel");

    client.post("/api/publishers/contoso/offers/vm/publish").await;
    assert_eq!(client.post(&cancel("vm")).await.status, 200);
    assert_eq!(client.running("vm").await, Vec::<String>::new());
    assert_eq!(client.post(&cancel("vm")).await.status, 400, "nothing runs any more");

    let accepted = client.post(&cancel("old")).await;
    assert_eq!(accepted.status, 202);
    let place = accepted.header("location");
    assert_eq!(place, "/api/operations/contoso$old$2$preview?api-version=2017-10-31");
    assert_eq!(client.post(&cancel("old")).await.status, 409, "it is being cancelled");
    assert_eq!(client.running("old").await, ["running-one"]);
    let place = place.trim_end_matches("?api-version=2017-10-31");
    assert_eq!(client.get(place).await[0]["status"], "running");
    assert_eq!(client.get(place).await[0]["status"], "complete");
    assert_eq!(client.running("old").await, Vec::<String>::new());

    assert_eq!(client.post(&cancel("refuses")).await.status, 409);
    assert_eq!(client.running("refuses").await, ["running-three"]);
    assert_eq!(client.post(&cancel("ignores")).await.status, 200);
    assert_eq!(client.running("ignores").await, ["running-four"]);
    assert_eq!(client.post(&cancel("sticks")).await.status, 202);
    assert_eq!(client.running("sticks").await, ["running-five"]);
}

#[tokio::test]
async fn a_cancellation_ends_for_a_client_that_reads_only_the_list() {
    let client = Client::new().await;
    client.post("/api/publishers/contoso/offers/old/cancel").await;
    assert_eq!(client.running("old").await, ["running-one"]);
    assert_eq!(client.running("old").await, Vec::<String>::new());
}

#[tokio::test]
async fn an_operation_is_found_with_a_slash_at_its_end_too() {
    let client = Client::new().await;
    for path in
        ["/api/publishers/contoso/offers/absolute/operations/running-two/", "/api/operations/contoso$old$2$preview/"]
    {
        assert_eq!(client.send(client.request(Method::GET, path), "").await.expect("an answer").status, 200, "{path}");
    }
}

#[test]
fn a_mistake_in_the_state_is_told_once_under_the_name_of_its_file() {
    let workspace = Workspace::with("state.yaml", "offers:\n  - {publisher: contoso, id: vm, cancle: {}}\n");
    workspace.write("offers.yaml", "publisher: contoso\noffers: [{id: vm, cancelPending: true}]\n");
    let run = workspace.run(["plan", "--emulate", "state.yaml"]).expect(1);
    assert_eq!(run.stderr.matches("unknown field").count(), 1, "{}", run.stderr);
    assert!(run.stderr.contains("state.yaml") && run.stderr.contains("line 2"), "{}", run.stderr);
    assert!(!run.stderr.contains("<input>"), "{}", run.stderr);
}

#[tokio::test]
async fn faults_hit_when_they_are_due() {
    let client = Client::new().await;
    let status = async |offer: &str| {
        let path = format!("/api/publishers/contoso/offers/{offer}/status");
        let answer = client.send(client.request(Method::GET, &path), "").await?;
        Some((answer.status.as_u16(), answer.headers.get("retry-after").cloned()))
    };
    assert_eq!(status("vm").await, Some((200, None)));
    assert_eq!(status("vm").await, Some((429, Some("7".parse().expect("a header")))));
    assert_eq!(status("vm").await, Some((200, None)));
    assert_eq!(status("old").await, None, "dropped");
    assert_eq!(status("absolute").await, None, "cut half-way");

    // Carried out, and the answer lost.
    let path = "/api/publishers/contoso/offers/absolute/cancel";
    assert!(client.send(client.request(Method::POST, path), "").await.is_none());
    assert_eq!(client.post(path).await.status, 409);
}

#[tokio::test]
async fn entity_tags_guard_writes() {
    let client = Client::new().await;
    let path = "/api/publishers/contoso/offers/absolute";
    let tag = client.send(client.request(Method::GET, path), "").await.expect("an answer").header("etag");
    let put = async |tag: &str| {
        let body = json!({"definition": {"displayText": "new"}}).to_string();
        client.send(client.request(Method::PUT, path).header("If-Match", tag), &body).await.expect("an answer").status
    };
    assert_eq!(put("\"another\"").await, 412);
    assert_eq!(put(&tag).await, 200);
    assert_eq!(put(&tag).await, 412, "the tag has moved on");
    assert_eq!(put("*").await, 200);
    assert_eq!(client.get(path).await["definition"]["displayText"], "new");
    let stale = client.request(Method::POST, &format!("{path}/cancel")).header("If-Match", &tag);
    let stale = client.send(stale, "").await;
    // The first cancel of this offer would lose its answer; the tag is checked before it acts.
    assert!(stale.is_none());
    assert_eq!(client.running("absolute").await, ["running-two"]);
}

#[tokio::test]
async fn an_offer_is_listed_by_its_id_or_by_its_guid() {
    let client = Client::with(GUIDS).await;
    let offers = "/api/publishers/contoso/offers";
    let list = client.get(offers).await;
    let ids: Vec<&Value> = list.as_array().expect("a list").iter().map(|offer| &offer["id"]).collect();
    let guid = |number: u8| format!("11111111-2222-4333-8444-00000000000{number}");
    assert_eq!(ids, [&json!(guid(1)), &json!(guid(2)), &json!("readable")]);
    assert_eq!(list[2]["definition"]["displayText"], "The readable one");
    assert_eq!(list[2]["offerTypeId"], "microsoft-azure-saas");
    assert_eq!(client.get(&format!("{offers}/by-guid")).await["id"], guid(1).as_str());
    assert_eq!(client.get(&format!("{offers}/in-list")).await["id"], "in-list");
    for (offer, number) in [("by-guid", 1), ("in-list", 2)] {
        let operations = client.get(&format!("{offers}/{offer}/submissions/")).await;
        assert_eq!(operations[0]["offerId"], guid(number).as_str(), "{offer}");
    }
    // Addresses take the readable id.
    let by_guid = client.request(Method::GET, &format!("{offers}/{}", guid(1)));
    assert_eq!(client.send(by_guid, "").await.expect("an answer").status, 404);
}

#[tokio::test]
async fn submissions_come_in_both_spellings() {
    let client = Client::new().await;
    let table = client.get("/api/publishers/contoso/offers/old/submissions/?status=running").await;
    assert_eq!(table[0]["status"], "running");
    assert_eq!(table[0]["lastActionDateTime"], "2026-11-20T12:00:00Z");
    let example = client.get("/api/publishers/contoso/offers/absolute/submissions/?status=running").await;
    assert_eq!(example[0]["submissionState"], "running");
    assert!(example[0]["version"].as_u64().expect("a number") > 1 << 53);
}

#[tokio::test]
async fn a_misspelled_state_is_refused_with_its_place() {
    for (text, expected) in [
        ("offers: [{publisher: contoso, id: vm, cancle: {}}]\n", "cancle"),
        ("offers: [{publisher: contoso, id: a/b}]\n", "only letters"),
        ("offers: []\nfaults: [{on: cancel}]\n", "either a `status` or a `connection`"),
        ("offers: []\nlatency: soon\n", "latency"),
        ("offers: []\nclock: {speed: -1}\n", "clock.speed"),
        ("offers: [{publisher: contoso, id: vm, guid: vm}]\n", "no GUID"),
        ("offers: [{publisher: contoso, id: vm, listedBy: guid}]\n", "needs a `guid`"),
        (
            "offers: [{publisher: a, id: a, guid: 11111111-2222-4333-8444-00000000000A}, \
             {publisher: a, id: b, guid: 11111111-2222-4333-8444-00000000000a}]\n",
            "two offers have the GUID",
        ),
    ] {
        let error = Scenario::read(text).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

struct Server(Child, BufReader<std::process::ChildStdout>);

fn serve(workspace: &Workspace) -> (Server, String) {
    let state = repository("examples/portal.yaml");
    let mut child = workspace
        .command()
        .arg("emulate")
        .arg(state)
        .args(["--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    out.read_line(&mut line).expect("a line");
    (Server(child, out), line)
}

#[test]
fn the_command_prints_its_url_and_serves_a_plan() {
    let workspace = Workspace::new();
    let (Server(mut child, _out), line) = serve(&workspace);
    let url = line.trim_end();
    assert!(url.starts_with("http://127.0.0.1:") && line.ends_with('\n'), "{line:?}");
    let offers = repository("examples/offers.yaml");
    let run = workspace.run(["plan", "--format", "json", "--endpoint", url, &offers.to_string_lossy()]).expect(1);
    assert_eq!(run.json()["portals"][0]["origin"], url);
    assert_eq!(run.json()["summary"]["cancel"], 2);
    child.kill().expect("it runs");
    child.wait().expect("it ends");
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_cleanly() {
    for signal in ["-INT", "-TERM"] {
        let (Server(mut child, mut out), _) = serve(&Workspace::new());
        let id = child.id().to_string();
        std::process::Command::new("kill").args([signal, &id]).status().expect("kill runs");
        assert_eq!(child.wait().expect("it ends").code(), Some(0), "{signal}");
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut out, &mut rest).expect("text");
        assert_eq!(rest, "", "one line and no more");
    }
}
