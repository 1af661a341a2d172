//! The submission API of Partner Center as a backend.
//!
//! Owns its paths and which calls answer which question: the product of an offer, then all of its submissions, from which
//! everything follows. The cancel call names the submission, so that it can hit no other one.

mod interpret;
mod wire;
mod words;

use std::collections::HashSet;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::answers::{accepted_call, failed_call, undocumented_answer};
use super::client::{Call, Failure, Pages, Requests, Slot, Wanted};
use super::each_once::each_once;
use super::products::{ListedProduct, ProductDirectory, ProductMatch, is_submission_id, not_found, offer_list};
use super::{CancelAnswer, CancelCall, Followed, Guard, ListOffers, ListWatch, Location, ReadPortal, UNWATCHED};
use crate::domain::{
    CallGuard, Capabilities, FailureScope, Live, Observed, OfferId, OfferList, OfferQuery, Operation, OperationId,
    Phase, PinSighting, PortalOrigin, PortalSettings, ProductId, ProductType, PublisherId, ReadFailure,
    RestingOperation, RunningOperation, product_page,
};
use interpret::JudgedSubmission;

/// Everything of this API lies below this path.
pub(super) const PREFIX: &str = "/v1.0/ingestion/";

/// What this API can do (source: Microsoft's description of it). That it forgets what was cancelled is not documented;
/// what is documented is that a list holds what is in progress and what is published, and nothing else.
pub(super) const CAPABILITIES: Capabilities = Capabilities {
    takes_notification_emails: false,
    call_guard: CallGuard::Operation,
    cancels_unpinned: true,
    forgets_cancelled: true,
    shows_cancelling: false,
    lists_activity: false,
    lists_by_publisher: false,
};

/// What a refusal means here (source: Microsoft's page on the onboarding to this API).
pub(super) fn status_meaning(status: StatusCode) -> Option<&'static str> {
    match status {
        StatusCode::UNAUTHORIZED => Some(
            "the token is missing, expired, or not for https://api.partner.microsoft.com, or the application is not added \
             in Partner Center",
        ),
        StatusCode::FORBIDDEN => Some(
            "the account may not do this: in Partner Center, under Account settings > User management > Microsoft Entra \
             applications, the application needs the role Manager (it is added by the object id of its service principal)",
        ),
        StatusCode::NOT_FOUND => Some("Partner Center does not have it, or not for this account"),
        _ => None,
    }
}

/// The headers that every request has.
pub(super) fn headers(settings: &PortalSettings) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(seller) = settings.seller {
        headers.insert(HeaderName::from_static("x-ms-publisherid"), HeaderValue::from(seller.0));
    }
    headers
}

/// Reads Partner Center.
pub struct PartnerCenter<'a, R> {
    requests: R,
    origin: &'a PortalOrigin,
    products: &'a ProductDirectory,
    types: &'a [ProductType],
    /// Whether people look at what is read: the step that a submission is in is told by a call of its own.
    for_people: bool,
}

impl<'a, R: Requests> PartnerCenter<'a, R> {
    /// A reader by which these requests are made.
    pub(super) const fn new(
        requests: R,
        origin: &'a PortalOrigin,
        products: &'a ProductDirectory,
        types: &'a [ProductType],
        for_people: bool,
    ) -> Self {
        Self { requests, origin, products, types, for_people }
    }

    /// Reads the products that several offers are in one list, where that is fewer calls than a look-up for each.
    pub(super) async fn prepare(&self, offers: &[OfferQuery]) -> Result<(), Failure> {
        let wanted: HashSet<&OfferId> =
            offers.iter().filter(|one| one.product.is_none()).map(|one| &one.key.offer).collect();
        // Where types are demanded there is no look-up, and the whole list is needed for one offer, too.
        if wanted.len() < 2 && self.types.is_empty() {
            return Ok(());
        }
        let only = self.types.is_empty().then_some(&wanted);
        self.list_products(only, UNWATCHED).await.map(drop)
    }

    /// Reads all products. `wanted`: as [`ProductDirectory::read_lists`] has it.
    async fn list_products(
        &self,
        wanted: Option<&HashSet<&OfferId>>,
        watch: ListWatch<'_>,
    ) -> Result<Option<Vec<ListedProduct>>, Failure> {
        let firsts = match self.types {
            [] => vec![PRODUCTS.to_owned()],
            types => types.iter().map(|one| products_by(&format!("resourceType eq '{}'", one.as_str()))).collect(),
        };
        let lists = firsts.into_iter().map(|first| self.pages(first)).collect();
        self.products.read_lists(lists, wanted, interpret::product, watch).await
    }

    fn pages(&self, first: String) -> Pages<'_, R> {
        Pages::new(&self.requests, self.origin, PREFIX, first)
    }

    /// The product that an offer is.
    async fn product(&self, query: &OfferQuery) -> Result<ProductMatch, Failure> {
        let (offer, pin) = (&query.key.offer, query.product.as_ref());
        if let Some(known) = self.products.find(offer, pin) {
            return known;
        }
        if let Some(pin) = pin {
            let product = self.product_by_id(pin).await?;
            // A document that names no offer does not say that it is none: the lists name it.
            if product.names_offer() {
                self.products.keep_one(product);
                return self.products.find(offer, Some(pin)).unwrap_or_else(not_found);
            }
        }
        if self.types.is_empty() {
            // Letter case means nothing in our ids. In Microsoft's it may, and all of them are in lower case.
            let filter = format!("externalIDs/Any(i:i/type eq 'AzureOfferId' and i/value eq '{}')", offer.lower());
            let found = self.pages(products_by(&filter)).all("products", interpret::product).await?;
            self.products.keep_found(offer, found.into_iter().flatten());
        } else {
            self.list_products(None, UNWATCHED).await?;
        }
        self.products.find_listed(offer, pin).unwrap_or_else(not_found)
    }

    async fn product_by_id(&self, id: &ProductId) -> Result<ListedProduct, Failure> {
        let answer = self.requests.get(&format!("{PRODUCTS}/{}", id.lower()), Wanted::Body).await;
        let answer = answer.map_err(|failure| match failure.status() {
            Some(StatusCode::NOT_FOUND) => {
                Failure::NoSuchOffer(format!("there is no product {id}: correct its `productId`, or remove it"))
            }
            _ => failure,
        })?;
        let product = interpret::one_product(&answer.body).map_err(Failure::Unreadable)?;
        if product.id != *id {
            let why = format!("it is about the product {}, and {id} was asked for", product.id);
            return Err(Failure::Unreadable(why));
        }
        Ok(product)
    }

    async fn submissions(&self, product: &ProductId) -> Result<Vec<JudgedSubmission>, Failure> {
        let all = self.pages(submissions_path(product)).all("submissions", interpret::submission).await?;
        // Where one is listed twice, what is unfinished counts.
        Ok(each_once(all, |one| one.id.clone(), |_, first| !first.meaning.phase.is_unfinished()))
    }

    /// What runs, and what became of what is pinned. A pinned submission that is in no list was cancelled, or another one
    /// was published over it after it had ended: its own document tells.
    async fn observe(&self, query: &OfferQuery) -> Result<Observed, Failure> {
        let product = match self.product(query).await? {
            ProductMatch::One(product) => product,
            ProductMatch::Several(ids) => return Ok(Observed::of(Live::SeveralProducts(ids))),
        };
        let all = self.submissions(&product.id).await?;
        // The order of the list says nothing: one client takes its first for the latest, another its last.
        let is_in_progress = |one: &&JudgedSubmission| one.is_in_progress && one.meaning.phase != Phase::Cancelled;
        let is_unfinished = |one: &&JudgedSubmission| one.meaning.phase.is_unfinished();
        let unfinished: Vec<&JudgedSubmission> = all.iter().filter(is_unfinished).collect();
        let (mut live, mut resting) = (Live::Nothing, None);
        if all.iter().filter(is_in_progress).count() > 1 || unfinished.len() > 1 {
            let several = all.iter().filter(|one| is_in_progress(one) || is_unfinished(one));
            live = Live::Several(several.map(|one| one.id.clone()).collect());
        } else if let [one] = unfinished.as_slice() {
            live = Live::Running(Box::new(self.describe(&product, one).await?));
        } else {
            let rank = |one: &&JudgedSubmission| match one.meaning.phase {
                Phase::Failed => 1,
                Phase::Draft => 2,
                Phase::AwaitsGoLive => 3,
                _ => 0,
            };
            resting = all.iter().filter(|one| rank(one) > 0).max_by_key(rank).map(|one| RestingOperation {
                id: one.id.clone(),
                phase: one.meaning.phase,
                word: one.word.clone(),
                message: one.failure.clone(),
            });
        }
        let pin = match (&query.operation, &live) {
            (None, _) => PinSighting::NotLooked,
            (Some(pin), Live::Running(running)) if running.operation.id == *pin => PinSighting::NotLooked,
            (Some(pin), Live::Several(ids)) if ids.contains(pin) => PinSighting::NotLooked,
            (Some(pin), _) => match all.iter().find(|one| one.id == *pin) {
                Some(one) => PinSighting::Known { phase: one.meaning.phase, word: Some(one.word.clone()) },
                None => self.sight(&product.id, pin).await,
            },
        };
        Ok(Observed { live, resting, pin, product: Some(product.id) })
    }

    /// A submission that has not ended.
    async fn describe(&self, product: &ListedProduct, one: &JudgedSubmission) -> Result<RunningOperation, Failure> {
        let path = submission_path(&product.id, &one.id);
        let is_told = self.for_people && one.meaning.phase == Phase::Running;
        let step = if is_told { self.step(&path).await } else { None }.unwrap_or_default();
        let (phase, cancellability) = (one.meaning.phase, one.meaning.cancellability);
        let release = one.release.as_ref().map(|release| format!("release {release}"));
        let says: Vec<String> = [
            one.meaning.words.filter(|_| phase != Phase::Unknown).map(str::to_owned),
            release,
            product.telling_name().map(str::to_owned),
            one.failure.clone(),
        ]
        .into_iter()
        .flatten()
        .collect();
        let caveat = match (phase, one.meaning.words) {
            (Phase::Unknown, Some(words)) => Some(words.to_owned()),
            (Phase::Running, _) if !words::is_proven_for(product.kind.as_deref()) => Some(format!(
                "cancelling by this API is not confirmed for this kind of offer ({})",
                product.kind.as_deref().unwrap_or("of no known type")
            )),
            _ => None,
        };
        let operation = Operation {
            id: one.id.clone(),
            job_id: None,
            location: format!("{}{path}", self.origin),
            link: Some(product_page(&product.id)),
            kind: Some("submission".to_owned()),
            state: Some(one.word.clone()),
            changed_at: step.since,
            step: step.name,
            step_status: step.state,
            step_number: step.number,
            step_count: step.count,
            step_estimate: None,
            progress: None,
            cancellation: None,
        };
        Ok(RunningOperation {
            operation,
            phase,
            cancellability,
            message: (!says.is_empty()).then(|| says.join(", ")),
            caveat,
            guard: None,
        })
    }

    /// The step that a submission is in. A plan lives without it.
    async fn step(&self, path: &str) -> Option<interpret::CurrentStep> {
        let read = match self.requests.get(&format!("{path}/workflowdetails"), Wanted::Body).await {
            Ok(answer) => interpret::current_step(&answer.body).map_err(Failure::Unreadable),
            Err(failure) => Err(failure),
        };
        read.inspect_err(|failure| tracing::info!(%failure, "the workflow of a submission can't be read")).ok()
    }

    /// What became of a submission that is in no list.
    async fn sight(&self, product: &ProductId, pin: &OperationId) -> PinSighting {
        let read = match self.requests.get(&submission_path(product, pin), Wanted::Body).await {
            Ok(answer) => interpret::one_submission(&answer.body).map_err(Failure::Unreadable),
            Err(failure) => Err(failure),
        };
        match read {
            Ok(one) if one.id == *pin => PinSighting::Known { phase: one.meaning.phase, word: Some(one.word) },
            Ok(one) => PinSighting::Unreadable(ReadFailure {
                message: format!("the portal answered about the submission {}, and {pin} was asked for", one.id),
                scope: FailureScope::Offer,
            }),
            Err(failure) if failure.status() == Some(StatusCode::NOT_FOUND) => PinSighting::Unknown,
            Err(failure) => {
                PinSighting::Unreadable(ReadFailure { message: failure.to_string(), scope: FailureScope::Offer })
            }
        }
    }
}

impl<R: Requests> ReadPortal for PartnerCenter<'_, R> {
    async fn live(&self, query: &OfferQuery) -> Result<Observed, Failure> {
        self.observe(query).await
    }

    async fn guard(&self, _: &OfferQuery) -> Result<Guard, Failure> {
        // The call names its submission.
        Ok(Guard::NotNeeded)
    }

    async fn follow(&self, query: &OfferQuery, _: Option<&Location>) -> Result<Followed, Failure> {
        Ok(Followed { observed: self.observe(query).await?, progress: None, retry_after: None })
    }

    fn resume(&self, told: &str) -> Location {
        Location::only_shown(told)
    }
}

impl<R: Requests> ListOffers for PartnerCenter<'_, R> {
    async fn list(&self, _: &PublisherId, watch: ListWatch<'_>) -> Result<OfferList, Failure> {
        Ok(offer_list(self.list_products(None, watch).await?.unwrap_or_default()))
    }
}

/// Sends the cancel call in a slot.
pub(super) async fn cancel(slot: &Slot<'_>, call: &CancelCall) -> CancelAnswer {
    let Some(product) = &call.product else {
        let why = format!("it is not known which product the offer `{}` is; make a new plan", call.offer.offer);
        return failed_call(Failure::NoSuchOffer(why));
    };
    let request = Call {
        method: Method::DELETE,
        path_and_query: submission_path(product, &call.operation),
        headers: HeaderMap::new(),
        body: bytes::Bytes::new(),
        wanted: Wanted::Head,
    };
    match slot.send(request).await {
        // 204 by the description; 200 and 202 pass with every client. What it did, the list tells.
        Ok(answer) if matches!(answer.status.as_u16(), 200 | 202 | 204) => accepted_call(&answer, None, None),
        Ok(answer) => undocumented_answer(answer.status),
        Err(failure) => failed_call(failure),
    }
}

// Ids are free of anything that means something in a URL, so paths are put together as text.

const PRODUCTS: &str = "/v1.0/ingestion/products";

/// The address of a submission, where one is nothing else.
pub(super) fn documented_address(origin: &PortalOrigin, address: &str) -> Option<String> {
    let (product, id) = address.strip_prefix(&format!("{origin}{PRODUCTS}/"))?.split_once("/submissions/")?;
    (crate::domain::is_guid(product) && id.len() <= 20 && is_submission_id(id)).then(|| address.to_owned())
}

fn products_by(filter: &str) -> String {
    format!("{PRODUCTS}?$filter={}", utf8_percent_encode(filter, NON_ALPHANUMERIC))
}

fn submissions_path(product: &ProductId) -> String {
    format!("{PRODUCTS}/{}/submissions", product.lower())
}

fn submission_path(product: &ProductId, id: &OperationId) -> String {
    format!("{PRODUCTS}/{}/submissions/{id}", product.lower())
}
