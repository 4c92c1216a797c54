use super::*;
use crate::builder::Hub;
use igloo_protocol::{BuilderId, Code, ServiceKind, ServiceState, ServiceView};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("fixtures/", $name))
    };
}

const SCRIPT: &str = "/nix/store/8w0pdgbk1a5s8kqv1zmc1k0v6nxb3a2c-linux-builder-start";

/// A Mac that is none: files and launchd's answers as they were put in.
#[derive(Default)]
struct Mac {
    files: HashMap<String, String>,
    disks: HashMap<String, u64>,
    answers: Mutex<HashMap<String, Answer>>,
}

impl Mac {
    fn with(jobs: &[(&str, &str)]) -> Mac {
        let file = |(label, text): &(&str, &str)| {
            (format!("/Library/LaunchDaemons/{label}.plist"), (*text).to_owned())
        };
        Mac { files: jobs.iter().map(file).collect(), ..Mac::default() }
    }

    fn linux_builder() -> Mac {
        Mac::with(&[("org.nixos.linux-builder", fixture!("linux-builder.plist"))])
    }

    fn file(mut self, path: &str, text: &str) -> Mac {
        self.files.insert(path.into(), text.into());
        self
    }

    fn says(self, words: &str, text: &str) -> Mac {
        self.answer(words, Answer::Said(text.into()));
        self
    }

    fn answer(&self, words: &str, answer: Answer) {
        self.answers.lock().unwrap().insert(words.into(), answer);
    }

    fn prints(self, text: &str) -> Mac {
        self.says("print system/org.nixos.linux-builder", text)
    }

    fn only(&self) -> ServiceView {
        let [one] = <[ServiceView; 1]>::try_from(look(self)).unwrap();
        one
    }
}

impl Launchd for Mac {
    fn file(&self, path: &str) -> Option<Vec<u8>> {
        self.files.get(path).map(|text| text.clone().into_bytes())
    }

    fn disk_use(&self, path: &str) -> Option<u64> {
        self.disks.get(path).copied()
    }

    fn launchctl(&self, words: &[&str]) -> Answer {
        self.answers.lock().unwrap().get(&words.join(" ")).cloned().unwrap_or(Answer::NotFound)
    }
}

#[test]
fn a_mac_without_services_is_asked_for_nothing() {
    struct Silent;
    impl Launchd for Silent {
        fn file(&self, _: &str) -> Option<Vec<u8>> {
            None
        }
        fn disk_use(&self, _: &str) -> Option<u64> {
            None
        }
        fn launchctl(&self, words: &[&str]) -> Answer {
            panic!("asked for {words:?}")
        }
    }
    assert_eq!(look(&Silent), []);
}

#[test]
fn nix_darwins_builder_is_known_with_all_that_its_files_tell() {
    let mut mac = Mac::linux_builder()
        .file(SCRIPT, fixture!("start-ephemeral.sh"))
        .file("/etc/ssh/ssh_config.d/100-linux-builder.conf", fixture!("100-linux-builder.conf"))
        .prints(fixture!("print-running.txt"));
    mac.disks.insert("/var/lib/linux-builder/nixos.qcow2".into(), 7 << 30);
    let expected = ServiceView {
        label: "org.nixos.linux-builder".into(),
        kind: ServiceKind::LinuxBuilder,
        name: "nix-darwin's linux-builder".into(),
        state: ServiceState::Running,
        pid: Some(812),
        port: Some(31050),
        working_directory: Some("/var/lib/linux-builder".into()),
        ephemeral: Some(true),
        disk_used: Some(7 << 30),
        program: Some(SCRIPT.into()),
        controllable: true,
        problem: None,
    };
    assert_eq!(mac.only(), expected);
}

#[test]
fn an_older_nix_darwin_has_another_folder_and_no_script_that_wipes() {
    let mut mac = Mac::with(&[("org.nixos.linux-builder", fixture!("linux-builder-old.plist"))]);
    mac.disks.insert("/var/lib/darwin-builder/nixos.qcow2".into(), 1);
    let seen = mac.only();
    assert_eq!(seen.working_directory.as_deref(), Some("/var/lib/darwin-builder"));
    assert_eq!((seen.disk_used, seen.port, seen.ephemeral), (Some(1), Some(31022), None));
    let persistent = Mac::linux_builder().file(SCRIPT, fixture!("start-persistent.sh"));
    assert_eq!(persistent.only().ephemeral, Some(false));
}

#[test]
fn every_state_is_told_from_launchds_words() {
    let disabled = fixture!("print-disabled.txt");
    for (printed, is_disabled, state) in [
        (Answer::Said(fixture!("print-running.txt").into()), false, ServiceState::Running),
        (Answer::Said(fixture!("print-running.txt").into()), true, ServiceState::Running),
        (Answer::Said(fixture!("print-failing.txt").into()), false, ServiceState::Failing),
        (Answer::Said(fixture!("print-not-running.txt").into()), false, ServiceState::Failing),
        (Answer::Said("something new".into()), false, ServiceState::Unknown),
        (Answer::NotFound, false, ServiceState::Stopped),
        (Answer::NotFound, true, ServiceState::Disabled),
        (Answer::Failed, false, ServiceState::Unknown),
    ] {
        let mac = Mac::linux_builder();
        mac.answer("print system/org.nixos.linux-builder", printed.clone());
        if is_disabled {
            mac.answer("print-disabled system", Answer::Said(disabled.into()));
        }
        assert_eq!(mac.only().state, state, "{printed:?}");
    }
}

#[test]
fn only_the_outermost_block_counts() {
    let running = launchctl::printed(fixture!("print-running.txt"));
    assert_eq!((running.state.as_deref(), running.pid, running.runs), (Some("running"), Some(812), Some(1)));
    assert_eq!(running.last_exit, None);
    let failing = launchctl::printed(fixture!("print-failing.txt"));
    // `state = active` and `pid = 1` are an event channel's
    assert_eq!((failing.state.as_deref(), failing.pid), (Some("spawn scheduled"), None));
    assert_eq!((failing.last_exit, failing.runs), (Some(134), Some(9)));
    assert_eq!(launchctl::printed(fixture!("print-not-running.txt")).last_exit, Some(78));
    assert_eq!(launchctl::printed("}}}\nstate = running\n"), launchctl::Printed::default());
}

#[test]
fn both_forms_of_the_list_of_disabled_jobs_are_read() {
    let (new, old) = (fixture!("print-disabled.txt"), fixture!("print-disabled-old.txt"));
    for (text, label, is) in [
        (new, "org.nixos.linux-builder", true),
        (new, "com.openssh.sshd", false),
        (new, "nixos.linux-builder", false),
        (old, "org.nixos.linux-builder", true),
        (old, "org.nixos.virbyd", false),
        (old, "org.nixos.rosetta-builderd", false),
    ] {
        assert_eq!(launchctl::is_disabled(text, label), is, "{label}");
    }
}

#[test]
fn a_service_that_does_not_stay_up_has_its_cause_and_where_to_look() {
    let problem = |printed: &str| Mac::linux_builder().prints(printed).only().problem.unwrap();
    let aborted = problem(fixture!("print-failing.txt"));
    assert_eq!(aborted.code, Code::VmFailed);
    assert_eq!(
        aborted.message,
        "nix-darwin's linux-builder ended with exit code 134, as QEMU does when it aborts, and launchd starts it again \
         (9 starts so far)"
    );
    assert!(aborted.remedy.contains("no log"), "{}", aborted.remedy);
    assert!(problem(fixture!("print-not-running.txt")).message.contains("exit code 78, and"));
    assert!(problem(fixture!("print-killed.txt")).message.contains("ended by a signal (Killed: 9)"));
    let label = "org.nixos.nixos-vm-based-linux-builder";
    let determinate = Mac::with(&[(label, fixture!("nixos-vm-based-linux-builder.plist"))])
        .says(&format!("print system/{label}"), fixture!("print-failing.txt"));
    assert_eq!(determinate.only().problem.unwrap().remedy, "look at /var/log/nixos-based-vm-builder.log");
}

#[test]
fn the_others_are_known_by_their_labels() {
    let mac = Mac::with(&[
        ("org.nixos.rosetta-builderd", fixture!("rosetta-builderd.plist")),
        ("org.nixos.virbyd", fixture!("virbyd.plist")),
        ("org.nixos.nixos-vm-based-linux-builder", fixture!("nixos-vm-based-linux-builder.plist")),
    ])
    .says("print system/org.nixos.rosetta-builderd", fixture!("print-not-running.txt"))
    .says("print system/org.nixos.virbyd", fixture!("print-running.txt"));
    let seen: Vec<_> = look(&mac).into_iter().map(|s| (s.kind, s.state, s.port, s.controllable)).collect();
    let expected = [
        (ServiceKind::RosettaBuilder, ServiceState::OnDemand, Some(31122), false),
        (ServiceKind::Virby, ServiceState::Running, Some(31333), false),
        (ServiceKind::DeterminateVm, ServiceState::Stopped, Some(31022), false),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn determinates_native_builder_is_what_nix_is_told_to_run() {
    let mac = Mac::default().file("/etc/nix/nix.conf", fixture!("nix.conf"));
    let seen = mac.only();
    assert_eq!((seen.kind, seen.state), (ServiceKind::DeterminateNative, ServiceState::OnDemand));
    assert_eq!(seen.program.as_deref(), Some("/usr/local/bin/determinate-nixd"));
    assert_eq!(seen.port, None);
    let off = mac.file("/etc/determinate/config.json", fixture!("determinate.json"));
    assert_eq!(off.only().state, ServiceState::Disabled);
    for other in [
        "",
        "external-builders = []",
        "external-builders = [{\"systems\":[],\"program\":\"/opt/nix-linux-builder\",\"args\":[\"builder\"]}]",
        "# external-builders = [{\"systems\":[],\"program\":\"/usr/local/bin/determinate-nixd\",\"args\":[\"builder\"]}]",
        "external-builders = not json",
    ] {
        assert_eq!(look(&Mac::default().file("/etc/nix/nix.conf", other)), [], "{other}");
    }
}

#[test]
fn a_file_that_is_not_that_job_is_no_service() {
    let virby = fixture!("virbyd.plist");
    for text in [virby, "", "not a plist", "<plist version=\"1.0\"><array/></plist>"] {
        assert_eq!(look(&Mac::with(&[("org.nixos.linux-builder", text)])), [], "{text}");
    }
}

#[test]
fn the_program_is_what_the_shell_becomes() {
    let job = |arguments: &[&str]| plist::Job {
        arguments: arguments.iter().map(|a| (*a).to_owned()).collect(),
        ..plist::Job::default()
    };
    for (arguments, program) in [
        (
            &["/bin/sh", "-c", "/bin/wait4path /nix/store && exec /nix/store/x-start"][..],
            Some("/nix/store/x-start"),
        ),
        (&["/bin/sh", "-c", "/nix/store/x-start now"], Some("/nix/store/x-start")),
        (&["/usr/local/bin/thing", "run"], Some("/usr/local/bin/thing")),
        (&[], None),
    ] {
        assert_eq!(job(arguments).program(), program);
    }
}

#[test]
fn the_port_is_the_alias_own() {
    let config = "Host other\n  Port 22\nHost a linux-builder\n  port 31099\n";
    assert_eq!(script::port(config, "linux-builder"), Some(31099));
    assert_eq!(script::port("Host linux-builder\nHost other\nPort 1\n", "linux-builder"), None);
    assert_eq!(script::port("Port 5\n", "linux-builder"), None);
}

#[test]
fn who_has_a_port_is_said_with_the_steps_that_take_over() {
    let running = Mac::linux_builder().prints(fixture!("print-running.txt")).only();
    let services = [running.clone()];
    assert_eq!(holder(&services, 31022).map(|s| s.pid), Some(Some(812)));
    assert_eq!(holder(&services, 31023), None);
    let problem = taken_by(&running, BuilderId::Aarch64, 31022);
    assert_eq!(problem.code, Code::PortTaken);
    assert_eq!(
        problem.message,
        "port 31022 is taken by nix-darwin's linux-builder (org.nixos.linux-builder, process 812), which runs"
    );
    for step in [
        "`igloo service stop`",
        "`igloo start aarch64`",
        "`nix.linux-builder.enable = false`",
        "another port",
    ] {
        assert!(problem.remedy.contains(step), "{step}: {}", problem.remedy);
    }
    let stopped = ServiceView { state: ServiceState::Stopped, ..running.clone() };
    assert_eq!(holder(&[stopped], 31022), None);
    let foreign = ServiceView { state: ServiceState::OnDemand, ..ServiceView::new(ServiceKind::Virby) };
    let problem = taken_by(&foreign, BuilderId::X86_64, 31222);
    assert!(!problem.remedy.contains("igloo service") && problem.message.contains("whoever connects"));
}

#[tokio::test(start_paused = true)]
async fn a_change_is_seen_at_the_next_look_and_told_once() {
    let mac = Arc::new(Mac::linux_builder().prints(fixture!("print-running.txt")));
    let hub = Hub::new(vec![]);
    let mut seen = hub.subscribe();
    let changes = Arc::new(Mutex::new(0));
    let (counted, looked) = (changes.clone(), mac.clone());
    let told = hub.clone();
    let task = tokio::spawn(async move { follow(told, looked, || *counted.lock().unwrap() += 1).await });
    let state = |s: &Arc<igloo_protocol::Snapshot>| s.services.first().map(|s| s.state);
    assert_eq!(state(&seen.wait_for(|s| state(s).is_some()).await.unwrap()), Some(ServiceState::Running));
    mac.answer("print system/org.nixos.linux-builder", Answer::NotFound);
    seen.wait_for(|s| state(s) == Some(ServiceState::Stopped)).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    assert_eq!((*changes.lock().unwrap(), hub.subscribe().borrow().seq), (2, 2));
    task.abort();
}
