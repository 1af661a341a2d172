//! The products of Partner Center: their submissions, and how these move.
//!
//! Owns what happens: a publish starts a submission, the clock brings it to its preview, a promotion to the store, a
//! cancellation ends it. What the state file lists stays as it was given. Knows nothing of HTTP.

use jiff::Timestamp;

use super::StartAnswer;
use super::reads::{Cancelling, ReadsLeft};
use crate::emulator::scenario::{
    CancelBehaviour, CancelledFate, ExternalIdSpec, OfferSpec, PartnerCenterSpec, SubmissionOrder, SubmissionSpec,
    UpdateSpec,
};

/// Above 2^60, as in life: no number of JavaScript holds them.
const FIRST_ID: u64 = 1_152_921_505_700_000_000;

const IN_PROGRESS: &str = "InProgress";
const PUBLISHED: &str = "Published";

#[derive(Debug)]
pub(in crate::emulator) struct EmulatedProducts {
    pub spec: PartnerCenterSpec,
    products: Vec<EmulatedProduct>,
    last_id: u64,
}

#[derive(Debug)]
pub(in crate::emulator) struct EmulatedProduct {
    pub id: String,
    pub name: String,
    pub resource_type: String,
    pub external_ids: Vec<ExternalIdSpec>,
    pub spec: OfferSpec,
    /// The oldest one first.
    submissions: Vec<EmulatedSubmission>,
    order: SubmissionOrder,
    fate: CancelledFate,
}

#[derive(Debug, Clone)]
pub(in crate::emulator) struct EmulatedSubmission {
    pub spec: SubmissionSpec,
    pub started: Timestamp,
    pub published: Option<Timestamp>,
    /// Since when it waits for its next state; none: it stays as it is.
    moves: Option<Timestamp>,
    cancelling: Cancelling,
}

impl EmulatedProducts {
    pub fn new(spec: PartnerCenterSpec, offers: Vec<OfferSpec>, now: Timestamp) -> Self {
        let products: Vec<EmulatedProduct> =
            offers.into_iter().map(|offer| EmulatedProduct::new(offer, spec.order, spec.cancelled, now)).collect();
        let given = products.iter().flat_map(|product| &product.submissions);
        let last_id = given.filter_map(|one| one.spec.id.as_str().parse().ok()).fold(FIRST_ID, u64::max);
        Self { spec, products, last_id }
    }

    /// All of them, in the order of the state file.
    pub fn all(&self) -> impl Iterator<Item = &EmulatedProduct> {
        self.products.iter()
    }

    pub fn product(&self, id: &str) -> Option<&EmulatedProduct> {
        self.all().find(|product| product.id.eq_ignore_ascii_case(id))
    }

    pub fn product_mut(&mut self, id: &str) -> Option<&mut EmulatedProduct> {
        self.products.iter_mut().find(|product| product.id.eq_ignore_ascii_case(id))
    }

    pub fn advance(&mut self, now: Timestamp) {
        for product in &mut self.products {
            let step_time = product.spec.step_time;
            for submission in &mut product.submissions {
                while let Some(next) = submission.moves.and_then(|since| since.checked_add(step_time).ok())
                    && next <= now
                    && matches!(submission.cancelling, Cancelling::No)
                {
                    submission.move_on(next);
                }
            }
        }
    }

    /// Starts a submission.
    pub fn publish(&mut self, product: &str, targets: Option<Vec<String>>, now: Timestamp) -> Option<StartAnswer> {
        let id = self.last_id + 1;
        let product = self.product_mut(product)?;
        if product.submissions.iter().any(EmulatedSubmission::is_running) {
            let text = "ICH40900 - A submission is in progress for this product.";
            return Some(StartAnswer::Refused(409, "Conflict".to_owned(), text.to_owned()));
        }
        // What failed stays in progress until somebody publishes over it.
        product.submissions.retain(|submission| submission.spec.state != IN_PROGRESS);
        let release = product.submissions.iter().filter_map(|one| one.spec.release_number).max().unwrap_or(0) + 1;
        let id = id.to_string();
        let Ok(operation_id) = id.parse() else { return None };
        product.submissions.push(EmulatedSubmission {
            spec: SubmissionSpec {
                id: operation_id,
                state: IN_PROGRESS.to_owned(),
                substate: "Submitted".to_owned(),
                update: None,
                targets,
                release_number: Some(release),
                friendly_name: None,
                published_ago: std::time::Duration::ZERO,
                started_ago: std::time::Duration::ZERO,
                step: None,
                step_state: IN_PROGRESS.to_owned(),
                status: None,
                result: None,
                lifecycle_state: None,
            },
            started: now,
            published: None,
            moves: Some(now),
            cancelling: Cancelling::No,
        });
        self.last_id += 1;
        Some(StartAnswer::Accepted(id))
    }
}

impl EmulatedProduct {
    fn new(spec: OfferSpec, order: SubmissionOrder, fate: CancelledFate, now: Timestamp) -> Self {
        let own = || vec![ExternalIdSpec { kind: "AzureOfferId".to_owned(), value: spec.id.to_string() }];
        Self {
            id: spec.product.clone().unwrap_or_default(),
            name: spec.product_name.clone().unwrap_or_else(|| spec.id.to_string()),
            resource_type: spec.kind.clone().unwrap_or_else(|| "AzureApplication".to_owned()),
            external_ids: spec.external_ids.clone().unwrap_or_else(own),
            submissions: spec.submissions.iter().map(|one| EmulatedSubmission::from_spec(one.clone(), now)).collect(),
            order,
            fate,
            spec,
        }
    }

    /// Its submissions, in the order in which they are listed.
    pub fn submissions(&self) -> Vec<&EmulatedSubmission> {
        let mut list: Vec<_> = self.submissions.iter().collect();
        if self.order == SubmissionOrder::NewestFirst {
            list.reverse();
        }
        list
    }

    pub fn submission(&self, id: &str) -> Option<&EmulatedSubmission> {
        self.submissions.iter().find(|submission| submission.spec.id.as_str() == id)
    }

    fn submission_mut(&mut self, id: &str) -> Option<&mut EmulatedSubmission> {
        self.submissions.iter_mut().find(|submission| submission.spec.id.as_str() == id)
    }

    /// One read of the list: it brings each cancellation nearer its end.
    pub fn poll_list(&mut self) {
        self.end_cancelled(|_, reads| reads.list_read());
    }

    /// One read of a submission: it brings its cancellation nearer its end.
    pub fn poll(&mut self, id: &str) {
        self.end_cancelled(|own, reads| own == id && reads.single_read());
    }

    fn end_cancelled(&mut self, mut done: impl FnMut(&str, &mut ReadsLeft) -> bool) {
        let fate = self.fate;
        self.submissions.retain_mut(|submission| {
            let ended = match &mut submission.cancelling {
                Cancelling::After(reads) => done(submission.spec.id.as_str(), reads),
                Cancelling::No | Cancelling::Never => false,
            };
            !ended || submission.end_cancelled(fate)
        });
    }

    /// Cancels a submission.
    pub fn cancel(&mut self, id: &str) -> Option<StartAnswer> {
        let (spec, fate) = (self.spec.cancel.clone(), self.fate);
        let submission = self.submission_mut(id)?;
        let refused = |text: &str| StartAnswer::Refused(spec.status, "InvalidState".to_owned(), text.to_owned());
        if submission.spec.state != IN_PROGRESS {
            return Some(refused("The submission is not in progress."));
        }
        if !matches!(submission.cancelling, Cancelling::No) {
            return Some(refused("The submission is being cancelled already."));
        }
        match spec.answer {
            CancelBehaviour::Refused => return Some(StartAnswer::Refused(spec.status, spec.code, spec.message)),
            CancelBehaviour::Ignored => {}
            CancelBehaviour::Accepted => submission.cancelling = Cancelling::After(ReadsLeft::new(spec.polls)),
            CancelBehaviour::Stuck => submission.cancelling = Cancelling::Never,
            CancelBehaviour::AtOnce => {
                if !submission.end_cancelled(fate) {
                    self.submissions.retain(|submission| submission.spec.id.as_str() != id);
                }
            }
        }
        Some(StartAnswer::Done)
    }

    /// Sends a preview to the store.
    pub fn promote(&mut self, id: &str, now: Timestamp) -> Option<StartAnswer> {
        let submission = self.submission_mut(id)?;
        if submission.spec.state != PUBLISHED || submission.spec.substate != "ReadyToPublish" {
            let text = "The submission has no preview that waits to go live.";
            return Some(StartAnswer::Refused(400, "InvalidState".to_owned(), text.to_owned()));
        }
        "Publishing".clone_into(&mut submission.spec.substate);
        submission.spec.targets = Some(vec!["live".to_owned()]);
        submission.moves = Some(now);
        Some(StartAnswer::Done)
    }
}

impl EmulatedSubmission {
    fn from_spec(spec: SubmissionSpec, now: Timestamp) -> Self {
        let before = |ago| now.checked_sub(ago).unwrap_or(now);
        let published = (spec.state == PUBLISHED).then(|| before(spec.published_ago));
        let started = before(spec.started_ago);
        Self { spec, started, published, moves: None, cancelling: Cancelling::No }
    }

    /// Whether another one can't be published meanwhile. What failed stays in progress, and holds up nothing.
    fn is_running(&self) -> bool {
        let update_failed = self.spec.update.as_ref().is_some_and(|update| update.status == "Failed");
        let failed = self.spec.substate.starts_with("Failed") || (self.spec.substate == "InDraft" && update_failed);
        self.spec.state == IN_PROGRESS && !failed
    }

    /// What is told of the update that it is in.
    pub fn update(&self) -> Option<UpdateSpec> {
        let usual = || (self.spec.state == IN_PROGRESS).then(UpdateSpec::default);
        self.spec.update.clone().or_else(usual).filter(|update| update.status != "none")
    }

    pub fn targets(&self) -> Vec<String> {
        let live = self.spec.state == PUBLISHED && matches!(self.spec.substate.as_str(), "InStore" | "Published");
        let usual = || vec![if live { "live" } else { "preview" }.to_owned()];
        self.spec.targets.clone().unwrap_or_else(usual)
    }

    fn move_on(&mut self, now: Timestamp) {
        let substate = if self.spec.state == IN_PROGRESS { "ReadyToPublish" } else { "InStore" };
        PUBLISHED.clone_into(&mut self.spec.state);
        substate.clone_into(&mut self.spec.substate);
        self.published = Some(now);
        self.moves = None;
    }

    /// Whether it stays in the list.
    fn end_cancelled(&mut self, fate: CancelledFate) -> bool {
        "Cancelled".clone_into(&mut self.spec.state);
        "Cancelled".clone_into(&mut self.spec.substate);
        self.cancelling = Cancelling::No;
        self.moves = None;
        fate == CancelledFate::Shown
    }
}
