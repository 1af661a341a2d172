//! The way to the portal that a request asks for: a real one, or an emulator in the process.
//!
//! Owns opening it. The emulator brings its own token: nothing of a real account is needed,
//! and nothing of it could get there.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};

use super::console::shown;
use crate::domain::PortalOrigin;
use crate::emulator::{Emulator, Scenario};
use crate::portal::{StaticToken, Token, Transport, TransportSettings};

/// Which portal.
#[derive(Debug, Clone)]
pub enum PortalChoice {
    /// One that is there.
    At {
        /// Where.
        origin: PortalOrigin,
        /// The bearer token, if one is set.
        token: Option<Token>,
    },
    /// An emulator inside the process.
    Emulated {
        /// Its state file.
        state: PathBuf,
    },
}

/// Which portal, and how it is asked.
#[derive(Debug, Clone)]
pub struct PortalRequest {
    /// Which portal.
    pub choice: PortalChoice,
    /// The most requests that are under way at once.
    pub concurrency: usize,
    /// The time for one attempt at a request.
    pub request_timeout: Duration,
}

impl PortalRequest {
    /// What the portal is called in documents.
    pub(super) fn origin(&self) -> PortalOrigin {
        match &self.choice {
            PortalChoice::At { origin, .. } => origin.clone(),
            PortalChoice::Emulated { .. } => PortalOrigin::emulator(),
        }
    }
}

/// An open way to a portal, with the emulator behind it where there is one.
pub(super) struct OpenPortal {
    pub transport: Transport,
    _emulator: Option<Emulator>,
}

/// Opens the way.
pub(super) async fn open(request: &PortalRequest) -> anyhow::Result<OpenPortal> {
    let mut settings = TransportSettings {
        concurrency: request.concurrency,
        request_timeout: request.request_timeout,
        emulator: None,
    };
    let (origin, token, emulator) = match &request.choice {
        PortalChoice::At { origin, token } => {
            let token = token.clone().ok_or_else(|| {
                anyhow!(
                    "there is no token for {origin}: set CANCEL_PENDING_TOKEN to a bearer token of an account that may \
                     read the publisher, or try things out without any account by --emulate STATE.yaml"
                )
            })?;
            (origin.clone(), token, None)
        }
        PortalChoice::Emulated { state } => {
            let scenario = read_scenario(state)?;
            let token = scenario.own_token()?;
            let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            let origin = PortalOrigin::emulator();
            let emulator = Emulator::start(scenario, listen, Some(origin.to_string()))
                .await
                .context("the emulator can't listen on 127.0.0.1")?;
            settings.emulator = Some(emulator.address());
            (origin, token, Some(emulator))
        }
    };
    let transport = Transport::new(origin, Arc::new(StaticToken(token)), &settings)?;
    Ok(OpenPortal { transport, _emulator: emulator })
}

/// Reads the state file of an emulated portal.
pub(super) fn read_scenario(path: &Path) -> anyhow::Result<Scenario> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} can't be read", shown(path)))?;
    Scenario::read(&text).with_context(|| format!("in {}", shown(path)))
}
