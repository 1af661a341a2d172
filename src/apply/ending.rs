//! How an entry ended, and the words for it.
//!
//! Owns the sentences: they can be read here in one sitting. Pure; what happened was found out
//! in `entry` and `follow`. The texts may quote the portal; who renders them escapes them.

use jiff::Timestamp;

use crate::domain::{OperationId, ProductId, StatusWord};
use crate::outcome::Outcome;

/// What is known of the calls that were sent for an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// None, or only such as the portal clearly did not carry out.
    Nothing,
    /// One may have been carried out.
    Perhaps,
    /// The portal accepted it: it is cancelling.
    Accepted,
    /// The portal says that the operation is cancelled.
    Done,
}

/// What the run knew when it had to end early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Knowledge {
    pub sent: Sent,
    /// Whether the operation was seen being cancelled, by whomever.
    pub seen_cancelling: bool,
    /// How many calls left this machine.
    pub attempts: u32,
    /// What was seen last.
    pub last_seen: Option<String>,
}

/// Why the operation can't be cancelled, although it is running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Obstacle {
    TooLate(Option<StatusWord>),
    NotAllowed(Option<StatusWord>),
    UnknownState(Option<StatusWord>),
    /// What would keep the call from hitting another operation does not hold.
    Unguarded(Option<String>),
    Several(Vec<OperationId>),
    SeveralProducts(Vec<ProductId>),
}

/// How an entry ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    /// Cancelled and confirmed.
    Cancelled,
    /// It had ended by a cancellation that was not ours.
    AlreadyDone { refusal: Option<String> },
    /// It ended by itself.
    Completed { word: Option<StatusWord>, attempts: u32 },
    /// It is not running, and nothing says how it ended. Nothing that we sent did it.
    Vanished { seen: Option<String>, attempts: u32 },
    /// Another operation is running in its place; `word` is how the planned one ended, if that was read.
    Superseded { other: OperationId, word: Option<StatusWord> },
    /// The call was answered with a clear no.
    Refused { why: String, sent: Sent },
    /// It is running and can't be cancelled.
    Blocked { obstacle: Obstacle, sent: Sent, attempts: u32 },
    /// It was not to be cancelled after all.
    Withheld { why: String },
    /// The mark expired before the call.
    Expired { at: Timestamp, sent: Sent, attempts: u32 },
    /// The portal answered that it is cancelled, and does not say that of this operation.
    Unconfirmed { seen: Option<String> },
    /// A call of an earlier run may have been carried out, and the portal no longer knows the operation.
    Forgotten { sent: Sent },
    /// A call of an earlier run may have been carried out, and the operation is still running.
    StillRunning,
    /// Somebody else's cancellation of it stopped.
    NoLongerCancelling,
    /// The portal's tag is refused by the portal itself.
    TagRejected { tag: String },
    /// The cancellation itself failed.
    CancellationFailed { word: Option<StatusWord>, attempts: u32 },
    /// No more calls.
    GivenUp { attempts: u32, sent: Sent, why: Option<String> },
    /// The live state or the guard can't be read.
    Unreadable { why: String, knowledge: Knowledge },
    /// The journal can't be written, so nothing is sent.
    NoJournal { why: String, sent: Sent },
    /// Accepted, and nobody asked to wait.
    NotFollowed { by_us: bool },
    /// The run was interrupted.
    Interrupted(Knowledge),
    /// The time is over.
    TimedOut { knowledge: Knowledge, is_over: bool },
}

impl Ending {
    /// The outcome.
    pub const fn outcome(&self) -> Outcome {
        match self {
            Self::Cancelled => Outcome::Cancelled,
            Self::AlreadyDone { .. } => Outcome::AlreadyDone,
            Self::Completed { .. } => Outcome::Completed,
            // Of several calls an earlier one may still take effect.
            Self::Vanished { .. } | Self::StillRunning | Self::CancellationFailed { attempts: 2.., .. } => {
                Outcome::Unknown
            }
            Self::Forgotten { sent } => match sent {
                Sent::Accepted | Sent::Done => Outcome::Accepted,
                Sent::Perhaps | Sent::Nothing => Outcome::Unknown,
            },
            Self::Superseded { .. } => Outcome::Superseded,
            Self::Withheld { .. } | Self::Expired { attempts: 0, .. } => Outcome::NotAttempted,
            Self::NoLongerCancelling | Self::TagRejected { .. } | Self::CancellationFailed { .. } => Outcome::Failed,
            Self::Refused { sent, .. }
            | Self::Blocked { sent, .. }
            | Self::Expired { sent, .. }
            | Self::GivenUp { sent, .. }
            | Self::NoJournal { sent, .. } => match sent {
                Sent::Nothing => Outcome::Failed,
                _ => Outcome::Unknown,
            },
            Self::Unreadable { knowledge, .. } => match knowledge.sent {
                Sent::Nothing if knowledge.seen_cancelling => Outcome::Accepted,
                Sent::Nothing => Outcome::Failed,
                Sent::Accepted => Outcome::Accepted,
                Sent::Perhaps | Sent::Done => Outcome::Unknown,
            },
            Self::NotFollowed { .. } | Self::Unconfirmed { .. } => Outcome::Accepted,
            Self::Interrupted(knowledge) => knowledge.outcome(),
            Self::TimedOut { knowledge, is_over } => {
                if *is_over && !matches!(knowledge.sent, Sent::Nothing) {
                    Outcome::Unknown
                } else {
                    knowledge.outcome()
                }
            }
        }
    }

    /// What there is to say about it.
    pub fn message(&self) -> Option<String> {
        Some(match self {
            Self::Cancelled => return None,
            Self::AlreadyDone { refusal: None } => "it was cancelled before a call was needed".to_owned(),
            Self::AlreadyDone { refusal: Some(why) } => {
                format!("it was cancelled by somebody else before our call took effect: {why}")
            }
            Self::Completed { word, attempts: 0 } => {
                format!("the operation ended by itself{} before a call was sent", status(word.as_ref()))
            }
            Self::Completed { word, .. } => {
                format!("the operation ended by itself{} before the cancellation took effect", status(word.as_ref()))
            }
            Self::Vanished { seen, attempts } => {
                let seen = seen.as_ref().map(|seen| format!(" ({seen})")).unwrap_or_default();
                format!(
                    "the operation is not running, and the portal does not say how it ended{seen}{}",
                    unsent(*attempts)
                )
            }
            Self::Unconfirmed { seen } => {
                let seen = seen.as_ref().map(|seen| format!(" ({seen})")).unwrap_or_default();
                format!("the portal answered that the operation is cancelled, and does not say how it ended{seen}")
            }
            Self::Superseded { other, word } => {
                let ended = word.as_ref().map(|word| format!(" (portal status: `{word}`)")).unwrap_or_default();
                format!(
                    "the operation is no longer running{ended}; another operation, {other}, is running and was left alone"
                )
            }
            Self::Refused { why, sent: Sent::Nothing } | Self::NoJournal { why, .. } => why.clone(),
            Self::Refused { why, .. } => {
                format!("{why}; an earlier call, whose response was lost, may still take effect")
            }
            Self::Blocked { obstacle, attempts, .. } => format!("{}{}", blocked(obstacle), unsent(*attempts)),
            Self::Withheld { why } => format!("{why}; nothing was sent"),
            Self::Expired { at, attempts, .. } => format!("the mark expired at {at}{}", unsent(*attempts)),
            Self::Forgotten { .. } => {
                "an earlier run sent a cancel call; the operation is not running, and the portal no longer knows it"
                    .to_owned()
            }
            Self::StillRunning => {
                "an earlier run sent a cancel call whose response was lost; the operation is still running, and this \
                 plan does not cancel it"
                    .to_owned()
            }
            Self::NoLongerCancelling => "it was being cancelled, and no longer is; make a new plan".to_owned(),
            Self::TagRejected { tag } => format!(
                "the portal rejected the call because of the entity tag `{tag}`, and gives the same tag again: \
                 the offer did not change, so the same call was not repeated; make a new plan, or cancel in the portal"
            ),
            Self::CancellationFailed { word, attempts } => {
                let earlier = if *attempts > 1 { "; an earlier call may still take effect" } else { "" };
                format!("the cancellation failed{}, and the operation is still running{earlier}", status(word.as_ref()))
            }
            Self::GivenUp { attempts, sent, why } => {
                let calls =
                    if *attempts == 1 { "1 cancel call".to_owned() } else { format!("{attempts} cancel calls") };
                let why = why.as_ref().map(|why| format!(" (last: {why})")).unwrap_or_default();
                match sent {
                    Sent::Nothing => format!("none of {calls} took effect{why}; make a new plan"),
                    _ => format!(
                        "the operation is still running after {calls} without a clear answer{why}; make a new plan"
                    ),
                }
            }
            Self::Unreadable { why, knowledge } => match knowledge.sent {
                Sent::Nothing if knowledge.attempts == 0 => format!("nothing was sent: {why}"),
                Sent::Nothing => why.clone(),
                Sent::Accepted => format!("the portal accepted the cancellation; {why}"),
                Sent::Perhaps | Sent::Done => {
                    format!("a cancel call was sent, and its result could not be read: {why}")
                }
            },
            Self::NotFollowed { by_us: true } => {
                "the portal accepted the cancellation; its end was not waited for".to_owned()
            }
            Self::NotFollowed { by_us: false } => {
                "it is already being cancelled; its end was not waited for".to_owned()
            }
            Self::Interrupted(knowledge) => interrupted(knowledge),
            Self::TimedOut { knowledge, is_over } => timed_out(knowledge, *is_over),
        })
    }
}

impl Knowledge {
    const fn outcome(&self) -> Outcome {
        match self.sent {
            Sent::Accepted => Outcome::Accepted,
            Sent::Perhaps | Sent::Done => Outcome::Unknown,
            Sent::Nothing if self.seen_cancelling => Outcome::Accepted,
            Sent::Nothing if self.attempts > 0 => Outcome::Failed,
            Sent::Nothing => Outcome::NotAttempted,
        }
    }
}

/// That nothing was sent is said only when nothing was.
const fn unsent(attempts: u32) -> &'static str {
    if attempts == 0 { "; nothing was sent" } else { "; no further call was sent" }
}

fn status(word: Option<&StatusWord>) -> String {
    word.map(|word| format!(" (portal status: `{word}`)")).unwrap_or_default()
}

fn blocked(obstacle: &Obstacle) -> String {
    let word = |word: &Option<StatusWord>| word.as_ref().map(StatusWord::to_string).unwrap_or_default();
    match obstacle {
        Obstacle::TooLate(state) => {
            format!("it is too late to cancel this operation{}", status(state.as_ref()))
        }
        Obstacle::NotAllowed(said) => {
            format!("the portal no longer allows this operation to be cancelled (`{}`)", word(said))
        }
        Obstacle::UnknownState(state) => {
            format!("the portal's word for the state of this operation is not known (`{}`)", word(state))
        }
        Obstacle::Unguarded(Some(why)) => why.clone(),
        Obstacle::Unguarded(None) => {
            "it is not certain that the cancel call would reach this operation and no other".to_owned()
        }
        Obstacle::Several(ids) => {
            let ids: Vec<&str> = ids.iter().map(OperationId::as_str).collect();
            format!("several operations are running or queued on this offer ({})", ids.join(", "))
        }
        Obstacle::SeveralProducts(ids) => {
            let ids: Vec<&str> = ids.iter().map(ProductId::as_str).collect();
            format!("several products have this offer's id ({})", ids.join(", "))
        }
    }
}

/// What a cancelled operation has done before, by the names that the portal gives.
pub(super) fn left_changed(names: &[String]) -> Option<String> {
    (!names.is_empty()).then(|| {
        format!("what its job had finished before stays changed; the portal lists in its detail: {}", names.join(", "))
    })
}

fn interrupted(knowledge: &Knowledge) -> String {
    match knowledge.sent {
        Sent::Accepted => "interrupted after the portal accepted the cancellation",
        Sent::Perhaps => "interrupted before the result of the cancel call was known",
        Sent::Done => "the portal says that it is cancelled; interrupted before that was confirmed",
        Sent::Nothing if knowledge.seen_cancelling => "interrupted while it was being cancelled",
        Sent::Nothing if knowledge.attempts > 0 => "interrupted after a call that did not take effect",
        Sent::Nothing => "interrupted before anything was sent",
    }
    .to_owned()
}

fn timed_out(knowledge: &Knowledge, is_over: bool) -> String {
    let text = match (knowledge.sent, is_over) {
        (Sent::Done, _) => {
            "the portal answered that the operation is cancelled, but still lists it as running; look at it in the portal"
        }
        (Sent::Accepted | Sent::Perhaps, true) => {
            "the portal says that the cancellation has finished, but still lists the operation as running; \
             look at it in the portal"
        }
        (Sent::Accepted, false) => {
            "the portal accepted the cancellation, and it was not confirmed before the timeout; plan again later"
        }
        (Sent::Perhaps, false) => {
            "the response to a cancel call was lost, and the timeout was reached before its result was known"
        }
        (Sent::Nothing, _) if knowledge.seen_cancelling => {
            "it is still being cancelled, and the timeout was reached; plan again later"
        }
        (Sent::Nothing, _) if knowledge.attempts > 0 => "the timeout was reached after a call that did not take effect",
        (Sent::Nothing, _) => "the timeout was reached before anything was sent",
    };
    match &knowledge.last_seen {
        Some(seen) => format!("{text} (last seen: {seen})"),
        None => text.to_owned(),
    }
}
