//! `man`: the manual pages.
//!
//! Owns their sections and where they are written. All texts are those of the command line; a page says
//! nothing that `--help` does not.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use anyhow::Context as _;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::console::shown;
use super::{Console, Exit};

/// Prints the page of the program, or writes the pages of all commands to a directory.
///
/// # Errors
/// When they can't be written.
pub fn man(command: clap::Command, directory: Option<&Path>, console: Console) -> anyhow::Result<Exit> {
    // What a build says of itself would make the pages of one release differ from system to system.
    let mut command = command.disable_help_subcommand(true).long_version(None);
    command.build();
    let Some(directory) = directory else {
        let (_, page) = page(&command)?;
        console.result(&page)?;
        return Ok(Exit::Done);
    };
    fs::create_dir_all(directory).with_context(|| format!("{} can't be made", shown(directory)))?;
    let mut count = 0;
    for command in std::iter::once(&command).chain(command.get_subcommands()) {
        let (name, page) = page(command)?;
        let path = directory.join(name);
        fs::write(&path, page).with_context(|| format!("{} can't be written", shown(&path)))?;
        count += 1;
    }
    console.result(&format!("Wrote {count} manual pages to {}\n", shown(directory)))?;
    Ok(Exit::Done)
}

/// The name of a page's file, and the page.
fn page(command: &clap::Command) -> io::Result<(String, String)> {
    let man = Man::new(command.clone());
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    if let Some(text) = command.get_after_help() {
        lists(&text.to_string()).to_writer(&mut page)?;
    }
    if command.has_subcommands() {
        man.render_version_section(&mut page)?;
    }
    page.flush()?;
    Ok((man.get_filename(), String::from_utf8_lossy(&page).into_owned()))
}

/// The lists below the help of the program, a section each: a heading, then lines of a name and its meaning, or of more
/// of that meaning.
fn lists(text: &str) -> Roff {
    let mut roff = Roff::new();
    for line in text.lines() {
        let Some(line) = line.strip_prefix("  ") else {
            if let Some(heading) = line.strip_suffix(':') {
                roff.control("SH", [heading.to_uppercase().as_str()]);
            }
            continue;
        };
        if line.starts_with(' ') {
            roff.text([roman(line.trim())]);
            continue;
        }
        let (name, meaning) = line.split_once("  ").unwrap_or((line, ""));
        roff.control("TP", []);
        roff.text([bold(name)]);
        if !meaning.trim().is_empty() {
            roff.text([roman(meaning.trim())]);
        }
    }
    roff
}
