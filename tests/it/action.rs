//! The action and the example workflows, run by act on this machine, against the emulator and the
//! GitHub of the tests.
//!
//! They run where `ACT` names the program act, as in `.ci/run`; elsewhere they are skipped. Actions
//! of others are stood in for: nothing is fetched.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::action::{archive_name, copy_action, make_executable, release, serve_release, stand_in};
use crate::support::github::FakeGitHub;
use crate::support::raw::RawPortal;
use crate::support::{Run, Workspace, repository};

const OWN: &str = "cancel-pending/cancel-pending@0000000000000000000000000000000000000000";
const UPLOAD: &str = "actions/upload-artifact@043fb46d1a93c77aae656e7c1c64a875d1fc6a0a";
const DOWNLOAD: &str = "actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c";

const OFFERS: &str = "publisher: contoso
offers:
  - id: vm
    cancelPending: true
    operationId: one
  - id: saas
    cancelPending: true
    reason: Published by mistake
";

const PORTAL: &str = "offers:
  - {publisher: contoso, id: vm, operations: [{id: one, changedAgo: 26h}]}
  - {publisher: contoso, id: saas, operations: [{id: two, changedAgo: 26h}]}
";

/// act keeps its cache and its ports to itself only when it runs alone.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A repository on this machine, with the portal and the GitHub that its workflows see.
struct Scene {
    workspace: Workspace,
    emulator: Child,
    portal: String,
    github: FakeGitHub,
    releases: RawPortal,
    _alone: MutexGuard<'static, ()>,
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = self.emulator.kill().and_then(|()| self.emulator.wait());
    }
}

impl Scene {
    /// None where there is no act.
    fn new(workflow: &str) -> Option<Self> {
        std::env::var_os("ACT")?;
        let workspace = Workspace::new();
        let example = repository("examples/workflows").join(workflow);
        workspace.write(".github/workflows/it.yml", fs::read(example).unwrap_or_else(|_| workflow.into()));
        workspace.write("offers.yaml", OFFERS);
        workspace.write("portal.yaml", PORTAL);
        workspace.write(".gitignore", "/stubs\n/artifacts\n/event.json\n/.cancel-pending\n/bin\n/home\n");
        workspace.write(
            "stubs/upload/action.yml",
            "name: upload\ndescription: stands in\ninputs: {name: {required: true}, path: {required: true}, \
             include-hidden-files: {}, if-no-files-found: {}}\nruns:\n  using: composite\n  steps:\n    - shell: bash\n      \
             run: \"[ ! -f $FROM ] || install -D $FROM $ARTIFACTS/$NAME/$(basename $FROM)\"\n      env:\n        \
             NAME: ${{ inputs.name }}\n        FROM: ${{ inputs.path }}\n",
        );
        workspace.write(
            "stubs/download/action.yml",
            "name: download\ndescription: stands in\ninputs: {name: {required: true}, run-id: {}, github-token: {}}\n\
             runs:\n  using: composite\n  steps:\n    - shell: bash\n      run: cp -- \"$ARTIFACTS/$NAME\"/* .\n      \
             env:\n        NAME: ${{ inputs.name }}\n",
        );
        let (emulator, portal) = emulate(&workspace);
        let scene = Self {
            workspace,
            emulator,
            portal,
            github: FakeGitHub::start(),
            releases: serve_release(archive_name("x86_64-unknown-linux-musl"), &release().0),
            _alone: alone(),
        };
        let archive = archive_name("x86_64-unknown-linux-musl");
        copy_action(&scene.workspace.path("stubs/action"), Some((&archive, &release().1)));
        scene.git(&["init", "--quiet", "--initial-branch=main"]);
        scene.git(&["remote", "add", "origin", "https://github.com/contoso/offers.git"]);
        scene.commit();
        Some(scene)
    }

    fn git(&self, arguments: &[&str]) -> String {
        let identity = ["-c", "user.name=jane", "-c", "user.email=jane@contoso.com", "-c", "commit.gpgsign=false"];
        let output = Command::new("git")
            .current_dir(self.workspace.directory.path())
            .args(identity)
            .args(arguments)
            .output()
            .expect("git runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Commits what is there, and returns the commit.
    fn commit(&self) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", "a change"]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn command(&self, event: &str, payload: &Value) -> Command {
        self.workspace.write("event.json", payload.to_string());
        let path = |name: &str| self.workspace.path(name).display().to_string();
        let mut command = Command::new(std::env::var_os("ACT").expect("act"));
        command
            .current_dir(self.workspace.directory.path())
            .args([event, "-P", "ubuntu-latest=-self-hosted", "-e", "event.json", "--secret", "GITHUB_TOKEN=gh-token"])
            .args(["--local-repository", &format!("{OWN}={}", path("stubs/action"))])
            .args(["--local-repository", &format!("{UPLOAD}={}", path("stubs/upload"))])
            .args(["--local-repository", &format!("{DOWNLOAD}={}", path("stubs/download"))])
            .args(["--env", &format!("GITHUB_API_URL={}", self.github.raw.url)])
            .args(["--env", &format!("CANCEL_PENDING_ENDPOINT={}", self.portal)])
            .args(["--env", "CANCEL_PENDING_TOKEN=portal-token"])
            .args(["--env", &format!("GITHUB_SERVER_URL={}", self.releases.url)])
            .args(["--env", &format!("ARTIFACTS={}", path("artifacts"))])
            .env("XDG_CACHE_HOME", self.workspace.path("home"));
        command
    }

    fn act(&self, event: &str, payload: &Value) -> Run {
        Run::of(self.command(event, payload).output().expect("act runs"))
    }

    /// A pull request of this repository, at the commit that is there now.
    fn pull_request(&self) -> Value {
        let head = self.git(&["rev-parse", "HEAD"]);
        self.github.state().head.clone_from(&head);
        let patch = OFFERS.lines().fold(String::new(), |patch, line| patch + "\n+" + line);
        let hunk = format!("@@ -0,0 +1,{} @@{patch}", OFFERS.lines().count());
        self.github.state().files = vec![("offers.yaml".to_owned(), Some(hunk))];
        json!({"action": "opened", "number": 7, "pull_request": {
            "number": 7, "head": {"sha": head, "ref": "fix", "repo": {"full_name": "contoso/offers"}}, "base": {"ref": "main"}}})
    }

    /// The pull request is merged as the commit that is there now.
    fn merge(&self) -> Value {
        let commit: &'static str = Box::leak(self.git(&["rev-parse", "HEAD"]).into_boxed_str());
        let mut state = self.github.state();
        state.pulls_of_commit = vec![(7, commit)];
        state.branch_commits = vec![commit];
        state.branch_contents = vec![("offers.yaml".to_owned(), self.workspace.read("offers.yaml").into())];
        json!({"ref": "refs/heads/main", "after": commit})
    }
}

fn emulate(workspace: &Workspace) -> (Child, String) {
    let mut command = workspace.command();
    command.args(["emulate", "portal.yaml", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut emulator = command.spawn().expect("it starts");
    let mut line = String::new();
    BufReader::new(emulator.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
    (emulator, line.trim().to_owned())
}

#[test]
fn a_pull_request_is_planned_and_its_merge_applied_once() {
    let Some(scene) = Scene::new("plan.yml") else { return };
    let run = scene.act("pull_request", &scene.pull_request()).expect(0);
    assert!(run.stdout.contains("Cancel plan: 2 operations to cancel"), "{}", run.stdout);
    let own = scene.github.state().own();
    assert_eq!(own.len(), 1);
    assert!(own[0].body.contains("### Cancel plan: 2 operations to cancel"));
    assert_eq!(scene.github.state().review.len(), 2);
    assert_eq!(scene.github.state().checks.len(), 1);
    // The same again leaves the same comment.
    scene.act("pull_request", &scene.pull_request()).expect(0);
    assert_eq!(scene.github.state().own().len(), 1);

    // What is merged is what was planned: it is applied, and said in the same comment.
    let apply = fs::read(repository("examples/workflows/apply.yml")).expect("the workflow");
    scene.workspace.write(".github/workflows/it.yml", apply);
    scene.commit();
    let run = scene.act("push", &scene.merge()).expect(0);
    assert!(run.stdout.contains("operation one was approved on #7"), "{}", run.stdout);
    assert!(scene.github.state().own()[0].body.contains("### Apply: 2 of 2 operations cancelled"));
    assert!(scene.workspace.path("artifacts/cancel-pending-journal/journal.jsonl").exists());
    // The second push finds nothing to do.
    let run = scene.act("push", &scene.merge()).expect(0);
    assert!(run.stdout.contains("Apply: nothing to do"), "{}", run.stdout);
}

#[test]
fn what_was_not_approved_is_not_applied() {
    let Some(scene) = Scene::new("apply.yml") else { return };
    let run = scene.act("push", &scene.merge());
    assert_ne!(run.status, Some(0));
    assert!(run.stdout.contains("not applied: no approval found for 2 of 2 cancellations"), "{}", run.stdout);
}

#[test]
fn a_fork_is_planned_offline_and_reported_by_another_run() {
    let Some(scene) = Scene::new("fork-validate.yml") else { return };
    let mut event = scene.pull_request();
    event["pull_request"]["head"]["repo"]["full_name"] = "jane/offers".into();
    scene.act("pull_request", &event).expect(0);
    assert_eq!(scene.github.state().log, Vec::<String>::new(), "a fork's run asks GitHub for nothing");
    let report = fs::read(repository("examples/workflows/fork-report.yml")).expect("the workflow");
    scene.workspace.write(".github/workflows/it.yml", report);
    let run = json!({"workflow_run": {"id": 1, "event": "pull_request", "conclusion": "success", "pull_requests": [],
        "head_sha": event["pull_request"]["head"]["sha"], "head_branch": "fix",
        "head_repository": {"owner": {"login": "jane"}}}});
    scene.github.state().pulls_of_branch = vec![7];
    scene.act("workflow_run", &run).expect(0);
    assert_eq!(scene.github.state().own().len(), 1);
    assert_eq!(scene.github.state().checks[0]["conclusion"], "neutral");

    // A later commit that breaks the file: what was said of the earlier one does not stay.
    let validate = fs::read(repository("examples/workflows/fork-validate.yml")).expect("the workflow");
    scene.workspace.write(".github/workflows/it.yml", validate);
    scene.workspace.write("offers.yaml", OFFERS.replace("cancelPending", "cancelpending"));
    scene.commit();
    let mut event = scene.pull_request();
    event["pull_request"]["head"]["repo"]["full_name"] = "jane/offers".into();
    assert_ne!(scene.act("pull_request", &event).status, Some(0));
    let report = fs::read(repository("examples/workflows/fork-report.yml")).expect("the workflow");
    scene.workspace.write(".github/workflows/it.yml", report);
    let mut run = run;
    run["workflow_run"]["conclusion"] = "failure".into();
    run["workflow_run"]["head_sha"] = event["pull_request"]["head"]["sha"].clone();
    assert_ne!(scene.act("workflow_run", &run).status, Some(0));
    let own = scene.github.state().own();
    assert!(own.len() == 1 && own[0].body.contains("### Cancel plan: failed for commit"), "{}", own[0].body);
    assert_eq!(scene.github.state().checks.last().expect("a check")["conclusion"], "failure");

    // A fork writes its own workflow: this plan claims to have read the portal. It is reported, and approves nothing.
    scene.workspace.write("offers.yaml", OFFERS);
    scene.commit();
    run["workflow_run"]["conclusion"] = "success".into();
    run["workflow_run"]["head_sha"] = scene.pull_request()["pull_request"]["head"]["sha"].clone();
    scene.workspace.write("forged/offers.yaml", OFFERS);
    let forged = scene.workspace.path("artifacts/cancel-pending-plan/plan.json").display().to_string();
    let plan = ["plan", "forged/offers.yaml", "--endpoint", &scene.portal, "--out", &forged];
    scene.workspace.run(plan).expect(0);
    let text = fs::read_to_string(&forged).expect("a plan").replace("forged/offers.yaml", "offers.yaml");
    fs::write(&forged, text).expect("a file");
    scene.act("workflow_run", &run).expect(0);
    let check = scene.github.state().checks.last().expect("a check").clone();
    assert_eq!((&check["conclusion"], &check["external_id"]), (&json!("neutral"), &Value::Null), "{check}");
    assert!(check["output"]["summary"].as_str().is_some_and(|text| text.contains("2 operations to cancel")), "{check}");
    // It is merged, and the apply finds nothing that was approved.
    let apply = fs::read(repository("examples/workflows/apply.yml")).expect("the workflow");
    scene.workspace.write(".github/workflows/it.yml", apply);
    scene.commit();
    let applied = scene.act("push", &scene.merge());
    assert_ne!(applied.status, Some(0));
    assert!(applied.stdout.contains("not applied: no approval found for 2 of 2 cancellations"), "{}", applied.stdout);
    assert!(applied.stdout.contains("holds no approval"), "{}", applied.stdout);
}

#[test]
fn the_merge_queue_compares_with_what_was_approved() {
    let Some(scene) = Scene::new("plan.yml") else { return };
    scene.act("pull_request", &scene.pull_request()).expect(0);
    let queue = fs::read(repository("examples/workflows/merge-queue.yml")).expect("the workflow");
    scene.workspace.write(".github/workflows/it.yml", queue);
    scene.commit();
    let event = json!({"merge_group": {"head_ref": "refs/heads/gh-readonly-queue/main/pr-7-abc", "head_sha": "abc",
        "base_ref": "refs/heads/main"}});
    scene.act("merge_group", &event).expect(0);
    let check = scene.github.state().checks.last().expect("a check").clone();
    let summary = check["output"]["summary"].as_str().expect("a summary");
    assert!(summary.starts_with("✅ **Approved** on #7"), "{summary}");
}

#[test]
fn drift_opens_an_issue() {
    let Some(scene) = Scene::new("drift.yml") else { return };
    // Neither is on every machine. jq is stood in for by what it is asked to do, gh by a record of its arguments.
    scene.workspace.write(
        "bin/jq",
        "#!/usr/bin/env python3\nimport json, sys\nfor e in json.load(open(sys.argv[-1]))['entries']:\n    \
         if e['note']: print(f\"- `{e['publisher']}/{e['offer']}` is {e['note']}\")\n",
    );
    let record = scene.workspace.path("artifacts/gh");
    scene.workspace.write("artifacts/gh", "");
    scene
        .workspace
        .write("bin/gh", format!("#!/bin/sh\n[ \"$2\" = list ] || printf '%s\\n' \"$@\" >> {}\n", record.display()));
    for name in ["bin/jq", "bin/gh"] {
        make_executable(&scene.workspace.path(name));
    }
    let mut command = scene.command("schedule", &json!({"schedule": "23 5 * * *"}));
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{path}", scene.workspace.path("bin").display()));
    Run::of(command.output().expect("act runs")).expect(0);
    let issue = scene.workspace.read("artifacts/gh");
    assert!(issue.starts_with("issue\ncreate\n") && issue.contains("- `contoso/saas` is unpinned"), "{issue}");
}

#[test]
fn coverage_is_reported_every_day() {
    let Some(scene) = Scene::new("coverage.yml") else { return };
    let run = scene.act("schedule", &json!({"schedule": "41 5 * * *"})).expect(0);
    assert!(run.stdout.contains("Coverage of contoso"), "{}", run.stdout);
}

/// A publish that does not end well hands its job to a pull request, which the program has written.
#[test]
fn a_job_that_is_stuck_is_marked_in_a_pull_request() {
    let job = "7a1b2c3d-0000-4000-8000-00000000c0de";
    for (publish, is_marked) in [
        (format!("echo job-id=old >> \"$GITHUB_OUTPUT\"; echo job-id={job} >> \"$GITHUB_OUTPUT\"; exit 1"), true),
        (format!("echo job-id={job} >> \"$GITHUB_OUTPUT\""), false),
        ("exit 1".to_owned(), false),
    ] {
        let Some(scene) = Scene::new("publish-and-mark.yml") else { return };
        let path = |name: &str| scene.workspace.path(name).display().to_string();
        // What is pushed goes to a repository on this machine. gh is stood in for by a record of its arguments.
        scene.git(&["init", "--quiet", "--bare", "artifacts/remote"]);
        let address = format!("url.{}.insteadOf", path("artifacts/remote"));
        scene.git(&["config", &address, "https://github.com/contoso/offers.git"]);
        stand_in(&scene.workspace, "bin/pip", "exit 0");
        stand_in(
            &scene.workspace,
            "bin/python3",
            &format!("[[ $* == publish.py && $OFFER == contoso-vm ]] || exit 99\n{publish}"),
        );
        stand_in(&scene.workspace, "bin/gh", &format!("printf '%s\\n' \"$@\" >> {}", path("artifacts/gh")));
        scene.workspace.write("artifacts/gh", "");
        let mut command =
            scene.command("workflow_dispatch", &json!({"inputs": {"offer": "contoso-vm"}, "ref": "refs/heads/main"}));
        command.env("PATH", format!("{}:{}", path("bin"), std::env::var("PATH").unwrap_or_default()));
        let run = Run::of(command.output().expect("act runs"));
        let branches = scene.git(&["--git-dir", "artifacts/remote", "branch", "--list"]);
        if !is_marked {
            assert_eq!((branches.as_str(), scene.workspace.read("artifacts/gh").as_str()), ("", ""), "{}", run.stdout);
            continue;
        }
        assert_eq!(branches, format!("mark/{job}"), "{}\n{}", run.stdout, run.stderr);
        let pushed = scene.git(&["--git-dir", "artifacts/remote", "show", &format!("mark/{job}:offers.yaml")]);
        let (before, entry) = pushed.split_once("  - id: contoso-vm\n").expect("an entry");
        assert_eq!(before, OFFERS, "all else stays");
        let expected =
            format!("    portal: product-ingestion\n    cancelPending: true\n    jobId: {job}\n    reason: 'Stuck: ");
        assert!(entry.starts_with(&expected), "{entry}");
        let asked = scene.workspace.read("artifacts/gh");
        assert!(asked.contains("pr\ncreate\n--base\nmain\n"), "{asked}");
    }
}

#[test]
fn a_matrix_has_a_comment_for_each_publisher() {
    let Some(scene) = Scene::new("matrix.yml") else { return };
    scene.workspace.write("publishers/contoso.yaml", OFFERS);
    scene.workspace.write("publishers/fabrikam.yaml", "publisher: fabrikam\noffers: [{id: vm}]\n");
    scene.commit();
    scene.act("pull_request", &scene.pull_request()).expect(0);
    let checks: Vec<Value> = scene.github.state().checks.iter().map(|check| check["name"].clone()).collect();
    for publisher in ["contoso", "fabrikam"] {
        let key = format!("publishers/{publisher}.yaml");
        assert!(scene.github.state().own().iter().any(|own| own.body.contains(&format!("\"key\":\"{key}\""))), "{key}");
        assert!(checks.contains(&format!("cancel-pending ({key})").into()), "{checks:?}");
    }
}

/// A workflow with one step of the action.
fn workflow(inputs: &[(&str, &str)]) -> String {
    let with: Vec<String> =
        inputs.iter().map(|(name, value)| format!("          {name}: {}\n", json!(value))).collect();
    format!(
        "on: push\npermissions: {{}}\njobs:\n  it:\n    runs-on: ubuntu-latest\n    steps:\n      \
         - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1\n      - uses: {OWN}\n        id: it\n        with:\n{}",
        with.concat()
    )
}

#[test]
fn hostile_inputs_create_nothing() {
    let inputs = [
        "files",
        "endpoint",
        "emulate",
        "expect-digest",
        "key",
        "timeout",
        "concurrency",
        "report",
        "working-directory",
        "version",
        "command",
        "wait",
        "reviewed",
        "plan",
    ];
    for hostile in
        ["\"; touch pwned #", "$(touch pwned)", "`touch pwned`", "a\ntouch pwned\n", "--out=pwned", "'; touch pwned; '"]
    {
        let Some(scene) = Scene::new("plan.yml") else { return };
        for name in inputs {
            let command = if name == "plan" { "report" } else { "apply" };
            let mut with = vec![(name, hostile)];
            if name != "command" {
                with.push(("command", command));
            }
            if name != "endpoint" && name != "emulate" {
                with.push(("emulate", "portal.yaml"));
            }
            scene.workspace.write(".github/workflows/it.yml", workflow(&with));
            scene.act("push", &json!({}));
            let mut directories = vec![scene.workspace.directory.path().to_owned()];
            while let Some(directory) = directories.pop() {
                for entry in fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path())
                {
                    assert!(!entry.ends_with("pwned"), "{name}: {hostile}");
                    if entry.is_dir() {
                        directories.push(entry);
                    }
                }
            }
        }
    }
}

#[test]
fn the_exit_status_and_the_outputs_are_those_of_the_program() {
    let Some(scene) = Scene::new("plan.yml") else { return };
    let show = "      - if: always()\n        env: {CODE: \"${{ steps.it.outputs.exit-code }}\", COUNT: \"${{ steps.it.outputs.cancel-count }}\"}\n        run: echo \"code=$CODE count=$COUNT\"\n";
    let text = workflow(&[("command", "plan"), ("emulate", "portal.yaml"), ("report", "outputs")]) + show;
    scene.workspace.write(".github/workflows/it.yml", text);
    let run = scene.act("push", &json!({})).expect(0);
    assert!(run.stdout.contains("code=0 count=2"), "{}", run.stdout);
    scene.workspace.write("offers.yaml", OFFERS.replace("vm", "gone"));
    scene.workspace.write(
        ".github/workflows/it.yml",
        workflow(&[("command", "plan"), ("emulate", "portal.yaml"), ("report", "outputs")]) + show,
    );
    let run = scene.act("push", &json!({}));
    assert!(run.status != Some(0) && run.stdout.contains("code=1 count=1"), "{}", run.stdout);
}

/// A run that is cancelled in the middle of an apply: the signal reaches the program, which has written down what
/// it sent, and the steps after it keep that.
#[cfg(unix)]
#[test]
fn a_cancelled_run_leaves_its_journal() {
    let Some(scene) = Scene::new("apply.yml") else { return };
    let stuck = PORTAL.replace("changedAgo: 26h}]", "changedAgo: 26h}], cancel: {answer: stuck}");
    scene.workspace.write("stuck.yaml", stuck);
    let text = fs::read_to_string(repository("examples/workflows/apply.yml")).expect("the workflow");
    let text = text.replace("          reviewed: \"true\"\n", "          emulate: stuck.yaml\n");
    scene.workspace.write(".github/workflows/it.yml", text);
    scene.commit();
    let mut command = scene.command("push", &scene.merge());
    let mut act = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("act starts");
    let output = act.stdout.take().expect("its output");
    let output = std::thread::spawn(move || std::io::read_to_string(output).unwrap_or_default());
    // Accepted, and being followed: from here on only a signal ends it.
    let journal =
        || find(scene.workspace.directory.path(), "journal.jsonl").and_then(|path| fs::read_to_string(path).ok());
    let begun = Instant::now();
    while !journal().is_some_and(|text| text.contains("\"result\":\"accepted\"")) {
        let gone = act.try_wait().expect("a state").is_some();
        if gone || begun.elapsed() > Duration::from_mins(2) {
            let _ = act.kill();
            panic!("nothing was sent: {}", output.join().expect("its output"));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let killed = Command::new("kill").args(["-INT", &act.id().to_string()]).status().expect("kill runs");
    assert!(killed.success());
    let status = act.wait().expect("it ends");
    let output = output.join().expect("its output");
    assert!(!status.success(), "{output}");
    let kept = fs::read_to_string(scene.workspace.path("artifacts/cancel-pending-journal/journal.jsonl")).ok();
    let text = kept.or_else(journal).unwrap_or_else(|| panic!("the journal is gone: {output}"));
    assert!(text.contains("\"one\"") && text.contains("\"result\":\"accepted\""), "{text}");
}

/// A file of this name below a directory.
fn find(directory: &Path, name: &str) -> Option<std::path::PathBuf> {
    fs::read_dir(directory)
        .ok()?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find_map(|path| if path.is_dir() { find(&path, name) } else { path.ends_with(name).then_some(path) })
}
