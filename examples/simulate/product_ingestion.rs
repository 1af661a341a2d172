//! The simulated Product Ingestion API.
//!
//! Owns its paths, documents and words. A cancel call names a job, and a job is whatever operation's it is.

use cancel_pending::portal::Incoming;
use serde_json::{Value, json};
use url::Url;

use super::faults::Fault;
use super::offer::{SimulatedOffer, SimulatedOperation, Truth};
use super::run::{job_start, wall};
use super::watch::{Guarded, ShownOperation};
use super::world::{CallTarget, Effect, Simulation, incoming, nothing};

const PREFIX: &str = "/rp/product-ingestion/";

/// What a cancel call is for: it names a job, and the plan says for which offer.
pub fn target(world: &Simulation, path: &str) -> Option<CallTarget> {
    let job = path.strip_prefix(PREFIX)?.strip_prefix("configure/")?.strip_suffix("/cancel")?;
    let name = world.watch.offer_of_job(job)?;
    let at = world.offers.iter().position(|offer| offer.name == name)?;
    Some(CallTarget { at, names: Some(job.to_owned()) })
}

/// Answers a read.
pub fn read(world: &mut Simulation, url: &Url, fault: Fault) -> Incoming {
    let Some(rest) = url.path().strip_prefix(PREFIX) else { return nothing(404) };
    let segments: Vec<&str> = rest.split('/').collect();
    match segments.as_slice() {
        ["product"] => {
            let wanted = url.query_pairs().find(|(key, _)| key == "externalId").map(|(_, value)| value.into_owned());
            let is_wanted = |offer: &&SimulatedOffer| {
                fault == Fault::OtherThing || wanted.as_ref().is_none_or(|wanted| *wanted == offer.name)
            };
            let products = world.offers.iter().filter(is_wanted).map(product).collect();
            world.page(url, products)
        }
        ["submission", guid, rest @ ..] => {
            let Some(at) = world.product(guid) else { return nothing(404) };
            let answer = match rest {
                [] => submissions(world, at, url, fault),
                [id] => {
                    let offer = &world.offers[at];
                    match offer.operation(id) {
                        Some(one) if !is_forgotten(one) => incoming(200, &[], &document(offer, one, true)),
                        Some(one) if was_preview(one) => incoming(200, &[], &preview(offer, one)),
                        _ => nothing(404),
                    }
                }
                _ => nothing(404),
            };
            world.perhaps_replace(at, 60);
            answer
        }
        ["configure", job, "status"] => {
            let Some((at, place)) = of_job(world, job) else { return nothing(404) };
            let one = &world.offers[at].operations[place];
            world.watch.served_job(one, is_open(one));
            let about = if fault == Fault::OtherThing { "7a1b2c3d-0000-4000-8000-999999999999" } else { job };
            let answer = incoming(200, &[], &status(one, about));
            world.perhaps_replace(at, 60);
            answer
        }
        ["configure", job] => {
            let Some((at, place)) = of_job(world, job) else { return nothing(404) };
            let offer = &world.offers[at];
            // Before it is over, this fails.
            if is_open(&offer.operations[place]) {
                return nothing(400);
            }
            let id = format!("submission/{}/{}", offer.product, offer.operations[place].id);
            incoming(200, &[], &json!({"resources": [{"id": id, "product": format!("product/{}", offer.product)}]}))
        }
        _ => nothing(404),
    }
}

fn submissions(world: &mut Simulation, at: usize, url: &Url, fault: Fault) -> Incoming {
    let offer = &world.offers[at];
    if fault == Fault::OtherThing {
        let other =
            json!({"id": "submission/0d5c0a4e-1111-4222-8333-999999999999/1", "target": {"targetType": "live"}});
        return incoming(200, &[], &json!({"value": [other]}));
    }
    let draft = json!({"id": format!("submission/{}/0", offer.product), "target": {"targetType": "draft"}});
    let mut listed = vec![(draft, None)];
    for one in &offer.operations {
        if was_preview(one) {
            listed.push((preview(offer, one), None));
        }
        if !is_forgotten(one) {
            listed.push((document(offer, one, false), shown(one)));
        }
    }
    let (documents, shown): (Vec<_>, Vec<_>) = listed.into_iter().unzip();
    world.serve_list(at, url, documents, &shown)
}

/// A cancel call takes effect, or does not.
pub fn cancel(world: &mut Simulation, at: usize, job: &str) -> Incoming {
    world.perhaps_replace(at, 40);
    world.watch.arrive(&world.offers[at]);
    world.watch.arrive_for_job(&world.offers[at], job);
    let Some((at, place)) = of_job(world, job) else { return nothing(404) };
    let one = &world.offers[at].operations[place];
    if !is_open(one) {
        return nothing(400);
    }
    let id = one.id.clone();
    // Where the times fit, nobody could know that it is another one's; where they do not, the call was wrong already.
    let is_meant = world.watch.hit(&world.offers[at], &id, Guarded::ByTimes);
    match world.take_effect(at, &id, is_meant) {
        Effect::Refused(status) => nothing(status),
        Effect::Done | Effect::Accepted(_) => {
            let body = status(&world.offers[at].operations[place], job);
            incoming([200, 200, 202][world.rng.usize(..3)], &[], &body)
        }
    }
}

fn of_job(world: &Simulation, job: &str) -> Option<(usize, usize)> {
    let place = |offer: &SimulatedOffer| offer.operations.iter().position(|one| one.job == job);
    world.offers.iter().enumerate().find_map(|(at, offer)| Some((at, place(offer)?)))
}

/// Whether its job is not over: that may be, before the submission is.
fn is_open(one: &SimulatedOperation) -> bool {
    match one.truth {
        Truth::Queued | Truth::Running => true,
        Truth::Cancelling => one.silent,
        _ => false,
    }
}

fn is_forgotten(one: &SimulatedOperation) -> bool {
    one.forgotten && one.truth.is_over()
}

fn product(offer: &SimulatedOffer) -> Value {
    json!({"id": format!("product/{}", offer.product), "identity": {"externalID": offer.name}, "type": "azureVirtualMachine"})
}

fn id(offer: &SimulatedOffer, one: &SimulatedOperation) -> String {
    format!("submission/{}/{}", offer.product, one.id)
}

fn shown(one: &SimulatedOperation) -> Option<ShownOperation> {
    (!one.truth.is_over()).then(|| ShownOperation { id: one.id.clone(), may_be_cancelled: true })
}

/// Whether it goes live and still stands there as the preview that it was.
const fn was_preview(one: &SimulatedOperation) -> bool {
    one.is_live && !one.odd
}

fn preview(offer: &SimulatedOffer, one: &SimulatedOperation) -> Value {
    json!({"id": id(offer, one), "product": format!("product/{}", offer.product),
        "target": {"targetType": "preview"}, "status": "completed", "result": "succeeded"})
}

fn words(truth: Truth) -> (&'static str, &'static str) {
    match truth {
        Truth::Queued => ("notStarted", "pending"),
        Truth::Running | Truth::Promoted | Truth::Cancelling => ("running", "pending"),
        Truth::Cancelled => ("completed", "cancelled"),
        Truth::Completed => ("completed", "succeeded"),
        Truth::Failed => ("completed", "failed"),
    }
}

fn document(offer: &SimulatedOffer, one: &SimulatedOperation, own: bool) -> Value {
    let (status, result) = if one.odd && own && one.truth.is_over() { ("thawed", "") } else { words(one.truth) };
    let target = if one.is_live { "live" } else { "preview" };
    json!({"id": id(offer, one), "product": format!("product/{}", offer.product), "target": {"targetType": target},
        "status": status, "result": result, "created": wall(one.since).to_string()})
}

fn status(one: &SimulatedOperation, job: &str) -> Value {
    let (status, result) = match one.truth {
        Truth::Promoted => ("completed", "succeeded"),
        Truth::Cancelling if !one.silent => ("completed", "cancelled"),
        truth => words(truth),
    };
    json!({"jobId": job, "jobStatus": status, "jobResult": result, "jobStart": job_start(one).to_string()})
}
