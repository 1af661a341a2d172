//! Calls that wait for their connection: what has not left when the run ends never leaves.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use crate::support::raw::{answer, read_request};
use crate::support::tls::certificates;
use crate::support::{Run, Workspace};

const OPERATION: &str = "5a63deb5-925b-4ee0-938b-7c86fbf287c5";

/// How many connections come before that of the call, where each serves one request: the list and the operation for the
/// plan; guard, list and operation right before the call.
const BEFORE_THE_CALL: usize = 5;

/// How long a connection is held, unless the program gives it up before.
const HOLD: Duration = Duration::from_secs(30);

/// A portal behind a proxy that serves one request on each connection, and holds the one for the call.
struct HoldingPortal {
    proxy: String,
    authority: String,
    /// Told when the connection for the call is being held, and again when it is over with whatever came on it.
    held: Receiver<()>,
    methods: Arc<Mutex<Vec<String>>>,
}

impl HoldingPortal {
    fn start() -> Self {
        let (authority, config) = certificates();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let proxy = format!("http://{}", listener.local_addr().expect("an address"));
        let methods = Arc::new(Mutex::new(Vec::new()));
        let (holds, held) = channel();
        let log = Arc::clone(&methods);
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let Ok(stream) = stream else { return };
                let (config, log, holds) = (Arc::clone(&config), Arc::clone(&log), holds.clone());
                std::thread::spawn(move || {
                    let is_held = number == BEFORE_THE_CALL;
                    if is_held {
                        let _ = holds.send(());
                    }
                    serve(stream, config, &log, is_held);
                    if is_held {
                        let _ = holds.send(());
                    }
                });
            }
        });
        Self { proxy, authority, held, methods }
    }

    fn apply(&self, workspace: &Workspace, mark: &str, more: &[&str]) -> Command {
        workspace.write("authority.pem", &self.authority);
        workspace
            .write("offers.yaml", format!("publisher: contoso\noffers: [{{id: vm, cancelPending: true{mark}}}]\n"));
        let mut command = workspace.command();
        command.env("HTTPS_PROXY", &self.proxy).env("SSL_CERT_FILE", workspace.path("authority.pem"));
        command.args(["apply", "--auto-approve", "--format", "json"]).args(more);
        command
    }

    fn until_told(&self) {
        self.held.recv_timeout(2 * HOLD).expect("it is told");
    }

    /// What arrived, after the connection that was held is over.
    fn methods(&self) -> Vec<String> {
        self.until_told();
        self.methods.lock().expect("not poisoned").clone()
    }
}

fn serve(mut stream: TcpStream, config: Arc<ServerConfig>, log: &Mutex<Vec<String>>, is_held: bool) {
    if read_request(&mut stream).is_none() {
        return;
    }
    if is_held {
        stream.set_read_timeout(Some(HOLD)).expect("a timeout");
        // The program waits for the proxy's answer, and sends nothing before it. It hangs up if it gives the call up.
        if stream.peek(&mut [0]).is_ok() {
            return;
        }
    }
    if stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").is_err() {
        return;
    }
    let mut stream = StreamOwned::new(ServerConnection::new(config).expect("a connection"), stream);
    let Some(request) = read_request(&mut stream) else { return };
    log.lock().expect("not poisoned").push(request.method.clone());
    let path = request.path.split('?').next().unwrap_or_default();
    let body = if path.ends_with("/submissions/") {
        json!([{"id": OPERATION, "submissionType": "publish", "submissionState": "running"}])
    } else {
        json!({"id": OPERATION, "status": "running", "cancellationRequestState": "canCancel"})
    };
    answer(&mut stream, "200 OK", &[("ETag", "\"a\"")], body.to_string().as_bytes());
    stream.conn.send_close_notify();
    let _ = stream.flush();
    let _ = stream.read(&mut [0]);
}

#[track_caller]
fn assert_no_call_left(portal: &HoldingPortal, outcomes: &Value) {
    let entry = &outcomes["entries"][0];
    assert_eq!((&entry["outcome"], &entry["attempts"]), (&json!("not-attempted"), &json!(0)), "{entry:#}");
    let methods = portal.methods();
    assert!(methods.len() >= BEFORE_THE_CALL && methods.iter().all(|method| method == "GET"), "{methods:?}");
}

#[test]
fn a_call_that_waits_for_its_connection_at_the_deadline_never_leaves() {
    let (portal, workspace) = (HoldingPortal::start(), Workspace::new());
    let run = Run::of(portal.apply(&workspace, "", &["--timeout", "4s"]).output().expect("it runs")).expect(1);
    portal.until_told();
    assert_no_call_left(&portal, &run.json());
}

#[test]
fn a_call_that_waits_for_its_connection_when_its_mark_expires_never_leaves() {
    let (portal, workspace) = (HoldingPortal::start(), Workspace::new());
    let expiry = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(5);
    let mut command = portal.apply(&workspace, &format!(", expires: '{expiry}'"), &["--timeout", "60s"]);
    let run = Run::of(command.output().expect("it runs")).expect(1);
    portal.until_told();
    let outcomes = run.json();
    let message = outcomes["entries"][0]["message"].as_str().expect("a message");
    assert!(message.starts_with("the mark expired at"), "{message}");
    assert_no_call_left(&portal, &outcomes);
}

#[cfg(unix)]
#[test]
fn a_call_that_waits_for_its_connection_at_a_signal_never_leaves() {
    let (portal, workspace) = (HoldingPortal::start(), Workspace::new());
    let mut command = portal.apply(&workspace, "", &["--timeout", "60s", "--out", "outcome.json"]);
    let mut child =
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().expect("it runs");
    portal.until_told();
    Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill runs");
    assert_eq!(child.wait().expect("it ends").code(), Some(143));
    let outcomes = serde_json::from_str(&workspace.read("outcome.json")).expect("JSON");
    assert_no_call_left(&portal, &outcomes);
}
