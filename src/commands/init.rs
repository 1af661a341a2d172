//! `init`: a desired state with every offer of a publisher, none of them marked.
//!
//! Owns the order of asking and writing. It only reads the portal, and writes where nothing is.

use std::path::PathBuf;

use anyhow::{Context as _, bail};

use super::out_file::OutFile;
use super::portal::{OpenPortals, PortalRequest, PortalsInUse};
use super::progress::ReadProgress;
use super::shell_words::{portal_words, quoted};
use super::signals::Signals;
use super::{Console, Exit, SchemaName, portal};
use crate::domain::{OfferList, PortalKind, PublisherId};
use crate::portal::ListOffers as _;
use crate::report::{InitialState, counted, initial_state};

/// What `init` is asked to do.
#[derive(Debug, Clone)]
pub struct InitRequest {
    /// Whose offers.
    pub publisher: PublisherId,
    /// On which portal.
    pub kind: PortalKind,
    /// A file that must not exist; none: standard output.
    pub out: Option<PathBuf>,
    /// The portals.
    pub portal: PortalRequest,
}

/// Lists the offers, and writes the file.
///
/// # Errors
/// When the offers can't be listed whole, there are none, or the file can't be written.
pub async fn init(request: &InitRequest, console: Console) -> anyhow::Result<Exit> {
    let InitRequest { publisher, kind, .. } = request;
    let out = request.out.as_deref().map(|path| OutFile::prepare_new("--out", path)).transpose()?;
    let used = PortalsInUse { kinds: [*kind].into(), ..PortalsInUse::default() };
    let mut signals = Signals::listen().context("signals can't be handled")?;
    let work = async {
        let open = portal::open(&request.portal, &used, console).await?;
        let list = list(&open, *kind, publisher, console).await;
        list.with_context(|| format!("the offers of `{publisher}` could not be listed"))
    };
    let list = tokio::select! {
        list = work => list?,
        interruption = signals.next() => {
            console.error("error: interrupted, nothing was written\n");
            return Ok(Exit::Interrupted(interruption));
        }
    };
    if list.offers.is_empty() {
        let others = match list.unnamed.len() {
            0 => String::new(),
            count => format!(" ({} without the id of an offer)", counted(count, "product")),
        };
        bail!(
            "the portal {kind} lists no offers of `{publisher}`{others}: check the publisher's id, try another --portal, \
             and see with `cancel-pending whoami` what the account can read"
        );
    }
    let address = SchemaName::DesiredState.address();
    let state = InitialState { schema: &address, portal: *kind, publisher, list: &list };
    let file = initial_state(&state)?;
    if file.is_bare {
        console.error("warning: kinds and names are left out, because the file would be larger than 1 MiB with them\n");
    }
    let offers = counted(list.offers.len(), "offer");
    let Some(out) = out else {
        console.result(&file.text)?;
        return Ok(Exit::Done);
    };
    out.write_new(&file.text)?;
    if let Some(next) = next_command(request) {
        console.note(&format!("Next: {next}\n"));
    }
    console.error(&format!("Wrote {}: {offers} of {publisher}, none marked\n", out.shown()));
    Ok(Exit::Done)
}

async fn list(
    open: &OpenPortals,
    kind: PortalKind,
    publisher: &PublisherId,
    console: Console,
) -> anyhow::Result<OfferList> {
    let backend = open.backends.get(kind).context("the portal is not open")?;
    let progress = ReadProgress::new(console, &open.retries);
    progress.start_list(publisher);
    let reader = backend.reader();
    let watch = |so_far| progress.listed(so_far);
    let list = tokio::select! {
        list = reader.list(publisher, &watch) => list,
        never = progress.show() => match never {},
    };
    progress.clear();
    Ok(list?)
}

/// The command that shows what is running on the offers; none where it can't be shown.
fn next_command(request: &InitRequest) -> Option<String> {
    let mut words = vec!["cancel-pending".to_owned(), "status".to_owned()];
    words.push(quoted(&request.out.as_ref()?.to_string_lossy())?);
    let origin = request.portal.origin(request.kind);
    words.extend(portal_words(&request.portal, [(request.kind, &origin)].into_iter())?);
    Some(words.join(" "))
}
