//! What the machine below has to do with a builder: its clock and its power source.

use crate::{
    faults::{image_but, use_image},
    support::{Home, PATIENCE, tiny_image, wait_for},
};
use igloo_protocol::{Code, Phase};
use std::fs;

#[test]
fn a_guest_whose_clock_is_off_is_told_of() {
    let mut home = Home::new();
    let text = fs::read_to_string(tiny_image().join("manifest.json")).unwrap();
    let mut manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
    let args = manifest["qemu"]["args"].as_array().cloned().unwrap_or_default();
    let clock = ["-rtc", "base=2024-01-01T00:00:00"].map(serde_json::Value::from);
    manifest["qemu"]["args"] = args.into_iter().chain(clock).collect();
    let image = image_but(&home, "manifest.json", manifest.to_string().as_bytes());
    home.serve();
    use_image(&home, &image);
    home.igloo(&["start"]).ok();
    let warning = wait_for("a warning", PATIENCE, || home.builder().warning);
    assert_eq!(warning.code, Code::ClockOff);
    assert!(warning.message.ends_with("days behind this machine's"), "{warning:?}");
    assert!(home.igloo(&["status"]).ok().out.contains("the guest's clock is"));

    // with the right time the warning goes
    home.igloo(&["stop"]).ok();
    use_image(&home, &tiny_image());
    home.igloo(&["start"]).ok();
    assert_eq!(home.builder().warning, None);
    home.igloo(&["stop"]).ok();
    home.assert_nothing_left();
}

#[test]
fn going_on_battery_stops_a_builder_for_who_wants_it() {
    let mut home = Home::in_sandbox();
    let plug = |home: &Home, online: u8| {
        let files = format!(
            "cd /sys/class/power_supply && mkdir -p AC BAT0 && echo Battery > BAT0/type && echo Mains > AC/type && echo {online} > AC/online"
        );
        home.sandbox().sh(&files).ok();
    };
    home.sandbox().sh("mount -t tmpfs none /sys/class/power_supply").ok();
    plug(&home, 1);
    home.serve();
    home.igloo(&["start"]).ok();
    let on_battery = |home: &Home, wanted: bool| {
        wait_for("the power source", PATIENCE, || {
            (home.snapshot().engine.on_battery == Some(wanted)).then_some(())
        });
    };
    on_battery(&home, false);
    plug(&home, 0);
    on_battery(&home, true);
    assert_eq!(home.builder().phase, Phase::Ready, "nobody asked for more");

    home.igloo(&["settings", "set", "stop_on_battery", "true"]).ok();
    plug(&home, 1);
    on_battery(&home, false);
    plug(&home, 0);
    wait_for("the stop", PATIENCE, || (home.builder().phase == Phase::Stopped).then_some(()));
    // a start on battery is the user's word
    home.igloo(&["start"]).ok();
    assert_eq!(home.builder().phase, Phase::Ready);
    home.igloo(&["stop"]).ok();
    home.assert_nothing_left();
}
