//! Which credential signs in to a portal: the documented order, and what is missing from one that is partly set.
//!
//! Owns the order. Pure: it looks at settings and asks nobody.

use std::fmt;
use std::path::PathBuf;

use secrecy::SecretString;

use super::Settings;
use super::tokens::{GivenToken, SignInTarget};
use crate::portal::CredentialError;

/// A way to get a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// A token that is given.
    Token,
    /// GitHub's OIDC token, exchanged at Entra.
    GitHubOidc,
    /// An application and its secret.
    ClientSecret,
    /// A federated token in a file, as Kubernetes gives it.
    WorkloadIdentity,
    /// The identity of the machine in Azure.
    ManagedIdentity,
    /// Whoever is signed in to the Azure CLI.
    AzureCli,
}

impl Method {
    /// All of them, in the order in which they are looked for.
    pub const ALL: [Self; 6] = [
        Self::Token,
        Self::GitHubOidc,
        Self::ClientSecret,
        Self::WorkloadIdentity,
        Self::ManagedIdentity,
        Self::AzureCli,
    ];

    /// Its name on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::GitHubOidc => "github-oidc",
            Self::ClientSecret => "client-secret",
            Self::WorkloadIdentity => "workload-identity",
            Self::ManagedIdentity => "managed-identity",
            Self::AzureCli => "azure-cli",
        }
    }
}

/// An application in a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// The tenant's id or domain.
    pub tenant_id: String,
    /// The application's client id.
    pub client_id: String,
}

/// A credential with all that it needs. Its `Debug` shows no secret.
#[derive(Clone)]
pub enum CredentialSource {
    /// A token that is given.
    Token(GivenToken),
    /// GitHub's OIDC token, exchanged at Entra.
    GitHubOidc(Application, String, SecretString),
    /// An application and its secret.
    ClientSecret(Application, SecretString),
    /// A federated token in a file.
    WorkloadIdentity(Application, PathBuf),
    /// The identity of the machine, or the one with this client id.
    ManagedIdentity(Option<String>),
    /// Whoever is signed in to the Azure CLI, in this tenant or in their own.
    AzureCli(Option<String>),
}

impl CredentialSource {
    /// Which method it is.
    #[must_use]
    pub const fn method(&self) -> Method {
        match self {
            Self::Token(_) => Method::Token,
            Self::GitHubOidc(..) => Method::GitHubOidc,
            Self::ClientSecret(..) => Method::ClientSecret,
            Self::WorkloadIdentity(..) => Method::WorkloadIdentity,
            Self::ManagedIdentity(_) => Method::ManagedIdentity,
            Self::AzureCli(_) => Method::AzureCli,
        }
    }

    /// The tenant and the client, as far as they are told and not looked up.
    #[must_use]
    pub fn told(&self) -> (Option<&str>, Option<&str>) {
        match self {
            Self::Token(_) => (None, None),
            Self::GitHubOidc(application, ..)
            | Self::ClientSecret(application, _)
            | Self::WorkloadIdentity(application, _) => (Some(&application.tenant_id), Some(&application.client_id)),
            Self::ManagedIdentity(client) => (None, client.as_deref()),
            Self::AzureCli(tenant) => (tenant.as_deref(), None),
        }
    }
}

impl fmt::Debug for CredentialSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.method().as_str())
    }
}

/// Said of a machine without any credential.
fn nothing(target: &SignInTarget) -> CredentialError {
    CredentialError(format!(
        "there are no credentials for {}. In GitHub Actions, give the job `permissions: id-token: write` and set \
         AZURE_CLIENT_ID and AZURE_TENANT_ID of an application with a federated credential for this repository. On a laptop, \
         sign in with `az login` or set {} to a bearer token. Without any account, use --emulate STATE.yaml",
        target.name(),
        target.variable()
    ))
}

/// Said where a certificate is all that is set.
const CERTIFICATE: &str = "AZURE_CLIENT_CERTIFICATE_PATH is set, but signing in by certificate is not supported; use a federated \
     credential (AZURE_FEDERATED_TOKEN_FILE, or `permissions: id-token: write` in GitHub Actions) or AZURE_CLIENT_SECRET";

/// Chooses a credential for a portal: the one that is wanted, else the first in order that is set.
///
/// # Errors
/// When nothing is set, or something is partly set: then it says which variable is missing. A partly
/// set credential is never passed over for the next in order. When a given token is not for this portal, or the
/// portal is not at Microsoft's origin and no token is given: Entra's tokens go to Microsoft only.
pub fn choose(
    settings: &Settings,
    wanted: Option<Method>,
    target: &SignInTarget,
) -> Result<CredentialSource, CredentialError> {
    if wanted.is_none_or(|method| method == Method::Token) {
        match target.given(settings)? {
            Some(given) => return Ok(CredentialSource::Token(given)),
            None if wanted.is_some() => {
                return Err(CredentialError(format!(
                    "{} is not set, and --auth token needs it for {}",
                    target.variable(),
                    target.name()
                )));
            }
            None => {}
        }
    }
    if !target.is_microsoft() {
        return Err(CredentialError(format!(
            "{} is not Microsoft's endpoint for {}, and signing in by Entra is for Microsoft's endpoints only; set {} to a \
             bearer token that may be sent there",
            target.origin,
            target.kind,
            target.variable()
        )));
    }
    if let Some(method) = wanted {
        return of(settings, method);
    }
    let (client, tenant) = (settings.client_id.is_some(), settings.tenant_id.is_some());
    let requests = (settings.request_url.is_some(), settings.request_token.is_some());
    let method = if settings.client_secret.is_some() && (!client || !tenant || requests == (false, false)) {
        Method::ClientSecret
    } else if client && tenant && requests != (false, false) {
        Method::GitHubOidc
    } else if settings.federated_token_file.is_some() {
        Method::WorkloadIdentity
    } else if (settings.has_identity_endpoint || settings.has_identity_header) && !tenant {
        Method::ManagedIdentity
    } else if settings.has_certificate {
        return Err(CredentialError(CERTIFICATE.to_owned()));
    } else if client || tenant {
        // Half of something: which half is missing depends on where this runs.
        let method = if settings.in_actions { Method::GitHubOidc } else { Method::ClientSecret };
        return of(settings, method);
    } else if settings.has_azure_cli {
        Method::AzureCli
    } else {
        return Err(nothing(target));
    };
    of(settings, method)
}

fn of(settings: &Settings, method: Method) -> Result<CredentialSource, CredentialError> {
    let error = |text: String| Err(CredentialError(text));
    let missing =
        |name: &str| CredentialError(format!("{name} is not set, and signing in by {} needs it", method.as_str()));
    let application = || {
        Ok::<_, CredentialError>(Application {
            tenant_id: settings.tenant_id.clone().ok_or_else(|| missing("AZURE_TENANT_ID"))?,
            client_id: settings.client_id.clone().ok_or_else(|| missing("AZURE_CLIENT_ID"))?,
        })
    };
    match method {
        // It was chosen before anything else was looked at.
        Method::Token => Err(missing("CANCEL_PENDING_TOKEN")),
        Method::GitHubOidc => {
            let application = application()?;
            match (settings.request_url.clone(), settings.request_token.clone()) {
                (Some(url), Some(token)) => Ok(CredentialSource::GitHubOidc(application, url, token)),
                (None, None) if settings.in_actions => error(
                    "the runner offers no OIDC token: give the job `permissions: id-token: write`, which it never has on a \
                     pull request from a fork (or set AZURE_CLIENT_SECRET)"
                        .to_owned(),
                ),
                (None, None) => error("this is no GitHub Actions runner, which alone has a GitHub OIDC token".to_owned()),
                (None, Some(_)) => Err(missing("ACTIONS_ID_TOKEN_REQUEST_URL")),
                (Some(_), None) => Err(missing("ACTIONS_ID_TOKEN_REQUEST_TOKEN")),
            }
        }
        Method::ClientSecret => {
            let application = application()?;
            let secret = settings.client_secret.clone().ok_or_else(|| missing("AZURE_CLIENT_SECRET"))?;
            Ok(CredentialSource::ClientSecret(application, secret))
        }
        Method::WorkloadIdentity => {
            let application = application()?;
            let file = settings.federated_token_file.clone().ok_or_else(|| missing("AZURE_FEDERATED_TOKEN_FILE"))?;
            Ok(CredentialSource::WorkloadIdentity(application, file))
        }
        Method::ManagedIdentity if settings.has_identity_header && !settings.has_identity_endpoint => {
            Err(missing("IDENTITY_ENDPOINT"))
        }
        Method::ManagedIdentity if settings.has_identity_endpoint && !settings.has_identity_header => {
            Err(missing("IDENTITY_HEADER"))
        }
        Method::ManagedIdentity => Ok(CredentialSource::ManagedIdentity(settings.client_id.clone())),
        Method::AzureCli if !settings.has_azure_cli => {
            error("there is no Azure CLI (`az`) on the path: install it, and sign in with `az login`".to_owned())
        }
        Method::AzureCli => Ok(CredentialSource::AzureCli(settings.tenant_id.clone())),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::tokens::tests::target;
    use super::*;

    /// Settings from a list of what is set.
    fn settings(names: &[&str]) -> Settings {
        let text = |name: &str| names.contains(&name).then(|| format!("value-of-{name}"));
        let secret = |name: &str| text(name).map(SecretString::from);
        Settings {
            token: secret("token"),
            client_id: text("client"),
            tenant_id: text("tenant"),
            client_secret: secret("secret"),
            federated_token_file: text("file").map(PathBuf::from),
            request_url: text("url"),
            request_token: secret("request"),
            has_certificate: names.contains(&"certificate"),
            portal_tokens: BTreeMap::new(),
            unknown_tokens: Vec::new(),
            has_identity_endpoint: names.contains(&"endpoint"),
            has_identity_header: names.contains(&"header"),
            in_actions: names.contains(&"actions"),
            has_azure_cli: names.contains(&"az"),
        }
    }

    fn chosen(names: &[&str]) -> Result<Method, String> {
        choose(&settings(names), None, &target(1)).map(|source| source.method()).map_err(|error| error.0)
    }

    #[test]
    fn the_first_in_order_that_is_set() {
        for (names, method) in [
            (&["token", "client", "tenant", "secret", "url", "request", "az"][..], Method::Token),
            (&["client", "tenant", "secret", "url", "request", "file", "az"], Method::GitHubOidc),
            (&["client", "tenant", "secret", "file", "endpoint", "header", "az"], Method::ClientSecret),
            (&["client", "tenant", "file", "endpoint", "header", "az"], Method::WorkloadIdentity),
            (&["client", "endpoint", "header", "az"], Method::ManagedIdentity),
            (&["endpoint", "header", "az"], Method::ManagedIdentity),
            // The runner offers its token, and nobody asked for a sign-in by it.
            (&["url", "request", "actions", "az"], Method::AzureCli),
            (&["az"], Method::AzureCli),
        ] {
            assert_eq!(chosen(names), Ok(method), "{names:?}");
        }
    }

    #[test]
    fn what_is_half_set_is_an_error_that_names_the_other_half() {
        for (names, missing) in [
            (&["client", "secret", "az"][..], "AZURE_TENANT_ID is not set"),
            (&["tenant", "secret", "az"], "AZURE_CLIENT_ID is not set"),
            (&["secret", "url", "request"], "AZURE_TENANT_ID is not set"),
            (&["client", "tenant", "az"], "AZURE_CLIENT_SECRET is not set"),
            (&["client", "az"], "AZURE_TENANT_ID is not set"),
            (&["tenant", "actions", "az"], "AZURE_CLIENT_ID is not set"),
            (&["client", "tenant", "actions", "az"], "id-token: write"),
            (&["client", "tenant", "url", "az"], "ACTIONS_ID_TOKEN_REQUEST_TOKEN is not set"),
            (&["client", "tenant", "request", "az"], "ACTIONS_ID_TOKEN_REQUEST_URL is not set"),
            (&["file", "az"], "AZURE_TENANT_ID is not set"),
            (&["endpoint", "az"], "IDENTITY_HEADER is not set"),
            (&["header", "az"], "IDENTITY_ENDPOINT is not set"),
            (&["client", "tenant", "certificate", "az"], "certificate is not supported"),
            (&["certificate", "az"], "certificate is not supported"),
            (&[], "there are no credentials"),
        ] {
            let error = chosen(names).expect_err("half");
            assert!(error.contains(missing), "{names:?}: {error}");
        }
    }

    #[test]
    fn the_one_that_is_wanted_and_no_other() {
        let all = ["token", "client", "tenant", "secret", "url", "request", "file", "endpoint", "header", "az"];
        for method in Method::ALL {
            assert_eq!(choose(&settings(&all), Some(method), &target(1)).map(|source| source.method()), Ok(method));
            let nothing = choose(&settings(&[]), Some(method), &target(1));
            // The identity of the machine needs no variable.
            assert_eq!(nothing.is_ok(), method == Method::ManagedIdentity, "{method:?}");
        }
    }

    #[test]
    fn nothing_is_printed() {
        let all = settings(&["token", "client", "tenant", "secret", "url", "request"]);
        let source = choose(&all, None, &target(1)).expect("one");
        assert!(!format!("{all:?} {source:?}").contains("value-of"));
    }
}
