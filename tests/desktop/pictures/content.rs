//! What the pictures show: a believable afternoon.

use crate::support::{build, builder};
use igloo_engine::settings::{HostSize, Store};
use igloo_protocol::{
    Accel, Build, BuildEnd, BuildState, BuilderId, BuilderView, Code, DiskUse, FinishedBuild, GuestInfo,
    Phase, PrepareStep, Problem, Rung, SettingView, Setup, SshAccess, Usage,
};
use std::{
    f64::consts::TAU,
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

pub const ARM: BuilderId = BuilderId::Aarch64;
pub const INTEL: BuilderId = BuilderId::X86_64;

const GIB: u64 = 1 << 30;

/// How long a start took to each rung, in milliseconds.
const CLIMB: [(Rung, u64); 8] = [
    (Rung::Process, 120),
    (Rung::Qmp, 340),
    (Rung::Port, 410),
    (Rung::Banner, 4870),
    (Rung::HostKey, 4930),
    (Rung::Login, 5080),
    (Rung::Daemon, 5620),
    (Rung::Systems, 6410),
];

/// A phase that a menu is photographed in: its name, and the builders.
pub fn phases() -> [(&'static str, Vec<BuilderView>); 7] {
    let one = |phase: Phase| vec![arm(phase)];
    [
        ("stopped", one(Phase::Stopped)),
        ("preparing", one(Phase::Preparing { step: PrepareStep::Disk })),
        ("booting", vec![booting(Rung::Banner)]),
        ("ready", one(Phase::Ready)),
        ("ready-with-builds", vec![building(two())]),
        ("draining", vec![draining()]),
        ("failed", vec![failed()]),
    ]
}

/// Both builders, one of them at work.
pub fn afternoon() -> Vec<BuilderView> {
    vec![building(two()), intel()]
}

/// Both builders, and neither runs.
pub fn idle() -> Vec<BuilderView> {
    vec![arm(Phase::Stopped), intel()]
}

/// Neither was ever started, and Nix knows of neither.
pub fn first_day() -> Vec<BuilderView> {
    [arm(Phase::Stopped), BuilderView { enabled: false, ..intel() }].map(unknown_to_nix).into()
}

/// As [`first_day`], with a builder that is `phase`.
pub fn first_start(phase: BuilderView) -> Vec<BuilderView> {
    [phase, BuilderView { enabled: false, ..intel() }].map(unknown_to_nix).into()
}

pub fn unknown_to_nix(view: BuilderView) -> BuilderView {
    BuilderView { setup: Setup::Absent, ..view }
}

/// The other builder: there, and off.
pub fn intel() -> BuilderView {
    sized(builder(INTEL, Phase::Stopped))
}

/// The builder in a phase, with what belongs to it.
pub fn arm(phase: Phase) -> BuilderView {
    let view = sized(builder(ARM, phase));
    let running = view.running.is_some().then(|| guest(72.0));
    BuilderView { running, ..view }
}

/// The builder on its way up.
pub fn booting(rung: Rung) -> BuilderView {
    let climbed = CLIMB.into_iter().filter(|(r, _)| *r <= rung).collect();
    let guest = GuestInfo { climbed, usage: None, nix_version: None, ..guest(0.05) };
    BuilderView {
        running: Some(guest),
        since_ms: minutes_ago(0.08),
        ..arm(Phase::Booting { rung: Some(rung) })
    }
}

/// The builder at work.
pub fn building(builds: Vec<Build>) -> BuilderView {
    BuilderView { builds: Some(builds), ..arm(Phase::Ready) }
}

fn draining() -> BuilderView {
    let view = building(two());
    BuilderView { phase: Phase::Draining { builds: 2 }, ..view }
}

fn failed() -> BuilderView {
    let cause = "port 31022 is taken by another program";
    let problem =
        Problem::new(Code::PortTaken, cause, "stop what uses it, or choose another port in the settings");
    arm(Phase::Failed { problem })
}

fn sized(view: BuilderView) -> BuilderView {
    BuilderView { cores: 6, memory_mib: 8192, disk_gib: 40, since_ms: minutes_ago(72.0), ..view }
}

/// Two builds that run.
pub fn two() -> Vec<Build> {
    vec![build(&drv("linux-6.12.57"), 754.0), build(&drv("nixos-system-web-25.11"), 92.0)]
}

/// As [`two`], with one that waits.
pub fn three() -> Vec<Build> {
    let waits = Build { state: BuildState::Session, elapsed_s: None, ..build(&drv("rustc-1.91.0"), 0.0) };
    [two(), vec![waits]].concat()
}

/// The builder at work, with builds that ended.
pub fn busy() -> BuilderView {
    let ended = |name, seconds, minutes, end| FinishedBuild {
        derivation: Some(drv(name)),
        end,
        elapsed_s: Some(seconds),
        ended_ms: minutes_ago(minutes),
    };
    let finished = vec![
        ended("nginx-1.28.0", 63.0, 3.3, BuildEnd::Built),
        ended("openssl-3.6.0", 187.0, 5.5, BuildEnd::NotBuilt),
        ended("zstd-1.5.7", 41.0, 7.8, BuildEnd::Built),
        ended("hello-2.12.2", 4.0, 10.2, BuildEnd::Built),
    ];
    BuilderView { finished, ..building(three()) }
}

pub fn drv(name: &str) -> String {
    format!("/nix/store/0c0w2x3m3m1yhzjqmm9jq5s8c5k3w1f4-{name}.drv")
}

/// What the guest uses at a moment of the last two minutes, from 0 to 1.
pub fn usage(at: f64) -> Usage {
    let wave = |cycles: f64, phase: f64| (TAU * (cycles * at + phase)).sin();
    let works = if at < 0.22 { 0.08 } else { 0.68 };
    let cpu = works + (0.09 * wave(7.0, 0.1) + 0.06 * wave(17.0, 0.4)) * (works + 0.2);
    let memory = 1.1 + 2.9 / (1.0 + (-14.0 * (at - 0.42)).exp()) + 0.08 * wave(5.0, 0.0);
    Usage {
        cpu: cpu.clamp(0.0, 1.0),
        memory_used: (memory * GIB as f64) as u64,
        memory_total: GIB * 78 / 10,
        disk: DiskUse { used: GIB * 124 / 10, total: GIB * 391 / 10 },
    }
}

fn guest(minutes: f64) -> GuestInfo {
    GuestInfo {
        pid: 4242,
        accel: Accel::Hvf,
        ephemeral: false,
        cores: 6,
        memory_mib: 8192,
        started_ms: minutes_ago(minutes),
        climbed: CLIMB.into(),
        user: "builder".into(),
        host_key: HOST_KEY.into(),
        nix_version: Some("2.31.2".into()),
        features: vec!["benchmark".into(), "big-parallel".into()],
        usage: Some(usage(1.0)),
    }
}

const HOST_KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJBWcxb/Blaqt1auOtE+F8QUWrUotiC5qBJ+UuEWdVCb";

/// How to reach a guest: for the plan of a setup.
pub fn access() -> SshAccess {
    SshAccess {
        port: 31022,
        user: "builder".into(),
        identity: "/home/ann/.local/state/igloo/builder_ed25519".into(),
        agent: None,
        alias: ARM.alias().into(),
        host_key: HOST_KEY.into(),
    }
}

/// The real settings, as the engine reads them from a file, on a machine of this size.
pub fn settings(folder: &Path) -> Vec<SettingView> {
    let file = folder.join("content.toml");
    let text = "[builders.aarch64]\nenabled = true\nimage = \"/var/lib/igloo/images/aarch64\"\n\
                cores = 6\nmemory = 8192\n[builders.x86_64]\nenabled = true\n";
    fs::write(&file, text).unwrap();
    Store::new(file, HostSize { cores: 10, memory_mib: 32 << 10 }).views().unwrap()
}

fn minutes_ago(minutes: f64) -> u64 {
    let then = SystemTime::now() - Duration::from_secs_f64(minutes * 60.0);
    then.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis() as u64
}

/// A console's log.
pub const LOG: &str = include_str!("console.txt");
