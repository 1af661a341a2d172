//! One run of a program: how long it took, and what it used.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, bail};
use wait4::Wait4 as _;

/// What a run cost.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cost {
    /// From start to end, in seconds.
    pub seconds: f64,
    /// Processor time of the program and of all that it started, in seconds.
    pub processor: f64,
    /// The most memory that any of these processes held at once, in bytes.
    pub memory: u64,
}

/// Runs a command to its end, its output into a file.
pub fn run(command: &mut Command, output: &Path) -> anyhow::Result<Cost> {
    let name = command.get_program().display().to_string();
    let errors = output.with_extension("errors");
    command.stdin(Stdio::null()).stdout(File::create(output)?).stderr(File::create(&errors)?);
    let start = Instant::now();
    let ended = command.spawn().with_context(|| format!("{name} can't be started"))?.wait4()?;
    let seconds = start.elapsed().as_secs_f64();
    if !ended.status.success() {
        bail!("{name} ended with {}: {}", ended.status, std::fs::read_to_string(&errors)?);
    }
    let used = ended.rusage;
    Ok(Cost { seconds, processor: (used.utime + used.stime).as_secs_f64(), memory: used.maxrss })
}

/// The middle one of several, each figure by itself.
pub fn median(costs: &[Cost]) -> Cost {
    let middle = |figure: fn(&Cost) -> f64| {
        let mut figures: Vec<f64> = costs.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        figures.get(figures.len() / 2).copied().unwrap_or_default()
    };
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "megabytes"
    )]
    let memory = middle(|cost| cost.memory as f64) as u64;
    Cost { seconds: middle(|cost| cost.seconds), processor: middle(|cost| cost.processor), memory }
}
