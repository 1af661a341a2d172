//! `emulate`: the emulator as a server of its own.
//!
//! Owns its life: it says where it listens, and ends on a signal.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;

use super::signals::Signals;
use super::{Console, Exit, portal};
use crate::emulator::Emulator;

/// What `emulate` is asked to do.
#[derive(Debug, Clone)]
pub struct EmulateRequest {
    /// The state file.
    pub state: PathBuf,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
}

/// Runs the emulator until a signal ends it.
///
/// # Errors
/// When the state can't be read or the address can't be listened on.
pub async fn emulate(request: &EmulateRequest, console: Console) -> anyhow::Result<Exit> {
    let scenario = portal::read_scenario(&request.state)?;
    // The handlers are there before anybody can know that it listens.
    let mut signals = Signals::listen().context("signals can't be handled")?;
    let emulator = Emulator::start(scenario, request.listen, None)
        .await
        .with_context(|| format!("{} can't be listened on", request.listen))?;
    console.result(&format!("{}\n", emulator.url()))?;
    console.note(&format!(
        "The emulated portal is running. To use it, set CANCEL_PENDING_ENDPOINT={} in another terminal, and \
         CANCEL_PENDING_TOKEN to the token in the state file, or to any text if there is none. Press Ctrl-C to stop.\n",
        emulator.url()
    ));
    signals.next().await;
    emulator.shut_down().await;
    console.note("The emulated portal has stopped.\n");
    Ok(Exit::Done)
}
