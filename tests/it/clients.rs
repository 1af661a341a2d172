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

use serde_json::Value;

use crate::support::{Run, Workspace};

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

/// The emulator as a program of its own, ended with the test.
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
offers:
  - {portal: product-ingestion, publisher: contoso, id: contoso-vm, product: 2f7e2c60-3333-4444-8555-b66677788899, stepTime: 0s}
  - {portal: product-ingestion, publisher: contoso, id: contoso-slow, product: 3f7e2c60-3333-4444-8555-b66677788899, stepTime: 1d}
";

const CLOUDPUB: &str = "\
import json, os, sys, threading, time, urllib.error, urllib.request
pause = time.sleep
time.sleep = lambda seconds: pause(min(seconds, 0.05))
from cloudpub.ms_azure.service import AzureService
from cloudpub.ms_azure.session import AccessToken
BASE = os.environ['URL'] + '/rp/product-ingestion'
service = AzureService({'AZURE_CLIENT_ID': 'a', 'AZURE_TENANT_ID': 'b', 'AZURE_API_SECRET': 'c'}, retry_interval=1)
service.session._prefix_url = BASE
service.session._token = AccessToken({'expires_on': '4070908800', 'access_token': 'emulated'})

product = service.get_product_by_name('contoso-vm', 'draft')
service._publish_preview(product, 'contoso-vm')
service._publish_live(product, 'contoso-vm')
print([(one.target.targetType, one.result) for one in service.get_submissions(product.id)])

def call(method, path):
    request = urllib.request.Request(BASE + path, method=method, headers={'Authorization': 'Bearer emulated'})
    try:
        return json.load(urllib.request.urlopen(request))
    except urllib.error.HTTPError as error:
        return {'status': error.code}

def wait_for(job):
    end = time.monotonic() + 60
    while call('GET', f'/configure/{job}/status').get('jobStatus') != 'running':
        if time.monotonic() > end:
            raise SystemExit(f'no job {job}')
        pause(0.02)

slow = service.get_product_by_name('contoso-slow', 'draft')
threading.Thread(target=service._publish_preview, args=(slow, 'contoso-slow'), daemon=True).start()
first, second = ('00000000-0000-4000-9000-%012x' % number for number in (3, 4))
wait_for(first)
print(call('POST', f'/configure/{first}/cancel')['jobResult'])
wait_for(second)
print('published again')
";

#[test]
fn cloudpub_publishes_and_publishes_again_after_a_cancellation() {
    let Some(python) = client("PRODUCT_INGESTION_CLIENT") else { return };
    let workspace = Workspace::with("cloudpub_run.py", CLOUDPUB);
    let served = Served::start(&workspace, CONFIGURED);
    let mut command = Command::new(&python);
    command.current_dir(workspace.directory.path()).env_clear().env("URL", &served.1).arg("cloudpub_run.py");
    let run = Run::of(command.output().expect("Python runs")).expect(0);
    let lines: Vec<&str> = run.stdout.lines().collect();
    let submissions = "[('draft', None), ('preview', 'succeeded'), ('live', 'succeeded')]";
    assert_eq!(lines, [submissions, "cancelled", "published again"], "{}", run.stderr);
}
