//! Real clients of the APIs, run against the emulator.
//!
//! None of them is part of the repository. `PARTNER_CENTER_CLIENT` names a Python that has `az-partner-center-cli`,
//! `PRODUCT_INGESTION_CLIENT` one that has `cloudpub`. The things changed in them are the URL of the API and the length
//! of their pauses. The first one signs in by `az`, which is a script of ours; the second one is given its token.
#![cfg(unix)]

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Run, Workspace, decisions, repository};

const STATE: &str = "\
token: emulated
offers:
  - portal: partner-center
    publisher: contoso
    id: contoso-app
    product: 0d5c0a4e-1111-4222-8333-944455566677
    stepTime: 0s
    submissions:
      - {id: '1152921505700000003', state: Published, substate: InStore, releaseNumber: 3}
  - portal: partner-center
    publisher: contoso
    id: contoso-other
    product: 1e6d1b5f-2222-4333-8444-a55566677788
    submissions: [{id: '1152921505700000011'}]
    cancel: {answer: accepted, polls: 1}
";

/// The client as it is, but for the URL, and without its pauses.
const AZPC: &str = "\
import os, sys, time
time.sleep = lambda seconds: None
from swagger_client.configuration import Configuration
configuration = Configuration()
configuration.host = os.environ['URL'] + '/v1.0/ingestion'
Configuration.set_default(configuration)
if sys.argv[1] == 'cancel':
    from swagger_client import SubmissionApi
    SubmissionApi().products_product_id_submissions_submission_id_delete(
        product_id=sys.argv[2], submission_id=sys.argv[3], authorization='Bearer emulated')
else:
    from azureiai.azpc_app import main
    main()
";

const AZ: &str = "\
#!/bin/sh
echo '{\"accessToken\": \"emulated\", \"expiresOn\": \"2099-01-01 00:00:00.000000\", \"expires_on\": 4070908800}'
";

/// A program that is ended with the test, and what it said first: the address of the emulator.
struct Served(Child, String);

impl Served {
    fn start(workspace: &Workspace, state: &str) -> Self {
        workspace.write("state.yaml", state);
        let mut child = workspace
            .command()
            .args(["emulate", "state.yaml", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        Self(child, line.trim_end().to_owned())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The Python of a client. Without it the test is skipped, and that is said past the capture of the test harness.
fn client(variable: &str) -> Option<OsString> {
    let python = std::env::var_os(variable);
    if python.is_none() {
        let line = format!("skipped: {variable} names no Python with that client\n");
        std::io::stderr().write_all(line.as_bytes()).expect("standard error");
    }
    python
}

#[test]
fn azpc_lists_shows_publishes_releases_and_cancels() {
    let Some(python) = client("PARTNER_CENTER_CLIENT") else { return };
    let workspace = Workspace::with("azpc.py", AZPC);
    workspace.write("bin/az", AZ);
    std::fs::set_permissions(workspace.path("bin/az"), std::fs::Permissions::from_mode(0o755)).expect("a mode");
    let served = Served::start(&workspace, STATE);
    let mut path = OsString::from(workspace.path("bin"));
    path.push(":/usr/bin:/bin");
    let azpc = |arguments: &[&str]| {
        let mut command = Command::new(&python);
        command.current_dir(workspace.directory.path()).env_clear();
        command.env("PATH", &path).env("HOME", workspace.directory.path()).env("URL", &served.1);
        Run::of(command.arg("azpc.py").args(arguments).output().expect("Python runs")).expect(0)
    };
    let submissions = |product: &str| {
        let url = format!("{}/v1.0/ingestion/products/{product}/submissions", served.1);
        let program = "import sys, urllib.request as r; print(r.urlopen(r.Request(sys.argv[1], headers={'Authorization': 'Bearer emulated'})).read().decode())";
        let run = Run::of(Command::new(&python).args(["-c", program, &url]).output().expect("Python runs")).expect(0);
        run.json()["value"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|one| one["substate"].clone())
            .collect::<Vec<Value>>()
    };
    let app = "0d5c0a4e-1111-4222-8333-944455566677";
    let other = "1e6d1b5f-2222-4333-8444-a55566677788";

    let listed = azpc(&["app", "list"]).json();
    assert_eq!(listed["value"][1]["name"], "contoso-other");
    assert_eq!(azpc(&["app", "show", "--name", "contoso-app"]).json()["id"], app);
    azpc(&["app", "publish", "--name", "contoso-app"]);
    assert_eq!(submissions(app), ["ReadyToPublish", "InStore"]);
    azpc(&["app", "release", "--name", "contoso-app"]);
    assert_eq!(submissions(app), ["InStore", "InStore"]);

    azpc(&["cancel", other, "1152921505700000011"]);
    assert_eq!(submissions(other), Vec::<Value>::new());
}

const CONFIGURED: &str = "\
productIngestion: {retryAfter: '1'}
offers:
  - {portal: product-ingestion, publisher: contoso, id: contoso-vm, product: 2f7e2c60-3333-4444-8555-b66677788899, stepTime: 0s}
  - {portal: product-ingestion, publisher: contoso, id: contoso-slow, product: 3f7e2c60-3333-4444-8555-b66677788899, stepTime: 1d}
";

/// The example's script, with cloudpub as it is, but for its host, its token and the length of its pauses.
const CLOUDPUB: &str = "\
import os, runpy, time
pause = time.sleep
time.sleep = lambda seconds: pause(min(seconds, 0.05))
from cloudpub.ms_azure import session
original = session.PartnerPortalSession.__init__
def pointed(self, *arguments, **named):
    original(self, *arguments, **named)
    self._prefix_url = os.environ['URL'] + '/rp/product-ingestion'
    self._token = session.AccessToken({'expires_on': '4070908800', 'access_token': 'emulated'})
session.PartnerPortalSession.__init__ = pointed
runpy.run_path('publish.py', run_name='__main__')
";

/// The ids of the jobs that cloudpub has handed over so far.
fn handed_over(workspace: &Workspace) -> Vec<String> {
    let text = std::fs::read_to_string(workspace.path("output")).unwrap_or_default();
    // A line is whole when its end is there.
    let lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    lines.filter_map(|line| line.trim_end().strip_prefix("job-id=")).map(str::to_owned).collect()
}

/// A job goes from who published to the file, and from there to the cancel call, and nobody has typed it. Who publishes
/// does so again, and that is named.
#[test]
fn a_job_of_cloudpub_is_handed_over_marked_and_cancelled() {
    let Some(python) = client("PRODUCT_INGESTION_CLIENT") else { return };
    let workspace = Workspace::with("cloudpub_run.py", CLOUDPUB);
    let script = std::fs::read(repository("examples/workflows/publish.py")).expect("the example");
    workspace.write("publish.py", script);
    workspace
        .write("offers.yaml", "publisher: contoso\nportal: product-ingestion\noffers:\n  - id: contoso-vm # ours\n");
    let served = Served::start(&workspace, CONFIGURED);
    let publish = |offer: &str| {
        let mut command = Command::new(&python);
        command.current_dir(workspace.directory.path()).env_clear().env("URL", &served.1).arg("cloudpub_run.py");
        command.env("OFFER", offer).env("GITHUB_OUTPUT", workspace.path("output"));
        for name in ["AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_API_SECRET"] {
            command.env(name, "any");
        }
        command
    };
    let run = |arguments: &[&str]| {
        workspace.run(arguments.iter().copied().chain(["--endpoint", &served.1, "--format", "json"]))
    };

    // Preview and live, one job each; then there is nothing to cancel.
    Run::of(publish("contoso-vm").output().expect("Python runs")).expect(0);
    let jobs = handed_over(&workspace);
    assert_eq!(jobs.len(), 2, "{jobs:?}");
    workspace.run(["mark", "--offer", "contoso-vm", "--job-id", &jobs[1]]).expect(0);
    assert_eq!(decisions(&run(&["plan"]).expect(0).json()), ["contoso/contoso-vm in-sync -"]);

    let slow = publish("contoso-slow").stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("Python runs");
    let _slow = Served(slow, String::new());
    let begun = Instant::now();
    let third = loop {
        if let Some(job) = handed_over(&workspace).get(2) {
            break job.clone();
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "no job was handed over");
        std::thread::sleep(Duration::from_millis(20));
    };
    workspace.run(["mark", "--offer", "contoso-slow", "--job-id", &third]).expect(0);
    assert!(workspace.read("offers.yaml").contains("  - id: contoso-vm # ours\n"));
    let plan = run(&["plan", "--out", "plan.json"]).expect(0).json();
    assert_eq!(decisions(&plan), ["contoso/contoso-slow cancel -", "contoso/contoso-vm in-sync -"]);
    let outcome = run(&["apply", "--plan", "plan.json", "--auto-approve", "--linger", "30s"]).expect(0).json();
    let entry = &outcome["entries"][0];
    assert_eq!(entry["outcome"], "cancelled", "{entry:#}");
    assert!(entry["followedBy"]["id"].is_string(), "it publishes again: {entry:#}");
    // What runs then is another one's, and the mark does not reach it.
    assert_ne!(handed_over(&workspace).last(), Some(&third));
    assert_eq!(decisions(&run(&["plan"]).expect(1).json())[0], "contoso/contoso-slow blocked -");
}
