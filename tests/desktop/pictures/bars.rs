//! The status item's pictures on the bars that they have to be seen on, as one sheet.

use super::screen;
use std::{fmt::Write, fs, path::Path, process::Command};

const ICONS: [(&str, &str); 7] = [
    ("stopped", "Stopped"),
    ("busy", "Starting, stopping"),
    ("busy-builds", "with builds"),
    ("ready", "Ready"),
    ("ready-builds", "with builds"),
    ("problem", "Problem"),
    ("problem-builds", "with builds"),
];

/// A bar: what it is, the files' names, its colour, the colour of text on it, whether a template is white on it.
const BARS: [(&str, &str, &str, &str, bool); 4] = [
    ("macOS, light: the system colours a template", "template", "#eceef2", "#1d1d20", false),
    ("macOS, dark", "template", "#24262b", "#f2f2f4", true),
    ("Linux, light: one colour for every panel", "panel", "#f4f4f5", "#1d1d20", false),
    ("Linux, dark", "panel", "#16171a", "#f2f2f4", false),
];

const COLUMN: u32 = 108;
const BAR: u32 = 72;
const STEP: u32 = 112;

/// Draws it from the files that the app has in it.
pub fn draw() {
    let dir = tempfile::tempdir().unwrap();
    let icons = Path::new(env!("CARGO_MANIFEST_DIR")).join("icons/tray");
    let width = COLUMN * ICONS.len() as u32 + 48;
    let height = STEP * BARS.len() as u32 + 52;
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="Inter" font-size="12">
<filter id="white" color-interpolation-filters="sRGB"><feColorMatrix values="0 0 0 0 1 0 0 0 0 1 0 0 0 0 1 0 0 0 1 0"/></filter>
<rect width="100%" height="100%" fill="#ffffff"/>"##
    );
    for (n, (_, says)) in ICONS.iter().enumerate() {
        let x = 24 + COLUMN * n as u32 + COLUMN / 2;
        let colour = if says.starts_with("with") { "#5d6068" } else { "#1d1d20" };
        write!(svg, r#"<text x="{x}" y="34" text-anchor="middle" fill="{colour}">{says}</text>"#).unwrap();
    }
    for (row, (title, kind, back, _, white)) in BARS.iter().enumerate() {
        let y = 52 + STEP * row as u32;
        let filter = if *white { r#" filter="url(#white)""# } else { "" };
        write!(svg, r##"<text x="24" y="{}" fill="#5d6068" font-size="11">{title}</text>"##, y + 14).unwrap();
        let (top, wide) = (y + 22, width - 48);
        write!(svg, r##"<rect x="24" y="{top}" width="{wide}" height="{BAR}" rx="8" fill="{back}" stroke="#000" stroke-opacity=".08"/>"##)
            .unwrap();
        for (n, (name, _)) in ICONS.iter().enumerate() {
            let left = 24 + COLUMN * n as u32 + 14;
            for (size, x) in [(22, left), (44, left + 36)] {
                let file = format!("{kind}-{name}-{size}.png");
                fs::copy(icons.join(&file), dir.path().join(&file)).unwrap();
                let y = top + (BAR - size) / 2;
                write!(
                    svg,
                    r#"<image x="{x}" y="{y}" width="{size}" height="{size}" href="{file}"{filter}/>"#
                )
                .unwrap();
            }
        }
    }
    svg.push_str("</svg>");
    let source = dir.path().join("sheet.svg");
    fs::write(&source, svg).unwrap();
    let drawn = Command::new("rsvg-convert").arg("--output").arg(screen::file("icons")).arg(&source).status();
    assert!(drawn.expect("rsvg-convert (apt: librsvg2-bin)").success());
}
