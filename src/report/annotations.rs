//! Annotations of a GitHub Actions run: a note on the file and line of each mark.
//!
//! Owns what is said there, how many of it, and the escaping of workflow commands. GitHub
//! shows ten of a kind a step and drops the rest without a word; here the tenth says how many
//! more there are.

use super::escape::terminal;
use super::links::Links;
use super::words;
use crate::outcome::{Outcome, OutcomeDocument};
use crate::plan::{Decision, Entry, Note, Plan, PlanFailure, PlannedFreeze, PortalFailure};

/// How many annotations of a kind GitHub shows for a step.
const MOST_OF_A_KIND: usize = 10;

/// How long an annotation's message may be, in characters. GitHub's limit is 4,096.
const MAX_MESSAGE: usize = 1_000;

/// What kind it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnnotationLevel {
    /// Something is wrong.
    Error,
    /// Something irreversible will happen.
    Warning,
    /// Something to know.
    Notice,
}

/// A note on a line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// What kind.
    pub level: AnnotationLevel,
    /// The file and its line; none: about the run as a whole.
    pub place: Option<(String, u64)>,
    /// A few words.
    pub title: String,
    /// Some more.
    pub message: String,
}

/// The annotations of a plan, or of what came of it.
#[must_use]
pub fn annotations(plan: &Plan, outcome: Option<&OutcomeDocument>, links: Links<'_>) -> Vec<Annotation> {
    let mut all: Vec<Annotation> = plan.failed.iter().flatten().map(failure).collect();
    if let Some(refused) = &plan.refused {
        all.push(Annotation {
            level: AnnotationLevel::Error,
            place: None,
            title: "The plan is refused".to_owned(),
            message: refused.clone(),
        });
    }
    all.extend(plan.portal_failures().iter().map(portal_failure));
    let ended = outcome.map(OutcomeDocument::by_offer).unwrap_or_default();
    if outcome.is_none() {
        all.extend(plan.freezes.iter().map(|freeze| self::freeze(freeze, plan)));
    }
    let uncovered = plan.incomplete_coverage().filter_map(|one| one.error.as_ref().map(|why| (one, why)));
    all.extend(uncovered.map(|(one, why)| Annotation {
        level: AnnotationLevel::Error,
        place: None,
        title: format!("Coverage of {} is not known", words::covered_publisher(one, plan)),
        message: why.clone(),
    }));
    for entry in plan.entries.iter().filter(|entry| !entry.is_portal_unreadable()) {
        let ended = ended.get(&entry.key());
        // What a freeze cancels is told once, with the freeze.
        let is_told = !matches!(entry.decision, Decision::Blocked | Decision::Error) && entry.is_frozen();
        if ended.is_none() && is_told {
            continue;
        }
        let (level, title, message) = match ended {
            Some(ended) => {
                let level = match ended.outcome {
                    Outcome::Failed | Outcome::Completed | Outcome::NotAttempted => AnnotationLevel::Error,
                    Outcome::Unknown | Outcome::Accepted => AnnotationLevel::Warning,
                    Outcome::Cancelled | Outcome::AlreadyDone | Outcome::Superseded => AnnotationLevel::Notice,
                };
                let location = ended.location.as_deref().and_then(|location| links.told(ended.portal, location));
                let how = [words::how(ended), ended.message.clone(), location];
                (level, ended.outcome.as_str().to_owned(), how.into_iter().flatten().collect::<Vec<_>>().join("; "))
            }
            None => match planned(entry, links) {
                Some(said) => said,
                None => continue,
            },
        };
        all.push(Annotation {
            level,
            place: Some((entry.source.path.clone(), entry.source.line)),
            title: format!("{} / {}: {title}", entry.publisher, entry.offer),
            message,
        });
    }
    within_limits(&all)
}

/// A freeze with all that it cancels.
fn freeze(freeze: &PlannedFreeze, plan: &Plan) -> Annotation {
    let cancelled = |entry: &Entry| {
        let operation = entry.operation.as_deref();
        let operation = operation.map(|one| format!(" ({} {})", words::kind(one), one.id)).unwrap_or_default();
        format!("{}/{}{operation}", entry.publisher, entry.offer)
    };
    let cancels: Vec<String> =
        plan.entries_of(freeze).filter(|entry| entry.decision == Decision::Cancel).map(cancelled).collect();
    let (level, title) = match (&freeze.error, cancels.len()) {
        (Some(_), _) => (AnnotationLevel::Error, "The offers of this freeze could not be listed".to_owned()),
        _ if freeze.note == Some(Note::Spent) => (AnnotationLevel::Notice, "This freeze has expired".to_owned()),
        (None, 0) => (AnnotationLevel::Notice, "This freeze cancels nothing now".to_owned()),
        (None, count) => {
            (AnnotationLevel::Warning, format!("This freeze cancels {}", words::counted(count, "operation")))
        }
    };
    let message = [freeze.error.clone(), Some(words::freeze_state(freeze)), Some(cancels.join(", "))];
    Annotation {
        level,
        place: Some((freeze.source.path.clone(), freeze.source.line)),
        title,
        message: message.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; "),
    }
}

/// Why there is no plan. What is wrong with a file as a whole is shown on its first line.
fn failure(failure: &PlanFailure) -> Annotation {
    let message = [Some(&failure.message), failure.help.as_ref()];
    Annotation {
        level: AnnotationLevel::Error,
        place: failure.path.clone().map(|path| (path, failure.line.unwrap_or(1))),
        title: format!("The plan failed: {}", failure.code),
        message: message.into_iter().flatten().cloned().collect::<Vec<_>>().join("; "),
    }
}

/// Why no offer of a portal could be read, on the first mark that it is about.
fn portal_failure(failure: &PortalFailure<'_>) -> Annotation {
    let first = failure.entries[0];
    let who = match failure.entries.as_slice() {
        [one] => format!("{} / {}", one.publisher, one.offer),
        several => format!("{} on {}", words::counted(several.len(), "offer"), failure.portal),
    };
    Annotation {
        level: AnnotationLevel::Error,
        place: Some((first.source.path.clone(), first.source.line)),
        title: format!("{who}: could not be read"),
        message: failure.message.to_owned(),
    }
}

fn planned(entry: &Entry, links: Links<'_>) -> Option<(AnnotationLevel, String, String)> {
    let note = words::note(entry).map(|(_, meaning)| meaning);
    let message = entry.message.clone();
    let joined = |first: Option<String>| {
        [first, message.clone(), note.clone()].into_iter().flatten().collect::<Vec<_>>().join("; ")
    };
    let operation = entry.operation.as_deref();
    Some(match entry.decision {
        Decision::Cancel => {
            let title = operation.map(|one| format!("cancels {} {}", words::kind(one), one.id)).unwrap_or_default();
            let location = operation.and_then(|one| links.told(entry.portal, &one.location));
            (AnnotationLevel::Warning, title, joined(location))
        }
        Decision::Wait => (AnnotationLevel::Notice, "is already being cancelled".to_owned(), joined(None)),
        Decision::Blocked => (AnnotationLevel::Error, "blocked".to_owned(), joined(None)),
        Decision::Error if entry.is_unread() => {
            (AnnotationLevel::Notice, "the live state was not read".to_owned(), joined(None))
        }
        Decision::Error => (AnnotationLevel::Error, "could not be read".to_owned(), joined(None)),
        Decision::Expired => (AnnotationLevel::Notice, "expired".to_owned(), joined(None)),
        Decision::InSync => match entry.note? {
            Note::UnknownPin => (AnnotationLevel::Warning, "the pin is not known".to_owned(), joined(None)),
            Note::Draft => (AnnotationLevel::Warning, "a draft, not submitted".to_owned(), joined(None)),
            Note::AwaitsGoLive => (AnnotationLevel::Warning, "waits for go-live".to_owned(), joined(None)),
            note => (AnnotationLevel::Notice, note.as_str().to_owned(), joined(None)),
        },
        Decision::Ignored => return None,
    })
}

/// At most ten of a kind, the last of which counts what is left out.
fn within_limits(all: &[Annotation]) -> Vec<Annotation> {
    let mut kept = Vec::new();
    for level in [AnnotationLevel::Error, AnnotationLevel::Warning, AnnotationLevel::Notice] {
        let of_level: Vec<Annotation> = all.iter().filter(|one| one.level == level).cloned().collect();
        let count = of_level.len();
        if count <= MOST_OF_A_KIND {
            kept.extend(of_level);
            continue;
        }
        kept.extend(of_level.into_iter().take(MOST_OF_A_KIND - 1));
        kept.push(Annotation {
            level,
            place: None,
            title: format!("and {} more", count - (MOST_OF_A_KIND - 1)),
            message: "The summary of this step lists all of them.".to_owned(),
        });
    }
    kept
}

/// Annotations as workflow commands, a line each.
///
/// ```
/// use cancel_pending::report::{Annotation, AnnotationLevel, workflow_commands};
/// let annotation = Annotation {
///     level: AnnotationLevel::Warning,
///     place: Some(("a,b:c.yaml".into(), 3)),
///     title: "50% done".into(),
///     message: "one\ntwo ::error::three".into(),
/// };
/// assert_eq!(
///     workflow_commands(&[annotation]),
///     "::warning file=a%2Cb%3Ac.yaml,line=3,title=50%25 done::one\\ntwo :\\:error:\\:three\n"
/// );
/// ```
#[must_use]
pub fn workflow_commands(annotations: &[Annotation]) -> String {
    let mut lines = String::new();
    for annotation in annotations {
        let name = match annotation.level {
            AnnotationLevel::Error => "error",
            AnnotationLevel::Warning => "warning",
            AnnotationLevel::Notice => "notice",
        };
        let mut properties = Vec::new();
        if let Some((file, line)) = &annotation.place {
            properties.push(format!("file={}", property(file)));
            properties.push(format!("line={line}"));
        }
        properties.push(format!("title={}", property(&annotation.title)));
        let message: String = annotation.message.chars().take(MAX_MESSAGE).collect();
        // GitHub shows no annotation without a message.
        let message = if message.is_empty() { annotation.title.clone() } else { message };
        lines.push_str(&format!("::{name} {}::{}\n", properties.join(","), data(&message)));
    }
    lines
}

fn data(text: &str) -> String {
    terminal(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
