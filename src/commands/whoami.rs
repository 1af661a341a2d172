//! `whoami`: how the portal is signed in to, and what the account may read there.
//!
//! Owns the order of asking. What it shows is facts about the token, never the token.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::portal::PortalRequest;
use super::{Console, Exit, Format, files, portal};
use crate::domain::PublisherId;
use crate::identity::Claims;
use crate::portal::{CloudPartner, Failure};
use crate::report::{self, Access, Identity};

/// What `whoami` is asked to do.
#[derive(Debug, Clone)]
pub struct WhoamiRequest {
    /// Files whose publishers are asked for; none: `offers.yaml`, where there is one.
    pub paths: Vec<PathBuf>,
    /// The format on standard output.
    pub format: Format,
    /// The portal.
    pub portal: PortalRequest,
}

/// Shows who signs in, and what they may read.
///
/// # Errors
/// When the sign-in fails, or the result can't be written.
pub async fn whoami(request: &WhoamiRequest, console: Console) -> anyhow::Result<Exit> {
    let usual = Path::new("offers.yaml");
    let paths = match request.paths.as_slice() {
        [] if usual.exists() => vec![usual.to_owned()],
        paths => paths.to_vec(),
    };
    let mut publishers: BTreeMap<String, PublisherId> = BTreeMap::new();
    if !paths.is_empty() {
        let Some(desired) = files::desired_state(&paths, console) else { return Ok(Exit::Failed) };
        for offer in desired.offers() {
            publishers.entry(offer.publisher.as_str().to_ascii_lowercase()).or_insert_with(|| offer.publisher.clone());
        }
    }
    let open = portal::open(&request.portal, console).await?;
    let mut identity = Identity { portal: open.transport.portal().to_string(), ..Identity::default() };
    match &open.sign_in {
        None => (identity.is_emulated, identity.credential) = (true, "that of the emulator".to_owned()),
        Some(sign_in) => {
            let (token, expires) = sign_in.current().await?;
            let claims = Claims::of(&token).unwrap_or_default();
            let (tenant, client) = sign_in.source().told();
            identity.credential.push_str(sign_in.source().method().as_str());
            identity.expires = claims.expires().or(expires);
            identity.tenant = claims.tenant.or(tenant.map(str::to_owned));
            identity.client = claims.appid.or(client.map(str::to_owned));
            identity.object = claims.object;
            identity.audience = claims.audience;
        }
    }
    let reader = CloudPartner::new(&open.transport);
    for publisher in publishers.into_values() {
        let access = match reader.offers(&publisher).await {
            Ok(count) => Access { publisher, offers: Some(count), why_not: None },
            // There is an answer, only a long one.
            Err(Failure::TooLarge(_)) => Access { publisher, offers: None, why_not: None },
            Err(failure) => Access { publisher, offers: None, why_not: Some(failure.to_string()) },
        };
        identity.publishers.push(access);
    }
    console.result(&match request.format {
        Format::Json => report::identity_json(&identity),
        _ => report::identity_text(&identity, Timestamp::now()),
    })?;
    let all = identity.publishers.iter().all(|access| access.why_not.is_none());
    Ok(if all { Exit::Done } else { Exit::Failed })
}
