//! The files that the runner of GitHub Actions gives a step to write to.
//!
//! Owns the limit on the summary, and that these files are only ever added to, without secrets.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, bail};

use super::console::shown;
use crate::secrets::redact;

/// The most bytes that all summaries of a step may have: one more, and GitHub drops all of them.
const SUMMARY_LIMIT: u64 = 1024 * 1024;

/// Adds to a summary what `page` makes of the room that is left in it.
pub(super) fn add(path: &Path, page: impl FnOnce(usize) -> String) -> anyhow::Result<()> {
    let room = room_in(path);
    let text = page(room);
    if text.len() >= room {
        bail!("the summary of this step is full");
    }
    append(path, &text)
}

fn room_in(path: &Path) -> usize {
    let written = fs::metadata(path).map_or(0, |metadata| metadata.len());
    usize::try_from(SUMMARY_LIMIT.saturating_sub(written).saturating_sub(1)).unwrap_or(0)
}

pub(super) fn append(path: &Path, text: &str) -> anyhow::Result<()> {
    let text = redact(text);
    let written =
        OpenOptions::new().append(true).create(true).open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.with_context(|| format!("{} can't be written", shown(path)))
}
