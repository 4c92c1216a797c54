//! The command line and the headless engine.

use std::process::ExitCode;

fn main() -> ExitCode {
    igloo::cli::main()
}
