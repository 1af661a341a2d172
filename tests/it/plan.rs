//! The decision table row by row, its properties, the digest, the limits.

use cancel_pending::domain::{
    Cancellability, DesiredOffer, FailureScope, Limits, Live, Mark, Observed, Operation, Phase, PinSighting,
    PortalOrigin, ReadFailure, RunningOperation, SourceLocation, StatusWord,
};
use cancel_pending::plan::{Decision, Note, Observation, ObservedState, Plan, PlanFacts, plan};
use proptest::prelude::*;

use crate::support::plans::{facts, key, observations, operation, seen};

fn running(phase: Phase, cancellability: Cancellability) -> Observed {
    let word = |word: &str| Some(StatusWord::new(word));
    let operation = Operation { state: word("a-state"), cancellation: word("a-word"), ..operation("one") };
    let message = Some("The portal's words.".to_owned());
    seen(Live::Running(Box::new(RunningOperation {
        operation,
        phase,
        cancellability,
        message,
        caveat: None,
        guard: None,
    })))
}

fn can_cancel() -> Observed {
    running(Phase::Running, Cancellability::Allowed)
}

fn pin_is(observed: Observed, pin: PinSighting) -> Observed {
    Observed { pin, ..observed }
}

fn over(phase: Phase, word: &str) -> PinSighting {
    PinSighting::Known { phase, word: Some(StatusWord::new(word)) }
}

fn desired(offer: &str, mark: Option<Mark>) -> DesiredOffer {
    DesiredOffer {
        key: key("contoso", offer),
        product_id: None,
        mark,
        is_spared: false,
        rule: None,
        notification_emails: vec!["a@contoso.com".to_owned().try_into().expect("an address")],
        reason: None,
        source: SourceLocation { path: "offers.yaml".to_owned(), line: 1, column: 1 },
    }
}

fn unpinned() -> Option<Mark> {
    Some(Mark::default())
}

fn pinned(id: &str) -> Option<Mark> {
    Some(Mark { operation_id: id.parse().ok(), job_id: None, expires: None })
}

fn expiring(at: &str) -> Option<Mark> {
    Some(Mark { operation_id: None, job_id: None, expires: at.parse().ok() })
}

fn plan_of(entries: Vec<(&str, Option<Mark>, Option<Observed>)>) -> Plan {
    plan_within(None, entries)
}

fn plan_within(max_cancels: Option<u32>, entries: Vec<(&str, Option<Mark>, Option<Observed>)>) -> Plan {
    let offers = entries
        .into_iter()
        .map(|(offer, mark, observed)| Observation { desired: desired(offer, mark), observed })
        .collect();
    let limits = max_cancels.map_or_else(Limits::default, Limits::at_most);
    plan(&facts(), vec![ObservedState { limits, offers }])
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table has as many lines as it has rows")]
fn every_row_of_the_table() {
    use Cancellability::{Allowed, Refused, TooLate, Unsaid};
    let unreadable = |scope| ReadFailure { message: "the portal answered 404 Not Found".to_owned(), scope };
    let (of_offer, of_portal) = (FailureScope::Offer, FailureScope::Portal);
    let several = seen(Live::Several(vec!["one".parse().expect("an id"), "two".parse().expect("an id")]));
    let nothing = || seen(Live::Nothing);
    let rows: Vec<(&str, Option<Mark>, Option<Observed>, Decision, Option<Note>)> = vec![
        ("no word", unpinned(), Some(running(Phase::Running, Unsaid)), Decision::Cancel, Some(Note::Unpinned)),
        ("it can", unpinned(), Some(can_cancel()), Decision::Cancel, Some(Note::Unpinned)),
        ("queued", unpinned(), Some(running(Phase::Queued, Unsaid)), Decision::Cancel, Some(Note::Unpinned)),
        ("pinned", pinned("one"), Some(can_cancel()), Decision::Cancel, None),
        ("pinned, in capitals", pinned("ONE"), Some(can_cancel()), Decision::Cancel, None),
        ("cancelling", unpinned(), Some(running(Phase::Cancelling, Unsaid)), Decision::Wait, Some(Note::Unpinned)),
        ("cancelling, pinned", pinned("one"), Some(running(Phase::Cancelling, Allowed)), Decision::Wait, None),
        ("too late", unpinned(), Some(running(Phase::Running, TooLate)), Decision::Blocked, Some(Note::TooLate)),
        (
            "too late, pinned",
            pinned("one"),
            Some(running(Phase::Running, TooLate)),
            Decision::Blocked,
            Some(Note::TooLate),
        ),
        ("can't", unpinned(), Some(running(Phase::Running, Refused)), Decision::Blocked, Some(Note::Unpinned)),
        (
            "unknown word",
            pinned("one"),
            Some(running(Phase::Running, Cancellability::Unknown)),
            Decision::Blocked,
            None,
        ),
        ("unknown state", pinned("one"), Some(running(Phase::Unknown, Unsaid)), Decision::Blocked, None),
        ("unknown state, can", pinned("one"), Some(running(Phase::Unknown, Allowed)), Decision::Blocked, None),
        ("nothing runs", unpinned(), Some(nothing()), Decision::InSync, Some(Note::Unpinned)),
        (
            "nothing runs, the pin is over",
            pinned("one"),
            Some(pin_is(nothing(), over(Phase::Completed, "complete"))),
            Decision::InSync,
            Some(Note::Spent),
        ),
        (
            "nothing runs, the pin is not known",
            pinned("one"),
            Some(pin_is(nothing(), PinSighting::Unknown)),
            Decision::InSync,
            Some(Note::UnknownPin),
        ),
        (
            "nothing runs, the pin can't be read",
            pinned("one"),
            Some(pin_is(nothing(), PinSighting::Unreadable(unreadable(of_offer)))),
            Decision::Error,
            None,
        ),
        (
            "nothing is listed, and the pin says that it runs",
            pinned("one"),
            Some(pin_is(nothing(), over(Phase::Running, "running"))),
            Decision::Blocked,
            None,
        ),
        (
            "another runs, the pin is over",
            pinned("two"),
            Some(pin_is(can_cancel(), over(Phase::Cancelled, "canceled"))),
            Decision::InSync,
            Some(Note::Spent),
        ),
        (
            "another runs, the pin is not known",
            pinned("two"),
            Some(pin_is(can_cancel(), PinSighting::Unknown)),
            Decision::Blocked,
            Some(Note::UnknownPin),
        ),
        (
            "another runs, and the pin's word is not known",
            pinned("two"),
            Some(pin_is(can_cancel(), over(Phase::Unknown, "thawing"))),
            Decision::Blocked,
            None,
        ),
        ("expired", expiring("2026-11-22T12:00:00Z"), Some(can_cancel()), Decision::Expired, None),
        ("expired, not read", expiring("2020-01-01T00:00:00Z"), None, Decision::Expired, None),
        (
            "not yet expired",
            expiring("2026-11-22T12:00:01Z"),
            Some(can_cancel()),
            Decision::Cancel,
            Some(Note::Unpinned),
        ),
        ("not marked", None, None, Decision::Ignored, None),
        ("not marked, running", None, Some(can_cancel()), Decision::Ignored, None),
        ("unreadable", pinned("one"), Some(seen(Live::Unreadable(unreadable(of_offer)))), Decision::Error, None),
        (
            "no offer of the portal readable",
            unpinned(),
            Some(seen(Live::Unreadable(unreadable(of_portal)))),
            Decision::Error,
            Some(Note::PortalUnreadable),
        ),
        ("several", pinned("one"), Some(several), Decision::Blocked, None),
        ("never read", pinned("one"), None, Decision::Error, Some(Note::NotRead)),
    ];
    for (what, mark, live, decision, note) in rows {
        let plan = plan_of(vec![("vm", mark, live)]);
        let entry = &plan.entries[0];
        assert_eq!((entry.decision, entry.note), (decision, note), "{what}");
        let targets = matches!(decision, Decision::Cancel | Decision::Wait);
        assert!(!targets || entry.operation.is_some(), "{what} names its operation");
        assert!(matches!(decision, Decision::Ignored) || entry.message.is_some(), "{what} says why");
        assert_eq!(plan.summary.count(decision), 1, "{what} is counted");
    }
}

#[test]
fn the_other_operation_is_named_and_left_alone() {
    let seen = pin_is(can_cancel(), over(Phase::Completed, "complete"));
    let plan = plan_of(vec![("vm", pinned("two"), Some(seen))]);
    assert_eq!(
        plan.entries[0].message.as_deref(),
        Some("the pinned operation two is over (portal status: `complete`); publish one is running and is left alone")
    );
}

#[test]
fn the_limit_refuses_a_plan_with_more() {
    let two = || vec![("a", unpinned(), Some(can_cancel())), ("b", unpinned(), Some(can_cancel()))];
    assert_eq!(plan_within(Some(2), two()).refused, None);
    assert_eq!(plan_within(None, two()).refused, None);
    assert_eq!(
        plan_within(Some(1), two()).refused.as_deref(),
        Some(
            "2 operations would be cancelled, and `limits.maxCancels` of offers.yaml allows 1: split the change, or raise \
             the limit in a reviewed change"
        )
    );
    assert!(plan_within(Some(0), two()).refused.is_some());
    // What is not cancelled does not count.
    let quiet = vec![
        ("a", unpinned(), Some(seen(Live::Nothing))),
        ("b", unpinned(), Some(running(Phase::Cancelling, Cancellability::Unsaid))),
    ];
    assert_eq!(plan_within(Some(0), quiet).refused, None);
}

#[test]
fn a_document_without_a_limit_allows_ten() {
    let names: Vec<String> = (0..11).map(|number| format!("vm-{number}")).collect();
    let of = |count: usize| -> Vec<_> {
        names[..count].iter().map(|name| (name.as_str(), unpinned(), Some(can_cancel()))).collect()
    };
    assert_eq!(plan_within(None, of(10)).refused, None);
    assert_eq!(
        plan_within(None, of(11)).refused.as_deref(),
        Some(
            "11 operations would be cancelled, and `limits.maxCancels` of offers.yaml allows 10 by default: split the \
             change, or raise the limit in a reviewed change"
        )
    );
    assert_eq!(plan_within(Some(11), of(11)).refused, None);
}

#[test]
fn the_limit_of_the_whole_plan_is_above_those_of_the_files() {
    let two = || {
        let one = |offer: &str| Observation { desired: desired(offer, unpinned()), observed: Some(can_cancel()) };
        ["a", "b"].map(|offer| ObservedState { limits: Limits::at_most(10), offers: vec![one(offer)] }).into()
    };
    let within = |max_cancels| plan(&PlanFacts { max_cancels, ..facts() }, two()).refused;
    assert_eq!(within(None), None);
    assert_eq!(within(Some(2)), None);
    assert_eq!(
        within(Some(1)).as_deref(),
        Some(
            "2 operations would be cancelled, and --max-cancels allows 1 in all: split the change, or raise --max-cancels"
        )
    );
}

#[test]
fn each_desired_state_has_its_own_limit() {
    let state = |offer: &str, max_cancels: Option<u32>| ObservedState {
        limits: max_cancels.map_or_else(Limits::default, Limits::at_most),
        offers: vec![Observation { desired: desired(offer, unpinned()), observed: Some(can_cancel()) }],
    };
    let plan_of = |first, second| plan(&facts(), vec![state("a", first), state("b", second)]);
    assert_eq!(plan_of(Some(1), Some(1)).refused, None);
    assert!(plan_of(Some(1), Some(0)).refused.is_some());
    assert!(plan_of(None, Some(0)).refused.is_some());
}

#[test]
fn the_digest_covers_what_is_decided_on_and_nothing_else() {
    let base = plan_of(vec![("vm", unpinned(), Some(can_cancel())), ("x", unpinned(), Some(seen(Live::Nothing)))]);
    let digest = |change: &dyn Fn(&mut Plan)| {
        let mut plan = base.clone();
        change(&mut plan);
        plan.decision_document().digest()
    };
    let same: &[(&str, &dyn Fn(&mut Plan))] = &[
        ("time", &|plan| plan.created_at = "2020-01-01T00:00:00Z".parse().expect("a time")),
        ("tool", &|plan| plan.tool = "another".to_owned()),
        ("message", &|plan| plan.entries[0].message = None),
        ("progress", &|plan| plan.entries[0].operation.as_mut().expect("one").progress = Some(50)),
        ("source", &|plan| plan.entries[0].source.line = 99),
        ("reason", &|plan| plan.entries[0].reason = Some("because".to_owned())),
        ("a quiet entry", &|plan| drop(plan.entries.pop())),
        ("order", &|plan| plan.entries.reverse()),
        ("an address twice", &|plan| {
            let again = plan.entries[0].notification_emails[0].clone();
            plan.entries[0].notification_emails.push(again);
        }),
    ];
    for (what, change) in same {
        assert_eq!(digest(change), base.decision_digest, "{what}");
    }
    let other: &[(&str, &dyn Fn(&mut Plan))] = &[
        ("origin", &|plan| plan.portals[0].origin = PortalOrigin::emulator()),
        ("operation", &|plan| plan.entries[0].operation.as_mut().expect("one").id = "two".parse().expect("an id")),
        ("decision", &|plan| plan.entries[0].decision = Decision::Wait),
        ("offer", &|plan| plan.entries[0].offer = "other".parse().expect("an id")),
        ("publisher", &|plan| plan.entries[0].publisher = "other".parse().expect("an id")),
        ("recipients", &|plan| plan.entries[0].notification_emails.clear()),
        ("one less", &|plan| drop(plan.entries.remove(0))),
    ];
    for (what, change) in other {
        assert_ne!(digest(change), base.decision_digest, "{what}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_order_of_input_does_not_matter(observations in observations(12), seed in any::<u64>()) {
        let mut shuffled = observations.clone();
        // Sorting by a hash of seed and name is a shuffle that proptest can repeat.
        shuffled.sort_by_key(|one| {
            let name = one.desired.key.offer.as_str();
            name.bytes().fold(seed, |hash, byte| hash.wrapping_mul(0x100_0000_01b3) ^ u64::from(byte))
        });
        let plan_of = |offers| plan(&facts(), vec![ObservedState { limits: Limits::default(), offers }]);
        prop_assert_eq!(plan_of(observations), plan_of(shuffled));
    }

    /// What is already as it is wanted needs no call.
    #[test]
    fn nothing_running_means_nothing_to_cancel(observations in observations(12)) {
        let quiet = observations.into_iter().map(|one| Observation { observed: Some(seen(Live::Nothing)), ..one }).collect();
        let plan = plan(&facts(), vec![ObservedState { limits: Limits::at_most(0), offers: quiet }]);
        prop_assert_eq!(plan.summary.cancel, 0);
        prop_assert_eq!(plan.refused, None);
    }

    #[test]
    fn a_plan_survives_its_document(offers in observations(6)) {
        let plan = plan(&facts(), vec![ObservedState { limits: Limits::default(), offers }]);
        let text = cancel_pending::report::json(&plan);
        let read: Plan = serde_json::from_str(&text).expect("reads what it writes");
        prop_assert!(read.digest_holds());
        prop_assert_eq!(read, plan);
    }
}
