//! The decision table: one offer, one look at the portal, one decision.
//!
//! Owns the table and its order of precedence, and the refusal by `maxCancels`. The messages
//! written here are plain text that may quote the portal; who renders them escapes them.

use jiff::Timestamp;

use super::digest::DecisionDocument;
use super::document::{Decision, Entry, FormatVersion, Note, Plan, Summary};
use crate::domain::{
    CancellationWord, DesiredOffer, FileDigest, Limits, Live, Mark, Operation, OperationId, Phase, PortalOrigin,
    StatusWord,
};

/// What a plan states besides its entries.
#[derive(Debug, Clone)]
pub struct PlanFacts {
    /// Name and version of the program.
    pub tool: String,
    /// The moment at which marks expire or not, and that ages are counted from.
    pub now: Timestamp,
    /// The portal that was read.
    pub portal: PortalOrigin,
    /// The files that were read.
    pub desired: Vec<FileDigest>,
}

/// One offer with what was seen of it.
#[derive(Debug, Clone)]
pub struct Observation {
    /// What is wanted.
    pub desired: DesiredOffer,
    /// What was seen; none: the portal was not asked.
    pub live: Option<Live>,
}

/// Makes the plan. `groups` are the desired states: their limits hold for each by itself.
///
/// The order of groups and offers makes no difference:
///
/// ```
/// use cancel_pending::desired::{SourceFile, read};
/// use cancel_pending::domain::{Live, PortalOrigin};
/// use cancel_pending::plan::{Decision, Observation, PlanFacts, plan};
///
/// let text = "publisher: contoso\noffers: [{id: b, cancelPending: true}, {id: a}]\n";
/// let set = read(&[SourceFile { path: "offers.yaml".into(), bytes: text.into() }]).unwrap();
/// let facts = PlanFacts {
///     tool: "cancel-pending".into(),
///     now: "2026-11-22T12:00:00Z".parse().unwrap(),
///     portal: PortalOrigin::microsoft(),
///     desired: set.files.clone(),
/// };
/// let seen = |desired: &_| Observation { desired: Clone::clone(desired), live: Some(Live::Nothing) };
/// let state = &set.states[0];
/// let forwards = plan(&facts, vec![(state.limits, state.offers.iter().map(seen).collect())]);
/// let backwards = plan(&facts, vec![(state.limits, state.offers.iter().rev().map(seen).collect())]);
/// assert_eq!(forwards, backwards);
/// assert_eq!(forwards.entries[0].decision, Decision::Ignored);
/// assert_eq!(forwards.entries[1].decision, Decision::InSync);
/// ```
#[must_use]
pub fn plan(facts: &PlanFacts, groups: Vec<(Limits, Vec<Observation>)>) -> Plan {
    let mut entries = Vec::with_capacity(groups.iter().map(|(_, observations)| observations.len()).sum());
    let mut refusals = Vec::new();
    for (limits, observations) in groups {
        let from = entries.len();
        entries.extend(observations.into_iter().map(|observation| decide(observation, facts.now)));
        refusals.extend(refusal(limits, &entries[from..]));
    }
    entries.sort_by(|a, b| (&a.publisher, &a.offer).cmp(&(&b.publisher, &b.offer)));
    refusals.sort();
    Plan {
        format_version: FormatVersion,
        tool: facts.tool.clone(),
        created_at: facts.now,
        portal: facts.portal.clone(),
        desired: facts.desired.clone(),
        decision_digest: DecisionDocument::of(&facts.portal, &entries).digest(),
        refused: (!refusals.is_empty()).then(|| refusals.join("; ")),
        summary: Summary::of(&entries),
        entries,
    }
}

fn refusal(limits: Limits, entries: &[Entry]) -> Option<String> {
    let max = limits.max_cancels? as usize;
    let mut cancels = entries.iter().filter(|entry| entry.decision == Decision::Cancel);
    let first = cancels.next()?;
    let count = 1 + cancels.count();
    (count > max).then(|| {
        let operations = if count == 1 { "operation" } else { "operations" };
        format!(
            "{count} {operations} would be cancelled, and `limits.maxCancels` of {} allows {max}",
            first.source.path
        )
    })
}

/// What an entry says whose offer the portal was not asked about.
const NOT_READ: &str = "the live state was not read";

impl Entry {
    /// Whether nothing is known of the live state because nobody asked for it.
    #[must_use]
    pub fn is_unread(&self) -> bool {
        self.decision == Decision::Error && self.message.as_deref() == Some(NOT_READ)
    }
}

/// What follows from one look at the portal.
struct Verdict {
    decision: Decision,
    note: Option<Note>,
    message: Option<String>,
    operation: Option<Box<Operation>>,
    etag: Option<String>,
}

impl Verdict {
    fn new(decision: Decision, note: Option<Note>, message: impl Into<Option<String>>) -> Self {
        Self { decision, note, message: message.into(), operation: None, etag: None }
    }
}

fn decide(observation: Observation, now: Timestamp) -> Entry {
    let Observation { desired, live } = observation;
    let verdict = match &desired.mark {
        None => Verdict::new(Decision::Ignored, None, None),
        Some(mark) if mark.is_expired(now) => {
            let at = mark.expires.map(|at| at.to_string()).unwrap_or_default();
            Verdict::new(Decision::Expired, None, format!("the mark expired at {at}"))
        }
        Some(mark) => match live {
            Some(live) => marked(mark, live),
            None => Verdict::new(Decision::Error, unpinned(mark), NOT_READ.to_owned()),
        },
    };
    Entry {
        publisher: desired.publisher,
        offer: desired.offer,
        decision: verdict.decision,
        note: verdict.note,
        reason: desired.reason,
        message: verdict.message,
        source: desired.source,
        notification_emails: desired.notification_emails,
        etag: verdict.etag,
        operation: verdict.operation,
    }
}

fn unpinned(mark: &Mark) -> Option<Note> {
    mark.operation_id.is_none().then_some(Note::Unpinned)
}

fn marked(mark: &Mark, live: Live) -> Verdict {
    match live {
        Live::Unreadable(failure) => Verdict::new(Decision::Error, unpinned(mark), failure.message),
        Live::Several(ids) => {
            let ids = ids.iter().map(OperationId::as_str).collect::<Vec<_>>().join(", ");
            let message = format!(
                "several operations run on this offer ({ids}), and the cancel call can't say which one it is for; \
                 wait until one is left, or cancel in the portal"
            );
            Verdict::new(Decision::Error, unpinned(mark), message)
        }
        Live::Nothing => match &mark.operation_id {
            None => Verdict::new(Decision::InSync, Some(Note::Unpinned), "nothing is running".to_owned()),
            Some(pin) => {
                let message = format!("nothing is running, the pinned operation {pin} is over");
                Verdict::new(Decision::InSync, Some(Note::Spent), message)
            }
        },
        Live::Running { operation, etag, message } => {
            let mut verdict = match &mark.operation_id {
                Some(pin) if !pin.same(&operation.id) => {
                    let kind = operation.kind.as_deref().unwrap_or("operation");
                    let message = format!(
                        "the pinned operation {pin} is not running; {kind} {} is, and is left alone",
                        operation.id
                    );
                    Verdict::new(Decision::InSync, Some(Note::Spent), message)
                }
                _ => running(&operation, unpinned(mark), message),
            };
            verdict.operation = Some(operation);
            verdict.etag = etag;
            verdict
        }
    }
}

/// The wanted operation runs: may it be cancelled, is it being cancelled, or neither?
///
/// A word that is not known blocks, whichever of the two it is: the call can't be undone, and
/// "perhaps" is no ground for it.
fn running(operation: &Operation, note: Option<Note>, portal_says: Option<String>) -> Verdict {
    let with_portal = |why: String| match &portal_says {
        Some(text) => format!("{why}; the portal says: {text}"),
        None => why,
    };
    let cancellation = operation.cancellation.as_ref().map(StatusWord::cancellation);
    let phase = operation.state.as_ref().map_or(Phase::Pending, StatusWord::phase);
    let word = |word: &Option<StatusWord>| word.as_ref().map(StatusWord::to_string).unwrap_or_default();
    match (cancellation, phase) {
        (Some(CancellationWord::Requested), _) | (_, Phase::Cancelling) => {
            Verdict::new(Decision::Wait, note, portal_says)
        }
        (Some(CancellationWord::Cannot), _) => {
            let why = format!("the portal says that it can't be cancelled (`{}`)", word(&operation.cancellation));
            Verdict::new(Decision::Blocked, note, with_portal(why))
        }
        (Some(CancellationWord::Unknown), _) => {
            let why = format!(
                "the portal describes whether it can be cancelled by a word that is not known (`{}`)",
                word(&operation.cancellation)
            );
            Verdict::new(Decision::Blocked, note, with_portal(why))
        }
        (Some(CancellationWord::Can) | None, Phase::Unknown) => {
            let why =
                format!("the portal describes its state by a word that is not known (`{}`)", word(&operation.state));
            Verdict::new(Decision::Blocked, note, with_portal(why))
        }
        (Some(CancellationWord::Can) | None, _) => Verdict::new(Decision::Cancel, note, portal_says),
    }
}
