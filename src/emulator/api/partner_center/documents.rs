//! The documents of the submission API, made from the state.
//!
//! Owns how products, submissions and their workflows are told.

use jiff::Timestamp;

use super::wire::{
    IngestionBranch, IngestionProduct, IngestionPublishOption, IngestionStep, IngestionSubmission, IngestionTypeValue,
    IngestionUpdate, IngestionVariant, IngestionWorkflow,
};
use crate::emulator::world::{EmulatedProduct, EmulatedSubmission};

/// What the API says in the place of a time that has not come.
const NEVER: &str = "1601-01-01T00:00:00Z";

/// The steps of a workflow in each environment, in order.
const WORKFLOWS: [(&str, &[&str]); 2] =
    [("Preview", &["Validation", "Certification", "PreviewCreation"]), ("Live", &["Publish"])];

pub(super) fn product(product: &EmulatedProduct) -> IngestionProduct {
    let external = |id: &crate::emulator::scenario::ExternalIdSpec| IngestionTypeValue {
        kind: id.kind.clone(),
        value: id.value.clone(),
    };
    IngestionProduct {
        resource_type: product.resource_type.clone(),
        name: product.name.clone(),
        external_ids: product.external_ids.iter().map(external).collect(),
        is_modular_publishing: true,
        id: product.id.clone(),
    }
}

/// A submission. `expand`: its publishing options are wanted too.
pub(super) fn submission(product: &EmulatedProduct, one: &EmulatedSubmission, expand: bool) -> IngestionSubmission {
    let spec = &one.spec;
    let target = |value: String| IngestionTypeValue { kind: "Scope".to_owned(), value };
    let href = format!("v1.0/ingestion/products/{}/submissions/{}", product.id, spec.id);
    IngestionSubmission {
        resource_type: "Submission",
        state: spec.state.clone(),
        substate: spec.substate.clone(),
        targets: one.targets().into_iter().map(target).collect(),
        resources: Vec::new(),
        published_time_in_utc: one.published.map_or_else(|| NEVER.to_owned(), |time| time.to_string()),
        publish_option: expand.then_some(IngestionPublishOption { is_manual_publish: true, is_auto_promote: false }),
        pending_update_info: one.update().map(|update| IngestionUpdate {
            update_type: update.kind,
            status: update.status,
            href,
            failure_reason: update.failure_reason,
        }),
        release_number: spec.release_number,
        friendly_name: spec.friendly_name.clone(),
        are_resources_ready: true,
        id: spec.id.to_string(),
    }
}

/// Its workflow, in each environment.
pub(super) fn workflows(one: &EmulatedSubmission) -> Vec<IngestionWorkflow> {
    let spec = &one.spec;
    let (in_preview, in_store) = match (spec.state.as_str(), spec.substate.as_str()) {
        ("Published", "InStore" | "Published") => ("Success", "Success"),
        ("Published", "Publishing") => ("Success", "InProgress"),
        ("Published", _) => ("Success", "NotStarted"),
        ("Cancelled", _) => ("Cancelled", "NotStarted"),
        (_, substate) if substate.starts_with("Failed") => ("Failed", "NotStarted"),
        _ => ("InProgress", "NotStarted"),
    };
    let started = |state: &str, time: Timestamp| (state != "NotStarted").then(|| time.to_string());
    WORKFLOWS
        .iter()
        .zip([in_preview, in_store])
        .map(|((environment, names), state)| IngestionWorkflow {
            kind: "Publish",
            state: state.to_owned(),
            target_environment: environment,
            workflow_steps: steps(names, state, one),
            start_date_time_in_utc: started(state, one.started),
        })
        .collect()
}

/// The steps up to the one that it is in, that one, and those to come.
fn steps(names: &[&str], state: &str, one: &EmulatedSubmission) -> Vec<IngestionStep> {
    let mut names: Vec<&str> = names.to_vec();
    let step = one.spec.step.as_deref().filter(|_| state == "InProgress");
    if let Some(step) = step.filter(|step| !names.contains(step)) {
        names.push(step);
    }
    let current = names.iter().position(|name| step.is_none_or(|step| *name == step)).unwrap_or(0);
    let state_of = |index: usize| match (state, index.cmp(&current)) {
        ("InProgress", std::cmp::Ordering::Less) => "Success",
        ("InProgress", std::cmp::Ordering::Equal) => &one.spec.step_state,
        ("InProgress", std::cmp::Ordering::Greater) => "NotStarted",
        (whole, _) => whole,
    };
    let step = |(index, name): (usize, &&str)| IngestionStep {
        name: (*name).to_owned(),
        state: state_of(index).to_owned(),
        start_date_time_in_utc: (state_of(index) != "NotStarted").then(|| one.started.to_string()),
    };
    names.iter().enumerate().map(step).collect()
}

/// The branches of a module: that of the product, and that of each plan.
pub(super) fn branches(product: &EmulatedProduct, module: &str) -> Vec<IngestionBranch> {
    let branch = |variant: Option<String>, number: usize| IngestionBranch {
        resource_type: "Branch",
        friendly_name: "Main",
        kind: "Main",
        module: module.to_owned(),
        current_draft_instance_id: format!("{}-{module}-{number}", product.id),
        variant_id: variant,
        id: "main".to_owned(),
    };
    let plans = (1..=product.spec.plans.len()).map(|number| branch(Some(variant_id(product, number)), number));
    std::iter::once(branch(None, 0)).chain(plans).collect()
}

/// The plans of a product.
pub(super) fn variants(product: &EmulatedProduct) -> Vec<IngestionVariant> {
    let variant = |(index, plan): (usize, &String)| IngestionVariant {
        resource_type: "AzureSkuVariant",
        state: "Active",
        friendly_name: plan.clone(),
        external_id: plan.clone(),
        id: variant_id(product, index + 1),
    };
    product.spec.plans.iter().enumerate().map(variant).collect()
}

fn variant_id(product: &EmulatedProduct, number: usize) -> String {
    format!("{}-{number}", product.id)
}
