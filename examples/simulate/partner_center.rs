//! The simulated Partner Center.
//!
//! Owns its paths, documents and words. It has none for what is being cancelled, and forgets what was cancelled, and
//! nothing else: a submission that failed is listed until the next one is published over it, and its document stays.

use cancel_pending::portal::Incoming;
use serde_json::{Value, json};
use url::Url;

use super::faults::Fault;
use super::offer::{SimulatedOffer, SimulatedOperation, Truth};
use super::watch::{Guarded, ShownOperation};
use super::world::{CallTarget, Effect, Simulation, incoming, nothing};

const PRODUCTS: &str = "/v1.0/ingestion/products";

/// What a cancel call is for: it names a product and a submission of it.
pub fn target(world: &Simulation, path: &str) -> Option<CallTarget> {
    let (product, id) = path.strip_prefix(PRODUCTS)?.strip_prefix('/')?.split_once("/submissions/")?;
    Some(CallTarget { at: world.product(product)?, names: Some(id.to_owned()) })
}

/// Answers a read.
pub fn read(world: &mut Simulation, url: &Url, fault: Fault) -> Incoming {
    let Some(rest) = url.path().strip_prefix(PRODUCTS) else { return nothing(404) };
    let segments: Vec<&str> = rest.split('/').skip(1).collect();
    match segments.as_slice() {
        [] => {
            let filter = url.query_pairs().find(|(key, _)| key == "$filter").map(|(_, value)| value.into_owned());
            // Not every portal honours every filter.
            let is_wanted = |offer: &SimulatedOffer| {
                let name = format!("'{}'", offer.name);
                filter.as_ref().is_none_or(|filter| fault == Fault::OtherThing || filter.contains(&name))
            };
            let products: Vec<Value> = world.offers.iter().filter(|offer| is_wanted(offer)).map(product).collect();
            world.page(url, products)
        }
        [guid, ..] => {
            let Some(at) = world.product(guid) else { return nothing(404) };
            let answer = of_product(world, at, &segments[1..], url, fault);
            world.perhaps_replace(at, 60);
            answer
        }
    }
}

fn of_product(world: &mut Simulation, at: usize, rest: &[&str], url: &Url, fault: Fault) -> Incoming {
    match rest {
        [] => {
            let other = world.offers.iter().find(|_| fault == Fault::OtherThing);
            incoming(200, &[], &product(other.unwrap_or(&world.offers[at])))
        }
        ["submissions"] => {
            let offer = &world.offers[at];
            let listed: Vec<(Value, Option<ShownOperation>)> = offer
                .operations
                .iter()
                .filter(|one| is_listed(offer, one))
                .map(|one| (document(one, false), shown(one)))
                .collect();
            let (documents, shown): (Vec<_>, Vec<_>) = listed.into_iter().unzip();
            world.serve_list(at, url, documents, &shown)
        }
        ["submissions", id] => {
            let own = world.offers[at].operation(id).filter(|one| !(one.forgotten && one.truth == Truth::Cancelled));
            match own {
                Some(_) if fault == Fault::OtherThing => {
                    incoming(200, &[], &json!({"id": "1", "state": "Cancelled", "substate": "Cancelled"}))
                }
                Some(one) => incoming(200, &[], &document(one, true)),
                None => nothing(404),
            }
        }
        ["submissions", _, "workflowdetails"] => incoming(200, &[], &json!({"value": []})),
        _ => nothing(404),
    }
}

/// A cancel call takes effect, or does not.
pub fn cancel(world: &mut Simulation, at: usize, id: &str) -> Incoming {
    world.perhaps_replace(at, 40);
    world.watch.arrive(&world.offers[at]);
    let Some(one) = world.offers[at].operation(id) else { return nothing(404) };
    if one.truth.is_over() {
        return nothing([400, 404, 409][world.rng.usize(..3)]);
    }
    let is_meant = world.watch.hit(&world.offers[at], id, Guarded::Yes);
    match world.take_effect(at, id, is_meant) {
        Effect::Refused(status) => nothing(status),
        Effect::Done | Effect::Accepted(_) => nothing([204, 204, 200, 202][world.rng.usize(..4)]),
    }
}

fn product(offer: &SimulatedOffer) -> Value {
    let external = json!({"type": "AzureOfferId", "value": offer.name});
    json!({"id": offer.product, "resourceType": "AzureApplication", "name": "An offer", "externalIDs": [external]})
}

fn is_listed(offer: &SimulatedOffer, one: &SimulatedOperation) -> bool {
    match one.truth {
        Truth::Cancelled => !one.forgotten && one.silent,
        // The next one is published over it.
        Truth::Failed => offer.is_last(one),
        Truth::Completed => offer.is_last(one) || !one.forgotten,
        _ => true,
    }
}

fn shown(one: &SimulatedOperation) -> Option<ShownOperation> {
    let is_shown = !one.truth.is_over() || one.truth == Truth::Failed;
    let may_be_cancelled = !one.truth.is_over() && one.truth != Truth::Promoted;
    is_shown.then(|| ShownOperation { id: one.id.clone(), may_be_cancelled })
}

fn document(one: &SimulatedOperation, own: bool) -> Value {
    let (state, substate, update) = match one.truth {
        Truth::Queued => ("InProgress", "InDraft", "Running"),
        Truth::Running | Truth::Cancelling => ("InProgress", "Submitted", "Completed"),
        Truth::Promoted => ("Published", "Publishing", "Completed"),
        _ if one.odd && own => ("Thawing", "Slowly", "Completed"),
        Truth::Cancelled => ("Cancelled", "Cancelled", "Completed"),
        Truth::Completed if one.is_live => ("Published", "InStore", "Completed"),
        Truth::Completed => ("Published", "ReadyToPublish", "Completed"),
        Truth::Failed => ("InProgress", "Failed", "Failed"),
    };
    json!({"id": one.id, "state": state, "substate": substate, "pendingUpdateInfo": {"status": update}})
}
