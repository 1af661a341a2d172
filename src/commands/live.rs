//! The live state of all offers that need it, side by side, with a bar for who watches.
//!
//! Owns the order of asking. It is handed a reader and nothing that could write.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
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
    let seen = stream::iter(wanted)
        .map(|(group, index)| {
            let offer = &groups[group].1[index].desired;
            async move { (group, index, portal.live(&offer.publisher, &offer.offer).await) }
        })
        .buffer_unordered(concurrency.max(1))
        .inspect(|_| bar.inc(1))
        .collect::<Vec<_>>();
    let seen = tokio::select! {
        seen = seen => seen,
        never = reveal(&bar, console.watched) => match never {},
    };
    bar.finish_and_clear();
    for (group, index, live) in seen {
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
