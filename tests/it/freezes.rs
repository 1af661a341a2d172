//! Freezes: what they reach, what keeps an offer out, what they cost, and how they are told.

use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::github::FakeGitHub;
use crate::support::raw::{RawPortal, Request, answer};
use crate::support::step::{Step, plan, pull_request_event};
use crate::support::{Run, Workspace, decisions};

const PORTAL: &str = "clock: {now: 2026-11-22T12:00:00Z, speed: 0}
offers:
  - {publisher: contoso, id: contoso-vm, operations: [{id: one}]}
  - {publisher: contoso, id: contoso-saas, operations: [{id: two}]}
  - {publisher: contoso, id: contoso-old, operations: [{id: three, status: completed}]}
  - {publisher: contoso, id: queued, operations: [{id: four, status: notStarted}]}
  - {publisher: fabrikam, id: contoso-vm, operations: [{id: five}]}
";

/// A document with these offers and these freezes.
fn file(offers: &str, freezes: &str) -> String {
    let offers = if offers.is_empty() { String::new() } else { format!("offers: [{offers}]\n") };
    format!("publisher: contoso\nlimits: {{maxCancels: 9}}\n{offers}freezes: [{freezes}]\n")
}

fn freeze(patterns: &str, more: &str) -> String {
    format!("{{offers: [{patterns}], expires: 2099-12-01T00:00:00Z, reason: Incident 4711{more}}}")
}

fn run(desired: &str, state: &str, more: &[&str]) -> Run {
    let workspace = Workspace::with("offers.yaml", desired);
    workspace.write("state.yaml", state);
    workspace.run(["plan", "--emulate", "state.yaml"].iter().chain(more))
}

fn planned(desired: &str) -> Value {
    run(desired, PORTAL, &["--format", "json"]).json()
}

#[test]
fn whatever_runs_on_the_offers_that_match_is_cancelled() {
    let plan = planned(&file("", &freeze("'*'", "")));
    assert_eq!(
        decisions(&plan),
        [
            "contoso/contoso-old in-sync unpinned",
            "contoso/contoso-saas cancel unpinned",
            "contoso/contoso-vm cancel unpinned",
            "contoso/queued cancel unpinned",
        ],
        "and nothing of another publisher"
    );
    for entry in plan["entries"].as_array().expect("entries") {
        assert_eq!(entry["rule"], "freeze");
        assert_eq!(entry["source"], json!({"path": "offers.yaml", "line": 3, "column": 11}));
        assert_eq!((&entry["reason"], &entry["expires"]), (&json!("Incident 4711"), &json!("2099-12-01T00:00:00Z")));
    }
    assert_eq!((&plan["freezes"][0]["matched"], &plan["freezes"][0]["note"]), (&json!(4), &Value::Null));
    // A pattern is about the whole id, whatever its letter case.
    let plan = planned(&file("", &freeze("Contoso-V?, QUEUED", "")));
    assert_eq!(decisions(&plan), ["contoso/contoso-vm cancel unpinned", "contoso/queued cancel unpinned"]);
    let plan = planned(&file("", &freeze("'contoso-*'", ", publisher: fabrikam")));
    assert_eq!(decisions(&plan), ["fabrikam/contoso-vm cancel unpinned"]);
}

#[test]
fn it_overrides_pins_and_expired_marks_and_nothing_else() {
    let with = |offer: &str| planned(&file(offer, &freeze("contoso-vm", "")));
    for offer in [
        "{id: contoso-vm}",
        "{id: Contoso-VM, cancelPending: true, operationId: nine}",
        "{id: contoso-vm, cancelPending: true, expires: 2020-01-01T00:00:00Z}",
    ] {
        let plan = with(offer);
        assert_eq!(plan["summary"]["cancel"], 1, "{offer}: {plan}");
        assert_eq!(plan["entries"].as_array().map(Vec::len), Some(1), "the offer is listed once: {plan}");
        assert_eq!(
            (&plan["entries"][0]["rule"], &plan["entries"][0]["operation"]["id"]),
            (&json!("freeze"), &json!("one"))
        );
    }
    // A mark that reaches as far says so itself.
    let plan = with("{id: contoso-vm, cancelPending: true, reason: My own}");
    assert_eq!((&plan["entries"][0]["rule"], &plan["entries"][0]["reason"]), (&Value::Null, &json!("My own")));
    assert_eq!(plan["summary"]["cancel"], 1);
    // What keeps an offer out.
    let plan = with("{id: contoso-vm, cancelPending: false}");
    assert_eq!(decisions(&plan), ["contoso/contoso-vm ignored -"]);
    assert_eq!(plan["freezes"][0]["matched"], 0);
    let plan = planned(&file("", &freeze("'contoso-*'", ", except: ['*-vm', contoso-old]")));
    assert_eq!(decisions(&plan), ["contoso/contoso-saas cancel unpinned"]);
}

#[test]
fn two_freezes_over_one_offer_are_both_named_and_the_longer_one_counts() {
    let first = freeze("contoso-vm", "");
    let longer = "{offers: [contoso-*], expires: 2100-01-01T00:00:00Z, reason: Incident 4712}";
    let plan = planned(&file("", &format!("{first}, {longer}")));
    let of_vm: Vec<&Value> =
        plan["entries"].as_array().expect("entries").iter().filter(|one| one["offer"] == "contoso-vm").collect();
    assert_eq!(of_vm.len(), 1);
    assert_eq!(of_vm[0]["expires"], "2100-01-01T00:00:00Z");
    assert_eq!(of_vm[0]["reason"], "Incident 4712; also the freeze at offers.yaml:3: Incident 4711");
}

#[test]
fn the_limit_is_that_of_its_document() {
    let desired = file("", &freeze("'*'", "")).replace("maxCancels: 9", "maxCancels: 2");
    let run = run(&desired, PORTAL, &["--format", "json"]).expect(1);
    assert!(run.json()["refused"].as_str().expect("refused").contains("`limits.maxCancels` of offers.yaml allows 2"));
}

#[test]
fn a_pattern_that_matches_nothing_is_a_mistake_in_except_too() {
    for (freeze, place, pattern, nearest) in [
        (freeze("contoso-wm", ""), "offers.yaml:3:21", "contoso-wm", "`contoso-vm`"),
        (freeze("'*', 'nothing-*'", ""), "offers.yaml:3:26", "nothing-*", "`queued`"),
        (freeze("'*'", ", except: [contoso-sass]"), "offers.yaml:3:90", "contoso-sass", "`contoso-saas`"),
    ] {
        let run = run(&file("", &freeze), PORTAL, &[]).expect(1);
        assert!(run.stderr.contains("error[unmatched-pattern]"), "{}", run.stderr);
        assert!(
            run.stderr.contains(&format!("the pattern `{pattern}` matches no offer of `contoso`")),
            "{}",
            run.stderr
        );
        assert!(run.stderr.contains(place) && run.stderr.contains(nearest), "{}", run.stderr);
        assert!(run.stdout.is_empty(), "nothing is planned: {}", run.stdout);
    }
    // Nothing is applied either.
    let workspace = Workspace::with("offers.yaml", file("", &freeze("'*'", ", except: [contoso-sass]")));
    workspace.write("state.yaml", PORTAL);
    let run = workspace.run(["apply", "--emulate", "state.yaml", "--auto-approve"]).expect(1);
    assert!(run.stderr.contains("contoso-sass") && run.stderr.contains("nothing was sent"), "{}", run.stderr);
    assert!(run.stdout.is_empty() && !workspace.path(".cancel-pending").exists(), "{}", run.stdout);
}

#[test]
fn one_that_has_ended_does_nothing_and_reads_nothing() {
    let log = Arc::new(Mutex::new(0_usize));
    let count = Arc::clone(&log);
    let portal = RawPortal::start(move |_, stream| {
        *count.lock().expect("no panic") += 1;
        answer(stream, "500 Internal Server Error", &[], b"");
    });
    let ended = "{offers: [nothing-like-this], expires: 2020-01-01T00:00:00Z, reason: Incident 1}";
    let workspace = Workspace::with("offers.yaml", file("{id: contoso-vm}", ended));
    let run = workspace.run(["plan", "--endpoint", &portal.url]).expect(0);
    assert_eq!(*log.lock().expect("no panic"), 0);
    let text = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("expired at 2020-01-01T00:00:00Z: it does nothing any more. Remove it"), "{text}");
    assert!(run.stdout.ends_with("Cancel plan: nothing to cancel\n"), "{}", run.stdout);
}

#[test]
fn what_a_file_may_say_of_it() {
    let check =
        |text: &str| Workspace::with("offers.yaml", text).run(["validate", "--format", "json"]).expect(1).json();
    let codes = |text: &str| -> Vec<String> {
        let found = check(text)["diagnostics"].as_array().expect("diagnostics").clone();
        found
            .iter()
            .map(|one| format!("{} {}", one["code"].as_str().unwrap_or("-"), one["message"].as_str().unwrap_or("-")))
            .collect()
    };
    // All at once, each with its place.
    let found = codes("publisher: contoso\nfreezes:\n  - except: [a b]\n    expires: tomorrow\n    colour: red\n");
    for wanted in [
        "missing-key a document with `freezes` must set `limits.maxCancels`",
        "missing-key the key `offers` of a freeze is missing",
        "missing-key the key `reason` of a freeze is missing",
        "invalid-pattern the pattern holds a character that is in no id",
        "invalid-timestamp `expires` is not an RFC 3339 time",
        "unknown-key `colour` is not a key of a freeze",
    ] {
        assert!(found.iter().any(|one| one.starts_with(wanted)), "{wanted} is not in {found:#?}");
    }
    assert_eq!(found.len(), 6, "{found:#?}");
    let one = |freeze: &str| codes(&file("{id: vm}", freeze));
    assert_eq!(one(&freeze("", ""))[0], "no-offers the freeze is for no offers");
    assert_eq!(
        codes("publisher: contoso\nlimits: {maxCancels: 1}\nfreezes: []\n"),
        ["no-offers the list of freezes is empty"]
    );
    assert_eq!(codes("publisher: contoso\nlimits: {}\noffers: []\n"), ["no-offers the list of offers is empty"]);
    let found = one(&freeze("vm", ", portal: product-ingestion"));
    assert!(found[0].starts_with("unused-key a freeze is not possible on `product-ingestion`"), "{found:?}");
    // A pattern where an id belongs says where patterns go.
    let found = check("publisher: contoso\noffers: [{id: 'contoso-*'}]\n");
    assert_eq!(found["diagnostics"][0]["code"], "invalid-id");
    assert!(
        found["diagnostics"][0]["help"].as_str().expect("help").contains("a pattern stands in a freeze"),
        "{found}"
    );
    // Enough by itself.
    Workspace::with("offers.yaml", file("", &freeze("vm", ""))).run(["validate"]).expect(0);
}

/// A portal that lists offers, of which some run, and counts its calls.
fn counting(list: Value, running: &'static [&'static str]) -> (RawPortal, Arc<Mutex<Vec<String>>>) {
    let log = Arc::new(Mutex::new(Vec::new()));
    let calls = Arc::clone(&log);
    let portal = RawPortal::serve(move |request: &Request, stream| {
        let path = request.path.clone();
        calls.lock().expect("no panic").push(path.clone());
        let parts: Vec<&str> = path.split(['/', '?']).filter(|part| !part.is_empty()).collect();
        let body = match parts.as_slice() {
            [_, "publishers", _, "offers", query] if query.starts_with("api-version") => list.clone(),
            [_, "publishers", _, "offers", offer, "submissions", ..] if running.contains(offer) => {
                json!([{"id": format!("op-{offer}"), "submissionType": "publish", "submissionState": "running"}])
            }
            [_, "publishers", _, "offers", _, "submissions", ..] => json!([]),
            [_, "publishers", _, "offers", _, "operations", ..] => {
                json!({"status": "running", "cancellationRequestState": "canCancel", "steps": []})
            }
            [_, "publishers", _, "offers", "contoso-vm", _] => json!({"id": "56615b67-2185-49fe-80d2-c4ddf77bb2e8"}),
            [_, "publishers", _, "offers", "contoso-new", _] => {
                answer(stream, "404 Not Found", &[], b"");
                return;
            }
            _ => json!({"id": "00000000-0000-4000-8000-000000000000"}),
        };
        answer(stream, "200 OK", &[], body.to_string().as_bytes());
    });
    (portal, log)
}

#[test]
fn a_thousand_offers_of_which_five_run_cost_eleven_calls() {
    let words = ["succeeded", "NeverPublished", "canceled", "failed", "published"];
    let offer = |at: usize| {
        let status = if at.is_multiple_of(200) { "Running" } else { words[at % words.len()] };
        json!({"id": format!("offer-{at}"), "publisherId": "contoso", "status": status})
    };
    let list: Vec<Value> = (0..1_000).map(offer).collect();
    let running = &["offer-0", "offer-200", "offer-400", "offer-600", "offer-800"];
    let (portal, log) = counting(json!(list), running);
    let workspace = Workspace::with("offers.yaml", file("", &freeze("'*'", "")));
    let plan = workspace.run(["plan", "--endpoint", &portal.url, "--format", "json"]).expect(0).json();
    assert_eq!((&plan["summary"]["cancel"], &plan["summary"]["in-sync"]), (&json!(5), &json!(995)));
    assert_eq!(log.lock().expect("no panic").len(), 11);
    // A mark in the file is read by itself, whatever the list says of it.
    log.lock().expect("no panic").clear();
    workspace.write("offers.yaml", file("{id: offer-1, cancelPending: true, operationId: x}", &freeze("'*'", "")));
    workspace.run(["plan", "--endpoint", &portal.url]).expect(0);
    assert!(log.lock().expect("no panic").iter().any(|path| path.contains("/offers/offer-1/submissions/")));
    // In text, those on which nothing runs are counted.
    let text = workspace.run(["plan", "--endpoint", &portal.url]).expect(0).stdout;
    assert!(text.contains("nothing is running on 995 more offers that a freeze is for"), "{text}");
    assert!(!text.contains("offer-7"), "{text}");
}

#[test]
fn a_list_that_can_not_be_read_stops_the_freeze_and_nothing_else() {
    let portal = format!("{PORTAL}faults: [{{on: offers, status: 403}}]\n");
    let desired = file("{id: contoso-vm, cancelPending: true, operationId: one}, {id: queued}", &freeze("'*'", ""));
    let run = run(&desired, &portal, &["--format", "json"]).expect(1);
    let plan = run.json();
    assert_eq!(decisions(&plan), ["contoso/contoso-vm cancel -", "contoso/queued ignored -"]);
    assert_eq!(plan["freezes"][0]["matched"], Value::Null);
    assert!(plan["freezes"][0]["error"].as_str().expect("an error").contains("403"), "{plan}");
    assert!(run.stderr.contains("the offers of the freeze at offers.yaml:4 could not be listed"), "{}", run.stderr);
    for format in ["text", "markdown"] {
        let text = self::run(&desired, &portal, &["--format", format]).expect(1).stdout;
        assert!(text.contains("could not be listed, so that it cancels nothing"), "{text}");
        assert!(!text.contains("nothing to cancel"), "{text}");
    }
}

#[test]
fn half_a_list_of_products_says_how_far_it_came() {
    let products = |ids: &[&str], next: &str| {
        let product = |id: &&str| {
            json!({"id": format!("0d5c0a4e-1111-4222-8333-9444555666{id}"), "resourceType": "AzureApplication",
                "externalIDs": [{"type": "AzureOfferId", "value": format!("app-{id}")}]})
        };
        json!({"value": ids.iter().map(product).collect::<Vec<_>>(), "nextLink": next}).to_string()
    };
    let portal = RawPortal::serve(move |request: &Request, stream| {
        let path = request.path.clone();
        match path.as_str() {
            _ if path.ends_with("/products") => {
                answer(stream, "200 OK", &[], products(&["01", "02"], "v1.0/ingestion/products?page=2").as_bytes());
            }
            _ if path.ends_with("page=2") => {
                answer(stream, "200 OK", &[], products(&["03"], "v1.0/ingestion/products?page=3").as_bytes());
            }
            _ if path.ends_with("page=3") => answer(stream, "404 Not Found", &[], b""),
            // Whoever asks for what runs has not understood.
            _ => answer(
                stream,
                "200 OK",
                &[],
                br#"{"value": [{"id": "1152921505700000004", "state": "InProgress", "substate": "Submitted"}]}"#,
            ),
        }
    });
    let desired = format!("portal: partner-center\n{}", file("", &freeze("'*'", "")));
    let workspace = Workspace::with("offers.yaml", desired);
    let run = workspace.run(["plan", "--endpoint", &portal.url, "--format", "json"]).expect(1);
    let plan = run.json();
    assert_eq!(plan["entries"], json!([]));
    let error = plan["freezes"][0]["error"].as_str().expect("an error");
    assert!(error.contains("2 pages") && error.contains("404"), "{error}");
}

#[test]
fn of_partner_center_only_what_matches_is_read() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let calls = Arc::clone(&log);
    let portal = RawPortal::serve(move |request: &Request, stream| {
        let path = request.path.clone();
        calls.lock().expect("no panic").push(path.clone());
        let body = if path.ends_with("/products") {
            let product = |at: usize, name: &str| {
                json!({"id": format!("0d5c0a4e-1111-4222-8333-94445556660{at}"), "resourceType": "AzureApplication",
                    "externalIDs": [{"type": "AzureOfferId", "value": name}]})
            };
            json!({"value": [product(1, "app-one"), product(2, "app-two"), product(3, "other"),
                {"id": "0d5c0a4e-1111-4222-8333-944455566604", "resourceType": "AzureContainer"}]})
        } else if path.ends_with("workflowdetails") {
            json!({"value": []})
        } else if path.contains("66601/submissions") {
            json!({"value": [{"id": "1152921505700000004", "state": "InProgress", "substate": "Submitted"}]})
        } else {
            json!({"value": []})
        };
        answer(stream, "200 OK", &[], body.to_string().as_bytes());
    });
    let desired = format!("portal: partner-center\n{}", file("", &freeze("'app-*'", "")));
    let workspace = Workspace::with("offers.yaml", desired);
    let plan = workspace.run(["plan", "--endpoint", &portal.url, "--format", "json"]).expect(0).json();
    assert_eq!(decisions(&plan), ["contoso/app-one cancel unpinned", "contoso/app-two in-sync unpinned"]);
    assert_eq!(plan["entries"][0]["productId"], "0d5c0a4e-1111-4222-8333-944455566601");
    let message = plan["freezes"][0]["message"].as_str().expect("a message");
    assert!(message.contains("0d5c0a4e-1111-4222-8333-944455566604 has no offer id"), "{message}");
    let log = log.lock().expect("no panic");
    let reads: Vec<&String> = log.iter().filter(|path| path.contains("/submissions")).collect();
    assert_eq!(log.iter().filter(|path| path.ends_with("/products")).count(), 1, "{log:?}");
    assert!(reads.iter().all(|path| path.contains("66601") || path.contains("66602")), "{reads:?}");
}

/// The API's page calls the `id` in its list a GUID, and its examples and clients use readable ids in addresses.
#[test]
fn offers_that_are_listed_by_a_guid_are_joined_with_those_of_the_file() {
    let listed = |id: &str, status: &str| json!({"id": id, "publisherId": "contoso", "status": status});
    let list = json!([
        listed("56615b67-2185-49fe-80d2-c4ddf77bb2e8", "Running"),
        listed("11111111-1111-4111-8111-111111111111", "Running"),
        listed("22222222-2222-4222-8222-222222222222", "succeeded"),
    ]);
    let running = &["contoso-vm", "11111111-1111-4111-8111-111111111111"];
    let (portal, _) = counting(list, running);
    let planned = |desired: &str, status| {
        let workspace = Workspace::with("offers.yaml", desired);
        workspace.run(["plan", "--endpoint", &portal.url, "--format", "json"]).expect(status).json()
    };
    // By the readable id of the file, and what is listed by a GUID alone by that.
    let plan = planned(&file("{id: contoso-vm}", &freeze("'*'", "")), 0);
    let cancels =
        ["contoso/11111111-1111-4111-8111-111111111111 cancel unpinned", "contoso/contoso-vm cancel unpinned"];
    assert_eq!(decisions(&plan)[0], cancels[0]);
    assert!(decisions(&plan).contains(&cancels[1].to_owned()), "{plan}");
    // A pattern that may or may not be for an offer stops nothing of it, and says so; so does one in `except`.
    for freeze in [freeze("'contoso-*'", ""), freeze("'*'", ", except: ['contoso-*']")] {
        let plan = planned(&file("{id: contoso-vm}", &freeze), 1);
        let unknown = "contoso/11111111-1111-4111-8111-111111111111 error unpinned";
        assert!(decisions(&plan).iter().any(|one| one == unknown), "{plan}");
    }
    // An id that only a freeze names is looked up, too: what is to be spared is spared.
    let plan = planned(&file("", &freeze("'*'", ", except: [contoso-vm]")), 0);
    assert_eq!(plan["summary"]["cancel"], 1, "{plan}");
    assert!(!decisions(&plan).iter().any(|one| one.contains("contoso-vm") || one.contains("56615b67")), "{plan}");
    let workspace = Workspace::with("offers.yaml", file("", &freeze("'*'", ", except: [contoso-new]")));
    let run = workspace.run(["plan", "--endpoint", &portal.url]).expect(1);
    assert!(run.stderr.contains("`contoso-new` matches no offer"), "{}", run.stderr);
}

#[test]
fn an_offer_can_be_selected_that_only_a_freeze_brings() {
    let desired = file("", &freeze("'contoso-*'", ""));
    let plan = run(&desired, PORTAL, &["--format", "json", "--offer", "contoso-vm"]).expect(0).json();
    assert_eq!(decisions(&plan), ["contoso/contoso-vm cancel unpinned"]);
    let none = run(&desired, PORTAL, &["--offer", "fabric"]).expect(1);
    assert!(none.stderr.contains("no offer in the files matches `fabric`"), "{}", none.stderr);
    let offline = run(&desired, PORTAL, &[]);
    assert_eq!(offline.status, Some(0));
    let workspace = Workspace::with("offers.yaml", desired);
    let offline = workspace.run(["plan", "--offline"]).expect(0);
    assert!(offline.stdout.contains("the offers were not listed"), "{}", offline.stdout);
}

#[test]
fn a_review_has_one_comment_for_all_that_a_freeze_hits() {
    let workspace = Workspace::with("offers.yaml", "");
    let desired = "publisher: contoso\nlimits:\n  maxCancels: 9\noffers:\n  - id: contoso-old\nfreezes:\n  - offers: [\"*\"]\n    expires: 2099-12-01T00:00:00Z\n    reason: Incident 4711\n  - offers: [contoso-old] # the last one\n    expires: 2020-12-01T00:00:00Z\n    reason: Incident 1\n";
    workspace.write("offers.yaml", desired);
    workspace.write("portal.yaml", PORTAL);
    workspace.write("event.json", pull_request_event(1));
    plan(&workspace, &[]).expect(0);
    let github = FakeGitHub::start();
    github.state().files = vec![("offers.yaml".to_owned(), Some(whole_file(desired)))];
    Step::new(&workspace, &github, 100).report(&["--to", "comment,review,annotations"]).expect(0);
    let reviews: Vec<String> = github.state().review.iter().map(|one| one.body.clone()).collect();
    assert_eq!(reviews.len(), 2, "{reviews:#?}");
    assert!(reviews[0].contains("cancels 3 operations"), "{}", reviews[0]);
    for (offer, id) in [("contoso-vm", "one"), ("contoso-saas", "two"), ("queued", "four")] {
        assert!(
            reviews[0].contains(&format!("`contoso/{offer}`")) && reviews[0].contains(&format!("`{id}`")),
            "{}",
            reviews[0]
        );
    }
    assert!(
        reviews[0].contains("one that starts after the approval is not attempted, and is named as new"),
        "{}",
        reviews[0]
    );
    assert!(reviews[1].contains("Spent") && reviews[1].contains("```suggestion\n```"), "{}", reviews[1]);
    let comment = github.state().own()[0].body.clone();
    assert!(comment.contains("A freeze cancels 3 of these operations"), "{comment}");
    assert!(comment.contains("(freeze, `offers.yaml:7`)"), "{comment}");
}

/// What a reviewer saw is the list of operations. What starts afterwards is new, and is not cancelled unseen.
#[test]
fn after_the_approval_only_what_was_seen_is_cancelled() {
    let desired = file("", &freeze("'*'", ""));
    let workspace = Workspace::with("offers.yaml", &desired);
    workspace.write("portal.yaml", PORTAL);
    workspace.write("event.json", pull_request_event(1));
    plan(&workspace, &[]).expect(0);
    let github = FakeGitHub::start();
    Step::new(&workspace, &github, 100).report(&["--to", "check,comment"]).expect(0);
    let comment = github.state().own()[0].body.clone();
    assert!(comment.contains("one that starts after the approval is not attempted, and is named as new"), "{comment}");
    workspace.write("event.json", "{}");
    github.state().pulls_of_commit = vec![(7, "fff0000")];
    github.state().branch_contents = vec![("offers.yaml".to_owned(), desired.into_bytes())];
    // One more has started, and one has ended and been begun anew.
    let later = PORTAL
        .replace("[{id: three, status: completed}]", "[{id: three, status: completed}, {id: six}]")
        .replace("[{id: two}]", "[{id: two, status: canceled}, {id: seven}]");
    workspace.write("portal.yaml", later);
    let mut command = workspace.command();
    command
        .env("GITHUB_API_URL", &github.raw.url)
        .env("GITHUB_TOKEN", "gh-token")
        .env("GITHUB_REPOSITORY", "contoso/offers")
        .env("GITHUB_SHA", "fff0000")
        .env("GITHUB_REF", "refs/heads/main")
        .args(["apply", "--emulate", "portal.yaml", "--auto-approve", "--reviewed", "--format", "json"]);
    let run = Run::of(command.output().expect("it runs")).expect(1);
    let entries = run.json()["entries"].as_array().expect("entries").clone();
    let ended: Vec<String> = entries
        .iter()
        .map(|one| format!("{} {} {}", one["offer"], one["operationId"], one["outcome"]).replace('"', ""))
        .collect();
    assert_eq!(
        ended,
        [
            "contoso-old six not-attempted",
            "contoso-saas seven not-attempted",
            "contoso-vm one cancelled",
            "queued four cancelled",
        ]
    );
    for at in [0, 1] {
        assert!(
            entries[at]["message"].as_str().expect("a message").starts_with("this operation is new"),
            "{entries:#?}"
        );
    }
    assert!(run.stderr.contains("new: it runs under a freeze and was in no approved plan"), "{}", run.stderr);
}

/// All lines of a file as a hunk of a pull request that adds it.
fn whole_file(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| format!("+{line}")).collect();
    format!("@@ -0,0 +1,{} @@\n{}", lines.len(), lines.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// For any set of offers, on both portals that take freezes: a freeze over all decides what marking all that run does.
    #[test]
    fn a_freeze_over_all_is_marking_all_that_run(
        offers in proptest::collection::btree_map("[a-z][a-z0-9-]{0,9}[a-z0-9]", 0_u8..5, 1..8),
        is_partner_center: bool,
    ) {
        let offers: Vec<(String, u8)> = offers.into_iter().filter(|(id, _)| !id.contains("--")).collect();
        prop_assume!(!offers.is_empty());
        let mut state = "clock: {now: 2026-11-22T12:00:00Z, speed: 0}\noffers:\n".to_owned();
        for (at, (id, kind)) in offers.iter().enumerate() {
            let number = 1_152_921_505_700_000_000_u64 + at as u64;
            if is_partner_center {
                let substate = ["Submitted", "InStore", "ReadyToPublish", "Failed", "Submitted"][usize::from(*kind)];
                let published = if substate == "InStore" { ", state: Published" } else { "" };
                state += &format!("  - {{portal: partner-center, publisher: contoso, id: '{id}', product: 0d5c0a4e-1111-4222-8333-9444555666{at:02}, submissions: [{{id: '{number}', substate: {substate}{published}}}]}}\n");
            } else {
                let status = ["running", "completed", "notStarted", "canceled", "running"][usize::from(*kind)];
                state += &format!("  - {{publisher: contoso, id: '{id}', operations: [{{id: op-{number}, status: {status}}}]}}\n");
            }
        }
        let portal = if is_partner_center { "portal: partner-center\n" } else { "" };
        let frozen = run(&format!("{portal}{}", file("", &freeze("'*'", ""))), &state, &["--format", "json"]).json();
        let marks: Vec<String> = offers.iter().map(|(id, _)| format!("{{id: '{id}', cancelPending: true}}")).collect();
        let marked = format!("{portal}publisher: contoso\nlimits: {{maxCancels: 9}}\noffers: [{}]\n", marks.join(", "));
        let marked = run(&marked, &state, &["--format", "json"]).json();
        prop_assert_eq!(&frozen["decisionDigest"], &marked["decisionDigest"], "{} {}", frozen, marked);
        prop_assert_eq!(decisions(&frozen), decisions(&marked));
    }
}
