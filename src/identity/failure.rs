//! Why a sign-in failed, told to a person.
//!
//! Owns what Entra's codes mean here and what to do about them. The code is kept, because it is
//! what people search for; the text is cleaned of the ids of traces and of anything that acts.

use serde::Deserialize;

use super::choice::{CredentialSource, Method};
use super::client::LastAnswer;
use crate::portal::CredentialError;

/// From this many seconds on a clock is said to be wrong. Entra lets assertions differ by five minutes.
const CLOCK_TOLERANCE: i64 = 240;

/// The longest text that is quoted.
const MAX_QUOTE: usize = 300;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct EntraError {
    error: Option<String>,
    error_description: Option<String>,
}

/// What to say of a sign-in that failed: the answer where there was one, else the error.
pub(super) fn failure(source: &CredentialSource, answer: Option<&LastAnswer>, error: &str) -> CredentialError {
    let (tenant, client) = source.told();
    let who = match (client, tenant) {
        (Some(client), Some(tenant)) => format!(" of the application {client} in the tenant {tenant}"),
        _ => String::new(),
    };
    let by = source.method().as_str();
    let mut text = match answer.filter(|answer| answer.status >= 400) {
        Some(answer) => refused(source, answer, &format!("the sign-in by {by}{who}")),
        None => format!("the sign-in by {by}{who} failed: {}{}", quote(error), without_answer(source.method())),
    };
    if let Some(ahead) = answer.and_then(|answer| answer.clock_ahead).filter(|ahead| ahead.abs() > CLOCK_TOLERANCE) {
        let (minutes, way) = (ahead.abs() / 60, if ahead > 0 { "ahead" } else { "behind" });
        text.push_str(&format!("; this machine's clock is {minutes} min {way}: set it, Entra accepts 5 min at most"));
    }
    CredentialError(text)
}

fn refused(source: &CredentialSource, answer: &LastAnswer, what: &str) -> String {
    let entra: Option<EntraError> = serde_json::from_slice(&answer.body).ok();
    let Some(entra) = entra.filter(|entra| entra.error.is_some() || entra.error_description.is_some()) else {
        return format!(
            "{what} was answered with {} by {}, and nothing that Entra says; is a proxy in between?",
            answer.status, answer.host
        );
    };
    let description = entra.error_description.or(entra.error).unwrap_or_default();
    let code = code_of(&description);
    let advice = code.as_deref().map_or("", |code| advice(code, source.method()));
    format!("{what} was refused by {} ({}){advice}", answer.host, quote(&description))
}

/// `AADSTS700016`, where the text names one.
fn code_of(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("AADSTS")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (!digits.is_empty()).then_some(digits)
}

fn advice(code: &str, method: Method) -> &'static str {
    match code {
        "90002" | "900021" | "90013" => "; AZURE_TENANT_ID names no tenant of this cloud: check it, and --cloud",
        "700016" => "; the application is not in this tenant: check AZURE_CLIENT_ID and AZURE_TENANT_ID",
        "7000215" => "; AZURE_CLIENT_SECRET is not the secret's value: take the value, not the secret's id",
        "7000222" => "; the secret has expired: make a new one in Entra, under Certificates & secrets",
        "70021" | "700211" | "700212" | "700213" | "7002138" => {
            "; no federated credential of the application matches this run: compare issuer, subject and audience with \
             those in Entra (the subject names repository and branch, pull request or environment)"
        }
        "700024" | "700023" => "; the assertion is not valid at this time: check the machine's clock",
        "7000229" => "; the application has no service principal in this tenant: add it under Enterprise applications",
        "500011" | "65001" => {
            "; the tenant does not know the portal's API, or the application may not use it: is this the tenant of the Partner Center account?"
        }
        "53003" | "530003" | "50105" => "; a policy of the tenant forbids it: ask its administrators",
        "50076" | "50079" | "70043" | "700082" if matches!(method, Method::AzureCli) => "; sign in again: az login",
        _ => "",
    }
}

const fn without_answer(method: Method) -> &'static str {
    match method {
        Method::AzureCli => "; sign in with `az login`, or choose another way by --auth",
        Method::ManagedIdentity => "; does this machine have a managed identity? Choose another way by --auth",
        _ => "; check the network, and the proxy if there is one",
    }
}

/// One line of somebody else's text, without what only their support can use.
fn quote(text: &str) -> String {
    let first = ["Trace ID:", "Correlation ID:", "Timestamp:", "To troubleshoot, visit"]
        .iter()
        .fold(text, |text, end| text.split(end).next().unwrap_or_default());
    let line = first.split_whitespace().collect::<Vec<_>>().join(" ");
    // The crate's own prefix says nothing that is not said here.
    let line = line.split_once(" authentication failed. ").map_or(line.as_str(), |(_, rest)| rest);
    let mut short: String = line.trim_end_matches(['.', ' ']).chars().take(MAX_QUOTE).collect();
    if short.len() < line.trim_end_matches(['.', ' ']).len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::super::choice::Application;
    use super::*;

    fn source() -> CredentialSource {
        let application = Application { tenant_id: "contoso.com".to_owned(), client_id: "c1".to_owned() };
        CredentialSource::ClientSecret(application, SecretString::from("canary"))
    }

    fn answered(body: &str, clock_ahead: Option<i64>) -> LastAnswer {
        let host = "login.microsoftonline.com".to_owned();
        LastAnswer { host, status: 401, body: body.as_bytes().to_vec(), clock_ahead }
    }

    #[test]
    fn the_code_is_kept_and_the_text_cleaned() {
        let body = r#"{"error":"invalid_client","error_description":"AADSTS7000222: The provided client secret keys for app 'c1' are expired.\r\nTrace ID: 1 Correlation ID: 2 Timestamp: 3"}"#;
        let error = failure(&source(), Some(&answered(body, Some(10))), "").0;
        assert_eq!(
            error,
            "the sign-in by client-secret of the application c1 in the tenant contoso.com was refused by \
             login.microsoftonline.com (AADSTS7000222: The provided client secret keys for app 'c1' are expired); the \
             secret has expired: make a new one in Entra, under Certificates & secrets"
        );
    }

    #[test]
    fn clocks_proxies_and_silence() {
        let body = r#"{"error":"invalid_client","error_description":"AADSTS700024: Client assertion is not within its valid time range."}"#;
        assert!(failure(&source(), Some(&answered(body, Some(-3_700))), "").0.contains("clock is 61 min behind"));
        let proxy = failure(&source(), Some(&answered("<html>Bad Gateway</html>", None)), "").0;
        assert!(proxy.contains("is a proxy in between?") && !proxy.contains("html"), "{proxy}");
        let silent = failure(
            &source(),
            None,
            "ClientSecretCredential authentication failed. dns error\nTo troubleshoot, visit x",
        )
        .0;
        assert!(silent.contains("failed: dns error; check the network"), "{silent}");
    }
}
