//! `schema`: the JSON Schemas of the documents.
//!
//! Owns which documents have one, and where each is found. They are generated from the types that are read and written.

use super::{Console, Exit};
use crate::desired::DesiredDocument;
use crate::outcome::OutcomeDocument;
use crate::plan::Plan;
use crate::report::json;
use crate::status::StatusDocument;

/// A document that has a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaName {
    /// The YAML file.
    DesiredState,
    /// `plan.json`.
    Plan,
    /// `outcome.json`.
    Outcome,
    /// The result of `status --format json`.
    Status,
}

impl SchemaName {
    /// The name in the schema's file.
    const fn as_str(self) -> &'static str {
        match self {
            Self::DesiredState => "desired-state",
            Self::Plan => "plan",
            Self::Outcome => "outcome",
            Self::Status => "status",
        }
    }

    /// Where the schema of this major version is found: its `$id`, and what an editor loads it by.
    #[must_use]
    pub fn address(self) -> String {
        // The tag of the major version moves with each release.
        format!(
            "https://raw.githubusercontent.com/cancel-pending/cancel-pending/v{}/schemas/{}.schema.json",
            env!("CARGO_PKG_VERSION_MAJOR"),
            self.as_str()
        )
    }
}

/// Prints a schema.
///
/// # Errors
/// When the result can't be written.
pub fn schema(name: SchemaName, console: Console) -> anyhow::Result<Exit> {
    let mut schema = match name {
        SchemaName::DesiredState => schemars::schema_for!(DesiredDocument),
        SchemaName::Plan => schemars::schema_for!(Plan),
        SchemaName::Outcome => schemars::schema_for!(OutcomeDocument),
        SchemaName::Status => schemars::schema_for!(StatusDocument),
    };
    schema.insert("$id".to_owned(), name.address().into());
    console.result(&json(&schema))?;
    Ok(Exit::Done)
}
