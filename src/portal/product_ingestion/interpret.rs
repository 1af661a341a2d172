//! From the documents of the Product Ingestion API to the words of the trade.
//!
//! Owns every tolerance, and that a document is about what was asked for. What can't be read is an error in words;
//! nothing is guessed.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::wire::{IdentifiedProduct, JobDetailDocument, JobStatusDocument, ResourceDocument, TargetedDocument};
use super::words::{self, TargetType};
use crate::domain::{JobId, OperationId, Phase, ProductId, StatusWord};
use crate::portal::client::{cut_text, cut_word, folded, json, timestamp};
use crate::portal::products::{ListedProduct, is_submission_id};

/// The most names of resources that are told.
const MAX_RESOURCES: usize = 8;

/// A submission for one target, judged by its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TargetedSubmission {
    pub id: OperationId,
    pub target: TargetType,
    pub target_word: Option<String>,
    pub phase: Phase,
    pub word: Option<StatusWord>,
    pub created: Option<Timestamp>,
}

impl TargetedSubmission {
    /// The same, where a preview that is done waits for somebody to go live with it.
    pub fn before_go_live(mut self) -> Self {
        if self.target == TargetType::Preview && self.phase == Phase::Completed {
            self.phase = Phase::AwaitsGoLive;
        }
        self
    }
}

/// A job as its status tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JobReading {
    pub phase: Phase,
    pub word: Option<StatusWord>,
    pub start: Option<Timestamp>,
    /// When it ended, where it has.
    pub end: Option<Timestamp>,
}

/// What a job that is over names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JobDetail {
    /// Its resources, by the names of their kinds.
    pub resources: Vec<String>,
    /// The products that these belong to.
    pub products: BTreeSet<ProductId>,
    /// The submissions among them, the drafts left out: what is published is posted as the draft that it was.
    pub submissions: BTreeSet<OperationId>,
}

impl JobDetail {
    /// Whether it names products, and not this one.
    pub fn is_of_another_product(&self, product: &ProductId) -> bool {
        !self.products.is_empty() && !self.products.contains(product)
    }

    /// Whether it names this submission.
    pub fn names(&self, submission: &OperationId) -> bool {
        self.submissions.contains(submission)
    }

    /// Whether it names something, and not this submission of this product.
    pub fn is_of_others(&self, product: &ProductId, submission: &OperationId) -> bool {
        self.is_of_another_product(product) || (!self.submissions.is_empty() && !self.submissions.contains(submission))
    }
}

/// `kind/guid/…`: the parts of a resource's id.
fn parts(id: &str) -> (&str, Option<ProductId>, Option<&str>) {
    let mut parts = id.trim().splitn(3, '/');
    let kind = parts.next().unwrap_or_default();
    (kind, parts.next().and_then(|guid| guid.parse().ok()), parts.next())
}

/// Reads a product of a list. None would be one that is no offer, of which nothing is known here.
pub(super) fn product(document: Value) -> Result<Option<ListedProduct>, String> {
    let document: IdentifiedProduct = folded(document).map_err(|error| format!("not a product ({error})"))?;
    let id = document.id.as_deref().unwrap_or_default();
    let id = match parts(id) {
        (kind, Some(guid), None) if kind.eq_ignore_ascii_case("product") => guid,
        _ => return Err("the id of a product is not `product/` and a GUID".to_owned()),
    };
    let external = document.identity.and_then(|identity| identity.external_id);
    Ok(Some(ListedProduct {
        id,
        offers: external.and_then(|offer| offer.parse().ok()).into_iter().collect(),
        kind: document.kind.as_deref().and_then(cut_word),
        name: document.alias.as_deref().and_then(cut_text),
    }))
}

/// Reads a submission.
pub(super) fn one_submission(body: &[u8], product: &ProductId) -> Result<TargetedSubmission, String> {
    submission(json(body).map_err(|error| format!("not a submission ({error})"))?, product)
}

/// Reads a submission of a list. It must be one of the product that was asked about.
pub(super) fn submission(document: Value, product: &ProductId) -> Result<TargetedSubmission, String> {
    let document: TargetedDocument = folded(document).map_err(|error| format!("not a submission ({error})"))?;
    let (kind, owner, digits) = parts(document.id.as_deref().unwrap_or_default());
    let digits = digits.filter(|digits| is_submission_id(digits));
    let (Some(owner), Some(digits)) = (owner.filter(|_| kind.eq_ignore_ascii_case("submission")), digits) else {
        return Err("the id of a submission is not `submission/`, a GUID and a number".to_owned());
    };
    let named = document.product.as_deref().map(|named| parts(named).1);
    if let Some(other) = Some(Some(owner)).into_iter().chain(named).find(|one| one.as_ref() != Some(product)) {
        let other = other.map_or_else(|| "something else".to_owned(), |other| format!("the product {other}"));
        return Err(format!("a submission is one of {other}, and {product} was asked for"));
    }
    let (status, result) = (document.status.as_deref(), document.result.as_deref());
    let target_word = document.target.as_ref().and_then(|target| target.kind.as_deref());
    let target = words::target_type(target_word);
    let word = words::word(status, result);
    let phase = match target {
        // A draft has no status: nobody has submitted it.
        TargetType::Draft if word.is_none() => Phase::Draft,
        TargetType::Draft | TargetType::Unknown => Phase::Unknown,
        TargetType::Preview | TargetType::Live => words::phase(status, result),
    };
    Ok(TargetedSubmission {
        id: digits.parse().map_err(|error| format!("the id of a submission {error}"))?,
        target,
        target_word: target_word.and_then(cut_word),
        phase,
        word: word.and_then(|word| cut_word(word.as_str())).map(StatusWord::new),
        created: document.created.as_deref().and_then(timestamp),
    })
}

/// Reads the status of a job. It must be the one that was asked about.
pub(super) fn job_status(body: &[u8], job: &JobId) -> Result<JobReading, String> {
    let unfit = |error: String| format!("not the status of a job ({error})");
    let document: Value = json(body).map_err(|error| unfit(error.to_string()))?;
    let document: JobStatusDocument = folded(document).map_err(unfit)?;
    let id = document.id.as_deref().unwrap_or_default().trim();
    if id.parse().as_ref() != Ok(job) {
        let about = cut_word(id).map_or_else(|| "no job".to_owned(), |id| format!("the job {id}"));
        return Err(format!("it is about {about}, and {job} was asked for"));
    }
    let (status, result) = (document.status.as_deref(), document.result.as_deref());
    Ok(JobReading {
        phase: words::phase(status, result),
        word: words::word(status, result).and_then(|word| cut_word(word.as_str())).map(StatusWord::new),
        start: document.start.as_deref().and_then(timestamp),
        end: document.end.as_deref().and_then(timestamp),
    })
}

/// Reads what a job was about.
pub(super) fn job_detail(body: &[u8]) -> Result<JobDetail, String> {
    let unfit = |error: String| format!("not the detail of a job ({error})");
    let document: Value = json(body).map_err(|error| unfit(error.to_string()))?;
    let document: JobDetailDocument = folded(document).map_err(unfit)?;
    let owners = |one: &ResourceDocument| {
        let ids = [one.id.as_deref(), one.product.as_deref()].into_iter().flatten();
        ids.filter_map(|id| parts(id).1).collect::<Vec<_>>()
    };
    let mut resources: Vec<String> = Vec::new();
    for name in document.resources.iter().filter_map(resource_name) {
        if !resources.contains(&name) {
            resources.push(name);
        }
    }
    let more = resources.len().saturating_sub(MAX_RESOURCES);
    resources.truncate(MAX_RESOURCES);
    if more > 0 {
        resources.push(format!("and {more} more"));
    }
    let submission = |one: &ResourceDocument| {
        let (kind, _, digits) = parts(one.id.as_deref()?);
        let digits = digits.filter(|digits| is_submission_id(digits) && digits.bytes().any(|byte| byte != b'0'))?;
        digits.parse().ok().filter(|_: &OperationId| kind.eq_ignore_ascii_case("submission"))
    };
    Ok(JobDetail {
        resources,
        products: document.resources.iter().flat_map(owners).collect(),
        submissions: document.resources.iter().filter_map(submission).collect(),
    })
}

/// The kind of a resource: the name part of its schema, or what its id begins with. Schemas are on two hosts, and in
/// several versions.
fn resource_name(resource: &ResourceDocument) -> Option<String> {
    let schema = resource.schema.as_deref().map(str::to_ascii_lowercase);
    let of_schema = schema.as_deref().and_then(|schema| schema.split_once("/schema/")?.1.split('/').next());
    let of_id = resource.id.as_deref().map(|id| parts(id).0);
    cut_word(of_schema.or(of_id)?)
}
