//! The way to the portal that a request asks for: a real one, or an emulator in the process.
//!
//! Owns opening it. The emulator brings its own token: nothing of a real account is needed,
//! and nothing of it could get there.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use super::Console;
use super::console::{mask, shown};
use crate::domain::PortalOrigin;
use crate::emulator::{Emulator, Scenario};
use crate::identity::{Cloud, Method, Settings, SignIn, choose};
use crate::portal::{Credential, StaticToken, Transport, TransportSettings};

/// Which portal.
#[derive(Debug, Clone)]
pub enum PortalChoice {
    /// One that is there.
    At {
        /// Where.
        origin: PortalOrigin,
        /// How to sign in.
        sign_in: SignInRequest,
    },
    /// An emulator inside the process.
    Emulated {
        /// Its state file.
        state: PathBuf,
    },
}

/// How to sign in to a portal.
#[derive(Debug, Clone)]
pub struct SignInRequest {
    /// What the environment says.
    pub settings: Settings,
    /// By which credential; none: the first that is set.
    pub method: Option<Method>,
    /// In which cloud.
    pub cloud: Cloud,
}

impl SignInRequest {
    /// A sign-in that has asked nobody yet.
    fn choose(&self, console: Console) -> anyhow::Result<SignIn> {
        let source = choose(&self.settings, self.method)?;
        Ok(SignIn::new(source, self.cloud, Arc::new(move |secret: &str| mask(console, secret))))
    }
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
    /// How it was signed in; none: it is the emulator, which brings its own token.
    pub sign_in: Option<Arc<SignIn>>,
    _emulator: Option<Emulator>,
}

/// Opens the way, and signs in. A sign-in that fails is said once, here, and not for each offer.
pub(super) async fn open(request: &PortalRequest, console: Console) -> anyhow::Result<OpenPortal> {
    let mut settings = TransportSettings {
        concurrency: request.concurrency,
        request_timeout: request.request_timeout,
        emulator: None,
    };
    let (origin, credential, sign_in, emulator): (_, Arc<dyn Credential>, _, _) = match &request.choice {
        PortalChoice::At { origin, sign_in } => {
            let sign_in = Arc::new(sign_in.choose(console)?);
            sign_in.current().await?;
            (origin.clone(), Arc::clone(&sign_in) as _, Some(sign_in), None)
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
            (origin, Arc::new(StaticToken(token)), None, Some(emulator))
        }
    };
    let transport = Transport::new(origin, credential, &settings)?;
    Ok(OpenPortal { transport, sign_in, _emulator: emulator })
}

/// Reads the state file of an emulated portal.
pub(super) fn read_scenario(path: &Path) -> anyhow::Result<Scenario> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} can't be read", shown(path)))?;
    Scenario::read(&text).with_context(|| format!("in {}", shown(path)))
}
