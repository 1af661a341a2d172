//! One sign-in to one portal for a whole run: fetched once, shared, renewed in time and when it is not accepted.
//!
//! Owns the lifetime of tokens. `azure_identity` keeps tokens of its own and can't be told to
//! forget one, so each fetch is by a new credential, and with GitHub by a new assertion.

use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::process::Output;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use azure_core::cloud::CloudConfiguration;
use azure_core::credentials::{AccessToken, Secret, TokenCredential};
use azure_core::error::ErrorKind;
use azure_core::http::{
    ClientMethodOptions, ClientOptions, ExponentialRetryOptions, HttpClient, RetryOptions, Transport,
};
use azure_identity::{
    AzureCliCredential, AzureCliCredentialOptions, ClientAssertion, ClientAssertionCredential,
    ClientAssertionCredentialOptions, ClientSecretCredential, ClientSecretCredentialOptions, Executor,
    ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId, WorkloadIdentityCredential,
    WorkloadIdentityCredentialOptions,
};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::choice::{CredentialSource, Method};
use super::client::{Remembering, client};
use super::failure::failure;
use super::github;
use super::tokens::GivenToken;
use crate::domain::first_cause;
use crate::portal::{Credential, CredentialError, Pending, Token};

/// How long one sign-in may take, all of its requests together.
const SIGN_IN_TIME: Duration = Duration::from_secs(45);

/// How long before its end a token is renewed, in seconds, if it lives that long.
const MARGIN: i64 = 300;

/// How long after a failure nothing is tried, so that thousands of requests fail by one.
const QUIET: Duration = Duration::from_secs(20);

/// Which of Microsoft's clouds signs in. The authority follows from it, and from nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cloud {
    /// login.microsoftonline.com
    #[default]
    Public,
    /// login.microsoftonline.us
    UsGovernment,
    /// login.chinacloudapi.cn
    China,
}

impl Cloud {
    fn configuration(self) -> Arc<CloudConfiguration> {
        // Always one: without it the crate asks a variable for the authority.
        Arc::new(match self {
            Self::Public => CloudConfiguration::AzurePublic,
            Self::UsGovernment => CloudConfiguration::AzureGovernment,
            Self::China => CloudConfiguration::AzureChina,
        })
    }
}

/// What is told each secret as soon as it is known.
pub type Mask = Arc<dyn Fn(&str) + Send + Sync>;

/// A sign-in.
pub struct SignIn {
    source: CredentialSource,
    cloud: Cloud,
    scope: &'static str,
    http: Arc<dyn HttpClient>,
    mask: Mask,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    current: Option<Fetched>,
    failed: Option<(Instant, CredentialError)>,
}

#[derive(Clone)]
struct Fetched {
    token: Token,
    at: Timestamp,
    /// None: it is not known.
    expires: Option<Timestamp>,
    /// Whether it was fetched because the one before was not accepted.
    is_renewal: bool,
}

impl Fetched {
    /// Whether it will do for a while: for five minutes, or half its life if that is shorter.
    fn is_fresh(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| {
            let life = expires.duration_since(self.at).as_secs();
            expires.duration_since(now).as_secs() > MARGIN.min(life / 2)
        })
    }
}

impl fmt::Debug for SignIn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SignIn").field("source", &self.source).finish_non_exhaustive()
    }
}

impl SignIn {
    /// A sign-in for a scope that has asked nobody yet.
    #[must_use]
    pub fn new(source: CredentialSource, cloud: Cloud, scope: &'static str, mask: Mask) -> Self {
        Self::with_http(source, cloud, scope, mask, client())
    }

    /// Likewise, by another HTTP client.
    #[must_use]
    pub fn with_http(
        source: CredentialSource,
        cloud: Cloud,
        scope: &'static str,
        mask: Mask,
        http: Arc<dyn HttpClient>,
    ) -> Self {
        match &source {
            CredentialSource::Token(GivenToken { secret, .. })
            | CredentialSource::GitHubOidc(_, _, secret)
            | CredentialSource::ClientSecret(_, secret) => mask(secret.expose_secret()),
            CredentialSource::WorkloadIdentity(..)
            | CredentialSource::ManagedIdentity(_)
            | CredentialSource::AzureCli(_) => {}
        }
        Self { source, cloud, scope, http, mask, state: Mutex::default() }
    }

    /// What it signs in by.
    #[must_use]
    pub const fn source(&self) -> &CredentialSource {
        &self.source
    }

    /// The token to use now, and when it expires if that is known.
    ///
    /// # Errors
    /// When the sign-in fails.
    pub async fn current(&self) -> Result<(Token, Option<Timestamp>), CredentialError> {
        let mut state = self.state.lock().await;
        // A token that was given is all there is, whatever it says of its end.
        let is_given = self.source.method() == Method::Token;
        if let Some(current) = state.current.as_ref().filter(|current| is_given || current.is_fresh(Timestamp::now())) {
            return Ok((current.token.clone(), current.expires));
        }
        let fetched = self.fetch_into(&mut state, false).await?;
        Ok((fetched.token, fetched.expires))
    }

    async fn fetch_into(&self, state: &mut State, is_renewal: bool) -> Result<Fetched, CredentialError> {
        if let Some((at, error)) = state.failed.as_ref().filter(|(at, _)| at.elapsed() < QUIET) {
            tracing::debug!(seconds = at.elapsed().as_secs(), "not signing in again so soon");
            return Err(error.clone());
        }
        match self.fetch(is_renewal).await {
            Ok(fetched) => {
                state.failed = None;
                state.current = Some(fetched.clone());
                Ok(fetched)
            }
            Err(error) => {
                state.failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    async fn fetch(&self, is_renewal: bool) -> Result<Fetched, CredentialError> {
        let at = Timestamp::now();
        let by = self.source.method().as_str();
        if let CredentialSource::Token(given) = &self.source {
            tracing::info!(credential = by, variable = given.variable, "signing in");
            let token = given.token()?;
            let expires = super::Claims::of(&token).and_then(|claims| claims.expires());
            return Ok(Fetched { token, at, expires, is_renewal });
        }
        let (tenant, client) = self.source.told();
        tracing::info!(credential = by, tenant, client, scope = self.scope, "signing in");
        let remembering = Arc::new(Remembering::new(Arc::clone(&self.http)));
        let exchanged = timeout(SIGN_IN_TIME, self.exchange(&remembering)).await;
        let token = exchanged.map_err(|_| {
            CredentialError(format!("the sign-in by {by} did not come to an end within {} s", SIGN_IN_TIME.as_secs()))
        })??;
        (self.mask)(token.token.secret());
        let expires = Timestamp::from_second(token.expires_on.unix_timestamp()).ok();
        tracing::info!(expires = expires.map(tracing::field::display), "signed in");
        Ok(Fetched { token: Token::new(token.token.secret())?, at, expires, is_renewal })
    }

    async fn exchange(&self, http: &Arc<Remembering>) -> Result<AccessToken, CredentialError> {
        let credential = match &self.source {
            CredentialSource::GitHubOidc(_, url, request_token) => {
                let client: Arc<dyn HttpClient> = Arc::clone(http) as _;
                let assertion = github::assertion(&client, url, request_token).await?;
                (self.mask)(assertion.expose_secret());
                self.credential(http, Some(assertion))
            }
            _ => self.credential(http, None),
        };
        // What the runner answered is no part of what Entra does.
        let _ = http.take();
        let token = match credential {
            Ok(credential) => credential.get_token(&[self.scope], None).await,
            Err(error) => Err(error),
        };
        token.map_err(|error| failure(&self.source, http.take().as_ref(), &first_cause(&error)))
    }

    /// A new credential, which knows of no earlier token.
    fn credential(
        &self,
        http: &Arc<Remembering>,
        assertion: Option<SecretString>,
    ) -> azure_core::Result<Arc<dyn TokenCredential>> {
        let client_options = ClientOptions {
            transport: Some(Transport::new(Arc::clone(http) as _)),
            cloud: Some(self.cloud.configuration()),
            retry: RetryOptions::exponential(ExponentialRetryOptions { max_retries: 2, ..Default::default() }),
            ..Default::default()
        };
        Ok(match self.source.clone() {
            CredentialSource::Token(_) => {
                return Err(azure_core::Error::with_message(ErrorKind::Credential, "a given token is not exchanged"));
            }
            CredentialSource::GitHubOidc(application, ..) => ClientAssertionCredential::new(
                application.tenant_id,
                application.client_id,
                Given(assertion.unwrap_or_default()),
                Some(ClientAssertionCredentialOptions { client_options }),
            )?,
            CredentialSource::ClientSecret(application, secret) => ClientSecretCredential::new(
                &application.tenant_id,
                application.client_id,
                Secret::new(secret.expose_secret().to_owned()),
                Some(ClientSecretCredentialOptions { client_options }),
            )?,
            CredentialSource::WorkloadIdentity(application, file) => {
                WorkloadIdentityCredential::new(Some(WorkloadIdentityCredentialOptions {
                    credential_options: ClientAssertionCredentialOptions { client_options },
                    client_id: Some(application.client_id),
                    tenant_id: Some(application.tenant_id),
                    token_file_path: Some(file),
                }))?
            }
            CredentialSource::ManagedIdentity(client) => {
                ManagedIdentityCredential::new(Some(ManagedIdentityCredentialOptions {
                    user_assigned_id: client.map(UserAssignedId::ClientId),
                    client_options,
                }))?
            }
            CredentialSource::AzureCli(tenant_id) => AzureCliCredential::new(Some(AzureCliCredentialOptions {
                tenant_id,
                executor: Some(Arc::new(Killed)),
                ..Default::default()
            }))?,
        })
    }
}

impl Credential for SignIn {
    fn token(&self) -> Pending<'_, Result<Token, CredentialError>> {
        Box::pin(async { self.current().await.map(|(token, _)| token) })
    }

    fn renew<'a>(&'a self, rejected: &'a Token) -> Pending<'a, Result<Token, CredentialError>> {
        Box::pin(async move {
            if let CredentialSource::Token(given) = &self.source {
                return Err(CredentialError(format!("the token in {} can't be renewed", given.variable)));
            }
            let mut state = self.state.lock().await;
            match &state.current {
                // Another request was told the same and has renewed it already.
                Some(current) if !current.token.same(rejected) => return Ok(current.token.clone()),
                // A fresh one was not accepted either: one more would not be.
                Some(current) if current.is_renewal => {
                    return Err(CredentialError("the portal does not accept a fresh token either".to_owned()));
                }
                _ => {}
            }
            let renewed = self.fetch_into(&mut state, true).await?;
            if renewed.token.same(rejected) {
                return Err(CredentialError("the sign-in gives the same token again".to_owned()));
            }
            Ok(renewed.token)
        })
    }
}

/// A secret that is at hand.
struct Given(SecretString);

impl fmt::Debug for Given {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Given(hidden)")
    }
}

#[async_trait]
impl ClientAssertion for Given {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        Ok(self.0.expose_secret().to_owned())
    }
}

/// Runs the Azure CLI. It ends with the sign-in: a prompt that nobody sees must not outlive it.
#[derive(Debug)]
struct Killed;

#[async_trait]
impl Executor for Killed {
    async fn run(&self, program: &OsStr, arguments: &[&OsStr]) -> io::Result<Output> {
        tokio::process::Command::new(program)
            .args(arguments)
            .stdin(std::process::Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
    }
}
