//! Whether a job may be taken for the one that works on a submission.
//!
//! Owns that judgment. Nothing in the API leads from a submission to its job, and an unfinished job names no product, so
//! that there are the times to go by, and nothing else. A job that fails the test is never cancelled.

use jiff::{SignedDuration, Timestamp};

use super::interpret::{JobReading, TargetedSubmission};
use crate::domain::{Cancellability, JobId, Phase, StatusWord};

/// How long after the start of its job a submission may come to be (source: the design of this guard; in samples it is
/// seconds).
const LONGEST_WAY: SignedDuration = SignedDuration::from_mins(10);

/// What a submission that is not over comes to with the job that is given for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GuardedState {
    pub phase: Phase,
    pub cancellability: Cancellability,
    /// Why it can't be cancelled, or what this guard can't know.
    pub caveat: Option<String>,
}

/// Judges a submission that is not over. `job`: the one that is given, and what was read of it; nothing where the portal
/// does not know it.
pub(super) fn guarded(one: &TargetedSubmission, job: Option<(&JobId, Option<&JobReading>)>) -> GuardedState {
    if one.phase == Phase::Unknown {
        let caveat = one.word.is_none().then(|| "the portal gives no status for this submission".to_owned());
        return GuardedState { phase: one.phase, cancellability: Cancellability::Unsaid, caveat };
    }
    match fitting(one, job) {
        // Somebody has cancelled the job: its submission is about to end.
        Ok((_, Phase::Cancelled)) => {
            GuardedState { phase: Phase::Cancelling, cancellability: Cancellability::Unsaid, caveat: None }
        }
        Ok((id, _)) => GuardedState {
            phase: one.phase,
            cancellability: Cancellability::Unsaid,
            caveat: Some(format!(
                "the cancel call names the job {id} and no offer, and an unfinished job does not tell which offer it works \
                 on: that it is this one follows from the times alone"
            )),
        },
        Err(why) => GuardedState { phase: one.phase, cancellability: Cancellability::Unguarded, caveat: Some(why) },
    }
}

/// The job, and the phase that it is in, where both can be those of the submission.
fn fitting<'j>(
    one: &TargetedSubmission,
    job: Option<(&'j JobId, Option<&JobReading>)>,
) -> Result<(&'j JobId, Phase), String> {
    let Some((id, reading)) = job else {
        return Err(
            "a cancel call on this portal names a job, and nothing leads from a submission to its job: give the \
                    `jobId` that `configure` answered to whoever published (it is in the log of the publishing tool). \
                    `portal: partner-center` may be able to cancel the same offer without one"
                .to_owned(),
        );
    };
    let Some(job) = reading else {
        return Err(format!("the portal does not know the job {id}: correct its `jobId`"));
    };
    let (Some(start), Some(created)) = (job.start, one.created) else {
        let what = if job.start.is_none() { "the job began" } else { "the submission was created" };
        return Err(format!(
            "the portal does not say when {what}, so it is not known whether the job {id} works on this submission"
        ));
    };
    if !is_near(start, created) {
        return Err(format!(
            "the job {id} began at {start}, and the submission was created at {created}: the job of a submission begins at \
             most 10 minutes before it, so this is another one; correct its `jobId`"
        ));
    }
    // What publishes again does so within minutes, and the times of the job before fit then.
    if let Some(end) = job.end.filter(|end| job.phase.is_over() && *end < created) {
        return Err(format!(
            "the job {id} ended at {end}, before the submission was created at {created}, so another job works on it; \
             correct its `jobId`"
        ));
    }
    let word = |word: Option<&StatusWord>| word.map(|word| format!(" (portal status: `{word}`)")).unwrap_or_default();
    match job.phase {
        Phase::Queued | Phase::Running => Ok((id, job.phase)),
        Phase::Cancelled => Ok((id, Phase::Cancelled)),
        Phase::Completed | Phase::Failed => {
            Err(format!("the job {id} is over{}, and can't be cancelled any more", word(job.word.as_ref())))
        }
        _ => Err(format!("the portal's word for the state of the job {id} is not known{}", word(job.word.as_ref()))),
    }
}

/// Whether a job may be that of a submission by the times of both, whatever has become of either.
pub(super) fn may_belong(job: &JobReading, one: &TargetedSubmission) -> bool {
    matches!((job.start, one.created), (Some(start), Some(created)) if is_near(start, created))
}

fn is_near(start: Timestamp, created: Timestamp) -> bool {
    (SignedDuration::ZERO..=LONGEST_WAY).contains(&created.duration_since(start))
}

#[cfg(test)]
mod tests {
    use super::super::words::TargetType;
    use super::*;

    #[test]
    fn a_job_is_taken_for_that_of_a_submission_by_its_times_and_its_state() {
        let id: JobId = "7a1b2c3d-0000-4000-8000-00000000c0de".parse().expect("a GUID");
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let one = TargetedSubmission {
            id: "1152921505700000004".parse().expect("an id"),
            target: TargetType::Preview,
            target_word: None,
            phase: Phase::Running,
            word: None,
            created: Some(at("2026-02-01T09:00:05Z")),
        };
        let job = |start: &str, phase| JobReading { phase, word: None, start: start.parse().ok(), end: None };
        for (start, phase, expected) in [
            ("2026-02-01T09:00:05Z", Phase::Running, Cancellability::Unsaid),
            ("2026-02-01T08:50:05Z", Phase::Queued, Cancellability::Unsaid),
            ("2026-02-01T08:50:04.999Z", Phase::Running, Cancellability::Unguarded),
            ("2026-02-01T09:00:05.001Z", Phase::Running, Cancellability::Unguarded),
            ("2025-02-01T09:00:00Z", Phase::Running, Cancellability::Unguarded),
            ("", Phase::Running, Cancellability::Unguarded),
            ("2026-02-01T09:00:00Z", Phase::Completed, Cancellability::Unguarded),
            ("2026-02-01T09:00:00Z", Phase::Failed, Cancellability::Unguarded),
            ("2026-02-01T09:00:00Z", Phase::Unknown, Cancellability::Unguarded),
            ("2026-01-01T09:00:00Z", Phase::Cancelled, Cancellability::Unguarded),
        ] {
            let judged = guarded(&one, Some((&id, Some(&job(start, phase)))));
            assert_eq!((judged.phase, judged.cancellability), (Phase::Running, expected), "{start} {phase:?}");
            assert!(judged.caveat.is_some());
        }
        let cancelled = guarded(&one, Some((&id, Some(&job("2026-02-01T09:00:00Z", Phase::Cancelled)))));
        assert_eq!(cancelled.phase, Phase::Cancelling);
        for nothing in [None, Some((&id, None))] {
            assert_eq!(guarded(&one, nothing).cancellability, Cancellability::Unguarded);
        }
        let undated = TargetedSubmission { created: None, ..one.clone() };
        let judged = guarded(&undated, Some((&id, Some(&job("2026-02-01T09:00:00Z", Phase::Running)))));
        assert_eq!(judged.cancellability, Cancellability::Unguarded);
        let unknown = TargetedSubmission { phase: Phase::Unknown, ..one };
        let judged = guarded(&unknown, Some((&id, Some(&job("2026-02-01T09:00:00Z", Phase::Running)))));
        assert_eq!((judged.phase, judged.cancellability), (Phase::Unknown, Cancellability::Unsaid));
    }
}
