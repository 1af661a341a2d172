//! Plans to report on, with anything in their texts.

use cancel_pending::domain::{
    Cancellability, DesiredOffer, FailureScope, FileDigest, Limits, Live, Mark, Observed, OfferKey, Operation, Phase,
    PinSighting, PortalKind, PortalOrigin, ReadFailure, RunningOperation, SourceLocation, StatusWord,
};
use cancel_pending::plan::{Observation, ObservedState, Plan, PlanFacts, PlanSelection, PortalFacts, plan};
use cancel_pending::report::Links;
use proptest::prelude::*;

/// A word that a hostile text carries, so that it can be found again.
pub const CANARY: &str = "CANARY";

/// Texts that mean something to a terminal, to a runner, to Markdown or to HTML.
pub const HOSTILE: &[&str] = &[
    "CANARY\n::error file=a::CANARY",
    "CANARY ::add-mask::CANARY",
    "##[error]CANARY",
    "\u{1b}]0;CANARY\u{7}\u{1b}[31mCANARY\u{9b}2J",
    "CANARY\r\nCANARY\u{2028}CANARY\u{85}",
    "\u{202e}CANARY\u{2066}\u{200b}",
    "<script>CANARY</script><!-- CANARY --><img src=x onerror=CANARY>",
    "</details></td></table> CANARY",
    "[CANARY](https://evil.example/CANARY) https://evil.example/CANARY www.evil.example/CANARY",
    "@CANARY @contoso/CANARY #123 CANARY#123 GH-123 CANARY",
    "` CANARY `` CANARY ``` CANARY ````",
    "```\n\n# CANARY\n\n```",
    "| CANARY | CANARY \\| CANARY \\\\| CANARY",
    "\n\n---\n\n- CANARY\n1. CANARY\n> CANARY\n\n    CANARY",
    "*CANARY* **CANARY** _CANARY_ ~~CANARY~~ &lt;CANARY&gt; &#64;CANARY",
    "%0A%0D::error::CANARY",
    "ghadelimiter_CANARY\nEOF\nCANARY",
    "$(CANARY) ${{ CANARY }} `CANARY`",
    "CANARY, see www.evil.example",
    "CANARY, see WWW.evil.example, gh-123, 5a63deb",
    "CANARY :tada: CANARY:tada:",
    "@CANARY `unbalanced",
    "CANARY\u{0}CANARY",
    "\\",
    "",
];

pub fn hostile_text() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(HOSTILE).prop_map(str::to_owned),
        prop::collection::vec(prop::sample::select(HOSTILE), 2..4).prop_map(|parts| parts.concat()),
        any::<String>(),
    ]
}

fn source() -> impl Strategy<Value = SourceLocation> {
    (hostile_text(), 1..9999_u64, 1..99_u64).prop_map(|(path, line, column)| SourceLocation { path, line, column })
}

/// A running publish, of which the portal says little.
pub fn operation(id: &str) -> Operation {
    Operation {
        id: id.parse().expect("an id"),
        job_id: None,
        location: format!("https://cloudpartner.azure.com/api/x/operations/{id}"),
        link: None,
        kind: Some("publish".to_owned()),
        state: Some(StatusWord::new("running")),
        changed_at: None,
        step: None,
        step_status: None,
        step_number: None,
        step_count: None,
        step_estimate: None,
        progress: None,
        cancellation: None,
    }
}

fn any_operation() -> impl Strategy<Value = Operation> {
    let word = || prop::option::of(hostile_text().prop_map(StatusWord::new));
    let state = prop_oneof![Just(Some(StatusWord::new("running"))), word()];
    let cancellation = prop_oneof![
        3 => Just(Some(StatusWord::new("canCancel"))),
        1 => Just(Some(StatusWord::new("cancelRequested"))),
        1 => word(),
    ];
    let text = || prop::option::of(hostile_text());
    (hostile_text(), text(), state, text(), word(), text(), prop::option::of(0..=100_u8), cancellation).prop_map(
        |(location, kind, state, step, step_status, step_estimate, progress, cancellation)| Operation {
            id: "5a63deb5-925b-4ee0-938b-7c86fbf287c5".parse().expect("an id"),
            job_id: None,
            location,
            link: None,
            kind,
            state,
            changed_at: "2026-11-20T08:00:00Z".parse().ok(),
            step,
            step_status,
            step_number: Some(2),
            step_count: Some(6),
            step_estimate,
            progress,
            cancellation,
        },
    )
}

fn live() -> impl Strategy<Value = Live> {
    prop_oneof![
        1 => Just(Live::Nothing),
        1 => hostile_text().prop_map(|message| Live::Unreadable(ReadFailure { message, scope: FailureScope::Offer })),
        1 => Just(Live::Several(vec!["a".parse().expect("an id"), "b".parse().expect("an id")])),
        4 => (any_operation(), phase(), cancellability(), prop::option::of(hostile_text())).prop_map(
            |(operation, phase, cancellability, message)| {
                Live::Running(Box::new(RunningOperation { operation, phase, cancellability, message, caveat: None, guard: None }))
            }
        ),
    ]
}

fn phase() -> impl Strategy<Value = Phase> {
    prop::sample::select(vec![Phase::Running, Phase::Running, Phase::Queued, Phase::Cancelling, Phase::Unknown])
}

fn cancellability() -> impl Strategy<Value = Cancellability> {
    prop::sample::select(vec![
        Cancellability::Allowed,
        Cancellability::Allowed,
        Cancellability::Unsaid,
        Cancellability::TooLate,
        Cancellability::Refused,
        Cancellability::Unknown,
    ])
}

fn sighting() -> impl Strategy<Value = PinSighting> {
    prop_oneof![
        Just(PinSighting::Unknown),
        hostile_text()
            .prop_map(|word| PinSighting::Known { phase: Phase::Completed, word: Some(StatusWord::new(word)) }),
        hostile_text().prop_map(|message| PinSighting::Unreadable(ReadFailure { message, scope: FailureScope::Offer })),
    ]
}

/// Where an offer of the first portal is.
pub fn key(publisher: &str, offer: &str) -> OfferKey {
    OfferKey {
        portal: PortalKind::CloudPartner,
        publisher: publisher.parse().expect("an id"),
        offer: offer.parse().expect("an id"),
    }
}

/// A live state, of which nobody looked for what is pinned.
pub fn seen(live: Live) -> Observed {
    Observed { live, ..Observed::nothing() }
}

fn observation(number: usize) -> impl Strategy<Value = Observation> {
    let mark = prop_oneof![
        1 => Just(None),
        4 => Just(Some(Mark::default())),
        1 => Just(Some(Mark { operation_id: "another".parse().ok(), job_id: None, expires: None })),
        1 => Just(Some(Mark { operation_id: None, job_id: None, expires: "2020-01-01T00:00:00Z".parse().ok() })),
    ];
    let observed = (live(), sighting()).prop_map(|(live, pin)| Observed { live, pin, ..Observed::nothing() });
    (mark, observed, source(), prop::option::of(hostile_text())).prop_map(move |(mark, observed, source, reason)| {
        Observation {
            desired: DesiredOffer {
                key: key("contoso", &format!("offer-{number:05}")),
                product_id: None,
                mark,
                is_spared: false,
                rule: None,
                notification_emails: vec![],
                reason,
                source,
            },
            observed: Some(observed),
        }
    })
}

pub fn facts() -> PlanFacts {
    PlanFacts {
        tool: "cancel-pending 0.1.0".to_owned(),
        now: "2026-11-22T12:00:00Z".parse().expect("a time"),
        selection: PlanSelection { paths: vec!["offers.yaml".to_owned()], ..PlanSelection::default() },
        portals: vec![PortalFacts {
            kind: PortalKind::CloudPartner,
            origin: PortalOrigin::microsoft(),
            capabilities: cancel_pending::portal::capabilities(PortalKind::CloudPartner),
            seller: None,
            schema_version: None,
        }],
        max_cancels: None,
        desired: vec![FileDigest { path: "offers.yaml".to_owned(), sha256: "0".repeat(64) }],
    }
}

/// Observations for so many offers.
pub fn observations(most: usize) -> impl Strategy<Value = Vec<Observation>> {
    (1..=most).prop_flat_map(|count| (0..count).map(observation).collect::<Vec<_>>())
}

/// The links of a plan that came from somewhere.
pub fn links(plan: &Plan) -> Links<'_> {
    Links::to(&plan.portals, false, cancel_pending::portal::documented_address)
}

/// Plans of up to so many offers, refused now and then.
pub fn any_plan(most: usize) -> impl Strategy<Value = Plan> {
    (observations(most), prop::option::of(0..5_u32)).prop_map(|(offers, max_cancels)| {
        let limits = max_cancels.map_or_else(Limits::default, Limits::at_most);
        plan(&facts(), vec![ObservedState { limits, offers }])
    })
}
