//! The program `cancel-pending`. All of it is in the library; this file starts it.

use std::process::ExitCode;

fn main() -> ExitCode {
    cancel_pending::cli::run(std::env::args_os())
}
