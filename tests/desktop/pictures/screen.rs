//! How a desktop is photographed.

use crate::support::{Desktop, wait_for};
use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

/// Pixels of the screen to one of the design: pictures are as sharp as on a good display.
pub const SCALE: u32 = 2;

/// The appearance that the desktop asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Light,
    Dark,
}

impl Scheme {
    /// As file names end.
    pub const fn name(self) -> &'static str {
        match self {
            Scheme::Light => "light",
            Scheme::Dark => "dark",
        }
    }
}

/// A desktop of so many points, in an appearance. Nothing moves on it, so that it can be photographed at any moment.
pub fn desktop(width: u32, height: u32, scheme: Scheme) -> Desktop {
    let desktop = Desktop::of_size(width * SCALE, height * SCALE);
    // the page's prefers-color-scheme and prefers-reduced-motion follow these
    let settings = format!(
        "[Settings]\ngtk-application-prefer-dark-theme={}\ngtk-enable-animations=0\n\
         gtk-theme-name=Adwaita\ngtk-font-name=Inter 10\ngtk-xft-antialias=1\ngtk-xft-hinting=0\ngtk-xft-rgba=none\n",
        u8::from(scheme == Scheme::Dark)
    );
    let folder = desktop.dir.path().join("XDG_CONFIG_HOME/gtk-3.0");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("settings.ini"), settings).unwrap();
    desktop
}

/// A program on it that draws as sharply as the screen can.
pub fn sharp(mut command: Command) -> Command {
    command.env("GDK_SCALE", SCALE.to_string()).env("LANG", "C.UTF-8");
    // without a graphics card WebKitGTK 2.50 leaves a window at 2x blank unless it draws the plain way
    command.env("WEBKIT_DISABLE_DMABUF_RENDERER", "1");
    command
}

/// Where a picture goes: the folder that `IGLOO_PICTURES` names, which the task empties before.
pub fn file(name: &str) -> PathBuf {
    let folder =
        PathBuf::from(std::env::var_os("IGLOO_PICTURES").expect("IGLOO_PICTURES, by cargo xtask pictures"));
    fs::create_dir_all(&folder).unwrap();
    folder.join(format!("{name}.png"))
}

/// Takes a picture once the screen keeps still. `part`: `WIDTHxHEIGHT+X+Y` in pixels.
pub fn take(desktop: &Desktop, name: &str, part: Option<&str>) {
    let mut before = Vec::new();
    let still = wait_for("a screen that keeps still", || {
        let now = photograph(desktop, part);
        let same = now == before;
        before = now;
        same.then(|| std::mem::take(&mut before))
    });
    fs::write(file(name), still).unwrap();
}

fn photograph(desktop: &Desktop, part: Option<&str>) -> Vec<u8> {
    let mut import = Command::new("import");
    import.args(["-display", desktop.display(), "-window", "root"]);
    if let Some(part) = part {
        import.args(["-crop", part, "+repage"]);
    }
    // without the time in it, so that two pictures of the same are the same
    import
        .args(["-strip", "-quality", "5", "-define", "png:exclude-chunks=date,time", "png:-"])
        .stderr(Stdio::inherit());
    let taken = import.output().expect("import (apt: imagemagick)");
    assert!(taken.status.success(), "import failed");
    taken.stdout
}
