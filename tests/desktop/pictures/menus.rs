//! The tray's menu, drawn by GTK as a panel shows it: a small panel (`panel.py`) reads it over D-Bus.

use super::{
    content,
    screen::{self, Scheme, sharp},
};
use crate::support::{Desktop, Engine, Proc, TRAY, Tray, wait_for};
use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::Stdio,
};

/// Points of the screen: a menu and the one in it have room.
const WIDTH: u32 = 700;
const HEIGHT: u32 = 420;

/// Photographs it in every phase.
pub fn take(scheme: Scheme) {
    let desktop = screen::desktop(WIDTH, HEIGHT, scheme);
    let phases = content::phases();
    let engine = Engine::start(&desktop.paths(), phases[0].1.clone());
    let app = Proc(sharp(desktop.command(TRAY)).spawn().unwrap());
    // as mostly: the engine is in the app
    engine.runs_in(app.0.id());
    let tray = desktop.tray();
    for (name, builders) in phases {
        let within = if name == "ready-with-builds" { "Builds" } else { "" };
        let head = builders[0].clone();
        engine.show(builders);
        let wanted = format!("{}: ", head.id.system());
        wait_for(name, || {
            let labels = tray.labels();
            (labels.first()?.starts_with(&wanted) && says(&labels, name)).then_some(())
        });
        photograph(&desktop, &tray, &format!("menu-{name}-{}", scheme.name()), within);
    }
}

/// Whether the menu is that of a phase by now.
fn says(labels: &[String], phase: &str) -> bool {
    let word = match phase {
        "stopped" => "Stopped",
        "preparing" => "preparing",
        "booting" => "SSH answers",
        "ready" => "no builds",
        "ready-with-builds" => "2 builds",
        "draining" => "Stopping after",
        _ => "Failed",
    };
    labels[0].contains(word) && labels.last().is_some_and(|quit| !quit.contains("serve"))
}

fn photograph(desktop: &Desktop, tray: &Tray<'_>, name: &str, within: &str) {
    let icon = desktop.dir.path().join("icon.png");
    fs::write(&icon, wait_for("the icon", || tray.picture())).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/desktop/pictures/panel.py");
    let (bus_name, path) = tray.menu_address();
    let mut panel = sharp(desktop.command("/usr/bin/python3"));
    panel.arg(script).args([&bus_name, &path]).arg(icon).arg(within).stdout(Stdio::piped());
    let mut panel = Proc(panel.spawn().expect("Debian's python3 (apt: gir1.2-dbusmenu-gtk3-0.4)"));
    let mut lines = BufReader::new(panel.0.stdout.take().unwrap()).lines();
    // the panel says where it drew once it did
    let part = lines.next().expect("the panel ended").unwrap();
    screen::take(desktop, name, Some(&part));
}
