//! The builder's day by its menu, and the menu while the command line is at work.

use super::{app, await_line};
use crate::support::{
    Desktop, Tray,
    real::{Home, alive},
};
use futures_util::StreamExt;
use igloo_engine::{api::Client, host::Paths};
use igloo_protocol::{BuilderId, Phase};
use std::{path::Path, sync::mpsc, time::Instant};

/// A derivation that builds until the file `/tmp/igloo-gate` is in the guest, or two minutes have passed.
const GATED: &str = r#"derivation {
    name = "seen-in-the-menu-1.0"; system = "x86_64-linux"; builder = "/bin/sh"; PATH = "/usr/bin:/bin";
    args = [ "-c" "n=0; while ! test -e /tmp/igloo-gate && test $n -lt 600; do sleep 0.2; n=$((n+1)); done; echo up > $out" ];
}"#;

#[test]
fn the_menu_starts_a_builder_shows_a_real_build_and_stops_it() {
    let desktop = Desktop::start();
    let mut home = Home::in_sandbox();
    home.sandbox_mut().start_nix();
    let mut app = app(&desktop, &home);
    let tray = desktop.tray();
    await_line(&tray, "x86_64-linux: Stopped");
    await_line(&tray, "Set Up Nix…");
    tray.click("Start");
    await_line(&tray, "Cancel Start");
    await_line(&tray, "x86_64-linux: Ready");
    home.igloo(&["setup", "--yes"]).ok();
    await_line(&tray, "Nix Settings…");
    build(&tray, &home);

    tray.click("Ephemeral");
    await_line(&tray, "Ephemeral · From the Next Start");
    assert_eq!(tray.find("Ephemeral · From the Next Start").unwrap().checked, Some(true));
    let said = home.igloo(&["status"]).ok().out;
    assert!(said.contains("at the next start: ephemeral"), "{said}");

    tray.click("Stop");
    await_line(&tray, "x86_64-linux: Stopped");
    home.igloo(&["setup", "--undo", "--yes"]).ok();
    tray.click("Quit Igloo");
    assert_eq!(app.exit_code(), Some(0));
    home.assert_nothing_left();
}

/// A build of the host's Nix comes into the menu by its name, and goes.
fn build(tray: &Tray<'_>, home: &Home) {
    std::thread::scope(|scope| {
        let build = scope.spawn(|| home.sandbox().nix_build(GATED));
        let line = await_line(tray, "seen-in-the-menu-1.0 · ");
        let builds = tray.menu().unwrap().into_iter().find(|item| item.label.starts_with("Builds")).unwrap();
        assert!(
            builds.within.iter().any(|b| b.label.starts_with("seen-in-the-menu-1.0")),
            "{line}: {builds:?}"
        );
        assert!(tray.find("Stop When Builds End").is_some() && tray.find("Stop Now").unwrap().enabled);
        home.in_guest("touch /tmp/igloo-gate").ok();
        build.join().unwrap().ok();
    });
    await_line(tray, "No builds");
    await_line(tray, "Stop");
}

#[test]
fn the_menu_follows_the_command_line_and_machines_outlive_the_app() {
    let desktop = Desktop::start();
    let home = Home::new();
    let mut first = app(&desktop, &home);
    let tray = desktop.tray();
    await_line(&tray, "x86_64-linux: Stopped");
    let (told, shown) = (phases(home.path()), tray.news());
    home.igloo(&["start"]).ok();
    await_line(&tray, "x86_64-linux: Ready");
    let seen_by_client = told.iter().find(|(_, phase)| *phase == Phase::Ready).unwrap().0;
    let label = shown.iter().map(|label| (Instant::now(), label));
    let mut ready = label.filter(|(_, label)| label.starts_with("x86_64-linux: Ready"));
    let seen_in_menu = ready.next().unwrap().0;
    println!("the menu follows after {:?}", seen_in_menu.saturating_duration_since(seen_by_client));

    // the machine goes on, says the menu, and so it is
    let qemu = home.qemu();
    tray.click(&await_line(&tray, "Quit Igloo · x86_64-linux keeps running"));
    assert_eq!(first.exit_code(), Some(0));
    assert!(alive(qemu), "the machine ended with the app");
    let mut second = app(&desktop, &home);
    let tray = desktop.tray();
    await_line(&tray, "x86_64-linux: Ready");
    assert_eq!(home.qemu(), qemu, "it is another machine");
    home.igloo(&["stop"]).ok();
    await_line(&tray, "x86_64-linux: Stopped");
    tray.click("Quit Igloo");
    assert_eq!(second.exit_code(), Some(0));
    home.assert_nothing_left();
}

/// What a client is told of the native builder's phase, and when.
fn phases(home: &Path) -> mpsc::Receiver<(Instant, Phase)> {
    let (sender, told) = mpsc::channel();
    let client = Client::new(Paths::below(home).socket());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut events = Box::pin(client.events().await.unwrap());
            while let Some(Ok(snapshot)) = events.next().await {
                let phase = snapshot.builder(BuilderId::X86_64).unwrap().phase.clone();
                if sender.send((Instant::now(), phase)).is_err() {
                    return;
                }
            }
        });
    });
    told
}
