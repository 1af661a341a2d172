//! Plans and applies under simulated portals with a paused clock, seed by seed.
//!
//! Owns the command line: `--seeds N` runs many, from `--from N` on, and `--seed N` one, with its history.

mod cloud_partner;
mod disk;
mod faults;
mod invariants;
mod offer;
mod partner_center;
mod product_ingestion;
mod run;
mod watch;
mod world;

use std::process::ExitCode;
use std::time::Instant;

#[expect(clippy::print_stdout, reason = "a program for people")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)?.parse::<u64>().ok()
    };
    if let Some(seed) = number("--seed") {
        return show(seed);
    }
    let (from, count) = (number("--from").unwrap_or(0), number("--seeds").unwrap_or(10_000));
    let (begun, mut applies) = (Instant::now(), 0);
    for seed in from..from + count {
        let verdict = run::simulate(seed, false);
        applies += verdict.applies;
        if !verdict.violations.is_empty() {
            println!("after {} seeds, seed {seed}:", seed - from + 1);
            return show(seed);
        }
    }
    let took = begun.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = applies as f64 / took;
    println!("{count} seeds, {applies} applies in {took:.1} s: {rate:.0} a second");
    ExitCode::SUCCESS
}

#[expect(clippy::print_stdout, reason = "a program for people")]
fn show(seed: u64) -> ExitCode {
    let verdict = run::simulate(seed, true);
    for line in &verdict.history {
        println!("{line}");
    }
    for violation in &verdict.violations {
        println!("BROKEN: {violation}");
    }
    ExitCode::from(u8::from(!verdict.violations.is_empty()))
}
