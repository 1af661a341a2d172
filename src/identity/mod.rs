//! Sign-in: from what the environment says to a bearer token for the portal.
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

pub use choice::{Method, Source, choose};
pub use claims::Claims;
pub use sign_in::{Cloud, Mask, SignIn};

use std::fmt;
use std::path::PathBuf;

use secrecy::SecretString;

/// What the portal's tokens are for. Documented as the scope of the Cloud Partner Portal's API.
pub const SCOPE: &str = "https://cloudpartner.azure.com/.default";

/// What the environment says about signing in. Its `Debug` shows no value.
#[derive(Clone, Default)]
pub struct Settings {
    /// `CANCEL_PENDING_TOKEN`.
    pub token: Option<SecretString>,
    /// `AZURE_CLIENT_ID`.
    pub client_id: Option<String>,
    /// `AZURE_TENANT_ID`.
    pub tenant_id: Option<String>,
    /// `AZURE_CLIENT_SECRET`.
    pub client_secret: Option<SecretString>,
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
