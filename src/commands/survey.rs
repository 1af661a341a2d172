//! What only a list of a publisher's offers can tell: what freezes reach, and what runs and is in no file.
//!
//! Owns which lists are read, and that offers are compared by both of their ids before anything is said of them. A list
//! that can't be read whole is an error for whoever needs it: nothing is cancelled on half a list.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::Timestamp;

use super::live;
use super::progress::ReadProgress;
use crate::desired::{Code, Diagnostic, Place};
use crate::domain::{
    DesiredSet, FailureScope, ListedOffer, Live, Observed, OfferId, OfferKey, OfferList, OfferQuery, OperationId,
    PortalKind, ProductId, PublisherId,
};
use crate::plan::{
    Coverage, CoveredOperation, FrozenSet, Listings, ObservedState, PlannedFreeze, UncoveredOffer, UnmatchedPattern,
    freeze,
};
use crate::portal::{Backend, Backends, Failure, ListOffers as _};

/// The offers that the files name, whichever of them are planned.
#[derive(Debug, Clone, Default)]
pub(super) struct NamedOffers {
    keys: Vec<OfferKey>,
    by_publisher: HashSet<(PublisherId, OfferId)>,
    by_portal: HashSet<(PortalKind, OfferId)>,
}

impl NamedOffers {
    pub fn of(desired: &DesiredSet) -> Self {
        desired.offers().map(|offer| offer.key.clone()).collect()
    }

    /// The same for a plan. Most plans read no list, and need none of these names.
    pub fn for_plan(desired: &DesiredSet, is_coverage_wanted: bool) -> Self {
        let reads_lists = is_coverage_wanted || desired.freezes().next().is_some();
        if reads_lists { Self::of(desired) } else { Self::default() }
    }

    /// Whether a listed offer is one of them. On a portal that lists everything that the sign-in sees, the publisher is
    /// a label of the files.
    fn has(&self, backend: &Backend, publisher: &PublisherId, offer: &OfferId) -> bool {
        self.by_publisher.contains(&(publisher.clone(), offer.clone()))
            || (!backend.capabilities().lists_by_publisher && self.by_portal.contains(&(backend.kind(), offer.clone())))
    }

    /// Those of a publisher on a portal.
    fn of_publisher(&self, kind: PortalKind, publisher: &PublisherId) -> impl Iterator<Item = &OfferId> {
        self.keys.iter().filter(move |key| key.portal == kind && key.publisher == *publisher).map(|key| &key.offer)
    }
}

impl FromIterator<OfferKey> for NamedOffers {
    fn from_iter<I: IntoIterator<Item = OfferKey>>(keys: I) -> Self {
        let keys: Vec<OfferKey> = keys.into_iter().collect();
        Self {
            by_publisher: keys.iter().map(|key| (key.publisher.clone(), key.offer.clone())).collect(),
            by_portal: keys.iter().map(|key| (key.portal, key.offer.clone())).collect(),
            keys,
        }
    }
}

/// Reads lists of offers.
pub(super) struct Lister<'a> {
    pub backends: &'a Backends,
    pub named: &'a NamedOffers,
    /// Whether offers on which nothing runs are to be called by their names, too.
    pub names_idle: bool,
    pub progress: &'a ReadProgress<'a>,
}

impl Lister<'_> {
    /// The offers of publishers, each with the readable id under which the files know it.
    pub async fn lists(&self, wanted: &BTreeSet<(PortalKind, PublisherId)>, called: &DesiredSet) -> Listings {
        let mut lists = Listings::new();
        // Where publishers are labels, there is one list for all of them.
        let mut shared: BTreeMap<PortalKind, Result<OfferList, String>> = BTreeMap::new();
        for (kind, publisher) in wanted {
            let Some(backend) = self.backends.get(*kind) else { continue };
            let list = match shared.get(kind) {
                Some(list) => list.clone(),
                None => self.list(backend, publisher, called).await.map_err(|failure| failure.to_string()),
            };
            if !backend.capabilities().lists_by_publisher {
                shared.insert(*kind, list.clone());
            }
            lists.insert((*kind, publisher.clone()), list);
        }
        lists
    }

    async fn list(
        &self,
        backend: &Backend,
        publisher: &PublisherId,
        called: &DesiredSet,
    ) -> Result<OfferList, Failure> {
        let reader = backend.reader();
        self.progress.start_list(publisher);
        let mut list = reader.list(publisher, &|so_far| self.progress.listed(so_far)).await?;
        if !list.offers.iter().any(|offer| offer.is_nameless && (self.names_idle || !offer.is_idle)) {
            return Ok(list);
        }
        // Somewhere among these are offers that the files call by another id.
        let listed: HashSet<OfferId> = list.offers.iter().map(|offer| offer.id.clone()).collect();
        let freezes =
            called.freezes().filter(|freeze| freeze.portal == backend.kind() && freeze.publisher == *publisher);
        let single: Vec<OfferId> = freezes
            .flat_map(|freeze| freeze.offers.iter().chain(&freeze.except))
            .filter_map(|one| one.pattern.only_offer())
            .collect();
        let names: BTreeSet<&OfferId> = self.named.of_publisher(backend.kind(), publisher).chain(&single).collect();
        let mut readable: HashMap<OfferId, OfferId> = HashMap::new();
        for name in names.into_iter().filter(|name| !listed.contains(*name)) {
            let key = OfferKey { portal: backend.kind(), publisher: publisher.clone(), offer: name.clone() };
            if let Some(guid) = reader.listed_id(&key).await? {
                readable.insert(guid, name.clone());
            }
        }
        for offer in &mut list.offers {
            if let Some(name) = readable.remove(&offer.id) {
                offer.id = name;
                offer.is_nameless = false;
            }
        }
        Ok(list)
    }
}

/// What the lists have told.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// The states, freezes made into marks, with what the lists say of their offers.
    pub states: Vec<ObservedState>,
    /// What came of each freeze.
    pub freezes: Vec<PlannedFreeze>,
    /// Coverage, as far as it is known.
    pub coverage: Option<Vec<Coverage>>,
    /// Offers in no file that have to be read, each with the place of its publisher in the coverage.
    pub uncovered: Vec<(usize, OfferKey)>,
}

/// Which lists are needed.
pub(super) fn wanted_lists(
    desired: &DesiredSet,
    is_coverage_wanted: bool,
    now: Timestamp,
) -> BTreeSet<(PortalKind, PublisherId)> {
    let freezes = desired.freezes().filter(|freeze| is_coverage_wanted || !freeze.is_expired(now));
    let freezes = freezes.map(|freeze| (freeze.portal, freeze.publisher.clone()));
    let offers = desired.offers().filter(|_| is_coverage_wanted);
    freezes.chain(offers.map(|offer| (offer.key.portal, offer.key.publisher.clone()))).collect()
}

/// Evaluates lists.
pub(super) fn survey(
    desired: DesiredSet,
    named: &NamedOffers,
    lists: &Listings,
    backends: &Backends,
    is_coverage_wanted: bool,
    now: Timestamp,
) -> Result<Survey, Vec<Diagnostic>> {
    let has_freezes = desired.freezes().any(|freeze| !freeze.is_expired(now));
    let FrozenSet { desired, freezes, idle, nameless } =
        freeze(desired, lists, now).map_err(|unmatched| unmatched.into_iter().map(diagnostic).collect::<Vec<_>>())?;
    let frozen: NamedOffers =
        desired.offers().filter(|offer| offer.rule.is_some()).map(|one| one.key.clone()).collect();
    let mut states = live::unread(desired);
    for one in states.iter_mut().flat_map(|state| &mut state.offers) {
        if idle.contains(&one.desired.key) {
            one.observed = Some(Observed::nothing());
        } else if nameless.contains(&one.desired.key) {
            let why = "the portal lists this offer by a GUID alone, so that it is not known whether the freeze is for it: \
                       list the offer in the file by its readable id";
            one.observed = Some(Observed::unreadable(why.to_owned(), FailureScope::Offer));
        }
    }
    let mut survey = Survey { states, freezes, ..Survey::default() };
    if is_coverage_wanted || has_freezes {
        let mut coverage = Vec::new();
        let mut seen_kinds = BTreeSet::new();
        // Where nobody asked for it, the freeze says why there is no list.
        for ((kind, publisher), list) in lists.iter().filter(|(_, list)| is_coverage_wanted || list.is_ok()) {
            let Some(backend) = backends.get(*kind) else { continue };
            let capabilities = backend.capabilities();
            if !capabilities.lists_by_publisher && !seen_kinds.insert(*kind) {
                continue;
            }
            let place = coverage.len();
            let is_frozen = |offer: &ListedOffer| frozen.has(backend, publisher, &offer.id);
            let one = Coverage {
                portal: *kind,
                publisher: publisher.clone(),
                offers: 0,
                running: Vec::new(),
                unclear: Vec::new(),
                error: None,
            };
            coverage.push(match list {
                Err(why) => Coverage { error: Some(why.clone()), ..one },
                Ok(list) => {
                    // A freeze by itself costs no read of what it is not for.
                    let is_read = is_coverage_wanted || capabilities.lists_activity;
                    let others = list.offers.iter().filter(|offer| is_read && !offer.is_idle);
                    let others = others.filter(|offer| !named.has(backend, publisher, &offer.id) && !is_frozen(offer));
                    let key = |offer: &ListedOffer| OfferKey {
                        portal: *kind,
                        publisher: publisher.clone(),
                        offer: offer.id.clone(),
                    };
                    survey.uncovered.extend(others.map(|offer| (place, key(offer))));
                    let looked_at = if is_read {
                        list.offers.len()
                    } else {
                        list.offers.iter().filter(|offer| is_frozen(offer)).count()
                    };
                    Coverage { offers: looked_at, ..one }
                }
            });
        }
        survey.coverage = Some(coverage);
    }
    Ok(survey)
}

impl Survey {
    /// The questions about offers that are in no file.
    pub fn question(&self, index: usize) -> OfferQuery {
        OfferQuery::unpinned(self.uncovered[index].1.clone())
    }

    /// The coverage, with the answers to these questions.
    pub fn covered(mut self, answers: Vec<Result<Observed, Failure>>) -> Option<Vec<Coverage>> {
        let coverage = self.coverage.as_mut()?;
        for ((place, key), answer) in self.uncovered.into_iter().zip(answers) {
            let unclear = |message: String| UncoveredOffer { offer: key.offer.clone(), message };
            let own = &mut coverage[place];
            match answer.map(|observed| observed.live) {
                Ok(Live::Nothing) => {}
                Ok(Live::Running(running)) => {
                    own.running.push(CoveredOperation { offer: key.offer, operation: Box::new(running.operation) });
                }
                Ok(Live::Several(ids)) => {
                    let ids = ids.iter().map(OperationId::as_str).collect::<Vec<_>>().join(", ");
                    own.unclear.push(unclear(format!("several operations are running or queued on it ({ids})")));
                }
                Ok(Live::SeveralProducts(ids)) => {
                    let ids = ids.iter().map(ProductId::as_str).collect::<Vec<_>>().join(", ");
                    own.unclear.push(unclear(format!("several products have this offer's id ({ids})")));
                }
                Ok(Live::Unreadable(failure)) => own.unclear.push(unclear(failure.to_string())),
                Err(failure) => own.unclear.push(unclear(failure.to_string())),
            }
        }
        self.coverage
    }
}

/// A pattern that matches nothing, as a mistake in its file.
fn diagnostic(unmatched: UnmatchedPattern) -> Diagnostic {
    let UnmatchedPattern { pattern, source, publisher, nearest } = unmatched;
    let ids = nearest.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
    let help = if nearest.is_empty() {
        format!("the portal lists no offers of `{publisher}`")
    } else {
        format!("correct it, or remove it; the nearest ids are {ids}")
    };
    Diagnostic {
        code: Code::UnmatchedPattern,
        path: source.path,
        place: Some(Place { line: source.line, column: source.column, excerpt: None }),
        message: format!("the pattern `{}` matches no offer of `{publisher}`", pattern.as_str()),
        help: Some(help),
    }
}
