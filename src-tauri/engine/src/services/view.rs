//! What is known of a service, put together.

use super::{
    Answer, Launchd, determinate,
    launchctl::{self, Printed},
    plist::{self, Job},
    script,
};
use igloo_protocol::{Code, Problem, ServiceKind, ServiceState, ServiceView};

/// Where launchd finds the jobs that an administrator installs.
const JOBS: &str = "/Library/LaunchDaemons";

/// The ssh alias that nix-darwin writes for its builder: it names the port.
const ALIAS: &str = "/etc/ssh/ssh_config.d/100-linux-builder.conf";

/// The disk in the builder's folder, unless its script names another.
const DISK: &str = "nixos.qcow2";

/// Every service that is installed. Reads a few small files and asks `launchctl` once for each; blocks.
pub fn look(launchd: &dyn Launchd) -> Vec<ServiceView> {
    let jobs = ServiceKind::LAUNCHD.into_iter().filter_map(|kind| Some((kind, job(launchd, kind)?)));
    let jobs: Vec<_> = jobs.collect();
    let disabled = match jobs[..] {
        [] => String::new(),
        _ => match launchd.launchctl(&["print-disabled", "system"]) {
            Answer::Said(text) => text,
            Answer::NotFound | Answer::Failed => String::new(),
        },
    };
    let seen = jobs.iter().map(|(kind, job)| {
        let answer = launchd.launchctl(&["print", &format!("system/{}", kind.label())]);
        let is_disabled = launchctl::is_disabled(&disabled, kind.label());
        view(launchd, *kind, job, &answer, is_disabled)
    });
    seen.chain(native(launchd)).collect()
}

fn job(launchd: &dyn Launchd, kind: ServiceKind) -> Option<Job> {
    let job = plist::read(&launchd.file(&format!("{JOBS}/{}.plist", kind.label()))?)?;
    (job.label == kind.label()).then_some(job)
}

fn view(
    launchd: &dyn Launchd,
    kind: ServiceKind,
    job: &Job,
    answer: &Answer,
    is_disabled: bool,
) -> ServiceView {
    let printed = match answer {
        Answer::Said(text) => launchctl::printed(text),
        Answer::NotFound | Answer::Failed => Printed::default(),
    };
    let state = state(job, answer, &printed, is_disabled);
    let mut view = ServiceView {
        state,
        pid: printed.pid,
        working_directory: job.working_directory.clone(),
        program: job.program().map(str::to_owned),
        problem: problem(kind, state, &printed, job.log.as_deref()),
        ..ServiceView::new(kind)
    };
    view.port = job.socket_port.or(view.port);
    if kind == ServiceKind::LinuxBuilder {
        of_nix_darwin(launchd, &mut view);
    }
    view
}

/// What launchd's answer says of the state.
fn state(job: &Job, answer: &Answer, printed: &Printed, is_disabled: bool) -> ServiceState {
    match (answer, printed.state.as_deref()) {
        (Answer::NotFound, _) if is_disabled => ServiceState::Disabled,
        (Answer::NotFound, _) => ServiceState::Stopped,
        (Answer::Failed, _) => ServiceState::Unknown,
        // one that ended badly again and again runs for moments in between
        (_, Some("running")) => ServiceState::Running,
        (_, Some(_)) if job.keep_alive => ServiceState::Failing,
        (_, Some(_)) => ServiceState::OnDemand,
        (_, None) => ServiceState::Unknown,
    }
}

/// What is wrong with a service that should run and does not.
fn problem(kind: ServiceKind, state: ServiceState, printed: &Printed, log: Option<&str>) -> Option<Problem> {
    if state != ServiceState::Failing {
        return None;
    }
    let how = match (&printed.last_signal, printed.last_exit) {
        (Some(signal), _) => format!("was ended by a signal ({signal})"),
        // 128 and SIGABRT: how QEMU ends under an HVF that it can't use (nixpkgs#528299)
        (None, Some(134)) => "ended with exit code 134, as QEMU does when it aborts".into(),
        (None, Some(code)) => format!("ended with exit code {code}"),
        (None, None) => "does not run".into(),
    };
    let times = printed
        .runs
        .filter(|runs| *runs > 1)
        .map_or(String::new(), |runs| format!(" ({runs} starts so far)"));
    let remedy = match log {
        Some(log) => format!("look at {log}"),
        None => "it keeps no log: stop it and run its script by hand, as root, to see why; `igloo explain` knows the words"
            .into(),
    };
    Some(Problem::new(
        Code::VmFailed,
        format!("{} {how}, and launchd starts it again{times}", kind.name()),
        remedy,
    ))
}

fn of_nix_darwin(launchd: &dyn Launchd, view: &mut ServiceView) {
    let text = |path: &str| launchd.file(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    if let Some(port) = text(ALIAS).and_then(|config| script::port(&config, "linux-builder")) {
        view.port = Some(port);
    }
    let script = view.program.as_deref().and_then(text);
    let wiped = script.as_deref().map(script::wiped_disk);
    view.ephemeral = wiped.map(|disk| disk.is_some());
    let usual = view.working_directory.as_ref().map(|folder| format!("{folder}/{DISK}"));
    let disk = wiped.flatten().map(str::to_owned).or(usual);
    view.disk_used = disk.and_then(|disk| launchd.disk_use(&disk));
}

/// Determinate's native builder, where Nix is told to use it.
fn native(launchd: &dyn Launchd) -> Option<ServiceView> {
    let nix_conf = launchd.file("/etc/nix/nix.conf")?;
    let program = determinate::program(&String::from_utf8_lossy(&nix_conf))?;
    let is_off = launchd.file("/etc/determinate/config.json").is_some_and(|c| determinate::is_off(&c));
    let state = if is_off { ServiceState::Disabled } else { ServiceState::OnDemand };
    Some(ServiceView { state, program: Some(program), ..ServiceView::new(ServiceKind::DeterminateNative) })
}
