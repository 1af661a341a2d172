//! Lists that come in pages.
//!
//! Owns what a skip token holds: where the next page begins, and the filter, because a client may follow the token
//! alone. To clients it is opaque.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::wire::IngestionPage;
use crate::emulator::api::ErrorAnswer;
use crate::emulator::scenario::{NextLinkForm, NextLinkName, PartnerCenterSpec};

/// How long pages are where the state file does not say, in turn: they are short, and not of one length.
const PAGE_SIZES: [usize; 5] = [3, 1, 5, 2, 4];

/// Where a page begins.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct SkipToken {
    /// How many entries were before.
    #[serde(rename = "c")]
    count: usize,
    /// How many pages were before.
    #[serde(rename = "p")]
    pages: usize,
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
}

impl SkipToken {
    /// Reads the token of a request. An empty one is the beginning.
    pub fn read(text: Option<&str>, filter: Option<&str>) -> Result<Self, ErrorAnswer> {
        let Some(text) = text.filter(|text| !text.is_empty()) else {
            return Ok(Self { filter: filter.map(str::to_owned), ..Self::default() });
        };
        let read = BASE64_URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        read.ok_or_else(|| ErrorAnswer::new(400, "ICH50401", "The skip token is not valid."))
    }

    /// The page that begins here. `path` is that of the list, without a slash in front.
    pub fn page<T>(
        &self,
        spec: &PartnerCenterSpec,
        size: Option<usize>,
        origin: &str,
        path: &str,
        all: Vec<T>,
    ) -> IngestionPage<T> {
        let size = size.unwrap_or(PAGE_SIZES[self.pages % PAGE_SIZES.len()]);
        let end = self.count.saturating_add(size);
        let next = (end < all.len()).then(|| {
            let token = Self { count: end, pages: self.pages + 1, filter: self.filter.clone() };
            let token = BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&token).unwrap_or_default());
            match spec.next_link {
                NextLinkForm::Relative => format!("{path}?$skipToken={token}"),
                NextLinkForm::Absolute => format!("{origin}/{path}?$skipToken={token}"),
            }
        });
        IngestionPage {
            value: all.into_iter().skip(self.count).take(size).collect(),
            next_link: next.clone().filter(|_| spec.next_link_name != NextLinkName::Odata),
            odata_next_link: next.filter(|_| spec.next_link_name != NextLinkName::Plain),
        }
    }
}
