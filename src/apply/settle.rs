//! Calls that an earlier run left open and that are not part of this plan.
//!
//! Owns the one look at each. They are neither waited for nor sent again, and do not change how
//! the run ends.

use super::Watch;
use super::ending::Sent;
use super::entry::Shared;
use super::journal::{JournalSubject, OpenCall, SharedJournal};
use crate::domain::{Live, OfferQuery, Phase, PinSighting};
use crate::outcome::Outcome;
use crate::portal::{Backends, ReadPortal as _};

/// What one look at an open call of another plan brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettledCall {
    /// The call.
    pub call: OpenCall,
    /// How it ended; none: it is still open.
    pub outcome: Option<Outcome>,
    /// What was seen, in words.
    pub seen: String,
}

pub(super) async fn look<W: Watch>(call: OpenCall, backends: &Backends, shared: &Shared<'_, W>) -> SettledCall {
    let backend = backends.get(call.key.portal).filter(|backend| *backend.origin() == call.origin);
    let Some(backend) = backend else {
        return SettledCall {
            call,
            outcome: None,
            seen: "not checked: its portal is not in use in this run".to_owned(),
        };
    };
    let query = OfferQuery {
        key: call.key.clone(),
        product: call.product.clone(),
        operation: Some(call.operation_id.clone()),
        job: call.job.clone(),
    };
    let reader = backend.follower();
    let observed = tokio::select! {
        biased;
        observed = reader.live(&query) => observed,
        () = shared.stop.requested() => {
            return SettledCall { call, outcome: None, seen: "not checked: the run was interrupted".to_owned() };
        }
        () = tokio::time::sleep_until(shared.deadline) => {
            return SettledCall { call, outcome: None, seen: "not checked: the timeout was reached".to_owned() };
        }
    };
    let (outcome, seen) = match observed {
        Err(failure) => (None, format!("not checked: {failure}")),
        Ok(observed) => match (&observed.live, &observed.pin) {
            (Live::Running(running), _) if running.operation.id == call.operation_id => {
                (None, "the operation is still running".to_owned())
            }
            (_, PinSighting::Known { phase: Phase::Cancelled, .. }) => {
                (Some(Outcome::Cancelled), "the operation was cancelled".to_owned())
            }
            (_, PinSighting::Known { phase, word }) if phase.has_ended_by_itself() => {
                let word = word.as_ref().map(|word| format!(" (portal status: `{word}`)")).unwrap_or_default();
                (Some(Outcome::Completed), format!("the operation ended by itself{word}"))
            }
            (Live::Nothing, _) if call.sent == Sent::Done => {
                (Some(Outcome::Cancelled), "the operation is no longer running".to_owned())
            }
            (_, PinSighting::Unknown) if backend.capabilities().forgets_cancelled => {
                (Some(Outcome::Cancelled), "the portal no longer lists the operation".to_owned())
            }
            (_, PinSighting::Unknown) => (None, "the portal no longer knows the operation".to_owned()),
            _ => (None, "the portal does not say how the operation ended".to_owned()),
        },
    };
    if let Some(outcome) = outcome {
        write(shared.journal, &call, outcome, &seen).await;
    }
    SettledCall { call, outcome, seen }
}

async fn write(journal: &SharedJournal, call: &OpenCall, outcome: Outcome, seen: &str) {
    let subject = JournalSubject {
        key: &call.key,
        origin: &call.origin,
        operation: &call.operation_id,
        product: call.product.as_ref(),
        job: call.job.as_ref(),
    };
    if let Err(error) = journal.outcome(&subject, outcome, Some(seen), false).await {
        // It stays open, and the next run looks at it again.
        tracing::warn!(%error, "the journal can't be written");
    }
}
