//! The decision table: one offer, one look at the portal, one decision.
//!
//! Owns the table and its order of precedence, and the refusal by `maxCancels`. The messages
//! written here are plain text that may quote the portal; who renders them escapes them.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use jiff::Timestamp;

use super::digest::DecisionDocument;
use super::document::{Decision, Entry, FormatVersion, Note, Plan, PlanFailure, PlanSelection, PlannedPortal, Summary};
use crate::domain::{
    Cancellability, Capabilities, DesiredOffer, FailureScope, FileDigest, JobId, Limits, Live, Mark, Observed,
    Operation, OperationId, Phase, PinSighting, PortalKind, PortalOrigin, ProductId, RestingOperation,
    RunningOperation, SchemaVersion, SellerId, StatusWord,
};

/// A portal that a plan is made on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortalFacts {
    /// Which API it speaks.
    pub kind: PortalKind,
    /// Where it is.
    pub origin: PortalOrigin,
    /// What it can do.
    pub capabilities: Capabilities,
    /// The account in whose name it is asked.
    pub seller: Option<SellerId>,
    /// The version of the documents that it is asked about, where that is not the usual one.
    pub schema_version: Option<SchemaVersion>,
}

/// What a plan states besides its entries.
#[derive(Debug, Clone)]
pub struct PlanFacts {
    /// Name and version of the program.
    pub tool: String,
    /// The moment at which marks expire or not, and that ages are counted from.
    pub now: Timestamp,
    /// Which offers the plan is about.
    pub selection: PlanSelection,
    /// The portals in use.
    pub portals: Vec<PortalFacts>,
    /// The files that were read.
    pub desired: Vec<FileDigest>,
    /// The most cancellations that the whole plan may hold; none: what the files allow.
    pub max_cancels: Option<u32>,
}

impl PlanFacts {
    fn capabilities(&self, kind: PortalKind) -> Option<&Capabilities> {
        self.portals.iter().find(|portal| portal.kind == kind).map(|portal| &portal.capabilities)
    }

    fn planned_portals(&self) -> Vec<PlannedPortal> {
        let planned = |facts: &PortalFacts| PlannedPortal {
            portal: facts.kind,
            origin: facts.origin.clone(),
            seller: facts.seller,
            schema_version: facts.schema_version.clone(),
        };
        let mut portals: Vec<PlannedPortal> = self.portals.iter().map(planned).collect();
        portals.sort_by_key(|planned| planned.portal);
        portals
    }
}

/// One offer with what was seen of it.
#[derive(Debug, Clone)]
pub struct Observation {
    /// What is wanted.
    pub desired: DesiredOffer,
    /// What was seen; none: the portal was not asked.
    pub observed: Option<Observed>,
}

/// A desired state with what was seen of its offers.
#[derive(Debug, Clone)]
pub struct ObservedState {
    /// What its document allows. It holds for this document by itself.
    pub limits: Limits,
    /// Its offers.
    pub offers: Vec<Observation>,
}

/// Makes the plan.
///
/// The order of states and offers makes no difference:
///
/// ```
/// use cancel_pending::desired::{SourceFile, read};
/// use cancel_pending::domain::Observed;
/// use cancel_pending::plan::{Decision, Observation, ObservedState, PlanFacts, plan};
///
/// let text = "publisher: contoso\noffers: [{id: b, cancelPending: true}, {id: a}]\n";
/// let set = read(&[SourceFile { path: "offers.yaml".into(), bytes: text.into() }]).unwrap();
/// let facts = PlanFacts {
///     tool: "cancel-pending".into(),
///     now: "2026-11-22T12:00:00Z".parse().unwrap(),
///     selection: Default::default(),
///     portals: vec![],
///     desired: set.files.clone(),
///     max_cancels: None,
/// };
/// let seen = |desired: &_| Observation { desired: Clone::clone(desired), observed: Some(Observed::nothing()) };
/// let state = &set.states[0];
/// let plan_of = |offers| plan(&facts, vec![ObservedState { limits: state.limits, offers }]);
/// let forwards = plan_of(state.offers.iter().map(seen).collect());
/// let backwards = plan_of(state.offers.iter().rev().map(seen).collect());
/// assert_eq!(forwards, backwards);
/// assert_eq!(forwards.entries[0].decision, Decision::Ignored);
/// assert_eq!(forwards.entries[1].decision, Decision::InSync);
/// ```
#[must_use]
pub fn plan(facts: &PlanFacts, states: Vec<ObservedState>) -> Plan {
    let mut entries = Vec::with_capacity(states.iter().map(|state| state.offers.len()).sum());
    let mut refusals = Vec::new();
    let mut unused_emails = BTreeSet::new();
    for ObservedState { limits, offers } in states {
        let from = entries.len();
        let has_unused = |one: &&Observation| {
            let takes = facts.capabilities(one.desired.key.portal).is_none_or(|can| can.takes_notification_emails);
            !takes && !one.desired.notification_emails.is_empty()
        };
        unused_emails.extend(offers.iter().filter(has_unused).map(|one| one.desired.key.portal));
        entries.extend(offers.into_iter().map(|observation| decide(observation, facts)));
        refusals.extend(refusal(limits, &entries[from..]));
    }
    entries.sort_by(|a, b| (a.portal, &a.publisher, &a.offer).cmp(&(b.portal, &b.publisher, &b.offer)));
    refuse_shared_products(&mut entries);
    refuse_shared_jobs(&mut entries);
    tell_unused_emails(&unused_emails, &mut entries);
    refusals.sort();
    refusals.extend(refusal_of_all(facts.max_cancels, &entries));
    let portals = facts.planned_portals();
    Plan {
        format_version: FormatVersion,
        tool: facts.tool.clone(),
        created_at: facts.now,
        selection: facts.selection.clone(),
        decision_digest: DecisionDocument::of(&portals, &entries).digest(),
        portals,
        desired: facts.desired.clone(),
        refused: (!refusals.is_empty()).then(|| refusals.join("; ")),
        failed: None,
        summary: Summary::of(&entries),
        entries,
        freezes: Vec::new(),
        coverage: None,
    }
}

/// The plan that states why there is none.
#[must_use]
pub fn failed_plan(facts: &PlanFacts, failures: Vec<PlanFailure>) -> Plan {
    Plan { failed: Some(failures), ..plan(facts, Vec::new()) }
}

fn refusal_of_all(max: Option<u32>, entries: &[Entry]) -> Option<String> {
    let count = entries.iter().filter(|entry| entry.decision == Decision::Cancel).count();
    let max = max.filter(|max| count > *max as usize)?;
    Some(format!(
        "{} would be cancelled, and --max-cancels allows {max} in all: split the change, or raise --max-cancels",
        operations(count)
    ))
}

fn operations(count: usize) -> String {
    if count == 1 { "1 operation".to_owned() } else { format!("{count} operations") }
}

fn refusal(limits: Limits, entries: &[Entry]) -> Option<String> {
    let max = limits.max_cancels as usize;
    let mut cancels = entries.iter().filter(|entry| entry.decision == Decision::Cancel);
    let first = cancels.next()?;
    let count = 1 + cancels.count();
    (count > max).then(|| {
        let by_default = if limits.is_written { "" } else { " by default" };
        format!(
            "{} would be cancelled, and `limits.maxCancels` of {} allows {max}{by_default}: split the change, or raise \
             the limit in a reviewed change",
            operations(count),
            first.source.path
        )
    })
}

/// What follows from one look at the portal.
struct Verdict {
    decision: Decision,
    note: Option<Note>,
    message: Option<String>,
}

impl Verdict {
    fn new(decision: Decision, note: Option<Note>, message: impl Into<Option<String>>) -> Self {
        Self { decision, note, message: message.into() }
    }
}

fn decide(observation: Observation, facts: &PlanFacts) -> Entry {
    let Observation { desired, observed } = observation;
    let verdict = match &desired.mark {
        None => Verdict::new(Decision::Ignored, None, None),
        Some(mark) if mark.is_expired(facts.now) => {
            let at = mark.expires.map(|at| at.to_string()).unwrap_or_default();
            Verdict::new(Decision::Expired, None, format!("the mark expired at {at}"))
        }
        Some(mark) => match &observed {
            Some(observed) => {
                let reaches_later = facts.capabilities(desired.key.portal).is_none_or(|can| can.cancels_unpinned);
                let verdict = marked(mark, observed, reaches_later);
                match running_caveat(&verdict, observed) {
                    Some(caveat) => Verdict { message: Some(joined(verdict.message, caveat)), ..verdict },
                    None => verdict,
                }
            }
            None => Verdict::new(Decision::Error, Some(Note::NotRead), "the live state was not read".to_owned()),
        },
    };
    let (product, running) = match observed.filter(|_| verdict.decision != Decision::Expired) {
        Some(Observed { live: Live::Running(running), product, .. }) => (product, Some(running)),
        Some(Observed { product, .. }) => (product, None),
        None => (None, None),
    };
    let takes_emails = facts.capabilities(desired.key.portal).is_none_or(|can| can.takes_notification_emails);
    let (guard, operation) = running.map(|running| (running.guard, Box::new(running.operation))).unzip();
    Entry {
        portal: desired.key.portal,
        publisher: desired.key.publisher,
        offer: desired.key.offer,
        product_id: product,
        decision: verdict.decision,
        note: verdict.note,
        rule: desired.rule,
        reason: desired.reason,
        expires: desired.mark.as_ref().and_then(|mark| mark.expires),
        message: verdict.message,
        source: desired.source,
        notification_emails: if takes_emails { desired.notification_emails } else { Vec::new() },
        guard: guard.flatten(),
        operation,
    }
}

/// What there is to know about a cancellation besides what the portal says of the operation.
fn running_caveat(verdict: &Verdict, observed: &Observed) -> Option<String> {
    match &observed.live {
        Live::Running(running) if verdict.decision == Decision::Cancel => running.caveat.clone(),
        _ => None,
    }
}

fn joined(first: Option<String>, second: String) -> String {
    match first {
        Some(first) => format!("{first}; {second}"),
        None => second,
    }
}

/// Says, once for each portal, that nobody is told of its cancellations, although the file says who is to be.
fn tell_unused_emails(unused: &BTreeSet<PortalKind>, entries: &mut [Entry]) {
    for portal in unused {
        let is_first = |entry: &&mut Entry| entry.portal == *portal && entry.decision == Decision::Cancel;
        if let Some(entry) = entries.iter_mut().find(is_first) {
            let unused = format!("`notificationEmails` is not used on `{portal}`: its cancel call takes no addresses");
            entry.message = Some(joined(entry.message.take(), unused));
        }
    }
}

/// Two entries with one product would be two calls for one thing, whichever portal each is on.
fn refuse_shared_products(entries: &mut [Entry]) {
    let product = |entry: &Entry| entry.product_id.clone();
    refuse_shared(entries, product, |names, product: ProductId| {
        format!("{names} are one product ({product}); keep one of these entries")
    });
}

/// A job that two entries name is that of one of them at the most, and a call would end it for both.
fn refuse_shared_jobs(entries: &mut [Entry]) {
    let job = |entry: &Entry| {
        let operation = entry.operation.as_ref().filter(|_| entry.decision != Decision::Error);
        operation.and_then(|operation| operation.job_id.clone())
    };
    refuse_shared(entries, job, |names, job: JobId| {
        format!("{names} name one job ({job}); correct the `jobId` of all but one")
    });
}

fn refuse_shared<K: Eq + Hash + Clone>(
    entries: &mut [Entry],
    key: impl Fn(&Entry) -> Option<K>,
    message: impl Fn(&str, K) -> String,
) {
    let mut by_key: HashMap<K, Vec<usize>> = HashMap::new();
    for (index, entry) in entries.iter().enumerate() {
        if let Some(key) = key(entry) {
            by_key.entry(key).or_default().push(index);
        }
    }
    for (key, indices) in by_key.into_iter().filter(|(_, indices)| indices.len() > 1) {
        let names: Vec<String> =
            indices.iter().map(|index| format!("{}/{}", entries[*index].publisher, entries[*index].offer)).collect();
        let message = message(&names.join(" and "), key);
        for index in indices {
            entries[index].decision = Decision::Error;
            entries[index].note = None;
            entries[index].message = Some(message.clone());
        }
    }
}

/// `reaches_later`: whether a mark without a pin is for every later operation, too.
fn marked(mark: &Mark, observed: &Observed, reaches_later: bool) -> Verdict {
    let pin = mark.operation_id.as_ref();
    let unpinned = (mark.is_unpinned() && reaches_later).then_some(Note::Unpinned);
    match &observed.live {
        Live::Unreadable(failure) => {
            let note = match failure.scope {
                FailureScope::Offer => unpinned,
                FailureScope::Portal => Some(Note::PortalUnreadable),
            };
            Verdict::new(Decision::Error, note, failure.message.clone())
        }
        Live::Several(ids) => {
            let ids = ids.iter().map(OperationId::as_str).collect::<Vec<_>>().join(", ");
            let message = format!(
                "several operations are running or queued on this offer ({ids}); \
                 wait until only one is left, or cancel in the portal"
            );
            Verdict::new(Decision::Blocked, unpinned, message)
        }
        Live::SeveralProducts(ids) => {
            let ids = ids.iter().map(ProductId::as_str).collect::<Vec<_>>().join(", ");
            let message = format!(
                "several products have this offer's id ({ids}); give the offer the `productId` of the one that is meant"
            );
            Verdict::new(Decision::Blocked, unpinned, message)
        }
        Live::Nothing => match pin {
            None => match &observed.resting {
                Some(resting) => at_rest(resting, unpinned),
                None => Verdict::new(Decision::InSync, unpinned, "no operation is running".to_owned()),
            },
            Some(pin) => not_running(pin, &observed.pin, None),
        },
        Live::Running(running) => match pin {
            Some(pin) if *pin != running.operation.id => not_running(pin, &observed.pin, Some(&running.operation)),
            _ => running_operation(running, unpinned),
        },
    }
}

/// The pinned operation is not the one that runs. Whether its mark is spent depends on what the
/// portal says of it: that it is not running does not say that it is over.
fn not_running(pin: &OperationId, sighting: &PinSighting, other: Option<&Operation>) -> Verdict {
    let others = match other {
        Some(other) => {
            let kind = other.kind.as_deref().unwrap_or("operation");
            format!("{kind} {} is running and is left alone", other.id)
        }
        None => "no operation is running".to_owned(),
    };
    match sighting {
        PinSighting::Known { phase: Phase::AwaitsGoLive, word } => {
            let message = format!(
                "the preview of the pinned operation {pin} is done and waits for the publisher to go live{}: it is too late \
                 to cancel it; {others}",
                status(word.as_ref())
            );
            Verdict::new(Decision::Blocked, Some(Note::TooLate), message)
        }
        PinSighting::Known { phase: Phase::Draft, word } => {
            let message = format!(
                "the pinned operation {pin} is a draft that was not submitted{}; {others}",
                status(word.as_ref())
            );
            Verdict::new(Decision::InSync, Some(Note::Draft), message)
        }
        PinSighting::Known { phase, word } if phase.is_over() => {
            let message = format!("the pinned operation {pin} is over{}; {others}", status(word.as_ref()));
            Verdict::new(Decision::InSync, Some(Note::Spent), message)
        }
        PinSighting::Known { word, .. } => {
            let message = format!(
                "the portal does not list the pinned operation {pin} as running, and does not say that it is over{}; {others}",
                status(word.as_ref())
            );
            Verdict::new(Decision::Blocked, None, message)
        }
        PinSighting::Unreadable(failure) => {
            let message = format!("the pinned operation {pin} could not be read: {failure}; {others}");
            Verdict::new(Decision::Error, None, message)
        }
        PinSighting::Unknown | PinSighting::NotLooked => {
            let message = format!(
                "the portal does not know the pinned operation {pin}: its id is mistyped, or it ended and was forgotten; {others}"
            );
            let decision = if other.is_some() { Decision::Blocked } else { Decision::InSync };
            Verdict::new(decision, Some(Note::UnknownPin), message)
        }
    }
}

/// Nothing runs, and what is there waits for somebody.
fn at_rest(resting: &RestingOperation, unpinned: Option<Note>) -> Verdict {
    let RestingOperation { id, phase, word, message } = resting;
    let (note, what) = match phase {
        Phase::AwaitsGoLive => (Some(Note::AwaitsGoLive), "the preview is done and waits for the publisher to go live"),
        Phase::Draft => (Some(Note::Draft), "there is a draft that was not submitted"),
        _ => (unpinned, "the last one failed"),
    };
    let says = message.as_ref().map(|text| format!("; the portal says: {text}")).unwrap_or_default();
    let message = format!("no operation is running: {what} ({id}, portal status: `{word}`){says}");
    Verdict::new(Decision::InSync, note, message)
}

fn status(word: Option<&StatusWord>) -> String {
    word.map(|word| format!(" (portal status: `{word}`)")).unwrap_or_default()
}

/// The wanted operation runs: can it be cancelled, is it being cancelled, or neither?
///
/// A word that is not known blocks, whichever of the two it is: the call can't be undone, and
/// "perhaps" is no ground for it.
fn running_operation(running: &RunningOperation, note: Option<Note>) -> Verdict {
    let RunningOperation { operation, message: portal_says, caveat, .. } = running;
    let blocked = |note: Option<Note>, why: String| {
        let message = match portal_says {
            Some(text) => format!("{why}; the portal says: {text}"),
            None => why,
        };
        Verdict::new(Decision::Blocked, note, message)
    };
    let word = |word: &Option<StatusWord>| word.as_ref().map(StatusWord::to_string).unwrap_or_default();
    match (running.cancellability, running.phase) {
        (_, Phase::Cancelling) => Verdict::new(Decision::Wait, note, portal_says.clone()),
        (Cancellability::TooLate, _) => {
            let why = format!("it is too late to cancel this operation{}", status(operation.state.as_ref()));
            blocked(Some(Note::TooLate), why)
        }
        (Cancellability::Refused, _) => {
            let why =
                format!("the portal says that this operation can't be cancelled (`{}`)", word(&operation.cancellation));
            blocked(note, why)
        }
        (Cancellability::Unknown, _) => {
            let why = format!(
                "the portal's word for whether this operation can be cancelled is not known (`{}`)",
                word(&operation.cancellation)
            );
            blocked(note, why)
        }
        (Cancellability::Unguarded, _) => {
            let unsaid = || "what guards a call from hitting another operation does not hold".to_owned();
            blocked(note, caveat.clone().unwrap_or_else(unsaid))
        }
        (Cancellability::Allowed | Cancellability::Unsaid, Phase::Queued | Phase::Running) => {
            Verdict::new(Decision::Cancel, note, portal_says.clone())
        }
        (Cancellability::Allowed | Cancellability::Unsaid, _) => {
            let why = match caveat {
                Some(caveat) => format!("{caveat}{}", status(operation.state.as_ref())),
                None => format!(
                    "the portal's word for the state of this operation is not known (`{}`)",
                    word(&operation.state)
                ),
            };
            blocked(note, why)
        }
    }
}
