//! `completions`: the script that makes a shell complete the command line.
//!
//! Owns nothing but the call; clap writes it from the definition of the command line.

use clap_complete::Shell;

use super::{Console, Exit};

/// Prints the completion script for a shell.
///
/// # Errors
/// When the result can't be written.
pub fn completions(shell: Shell, mut command: clap::Command, console: Console) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "cancel-pending", &mut script);
    console.result(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
