//! The simulated Cloud Partner Portal: an exchange that answers from the truth.
//!
//! Owns the API's documents and statuses, and the record of every cancel call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cancel_pending::domain::PortalOrigin;
use cancel_pending::portal::{Credential, CredentialError, Exchange, Failure, Incoming, Outgoing, Pending, Token};
use fastrand::Rng;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::faults::{Fault, Weather};
use super::offer::{Happening, SimulatedOffer, Truth, span};
use super::watch::{CallWatch, Guarded};

/// The longest way of a request or of an answer, in milliseconds.
pub const LONGEST_WAY: u64 = 250;

/// Everything that is there, whoever looks.
#[derive(Debug)]
pub struct Simulation {
    pub rng: Rng,
    pub weather: Weather,
    pub offers: Vec<SimulatedOffer>,
    pub watch: CallWatch,
    /// What each cancellation with a document of its own is about.
    cancellations: HashMap<String, (String, bool)>,
    /// The number of the token that is given out, and the first that is accepted.
    token: u32,
    first_token: u32,
    renewable: bool,
    pub history: Option<Vec<String>>,
    begun: Instant,
}

/// A handle on it.
#[derive(Debug, Clone)]
pub struct World(Arc<Mutex<Simulation>>, Duration);

impl World {
    /// A world from a seed.
    pub fn draw(rng: &mut Rng, request_timeout: Duration, keep_history: bool) -> Self {
        let offers = (0..rng.usize(1..=4)).map(|number| SimulatedOffer::draw(number, rng)).collect();
        let simulation = Simulation {
            weather: Weather::draw(rng),
            offers,
            watch: CallWatch::default(),
            cancellations: HashMap::new(),
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
        let is_call = request.method == Method::POST;
        let path = request.url.path().to_owned();
        let name = path.split('/').nth(5).unwrap_or_default().to_owned();
        let (fault, there, back) = {
            let mut world = self.lock();
            let weather = world.weather;
            let fault = weather.fault(&mut world.rng);
            let mut way = || Duration::from_millis(world.rng.u64(3..=LONGEST_WAY));
            (fault, way(), way())
        };
        // Drops with the future: a call that is given up is not under way any more.
        let _under_way = is_call.then(|| self.lock().watch.begin(&name, fault != Fault::NoConnection));
        sleep(there).await;
        if fault == Fault::NoConnection {
            let origin = PortalOrigin::microsoft();
            self.lock().note(&format!("{} {path}: no connection", request.method));
            return Err(Failure::Connect { origin, cause: "refused".to_owned(), attempts: 1, took: Duration::ZERO });
        }
        let result = self.lock().arrive(&request, &path, &name, fault);
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
        if is_call && result.status == StatusCode::ACCEPTED {
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

fn incoming(status: u16, headers: &[(&'static str, String)], body: &Value) -> Incoming {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(HeaderName::from_static(name), HeaderValue::try_from(value.as_str()).expect("a header"));
    }
    let status = StatusCode::from_u16(status).expect("a status");
    Incoming { status, headers: map, body: body.to_string().into_bytes().into() }
}

impl Simulation {
    /// Writes a line of the history, where one is kept.
    pub fn note(&mut self, text: &str) {
        let at = self.begun.elapsed().as_secs_f64();
        if let Some(history) = &mut self.history {
            history.push(format!("{at:10.3} s  {text}"));
        }
    }

    /// A request reaches the portal.
    fn arrive(&mut self, request: &Outgoing, path: &str, name: &str, fault: Fault) -> Incoming {
        for offer in &mut self.offers {
            offer.advance(&mut self.rng);
        }
        let early = match fault {
            Fault::Hang { after_effect: false } | Fault::Broken { after_effect: false } => {
                Some(incoming(500, &[], &json!({})))
            }
            Fault::Turned(status) if status != 302 => Some(incoming(status, &[], &json!({}))),
            Fault::Server { status, after_effect: false } => Some(incoming(status, &[], &json!({}))),
            Fault::Throttled { status, seconds } => {
                Some(incoming(status, &[("retry-after", seconds.to_string())], &json!({})))
            }
            Fault::Turned(302) => {
                Some(incoming(302, &[("location", "https://elsewhere.example/".to_owned())], &json!({})))
            }
            Fault::Unauthorized => {
                self.first_token = self.token + u32::from(self.renewable);
                Some(incoming(401, &[], &json!({})))
            }
            _ if self.is_stale(&request.token) => Some(incoming(401, &[], &json!({}))),
            _ => None,
        };
        let answer = match early {
            Some(answer) => {
                if request.method == Method::POST {
                    self.watch.arrive_unread(name);
                }
                answer
            }
            None => match fault {
                Fault::Server { status, .. } => {
                    self.serve(request, path, name);
                    incoming(status, &[], &json!({}))
                }
                Fault::Garbage if request.method == Method::GET => {
                    let mut answer = self.serve(request, path, name);
                    answer.body = "<html>".into();
                    answer
                }
                Fault::OtherOffer if path.ends_with("/submissions/") => incoming(
                    200,
                    &[],
                    &json!([{"id": "other", "publisherId": "fabrikam", "submissionState": "running"}]),
                ),
                Fault::BrokenTag if request.method == Method::GET => {
                    let mut answer = self.serve(request, path, name);
                    answer.headers.insert("etag", HeaderValue::from_static("\"\""));
                    answer
                }
                _ => self.serve(request, path, name),
            },
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

    fn serve(&mut self, request: &Outgoing, path: &str, name: &str) -> Incoming {
        let Some(at) = self.offers.iter().position(|offer| offer.name == name) else {
            return incoming(404, &[], &json!({}));
        };
        if request.method == Method::POST {
            return self.cancel(request, at);
        }
        let rest: Vec<&str> = path.split('/').skip(6).collect();
        let tag: Vec<(&'static str, String)> = self.offers[at].tag().map(|tag| ("etag", tag)).into_iter().collect();
        let answer = match rest.as_slice() {
            [] => incoming(200, &tag, &json!({"id": name})),
            ["submissions", ""] => {
                self.watch.served(&self.offers[at]);
                incoming(200, &[], &self.offers[at].list())
            }
            ["operations", id] => match self.document(at, id) {
                Some(document) => incoming(200, &tag, &document),
                None => incoming(404, &[], &json!({})),
            },
            _ => incoming(404, &[], &json!({})),
        };
        // Exactly between the reads, and between a read and the call.
        if self.rng.u32(..60) == 0 {
            self.replace(at);
        }
        answer
    }

    fn replace(&mut self, at: usize) {
        let end = [Truth::Completed, Truth::Failed, Truth::Cancelled][self.rng.usize(..3)];
        if let Some(id) = self.offers[at].unfinished().first().map(|one| one.id.clone()) {
            self.note(&format!("{id} is replaced ({end:?})"));
            self.offers[at].happen(&id, Happening::Replace(end), &mut self.rng);
        }
    }

    fn document(&self, at: usize, id: &str) -> Option<Value> {
        if let Some((about, fails)) = self.cancellations.get(id) {
            let truth = self.offers[at].operation(about)?.truth;
            let word = match truth {
                Truth::Cancelled => "completed",
                Truth::Completed | Truth::Failed => "failed",
                _ if *fails => "failed",
                _ => "running",
            };
            return Some(json!({"id": id, "status": word}));
        }
        self.offers[at].operation(id)?.document()
    }

    /// A cancel call takes effect, or does not.
    fn cancel(&mut self, request: &Outgoing, at: usize) -> Incoming {
        if self.rng.u32(..40) == 0 {
            self.replace(at);
        }
        let tag = request.headers.get("if-match").and_then(|tag| tag.to_str().ok()).unwrap_or_default().to_owned();
        let guarded = if tag == "*" { Guarded::No } else { Guarded::Yes };
        self.watch.arrive(&self.offers[at], &tag);
        let offer = &mut self.offers[at];
        if guarded == Guarded::Yes && (offer.refuses_tag || offer.tag().as_deref() != Some(&tag)) {
            return incoming(412, &[], &json!({}));
        }
        let Some(id) = offer.unfinished().first().map(|one| one.id.clone()) else {
            return incoming(400, &[], &json!({}));
        };
        let is_meant = self.watch.hit(offer, &id, guarded);
        let draw = self.rng.u32(..10);
        let Some(operation) = offer.operations.iter_mut().find(|one| one.id == id) else {
            return incoming(404, &[], &json!({}));
        };
        let mut fails = false;
        if operation.truth == Truth::Cancelling && draw < 3 || draw == 9 {
            return incoming(409, &[], &json!({}));
        }
        match draw {
            0 | 1 => {
                operation.truth = Truth::Cancelled;
                operation.by_call |= is_meant;
                offer.version += 1;
                return incoming(200, &[], &json!({}));
            }
            2 => {
                let end = [Truth::Completed, Truth::Failed][self.rng.usize(..2)];
                offer.happenings.push((Instant::now() + span(&mut self.rng), id.clone(), Happening::End(end)));
            }
            3 => fails = self.rng.bool(),
            _ => {
                operation.truth = Truth::Cancelling;
                operation.by_call |= is_meant;
                offer.version += 1;
                let end = Happening::End(Truth::Cancelled);
                offer.happenings.push((Instant::now() + span(&mut self.rng), id.clone(), end));
            }
        }
        let own = format!("cancellation{}", self.cancellations.len() + 1);
        self.cancellations.insert(own.clone(), (id, fails));
        let here = format!("/api/publishers/contoso/offers/{}/operations/{own}", offer.name);
        match self.rng.u32(..4) {
            0 => incoming(202, &[], &json!({})),
            1 => incoming(202, &[("location", format!("https://elsewhere.example{here}"))], &json!({})),
            _ => incoming(202, &[("location", here)], &json!({})),
        }
    }
}
