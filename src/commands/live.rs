//! The live state of all offers that need it, side by side, with a bar for who watches.
//!
//! Owns the order of asking. It is handed a reader and nothing that could write.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;

use super::Console;
use crate::domain::{DesiredSet, Limits};
use crate::plan::Observation;
use crate::portal::ReadPortal;

/// How long work may take before a bar is drawn.
const MOMENT: Duration = Duration::from_millis(500);

/// All offers, with nothing known of their live state.
pub(super) fn unread(desired: DesiredSet) -> Vec<(Limits, Vec<Observation>)> {
    let unread = |offer| Observation { desired: offer, live: None };
    desired.states.into_iter().map(|state| (state.limits, state.offers.into_iter().map(unread).collect())).collect()
}

/// Reads the live state of each offer that needs it, `concurrency` at a time.
pub(super) async fn observe(
    desired: DesiredSet,
    portal: &impl ReadPortal,
    concurrency: usize,
    now: Timestamp,
    console: Console,
) -> Vec<(Limits, Vec<Observation>)> {
    let mut groups = unread(desired);
    let wanted: Vec<(usize, usize)> = groups
        .iter()
        .enumerate()
        .flat_map(|(group, (_, observations))| {
            let needed = observations.iter().enumerate().filter(|(_, one)| one.desired.needs_live_state(now));
            needed.map(move |(index, _)| (group, index)).collect::<Vec<_>>()
        })
        .collect();
    let bar = bar(wanted.len());
    // As many as may be asked for at once, each going on to the next offer that nobody has taken:
    // what waiting for an answer needs is set up once for each of them, and not for each offer.
    let next = AtomicUsize::new(0);
    let reader = async || {
        let mut seen = Vec::new();
        while let Some((group, index)) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
            let offer = &groups[*group].1[*index].desired;
            seen.push((*group, *index, portal.live(&offer.publisher, &offer.offer).await));
            bar.inc(1);
        }
        seen
    };
    let readers = join_all((0..concurrency.clamp(1, wanted.len().max(1))).map(|_| reader()));
    let seen = tokio::select! {
        seen = readers => seen,
        never = reveal(&bar, console.watched) => match never {},
    };
    bar.finish_and_clear();
    for (group, index, live) in seen.into_iter().flatten() {
        groups[group].1[index].live = Some(live);
    }
    groups
}

fn bar(length: usize) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(length as u64), ProgressDrawTarget::hidden());
    if let Ok(style) = ProgressStyle::with_template("Reading offers [{bar:32}] {pos}/{len} {elapsed}") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}

/// Shows the bar after a moment, to who watches.
async fn reveal(bar: &ProgressBar, watched: bool) -> std::convert::Infallible {
    tokio::time::sleep(MOMENT).await;
    if watched {
        bar.set_draw_target(ProgressDrawTarget::stderr());
        bar.enable_steady_tick(Duration::from_millis(200));
    }
    std::future::pending().await
}
