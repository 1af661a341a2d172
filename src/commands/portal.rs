//! The portals that a request asks for: real ones, or an emulator in the process.
//!
//! Owns opening them. Each has an endpoint and a sign-in of its own, so that no token can reach another
//! portal than its own. The emulator brings its own token: nothing of a real account is needed, and
//! nothing of it could get there.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use super::Console;
use super::console::{mask, shown};
use super::out_file::OtherFile;
use super::progress::Retries;
use crate::domain::{DesiredSet, Endpoints, PortalKind, PortalOrigin, PortalSettings};
use crate::emulator::{Emulator, Scenario};
use crate::http_client::Route;
use crate::identity::{Cloud, Method, Settings, SignIn, SignInTarget, choose, unused_tokens};
use crate::plan::Plan;
use crate::portal::{Backend, Backends, Credential, HttpExchange, StaticToken, TransportSettings};
use crate::report::terminal;

/// Where the portals are.
#[derive(Debug, Clone)]
pub enum PortalChoice {
    /// Over the network.
    At {
        /// Where each of them is.
        endpoints: Endpoints,
        /// How to sign in.
        sign_in: Box<SignInRequest>,
    },
    /// In an emulator inside the process, which serves all of them.
    Emulated {
        /// Its state file.
        state: PathBuf,
    },
}

/// How to sign in to portals.
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
    /// A sign-in for each portal, none of which has asked anybody yet. What is missing for one is said before
    /// any other is used.
    fn choose(
        &self,
        endpoints: &Endpoints,
        in_use: &BTreeSet<PortalKind>,
        console: Console,
    ) -> anyhow::Result<BTreeMap<PortalKind, Arc<SignIn>>> {
        let choose = |kind: PortalKind| {
            let target =
                SignInTarget { kind, origin: endpoints.origin(kind), in_use: in_use.iter().copied().collect() };
            let source = choose(&self.settings, self.method, &target)?;
            let mask = Arc::new(move |secret: &str| mask(console, secret));
            anyhow::Ok((kind, Arc::new(SignIn::new(source, self.cloud, kind.scope(), mask))))
        };
        in_use.iter().copied().map(choose).collect()
    }
}

/// Where the portals are, and how they are asked.
#[derive(Debug, Clone)]
pub struct PortalRequest {
    /// Where.
    pub choice: PortalChoice,
    /// The most requests to a portal that are in progress at once.
    pub concurrency: usize,
    /// The time for one attempt at a request.
    pub request_timeout: Duration,
}

impl PortalRequest {
    /// The file that no output may overwrite, where the portals come from one.
    pub(super) fn input(&self) -> Option<OtherFile<'_>> {
        match &self.choice {
            PortalChoice::At { .. } => None,
            PortalChoice::Emulated { state } => Some(("--emulate", state.as_path())),
        }
    }

    /// What the endpoint of a portal is called in documents.
    pub(super) fn origin(&self, kind: PortalKind) -> PortalOrigin {
        match &self.choice {
            PortalChoice::At { endpoints, .. } => endpoints.origin(kind),
            PortalChoice::Emulated { .. } => PortalOrigin::emulator(),
        }
    }

    /// A backend over HTTP. An emulator inside the process is reached where it listens, under its name.
    fn backend(
        &self,
        kind: PortalKind,
        credential: Arc<dyn Credential>,
        emulator: Option<SocketAddr>,
        retries: &Retries,
    ) -> anyhow::Result<Backend> {
        let origin = self.origin(kind);
        let route = match emulator {
            Some(address) => Route::Named(PortalOrigin::EMULATOR_HOST.to_owned(), address),
            // A proxy could not reach loopback.
            None if origin.is_loopback() => Route::Direct,
            None => Route::Proxied,
        };
        let exchange = HttpExchange::new(origin.clone(), &route, self.request_timeout, self.concurrency)?;
        let settings = TransportSettings {
            concurrency: self.concurrency,
            request_timeout: self.request_timeout,
            retries: retries.listener(),
        };
        Ok(Backend::new(kind, origin, credential, exchange, &settings))
    }
}

/// The open portals, with the emulator behind them where there is one.
pub(super) struct OpenPortals {
    pub backends: Backends,
    /// How each was signed in to; none for an emulator, which brings its own token.
    pub sign_ins: BTreeMap<PortalKind, Arc<SignIn>>,
    /// The reads that wait to be retried.
    pub retries: Retries,
    _emulator: Option<Emulator>,
}

/// The portals in use, and how they are asked.
#[derive(Debug, Clone, Default)]
pub(super) struct PortalsInUse {
    /// Which.
    pub kinds: BTreeSet<PortalKind>,
    /// How.
    pub settings: PortalSettings,
}

impl PortalsInUse {
    /// What the offers and freezes of the files need.
    pub fn of(desired: &DesiredSet) -> anyhow::Result<Self> {
        let settings = PortalSettings::joined(desired.states.iter().map(|state| &state.settings))?;
        let freezes = desired.freezes().map(|freeze| freeze.portal);
        Ok(Self { kinds: desired.offers().map(|offer| offer.key.portal).chain(freezes).collect(), settings })
    }

    /// What a plan was made with. Its products are known, so that no type of product is needed to find them.
    pub fn of_plan(plan: &Plan) -> Self {
        let seller = plan.portals.iter().find_map(|planned| planned.seller);
        let schema_version = plan.portals.iter().find_map(|planned| planned.schema_version.clone());
        let kinds = plan.portals.iter().map(|planned| planned.portal).collect();
        Self { kinds, settings: PortalSettings { seller, schema_version, ..PortalSettings::default() } }
    }
}

/// Opens the portals in use, and signs in to each. A sign-in that fails is said once, here, and not for each offer.
pub(super) async fn open(
    request: &PortalRequest,
    used: &PortalsInUse,
    console: Console,
) -> anyhow::Result<OpenPortals> {
    let in_use = &used.kinds;
    let retries = Retries::default();
    match &request.choice {
        PortalChoice::At { endpoints, sign_in } => {
            for warning in unused_tokens(&sign_in.settings, in_use) {
                console.error(&format!("warning: {}\n", terminal(&warning)));
            }
            let sign_ins = sign_in.choose(endpoints, in_use, console)?;
            let mut backends = Vec::new();
            for (kind, sign_in) in &sign_ins {
                let signed_in = sign_in.current().await;
                // Where there is only one, its name would say nothing.
                if in_use.len() == 1 {
                    signed_in?
                } else {
                    signed_in.with_context(|| kind.to_string())?
                };
                backends.push(
                    request.backend(*kind, Arc::clone(sign_in) as _, None, &retries)?.asked_as(used.settings.clone()),
                );
            }
            Ok(OpenPortals { backends: backends.into_iter().collect(), sign_ins, retries, _emulator: None })
        }
        PortalChoice::Emulated { state } => {
            let scenario = read_scenario(state)?;
            let token = scenario.own_token()?;
            let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            let emulator = Emulator::start(scenario, listen, Some(PortalOrigin::emulator().to_string()))
                .await
                .context("the emulator can't listen on 127.0.0.1")?;
            let backend = |kind: &PortalKind| {
                let credential = Arc::new(StaticToken(token.clone()));
                let backend = request.backend(*kind, credential, Some(emulator.address()), &retries)?;
                anyhow::Ok(backend.asked_as(used.settings.clone()))
            };
            let backends = in_use.iter().map(backend).collect::<anyhow::Result<_>>()?;
            Ok(OpenPortals { backends, sign_ins: BTreeMap::new(), retries, _emulator: Some(emulator) })
        }
    }
}

/// Reads the state file of an emulated portal.
pub(super) fn read_scenario(path: &Path) -> anyhow::Result<Scenario> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} can't be read", shown(path)))?;
    Scenario::read(&text).with_context(|| format!("in {}", shown(path)))
}
