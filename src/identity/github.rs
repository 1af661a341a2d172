//! GitHub's OIDC token: what a workflow run proves itself by.
//!
//! Owns the request to the runner's endpoint. The token that it sends there, and the one that it
//! gets, appear in no message.

use std::sync::Arc;

use azure_core::http::{HttpClient, Method, Request};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;

use crate::domain::is_loopback;
use crate::portal::CredentialError;

/// The audience that Entra expects of a federated token.
const AUDIENCE: &str = "api://AzureADTokenExchange";

/// Asks the runner for an assertion.
pub(super) async fn assertion(
    http: &Arc<dyn HttpClient>,
    request_url: &str,
    request_token: &SecretString,
) -> Result<SecretString, CredentialError> {
    #[derive(Deserialize)]
    struct OidcAnswer {
        value: String,
    }
    let error = |text: String| CredentialError(text);
    let mut url = Url::parse(request_url)
        .map_err(|reason| error(format!("ACTIONS_ID_TOKEN_REQUEST_URL is not a URL ({reason})")))?;
    if url.scheme() != "https" && !is_loopback(&url) {
        return Err(error("ACTIONS_ID_TOKEN_REQUEST_URL must start with https://".to_owned()));
    }
    url.query_pairs_mut().append_pair("audience", AUDIENCE);
    let mut request = Request::new(url, Method::Get);
    request.insert_header("authorization", format!("Bearer {}", request_token.expose_secret()));
    request.insert_header("accept", "application/json");
    let answer = http.execute_request(&request).await;
    let answer = match answer {
        Ok(answer) => answer.try_into_raw_response().await,
        Err(reason) => Err(reason),
    };
    let answer = answer.map_err(|reason| error(format!("no answer from GitHub's OIDC endpoint ({reason})")))?;
    let status = u16::from(answer.status());
    if !answer.status().is_success() {
        let advice = match status {
            401 | 403 => "; give the job `permissions: id-token: write`, and sign in within the job that asks",
            _ => "; try again",
        };
        return Err(error(format!("GitHub's OIDC endpoint answered {status}{advice}")));
    }
    let read: OidcAnswer = serde_json::from_slice(answer.body())
        .map_err(|_| error("GitHub's OIDC endpoint answered with something that holds no token".to_owned()))?;
    Ok(read.value.into())
}
