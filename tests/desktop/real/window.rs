//! The window of the real app, clicked and typed into as a user does.

use super::logged;
use crate::support::{
    DRIVER, Desktop, ENTER, Page, TRAY,
    real::{Home, PATIENCE, Sandbox, free_port, wait_for},
};
use igloo_protocol::Phase;
use std::{
    fs,
    time::{Duration, Instant},
};

const CORES: &str = "//input[@id='setting-builders-x86_64-cores']";

/// Waits until the window says this, however long a machine takes.
fn says(page: &Page, text: &str) {
    let start = Instant::now();
    loop {
        let said = page.text();
        if said.contains(text) {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "waited {PATIENCE:?} for {text:?} in:\n{said}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Goes to a page by its link in the sidebar.
fn go(page: &Page, name: &str) {
    page.click(&format!("//nav//a[span[normalize-space()='{name}']]"));
}

#[test]
fn the_window_sets_nix_up_and_back_follows_a_console_and_changes_a_setting() {
    let desktop = Desktop::start();
    let mut home = Home::in_sandbox();
    home.sandbox_mut().start_nix();
    let before = home.sandbox().etc();
    let driver = logged(&home, desktop.dress(home.command(DRIVER)));
    let page = Page::drive(driver, TRAY, &["--page", "builders"]);
    follow_a_start(&page, &home);
    set_nix_up_and_back(&page, home.sandbox(), &before);
    change_a_setting(&page, &home);
    go(&page, "Builders");
    page.press("Stop x86_64-linux");
    says(&page, "Stopped");
    home.assert_nothing_left();
}

/// Of a stand-in for nixpkgs, whose kernel is none: it is made and chosen, and the start says what it found.
#[test]
fn the_window_makes_an_image_by_the_real_nix_and_starts_from_it() {
    let desktop = Desktop::start();
    let mut home = Home::in_sandbox();
    home.sandbox_mut().start_nix();
    let nixpkgs = concat!(env!("CARGO_MANIFEST_DIR"), "/src-tauri/engine/tests/image_nix/newer");
    let port = free_port();
    let settings = format!(
        "keychain = false\nnixpkgs = {nixpkgs:?}\n[builders.x86_64]\nport = {port}\naccel = \"tcg\"\n"
    );
    fs::write(home.settings_file(), settings).unwrap();
    let driver = logged(&home, desktop.dress(home.command(DRIVER)));
    let page = Page::drive(driver, TRAY, &["--page", "welcome"]);
    page.press("Get Started");
    page.press("Get the Image");
    let images = home.path().join("state/images");
    wait_for("the image", PATIENCE, || {
        let settings = fs::read_to_string(home.settings_file()).unwrap();
        settings.contains(&format!("image = \"{}/", images.display())).then_some(())
    });
    wait_for("the start by itself", PATIENCE, || {
        matches!(home.builder().phase, Phase::Failed { .. }).then_some(())
    });
    home.assert_nothing_left();
}

/// The console's lines come while the machine boots, and so does what its guest says later.
fn follow_a_start(page: &Page, home: &Home) {
    go(page, "Logs");
    says(page, "No log yet");
    go(page, "Builders");
    page.press("Start x86_64-linux");
    go(page, "Logs");
    // the guest's nix-daemon writes to the console who comes: the engine first
    says(page, "accepted connection from pid");
    wait_for("the builder", PATIENCE, || (home.builder().phase == Phase::Ready).then_some(()));
    let path = format!("/nix/store/{}-none", "0".repeat(32));
    let asked = home.in_guest(&format!("echo $$; exec nix-store --check-validity {path}")).out;
    says(page, &format!("accepted connection from pid {}, user builder", asked.trim()));
}

fn set_nix_up_and_back(page: &Page, sandbox: &Sandbox, before: &str) {
    go(page, "Nix Settings");
    page.press("Apply…");
    page.press("Continue");
    says(page, "Nix is set up");
    let machines = sandbox.read("/etc/nix/machines");
    assert!(machines.contains("ssh-ng://builder@linux-builder-x86_64 x86_64-linux "), "{machines}");
    assert!(
        sandbox.read("/etc/ssh/ssh_config.d/100-igloo-x86_64.conf").contains("Host linux-builder-x86_64")
    );
    // another look says the same
    go(page, "Queue");
    go(page, "Nix Settings");
    says(page, "Nix builds on x86_64-linux; there is nothing to do");

    page.press("Undo…");
    page.click("//dialog//button[normalize-space()='Undo']");
    says(page, "All is as it was before Igloo");
    assert_eq!(sandbox.etc(), before);
}

fn change_a_setting(page: &Page, home: &Home) {
    go(page, "Settings");
    page.click("//button[@role='radio' and normalize-space()='x86_64-linux']");
    let settings = || fs::read_to_string(home.settings_file()).unwrap();
    page.fill(CORES, &format!("2{ENTER}"));
    wait_for("the setting in its file", PATIENCE, || settings().contains("cores = 2\n").then_some(()));
    // what makes no sense is told at its field, and changes nothing
    let kept = settings();
    page.fill(CORES, &format!("0{ENTER}"));
    let problem = "done(document.getElementById('setting-builders-x86_64-cores-problem')?.innerText);";
    let told = wait_for("what is wrong", PATIENCE, || {
        page.run(problem, serde_json::json!([])).as_str().map(str::to_owned)
    });
    assert!(told.contains("cores") && told.contains('0'), "{told}");
    assert_eq!(settings(), kept);
}
