//! The Product Ingestion API as a backend.
//!
//! Owns its paths and which calls answer which question: the product of an offer, all of its submissions, and the job
//! that is given for one. The cancel call names that job, so that `guard` judges whether it may be the right one.

mod guard;
mod interpret;
mod wire;
mod words;

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use http::header::HeaderMap;
use http::{Method, StatusCode};

use super::answers::{accepted_call, failed_call, undocumented_answer};
use super::client::{Call, Failure, Pages, Requests, Slot, Wanted, retry_after};
use super::each_once::each_once;
use super::products::{ListedProduct, ProductDirectory, ProductMatch, is_submission_id, not_found, offer_list};
use super::{
    CancelAnswer, CancelCall, CancellationProgress, Followed, Guard, ListOffers, ListWatch, Location, ReadPortal,
    UNWATCHED,
};
use crate::domain::{
    CallGuard, Capabilities, FailureScope, JobId, Live, Observed, OfferId, OfferList, OfferQuery, Operation,
    OperationId, Phase, PinSighting, PortalOrigin, PortalSettings, ProductId, PublisherId, ReadFailure,
    RestingOperation, RunningOperation, SchemaVersion, StatusWord, is_guid, product_page,
};
use interpret::{JobReading, TargetedSubmission};
use words::TargetType;

/// Everything of this API lies below this path.
pub(super) const PREFIX: &str = "/rp/product-ingestion/";

/// What this API can do (source: Microsoft's pages on it). That a cancelled submission disappears is likely and not
/// documented: how it ended is read from its job.
pub(super) const CAPABILITIES: Capabilities = Capabilities {
    takes_notification_emails: false,
    call_guard: CallGuard::Read,
    cancels_unpinned: false,
    forgets_cancelled: false,
    shows_cancelling: false,
    lists_activity: false,
    lists_by_publisher: false,
};

/// What a refusal means here (source: Microsoft's page on the onboarding to this API. It names no permission of Graph).
pub(super) fn status_meaning(status: StatusCode) -> Option<&'static str> {
    match status {
        StatusCode::UNAUTHORIZED => Some(
            "the token is missing, expired, or not for https://graph.microsoft.com, or the application is not added in \
             Partner Center",
        ),
        StatusCode::FORBIDDEN => Some(
            "the account may not do this: in Partner Center, under Account settings > User management > Microsoft Entra \
             applications, the application needs the role Manager (it is added by the object id of its service \
             principal). Microsoft documents no permission of Graph that it needs besides",
        ),
        StatusCode::NOT_FOUND => Some("Product Ingestion does not have it, or not for this account"),
        _ => None,
    }
}

/// How often a job is looked at, where the portal asks for nothing else (source: Microsoft's page on the status of jobs).
const JOB_PAUSE: Duration = Duration::from_mins(1);

/// Reads the Product Ingestion API.
pub struct ProductIngestion<'a, R> {
    requests: R,
    origin: &'a PortalOrigin,
    products: &'a ProductDirectory,
    version: SchemaVersion,
}

/// Whether a cancellation is followed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Following {
    Yes,
    No,
}

/// What a job was about, by its detail.
#[derive(Clone, Copy, PartialEq, Eq)]
enum JobSubject {
    /// The submission that is asked about.
    Submission,
    /// It does not say.
    Unsaid,
    /// Another submission, or another product.
    SomethingElse,
}

/// A job that was read.
struct ReadJob {
    reading: JobReading,
    retry_after: Option<Duration>,
}

impl<'a, R: Requests> ProductIngestion<'a, R> {
    /// A reader by which these requests are made.
    pub(super) fn new(
        requests: R,
        origin: &'a PortalOrigin,
        products: &'a ProductDirectory,
        settings: &PortalSettings,
    ) -> Self {
        Self { requests, origin, products, version: settings.schema_version.clone().unwrap_or_default() }
    }

    /// A list. `$version` is mandatory by Microsoft's pages; a link to the next page has what it needs.
    fn pages(&self, path: &str, more: &str) -> Pages<'_, R> {
        Pages::new(&self.requests, self.origin, PREFIX, self.versioned(path, more))
    }

    fn versioned(&self, path: &str, more: &str) -> String {
        versioned(path, &self.version, more)
    }

    /// Reads the products that several offers are in one list, where that is fewer calls than a look-up for each.
    pub(super) async fn prepare(&self, offers: &[OfferQuery]) -> Result<(), Failure> {
        let wanted: HashSet<&OfferId> = offers.iter().map(|one| &one.key.offer).collect();
        if wanted.len() < 2 {
            return Ok(());
        }
        self.list_products(Some(&wanted), UNWATCHED).await.map(drop)
    }

    /// Reads all products. `wanted`: as [`ProductDirectory::read_lists`] has it.
    async fn list_products(
        &self,
        wanted: Option<&HashSet<&OfferId>>,
        watch: ListWatch<'_>,
    ) -> Result<Option<Vec<ListedProduct>>, Failure> {
        self.products.read_lists(vec![self.pages("product", "")], wanted, interpret::product, watch).await
    }

    /// The product that an offer is. It is always looked for by the offer's id, so that it is one of that id.
    async fn product(&self, query: &OfferQuery) -> Result<ProductMatch, Failure> {
        let (offer, pin) = (&query.key.offer, query.product.as_ref());
        if let Some(known) = self.products.find_listed(offer, pin) {
            return known;
        }
        let pages = self.pages("product", &format!("&externalId={}", offer.lower()));
        let found = pages.all("products", interpret::product).await?;
        self.products.keep_found(offer, found.into_iter().flatten());
        self.products.find_listed(offer, pin).unwrap_or_else(not_found)
    }

    /// The submissions of a product, without its draft, each once. One that was pushed live stands for both of its
    /// targets: what is unfinished for either is unfinished.
    async fn submissions(&self, product: &ProductId) -> Result<Vec<TargetedSubmission>, Failure> {
        let path = format!("submission/{}", product.lower());
        let all = self.pages(&path, "").all("submissions", |item| interpret::submission(item, product)).await?;
        let own = all.into_iter().filter(|one| one.phase != Phase::Draft).map(TargetedSubmission::before_go_live);
        let rank = |one: &TargetedSubmission| match (one.phase, one.target) {
            (phase, _) if phase.is_unfinished() => 2,
            (_, TargetType::Live) => 1,
            _ => 0,
        };
        Ok(each_once(own, |one| one.id.clone(), |new, first| rank(first) < rank(new)))
    }

    /// A job; none: the portal does not know it.
    async fn job(&self, id: &JobId) -> Result<Option<ReadJob>, Failure> {
        match self.requests.get(&self.versioned(&job_path(id, "/status"), ""), Wanted::Body).await {
            Ok(answer) => {
                let reading = interpret::job_status(&answer.body, id).map_err(Failure::Unreadable)?;
                Ok(Some(ReadJob { reading, retry_after: retry_after(&answer.headers, SystemTime::now()) }))
            }
            Err(failure) if failure.status() == Some(StatusCode::NOT_FOUND) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// What a job names that is over.
    async fn detail(&self, id: &JobId) -> Result<interpret::JobDetail, Failure> {
        let answer = self.requests.get(&self.versioned(&job_path(id, ""), ""), Wanted::Body).await?;
        interpret::job_detail(&answer.body).map_err(Failure::Unreadable)
    }

    /// What runs, what became of what is pinned, and the job where it was read for that.
    async fn observe(&self, query: &OfferQuery, following: Following) -> Result<(Observed, Option<ReadJob>), Failure> {
        let product = match self.product(query).await? {
            ProductMatch::One(product) => product,
            ProductMatch::Several(ids) => return Ok((Observed::of(Live::SeveralProducts(ids)), None)),
        };
        let all = self.submissions(&product.id).await?;
        let unfinished: Vec<&TargetedSubmission> = all.iter().filter(|one| one.phase.is_unfinished()).collect();
        let (mut live, mut resting, mut job) = (Live::Nothing, None, None);
        match unfinished.as_slice() {
            [] => resting = at_rest(&all),
            [one] => {
                if let Some(id) = &query.job {
                    job = self.job(id).await?;
                }
                live = Live::Running(Box::new(self.describe(&product, one, query.job.as_ref(), job.as_ref())));
            }
            several => live = Live::Several(several.iter().map(|one| one.id.clone()).collect()),
        }
        let pin = match &query.operation {
            None => PinSighting::NotLooked,
            Some(pin) if unfinished.iter().any(|one| one.id == *pin) => PinSighting::NotLooked,
            Some(pin) => {
                let listed = all.iter().find(|one| one.id == *pin);
                self.sight(&product.id, pin, listed, query.job.as_ref(), (following, &mut job)).await
            }
        };
        Ok((Observed { live, resting, pin, product: Some(product.id) }, job))
    }

    /// A submission that is not over.
    fn describe(
        &self,
        product: &ListedProduct,
        one: &TargetedSubmission,
        job_id: Option<&JobId>,
        job: Option<&ReadJob>,
    ) -> RunningOperation {
        let judged = guard::guarded(one, job_id.map(|id| (id, job.map(|job| &job.reading))));
        let job_says = job.and_then(|job| job.reading.word.as_ref()).map(|word| format!("job: {word}"));
        let says: Vec<String> = [product.telling_name().map(str::to_owned), job_says].into_iter().flatten().collect();
        let operation = Operation {
            id: one.id.clone(),
            job_id: job_id.cloned(),
            location: format!("{}{PREFIX}{}", self.origin, submission_path(&product.id, &one.id)),
            link: Some(product_page(&product.id)),
            kind: one.target_word.clone(),
            state: one.word.clone(),
            changed_at: one.created,
            step: None,
            step_status: None,
            step_number: None,
            step_count: None,
            step_estimate: None,
            progress: None,
            cancellation: None,
        };
        RunningOperation {
            operation,
            phase: judged.phase,
            cancellability: judged.cancellability,
            message: (!says.is_empty()).then(|| says.join(", ")),
            caveat: judged.caveat,
            guard: None,
        }
    }

    /// What became of a submission that is listed and does not run. One that was cancelled may be shown as failed: its
    /// schema has no other word. Whether its job was cancelled is known of the job.
    async fn end_of(
        &self,
        product: &ProductId,
        one: &TargetedSubmission,
        job_id: Option<&JobId>,
        (following, job): (Following, &mut Option<ReadJob>),
    ) -> PinSighting {
        let own = || PinSighting::Known { phase: one.phase, word: one.word.clone() };
        let is_asked = match one.phase {
            Phase::Failed => true,
            // It was just cancelled: that is the end when its job has ended, too.
            Phase::Cancelled => following == Following::Yes,
            _ => false,
        };
        let Some(id) = job_id.filter(|_| is_asked) else { return own() };
        let read = match self.read_job(id, job).await {
            Ok(Some(read)) => read,
            Ok(None) => return own(),
            Err(failure) => return unreadable(&failure),
        };
        if !guard::may_belong(&read.reading, one) {
            return own();
        }
        match read.reading.phase {
            Phase::Cancelled => {
                let word = read.reading.word.clone();
                match self.about(id, product, &one.id).await {
                    Ok(JobSubject::SomethingElse) => own(),
                    Ok(JobSubject::Submission | JobSubject::Unsaid) => {
                        PinSighting::Known { phase: Phase::Cancelled, word }
                    }
                    Err(failure) => unreadable(&failure),
                }
            }
            phase if !phase.is_over() && following == Following::Yes => {
                PinSighting::Known { phase: Phase::Cancelling, word: read.reading.word.clone() }
            }
            _ => own(),
        }
    }

    /// A job, read at most once.
    async fn read_job<'j>(&self, id: &JobId, job: &'j mut Option<ReadJob>) -> Result<Option<&'j ReadJob>, Failure> {
        if job.is_none() {
            *job = self.job(id).await?;
        }
        Ok(job.as_ref())
    }

    /// What became of a submission that is not running: what the list or its own document says, and else what its job says.
    async fn sight(
        &self,
        product: &ProductId,
        pin: &OperationId,
        listed: Option<&TargetedSubmission>,
        job_id: Option<&JobId>,
        (following, job): (Following, &mut Option<ReadJob>),
    ) -> PinSighting {
        let own = match listed {
            Some(one) => Some(one.clone()),
            None => match self.document(product, pin).await {
                Ok(own) => own,
                Err(failure) => return unreadable(&failure),
            },
        };
        let known = |one: &TargetedSubmission, phase| PinSighting::Known { phase, word: one.word.clone() };
        // A finished preview stays what it is, whatever became of going live with it: that is its job's to say.
        let preview = match &own {
            Some(one) if one.phase != Phase::AwaitsGoLive => {
                return self.end_of(product, one, job_id, (following, job)).await;
            }
            own => own.as_ref(),
        };
        let without_job = preview.map_or(PinSighting::Unknown, |one| known(one, one.phase));
        let Some(id) = job_id else { return without_job };
        let undecided = preview.map_or(PinSighting::Unknown, |one| known(one, Phase::Unknown));
        let (phase, word) = match self.read_job(id, job).await {
            Ok(Some(read)) => (read.reading.phase, read.reading.word.clone()),
            Ok(None) => return without_job,
            Err(failure) => return unreadable(&failure),
        };
        // A job that goes on says nothing about a submission that is gone: it may be another one's.
        if !phase.is_over() {
            return undecided;
        }
        // One that is over can tell what it was about, and one of something else says nothing either.
        let about = match self.about(id, product, pin).await {
            Ok(JobSubject::SomethingElse) => return undecided,
            Ok(about) => about,
            Err(failure) => return unreadable(&failure),
        };
        match preview {
            Some(one) if phase == Phase::Completed => known(one, one.phase),
            // The preview itself ended well: that going live did not has to be the word of a job that names it.
            Some(_) if about == JobSubject::Unsaid => undecided,
            _ => PinSighting::Known { phase, word },
        }
    }

    /// What a job that is over was about.
    async fn about(&self, id: &JobId, product: &ProductId, submission: &OperationId) -> Result<JobSubject, Failure> {
        match self.detail(id).await {
            Ok(detail) if detail.is_of_others(product, submission) => Ok(JobSubject::SomethingElse),
            Ok(detail) if detail.names(submission) => Ok(JobSubject::Submission),
            Ok(_) => Ok(JobSubject::Unsaid),
            Err(failure) if matches!(failure.status(), Some(StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND)) => {
                Ok(JobSubject::Unsaid)
            }
            Err(failure) => Err(failure),
        }
    }

    /// The document of a submission; none: the portal does not know it.
    async fn document(&self, product: &ProductId, id: &OperationId) -> Result<Option<TargetedSubmission>, Failure> {
        let path = self.versioned(&submission_path(product, id), "");
        let one = match self.requests.get(&path, Wanted::Body).await {
            Ok(answer) => interpret::one_submission(&answer.body, product).map_err(Failure::Unreadable)?,
            Err(failure) if failure.status() == Some(StatusCode::NOT_FOUND) => return Ok(None),
            Err(failure) => return Err(failure),
        };
        if one.id != *id {
            let why = format!("it is about the submission {}, and {id} was asked for", one.id);
            return Err(Failure::Unreadable(why));
        }
        Ok(Some(one.before_go_live()))
    }
}

fn unreadable(failure: &Failure) -> PinSighting {
    PinSighting::Unreadable(ReadFailure { message: failure.to_string(), scope: FailureScope::Offer })
}

/// What waits for somebody, where nothing runs.
fn at_rest(all: &[TargetedSubmission]) -> Option<RestingOperation> {
    let rank = |one: &&TargetedSubmission| match one.phase {
        Phase::Failed => 1,
        Phase::AwaitsGoLive => 2,
        _ => 0,
    };
    let one = all.iter().filter(|one| rank(one) > 0).max_by_key(rank)?;
    let word = one.word.clone().unwrap_or_else(|| StatusWord::new(""));
    Some(RestingOperation { id: one.id.clone(), phase: one.phase, word, message: None })
}

impl<R: Requests> ReadPortal for ProductIngestion<'_, R> {
    async fn live(&self, query: &OfferQuery) -> Result<Observed, Failure> {
        Ok(self.observe(query, Following::No).await?.0)
    }

    async fn guard(&self, _: &OfferQuery) -> Result<Guard, Failure> {
        // What guards a call is the read right before it, of which the job is a part.
        Ok(Guard::Unguarded)
    }

    async fn follow(&self, query: &OfferQuery, _: Option<&Location>) -> Result<Followed, Failure> {
        let (observed, job) = self.observe(query, Following::Yes).await?;
        let progress = job.as_ref().map(|job| CancellationProgress {
            // It is finished when the submission has ended too.
            phase: Phase::Cancelling,
            status: job.reading.word.clone(),
            step: None,
            percent: None,
        });
        let asked = job.and_then(|job| job.retry_after);
        Ok(Followed { observed, progress, retry_after: Some(asked.unwrap_or(JOB_PAUSE)) })
    }

    fn resume(&self, told: &str) -> Location {
        Location::only_shown(told)
    }

    async fn left_changed(&self, query: &OfferQuery) -> Result<Vec<String>, Failure> {
        let Some(id) = &query.job else { return Ok(Vec::new()) };
        let detail = self.detail(id).await?;
        let elsewhere = query.product.as_ref().filter(|product| detail.is_of_another_product(product));
        let others = elsewhere.map(|_| {
            let ids: Vec<&str> = detail.products.iter().map(ProductId::as_str).collect();
            format!("of another product ({}), look at it in the portal", ids.join(", "))
        });
        Ok(detail.resources.into_iter().chain(others).collect())
    }
}

impl<R: Requests> ListOffers for ProductIngestion<'_, R> {
    async fn list(&self, _: &PublisherId, watch: ListWatch<'_>) -> Result<OfferList, Failure> {
        Ok(offer_list(self.list_products(None, watch).await?.unwrap_or_default()))
    }
}

/// Sends the cancel call in a slot.
pub(super) async fn cancel(slot: &Slot<'_>, settings: &PortalSettings, call: &CancelCall) -> CancelAnswer {
    let Some(job) = &call.job else {
        let why = format!("no job is known for the offer `{}`; make a new plan", call.offer.offer);
        return failed_call(Failure::NoSuchOffer(why));
    };
    let version = settings.schema_version.clone().unwrap_or_default();
    let request = Call {
        method: Method::POST,
        path_and_query: versioned(&job_path(job, "/cancel"), &version, ""),
        headers: HeaderMap::new(),
        body: bytes::Bytes::new(),
        wanted: Wanted::Body,
    };
    match slot.send(request).await {
        // 200 by Microsoft's page, 202 as other calls of it. What it did, the reads after it tell.
        Ok(answer) if matches!(answer.status.as_u16(), 200 | 202 | 204) => {
            // The answer is the status of the job: one that is over needs no more patience.
            let is_over = interpret::job_status(&answer.body, job).is_ok_and(|reading| reading.phase.is_over());
            accepted_call(&answer, None, (!is_over).then_some(JOB_PAUSE))
        }
        Ok(answer) => undocumented_answer(answer.status),
        Err(failure) => failed_call(failure),
    }
}

// Ids and versions are free of anything that means something in a URL, so paths are put together as text.

/// The address of a submission, where one is nothing else.
pub(super) fn documented_address(origin: &PortalOrigin, address: &str) -> Option<String> {
    let (product, id) = address.strip_prefix(&format!("{origin}{PREFIX}submission/"))?.split_once('/')?;
    (is_guid(product) && id.len() <= 20 && is_submission_id(id)).then(|| address.to_owned())
}

fn versioned(path: &str, version: &SchemaVersion, more: &str) -> String {
    format!("{PREFIX}{path}?$version={version}{more}")
}

fn submission_path(product: &ProductId, id: &OperationId) -> String {
    format!("submission/{}/{id}", product.lower())
}

fn job_path(id: &JobId, rest: &str) -> String {
    format!("configure/{}{rest}", id.lower())
}
