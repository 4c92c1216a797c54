//! `igloo status`

use super::{
    Outcome,
    context::Context,
    format::{bytes, count, duration},
    print::{self, Style},
    service::service,
};
use igloo_engine::clock::now_ms;
use igloo_protocol::{BuilderView, GuestInfo, KeyPlace, Pending, Phase, Problem, Rung, Setup, Snapshot};

/// Show the builders and what they do
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Shows the builders.
pub async fn run(_: Args, context: &Context) -> Outcome {
    let snapshot = context.client.snapshot().await?;
    if context.json {
        return print::json(&snapshot);
    }
    print::out(&render(&snapshot, now_ms(), Style::stdout()))
}

/// Every builder, Igloo's own first, for a person.
fn render(snapshot: &Snapshot, now: u64, style: Style) -> String {
    let builders = snapshot.builders.iter().map(|b| builder(b, now, style));
    let services = snapshot.services.iter().map(|s| service(s, style));
    builders.chain(services).collect::<Vec<_>>().join("\n")
}

fn builder(view: &BuilderView, now: u64, style: Style) -> String {
    let mut lines = vec![format!("{:<9}{}", view.id.as_str(), head(view, now, style))];
    let mut more = |line: String| lines.push(format!("{:9}{line}", ""));
    if let Phase::Failed { problem } = &view.phase {
        more(format!("→ {}", problem.remedy));
    }
    if view.enabled || view.phase.is_up() {
        more(offer(view));
        key(view).into_iter().for_each(&mut more);
    }
    if let Some(guest) = &view.running {
        more(resources(guest));
    }
    if view.phase.is_up() {
        more(builds(view));
    }
    if let Some(pending) = pending(view) {
        more(pending);
    }
    setup(view, style).into_iter().for_each(&mut more);
    if let Some(Problem { message, remedy, .. }) = &view.warning {
        more(format!("{} {message}", style.yellow("warning:")));
        more(format!("→ {remedy}"));
    }
    lines.join("\n")
}

fn head(view: &BuilderView, now: u64, style: Style) -> String {
    let words = phase(&view.phase);
    match &view.phase {
        Phase::Stopped if !view.enabled => style.dim("not enabled"),
        Phase::Stopped => words,
        Phase::Ready => match &view.running {
            Some(guest) => {
                format!("{}, up {}", style.green(&words), duration(now.saturating_sub(guest.started_ms)))
            }
            None => style.green(&words),
        },
        Phase::Failed { .. } => style.red(&words),
        _ => format!("{} (for {})", style.yellow(&words), duration(now.saturating_sub(view.since_ms))),
    }
}

/// A phase in words, with how far it is or why it is so.
pub fn phase(phase: &Phase) -> String {
    match phase {
        Phase::Preparing { step } => format!("starting: {}", step.describe()),
        Phase::Booting { rung: None } => "starting: waiting for the virtual machine".into(),
        Phase::Booting { rung: Some(rung) } => {
            let reached = Rung::ALL.iter().filter(|r| *r <= rung).count();
            format!("starting: {rung} ({reached} of {})", Rung::ALL.len())
        }
        Phase::Draining { builds } => format!("stopping once {} ended", have(*builds)),
        Phase::Failed { problem } => format!("failed: {}", problem.message),
        Phase::Stopped | Phase::Ready | Phase::Stopping => phase.word().into(),
    }
}

fn have(builds: usize) -> String {
    format!("{} {}", count(builds, "build"), if builds == 1 { "has" } else { "have" })
}

fn offer(view: &BuilderView) -> String {
    let systems: Vec<_> = view.systems.iter().map(|s| s.as_str()).collect();
    format!("{} as {} on port {}", systems.join(", "), view.alias, view.port)
}

/// Where the key is that the user logs in with, and why it is in no better place.
fn key(view: &BuilderView) -> Vec<String> {
    match &view.key_in {
        KeyPlace::None => vec![],
        KeyPlace::Keychain => vec!["key in the keychain".into()],
        KeyPlace::File { why: None } => vec!["key in a file".into()],
        KeyPlace::File { why: Some(why) } => {
            vec![format!("key in a file: {}", why.message), format!("→ {}", why.remedy)]
        }
    }
}

fn resources(guest: &GuestInfo) -> String {
    let mut parts = vec![count(guest.cores as usize, "core")];
    match &guest.usage {
        Some(usage) => {
            parts[0] += &format!(" at {:.0} %", usage.cpu * 100.0);
            parts.push(format!("memory {} of {}", bytes(usage.memory_used), bytes(usage.memory_total)));
            parts.push(format!("disk {} of {}", bytes(usage.disk.used), bytes(usage.disk.total)));
        }
        None => parts.push(format!("memory {}", bytes(guest.memory_mib << 20))),
    }
    parts.push(guest.accel.to_string());
    parts.extend(guest.nix_version.iter().map(|v| format!("Nix {v}")));
    if guest.ephemeral {
        parts.push("ephemeral".into());
    }
    parts.join(", ")
}

fn builds(view: &BuilderView) -> String {
    match view.builds.as_deref() {
        None => "builds: unknown".into(),
        Some([]) => "no builds".into(),
        Some(builds) => {
            let names: Vec<_> = builds.iter().map(|b| b.name().unwrap_or("(unknown)")).collect();
            format!("{}: {}", count(builds.len(), "build"), names.join(", "))
        }
    }
}

/// What the host's Nix lacks to build on it. Nothing is said of what is as it should be, or never was asked for.
fn setup(view: &BuilderView, style: Style) -> Vec<String> {
    let remedy = |what: &str| format!("→ `igloo setup {}` {what}", view.id);
    match &view.setup {
        Setup::Drifted { files } => {
            let files = files.iter().map(|f| format!("{} {} {}", style.yellow("warning:"), f.path, f.how));
            files.chain([remedy("puts it right")]).collect()
        }
        Setup::Absent if view.phase == Phase::Ready => vec![remedy("lets Nix build on it")],
        _ => vec![],
    }
}

fn pending(view: &BuilderView) -> Option<String> {
    let mut changes: Vec<_> = view.pending.iter().map(|p| change(*p, view)).collect();
    if view.reset_pending {
        changes.push("a clean disk".into());
    }
    if view.running.is_none() && view.ephemeral {
        changes.push("ephemeral".into());
    }
    (!changes.is_empty()).then(|| format!("at the next start: {}", changes.join(", ")))
}

fn change(pending: Pending, view: &BuilderView) -> String {
    match pending {
        Pending::Cores => count(view.cores as usize, "core"),
        Pending::Memory => format!("memory {}", bytes(view.memory_mib << 20)),
        Pending::Disk => format!("disk {} GiB", view.disk_gib),
        Pending::Ephemeral if view.ephemeral => "ephemeral".into(),
        Pending::Ephemeral => "the persistent disk".into(),
        Pending::Port => format!("port {}", view.port),
        Pending::Image => "another image".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tests::{build, linux_builder, ready, snapshot};
    use igloo_protocol::{Code, Drift, PrepareStep};

    fn text(change: impl FnOnce(&mut BuilderView)) -> String {
        let mut s = snapshot();
        change(&mut s.builders[1]);
        render(&s, 330_000, Style::PLAIN)
    }

    #[test]
    fn a_stopped_and_a_disabled_builder() {
        let expected = "\
aarch64  not enabled
x86_64   stopped
         x86_64-linux as linux-builder-x86_64 on port 31023";
        assert_eq!(text(|_| ()), expected);
    }

    #[test]
    fn a_ready_builder_with_builds_and_changes_to_come() {
        let shown = text(|b| {
            ready(b);
            b.builds = Some(vec![build(Some("hello-2.12.1")), build(None)]);
            b.pending = vec![Pending::Cores, Pending::Ephemeral];
            b.cores = 4;
            b.reset_pending = true;
            b.warning = Some(Problem::new(Code::DiskFull, "the disk is nearly full", "make room"));
        });
        let expected = "\
aarch64  not enabled
x86_64   ready, up 5 min
         x86_64-linux as linux-builder-x86_64 on port 31023
         2 cores at 50 %, memory 512 MiB of 2.9 GiB, disk 4.0 GiB of 40.0 GiB, tcg, Nix 2.31.2
         2 builds: hello-2.12.1, (unknown)
         at the next start: 4 cores, the persistent disk, a clean disk
         warning: the disk is nearly full
         → make room";
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_failed_builder_says_why_and_what_to_do() {
        let problem = Problem::new(Code::VmCrashed, "the virtual machine ended", "start it again");
        let expected = "\
aarch64  not enabled
x86_64   failed: the virtual machine ended
         → start it again
         x86_64-linux as linux-builder-x86_64 on port 31023";
        assert_eq!(text(|b| b.phase = Phase::Failed { problem }), expected);
    }

    #[test]
    fn other_programs_builders_come_after_igloos() {
        let mut s = snapshot();
        s.services = vec![linux_builder()];
        let text = render(&s, 330_000, Style::PLAIN);
        assert!(
            text.contains("port 31023\nnix-darwin's linux-builder (org.nixos.linux-builder): running"),
            "{text}"
        );
    }

    #[test]
    fn what_nix_lacks_is_said_once_and_with_its_file() {
        let how = "has no entry for linux-builder-x86_64 any more".to_owned();
        let files = vec![Drift { path: "/etc/nix/machines".into(), how }];
        let expected = "\
aarch64  not enabled
x86_64   stopped
         x86_64-linux as linux-builder-x86_64 on port 31023
         warning: /etc/nix/machines has no entry for linux-builder-x86_64 any more
         → `igloo setup x86_64` puts it right";
        assert_eq!(text(|b| b.setup = Setup::Drifted { files }), expected);
        assert!(!text(|b| b.setup = Setup::Absent).contains("setup"));
        let shown = text(|b| {
            ready(b);
            b.setup = Setup::Absent;
        });
        assert!(shown.ends_with("→ `igloo setup x86_64` lets Nix build on it"), "{shown}");
    }

    #[test]
    fn where_the_key_is_is_said_with_the_reason() {
        let key = |key_in| text(|b| b.key_in = key_in);
        assert!(key(KeyPlace::Keychain).ends_with("\n         key in the keychain"));
        assert!(key(KeyPlace::File { why: None }).ends_with("\n         key in a file"));
        let why = Problem::new(Code::KeychainFailed, "no keychain answers (no bus)", "start one");
        let shown = key(KeyPlace::File { why: Some(why) });
        let expected = "\n         key in a file: no keychain answers (no bus)\n         → start one";
        assert!(shown.ends_with(expected), "{shown}");
    }

    #[test]
    fn phases_say_how_far_they_are() {
        let cases = [
            (Phase::Preparing { step: PrepareStep::Disk }, "starting: preparing the disk"),
            (Phase::Booting { rung: Some(Rung::Port) }, "starting: port is open (3 of 8)"),
            (Phase::Draining { builds: 1 }, "stopping once 1 build has ended"),
            (Phase::Stopping, "stopping"),
        ];
        for (p, words) in cases {
            assert_eq!(phase(&p), words);
        }
    }
}
