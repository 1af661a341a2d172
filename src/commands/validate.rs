//! `validate`: read the files and nothing else.
//!
//! Owns nothing but saying that they are valid. Offline, without secrets: what a fork's pull
//! request can run.

use std::path::PathBuf;

use super::{Console, Exit, files};
use crate::report::{counted, terminal};

/// Checks desired-state files.
///
/// # Errors
/// When the result can't be written.
pub fn validate(paths: &[PathBuf], console: Console) -> anyhow::Result<Exit> {
    let Some(desired) = files::desired_state(paths, console) else { return Ok(Exit::Failed) };
    let mut text = String::new();
    for file in &desired.files {
        let of_file = || desired.offers().filter(|offer| offer.source.path == file.path);
        if of_file().next().is_none() {
            text.push_str(&format!("{}: skipped, it holds no desired state\n", terminal(&file.path)));
            continue;
        }
        let (offers, marked) = (of_file().count(), of_file().filter(|offer| offer.mark.is_some()).count());
        text.push_str(&format!("{}: valid, {}, {marked} marked\n", terminal(&file.path), counted(offers, "offer")));
    }
    console.result(&text)?;
    Ok(Exit::Done)
}
