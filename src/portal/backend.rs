//! The one place that tells the kinds of portal apart.
//!
//! Owns the match on the kind. Whoever reads, cancels or lists does it by the traits, and does
//! not see which portal it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::client::{
    Credential, Exchange, Failure, Requests, Retrying, Slot, StatusMeaning, Token, Transport, TransportSettings, Turn,
};
use super::cloud_partner::{self, CloudPartner};
use super::partner_center::{self, PartnerCenter};
use super::product_ingestion::{self, ProductIngestion};
use super::products::ProductDirectory;
use super::{CancelAnswer, CancelCall, CancelPortal, Followed, Guard, ListOffers, ListWatch, Location, ReadPortal};
use crate::domain::{
    Capabilities, Observed, OfferId, OfferKey, OfferList, OfferQuery, PortalKind, PortalOrigin, PortalSettings,
    PublisherId, SchemaVersion, SellerId,
};

/// A portal that can be asked.
pub struct Backend {
    kind: PortalKind,
    transport: Transport,
    settings: PortalSettings,
    products: ProductDirectory,
}

/// What a kind of portal can do.
#[must_use]
pub const fn capabilities(kind: PortalKind) -> Capabilities {
    match kind {
        PortalKind::CloudPartner => cloud_partner::CAPABILITIES,
        PortalKind::PartnerCenter => partner_center::CAPABILITIES,
        PortalKind::ProductIngestion => product_ingestion::CAPABILITIES,
    }
}

/// An address of an operation in the form to link, where it is one that a portal of that kind documents, on that origin.
///
/// ```
/// use cancel_pending::domain::{PortalKind, PortalOrigin};
/// let read = |address: &str| {
///     cancel_pending::portal::documented_address(PortalKind::CloudPartner, &PortalOrigin::microsoft(), address)
/// };
/// let address = "https://cloudpartner.azure.com/api/publishers/contoso/offers/vm/operations/1?api-version=2017-10-31";
/// assert_eq!(read(address).as_deref(), Some(address));
/// assert_eq!(read("https://evil.example/login"), None);
/// assert_eq!(read("javascript:alert(1)"), None);
/// ```
#[must_use]
pub fn documented_address(kind: PortalKind, origin: &PortalOrigin, address: &str) -> Option<String> {
    match kind {
        PortalKind::CloudPartner => {
            let location = cloud_partner::location(address, origin);
            location.may_be_called().then_some(location.shown)
        }
        PortalKind::PartnerCenter => partner_center::documented_address(origin, address),
        PortalKind::ProductIngestion => product_ingestion::documented_address(origin, address),
    }
}

/// Reads a portal. Unless it does so in a slot, it tries again what may pass by itself.
pub enum BackendReader<'a, R = Retrying<'a>> {
    /// The Cloud Partner Portal.
    CloudPartner(CloudPartner<'a, R>),
    /// Partner Center.
    PartnerCenter(PartnerCenter<'a, R>),
    /// The Product Ingestion API.
    ProductIngestion(ProductIngestion<'a, R>),
}

/// A slot on a portal: reads and cancels in it are sent once, right after each other.
pub struct BackendSlot<'a> {
    backend: &'a Backend,
    slot: Slot<'a>,
}

impl Backend {
    /// A backend that has opened no connection yet.
    #[must_use]
    pub fn new(
        kind: PortalKind,
        origin: PortalOrigin,
        credential: Arc<dyn Credential>,
        exchange: Arc<dyn Exchange>,
        settings: &TransportSettings,
    ) -> Self {
        let (prefix, meaning): (_, StatusMeaning) = match kind {
            PortalKind::CloudPartner => (cloud_partner::PREFIX, |_| None),
            PortalKind::PartnerCenter => (partner_center::PREFIX, partner_center::status_meaning),
            PortalKind::ProductIngestion => (product_ingestion::PREFIX, product_ingestion::status_meaning),
        };
        Self {
            kind,
            transport: Transport::new(origin, prefix, meaning, credential, exchange, settings),
            settings: PortalSettings::default(),
            products: ProductDirectory::default(),
        }
    }

    /// The same backend, asked as a desired state says.
    #[must_use]
    pub fn asked_as(self, settings: PortalSettings) -> Self {
        let headers = match self.kind {
            PortalKind::CloudPartner | PortalKind::ProductIngestion => http::HeaderMap::new(),
            PortalKind::PartnerCenter => partner_center::headers(&settings),
        };
        Self { transport: self.transport.with_headers(headers), settings, ..self }
    }

    /// Reads in one go what the questions about several offers share, where that is fewer calls.
    pub async fn prepare(&self, offers: impl Iterator<Item = OfferQuery>) {
        if self.products.is_whole() {
            return;
        }
        let prepared = match self.reader() {
            BackendReader::CloudPartner(_) => Ok(()),
            BackendReader::PartnerCenter(reader) => reader.prepare(&offers.collect::<Vec<_>>()).await,
            BackendReader::ProductIngestion(reader) => reader.prepare(&offers.collect::<Vec<_>>()).await,
        };
        // What could not be read is looked up later, offer by offer.
        if let Err(failure) = prepared {
            tracing::info!(%failure, "the list of products can't be read; each offer is looked up by itself");
        }
    }

    /// Which API it speaks.
    #[must_use]
    pub const fn kind(&self) -> PortalKind {
        self.kind
    }

    /// Where it is.
    #[must_use]
    pub const fn origin(&self) -> &PortalOrigin {
        self.transport.origin()
    }

    /// The account in whose name it is asked.
    #[must_use]
    pub fn seller(&self) -> Option<SellerId> {
        self.settings.seller_for(self.kind)
    }

    /// The version of the documents that it is asked about, where that is not the usual one.
    #[must_use]
    pub fn schema_version(&self) -> Option<SchemaVersion> {
        self.settings.schema_version_for(self.kind)
    }

    /// What it can do.
    #[must_use]
    pub const fn capabilities(&self) -> Capabilities {
        capabilities(self.kind)
    }

    /// A reader for plans.
    #[must_use]
    pub fn reader(&self) -> BackendReader<'_> {
        self.reader_at(Turn::Read)
    }

    /// A reader that waits behind all others.
    #[must_use]
    pub fn follower(&self) -> BackendReader<'_> {
        self.reader_at(Turn::Follow)
    }

    fn reader_at(&self, turn: Turn) -> BackendReader<'_> {
        self.reader_by(Retrying { transport: &self.transport, turn }, turn == Turn::Read)
    }

    /// A reader by which requests are made in this way. `for_people`: whether people look at what it reads.
    fn reader_by<R: Requests>(&self, requests: R, for_people: bool) -> BackendReader<'_, R> {
        let (origin, products, settings) = (self.transport.origin(), &self.products, &self.settings);
        match self.kind {
            PortalKind::CloudPartner => BackendReader::CloudPartner(CloudPartner::new(requests, origin)),
            PortalKind::PartnerCenter => BackendReader::PartnerCenter(PartnerCenter::new(
                requests,
                origin,
                products,
                &settings.product_types,
                for_people,
            )),
            PortalKind::ProductIngestion => {
                BackendReader::ProductIngestion(ProductIngestion::new(requests, origin, products, settings))
            }
        }
    }

    /// Waits for a slot to cancel in. Signing in happens before the wait, and not in the slot.
    ///
    /// # Errors
    /// When the sign-in fails.
    pub async fn slot(&self) -> Result<BackendSlot<'_>, Failure> {
        let token = self.transport.sign_in().await?;
        let slot = self.transport.slot(Turn::Cancel, token).await;
        Ok(BackendSlot { backend: self, slot })
    }

    /// Signs in anew, because the portal did not accept a token.
    ///
    /// # Errors
    /// When there is no other token.
    pub async fn renew(&self, rejected: &Token) -> Result<(), Failure> {
        self.transport.renew(rejected).await.map(drop)
    }
}

impl BackendSlot<'_> {
    /// The token that its requests carry.
    #[must_use]
    pub const fn token(&self) -> &Token {
        self.slot.token()
    }

    /// Whether the portal has asked for a pause since the slot was taken.
    #[must_use]
    pub fn must_wait(&self) -> bool {
        self.slot.must_wait()
    }

    /// Returns when the call that was sent last waits for its connection: dropped then, it never leaves.
    pub async fn waits_for_connection(&self) {
        self.slot.waits_for_connection().await;
    }

    fn reader(&self) -> BackendReader<'_, &Slot<'_>> {
        self.backend.reader_by(&self.slot, false)
    }
}

impl<R: Requests> ReadPortal for BackendReader<'_, R> {
    async fn live(&self, query: &OfferQuery) -> Result<Observed, Failure> {
        match self {
            Self::CloudPartner(reader) => reader.live(query).await,
            Self::PartnerCenter(reader) => reader.live(query).await,
            Self::ProductIngestion(reader) => reader.live(query).await,
        }
    }

    async fn guard(&self, query: &OfferQuery) -> Result<Guard, Failure> {
        match self {
            Self::CloudPartner(reader) => reader.guard(query).await,
            Self::PartnerCenter(reader) => reader.guard(query).await,
            Self::ProductIngestion(reader) => reader.guard(query).await,
        }
    }

    async fn follow(&self, query: &OfferQuery, location: Option<&Location>) -> Result<Followed, Failure> {
        match self {
            Self::CloudPartner(reader) => reader.follow(query, location).await,
            Self::PartnerCenter(reader) => reader.follow(query, location).await,
            Self::ProductIngestion(reader) => reader.follow(query, location).await,
        }
    }

    async fn left_changed(&self, query: &OfferQuery) -> Result<Vec<String>, Failure> {
        match self {
            Self::CloudPartner(reader) => reader.left_changed(query).await,
            Self::PartnerCenter(reader) => reader.left_changed(query).await,
            Self::ProductIngestion(reader) => reader.left_changed(query).await,
        }
    }

    fn resume(&self, told: &str) -> Location {
        match self {
            Self::CloudPartner(reader) => reader.resume(told),
            Self::PartnerCenter(reader) => reader.resume(told),
            Self::ProductIngestion(reader) => reader.resume(told),
        }
    }
}

impl<R: Requests> ListOffers for BackendReader<'_, R> {
    async fn list(&self, publisher: &PublisherId, watch: ListWatch<'_>) -> Result<OfferList, Failure> {
        match self {
            Self::CloudPartner(reader) => reader.list(publisher, watch).await,
            Self::PartnerCenter(reader) => reader.list(publisher, watch).await,
            Self::ProductIngestion(reader) => reader.list(publisher, watch).await,
        }
    }

    async fn listed_id(&self, key: &OfferKey) -> Result<Option<OfferId>, Failure> {
        match self {
            Self::CloudPartner(reader) => reader.listed_id(key).await,
            Self::PartnerCenter(reader) => reader.listed_id(key).await,
            Self::ProductIngestion(reader) => reader.listed_id(key).await,
        }
    }
}

impl ReadPortal for BackendSlot<'_> {
    async fn live(&self, query: &OfferQuery) -> Result<Observed, Failure> {
        self.reader().live(query).await
    }

    async fn guard(&self, query: &OfferQuery) -> Result<Guard, Failure> {
        self.reader().guard(query).await
    }

    async fn follow(&self, query: &OfferQuery, location: Option<&Location>) -> Result<Followed, Failure> {
        self.reader().follow(query, location).await
    }

    async fn left_changed(&self, query: &OfferQuery) -> Result<Vec<String>, Failure> {
        self.reader().left_changed(query).await
    }

    fn resume(&self, told: &str) -> Location {
        self.reader().resume(told)
    }
}

impl CancelPortal for BackendSlot<'_> {
    async fn cancel(&self, call: &CancelCall) -> CancelAnswer {
        match self.backend.kind {
            PortalKind::CloudPartner => cloud_partner::cancel(&self.slot, self.backend.origin(), call).await,
            PortalKind::PartnerCenter => partner_center::cancel(&self.slot, call).await,
            PortalKind::ProductIngestion => product_ingestion::cancel(&self.slot, &self.backend.settings, call).await,
        }
    }
}

/// The portals in use.
#[derive(Default)]
pub struct Backends(BTreeMap<PortalKind, Backend>);

impl Backends {
    /// The one of a kind.
    #[must_use]
    pub fn get(&self, kind: PortalKind) -> Option<&Backend> {
        self.0.get(&kind)
    }

    /// All of them, in the order of kinds.
    pub fn iter(&self) -> impl Iterator<Item = &Backend> {
        self.0.values()
    }
}

impl FromIterator<Backend> for Backends {
    fn from_iter<I: IntoIterator<Item = Backend>>(backends: I) -> Self {
        Self(backends.into_iter().map(|backend| (backend.kind, backend)).collect())
    }
}
