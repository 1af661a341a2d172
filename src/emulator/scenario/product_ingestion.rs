//! What a state file says of the Product Ingestion API: how it behaves, and the jobs of a product.
//!
//! Owns that part of the format. The submissions of such a product are in `partner_center`: they share their ids.

use std::time::Duration;

use serde::Deserialize;

use super::{CancelledFate, duration};
use crate::domain::OperationId;

/// How the Product Ingestion API behaves.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(in crate::emulator) struct ProductIngestionSpec {
    /// How many products a page has.
    pub page_size: usize,
    /// What becomes of a cancelled submission. Shown: it is completed, with the result `cancelled`.
    pub cancelled: CancelledFate,
    /// The `Retry-After` of answers about a job; absent: they have none.
    pub retry_after: Option<String>,
}

impl Default for ProductIngestionSpec {
    fn default() -> Self {
        Self { page_size: 3, cancelled: CancelledFate::Forgotten, retry_after: None }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::emulator) struct JobSpec {
    pub id: OperationId,
    #[serde(default = "running")]
    pub status: String,
    #[serde(default = "pending")]
    pub result: String,
    #[serde(default, deserialize_with = "duration")]
    pub started_ago: Duration,
    /// The submission that it works on, and that ends with it; absent: the unfinished one of its product.
    #[serde(default)]
    pub submission: Option<OperationId>,
}

fn running() -> String {
    "running".to_owned()
}

fn pending() -> String {
    "pending".to_owned()
}
