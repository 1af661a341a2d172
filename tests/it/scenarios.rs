//! Whole runs on the emulator. A case is a directory in `tests/scenarios` with `offers.yaml`
//! and `portal.yaml`; what people and programs see of it are the snapshots beside them.

use crate::support::{Workspace, repository};

fn settings(directory: &std::path::Path) -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(directory);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
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
        settings(&directory).bind(|| {
            insta::assert_snapshot!("plan.txt", plan(&[]));
            insta::assert_snapshot!("plan.json", plan(&["--format", "json"]));
            insta::assert_snapshot!("plan.md", plan(&["--format", "markdown"]));
        });
    }
}
