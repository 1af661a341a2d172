//! `plan`: read the files, read the portal, say what would be done.
//!
//! Owns the order of these, and its exit status. It only reads: no writer is in its reach.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use jiff::Timestamp;

use super::console::write_document;
use super::portal::{OpenPortal, PortalRequest};
use super::signals::Signals;
use super::{Console, Exit, Format, TOOL, files, live, portal};
use crate::domain::{DesiredOffer, DesiredSet, PortalOrigin};
use crate::plan::{Plan, PlanFacts};
use crate::portal::CloudPartner;
use crate::report::{self, COMMENT_LIMIT, terminal};

/// Which offers of the files are meant.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Offers of these publishers alone; empty: of all.
    pub publishers: Vec<String>,
    /// These offers alone, as `OFFER` or `PUBLISHER/OFFER`; empty: all.
    pub offers: Vec<String>,
}

/// What `plan` is asked to do.
#[derive(Debug, Clone)]
pub struct PlanRequest {
    /// Files and directories of the desired state.
    pub paths: Vec<PathBuf>,
    /// Which of their offers.
    pub selection: Selection,
    /// Where to write the plan document.
    pub out: Option<PathBuf>,
    /// The format on standard output.
    pub format: Format,
    /// Whether a plan with cancellations ends with status 2.
    pub detailed_exitcode: bool,
    /// Whether the portal is not to be read.
    pub offline: bool,
    /// The portal.
    pub portal: PortalRequest,
}

/// Makes a plan and shows it.
///
/// # Errors
/// Anything that keeps a plan from being made or shown.
pub async fn plan(request: &PlanRequest, console: Console) -> anyhow::Result<Exit> {
    let Some(desired) = files::desired_state(&request.paths, console) else { return Ok(Exit::Failed) };
    let desired = select(desired, &request.selection)?;
    let made = if request.offline {
        let now = whole_seconds(Timestamp::now());
        crate::plan::plan(&facts(&desired, now, request.portal.origin()), live::unread(desired))
    } else {
        let mut signals = Signals::listen().context("signals can't be handled")?;
        let work = async {
            let open = portal::open(&request.portal, console).await?;
            anyhow::Ok(make(desired, &open, request.portal.concurrency, console).await)
        };
        tokio::select! {
            made = work => made?,
            interruption = signals.next() => {
                console.note("error: interrupted, no plan was made\n");
                return Ok(Exit::Interrupted(interruption));
            }
        }
    };
    if let Some(path) = &request.out {
        write_document(path, &made)?;
    }
    console.result(&match request.format {
        Format::Text => report::plan_text(&made, console.out),
        Format::Json => report::json(&made),
        Format::Markdown => report::plan_markdown(&made, COMMENT_LIMIT),
    })?;
    Ok(if made.has_failures() {
        Exit::Failed
    } else if request.detailed_exitcode && made.summary.cancel > 0 {
        Exit::Cancellations
    } else {
        Exit::Done
    })
}

pub(super) async fn make(desired: DesiredSet, open: &OpenPortal, concurrency: usize, console: Console) -> Plan {
    let now = whole_seconds(Timestamp::now());
    let reader = CloudPartner::new(&open.transport);
    let facts = facts(&desired, now, open.transport.portal().clone());
    crate::plan::plan(&facts, live::observe(desired, &reader, concurrency, now, console).await)
}

fn facts(desired: &DesiredSet, now: Timestamp, portal: PortalOrigin) -> PlanFacts {
    PlanFacts { tool: TOOL.to_owned(), now, portal, desired: desired.files.clone() }
}

/// Documents are read by people: a fraction of a second says nothing to them.
fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// Leaves the selected offers. A name that selects nothing is an error: what was meant is not there.
pub(super) fn select(mut desired: DesiredSet, selection: &Selection) -> anyhow::Result<DesiredSet> {
    let publisher_is = |offer: &DesiredOffer, name: &str| offer.publisher.as_str().eq_ignore_ascii_case(name);
    let offer_is = |offer: &DesiredOffer, name: &str| match name.split_once('/') {
        Some((publisher, name)) => publisher_is(offer, publisher) && offer.offer.as_str().eq_ignore_ascii_case(name),
        None => offer.offer.as_str().eq_ignore_ascii_case(name),
    };
    for name in &selection.publishers {
        if !desired.offers().any(|offer| publisher_is(offer, name)) {
            bail!("no offer in the files has the publisher `{}` of --publisher", terminal(name));
        }
    }
    let of_publishers = |offer: &DesiredOffer| {
        selection.publishers.is_empty() || selection.publishers.iter().any(|name| publisher_is(offer, name))
    };
    for name in &selection.offers {
        if !desired.offers().any(|offer| of_publishers(offer) && offer_is(offer, name)) {
            bail!("no offer in the files matches `{}` of --offer", terminal(name));
        }
    }
    for state in &mut desired.states {
        state.offers.retain(|offer| {
            of_publishers(offer)
                && (selection.offers.is_empty() || selection.offers.iter().any(|name| offer_is(offer, name)))
        });
    }
    if desired.offers().next().is_none() {
        bail!("there is no offer in the files");
    }
    Ok(desired)
}
