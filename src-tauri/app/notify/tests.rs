//! Following snapshots, without a desktop.

use super::{
    Told,
    deliver::Notifier,
    follow,
    news::{Kind, Notice, Switches},
};
use crate::cli::tests::{ready, snapshot};
use igloo_engine::api::Client;
use igloo_protocol::{Applies, BuilderId, BuilderView, Code, Phase, Problem, SettingView, Snapshot};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};

/// A notice with this title.
pub fn notice(title: &str) -> Notice {
    Notice { builder: BuilderId::X86_64, kind: Kind::BuilderFailed, title: title.into(), body: String::new() }
}

#[derive(Default)]
struct Shown(Mutex<Vec<Kind>>);

impl Notifier for Shown {
    fn show(&self, notice: &Notice) -> Result<(), String> {
        self.0.lock().unwrap().push(notice.kind);
        Ok(())
    }
}

fn seen(change: impl FnOnce(&mut BuilderView)) -> Option<Arc<Snapshot>> {
    let mut snapshot = snapshot();
    ready(&mut snapshot.builders[1]);
    change(&mut snapshot.builders[1]);
    Some(Arc::new(snapshot))
}

fn failed() -> Option<Arc<Snapshot>> {
    seen(|b| b.phase = Phase::Failed { problem: Problem::new(Code::VmCrashed, "it ended", "start it") })
}

fn disk(gib: u64) -> Option<Arc<Snapshot>> {
    seen(|b| b.running.as_mut().unwrap().usage.as_mut().unwrap().disk.used = gib << 30)
}

#[tokio::test]
async fn news_are_told_once_and_over_an_absence_of_the_engine() {
    let shown = Arc::new(Shown::default());
    let (tell, sight) = watch::channel(seen(|_| ()));
    let nobody = tempfile::tempdir().unwrap();
    let client = Client::new(nobody.path().join("no-engine"));
    let task = tokio::spawn(follow(sight, Clone::clone, client, shown.clone()));
    let told = async |wanted: &[Kind]| {
        let all = async {
            while *shown.0.lock().unwrap() != wanted {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(30), all)
            .await
            .unwrap_or_else(|_| panic!("{:?}", shown.0.lock().unwrap()));
    };
    tell.send_replace(disk(36));
    told(&[Kind::DiskNearlyFull]).await;
    tell.send_replace(None);
    tell.send_replace(failed());
    told(&[Kind::DiskNearlyFull, Kind::BuilderFailed]).await;
    drop(tell);
    timeout(Duration::from_secs(30), task).await.unwrap().unwrap();
}

#[test]
fn a_disk_is_told_of_once_an_hour_and_a_failure_each_time() {
    let (mut told, start) = (Told::default(), Instant::now());
    let disk = Notice { kind: Kind::DiskNearlyFull, ..notice("disk") };
    let at = |minutes: u64| start + Duration::from_secs(minutes * 60);
    let due: Vec<_> = [0, 10, 59, 60, 119].map(|minutes| told.is_due(&disk, at(minutes))).into();
    assert_eq!(due, [true, false, false, true, false]);
    let other = Notice { builder: BuilderId::Aarch64, ..disk };
    assert!(told.is_due(&other, at(61)), "each builder has its own");
    assert!(told.is_due(&notice("a"), at(1)) && told.is_due(&notice("b"), at(1)));
}

#[test]
fn switches_are_read_from_the_settings() {
    let setting = |key: &str, value: &str| SettingView {
        key: key.into(),
        value: Some(value.into()),
        default: Some("true".into()),
        set: true,
        effect: String::new(),
        applies: Applies::Now,
    };
    assert_eq!(Switches::of(&[]), Switches::ALL);
    let off = Switches::of(&[
        setting("notify.builder_failed", "false"),
        setting("notify.disk_nearly_full", "true"),
    ]);
    assert_eq!(off, Switches { build_failed: true, builder_failed: false, disk_nearly_full: true });
}
