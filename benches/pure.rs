//! The pure parts by themselves: reading, planning, rendering. `cargo bench --bench pure`.

use std::hint::black_box;

use cancel_pending::desired::{MAX_FILE_BYTES, SourceFile, read};
use cancel_pending::domain::{
    Cancellability, DesiredSet, Limits, Live, Observed, Operation, Phase, PortalKind, PortalOrigin, RunningOperation,
    StatusWord,
};
use cancel_pending::plan::{Observation, ObservedState, Plan, PlanFacts, PlanSelection, PortalFacts, plan};
use cancel_pending::report::{COMMENT_LIMIT, Links, TextStyle, json, plan_markdown, plan_text};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

const ENTRIES: usize = 10_000;

fn file(offers: usize) -> SourceFile {
    let mut text = "publisher: contoso\nnotificationEmails: [release@contoso.com]\noffers:\n".to_owned();
    for number in 0..offers {
        text.push_str(&format!("  - id: offer-{number:05}\n    cancelPending: true # for now\n"));
    }
    SourceFile { path: "offers.yaml".into(), bytes: text.into() }
}

/// As large as a file may be.
fn largest_file() -> SourceFile {
    let mut file = file(15_000);
    file.bytes.resize(MAX_FILE_BYTES, b'\n');
    file
}

fn operation(number: usize) -> Operation {
    Operation {
        id: format!("5a63deb5-925b-4ee0-938b-{number:012}").parse().expect("an id"),
        job_id: None,
        link: None,
        location: format!("https://cloudpartner.azure.com/api/publishers/contoso/offers/offer-{number}/operations/x"),
        kind: Some("publish".to_owned()),
        state: Some(StatusWord::new("running")),
        changed_at: Some("2026-11-20T12:00:00Z".parse().expect("a time")),
        step: Some("Certification".to_owned()),
        step_status: Some(StatusWord::new("blocked")),
        step_number: Some(2),
        step_count: Some(6),
        step_estimate: Some("~2-3 days".to_owned()),
        progress: Some(0),
        cancellation: Some(StatusWord::new("canCancel")),
    }
}

fn facts(set: &DesiredSet) -> PlanFacts {
    PlanFacts {
        tool: "cancel-pending".to_owned(),
        now: "2026-11-22T12:00:00Z".parse().expect("a time"),
        selection: PlanSelection::default(),
        portals: vec![PortalFacts {
            kind: PortalKind::CloudPartner,
            origin: PortalOrigin::microsoft(),
            capabilities: cancel_pending::portal::capabilities(PortalKind::CloudPartner),
            seller: None,
            schema_version: None,
        }],
        desired: set.files.clone(),
        max_cancels: None,
    }
}

/// Every other offer has a running operation.
fn observed(set: &DesiredSet) -> Vec<ObservedState> {
    let live = |number: usize| match number % 2 {
        0 => Live::Nothing,
        _ => Live::Running(Box::new(RunningOperation {
            operation: operation(number),
            phase: Phase::Running,
            cancellability: Cancellability::Allowed,
            message: Some("No image".to_owned()),
            caveat: None,
            guard: None,
        })),
    };
    let offers = set
        .offers()
        .enumerate()
        .map(|(number, offer)| Observation {
            desired: offer.clone(),
            observed: Some(Observed { live: live(number), ..Observed::nothing() }),
        })
        .collect();
    vec![ObservedState { limits: Limits::at_most(u32::MAX), offers }]
}

fn made(set: &DesiredSet) -> Plan {
    plan(&facts(set), observed(set))
}

fn reading(criterion: &mut Criterion) {
    let file = largest_file();
    let mut group = criterion.benchmark_group("read");
    group.throughput(Throughput::Bytes(MAX_FILE_BYTES as u64));
    group.sample_size(20);
    group.bench_function("a file of 1 MiB", |bencher| {
        bencher.iter(|| read(black_box(std::slice::from_ref(&file))).expect("valid"));
    });
}

fn planning(criterion: &mut Criterion) {
    let set = read(&[file(ENTRIES)]).expect("valid");
    let mut group = criterion.benchmark_group("plan");
    group.throughput(Throughput::Elements(ENTRIES as u64));
    group.sample_size(20);
    group.bench_function("10,000 entries", |bencher| {
        bencher.iter_batched(|| observed(&set), |states| plan(&facts(&set), states), BatchSize::LargeInput);
    });
    let plan = made(&set);
    group.bench_function("the digest of 10,000 entries", |bencher| bencher.iter(|| black_box(&plan).digest_holds()));
}

fn rendering(criterion: &mut Criterion) {
    let plan = made(&read(&[file(ENTRIES)]).expect("valid"));
    let links = Links::to(&plan.portals, true, cancel_pending::portal::documented_address);
    let mut group = criterion.benchmark_group("render 10,000 entries");
    group.throughput(Throughput::Elements(ENTRIES as u64));
    group.sample_size(20);
    for color in [false, true] {
        let name = if color { "text, coloured" } else { "text" };
        let style = TextStyle { color, width: 100, ..TextStyle::default() };
        group.bench_function(name, |bencher| bencher.iter(|| plan_text(black_box(&plan), style, None)));
    }
    group.bench_function("JSON", |bencher| bencher.iter(|| json(black_box(&plan))));
    group.bench_function("Markdown, whole", |bencher| {
        bencher.iter(|| plan_markdown(black_box(&plan), links, usize::MAX));
    });
    group.bench_function("Markdown, as a comment", |bencher| {
        bencher.iter(|| plan_markdown(black_box(&plan), links, COMMENT_LIMIT));
    });
}

criterion_group!(benches, reading, planning, rendering);
criterion_main!(benches);
