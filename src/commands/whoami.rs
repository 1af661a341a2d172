//! `whoami`: how each portal is signed in to, and what the account can read there.
//!
//! Owns the order of asking. What it shows is facts about the token, never the token.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::portal::{PortalRequest, PortalsInUse};
use super::{Console, Exit, Format, files, portal};
use crate::domain::{PortalKind, PublisherId};
use crate::identity::{Claims, CredentialSource, SignIn};
use crate::portal::{Backend, Failure, ListOffers as _, UNWATCHED};
use crate::report::{self, Access, Identity};

/// What `whoami` is asked to do.
#[derive(Debug, Clone)]
pub struct WhoamiRequest {
    /// Files whose publishers are asked for; none: `offers.yaml`, where there is one.
    pub paths: Vec<PathBuf>,
    /// The format on standard output.
    pub format: Format,
    /// The portals.
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
    let mut publishers: BTreeMap<PortalKind, BTreeSet<PublisherId>> = BTreeMap::new();
    let mut used = PortalsInUse::default();
    if !paths.is_empty() {
        let Some(desired) = files::desired_state(&paths, console) else { return Ok(Exit::Failed) };
        used = PortalsInUse::of(&desired)?;
        for offer in desired.offers() {
            publishers.entry(offer.key.portal).or_default().insert(offer.key.publisher.clone());
        }
    }
    if publishers.is_empty() {
        publishers.insert(PortalKind::default(), BTreeSet::new());
    }
    used.kinds = publishers.keys().copied().collect();
    let open = portal::open(&request.portal, &used, console).await?;
    let mut identities = Vec::new();
    for backend in open.backends.iter() {
        let mut identity = identity(backend, open.sign_ins.get(&backend.kind()).map(AsRef::as_ref)).await?;
        identity.publishers = accesses(backend, publishers.get(&backend.kind()).into_iter().flatten()).await;
        identities.push(identity);
    }
    console.result(&match request.format {
        Format::Json => report::identity_json(&identities),
        _ => report::identity_text(&identities, Timestamp::now()),
    })?;
    let accesses: Vec<&Access> = identities.iter().flat_map(|identity| &identity.publishers).collect();
    let unreadable = accesses.iter().filter(|access| access.why_not.is_some()).count();
    if unreadable == 0 {
        return Ok(Exit::Done);
    }
    let publishers = report::counted(accesses.len(), "publisher");
    console.error(&format!("error: {unreadable} of {publishers} could not be read\n"));
    Ok(Exit::Failed)
}

/// What is known of the sign-in to a portal.
async fn identity(backend: &Backend, sign_in: Option<&SignIn>) -> anyhow::Result<Identity> {
    let mut identity = Identity { kind: backend.kind(), portal: backend.origin().to_string(), ..Identity::default() };
    let Some(sign_in) = sign_in else {
        return Ok(Identity { is_emulated: true, credential: "built into the emulator".to_owned(), ..identity });
    };
    let (token, expires) = sign_in.current().await?;
    let claims = Claims::of(&token);
    identity.is_opaque = claims.is_none();
    let claims = claims.unwrap_or_default();
    let (tenant, client) = sign_in.source().told();
    sign_in.source().method().as_str().clone_into(&mut identity.credential);
    if let CredentialSource::Token(given) = sign_in.source() {
        identity.variable = Some(given.variable.clone());
    }
    identity.expires = claims.expires().or(expires);
    identity.audience = Some(claims.audiences.join(", ")).filter(|audiences| !audiences.is_empty());
    identity.tenant = claims.tenant.or(tenant.map(str::to_owned));
    identity.client = claims.appid.or(client.map(str::to_owned));
    identity.object = claims.object;
    Ok(identity)
}

/// What the portal says of each publisher.
async fn accesses(backend: &Backend, publishers: impl Iterator<Item = &PublisherId>) -> Vec<Access> {
    let reader = backend.reader();
    let mut accesses = Vec::new();
    for publisher in publishers {
        let access = Access { publisher: publisher.clone(), offers: None, why_not: None, status: None };
        accesses.push(match reader.list(publisher, UNWATCHED).await {
            Ok(list) => Access { offers: Some(list.offers.len()), ..access },
            // There is an answer, only a long one.
            Err(Failure::TooLarge(_)) => access,
            Err(failure) => Access {
                status: failure.status().map(|status| status.as_u16()),
                why_not: Some(failure.to_string()),
                ..access
            },
        });
    }
    accesses
}
