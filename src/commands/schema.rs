//! `schema`: the JSON Schemas of the documents.
//!
//! Owns which documents have one. They are generated from the types that are read and written.

use super::{Console, Exit};
use crate::desired::DesiredDocument;
use crate::outcome::OutcomeDocument;
use crate::plan::Plan;
use crate::report::json;

/// A document that has a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaName {
    /// The YAML file.
    DesiredState,
    /// `plan.json`.
    Plan,
    /// `outcome.json`.
    Outcome,
}

/// Prints a schema.
///
/// # Errors
/// When the result can't be written.
pub fn schema(name: SchemaName, console: Console) -> anyhow::Result<Exit> {
    let schema = match name {
        SchemaName::DesiredState => schemars::schema_for!(DesiredDocument),
        SchemaName::Plan => schemars::schema_for!(Plan),
        SchemaName::Outcome => schemars::schema_for!(OutcomeDocument),
    };
    console.result(&json(&schema))?;
    Ok(Exit::Done)
}
