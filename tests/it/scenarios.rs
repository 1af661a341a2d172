//! Whole runs on the emulator. A case is a directory in `tests/scenarios` with `offers.yaml`
//! and `portal.yaml`; what people and programs see of it are the snapshots beside them.

use serde_json::json;

use crate::support::github::FakeGitHub;
use crate::support::step::Step;
use crate::support::{Workspace, repository};

fn settings(directory: &std::path::Path) -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(directory);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    // The emulator numbers cancellations in the order in which they come, which is any.
    settings.add_filter(r"00000000-0000-4000-8000-[0-9a-f]{12}", "[cancellation]");
    settings.add_filter(r"(confirmed cancelled after) \d+ s", "$1 [seconds]");
    settings.add_filter(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "[time]");
    settings.add_filter(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "[time]");
    settings
}

#[test]
fn every_scenario() {
    let mut directories: Vec<_> = std::fs::read_dir(repository("tests/scenarios"))
        .expect("scenarios")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    directories.sort();
    assert!(!directories.is_empty());
    for directory in directories {
        let workspace = Workspace::new();
        for name in ["offers.yaml", "portal.yaml"] {
            workspace.write(name, std::fs::read(directory.join(name)).expect("a file of the scenario"));
        }
        let plan = |arguments: &[&str]| {
            let run = workspace.run([&["plan", "--emulate", "portal.yaml"], arguments].concat());
            format!("{}exit status {}\n", run.stdout, run.status.unwrap_or(-1))
        };
        let github = FakeGitHub::start();
        workspace.write("event.json", json!({"pull_request": {"number": 7, "head": {"sha": "abc1234"}}}).to_string());
        workspace.run(["plan", "--emulate", "portal.yaml", "--out", "plan.json"]);
        // The comment as it is on the pull request: first the plan, and then what came of it.
        let comment = |run: u64, arguments: &[&str]| {
            let mut to = vec!["--to", "comment"];
            to.extend(arguments);
            Step::new(&workspace, &github, run).report(&to);
            github.state().own().remove(0).body
        };
        let planned = comment(100, &[]);
        let mut apply = vec!["apply", "--plan", "plan.json", "--emulate", "portal.yaml", "--auto-approve"];
        apply.extend(["--out", "outcome.json"]);
        if directory.ends_with("partial-failure") {
            // One of its cancellations never ends.
            apply.push("--no-wait");
        }
        let applied = workspace.run(apply);
        let refused = applied.stderr.contains("the plan is refused");
        let applied = (!refused).then(|| comment(101, &["--outcome", "outcome.json"]));
        settings(&directory).bind(|| {
            insta::assert_snapshot!("comment.md", planned);
            if let Some(applied) = applied {
                insta::assert_snapshot!("comment-applied.md", applied);
            }
            insta::assert_snapshot!("plan.txt", plan(&[]));
            insta::assert_snapshot!("plan.json", plan(&["--format", "json"]));
            insta::assert_snapshot!("plan.md", plan(&["--format", "markdown"]));
        });
    }
}
