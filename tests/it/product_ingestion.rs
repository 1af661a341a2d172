//! The Product Ingestion API through the front door: its decision table, and that a wrong job does not get through.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::raw::{RawPortal, answer};
use crate::support::{Run, Workspace, decisions, repository};

const PRODUCT: &str = "0d5c0a4e-1111-4222-8333-944455566677";
const JOB: &str = "7a1b2c3d-0000-4000-8000-00000000c0de";
const OTHER_JOB: &str = "7a1b2c3d-0000-4000-8000-00000000c0df";
const ID: &str = "1152921505700000004";

fn file(mark: &str) -> String {
    format!("portal: product-ingestion\npublisher: contoso\noffers: [{{id: vm, cancelPending: true, {mark}}}]\n")
}

/// One offer with submissions and jobs, and another offer whose job began long ago.
fn state(submissions: &str, jobs: &str) -> String {
    format!(
        "clock: {{now: 2026-11-22T12:00:00Z, speed: 0}}\nproductIngestion: {{retryAfter: '1'}}\noffers:\n  \
         - {{portal: product-ingestion, publisher: contoso, id: vm, product: {PRODUCT}, submissions: [{submissions}], jobs: [{jobs}]}}\n  \
         - {{portal: product-ingestion, publisher: contoso, id: other, product: 1e6d1b5f-2222-4333-8444-a55566677788, \
         submissions: [{{id: '1152921505700000011', startedAgo: 3d}}], jobs: [{{id: {OTHER_JOB}, startedAgo: 3d}}]}}\n"
    )
}

fn run(command: &[&str], mark: &str, state: &str) -> Run {
    let workspace = Workspace::with("offers.yaml", file(mark));
    workspace.write("state.yaml", state);
    workspace.run(command.iter().copied().chain(["--emulate", "state.yaml", "--format", "json"]))
}

fn message(run: &Run) -> String {
    run.json()["entries"][0]["message"].as_str().unwrap_or_default().to_owned()
}

fn submission(target: &str, status: &str, result: &str) -> String {
    format!("{{id: '{ID}', targets: [{target}], status: {status}, result: {result}, startedAgo: 1h}}")
}

#[test]
fn every_row_of_the_decision_table() {
    let pinned = format!("operationId: '{ID}', jobId: {JOB}");
    let by_job = format!("jobId: {JOB}");
    let own = format!("{{id: {JOB}, startedAgo: 1h 5s}}");
    let over = |result: &str| format!("{{id: {JOB}, startedAgo: 1h 5s, status: completed, result: {result}}}");
    let running = submission("preview", "running", "pending");
    let preview = submission("preview", "completed", "succeeded");
    let both = format!("{preview}, {}", submission("live", "completed", "succeeded"));
    let going_live = format!(
        "{{id: '3', targets: [live], status: completed, result: succeeded}}, {}",
        submission("live", "running", "pending")
    );
    for (name, submissions, jobs, mark, expected) in [
        ("only a draft", "", "", "reason: x", "in-sync -"),
        ("live", both.as_str(), "", "reason: x", "in-sync -"),
        ("live alone", submission("live", "completed", "succeeded").as_str(), "", "reason: x", "in-sync -"),
        ("preview runs", running.as_str(), own.as_str(), pinned.as_str(), "cancel -"),
        ("preview runs, job only", running.as_str(), own.as_str(), by_job.as_str(), "cancel -"),
        (
            "preview queued",
            submission("preview", "notStarted", "pending").as_str(),
            own.as_str(),
            pinned.as_str(),
            "cancel -",
        ),
        ("preview runs, no job", running.as_str(), own.as_str(), "reason: x", "blocked -"),
        ("going live", going_live.as_str(), own.as_str(), pinned.as_str(), "cancel -"),
        ("going live, no job", going_live.as_str(), own.as_str(), "reason: x", "blocked -"),
        ("the job is over", running.as_str(), over("succeeded").as_str(), pinned.as_str(), "blocked -"),
        ("the job failed", running.as_str(), over("failed").as_str(), pinned.as_str(), "blocked -"),
        ("the job was cancelled", running.as_str(), over("cancelled").as_str(), pinned.as_str(), "wait -"),
        ("awaits go-live", preview.as_str(), "", "reason: x", "in-sync awaits-go-live"),
        ("awaits go-live, pinned", preview.as_str(), "", pinned.as_str(), "blocked too-late"),
        ("failed", submission("preview", "completed", "failed").as_str(), "", "reason: x", "in-sync -"),
        ("cancelled", submission("preview", "completed", "cancelled").as_str(), "", "reason: x", "in-sync -"),
        (
            "cancelled, pinned",
            submission("preview", "completed", "cancelled").as_str(),
            "",
            pinned.as_str(),
            "in-sync spent",
        ),
        (
            "an unknown word",
            submission("preview", "thawing", "pending").as_str(),
            own.as_str(),
            pinned.as_str(),
            "blocked -",
        ),
        (
            "an unknown result",
            submission("preview", "completed", "perhaps").as_str(),
            own.as_str(),
            pinned.as_str(),
            "blocked -",
        ),
        (
            "an unknown target",
            submission("beta", "completed", "succeeded").as_str(),
            own.as_str(),
            pinned.as_str(),
            "blocked -",
        ),
        ("two unfinished", format!("{running}, {{id: '5'}}").as_str(), own.as_str(), pinned.as_str(), "blocked -"),
        ("another one runs", "{id: '5', startedAgo: 1h}", own.as_str(), pinned.as_str(), "blocked unknown-pin"),
        ("an unknown job", running.as_str(), "", pinned.as_str(), "blocked -"),
    ] {
        let run = run(&["plan"], mark, &state(submissions, jobs));
        assert_eq!(decisions(&run.json()), [format!("contoso/vm {expected}")], "{name}: {}", run.stdout);
    }
}

#[test]
fn a_plan_says_what_is_missing_and_what_its_guard_can_not_know() {
    let running = submission("preview", "running", "pending");
    let state = state(&running, &format!("{{id: {JOB}, startedAgo: 1h 5s}}"));
    let without = message(&run(&["plan"], "reason: x", &state).expect(1));
    for part in ["`jobId`", "`configure`", "log of the publishing tool", "partner-center"] {
        assert!(without.contains(part), "{part}: {without}");
    }
    let plan = run(&["plan"], &format!("operationId: '{ID}', jobId: {JOB}"), &state).expect(0);
    assert!(message(&plan).contains("does not tell which offer"), "{}", message(&plan));
    let operation = &plan.json()["entries"][0]["operation"];
    assert_eq!(operation["jobId"], JOB);
    assert_eq!(operation["id"], ID);
}

#[test]
fn a_cancellation_is_confirmed_by_the_job_and_says_what_it_leaves() {
    let running = submission("preview", "running", "pending");
    let state = state(&running, &format!("{{id: {JOB}, startedAgo: 1h 5s}}"));
    let run = run(&["apply", "--auto-approve"], &format!("operationId: '{ID}', jobId: {JOB}"), &state).expect(0);
    let entry = &run.json()["entries"][0];
    assert_eq!(entry["outcome"], "cancelled", "{entry:#}");
    assert_eq!(entry["finalStatus"], "completed/cancelled");
    assert!(message(&run).ends_with("lists in its detail: product"), "{}", message(&run));
}

#[test]
fn a_job_that_is_not_the_submissions_is_never_cancelled() {
    let running = submission("preview", "running", "pending");
    for (name, jobs, job) in [
        ("another offer's", format!("{{id: {JOB}, startedAgo: 1h 5s}}"), OTHER_JOB),
        ("started long before", format!("{{id: {JOB}, startedAgo: 1h 10m 1s}}"), JOB),
        ("started after", format!("{{id: {JOB}, startedAgo: 59m 59s}}"), JOB),
    ] {
        let mark = format!("operationId: '{ID}', jobId: {job}");
        let plan = run(&["plan"], &mark, &state(&running, &jobs)).expect(1);
        assert_eq!(decisions(&plan.json()), ["contoso/vm blocked -"], "{name}");
        assert!(message(&plan).contains("so this is another one"), "{name}: {}", message(&plan));
        let applied = run(&["apply", "--auto-approve"], &mark, &state(&running, &jobs)).expect(1);
        assert_eq!(applied.json()["entries"], json!([]), "{name}");
    }
}

/// Who publishes again within minutes of a cancellation: the times of the cancelled job fit what runs now, too.
#[test]
fn a_job_that_was_cancelled_before_a_submission_is_not_the_one_of_it() {
    for (end, decision) in
        [("2026-11-22T11:00:04Z", "blocked"), ("2026-11-22T11:00:06Z", "wait"), ("0001-01-01T00:00:00Z", "wait")]
    {
        let portal = changing("200 OK");
        let mut later = moment("completed/cancelled", "running/pending");
        later.job["jobEnd"] = end.into();
        *portal.moment.lock().expect("not poisoned") = later;
        let workspace = Workspace::with("offers.yaml", file(&format!("jobId: {JOB}")));
        let run = workspace.run(["plan", "--format", "json", "--endpoint", &portal.raw.url]);
        assert_eq!(decisions(&run.json()), [format!("contoso/vm {decision} -")], "{end}: {}", run.stdout);
        assert_eq!(message(&run).contains("so another job works on it"), decision == "blocked", "{}", message(&run));
    }
}

#[test]
fn the_job_is_a_guid_and_belongs_to_one_portal_and_to_one_offer() {
    for (text, why) in [
        (file("jobId: vm"), "`jobId` is not a GUID"),
        (file(&format!("jobId: {JOB}")).replace("product-ingestion", "partner-center"), "`jobId` means nothing on"),
        (file(&format!("jobId: {JOB}")) + "productIngestion: {version: 'a&b'}\n", "`version` is not a version"),
    ] {
        let run = Workspace::with("offers.yaml", text).run(["validate"]).expect(1);
        assert!(format!("{}{}", run.stdout, run.stderr).contains(why), "{why}: {}{}", run.stdout, run.stderr);
    }
    let running = submission("preview", "running", "pending");
    let workspace = Workspace::with(
        "offers.yaml",
        format!(
            "portal: product-ingestion\npublisher: contoso\noffers:\n  - {{id: vm, cancelPending: true, jobId: {JOB}}}\n  \
             - {{id: other, cancelPending: true, jobId: {JOB}}}\n"
        ),
    );
    workspace.write("state.yaml", state(&running, &format!("{{id: {JOB}, startedAgo: 1h 5s}}")));
    let plan = workspace.run(["plan", "--emulate", "state.yaml", "--format", "json"]).expect(1);
    assert_eq!(decisions(&plan.json()), ["contoso/other error -", "contoso/vm error -"]);
}

/// The portal at one moment: what its job and its submission say.
#[derive(Clone)]
struct Moment {
    job: Value,
    submissions: Value,
    /// The submission that the detail of the job names.
    names: &'static str,
}

fn moment(job: &str, submission: &str) -> Moment {
    let words = |text: &str| {
        let (status, result) = text.split_once('/').expect("two words");
        (status.to_owned(), result.to_owned())
    };
    let ((job_status, job_result), (status, result)) = (words(job), words(submission));
    Moment {
        job: json!({"jobId": JOB, "jobStatus": job_status, "jobResult": job_result, "jobStart": "2026-11-22T11:00:00Z"}),
        submissions: json!({"value": [{"id": format!("submission/{PRODUCT}/{ID}"), "target": {"targetType": "preview"},
            "status": status, "result": result, "created": "2026-11-22T11:00:05Z"}]}),
        names: ID,
    }
}

/// A portal whose state a test changes, with the cancel calls that it was sent and all paths that were read.
struct ChangingPortal {
    raw: RawPortal,
    moment: Arc<Mutex<Moment>>,
    calls: Arc<Mutex<Vec<String>>>,
    reads: Arc<Mutex<Vec<String>>>,
}

fn changing(cancel: &'static str) -> ChangingPortal {
    let moment = Arc::new(Mutex::new(moment("running/pending", "running/pending")));
    let (calls, reads) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
    let (now, sent, read) = (Arc::clone(&moment), Arc::clone(&calls), Arc::clone(&reads));
    let raw = RawPortal::serve(move |request, stream| {
        let now = now.lock().expect("not poisoned").clone();
        if request.method == "POST" {
            sent.lock().expect("not poisoned").push(format!("{} {}", request.path, request.body));
            answer(stream, cancel, &[], b"{\"error\": {\"code\": \"badRequest\", \"message\": \"already completed\"}}");
            return;
        }
        read.lock().expect("not poisoned").push(request.path.clone());
        let body = match request.path.split('?').next().unwrap_or_default() {
            path if path.ends_with("/status") => now.job,
            path if path.contains("/configure/") => {
                json!({"resources": [{"id": format!("submission/{PRODUCT}/{}", now.names)}]})
            }
            path if path.contains("/submission/") => now.submissions,
            _ => json!({"value": [{"id": format!("product/{PRODUCT}"), "identity": {"externalId": "vm"}}]}),
        };
        answer(stream, "200 OK", &[("Retry-After", "1")], body.to_string().as_bytes());
    });
    ChangingPortal { raw, moment, calls, reads }
}

fn plan_on(portal: &ChangingPortal, more: &str) -> Workspace {
    let workspace = Workspace::with("offers.yaml", file(&format!("operationId: '{ID}', jobId: {JOB}")) + more);
    workspace.run(["plan", "--endpoint", &portal.raw.url, "--out", "plan.json"]).expect(0);
    workspace
}

fn apply_on(portal: &ChangingPortal, workspace: &Workspace) -> Run {
    let url = &portal.raw.url;
    workspace.run(["apply", "--plan", "plan.json", "--auto-approve", "--format", "json", "--endpoint", url])
}

#[test]
fn what_changes_between_plan_and_apply_is_seen_before_the_call() {
    for (name, later, outcome, text) in [
        ("the job is over", moment("completed/succeeded", "running/pending"), "failed", "is over"),
        ("both are over", moment("completed/succeeded", "completed/succeeded"), "completed", "ended by itself"),
        ("cancelled", moment("completed/cancelled", "completed/cancelled"), "already-done", "before a call was needed"),
        ("unknown", moment("thawing/pending", "running/pending"), "failed", "is not known"),
    ] {
        let portal = changing("200 OK");
        let workspace = plan_on(&portal, "");
        *portal.moment.lock().expect("not poisoned") = later;
        let run = apply_on(&portal, &workspace);
        assert_eq!(run.json()["entries"][0]["outcome"], outcome, "{name}: {}", run.stdout);
        assert!(message(&run).contains(text), "{name}: {}", message(&run));
        assert_eq!(*portal.calls.lock().expect("not poisoned"), Vec::<String>::new(), "{name}");
    }
}

/// A portal on which the call is accepted, and that shows one moment after the other from then on.
fn cancelled_in(moments: Vec<Moment>) -> (Run, Vec<String>) {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let (sent, lists) = (Arc::clone(&calls), Mutex::new(0));
    let raw = RawPortal::serve(move |request, stream| {
        let mut sent = sent.lock().expect("not poisoned");
        if request.method == "POST" {
            sent.push(request.path.clone());
        }
        let path = request.path.split('?').next().unwrap_or_default();
        let mut lists = lists.lock().expect("not poisoned");
        let is_document = path.ends_with(&format!("/{ID}"));
        if !sent.is_empty() && path.contains("/submission/") && !is_document {
            *lists += 1;
        }
        let now = match *lists {
            0 => moment("running/pending", "running/pending"),
            count => moments[(count - 1_usize).min(moments.len() - 1)].clone(),
        };
        let body = match path {
            path if path.ends_with("/status") || path.ends_with("/cancel") => now.job,
            path if path.contains("/configure/") => json!({"resources": []}),
            // What is in no list is nowhere.
            _ if is_document => return answer(stream, "404 Not Found", &[], b""),
            path if path.contains("/submission/") => now.submissions,
            _ => json!({"value": [{"id": format!("product/{PRODUCT}"), "identity": {"externalId": "vm"}}]}),
        };
        answer(stream, "200 OK", &[("Retry-After", "1")], body.to_string().as_bytes());
    });
    let workspace = Workspace::with("offers.yaml", file(&format!("operationId: '{ID}', jobId: {JOB}")));
    let arguments = ["apply", "--auto-approve", "--format", "json", "--timeout", "8s", "--endpoint", &raw.url];
    let run = workspace.run(arguments);
    let calls = calls.lock().expect("not poisoned").clone();
    (run, calls)
}

/// Its schema has no word for a cancelled submission: one may be shown as failed. That the job was cancelled is what
/// counts then, and a job that goes on has not been cancelled whatever is said of its submission.
#[test]
fn a_cancellation_is_verified_by_the_job_and_by_the_submission() {
    let gone = |job: &str| Moment { submissions: json!({"value": []}), ..moment(job, "running/pending") };
    for (moments, outcome, word) in [
        (vec![moment("completed/cancelled", "completed/failed")], "cancelled", "completed/cancelled"),
        (vec![moment("completed/cancelled", "completed/cancelled")], "cancelled", "completed/cancelled"),
        (vec![moment("running/pending", "completed/cancelled")], "accepted", "running/pending"),
        (
            vec![
                moment("running/pending", "completed/cancelled"),
                moment("completed/cancelled", "completed/cancelled"),
            ],
            "cancelled",
            "completed/cancelled",
        ),
        (vec![gone("running/pending")], "accepted", "running/pending"),
        (vec![gone("running/pending"), gone("completed/cancelled")], "cancelled", "completed/cancelled"),
        (vec![moment("completed/failed", "completed/failed")], "completed", "completed/failed"),
        // A preview that is done, or going live that was cancelled: the job names nothing, so that it can't be told.
        (vec![moment("completed/cancelled", "completed/succeeded")], "accepted", "completed/cancelled"),
        (vec![moment("completed/cancelled", "running/pending")], "accepted", "completed/cancelled"),
    ] {
        let shown =
            format!("{:?}", moments.iter().map(|one| (&one.job["jobResult"], &one.submissions)).collect::<Vec<_>>());
        let (run, calls) = cancelled_in(moments);
        let entry = &run.json()["entries"][0];
        assert_eq!((&entry["outcome"], &entry["finalStatus"]), (&json!(outcome), &json!(word)), "{shown}: {entry:#}");
        assert_eq!(calls.len(), 1, "{shown}");
    }
}

/// One list of products serves many offers.
#[test]
fn products_are_listed_where_that_is_fewer_calls() {
    let offers = "portal: product-ingestion\npublisher: contoso\noffers: [{id: vm-0, cancelPending: true}, {id: VM-1, cancelPending: true}, \
                  {id: vm-2, cancelPending: true, productId: 0d5c0a4e-1111-4222-8333-000000000002}]\n";
    for (others, size, most) in [(0, 100, 1), (0, 1, 3), (40, 1, 4)] {
        let product = |name: String, number: usize| json!({"id": format!("product/0d5c0a4e-1111-4222-8333-{number:012}"), "identity": {"externalId": name}});
        let mut all: Vec<Value> = (0..others).map(|number| product(format!("other-{number}"), number + 100)).collect();
        all.extend((0..3).map(|number| product(format!("vm-{number}"), number)));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let portal = RawPortal::serve(move |request, stream| {
            log.lock().expect("not poisoned").push(request.path.clone());
            let query = |name: &str| {
                let start = request.path.find(name)? + name.len();
                request.path[start..].split(['&', ' ']).next().map(str::to_owned)
            };
            let body = if request.path.contains("/submission/") {
                json!({"value": []})
            } else if let Some(wanted) = query("externalId=") {
                let found = all.iter().filter(|one| one["identity"]["externalId"] == wanted.as_str());
                json!({"value": found.collect::<Vec<_>>()})
            } else {
                let skip = query("continuationToken=").map_or(0, |text| text.parse().expect("a number"));
                let end = (skip + size).min(all.len());
                let next = (end < all.len()).then(|| format!("?continuationToken={end}"));
                json!({"value": all[skip..end], "@nextLink": next})
            };
            answer(stream, "200 OK", &[], body.to_string().as_bytes());
        });
        let workspace = Workspace::with("offers.yaml", offers);
        let run = workspace.run(["plan", "--format", "json", "--endpoint", &portal.url]).expect(0);
        assert_eq!(run.json()["summary"]["in-sync"], 3, "{}", run.stdout);
        let seen = seen.lock().expect("not poisoned");
        let count = seen.iter().filter(|path| path.contains("/product?")).count();
        assert!(count <= most, "{count} calls for products, {most} were enough: {seen:?}");
        assert_eq!(seen.len() - count, 3, "one list of submissions an offer");
    }
}

#[test]
fn a_refusal_says_what_it_means_here() {
    for (status, parts) in [
        ("401 Unauthorized", ["https://graph.microsoft.com", "not added in Partner Center"]),
        ("403 Forbidden", ["role Manager", "no permission of Graph"]),
    ] {
        let portal = RawPortal::start(move |_, stream| answer(stream, status, &[], b"{}"));
        let run = Workspace::with("offers.yaml", file("reason: x")).run(["plan", "--endpoint", &portal.url]).expect(1);
        let said = format!("{} {}", run.stdout, run.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
        for part in parts {
            assert!(said.contains(part), "{status} {part}: {said}");
        }
    }
}

/// A preview keeps its id when it goes live, and is listed as done before, while and after: also when going live with it was
/// cancelled. So its job tells, if it is its job.
#[test]
fn a_finished_preview_does_not_tell_how_going_live_ended() {
    let other = "1152921505700000009";
    for (job, submission, names, outcome) in [
        ("completed/cancelled", "completed/succeeded", ID, "already-done"),
        ("completed/cancelled", "completed/succeeded", other, "unknown"),
        ("completed/succeeded", "completed/succeeded", ID, "completed"),
        ("completed/failed", "completed/succeeded", ID, "completed"),
        ("running/pending", "completed/succeeded", ID, "unknown"),
        // One that failed was cancelled only if its own job was.
        ("completed/cancelled", "completed/failed", ID, "already-done"),
        ("completed/cancelled", "completed/failed", other, "completed"),
    ] {
        let portal = changing("200 OK");
        let workspace = plan_on(&portal, "");
        *portal.moment.lock().expect("not poisoned") = Moment { names, ..moment(job, submission) };
        let run = apply_on(&portal, &workspace);
        assert_eq!(run.json()["entries"][0]["outcome"], outcome, "{job} {names}: {}", run.stdout);
        assert_eq!(*portal.calls.lock().expect("not poisoned"), Vec::<String>::new(), "{job} {names}");
    }
}

#[test]
fn a_refused_call_is_sent_once_and_what_runs_is_judged() {
    let portal = changing("400 Bad Request");
    let workspace = plan_on(&portal, "productIngestion: {version: 2022-07-01}\n");
    let run = apply_on(&portal, &workspace).expect(1);
    assert_eq!(run.json()["entries"][0]["outcome"], "failed", "{}", run.stdout);
    assert!(message(&run).contains("already completed"), "{}", message(&run));
    let path = format!("/rp/product-ingestion/configure/{JOB}/cancel?$version=2022-07-01 ");
    assert_eq!(*portal.calls.lock().expect("not poisoned"), [path], "one call, without a body");
    let reads = portal.reads.lock().expect("not poisoned");
    assert!(reads.iter().all(|path| path.contains("$version=2022-07-01")), "{reads:?}");
}

#[test]
fn the_example_plans_on_its_portal() {
    let path = |name: &str| repository(&format!("examples/partner-center/{name}")).to_string_lossy().into_owned();
    let (offers, portal) = (path("product-ingestion-offers.yaml"), path("product-ingestion.yaml"));
    let run = Workspace::new().run(["plan", &offers, "--emulate", &portal, "--format", "json"]).expect(0);
    assert_eq!(
        decisions(&run.json()),
        [
            "contoso/contoso-draft in-sync -",
            "contoso/contoso-preview in-sync awaits-go-live",
            "contoso/contoso-vm cancel -"
        ]
    );
}

#[test]
fn one_file_over_all_three_portals() {
    let workspace = Workspace::with(
        "offers.yaml",
        format!(
            "publisher: contoso\noffers:\n  - {{id: old, cancelPending: true, operationId: 5a63deb5-925b-4ee0-938b-7c86fbf287c5}}\n  \
             - {{id: app, portal: partner-center, cancelPending: true, operationId: '1152921505700000021'}}\n  \
             - {{id: vm, portal: product-ingestion, cancelPending: true, operationId: '{ID}', jobId: {JOB}}}\n"
        ),
    );
    let state = state(&submission("preview", "running", "pending"), &format!("{{id: {JOB}, startedAgo: 1h 5s}}"))
        + "  - {publisher: contoso, id: old, operations: [{id: 5a63deb5-925b-4ee0-938b-7c86fbf287c5}]}\n  \
       - {portal: partner-center, publisher: contoso, id: app, product: 2f7e2c60-3333-4444-8555-b66677788899, \
       submissions: [{id: '1152921505700000021'}]}\n";
    workspace.write("state.yaml", state);
    let arguments = ["--emulate", "state.yaml", "--format", "json"];
    let plan = workspace.run(["plan", "--out", "plan.json"].into_iter().chain(arguments)).expect(0);
    assert_eq!(decisions(&plan.json()), ["contoso/old cancel -", "contoso/app cancel -", "contoso/vm cancel -"]);
    let run = workspace.run(["apply", "--plan", "plan.json", "--auto-approve"].into_iter().chain(arguments)).expect(0);
    let entries = run.json()["entries"].as_array().expect("entries").clone();
    let ended: Vec<String> =
        entries.iter().map(|entry| format!("{} {}", entry["portal"], entry["outcome"]).replace('"', "")).collect();
    assert_eq!(ended, ["cloud-partner cancelled", "partner-center cancelled", "product-ingestion cancelled"]);
}
