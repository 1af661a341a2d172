//! Secrets that a server echoes: cut out of all that is shown or stored.

use cancel_pending::portal::PortalError;
use cancel_pending::secrets::{REDACTED, learn};

use crate::support::offer::OfferPortal;
use crate::support::raw::{RawPortal, answer};
use crate::support::{Run, Workspace};

/// As hard as it gets: characters that URLs, JSON and HTML write in other ways.
const TOKEN: &str = "canary/47xi+token~Q==";
/// And what is left of it when it is written in one of them.
const PIECES: [&str; 3] = ["canary", "47xi", "token~Q"];

const OFFERS: &str = "publisher: contoso\noffers: [{id: vm, cancelPending: true}]\n";

fn run(workspace: &Workspace, arguments: &[&str]) -> Run {
    let mut command = workspace.command();
    command.env("CANCEL_PENDING_TOKEN", TOKEN).env("GITHUB_ACTIONS", "true");
    Run::of(command.args(arguments).output().expect("it runs"))
}

/// Asserts that nothing of the token is in any output, and that something was cut out.
#[track_caller]
fn assert_cut_out(workspace: &Workspace, run: &Run, files: &[&str]) {
    let written: String = files.iter().map(|file| workspace.read(file)).collect();
    let all = format!("{}{}{written}", run.stdout, run.stderr);
    for piece in PIECES {
        assert!(!all.contains(piece), "{piece} in {all}");
    }
    assert!(all.contains(REDACTED), "{all}");
}

/// A portal that answers each read of what runs with this.
fn portal(status: &'static str, headers: Vec<(&'static str, String)>, body: String) -> RawPortal {
    RawPortal::start(move |_, stream| {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        answer(stream, status, &headers, body.as_bytes());
    })
}

#[test]
fn a_token_that_the_portal_echoes_is_shown_nowhere() {
    let said = |text: &str| serde_json::json!({"error": {"code": "A", "message": text}}).to_string();
    let list =
        |field: &str, text: &str| serde_json::json!([{"id": "op", "status": "running", field: text}]).to_string();
    let percent = "canary%2F47xi%2Btoken~Q%3D%3D";
    for (status, headers, body) in [
        ("401 Unauthorized", vec![], said(&format!("the token {TOKEN} is expired"))),
        ("403 Forbidden", vec![], said(&format!("<b>Bearer</b> {TOKEN}"))),
        ("400 Bad Request", vec![], format!("no {TOKEN}")),
        ("403 Forbidden", vec![], format!("<html><title>{TOKEN} is blocked</title></html>")),
        // Where the message is cut.
        ("400 Bad Request", vec![], said(&format!("{}{TOKEN}", "x ".repeat(245)))),
        ("302 Found", vec![("Location", format!("https://elsewhere.example/?token={percent}"))], String::new()),
        ("200 OK", vec![("Content-Encoding", TOKEN.to_owned())], "[]".to_owned()),
        ("200 OK", vec![], list("submissionType", TOKEN)),
    ] {
        let portal = portal(status, headers, body);
        for format in ["text", "json", "markdown"] {
            let workspace = Workspace::with("offers.yaml", OFFERS);
            let run = run(
                &workspace,
                &[
                    "plan",
                    "--endpoint",
                    &portal.url,
                    "--format",
                    format,
                    "--out",
                    "plan.json",
                    "-vv",
                    "--log-format",
                    "json",
                ],
            );
            assert_cut_out(&workspace, &run, &["plan.json"]);
            assert!(!run.stderr.contains("::add-mask::"), "what was given is not shown, not even to the runner");
        }
    }
}

#[test]
fn nor_is_it_stored_by_an_apply() {
    let portal = OfferPortal::start(|_, stream| {
        let location = format!("/api/publishers/contoso/offers/vm/operations/x?token={TOKEN}");
        let body = serde_json::json!({"message": format!("{TOKEN} may not do that")}).to_string();
        answer(stream, "400 Bad Request", &[("Location", &location), ("x-azure-ref", TOKEN)], body.as_bytes());
    });
    let workspace = Workspace::with("offers.yaml", crate::support::offer::DESIRED);
    let arguments = ["apply", "--auto-approve", "--endpoint", &portal.raw.url, "--out", "outcome.json", "-vv"];
    let run = run(&workspace, &arguments).expect(1);
    assert_cut_out(&workspace, &run, &["outcome.json", ".cancel-pending/journal.jsonl"]);
    assert!(workspace.read("outcome.json").contains(REDACTED));
    assert!(workspace.read(".cancel-pending/journal.jsonl").contains(REDACTED));
}

/// A message is cut to a length, and the first half of a token is as good as nothing to recognize it by.
#[test]
fn a_secret_goes_before_a_text_is_cut() {
    let secret = "library-canary-".repeat(100);
    assert!(learn(&secret));
    for body in [
        format!("{{\"message\": \"{}{secret}\"}}", "x ".repeat(200)),
        format!("{{\"code\": \"A{secret}\"}}"),
        format!("{{\"errors\": {{\"a{secret}\": [\"b{secret}\"]}}}}"),
        format!("<title>{secret}</title>"),
        format!("text {secret}"),
    ] {
        let error = PortalError::read(body.as_bytes()).expect("an error");
        assert!(!format!("{error:?}{error}").contains("canary"), "{error:?}");
        assert!(error.to_string().contains(REDACTED), "{error}");
    }
}
