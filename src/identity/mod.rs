//! Sign-in: from what the environment says to a bearer token for each portal in use.
//!
//! Owns the choice of a credential and its order, the exchange with Entra (by `azure_identity`),
//! renewal, and what is said when it fails. Reads no variable itself: it is handed settings.
//! The authority is one of three that are built in, and never one that a variable names.

mod choice;
mod claims;
mod client;
mod failure;
mod github;
mod sign_in;
mod tokens;

pub use choice::{CredentialSource, Method, choose};
pub use claims::Claims;
pub use sign_in::{Cloud, Mask, SignIn};
pub use tokens::{GivenToken, SignInTarget, unused_tokens};

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use secrecy::SecretString;

use crate::domain::PortalKind;

/// What the environment says about signing in. Its `Debug` shows no value.
#[derive(Clone, Default)]
pub struct Settings {
    /// `CANCEL_PENDING_TOKEN`.
    pub token: Option<SecretString>,
    /// `CANCEL_PENDING_TOKEN_` and a portal's name, for each portal that has one.
    pub portal_tokens: BTreeMap<PortalKind, SecretString>,
    /// The names of variables that look like those, and are no portal's.
    pub unknown_tokens: Vec<String>,
    /// `AZURE_CLIENT_ID`.
    pub client_id: Option<String>,
    /// `AZURE_TENANT_ID`.
    pub tenant_id: Option<String>,
    /// `AZURE_CLIENT_SECRET`.
    pub client_secret: Option<SecretString>,
    /// Whether `AZURE_CLIENT_CERTIFICATE_PATH` is set, which other programs sign in by.
    pub has_certificate: bool,
    /// `AZURE_FEDERATED_TOKEN_FILE`.
    pub federated_token_file: Option<PathBuf>,
    /// `ACTIONS_ID_TOKEN_REQUEST_URL`.
    pub request_url: Option<String>,
    /// `ACTIONS_ID_TOKEN_REQUEST_TOKEN`.
    pub request_token: Option<SecretString>,
    /// Whether `IDENTITY_ENDPOINT` is set.
    pub has_identity_endpoint: bool,
    /// Whether `IDENTITY_HEADER` is set.
    pub has_identity_header: bool,
    /// Whether this is GitHub Actions.
    pub in_actions: bool,
    /// Whether there is an `az` on the path.
    pub has_azure_cli: bool,
}

impl fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Settings").finish_non_exhaustive()
    }
}
