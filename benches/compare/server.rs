//! The portal of the comparison: answers the documents of the API after a set time.
//!
//! A process of its own, so that its processor time can be told from a contender's. One thread a
//! connection, blocking calls, no HTTP library: it must never be what is measured. A thread sleeps
//! to a twentieth of a millisecond, which timers of an asynchronous runtime don't.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};

/// What nothing running looks like.
const NOTHING: &str = "[]";

/// How the ids begin of the offers that something runs on. A cancel call for the last is accepted, and for the
/// others it is done at once.
const RUNNING_OFFERS: [&str; 3] = ["running", "done", "accepted"];

/// What runs on such an offer, as the API's page shows it.
const RUNNING: &str = r#"[{"id":"5a63deb5-925b-4ee0-938b-7c86fbf287c5","offerId":"56615b67-2185-49fe-80d2-c4ddf77bb2e8","offerVersion":1,"offerTypeId":"microsoft-azure-virtualmachines","publisherId":"contoso","submissionType":"publish","submissionState":"running","publishingVersion":2,"slot":"staging","version":636576975611768314,"changedTime":"2018-03-26T21:46:01.179948Z"}]"#;

/// Its operation.
const OPERATION: &str = r#"{"status":"running","messages":[],"publishingVersion":2,"offerVersion":1,"cancellationRequestState":"canCancel","steps":[{"estimatedTimeFrame":"< 15 min","id":"displaydummycertify","stepName":"Validate Pre-Requisites","description":"Offer settings provided are validated.","status":"complete","messages":[{"messageHtml":"Validations passed.","level":"information","timestamp":"2018-03-16T17:50:45.7215661Z"}],"progressPercentage":100},{"estimatedTimeFrame":"~2-3 days","id":"displaycertify","stepName":"Certification","description":"Your offer is analyzed by our certification systems for issues.","status":"blocked","messages":[{"messageHtml":"No image was found.","level":"error","timestamp":"2018-03-16T17:54:02.6215661Z"}],"progressPercentage":0},{"estimatedTimeFrame":"< 1 day","id":"displayprovision","stepName":"Provisioning","description":"Your virtual machine is being replicated in our production systems.","status":"notStarted","messages":[],"progressPercentage":0}]}"#;

/// The list and the document of an operation that was cancelled, and the document of a cancellation that ended.
const CANCELLED: [&str; 3] = [
    r#"[{"id":"5a63deb5-925b-4ee0-938b-7c86fbf287c5","submissionType":"publish","submissionState":"canceled"}]"#,
    r#"{"status":"canceled","messages":[],"steps":[]}"#,
    r#"[{"status":"complete","messages":[],"steps":[]}]"#,
];

/// The submissions of a product of Partner Center on which nothing runs.
const PUBLISHED: &str = r#"{"value":[{"resourceType":"Submission","state":"Published","substate":"InStore","targets":[{"type":"Scope","value":"live"}],"publishedTimeInUtc":"2026-01-05T10:00:00Z","pendingUpdateInfo":{"updateType":"Promote","status":"Completed"},"releaseNumber":3,"id":"1152921505700000003"}]}"#;

/// The id of what follows a cancel call.
const CANCELLATION: &str = "0c0ffee0-0000-4000-8000-000000000001";

/// How it answers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Settings {
    /// How long each answer takes.
    pub latency: Duration,
    /// How many requests a second it allows: a bucket that holds as many, and 429 with `Retry-After: 1` when it is empty.
    pub rate: Option<u32>,
    /// How many products Partner Center has.
    pub products: usize,
    /// How many of them are on a page.
    pub page: usize,
}

/// What it was asked.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Counts {
    /// For what runs.
    pub submissions: u64,
    /// For an operation.
    pub operations: u64,
    /// For anything else.
    pub others: u64,
    /// To cancel.
    pub cancels: u64,
    /// More often than it allows.
    pub throttled: u64,
    /// How long ago the last read of an offer had been answered when a cancel call for it came, in microseconds:
    /// the longest such time.
    pub oldest_read: u64,
    /// Its own processor time, in clock ticks; 0 where the system does not tell.
    pub ticks: u64,
}

impl Counts {
    /// Requests that it answered with a document.
    pub const fn answered(&self) -> u64 {
        self.submissions + self.operations + self.others + self.cancels
    }
}

/// A running server.
pub struct Server {
    child: Child,
    pub address: String,
}

impl Server {
    /// Starts one as a process: this program again, as `serve`.
    pub fn start(settings: Settings) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["serve", &settings.latency.as_micros().to_string()]);
        command.args(
            [settings.rate.unwrap_or(0) as usize, settings.products, settings.page].map(|number| number.to_string()),
        );
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut address = String::new();
        BufReader::new(child.stdout.take().context("its output")?).read_line(&mut address)?;
        ensure!(!address.is_empty(), "the server did not start");
        Ok(Self { child, address: address.trim().to_owned() })
    }

    /// What it was asked since it was last told to forget.
    pub fn counts(&self) -> anyhow::Result<Counts> {
        Ok(serde_json::from_str(&self.ask("/counts")?)?)
    }

    /// Forgets what it was asked.
    pub fn forget(&self) -> anyhow::Result<()> {
        self.ask("/forget").map(drop)
    }

    fn ask(&self, path: &str) -> anyhow::Result<String> {
        let mut stream = TcpStream::connect(&self.address)?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (_, body) = answer.split_once("\r\n\r\n").context("an answer")?;
        Ok(body.to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Shared {
    settings: Settings,
    submissions: AtomicU64,
    operations: AtomicU64,
    others: AtomicU64,
    cancels: AtomicU64,
    throttled: AtomicU64,
    oldest_read: AtomicU64,
    /// The offers that something runs on and that were read or cancelled.
    offers: Mutex<HashMap<String, Seen>>,
    bucket: Mutex<(f64, Instant)>,
}

/// What became of an offer.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    /// When the last read of it was answered.
    read: Option<Instant>,
    is_cancelled: bool,
}

/// Serves until it is killed, or until who started it is gone.
pub fn serve(settings: Settings) -> anyhow::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{}", listener.local_addr()?)?;
    stdout.flush()?;
    std::thread::spawn(|| {
        // Its end is the end of the process that holds the other side.
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(0);
    });
    let shared = Arc::new(Shared {
        settings,
        submissions: AtomicU64::new(0),
        operations: AtomicU64::new(0),
        others: AtomicU64::new(0),
        cancels: AtomicU64::new(0),
        throttled: AtomicU64::new(0),
        oldest_read: AtomicU64::new(0),
        offers: Mutex::default(),
        bucket: Mutex::new((f64::from(settings.rate.unwrap_or(0)), Instant::now())),
    });
    for stream in listener.incoming() {
        let shared = Arc::clone(&shared);
        std::thread::Builder::new().stack_size(128 * 1024).spawn(move || connection(&shared, &stream?))?;
    }
    Ok(())
}

fn connection(shared: &Shared, mut stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 16 * 1024];
    let mut filled = 0;
    let mut out = Vec::with_capacity(4 * 1024);
    loop {
        let read = stream.read(&mut buffer[filled..])?;
        if read == 0 {
            return Ok(());
        }
        filled += read;
        let (mut taken, mut is_last) = (0, false);
        while let Some(end) = buffer[taken..filled].windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let head = &buffer[taken..taken + end];
            let whole = taken + end + 4 + body_length(head);
            if whole > filled {
                break;
            }
            let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
            let path = line.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
            is_last |= answer(shared, line.starts_with(b"POST "), path, &mut out);
            taken = whole;
        }
        buffer.copy_within(taken..filled, 0);
        filled -= taken;
        if !out.is_empty() {
            stream.write_all(&out)?;
            out.clear();
        }
        if is_last || filled == buffer.len() {
            return Ok(());
        }
    }
}

/// How many bytes follow the head of a request.
fn body_length(head: &[u8]) -> usize {
    let head = std::str::from_utf8(head).unwrap_or_default();
    let headers = head.lines().filter_map(|line| line.split_once(':'));
    let length = headers.filter(|(name, _)| name.eq_ignore_ascii_case("content-length")).map(|(_, value)| value).next();
    length.and_then(|length| length.trim().parse().ok()).unwrap_or(0)
}

/// Answers a request. Returns whether it is the last one of its connection.
fn answer(shared: &Shared, is_call: bool, path: &[u8], out: &mut Vec<u8>) -> bool {
    let text = std::str::from_utf8(path).unwrap_or_default();
    if let "/counts" | "/forget" = text {
        let Shared { submissions, operations, others, cancels, throttled, oldest_read, .. } = shared;
        let counters = [submissions, operations, others, cancels, throttled, oldest_read];
        if text == "/forget" {
            for counter in counters {
                counter.store(0, Ordering::Relaxed);
            }
            shared.offers.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
        let [submissions, operations, others, cancels, throttled, oldest_read] =
            counters.map(|counter| counter.load(Ordering::Relaxed));
        let counts = Counts { submissions, operations, others, cancels, throttled, oldest_read, ticks: own_ticks() };
        respond(out, "200 OK", "Connection: close\r\n", &serde_json::to_string(&counts).unwrap_or_default());
        return true;
    }
    let came = Instant::now();
    if !shared.settings.latency.is_zero() {
        std::thread::sleep(shared.settings.latency);
    }
    if let Some(rate) = shared.settings.rate
        && !allowed(shared, f64::from(rate))
    {
        shared.throttled.fetch_add(1, Ordering::Relaxed);
        respond(out, "429 Too Many Requests", "Retry-After: 1\r\n", "{}");
        return false;
    }
    if let Some(rest) = text.strip_prefix("/v1.0/ingestion/products") {
        let (counter, body) = if rest.ends_with("/submissions") {
            (&shared.submissions, PUBLISHED.to_owned())
        } else {
            (&shared.others, products(shared.settings, rest))
        };
        counter.fetch_add(1, Ordering::Relaxed);
        respond(out, "200 OK", "", &body);
        return false;
    }
    let offer = text.split('/').nth(5).map(|rest| rest.split('?').next().unwrap_or(rest)).unwrap_or_default();
    let is_running = RUNNING_OFFERS.iter().any(|prefix| offer.starts_with(prefix));
    if is_call {
        return cancel(shared, offer, came, out);
    }
    let is_cancelled = is_running && is_cancelled(shared, offer);
    let (counter, body) = if text.contains("/submissions/") {
        (
            &shared.submissions,
            if is_cancelled {
                CANCELLED[0]
            } else if is_running {
                RUNNING
            } else {
                NOTHING
            },
        )
    } else if text.contains(CANCELLATION) {
        (&shared.operations, CANCELLED[2])
    } else if text.contains("/operations/") {
        (&shared.operations, if is_cancelled { CANCELLED[1] } else { OPERATION })
    } else {
        (&shared.others, "{}")
    };
    counter.fetch_add(1, Ordering::Relaxed);
    respond(out, "200 OK", "ETag: \"a-tag\"\r\n", body);
    if text.contains("/operations/") && is_running {
        let mut offers = shared.offers.lock().unwrap_or_else(PoisonError::into_inner);
        offers.entry(offer.to_owned()).or_default().read = Some(Instant::now());
    }
    false
}

/// A page of the products of Partner Center. `rest`: what stands behind the path.
fn products(settings: Settings, rest: &str) -> String {
    let start = rest.split_once("$skipToken=").and_then(|(_, token)| token.parse().ok()).unwrap_or(0);
    let end = settings.products.min(start + settings.page);
    let product = |number: usize| {
        format!(
            r#"{{"resourceType":"AzureApplication","name":"Offer {number}","externalIDs":[{{"type":"AzureOfferId","value":"offer-{number:05}"}}],"isModularPublishing":true,"id":"0d5c0a4e-1111-4222-8333-{number:012}"}}"#
        )
    };
    let products: Vec<String> = (start..end).map(product).collect();
    let next = if end < settings.products {
        format!(r#","nextLink":"v1.0/ingestion/products?$skipToken={end}""#)
    } else {
        String::new()
    };
    format!(r#"{{"value":[{}]{next}}}"#, products.join(","))
}

fn is_cancelled(shared: &Shared, offer: &str) -> bool {
    let offers = shared.offers.lock().unwrap_or_else(PoisonError::into_inner);
    offers.get(offer).is_some_and(|seen| seen.is_cancelled)
}

/// Answers a cancel call: at once, or with a location to follow.
fn cancel(shared: &Shared, offer: &str, came: Instant, out: &mut Vec<u8>) -> bool {
    shared.cancels.fetch_add(1, Ordering::Relaxed);
    let mut offers = shared.offers.lock().unwrap_or_else(PoisonError::into_inner);
    let seen = offers.entry(offer.to_owned()).or_default();
    seen.is_cancelled = true;
    // A call without any read before it is as old as can be.
    let age = seen
        .read
        .map_or(u64::MAX, |read| u64::try_from(came.saturating_duration_since(read).as_micros()).unwrap_or(u64::MAX));
    drop(offers);
    shared.oldest_read.fetch_max(age, Ordering::Relaxed);
    if offer.starts_with("accepted") {
        let location = format!("Location: /api/publishers/contoso/offers/{offer}/operations/{CANCELLATION}\r\n");
        respond(out, "202 Accepted", &location, "");
    } else {
        respond(out, "200 OK", "", "");
    }
    false
}

fn allowed(shared: &Shared, rate: f64) -> bool {
    let mut bucket = shared.bucket.lock().unwrap_or_else(PoisonError::into_inner);
    let (tokens, at) = *bucket;
    let now = Instant::now();
    let tokens = rate.min(tokens + now.duration_since(at).as_secs_f64() * rate);
    let allowed = tokens >= 1.0;
    *bucket = (if allowed { tokens - 1.0 } else { tokens }, now);
    allowed
}

fn respond(out: &mut Vec<u8>, status: &str, headers: &str, body: &str) {
    let length = body.len();
    let head = format_args!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{headers}Content-Length: {length}\r\n\r\n"
    );
    let _ = out.write_fmt(head);
    out.extend_from_slice(body.as_bytes());
}

/// User and system time of this process, by Linux' `/proc`.
fn own_ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the program may hold anything, a space too: what counts comes after it.
    let after = stat.rsplit_once(") ").map(|(_, after)| after).unwrap_or_default();
    after.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum()
}
