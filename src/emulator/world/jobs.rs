//! The products of the Product Ingestion API: their submissions, and the jobs that work on them.
//!
//! Owns what happens: configuring starts a job, the clock completes it and its submission, cancelling the job ends both.
//! What the state file lists stays as it was given. Knows nothing of HTTP.

use jiff::Timestamp;

use super::StartAnswer;
use super::reads::{Cancelling, ReadsLeft};
use crate::emulator::scenario::{
    CancelBehaviour, CancelledFate, JobSpec, OfferSpec, ProductIngestionSpec, SubmissionSpec,
};

const FIRST_ID: u64 = 1_152_921_505_700_000_000;

const COMPLETED: &str = "completed";

#[derive(Debug)]
pub(in crate::emulator) struct ConfiguredProducts {
    pub spec: ProductIngestionSpec,
    pub products: Vec<ConfiguredProduct>,
    pub jobs: Vec<ConfigureJob>,
    last_id: u64,
}

#[derive(Debug)]
pub(in crate::emulator) struct ConfiguredProduct {
    pub id: String,
    pub spec: OfferSpec,
    pub submissions: Vec<ConfiguredSubmission>,
}

#[derive(Debug, Clone)]
pub(in crate::emulator) struct ConfiguredSubmission {
    pub id: String,
    pub target: String,
    pub status: String,
    pub result: String,
    pub lifecycle: Option<String>,
    pub created: Timestamp,
}

#[derive(Debug, Clone)]
pub(in crate::emulator) struct ConfigureJob {
    pub id: String,
    pub status: String,
    pub result: String,
    pub start: Timestamp,
    pub end: Option<Timestamp>,
    /// The product that it works on, which it does not tell while it runs.
    pub product: String,
    /// The id and the target of the submission that ends with it.
    submission: Option<(String, String)>,
    /// Whether the clock completes it.
    moves: bool,
    cancelling: Cancelling,
}

/// What configuring asks for.
#[derive(Debug, Clone)]
pub(in crate::emulator) struct ConfigureRequest {
    pub product: String,
    /// The target of the submission that is asked for, and its id; none: only resources are changed.
    pub submission: Option<(String, Option<String>)>,
}

impl ConfiguredProducts {
    pub fn new(spec: ProductIngestionSpec, offers: Vec<OfferSpec>, now: Timestamp) -> Self {
        let mut jobs = Vec::new();
        let mut products = Vec::new();
        for offer in offers {
            let product = ConfiguredProduct::new(offer, now);
            jobs.extend(product.spec.jobs.iter().map(|job| ConfigureJob::from_spec(job, &product, now)));
            products.push(product);
        }
        let given = products.iter().flat_map(|product| &product.submissions);
        let last_id = given.filter_map(|one| one.id.parse().ok()).fold(FIRST_ID, u64::max);
        Self { spec, products, jobs, last_id }
    }

    pub fn product(&self, id: &str) -> Option<&ConfiguredProduct> {
        self.products.iter().find(|product| product.id.eq_ignore_ascii_case(id))
    }

    pub fn job(&self, id: &str) -> Option<&ConfigureJob> {
        self.jobs.iter().find(|job| job.id.eq_ignore_ascii_case(id))
    }

    pub fn advance(&mut self, now: Timestamp) {
        let due: Vec<(usize, Timestamp)> = self
            .jobs
            .iter()
            .enumerate()
            .filter(|(_, job)| job.moves && matches!(job.cancelling, Cancelling::No) && job.status != COMPLETED)
            .filter_map(|(index, job)| {
                let step_time = self.product(&job.product)?.spec.step_time;
                Some((index, job.start.checked_add(step_time).ok()?))
            })
            .filter(|(_, due)| *due <= now)
            .collect();
        for (index, due) in due {
            self.complete(index, "succeeded", due);
        }
    }

    /// Completes a job, and the submission that it works on.
    fn complete(&mut self, index: usize, result: &str, now: Timestamp) {
        let forget = result == "cancelled" && self.spec.cancelled == CancelledFate::Forgotten;
        let Some(job) = self.jobs.get_mut(index) else { return };
        COMPLETED.clone_into(&mut job.status);
        result.clone_into(&mut job.result);
        job.end = Some(now);
        job.cancelling = Cancelling::No;
        let (product, submission) = (job.product.clone(), job.submission.clone());
        let product = self.products.iter_mut().find(|own| own.id.eq_ignore_ascii_case(&product));
        let (Some(product), Some((id, target))) = (product, submission) else { return };
        let worked_on = |one: &ConfiguredSubmission| one.id == id && one.target == target && one.is_unfinished();
        if forget {
            product.submissions.retain(|one| !worked_on(one));
        }
        for one in product.submissions.iter_mut().filter(|one| worked_on(one)) {
            COMPLETED.clone_into(&mut one.status);
            result.clone_into(&mut one.result);
        }
    }

    /// Counts a read against the cancellations that it brings nearer their end.
    fn count_reads(&mut self, now: Timestamp, mut done: impl FnMut(&ConfigureJob, &mut ReadsLeft) -> bool) {
        let mut ended = Vec::new();
        for (index, job) in self.jobs.iter_mut().enumerate() {
            let Cancelling::After(mut reads) = job.cancelling else { continue };
            if done(job, &mut reads) {
                ended.push(index);
            }
            job.cancelling = Cancelling::After(reads);
        }
        for index in ended {
            self.complete(index, "cancelled", now);
        }
    }

    /// One read of the submissions of a product.
    pub fn poll_list(&mut self, product: &str, now: Timestamp) {
        self.count_reads(now, |job, reads| job.product.eq_ignore_ascii_case(product) && reads.list_read());
    }

    /// One read of a job.
    pub fn poll(&mut self, id: &str, now: Timestamp) {
        self.count_reads(now, |job, reads| job.id.eq_ignore_ascii_case(id) && reads.single_read());
    }

    /// Starts a job.
    pub fn configure(&mut self, request: ConfigureRequest, now: Timestamp) -> Option<StartAnswer> {
        let (number, new_id) = (self.jobs.len() + 1, self.last_id + 1);
        let product = self.products.iter_mut().find(|own| own.id.eq_ignore_ascii_case(&request.product))?;
        let refused = |text: &str| Some(StartAnswer::Refused(400, "badRequest".to_owned(), text.to_owned()));
        let mut submission = None;
        if let Some((target, asked)) = request.submission {
            if product.submissions.iter().any(ConfiguredSubmission::is_unfinished) {
                return refused("An In Progress submission already exists.");
            }
            let id = if target == "live" {
                let preview = |one: &&ConfiguredSubmission| {
                    one.target == "preview" && asked.as_ref().is_none_or(|asked| *asked == one.id)
                };
                let Some(preview) = product.submissions.iter().find(preview) else {
                    return refused("There is no preview to go live with.");
                };
                preview.id.clone()
            } else {
                new_id.to_string()
            };
            product.submissions.retain(|one| one.target != target);
            product.submissions.push(ConfiguredSubmission {
                id: id.clone(),
                target: target.clone(),
                status: "running".to_owned(),
                result: "pending".to_owned(),
                lifecycle: None,
                created: now,
            });
            submission = Some((id, target));
        }
        let id = format!("00000000-0000-4000-9000-{number:012x}");
        self.jobs.push(ConfigureJob {
            id: id.clone(),
            status: "running".to_owned(),
            result: "pending".to_owned(),
            start: now,
            end: None,
            product: request.product,
            submission,
            moves: true,
            cancelling: Cancelling::No,
        });
        self.last_id = new_id;
        self.advance(now);
        Some(StartAnswer::Accepted(id))
    }

    /// Cancels a job.
    pub fn cancel(&mut self, id: &str, now: Timestamp) -> Option<StartAnswer> {
        let index = self.jobs.iter().position(|job| job.id.eq_ignore_ascii_case(id))?;
        let spec = self.product(&self.jobs.get(index)?.product)?.spec.cancel.clone();
        let job = self.jobs.get_mut(index)?;
        if job.status == COMPLETED {
            let text = "Cannot cancel job, job has already completed.";
            return Some(StartAnswer::Refused(400, "badRequest".to_owned(), text.to_owned()));
        }
        match spec.answer {
            CancelBehaviour::Refused => return Some(StartAnswer::Refused(spec.status, spec.code, spec.message)),
            CancelBehaviour::Ignored => {}
            CancelBehaviour::Accepted => job.cancelling = Cancelling::After(ReadsLeft::new(spec.polls)),
            CancelBehaviour::Stuck => job.cancelling = Cancelling::Never,
            CancelBehaviour::AtOnce => self.complete(index, "cancelled", now),
        }
        Some(StartAnswer::Done)
    }
}

impl ConfiguredProduct {
    fn new(spec: OfferSpec, now: Timestamp) -> Self {
        let submissions = spec.submissions.iter().map(|one| ConfiguredSubmission::from_spec(one, now)).collect();
        Self { id: spec.product.clone().unwrap_or_default(), submissions, spec }
    }
}

impl ConfiguredSubmission {
    fn from_spec(spec: &SubmissionSpec, now: Timestamp) -> Self {
        let target = spec.targets.as_ref().and_then(|targets| targets.first().cloned());
        Self {
            id: spec.id.to_string(),
            target: target.unwrap_or_else(|| "preview".to_owned()),
            status: spec.status.clone().unwrap_or_else(|| "running".to_owned()),
            result: spec.result.clone().unwrap_or_else(|| "pending".to_owned()),
            lifecycle: spec.lifecycle_state.clone(),
            created: now.checked_sub(spec.started_ago).unwrap_or(now),
        }
    }

    pub fn is_unfinished(&self) -> bool {
        self.status != COMPLETED
    }
}

impl ConfigureJob {
    fn from_spec(spec: &JobSpec, product: &ConfiguredProduct, now: Timestamp) -> Self {
        let named = spec.submission.as_ref();
        let wanted =
            |one: &&ConfiguredSubmission| named.map_or_else(|| one.is_unfinished(), |named| named.as_str() == one.id);
        let submission = product.submissions.iter().find(wanted);
        Self {
            id: spec.id.to_string(),
            status: spec.status.clone(),
            result: spec.result.clone(),
            start: now.checked_sub(spec.started_ago).unwrap_or(now),
            end: (spec.status == COMPLETED).then_some(now),
            product: product.id.clone(),
            submission: submission.map(|one| (one.id.clone(), one.target.clone())),
            moves: false,
            cancelling: Cancelling::No,
        }
    }
}
