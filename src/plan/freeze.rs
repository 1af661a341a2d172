//! What a freeze comes to: its patterns held against a list of offers, and against what the files say of these.
//!
//! Owns what a freeze reaches. It overrides pins and expired marks; an explicit `cancelPending: false` and `except` keep an
//! offer out, and so does a mark of its own that reaches as far as the freeze. A pattern that matches nothing is a mistake:
//! a typo would stop the wrong offers, or spare none.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;

use super::document::{Note, PlannedFreeze};
use crate::domain::{
    DesiredOffer, DesiredSet, Freeze, ListedOffer, LocatedPattern, Mark, OfferId, OfferKey, OfferList, OfferPattern,
    PortalKind, PublisherId, Rule, SourceLocation,
};

/// The lists of offers that were read, by portal and publisher; why not, where one could not be read whole.
pub type Listings = BTreeMap<(PortalKind, PublisherId), Result<OfferList, String>>;

/// The most ids that are named where a pattern matches none.
const NAMED_IDS: usize = 3;

/// A pattern that matches no offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnmatchedPattern {
    /// The pattern.
    pub pattern: OfferPattern,
    /// Where it stands.
    pub source: SourceLocation,
    /// Whose offers it was held against.
    pub publisher: PublisherId,
    /// The ids that are most like it, the nearest first.
    pub nearest: Vec<OfferId>,
}

/// Desired states in which freezes have become marks.
#[derive(Debug, Clone, Default)]
pub struct FrozenSet {
    /// The states. What a freeze reaches stands in the freeze's own state, whose limit holds for it.
    pub desired: DesiredSet,
    /// What came of each freeze, in the order of files.
    pub freezes: Vec<PlannedFreeze>,
    /// Frozen offers of which the list says that nothing runs.
    pub idle: HashSet<OfferKey>,
    /// Frozen offers that no pattern could be held against, because the portal lists them by a GUID alone.
    pub nameless: HashSet<OfferKey>,
}

/// An offer that a freeze reaches.
struct Hit<'a> {
    state: usize,
    freeze: &'a Freeze,
    listed: &'a ListedOffer,
    /// Further freezes that reach it.
    others: Vec<&'a Freeze>,
    /// Whether it is not known if the freeze is for it.
    is_uncertain: bool,
}

/// What all freezes reach, in the order of lists.
#[derive(Default)]
struct Hits<'a> {
    by_name: HashMap<Name, Hit<'a>>,
    order: Vec<Name>,
}

impl<'a> Hits<'a> {
    /// Adds an offer. Where another freeze reaches it, the one that holds longest counts, and the other is named.
    fn add(&mut self, name: Name, new: Hit<'a>) {
        let Some(hit) = self.by_name.get_mut(&name) else {
            self.order.push(name.clone());
            self.by_name.insert(name, new);
            return;
        };
        hit.is_uncertain &= new.is_uncertain;
        if hit.freeze.expires < new.freeze.expires {
            hit.state = new.state;
            hit.others.push(std::mem::replace(&mut hit.freeze, new.freeze));
        } else {
            hit.others.push(new.freeze);
        }
    }
}

/// Offers are one offer whatever portal they are looked at through.
type Name = (PublisherId, OfferId);

/// Turns freezes into marks. Without a list nothing is frozen.
///
/// # Errors
/// All patterns that match no offer.
pub fn freeze(desired: DesiredSet, lists: &Listings, now: Timestamp) -> Result<FrozenSet, Vec<UnmatchedPattern>> {
    if desired.freezes().next().is_none() {
        return Ok(FrozenSet { desired, ..FrozenSet::default() });
    }
    let spared: HashSet<Name> = desired.offers().filter(|offer| offer.is_spared).map(name).collect();
    let reaches_by_itself: HashSet<Name> = desired.offers().filter(|offer| reaches(offer, now)).map(name).collect();
    let mut hits = Hits::default();
    let (mut freezes, mut unmatched) = (Vec::new(), Vec::new());
    for (state, freeze) in
        desired.states.iter().enumerate().flat_map(|(at, one)| one.freezes.iter().map(move |f| (at, f)))
    {
        let mut planned = planned(freeze);
        if freeze.is_expired(now) {
            planned.note = Some(Note::Spent);
            freezes.push(planned);
            continue;
        }
        match lists.get(&(freeze.portal, freeze.publisher.clone())) {
            None => planned.note = Some(Note::NotRead),
            Some(Err(why)) => planned.error = Some(why.clone()),
            Some(Ok(list)) => {
                unmatched.extend(unmatched_patterns(freeze, list));
                let reached = list.offers.iter().filter_map(|listed| match reach(freeze, listed) {
                    Reach::No => None,
                    // Where nothing runs it does not matter whose name it is.
                    Reach::Unknown if listed.is_idle => None,
                    reach => Some((listed, reach == Reach::Unknown)),
                });
                let reached = reached.map(|(listed, is_uncertain)| {
                    let name = (freeze.publisher.clone(), listed.id.clone());
                    (name, Hit { state, freeze, listed, others: Vec::new(), is_uncertain })
                });
                let reached: Vec<_> = reached.filter(|(name, _)| !spared.contains(name)).collect();
                let count = reached.len();
                for (name, hit) in reached.into_iter().filter(|(name, _)| !reaches_by_itself.contains(name)) {
                    hits.add(name, hit);
                }
                planned.matched = Some(count);
                planned.message = unnamed(list);
            }
        }
        freezes.push(planned);
    }
    if !unmatched.is_empty() {
        return Err(unmatched);
    }
    let mut frozen = FrozenSet { freezes, ..FrozenSet::default() };
    let own: HashMap<Name, &DesiredOffer> = desired.offers().map(|offer| (name(offer), offer)).collect();
    let mut marked: Vec<Vec<DesiredOffer>> = desired.states.iter().map(|_| Vec::new()).collect();
    for name in &hits.order {
        let hit = &hits.by_name[name];
        let own = own.get(name).copied();
        let offer = frozen_offer(hit, own);
        let has_own_mark = own.is_some_and(|own| own.needs_live_state(now));
        if hit.is_uncertain {
            frozen.nameless.insert(offer.key.clone());
        } else if hit.listed.is_idle && !has_own_mark {
            frozen.idle.insert(offer.key.clone());
        }
        marked[hit.state].push(offer);
    }
    let reached: HashSet<Name> = hits.order.into_iter().collect();
    frozen.desired = desired;
    for (state, marked) in frozen.desired.states.iter_mut().zip(marked) {
        state.offers.retain(|offer| !reached.contains(&name(offer)));
        state.offers.extend(marked);
    }
    Ok(frozen)
}

fn name(offer: &DesiredOffer) -> Name {
    (offer.key.publisher.clone(), offer.key.offer.clone())
}

/// Whether an offer's own mark is for whichever operation runs, now.
fn reaches(offer: &DesiredOffer, now: Timestamp) -> bool {
    offer.mark.as_ref().is_some_and(|mark| mark.is_unpinned() && !mark.is_expired(now))
}

/// Whether a freeze is for an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Yes,
    No,
    /// The offer's name is not known.
    Unknown,
}

fn reach(freeze: &Freeze, listed: &ListedOffer) -> Reach {
    let matches = |all: &[LocatedPattern]| all.iter().any(|one| one.pattern.matches(&listed.id));
    if !listed.is_nameless {
        return if matches(&freeze.offers) && !matches(&freeze.except) { Reach::Yes } else { Reach::No };
    }
    if matches(&freeze.except) {
        return Reach::No;
    }
    // What is called by one id was looked for by it, so that only patterns may mean an offer whose name is not known.
    let is_pattern = |one: &LocatedPattern| one.pattern.only_offer().is_none();
    let for_all = freeze.offers.iter().any(|one| one.pattern.matches_all());
    match (for_all || matches(&freeze.offers), freeze.except.iter().any(is_pattern)) {
        (true, false) => Reach::Yes,
        (true, true) => Reach::Unknown,
        (false, _) if freeze.offers.iter().any(is_pattern) => Reach::Unknown,
        (false, _) => Reach::No,
    }
}

fn planned(freeze: &Freeze) -> PlannedFreeze {
    let patterns = |all: &[LocatedPattern]| all.iter().map(|one| one.pattern.clone()).collect();
    PlannedFreeze {
        portal: freeze.portal,
        publisher: freeze.publisher.clone(),
        offers: patterns(&freeze.offers),
        except: patterns(&freeze.except),
        expires: freeze.expires,
        reason: freeze.reason.clone(),
        source: freeze.source.clone(),
        matched: None,
        note: None,
        message: None,
        error: None,
    }
}

/// Products that no pattern can name.
fn unnamed(list: &OfferList) -> Option<String> {
    let first = list.unnamed.first()?;
    Some(match list.unnamed.len() {
        1 => format!("the product {first} has no offer id and is left alone"),
        count => format!("{count} products have no offer id and are left alone ({first} is the first)"),
    })
}

fn frozen_offer(hit: &Hit<'_>, own: Option<&DesiredOffer>) -> DesiredOffer {
    let Hit { freeze, listed, others, .. } = hit;
    let on_same_portal = own.filter(|own| own.key.portal == freeze.portal);
    let also = others.iter().map(|other| {
        let SourceLocation { path, line, .. } = &other.source;
        format!("; also the freeze at {path}:{line}: {}", other.reason)
    });
    DesiredOffer {
        key: OfferKey {
            portal: freeze.portal,
            publisher: freeze.publisher.clone(),
            // As the portal spells it: it answers to that.
            offer: listed.id.clone(),
        },
        product_id: on_same_portal.and_then(|own| own.product_id.clone()),
        mark: Some(Mark { expires: Some(freeze.expires), ..Mark::default() }),
        is_spared: false,
        rule: Some(Rule::Freeze),
        notification_emails: own.map_or(&freeze.notification_emails, |own| &own.notification_emails).clone(),
        reason: Some(also.fold(freeze.reason.clone(), |reason, also| reason + &also)),
        source: freeze.source.clone(),
    }
}

fn unmatched_patterns<'a>(freeze: &'a Freeze, list: &'a OfferList) -> impl Iterator<Item = UnmatchedPattern> + 'a {
    let matches_none = |one: &&LocatedPattern| !list.offers.iter().any(|offer| one.pattern.matches(&offer.id));
    freeze.offers.iter().chain(&freeze.except).filter(matches_none).map(|one| UnmatchedPattern {
        pattern: one.pattern.clone(),
        source: one.source.clone(),
        publisher: freeze.publisher.clone(),
        nearest: nearest(&one.pattern, list),
    })
}

/// The ids that are most like a pattern, if any is like it at all.
fn nearest(pattern: &OfferPattern, list: &OfferList) -> Vec<OfferId> {
    let named = list.offers.iter().filter(|offer| !offer.is_nameless);
    let mut ranked: Vec<(usize, &OfferId)> = named.map(|offer| (pattern.distance(&offer.id), &offer.id)).collect();
    ranked.sort();
    ranked.into_iter().take(NAMED_IDS).map(|(_, id)| id.clone()).collect()
}
