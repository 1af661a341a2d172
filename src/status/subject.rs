//! Which offers a status shows, what has to be asked about them, and what the answers come to.
//!
//! Owns the join of files and lists. An offer of a file that no list holds is shown all the same; an offer that a file
//! names for another publisher is that publisher's, wherever it is listed.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::Timestamp;

use super::document::{
    OfferStatus, STATUS_FORMAT_VERSION, StatusDocument, StatusFailure, StatusMark, StatusSelection, StatusState,
    StatusSummary, UnnamedProduct,
};
use crate::domain::{
    Cancellability, Capabilities, DesiredOffer, DesiredSet, ListedOffer, Live, LocatedPattern, Observed, OfferId,
    OfferKey, OfferList, OfferQuery, Operation, OperationId, Phase, PinSighting, PortalKind, ProductId, PublisherId,
    RestingOperation, Rule, RunningOperation, StatusWord,
};
use crate::plan::{FrozenSet, Listings, PlannedPortal, freeze};

/// What a status states besides its offers.
#[derive(Debug, Clone)]
pub struct StatusFacts {
    /// Name and version of the program.
    pub tool: String,
    /// The moment at which marks expire or not.
    pub now: Timestamp,
    /// What was asked for.
    pub selection: StatusSelection,
    /// The portals that are read.
    pub portals: Vec<PlannedPortal>,
    /// What each of them can do.
    pub capabilities: BTreeMap<PortalKind, Capabilities>,
}

/// An offer that has to be read, by its place among the subjects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusQuestion(usize);

/// An offer that is shown.
#[derive(Debug)]
struct StatusSubject {
    /// Whose it is, as far as that is known.
    publisher: Option<PublisherId>,
    /// What the list has of it.
    listed: Option<ListedOffer>,
    /// What the files have of it.
    desired: Option<DesiredOffer>,
    /// Whether it is not known if a freeze is for it.
    is_freeze_unclear: bool,
    /// Whether the list does not tell enough.
    is_read: bool,
    query: OfferQuery,
}

/// All offers that are shown, before those are read that have to be.
#[derive(Debug)]
pub struct StatusSubjects {
    subjects: Vec<StatusSubject>,
    unnamed: Vec<UnnamedProduct>,
    failures: Vec<StatusFailure>,
}

/// Offers of the files, by the names that lists may have for them.
struct NamedInFiles<'a> {
    by_publisher: HashMap<(&'a PublisherId, &'a OfferId), &'a DesiredOffer>,
    by_portal: HashMap<(PortalKind, &'a OfferId), &'a DesiredOffer>,
}

impl<'a> NamedInFiles<'a> {
    fn of(desired: &'a DesiredSet) -> Self {
        let by = |offer: &'a DesiredOffer| (&offer.key.publisher, &offer.key.offer);
        Self {
            by_publisher: desired.offers().map(|offer| (by(offer), offer)).collect(),
            by_portal: desired.offers().map(|offer| ((offer.key.portal, &offer.key.offer), offer)).collect(),
        }
    }

    /// The file's entry for a listed offer. Where publishers are labels, it is found by the offer's id alone.
    fn entry(&self, group: &ListedGroup<'_>, offer: &OfferId) -> Option<&'a DesiredOffer> {
        let of_publisher = group.publishers.iter().find_map(|publisher| self.by_publisher.get(&(*publisher, offer)));
        let of_portal = || self.by_portal.get(&(group.portal, offer)).filter(|_| group.is_label);
        of_publisher.or_else(of_portal).copied()
    }
}

/// Offers that one list is of.
struct ListedGroup<'a> {
    portal: PortalKind,
    /// The publisher, or all that are asked about where publishers are labels.
    publishers: Vec<&'a PublisherId>,
    is_label: bool,
}

impl ListedGroup<'_> {
    /// Whose an offer is that no file names.
    fn publisher(&self) -> Option<PublisherId> {
        if let [only] = self.publishers.as_slice() { Some((*only).clone()) } else { None }
    }

    fn has(&self, publisher: &PublisherId) -> bool {
        self.publishers.contains(&publisher)
    }
}

impl StatusSubjects {
    /// The offers of these publishers, by lists and files.
    #[must_use]
    pub fn of(
        desired: DesiredSet,
        wanted: &BTreeSet<(PortalKind, PublisherId)>,
        lists: &Listings,
        facts: &StatusFacts,
    ) -> Self {
        let (frozen, failures) = freeze_what_matches(desired, lists, facts.now);
        let mut found = Self { subjects: Vec::new(), unnamed: Vec::new(), failures };
        let named = NamedInFiles::of(&frozen.desired);
        for group in groups(wanted, facts) {
            let first = group.publishers.first().map(|first| (group.portal, (*first).clone()));
            if let Some(list) = first.and_then(|key| lists.get(&key)) {
                found.add_group(&group, list, &frozen, &named, facts.now);
            }
        }
        found
    }

    fn add_group(
        &mut self,
        group: &ListedGroup<'_>,
        list: &Result<OfferList, String>,
        frozen: &FrozenSet,
        named: &NamedInFiles<'_>,
        now: Timestamp,
    ) {
        let mut shown: HashSet<&OfferKey> = HashSet::new();
        match list {
            Ok(list) => {
                for listed in &list.offers {
                    let entry = named.entry(group, &listed.id);
                    if entry.is_some_and(|entry| !group.has(&entry.key.publisher)) {
                        continue;
                    }
                    shown.extend(entry.map(|entry| &entry.key));
                    self.subjects.extend(StatusSubject::of(group, Some(listed), entry, frozen, now));
                }
                let unnamed =
                    |product: &ProductId| UnnamedProduct { portal: group.portal, product_id: product.clone() };
                self.unnamed.extend(list.unnamed.iter().map(unnamed));
            }
            Err(why) => self.failures.push(StatusFailure {
                portal: group.portal,
                publisher: group.publisher(),
                message: format!("the offers could not be listed: {why}"),
                source: None,
            }),
        }
        for entry in frozen.desired.offers() {
            let is_of_group = entry.key.portal == group.portal && group.has(&entry.key.publisher);
            // Half a list does not tell what it lacks. What is marked is read all the same.
            let is_shown = list.is_ok() || entry.needs_live_state(now);
            if is_of_group && is_shown && !shown.contains(&entry.key) {
                self.subjects.extend(StatusSubject::of(group, None, Some(entry), frozen, now));
            }
        }
    }

    /// What has to be read, in no order that means anything.
    #[must_use]
    pub fn questions(&self) -> Vec<StatusQuestion> {
        let asked = self.subjects.iter().enumerate().filter(|(_, subject)| subject.is_read);
        asked.map(|(index, _)| StatusQuestion(index)).collect()
    }

    /// What a portal is asked.
    #[must_use]
    pub fn query(&self, question: StatusQuestion) -> OfferQuery {
        self.subjects[question.0].query.clone()
    }

    /// The status, with the answers to the questions; why not, where there is none.
    #[must_use]
    pub fn answered(
        self,
        facts: &StatusFacts,
        answers: impl IntoIterator<Item = (StatusQuestion, Result<Observed, String>)>,
    ) -> StatusDocument {
        let mut seen: Vec<Option<Result<Observed, String>>> = self.subjects.iter().map(|_| None).collect();
        for (question, answer) in answers {
            seen[question.0] = Some(answer);
        }
        let subjects = self.subjects.into_iter().zip(seen);
        let mut offers: Vec<OfferStatus> = subjects.map(|(subject, seen)| subject.status(seen, facts.now)).collect();
        offers.sort_by(|a, b| (a.portal, &a.publisher, &a.offer).cmp(&(b.portal, &b.publisher, &b.offer)));
        StatusDocument {
            format_version: STATUS_FORMAT_VERSION,
            tool: facts.tool.clone(),
            created_at: facts.now,
            selection: facts.selection.clone(),
            portals: facts.portals.clone(),
            summary: StatusSummary::of(&offers),
            offers,
            unnamed_products: self.unnamed,
            failures: self.failures,
        }
    }
}

/// Which publishers share a list.
fn groups<'a>(wanted: &'a BTreeSet<(PortalKind, PublisherId)>, facts: &StatusFacts) -> Vec<ListedGroup<'a>> {
    let mut groups: Vec<ListedGroup<'a>> = Vec::new();
    for (portal, publisher) in wanted {
        let is_label = facts.capabilities.get(portal).is_some_and(|can| !can.lists_by_publisher);
        match groups.last_mut().filter(|last| is_label && last.portal == *portal) {
            Some(last) => last.publishers.push(publisher),
            None => groups.push(ListedGroup { portal: *portal, publishers: vec![publisher], is_label }),
        }
    }
    groups
}

/// Turns freezes into marks, without the patterns that match no offer. A plan would be refused for these, and what
/// runs is to be seen all the same.
fn freeze_what_matches(desired: DesiredSet, lists: &Listings, now: Timestamp) -> (FrozenSet, Vec<StatusFailure>) {
    let unmatched = match freeze(desired.clone(), lists, now) {
        Ok(frozen) => return (frozen, Vec::new()),
        Err(unmatched) => unmatched,
    };
    let mut matching = desired;
    let mut failures = Vec::new();
    for freeze in matching.states.iter_mut().flat_map(|state| &mut state.freezes) {
        let (portal, publisher) = (freeze.portal, freeze.publisher.clone());
        let mut retain = |patterns: &mut Vec<LocatedPattern>| {
            patterns.retain(|one| {
                let is_unmatched = unmatched.iter().any(|other| other.source == one.source);
                if is_unmatched {
                    let pattern = one.pattern.as_str();
                    failures.push(StatusFailure {
                        portal,
                        publisher: Some(publisher.clone()),
                        message: format!("the pattern `{pattern}` of a freeze matches no offer"),
                        source: Some(one.source.clone()),
                    });
                }
                !is_unmatched
            });
        };
        retain(&mut freeze.offers);
        retain(&mut freeze.except);
    }
    (freeze(matching, lists, now).unwrap_or_default(), failures)
}

impl StatusSubject {
    /// None where neither a list nor a file has it.
    fn of(
        group: &ListedGroup<'_>,
        listed: Option<&ListedOffer>,
        entry: Option<&DesiredOffer>,
        frozen: &FrozenSet,
        now: Timestamp,
    ) -> Option<Self> {
        let publisher = entry.map(|entry| entry.key.publisher.clone()).or_else(|| group.publisher());
        // The portal goes by the offer alone where publishers are labels.
        let label = publisher.as_ref().or_else(|| group.publishers.first().copied())?;
        let offer = listed.map(|listed| &listed.id).or_else(|| entry.map(|entry| &entry.key.offer))?;
        let key = OfferKey { portal: group.portal, publisher: label.clone(), offer: offer.clone() };
        let is_marked = entry.is_some_and(|entry| entry.needs_live_state(now) && !frozen.idle.contains(&entry.key));
        let here = entry.filter(|entry| entry.key.portal == group.portal);
        let query = match here {
            Some(entry) if is_marked => entry.query(),
            _ => OfferQuery { product: here.and_then(|entry| entry.product_id.clone()), ..OfferQuery::unpinned(key) },
        };
        Some(Self {
            publisher,
            listed: listed.cloned(),
            desired: entry.cloned(),
            is_freeze_unclear: entry.is_some_and(|entry| frozen.nameless.contains(&entry.key)),
            is_read: is_marked || listed.is_none_or(|listed| !listed.is_idle),
            query,
        })
    }

    fn status(self, seen: Option<Result<Observed, String>>, now: Timestamp) -> OfferStatus {
        let sighting = match seen {
            Some(Ok(observed)) => Sighting::of(observed),
            Some(Err(why)) => Sighting::unreadable(self.unreadable(&why)),
            None => Sighting::resting(StatusState::Idle, None),
        };
        let mark = self.mark(&sighting, now);
        let Self { publisher, listed, desired, query, .. } = self;
        let (kind, name, listed_status) =
            listed.map_or((None, None, None), |listed| (listed.kind, listed.name, listed.status));
        let expires = desired.as_ref().and_then(|desired| desired.mark.as_ref()?.expires);
        let (reason, source) = desired.map(|desired| (desired.reason, desired.source)).unzip();
        OfferStatus {
            portal: query.key.portal,
            publisher,
            offer: query.key.offer,
            product_id: sighting.product,
            kind,
            name,
            state: sighting.state,
            listed_status,
            operation: sighting.operation,
            message: sighting.message,
            mark,
            reason: reason.flatten(),
            expires,
            source,
        }
    }

    /// Why it could not be read, with what the list told of it where that is all there is.
    fn unreadable(&self, why: &str) -> String {
        let nameless = self.listed.as_ref().filter(|listed| listed.is_nameless);
        nameless.map_or_else(
            || why.to_owned(),
            |listed| {
                let word = listed.status.as_ref().map(|word| format!(" with the status `{word}`")).unwrap_or_default();
                format!("the portal lists it by a GUID alone{word}, and it could not be read by that: {why}")
            },
        )
    }

    fn mark(&self, sighting: &Sighting, now: Timestamp) -> StatusMark {
        let Some(desired) = &self.desired else { return StatusMark::InNoFile };
        let Some(mark) = &desired.mark else {
            return if desired.is_spared { StatusMark::Spared } else { StatusMark::Unmarked };
        };
        if desired.rule == Some(Rule::Freeze) {
            return if self.is_freeze_unclear { StatusMark::FreezeUnclear } else { StatusMark::Frozen };
        }
        if mark.is_expired(now) {
            return StatusMark::Expired;
        }
        match &mark.operation_id {
            None if mark.is_unpinned() => StatusMark::Marked,
            Some(pin) if sighting.running.contains(pin) => StatusMark::Pinned,
            Some(_) if sighting.is_pin_over => StatusMark::Spent,
            Some(_) if !sighting.running.is_empty() => StatusMark::PinnedElsewhere,
            // A job is that of one operation, and so a pin.
            Some(_) | None => StatusMark::Pinned,
        }
    }
}

/// What was seen of an offer, in the words of a status.
struct Sighting {
    state: StatusState,
    operation: Option<Box<Operation>>,
    message: Option<String>,
    product: Option<ProductId>,
    running: Vec<OperationId>,
    is_pin_over: bool,
}

impl Sighting {
    const fn resting(state: StatusState, message: Option<String>) -> Self {
        Self { state, operation: None, message, product: None, running: Vec::new(), is_pin_over: false }
    }

    const fn unreadable(why: String) -> Self {
        Self::resting(StatusState::Unreadable, Some(why))
    }

    fn of(observed: Observed) -> Self {
        let Observed { live, resting, pin, product } = observed;
        let is_pin_over = matches!(&pin, PinSighting::Known { phase, .. } if phase.is_over());
        let seen = match live {
            Live::Nothing => resting.map_or_else(|| Self::resting(StatusState::Idle, None), Self::at_rest),
            Live::Running(running) => Self::running(*running),
            Live::Several(ids) => {
                let names = ids.iter().map(OperationId::as_str).collect::<Vec<_>>().join(", ");
                let message = format!("several operations are running or queued ({names})");
                Self { running: ids, ..Self::resting(StatusState::SeveralOperations, Some(message)) }
            }
            Live::SeveralProducts(ids) => {
                let names = ids.iter().map(ProductId::as_str).collect::<Vec<_>>().join(", ");
                let message = format!("several products have this offer's id ({names})");
                Self::resting(StatusState::SeveralProducts, Some(message))
            }
            Live::Unreadable(failure) => Self::unreadable(failure.message),
        };
        Self { product, is_pin_over, ..seen }
    }

    fn at_rest(resting: RestingOperation) -> Self {
        let RestingOperation { id, phase, word, message } = resting;
        let state = match phase {
            Phase::AwaitsGoLive => StatusState::AwaitsGoLive,
            Phase::Draft => StatusState::Draft,
            _ => StatusState::Failed,
        };
        let says = message.map(|text| format!("; the portal says: {text}")).unwrap_or_default();
        Self::resting(state, Some(format!("{id}, portal status: `{word}`{says}")))
    }

    fn running(running: RunningOperation) -> Self {
        let RunningOperation { operation, phase, cancellability, message, caveat, .. } = running;
        let state = match (phase, cancellability) {
            (Phase::Cancelling, _) => StatusState::Cancelling,
            (_, Cancellability::TooLate) => StatusState::TooLate,
            (Phase::Queued, _) => StatusState::Queued,
            (Phase::Running, _) => StatusState::Running,
            _ => StatusState::Unknown,
        };
        let word = |word: &Option<StatusWord>| word.as_ref().map(StatusWord::to_string).unwrap_or_default();
        let aside = match (state, cancellability) {
            (StatusState::Unknown, _) => {
                let unknown = || format!("the portal's word for its state is not known (`{}`)", word(&operation.state));
                Some(caveat.unwrap_or_else(unknown))
            }
            (_, Cancellability::Refused) => {
                Some(format!("the portal says that it can't be cancelled (`{}`)", word(&operation.cancellation)))
            }
            (_, Cancellability::Unknown) => Some(format!(
                "the portal's word for whether it can be cancelled is not known (`{}`)",
                word(&operation.cancellation)
            )),
            // What keeps a call from being made concerns who makes one.
            _ => None,
        };
        let says = message.map(|text| format!("the portal says: {text}"));
        let parts: Vec<String> = aside.into_iter().chain(says).collect();
        Self {
            running: vec![operation.id.clone()],
            operation: Some(Box::new(operation)),
            ..Self::resting(state, (!parts.is_empty()).then(|| parts.join("; ")))
        }
    }
}
