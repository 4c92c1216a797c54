//! The pictures in `docs/pictures`, taken of the real app: `cargo xtask pictures`. What it shows is [`content`],
//! told by an engine on the real socket; what it says of Nix it reads itself, in a mount namespace with an `/etc` of
//! its own.

mod bars;
mod content;
mod menus;
mod screen;
mod windows;

use screen::Scheme;

#[test]
#[ignore = "makes the pictures: cargo xtask pictures"]
fn of_the_window_in_light() {
    windows::take(Scheme::Light);
}

#[test]
#[ignore = "makes the pictures: cargo xtask pictures"]
fn of_the_window_in_dark() {
    windows::take(Scheme::Dark);
}

#[test]
#[ignore = "makes the pictures: cargo xtask pictures"]
fn of_the_menu() {
    menus::take(Scheme::Light);
    menus::take(Scheme::Dark);
}

#[test]
#[ignore = "makes the pictures: cargo xtask pictures"]
fn of_the_icons() {
    bars::draw();
}
