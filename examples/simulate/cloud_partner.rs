//! The simulated Cloud Partner Portal.
//!
//! Owns its paths, documents and words. What is true is the offer's to say.

use cancel_pending::portal::{Incoming, Outgoing};
use serde_json::{Value, json};

use super::offer::{SimulatedOffer, SimulatedOperation, Tags, Truth};
use super::watch::{Guarded, ShownOperation};
use super::world::{CallTarget, Effect, Simulation, incoming, nothing};

/// What a cancel call is for: it names an offer.
pub fn target(world: &Simulation, path: &str) -> Option<CallTarget> {
    Some(CallTarget { at: offer(world, path)?, names: None })
}

fn offer(world: &Simulation, path: &str) -> Option<usize> {
    let name = path.split('/').nth(5)?;
    world.offers.iter().position(|offer| offer.name == name)
}

/// Answers a read.
pub fn read(world: &mut Simulation, path: &str) -> Incoming {
    let Some(at) = offer(world, path) else { return nothing(404) };
    let rest: Vec<&str> = path.split('/').skip(6).collect();
    let tag: Vec<(&'static str, String)> = tag(&world.offers[at]).map(|tag| ("etag", tag)).into_iter().collect();
    let answer = match rest.as_slice() {
        [] => incoming(200, &tag, &json!({"id": world.offers[at].name})),
        ["submissions", ""] => {
            let offer = &world.offers[at];
            world.watch.served(offer, None, offer.unfinished().into_iter().map(shown).collect());
            incoming(200, &[], &list(offer))
        }
        ["operations", id] => match document(world, at, id) {
            Some(document) => incoming(200, &tag, &document),
            None => nothing(404),
        },
        _ => nothing(404),
    };
    world.perhaps_replace(at, 60);
    answer
}

/// A cancel call takes effect, or does not.
pub fn cancel(world: &mut Simulation, request: &Outgoing, at: usize) -> Incoming {
    world.perhaps_replace(at, 40);
    let if_match = request.headers.get("if-match").and_then(|tag| tag.to_str().ok()).unwrap_or_default().to_owned();
    let guarded = if if_match == "*" { Guarded::No } else { Guarded::Yes };
    world.watch.arrive(&world.offers[at]);
    world.watch.arrive_with_tag(&world.offers[at], &if_match);
    let offer = &world.offers[at];
    if guarded == Guarded::Yes && (offer.refuses_tag || tag(offer).as_deref() != Some(&if_match)) {
        return nothing(412);
    }
    let Some(id) = offer.unfinished().first().map(|one| one.id.clone()) else { return nothing(400) };
    let is_meant = world.watch.hit(offer, &id, guarded);
    match world.take_effect(at, &id, is_meant) {
        Effect::Refused(status) => nothing(status),
        Effect::Done => nothing(200),
        Effect::Accepted(cancellation) => {
            let here = format!("/api/publishers/contoso/offers/{}/operations/{cancellation}", world.offers[at].name);
            match world.rng.u32(..4) {
                0 => nothing(202),
                1 => incoming(202, &[("location", format!("https://elsewhere.example{here}"))], &json!({})),
                _ => incoming(202, &[("location", here)], &json!({})),
            }
        }
    }
}

fn tag(offer: &SimulatedOffer) -> Option<String> {
    match offer.tags {
        Tags::Strong => Some(format!("\"v{}\"", offer.version)),
        Tags::Weak => Some(format!("W/\"v{}\"", offer.version)),
        Tags::Absent => None,
    }
}

fn list(offer: &SimulatedOffer) -> Value {
    let listed = offer.operations.iter().filter(|one| !is_forgotten(one));
    listed.map(|one| json!({"id": one.id, "submissionType": "publish", "submissionState": word(one, false)})).collect()
}

fn shown(one: &SimulatedOperation) -> ShownOperation {
    let may_be_cancelled = one.truth != Truth::Promoted && word(one, false) != "canceling";
    ShownOperation { id: one.id.clone(), may_be_cancelled }
}

fn is_forgotten(one: &SimulatedOperation) -> bool {
    one.forgotten && one.truth.is_over()
}

fn word(one: &SimulatedOperation, own: bool) -> &'static str {
    match one.truth {
        Truth::Queued => "notStarted",
        Truth::Running | Truth::Promoted => "running",
        Truth::Cancelling if one.silent => "running",
        Truth::Cancelling => "canceling",
        _ if one.odd && own => "archived",
        Truth::Cancelled => "canceled",
        Truth::Completed => "completed",
        Truth::Failed => "failed",
    }
}

fn document(world: &Simulation, at: usize, id: &str) -> Option<Value> {
    if let Some((about, fails)) = world.cancellations.get(id) {
        let status = match world.offers[at].operation(about)?.truth {
            Truth::Cancelled => "completed",
            Truth::Completed | Truth::Failed => "failed",
            _ if *fails => "failed",
            _ => "running",
        };
        return Some(json!({"id": id, "status": status}));
    }
    let one = world.offers[at].operation(id).filter(|one| !is_forgotten(one))?;
    let can = if one.truth == Truth::Promoted { "cannotCancel" } else { "canCancel" };
    let is_running = matches!(one.truth, Truth::Queued | Truth::Running | Truth::Promoted);
    Some(json!({"id": one.id, "status": word(one, true), "cancellationRequestState": is_running.then_some(can)}))
}
