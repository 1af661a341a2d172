//! The simulated world: an exchange that answers from the truth, as one of the portals.
//!
//! Owns the way of a request, the faults on it, tokens, pages of lists, and what a cancel call does to an operation.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cancel_pending::domain::PortalKind;
use cancel_pending::portal::{Credential, CredentialError, Exchange, Failure, Incoming, Outgoing, Pending, Token};
use fastrand::Rng;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use url::{Position, Url};

use super::faults::{Fault, Weather};
use super::offer::{Happening, SimulatedOffer, Truth, span};
use super::watch::{CallWatch, ShownOperation};
use super::{cloud_partner, partner_center, product_ingestion};

/// The longest way of a request or of an answer, in milliseconds.
pub const LONGEST_WAY: u64 = 250;

/// Everything that is there, whoever looks.
#[derive(Debug)]
pub struct Simulation {
    pub kind: PortalKind,
    pub rng: Rng,
    pub weather: Weather,
    pub offers: Vec<SimulatedOffer>,
    pub watch: CallWatch,
    /// What each cancellation with a document of its own is about, and whether it fails.
    pub cancellations: HashMap<String, (String, bool)>,
    /// How many things are on a page of a list.
    page_size: usize,
    newest_first: bool,
    /// The number of the token that is given out, and the first that is accepted.
    token: u32,
    first_token: u32,
    renewable: bool,
    pub history: Option<Vec<String>>,
    begun: Instant,
}

/// What a cancel call is for.
#[derive(Debug, Clone)]
pub struct CallTarget {
    /// The offer.
    pub at: usize,
    /// The submission or the job that it names.
    pub names: Option<String>,
}

/// What a cancel call did.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Nothing, and the portal says so.
    Refused(u16),
    /// The operation is cancelled.
    Done,
    /// It is being cancelled, or so the portal says. The cancellation has this id.
    Accepted(String),
}

/// A handle on it.
#[derive(Debug, Clone)]
pub struct World(Arc<Mutex<Simulation>>, Duration);

impl World {
    /// A world from a seed.
    pub fn draw(rng: &mut Rng, request_timeout: Duration, keep_history: bool) -> Self {
        let kind = PortalKind::ALL[rng.usize(..PortalKind::ALL.len())];
        // A job that was cancelled stays cancelled, and Partner Center shows nothing of a cancellation.
        let resumes = kind == PortalKind::CloudPartner;
        let offers = (0..rng.usize(1..=4)).map(|number| SimulatedOffer::draw(number, resumes, rng)).collect();
        let simulation = Simulation {
            kind,
            weather: Weather::draw(rng),
            offers,
            watch: CallWatch::default(),
            cancellations: HashMap::new(),
            page_size: rng.usize(1..=5),
            newest_first: rng.bool(),
            token: 1,
            first_token: 1,
            renewable: rng.bool(),
            history: keep_history.then(Vec::new),
            begun: Instant::now(),
            rng: rng.fork(),
        };
        Self(Arc::new(Mutex::new(simulation)), request_timeout)
    }

    /// Looks at it.
    pub fn lock(&self) -> MutexGuard<'_, Simulation> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(self, request: Outgoing) -> Result<Incoming, Failure> {
        let (is_call, made) = (request.method != Method::GET, Instant::now());
        let path = request.url.path().to_owned();
        let (fault, there, back, target) = {
            let mut world = self.lock();
            let weather = world.weather;
            let fault = match weather.fault(is_call, &mut world.rng) {
                // By this one the newer portals say that they have forgotten something, and have no other word for that.
                Fault::Turned(404) if !is_call && world.kind != PortalKind::CloudPartner => Fault::Turned(403),
                fault => fault,
            };
            let mut way = || Duration::from_millis(world.rng.u64(3..=LONGEST_WAY));
            let (there, back) = (way(), way());
            let target = if is_call { world.target(&path) } else { None };
            if is_call && target.is_none() {
                world
                    .watch
                    .violations
                    .push(format!("{} {path}, which is nothing that the plan cancels", request.method));
            }
            (fault, there, back, target)
        };
        let name = target.as_ref().map(|target| self.lock().offers[target.at].name.clone()).unwrap_or_default();
        let connecting = if is_call { self.lock().connecting() } else { None };
        if let Some(time) = connecting {
            // What waits for its connection has not left.
            request.departure.waits();
            sleep(time).await;
            request.departure.goes();
            self.lock().watch.slowness_of_connections += time;
        }
        // Drops with the future: a call that is given up is not under way any more.
        let _under_way = target
            .as_ref()
            .map(|target| self.lock().watch.begin(&name, target.names.as_deref(), fault != Fault::NoConnection, made));
        sleep(there).await;
        if fault == Fault::NoConnection {
            let origin = self.lock().kind.microsoft();
            self.lock().note(&format!("{} {path}: no connection", request.method));
            return Err(Failure::Connect { origin, cause: "refused".to_owned(), attempts: 1, took: Duration::ZERO });
        }
        let result = self.lock().arrive(&request, &path, target.as_ref(), fault);
        match fault {
            Fault::Hang { .. } => {
                sleep(self.1.saturating_sub(there)).await;
                return Err(Failure::Timeout(self.1));
            }
            Fault::Broken { .. } => {
                sleep(back).await;
                return Err(Failure::Interrupted("reset".to_owned()));
            }
            _ => sleep(back).await,
        }
        if is_call && result.status == StatusCode::PRECONDITION_FAILED {
            let tag = request.headers.get("if-match").and_then(|tag| tag.to_str().ok()).unwrap_or_default();
            self.lock().watch.reject(&name, tag);
        }
        if let Fault::Throttled { seconds, .. } = fault {
            // No longer than the longest pause that is obeyed.
            self.lock().watch.close(Duration::from_secs(seconds.min(30)));
        }
        if is_call && is_clear_no(result.status) {
            self.lock().watch.refuse(&name);
        }
        if is_call && self.lock().is_accepted(result.status) {
            let told = result.headers.get("location").is_some();
            self.lock().watch.accepted(&name, told);
        }
        Ok(result)
    }
}

impl Exchange for World {
    fn exchange(&self, request: Outgoing) -> Pending<'_, Result<Incoming, Failure>> {
        Box::pin(self.clone().answer(request))
    }
}

impl Credential for World {
    fn token(&self) -> Pending<'_, Result<Token, CredentialError>> {
        let number = self.lock().token;
        Box::pin(std::future::ready(Token::new(&format!("simulated-{number}"))))
    }

    fn renew<'a>(&'a self, rejected: &'a Token) -> Pending<'a, Result<Token, CredentialError>> {
        let mut world = self.lock();
        if rejected.expose() == format!("simulated-{}", world.token) {
            if !world.renewable {
                return Box::pin(std::future::ready(Err(CredentialError("it can't be renewed".to_owned()))));
            }
            world.token += 1;
        }
        Box::pin(std::future::ready(Token::new(&format!("simulated-{}", world.token))))
    }
}

/// An answer.
pub fn incoming(status: u16, headers: &[(&'static str, String)], body: &Value) -> Incoming {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(HeaderName::from_static(name), HeaderValue::try_from(value.as_str()).expect("a header"));
    }
    let status = StatusCode::from_u16(status).expect("a status");
    Incoming { status, headers: map, body: body.to_string().into_bytes().into() }
}

/// An answer that says nothing but its status.
pub fn nothing(status: u16) -> Incoming {
    incoming(status, &[], &json!({}))
}

impl Simulation {
    /// How long the connection for a call takes, where none is open.
    fn connecting(&mut self) -> Option<Duration> {
        (self.rng.u32(..8) == 0).then(|| Duration::from_millis(self.rng.u64(1..4_000)))
    }

    fn target(&self, path: &str) -> Option<CallTarget> {
        match self.kind {
            PortalKind::CloudPartner => cloud_partner::target(self, path),
            PortalKind::PartnerCenter => partner_center::target(self, path),
            PortalKind::ProductIngestion => product_ingestion::target(self, path),
        }
    }

    /// Whether an answer to a cancel call says that the operation is being cancelled.
    fn is_accepted(&self, status: StatusCode) -> bool {
        status == StatusCode::ACCEPTED || (status.is_success() && self.kind != PortalKind::CloudPartner)
    }

    /// The offer that is a product.
    pub fn product(&self, guid: &str) -> Option<usize> {
        self.offers.iter().position(|offer| offer.product == guid)
    }

    /// Writes a line of the history, where one is kept.
    pub fn note(&mut self, text: &str) {
        let at = self.begun.elapsed().as_secs_f64();
        if let Some(history) = &mut self.history {
            history.push(format!("{at:10.3} s  {text}"));
        }
    }

    /// A request reaches the portal.
    fn arrive(&mut self, request: &Outgoing, path: &str, target: Option<&CallTarget>, fault: Fault) -> Incoming {
        for offer in &mut self.offers {
            offer.advance(&mut self.rng);
        }
        let early = match fault {
            Fault::Hang { after_effect: false } | Fault::Broken { after_effect: false } => Some(nothing(500)),
            Fault::Turned(302) => {
                Some(incoming(302, &[("location", "https://elsewhere.example/".to_owned())], &json!({})))
            }
            Fault::Turned(status) | Fault::Server { status, after_effect: false } => Some(nothing(status)),
            Fault::Throttled { status, seconds } => {
                Some(incoming(status, &[("retry-after", seconds.to_string())], &json!({})))
            }
            Fault::Unauthorized => {
                self.first_token = self.token + u32::from(self.renewable);
                Some(nothing(401))
            }
            _ if self.is_stale(&request.token) => Some(nothing(401)),
            _ => None,
        };
        let answer = match (early, target) {
            (Some(answer), target) => {
                if let Some(target) = target {
                    let name = self.offers[target.at].name.clone();
                    self.watch.arrive_unread(&name);
                }
                answer
            }
            (None, Some(target)) => self.cancel(request, target),
            (None, None) if request.method == Method::GET => self.read(request, fault),
            (None, None) => nothing(404),
        };
        let answer = match fault {
            Fault::Server { status, after_effect: true } => nothing(status),
            _ => answer,
        };
        self.note(&format!(
            "{} {path} {:?}: {} {fault:?}",
            request.method,
            request.headers.get("if-match"),
            answer.status
        ));
        answer
    }

    fn is_stale(&self, token: &Token) -> bool {
        let number = token.expose().strip_prefix("simulated-").and_then(|number| number.parse::<u32>().ok());
        number.is_none_or(|number| number < self.first_token)
    }

    fn read(&mut self, request: &Outgoing, fault: Fault) -> Incoming {
        let path = request.url.path();
        let mut answer = match self.kind {
            PortalKind::CloudPartner if fault == Fault::OtherThing && path.ends_with("/submissions/") => {
                let other = json!([{"id": "other", "publisherId": "fabrikam", "submissionState": "running"}]);
                incoming(200, &[], &other)
            }
            PortalKind::CloudPartner => cloud_partner::read(self, path),
            PortalKind::PartnerCenter => partner_center::read(self, &request.url, fault),
            PortalKind::ProductIngestion => product_ingestion::read(self, &request.url, fault),
        };
        match fault {
            Fault::Garbage(body) => answer.body = body.into(),
            Fault::BrokenTag => {
                answer.headers.insert("etag", HeaderValue::from_static("\"\""));
            }
            _ => {}
        }
        answer
    }

    fn cancel(&mut self, request: &Outgoing, target: &CallTarget) -> Incoming {
        let names = target.names.as_deref().unwrap_or_default();
        match self.kind {
            PortalKind::CloudPartner => cloud_partner::cancel(self, request, target.at),
            PortalKind::PartnerCenter => partner_center::cancel(self, target.at, names),
            PortalKind::ProductIngestion => product_ingestion::cancel(self, target.at, names),
        }
    }

    /// A list of an offer's operations, or the next page of one, with what each thing in it shows of what is not over.
    pub fn serve_list(
        &mut self,
        at: usize,
        url: &Url,
        mut documents: Vec<Value>,
        shown: &[Option<ShownOperation>],
    ) -> Incoming {
        let mut shown = shown.to_vec();
        if self.newest_first {
            documents.reverse();
            shown.reverse();
        }
        let (list, from) = token_of(url);
        let page = shown.into_iter().skip(from).take(self.page_size).flatten().collect();
        let number = self.watch.served(&self.offers[at], list, page);
        self.page_of(url, documents, number)
    }

    /// A page of a list.
    pub fn page(&mut self, url: &Url, documents: Vec<Value>) -> Incoming {
        self.page_of(url, documents, 0)
    }

    /// A page of a list: all that is in it now, of which a part stands on this page.
    fn page_of(&mut self, url: &Url, documents: Vec<Value>, list: u32) -> Incoming {
        let (_, from) = token_of(url);
        let is_more = documents.len() > from + self.page_size;
        let page: Vec<Value> = documents.into_iter().skip(from).take(self.page_size).collect();
        let mut body = json!({ "value": page });
        if is_more {
            let mut next = url.clone();
            next.set_query(Some(&format!("$skipToken={list}.{}", from + self.page_size)));
            let key = ["nextLink", "@odata.nextLink", "@nextLink"][self.rng.usize(..3)];
            body[key] = match self.rng.u32(..3) {
                0 => next[Position::BeforePath..].trim_start_matches('/').into(),
                1 => next[Position::BeforePath..].into(),
                _ => next.as_str().into(),
            };
        }
        incoming(200, &[], &body)
    }

    /// Now and then, exactly between the reads or between a read and the call.
    pub fn perhaps_replace(&mut self, at: usize, one_in: u32) {
        if self.rng.u32(..one_in) == 0 {
            let end = [Truth::Completed, Truth::Failed, Truth::Cancelled][self.rng.usize(..3)];
            if let Some(id) = self.offers[at].unfinished().first().map(|one| one.id.clone()) {
                self.note(&format!("{id} is replaced ({end:?})"));
                self.offers[at].happen(&id, Happening::Replace(end), &mut self.rng);
            }
        }
    }

    /// A cancel call takes effect on an operation that is not over, or does not.
    pub fn take_effect(&mut self, at: usize, id: &str, is_meant: bool) -> Effect {
        let draw = self.rng.u32(..10);
        let offer = &mut self.offers[at];
        let Some(operation) = offer.operations.iter_mut().find(|one| one.id == id) else {
            return Effect::Refused(404);
        };
        let mut fails = false;
        if operation.truth == Truth::Promoted || operation.truth == Truth::Cancelling && draw < 3 || draw == 9 {
            return Effect::Refused(409);
        }
        match draw {
            0 | 1 => {
                operation.truth = Truth::Cancelled;
                operation.by_call |= is_meant;
                offer.version += 1;
                return Effect::Done;
            }
            2 => {
                let end = [Truth::Completed, Truth::Failed][self.rng.usize(..2)];
                offer.happenings.push((Instant::now() + span(&mut self.rng), id.to_owned(), Happening::End(end)));
            }
            3 => fails = self.rng.bool(),
            _ => {
                operation.truth = Truth::Cancelling;
                operation.by_call |= is_meant;
                offer.version += 1;
                let end = Happening::End(Truth::Cancelled);
                offer.happenings.push((Instant::now() + span(&mut self.rng), id.to_owned(), end));
            }
        }
        let own = format!("cancellation{}", self.cancellations.len() + 1);
        self.cancellations.insert(own.clone(), (id.to_owned(), fails));
        Effect::Accepted(own)
    }
}

/// Whether an answer to a cancel call is final.
fn is_clear_no(status: StatusCode) -> bool {
    let is_open = matches!(status.as_u16(), 401 | 408 | 412 | 429);
    status.is_redirection() || (status.is_client_error() && !is_open)
}

/// Which list a link leads on in, and from where.
fn token_of(url: &Url) -> (Option<u32>, usize) {
    let token = url.query_pairs().find(|(key, _)| key == "$skipToken").map(|(_, value)| value.into_owned());
    let token = token.as_deref().and_then(|token| token.split_once('.'));
    let token = token.and_then(|(list, from)| Some((list.parse().ok()?, from.parse().ok()?)));
    token.map_or((None, 0), |(list, from)| (Some(list), from))
}
