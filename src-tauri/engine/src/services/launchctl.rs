//! What `launchctl` prints. Apple calls the form no interface, so only single lines of the outermost block are read,
//! and what is not understood is not known.

/// What `launchctl print system/LABEL` says of a job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Printed {
    /// `running`, `not running`, `spawn scheduled`, …
    pub state: Option<String>,
    /// The process.
    pub pid: Option<u32>,
    /// How often it was started since launchd knows it.
    pub runs: Option<u32>,
    /// With which code it ended last; `None` if it never did.
    pub last_exit: Option<i32>,
    /// The signal that ended it last, in launchd's words (`Killed: 9`).
    pub last_signal: Option<String>,
}

/// Reads what `launchctl print` says of one job.
pub fn printed(text: &str) -> Printed {
    let mut depth = 0_usize;
    let mut found = Printed::default();
    for line in text.lines().map(str::trim) {
        if line.ends_with('{') {
            depth += 1;
        } else if line == "}" {
            depth = depth.saturating_sub(1);
        } else if depth == 1
            && let Some((key, value)) = line.split_once(" = ")
        {
            note(&mut found, key, value);
        }
    }
    found
}

fn note(found: &mut Printed, key: &str, value: &str) {
    match key {
        "state" => found.state = Some(value.to_owned()),
        "pid" => found.pid = value.parse().ok(),
        "runs" => found.runs = value.parse().ok(),
        // `0`, `78: EX_CONFIG`, `(never exited)`
        "last exit code" => found.last_exit = value.split(':').next().and_then(|code| code.parse().ok()),
        "last terminating signal" => found.last_signal = Some(value.to_owned()),
        _ => {}
    }
}

/// Whether `launchctl print-disabled system` lists a job as disabled: `"LABEL" => disabled`, in older systems `true`.
pub fn is_disabled(text: &str, label: &str) -> bool {
    let quoted = format!("\"{label}\"");
    text.lines().filter_map(|line| line.split_once("=>")).any(|(name, value)| {
        name.trim() == quoted && matches!(value.trim().trim_end_matches(';'), "disabled" | "true")
    })
}
