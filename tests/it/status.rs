//! `status`: what is running, and which file wants it stopped.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst as SEQUENTIAL};

use cancel_pending::report::{COMMENT_LIMIT, Links, TextStyle, status_markdown, status_text};
use cancel_pending::status::{
    OfferStatus, STATUS_FORMAT_VERSION, StatusDocument, StatusMark, StatusSelection, StatusState, StatusSummary,
};
use serde_json::{Value, json};

use crate::support::raw::{RawPortal, answer};
use crate::support::{Run, Workspace, assert_inert_text, repository};

/// `offer state mark path:line` of each offer.
fn rows(run: &Run) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let row = |offer: &Value| {
        let source = &offer["source"];
        let place =
            if source.is_null() { "-".to_owned() } else { format!("{}:{}", text(&source["path"]), source["line"]) };
        format!("{} {} {} {place}", text(&offer["offer"]), text(&offer["state"]), text(&offer["mark"]))
    };
    run.json()["offers"].as_array().expect("offers").iter().map(row).collect()
}

fn status(workspace: &Workspace, more: &[&str]) -> Run {
    workspace.run([&["status", "--emulate", "portal.yaml"], more].concat())
}

const STATE: &str = "\
clock: {now: 2026-11-25T12:00:00Z, speed: 0}
offers:
  - {publisher: contoso, id: marked, operations: [{id: a, step: displaycertify, stepStatus: blocked, changedAgo: 2d 4h}]}
  - {publisher: contoso, id: pinned, operations: [{id: b}]}
  - {publisher: contoso, id: elsewhere, operations: [{id: over, status: canceled}, {id: other, status: running}]}
  - {publisher: contoso, id: unknown-pin, operations: [{id: c}]}
  - {publisher: contoso, id: expired, operations: [{id: d}]}
  - {publisher: contoso, id: spared, operations: [{id: e}]}
  - {publisher: contoso, id: unmarked, operations: [{id: f, status: not started}]}
  - {publisher: contoso, id: nowhere, operations: [{id: g, type: golive, cancellation: cancelRequested}]}
  - {publisher: contoso, id: frozen-one, operations: [{id: h, status: wandering}]}
  - {publisher: contoso, id: several, operations: [{id: i}, {id: j}]}
  - {publisher: contoso, id: idle, operations: [{id: k, status: failed}]}
  - {publisher: contoso, id: stuck, operations: [{id: l, cancellation: cannotCancel}]}
";

const OFFERS: &str = "\
publisher: contoso
limits: {maxCancels: 5}
offers:
  - id: marked
    cancelPending: true
    reason: From the wrong branch
  - {id: pinned, cancelPending: true, operationId: b}
  - {id: elsewhere, cancelPending: true, operationId: over}
  - {id: unknown-pin, cancelPending: true, operationId: x}
  - {id: expired, cancelPending: true, expires: 2026-01-01T00:00:00Z}
  - {id: spared, cancelPending: false}
  - {id: unmarked}
  - {id: idle, cancelPending: true}
freezes:
  - {offers: ['frozen-*', 'spared'], expires: 2999-01-01T00:00:00Z, reason: Incident 4711}
";

fn workspace() -> Workspace {
    let workspace = Workspace::with("offers.yaml", OFFERS);
    workspace.write("portal.yaml", STATE);
    workspace
}

#[test]
fn each_offer_is_shown_with_its_state_and_the_line_that_names_it() {
    let run = status(&workspace(), &["--format", "json"]).expect(0);
    assert_eq!(
        rows(&run),
        [
            "elsewhere running spent offers.yaml:8",
            "expired running expired offers.yaml:10",
            "frozen-one unknown frozen offers.yaml:15",
            "idle idle marked offers.yaml:13",
            "marked running marked offers.yaml:5",
            "nowhere cancelling in-no-file -",
            "pinned running pinned offers.yaml:7",
            "several several-operations in-no-file -",
            "spared running spared offers.yaml:11",
            "stuck running in-no-file -",
            "unknown-pin running pinned-elsewhere offers.yaml:9",
            "unmarked queued unmarked offers.yaml:12",
        ]
    );
    let document = run.json();
    assert_eq!((&document["formatVersion"], &document["portals"][0]["portal"]), (&json!(1), &json!("cloud-partner")));
    let summary = &document["summary"];
    let counts = ["offers", "active", "wanted", "inNoFile", "running", "queued", "cancelling", "unknown", "idle"];
    let counts: Vec<&Value> = counts.iter().map(|key| &summary[*key]).collect();
    assert_eq!(counts, [12, 11, 3, 3, 7, 1, 1, 1, 1].map(Value::from).iter().collect::<Vec<_>>());
    let of = |id: &str| {
        let offers = document["offers"].as_array().expect("offers").iter();
        offers.into_iter().find(|offer| offer["offer"] == id).expect("the offer").clone()
    };
    assert_eq!(of("marked")["operation"]["id"], "a");
    assert_eq!(of("marked")["reason"], "From the wrong branch");
    assert_eq!(of("frozen-one")["message"], "the portal's word for its state is not known (`wandering`)");
    assert_eq!(of("stuck")["message"], "the portal says that it can't be cancelled (`cannotCancel`)");
    assert_eq!(of("several")["message"], "several operations are running or queued (i, j)");
}

#[test]
fn text_and_markdown() {
    let workspace = workspace();
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "[time]");
    settings.add_filter(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "[time]");
    // The emulator's clock stands still, and the program's does not.
    settings.add_filter(r"(just now|\d+ (s|min|h|d)( \d+ (min|h))? ago) *", "[age] ");
    settings.set_omit_expression(true);
    settings.bind(|| {
        insta::assert_snapshot!("text", status(&workspace, &[]).expect(0).stdout);
        insta::assert_snapshot!("markdown", status(&workspace, &["--format", "markdown"]).expect(0).stdout);
    });
    let quiet = status(&workspace, &["-q"]).expect(0);
    assert_eq!(quiet.stdout, "Status: operations are running on 11 of 12 offers (3 to be cancelled, 3 in no file)\n");
    assert_eq!(quiet.stderr, "");
}

/// A publisher with 1,000 offers of which 5 run costs the list and two calls for each of the five.
#[test]
fn only_what_may_run_is_read() {
    let requests = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    let portal = RawPortal::start(move |path, stream| {
        count.fetch_add(1, SEQUENTIAL);
        let body = if path.contains("/operations/") {
            r#"{"status": "running", "cancellationRequestState": "canCancel"}"#.to_owned()
        } else if path.contains("/submissions/") {
            r#"[{"id": "op", "submissionState": "running", "submissionType": "publish"}]"#.to_owned()
        } else {
            let offer = |at: usize| json!({"id": format!("offer-{at:04}"), "status": if at.is_multiple_of(200) { "running" } else { "succeeded" }});
            Value::from((0..1_000).map(offer).collect::<Vec<_>>()).to_string()
        };
        answer(stream, "200 OK", &[], body.as_bytes());
    });
    let run = Workspace::new().run(["status", "--publisher", "contoso", "--endpoint", &portal.url]).expect(0);
    assert_eq!(requests.load(SEQUENTIAL), 11);
    assert!(run.stdout.contains("995 idle offers are not shown."), "{}", run.stdout);
    assert!(run.stdout.ends_with("running on 5 of 1000 offers (0 to be cancelled, 5 in no file)\n"), "{}", run.stdout);
}

#[test]
fn without_a_file_nothing_is_named_and_a_named_file_must_be_there() {
    let workspace = Workspace::with("portal.yaml", STATE);
    let run = status(&workspace, &["--publisher", "contoso", "--format", "json"]).expect(0);
    assert_eq!((rows(&run).len(), &run.json()["summary"]["inNoFile"]), (12, &json!(11)));
    let run = status(&workspace, &["--publisher", "contoso", "offers.yaml"]).expect(1);
    assert!(run.stderr.contains("error[unreadable]"), "{}", run.stderr);
    let run = status(&workspace, &[]).expect(1);
    assert!(
        run.stderr.contains("there is no offers.yaml here") && run.stderr.contains("--publisher"),
        "{}",
        run.stderr
    );
}

#[test]
fn portals_are_those_of_the_files_or_the_one_that_is_named() {
    let workspace = Workspace::with(
        "portal.yaml",
        std::fs::read(repository("examples/partner-center/portal.yaml")).expect("a file"),
    );
    let offers = std::fs::read(repository("examples/partner-center/offers.yaml")).expect("a file");
    workspace.write("offers.yaml", offers);
    let run = status(&workspace, &["--format", "json"]).expect(0);
    let expected = [
        "contoso-app running pinned offers.yaml:13",
        "contoso-container running in-no-file -",
        "contoso-draft draft in-no-file -",
        "contoso-erp running unmarked offers.yaml:23",
        "contoso-failed failed in-no-file -",
        "contoso-golive too-late in-no-file -",
        "contoso-live idle marked offers.yaml:19",
        "contoso-preview awaits-go-live in-no-file -",
    ];
    assert_eq!(rows(&run), expected);
    assert_eq!(run.json()["offers"][0]["name"], "Contoso App");
    let run =
        status(&workspace, &["--portal", "cloud-partner", "--publisher", "contoso", "--format", "json"]).expect(0);
    assert_eq!(rows(&run), ["contoso-vm running in-no-file -"]);
    let run = status(&workspace, &["--publisher", "fabrikam", "--publisher", "contoso", "--format", "json"]).expect(1);
    assert_eq!(rows(&run), expected, "the other publisher is shown");
    let failures = run.json()["failures"].clone();
    assert_eq!((&failures[0]["publisher"], failures.as_array().map(Vec::len)), (&json!("fabrikam"), Some(1)));
    let run = status(&workspace, &["--portal", "product-ingestion"]).expect(1);
    assert!(run.stderr.contains("no offer in the files is on product-ingestion"), "{}", run.stderr);
}

#[test]
fn an_offer_is_known_by_either_of_its_ids() {
    let workspace = Workspace::with(
        "offers.yaml",
        "publisher: contoso\noffers:\n  - {id: busy, cancelPending: true}\n  - {id: calm}\n",
    );
    workspace.write(
        "portal.yaml",
        "offers:
  - {publisher: contoso, id: busy, guid: 11111111-2222-4333-8444-000000000001, listedBy: guid, operations: [{id: a}]}
  - {publisher: contoso, id: calm, guid: 11111111-2222-4333-8444-000000000002, listedBy: guid}
  - {publisher: contoso, id: other, guid: 11111111-2222-4333-8444-000000000003, listedBy: guid, operations: [{id: b}]}
",
    );
    let run = status(&workspace, &["--format", "json"]).expect(1);
    assert_eq!(
        rows(&run),
        [
            "11111111-2222-4333-8444-000000000003 unreadable in-no-file -",
            "busy running marked offers.yaml:3",
            "calm idle unmarked offers.yaml:4",
        ]
    );
    let message = run.json()["offers"][0]["message"].as_str().expect("text").to_owned();
    assert!(message.starts_with("the portal lists it by a GUID alone with the status `running`"), "{message}");
    assert!(
        run.stderr.ends_with("error: 1 offer could not be read (contoso/11111111-2222-4333-8444-000000000003)\n"),
        "{}",
        run.stderr
    );
}

#[test]
fn an_offer_of_the_file_that_no_list_holds_is_read_by_itself() {
    let workspace = workspace();
    workspace.write("offers.yaml", "publisher: contoso\noffers:\n  - {id: gone, cancelPending: true}\n");
    let run = status(&workspace, &["--format", "json"]).expect(1);
    assert!(rows(&run).contains(&"gone unreadable marked offers.yaml:3".to_owned()), "{:?}", rows(&run));
    assert!(run.stderr.contains("could not be read (contoso/gone)"), "{}", run.stderr);
}

#[test]
fn a_pattern_that_matches_nothing_is_named_and_the_rest_is_shown() {
    let workspace = workspace();
    workspace.write("offers.yaml", OFFERS.replace("'spared'", "'sparred'"));
    let run = status(&workspace, &["--format", "json"]).expect(1);
    assert!(rows(&run).contains(&"frozen-one unknown frozen offers.yaml:15".to_owned()), "{:?}", rows(&run));
    assert_eq!(run.json()["failures"][0]["message"], "the pattern `sparred` of a freeze matches no offer");
    assert!(run.stderr.ends_with("error: 1 pattern of a freeze matches no offer (offers.yaml:15)\n"), "{}", run.stderr);
}

fn product(at: usize) -> Value {
    json!({"id": format!("0d5c0a4e-1111-4222-8333-{at:012}"), "resourceType": "AzureApplication",
        "externalIDs": [{"type": "AzureOfferId", "value": format!("app-{at}")}]})
}

#[test]
fn a_list_that_breaks_says_how_far_it_came() {
    let portal = RawPortal::start(|path, stream| {
        let page = path.split("page=").nth(1).map_or(1, |page| page.parse().expect("a number"));
        if page == 3 {
            answer(stream, "400 Bad Request", &[], b"{}");
            return;
        }
        let body = json!({"value": [product(page)], "nextLink": format!("v1.0/ingestion/products?page={}", page + 1)});
        answer(stream, "200 OK", &[], body.to_string().as_bytes());
    });
    let arguments = ["status", "--publisher", "contoso", "--portal", "partner-center", "--endpoint", &portal.url];
    let run = Workspace::new().run(arguments).expect(1);
    assert_eq!(run.stdout.matches("the list is incomplete: 2 pages were read").count(), 1, "{}", run.stdout);
    assert!(run.stdout.ends_with("Status: could not list the offers of 1 publisher\n"), "{}", run.stdout);
    assert_eq!(run.stderr, "error: the offers of 1 publisher could not be listed (contoso)\n");
}

/// What portals and files say does nothing to a terminal, and stays inside of its cell.
#[test]
fn nothing_untrusted_acts() {
    let evil = "\u{1b}[31m::error::x ##[error] | <b> \u{202e} @everyone `a`";
    let portal = RawPortal::start(move |path, stream| {
        let body = if path.contains("/operations/") {
            json!({"status": evil, "steps": [{"id": evil, "stepName": evil, "status": evil, "messages": [{"messageHtml": evil, "level": "error"}]}]})
        } else if path.contains("/submissions/") {
            json!([{"id": "op", "submissionState": evil, "submissionType": evil}])
        } else {
            json!([{"id": "vm", "status": evil, "offerTypeId": evil, "definition": {"displayText": evil}}])
        };
        answer(stream, "200 OK", &[], body.to_string().as_bytes());
    });
    let workspace = Workspace::with(
        "offers.yaml",
        "publisher: contoso\noffers:\n  - {id: vm, cancelPending: true, reason: '::error::why'}\n",
    );
    for format in ["text", "markdown", "json"] {
        let run = workspace.run(["status", "--endpoint", &portal.url, "--format", format]).expect(0);
        assert_inert_text(&run.stdout);
        assert!(format == "json" || run.stdout.contains("vm"), "{}", run.stdout);
    }
}

fn offer(at: usize, state: StatusState) -> OfferStatus {
    OfferStatus {
        portal: cancel_pending::domain::PortalKind::default(),
        publisher: Some("contoso".parse().expect("an id")),
        offer: format!("contoso-offer-with-a-long-name-{at:05}").parse().expect("an id"),
        product_id: None,
        kind: None,
        name: None,
        state,
        listed_status: None,
        operation: None,
        message: None,
        mark: StatusMark::InNoFile,
        reason: None,
        expires: None,
        source: None,
    }
}

fn document(offers: Vec<OfferStatus>) -> StatusDocument {
    StatusDocument {
        format_version: STATUS_FORMAT_VERSION,
        tool: "cancel-pending".to_owned(),
        created_at: "2026-11-25T12:00:00Z".parse().expect("a time"),
        selection: StatusSelection::default(),
        portals: Vec::new(),
        summary: StatusSummary::of(&offers),
        offers,
        unnamed_products: Vec::new(),
        failures: Vec::new(),
    }
}

#[test]
fn markdown_stays_within_the_limit_of_a_comment() {
    let states = [StatusState::Unreadable, StatusState::Idle];
    let offers = (0..20_000).map(|at| {
        let own = offer(at, states[at % 2]);
        OfferStatus { message: Some("why | it `is` so".repeat(10)), ..own }
    });
    let document = document(offers.collect());
    let none = |_, _: &_, _: &str| None;
    let text = status_markdown(&document, Links::to(&document.portals, true, none), COMMENT_LIMIT);
    assert!(text.len() < COMMENT_LIMIT && text.contains("more offers are not shown here"), "{}", text.len());
    assert!(text.starts_with("### Status: could not check 10000 of 20000 offers\n"));
}

/// No line of the table is wider than the terminal, from where a line can hold a name.
#[test]
fn a_table_fits_the_terminal() {
    let run = status(&workspace(), &["--format", "json"]).expect(0);
    assert_eq!(run.json()["summary"]["offers"], 12);
    let many = document((0..12).map(|at| offer(at, StatusState::Unreadable)).collect());
    for width in [60, 80, 100, 120, 200] {
        let text = status_text(&many, TextStyle { width, ..TextStyle::default() });
        let widest = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        assert!(widest <= width, "{width}: {widest}\n{text}");
    }
}

/// An operation that ends after three seconds by the emulator's quick clock.
const ENDING: &str = "\
clock: {speed: 200}
offers:
  - {publisher: contoso, id: vm, stepTime: 10m, operations: [{id: op, step: live}]}
";

#[test]
fn a_watch_ends_when_nothing_runs() {
    let workspace = Workspace::with("portal.yaml", ENDING);
    let run = status(&workspace, &["--publisher", "contoso", "--watch", "--interval", "1s"]).expect(0);
    assert!(run.stdout.starts_with("STATE"), "{}", run.stdout);
    let last = "Status: nothing is running on 1 offer\n";
    assert!(
        run.stdout.contains("Status: operations are running on 1 of 1 offer") && run.stdout.ends_with(last),
        "{}",
        run.stdout
    );
    assert!(!run.stdout.contains('\u{1b}'), "no terminal");
}

#[test]
fn a_watch_without_a_terminal_is_silent_until_something_changes() {
    let rounds = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&rounds);
    let portal = RawPortal::start(move |path, stream| {
        let body = if path.contains("/operations/") {
            r#"{"status": "running"}"#
        } else if path.contains("/submissions/") {
            r#"[{"id": "op", "submissionState": "running"}]"#
        } else if count.fetch_add(1, SEQUENTIAL) < 3 {
            r#"[{"id": "vm", "status": "running"}]"#
        } else {
            r#"[{"id": "vm", "status": "canceled"}]"#
        };
        answer(stream, "200 OK", &[], body.as_bytes());
    });
    let arguments =
        ["status", "--publisher", "contoso", "--endpoint", &portal.url, "--watch", "--interval", "1s", "-q"];
    let run = Workspace::new().run(arguments).expect(0);
    assert_eq!(
        run.stdout,
        "Status: operations are running on 1 of 1 offer (0 to be cancelled, 1 in no file)\nStatus: nothing is running on 1 offer\n"
    );
    assert_eq!(rounds.load(SEQUENTIAL), 4);
}

#[test]
fn a_watch_that_sees_nothing_gives_up() {
    let portal = RawPortal::start(|_, stream| answer(stream, "403 Forbidden", &[], b""));
    let arguments = ["status", "--publisher", "contoso", "--endpoint", &portal.url, "--watch", "--interval", "1s"];
    let run = Workspace::new().run(arguments).expect(1);
    assert_eq!(portal.requests(), 3);
    assert!(run.stderr.contains("the offers of 1 publisher could not be listed (contoso)"), "{}", run.stderr);
}

#[test]
fn a_watch_shows_text() {
    let run = Workspace::new().run(["status", "--publisher", "contoso", "--watch", "--format", "json"]).expect(1);
    assert!(run.stderr.contains("--watch shows text"), "{}", run.stderr);
    let run = Workspace::new().run(["status", "--publisher", "contoso", "--interval", "5s"]).expect(1);
    assert!(run.stderr.contains("--watch"), "{}", run.stderr);
}

#[cfg(unix)]
#[test]
fn an_interruption_ends_a_watch_with_its_status() {
    for (signal, expected) in [("-INT", 130), ("-TERM", 143)] {
        let workspace = workspace();
        let mut command = workspace.command();
        command.args(["status", "--emulate", "portal.yaml", "--watch"]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it runs");
        let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        while !line.starts_with("Status: ") {
            line.clear();
            assert!(out.read_line(&mut line).expect("text") > 0, "it has ended");
        }
        Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill runs");
        assert_eq!(child.wait().expect("it ends").code(), Some(expected));
        let mut told = String::new();
        child.stderr.take().expect("a pipe").read_to_string(&mut told).expect("text");
        assert_eq!(told, "error: interrupted\n");
    }
}

/// On a terminal it draws over what it has drawn, on the other screen, and leaves the last table on the one before.
#[cfg(target_os = "linux")]
#[test]
fn a_watch_on_a_terminal_draws_in_place() {
    let workspace = Workspace::with("portal.yaml", ENDING);
    let program = env!("CARGO_BIN_EXE_cancel-pending");
    let watch = format!("{program} status --publisher contoso --emulate portal.yaml --watch --interval 1s");
    let mut command = Command::new("script");
    command.args(["-qec", &watch, "/dev/null"]).current_dir(workspace.directory.path()).env_clear();
    command.env("PATH", "/usr/bin:/bin").env("TERM", "xterm").env("SHELL", "/bin/sh").stdin(Stdio::null());
    let run = Run::of(command.output().expect("script runs")).expect(0);
    let (drawn, left) = run.stdout.split_once("\u{1b}[?1049l").expect("the screen before");
    assert_eq!(run.stdout.matches("\u{1b}[?1049h").count(), 1);
    assert!(drawn.matches("\u{1b}[H").count() >= 2, "{drawn:?}");
    assert!(drawn.contains("Looking again in ") && drawn.contains("running on 1 of 1 offer"), "{drawn:?}");
    assert!(left.contains("nothing is running on 1 offer") && !left.contains("Looking again"), "{left:?}");
}
