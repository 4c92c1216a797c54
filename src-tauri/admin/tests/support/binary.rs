//! Running the real `igloo-admin`.

use igloo_protocol::Code;
use igloo_protocol::plan::{Outcome, Report};
use std::process::{Command, Output};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_igloo-admin");

/// Runs it by hand: the build folder may be anyone's.
pub fn by_hand(args: &[&str]) -> Output {
    Command::new(PROGRAM).arg("--by-hand").args(args).output().unwrap()
}

/// Its report, whose exit code fits.
pub fn report(output: &Output) -> Report {
    let report: Report = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"));
    let code = report.problem.as_ref().map_or(0, |p| p.code.exit_code());
    assert_eq!(output.status.code(), Some(i32::from(code)), "{output:?}");
    report
}

/// Sees that it refused, in JSON and in words; gives the message.
pub fn refused_as(output: &Output, code: Code) -> String {
    let report = report(output);
    let problem = report.problem.unwrap();
    assert_eq!((report.outcome, problem.code), (Outcome::Failed, code), "{problem}");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains(&problem.message) && stderr.contains(&problem.remedy), "{stderr}");
    problem.message
}
