//! The window, page by page.

use super::{
    content,
    screen::{self, SCALE, Scheme, sharp},
};
use crate::support::{CLI, Desktop, Engine, Page, Windows, wait_for};
use igloo_protocol::{BuilderView, GuestInfo, Phase, Rung, Usage};
use serde_json::{Value, json};
use std::{fs, path::Path, process::Command};

const WIDTH: u32 = 960;
const HEIGHT: u32 = 640;

/// How many samples the sparklines get.
const SAMPLES: u32 = 30;

/// Where the app seems to be: pictures name no folder of who takes them.
const SEEMS: &str = "/opt/igloo";

/// Gives what it runs an `/etc` and an `/opt` of its own. `$1`: the folder of the programs, `$2`: one to work in.
const ENTER: &str = r"
set -e
mkdir -p $2
mount -t tmpfs -o mode=755 tmpfs $2
mkdir $2/upper $2/work
mount -t overlay overlay -o lowerdir=/etc,upperdir=$2/upper,workdir=$2/work /etc
mount -t tmpfs -o mode=755 tmpfs /opt
mkdir /opt/igloo
mount --bind $1 /opt/igloo
mkdir -p /etc/nix /etc/ssh/ssh_config.d /etc/systemd/system
rm -f /etc/nix/* /etc/ssh/ssh_config.d/*
printf '%s\n' 'build-users-group = nixbld' 'experimental-features = nix-command flakes' >/etc/nix/nix.conf
echo 'ssh-ng://nix@farm riscv64-linux /etc/nix/farm_ed25519 8 1' >/etc/nix/machines
# a Nix that is installed, as far as its files tell
touch /etc/systemd/system/nix-daemon.service
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/systemd/system
shift 2
exec WebKitWebDriver $@
";

/// Photographs every page.
pub fn take(scheme: Scheme) {
    let desktop = screen::desktop(WIDTH, HEIGHT, scheme);
    let engine = Engine::start(&desktop.paths(), content::idle());
    engine.has_settings(content::settings(desktop.dir.path()));
    engine.lets_in(content::access());
    fs::write(engine.log(), content::LOG).unwrap();
    let page = Page::drive(driver(&desktop), &format!("{SEEMS}/igloo-tray"), &["--page", "builders"]);
    Windows::of(&desktop).place("Igloo", WIDTH * SCALE, HEIGHT * SCALE);
    let dark = page.run("done(matchMedia('(prefers-color-scheme: dark)').matches)", json!([]));
    assert_eq!(dark, Value::Bool(scheme == Scheme::Dark), "the page is in the other appearance");
    let shots = Shots { desktop: &desktop, engine: &engine, page: &page, scheme };
    // first: a window that has seen a build end says so
    shots.first_run();
    shots.builders();
    shots.queue();
    shots.nix();
    shots.settings_and_logs();
}

fn driver(desktop: &Desktop) -> Command {
    let mut command = sharp(desktop.command("unshare"));
    command.args(["--mount", "--propagation", "private", "sh", "-c", ENTER, "sh"]);
    command.arg(Path::new(CLI).parent().unwrap()).arg(desktop.dir.path().join("mount"));
    command.env("USER", "ann").env_remove("NIX_REMOTE");
    command
}

struct Shots<'a> {
    desktop: &'a Desktop,
    engine: &'a Engine,
    page: &'a Page,
    scheme: Scheme,
}

impl Shots<'_> {
    fn take(&self, name: &str) {
        // what the page is by now has been drawn when the second frame begins
        self.run("requestAnimationFrame(() => requestAnimationFrame(() => done(null)))");
        screen::take(self.desktop, &format!("{name}-{}", self.scheme.name()), None);
    }

    fn run(&self, script: &str) -> Value {
        self.page.run(script, json!([]))
    }

    /// Goes to a page, and waits until it has its title.
    fn go(&self, route: &str, title: &str) {
        // again and again: a page that is just opening goes to the page that it was opened for
        let script = format!("location.hash = '#/{route}'; done(document.querySelector('h1')?.textContent)");
        wait_for(title, || (self.run(&script) == title).then_some(()));
        // no part of a page that was scrolled, no focus from the one before
        self.run(
            "document.activeElement?.blur(); document.querySelector('main')?.scrollTo(0, 0); done(null)",
        );
    }

    fn titled(&self, title: &str) {
        let script = "done(document.querySelector('h1')?.textContent)";
        wait_for(title, || (self.run(script) == title).then_some(()));
    }

    /// Waits until the page says this.
    fn says(&self, text: &str) {
        self.until("document.body.innerText.includes(text)", text);
    }

    /// Waits, in the page, until an expression holds for a text.
    fn until(&self, holds: &str, text: &str) {
        // no timers: WebKit lets those of a window without focus fire once a second
        let script = format!(
            "const text = arguments[0];
            const look = () => {{ if ({holds}) {{ observer.disconnect(); done(true); }} }};
            const observer = new MutationObserver(look);
            observer.observe(document, {{ subtree: true, childList: true, characterData: true, attributes: true }});
            look();"
        );
        let found = self.page.run(&script, json!([text]));
        assert!(found == true, "waited for {text:?} in:\n{}", self.page.text());
    }

    fn press(&self, name: &str) {
        let script = "const button = [...document.querySelectorAll('button')]
                .find((b) => b.textContent.trim() === arguments[0]);
            button?.click();
            done(button !== undefined);";
        wait_for(name, || (self.page.run(script, json!([name])) == true).then_some(()));
    }

    /// Lets the page's clock go right again.
    fn real_time(&self) {
        self.page.run("Date.now = window.realNow ?? Date.now; done(null);", json!([]));
    }

    /// Lets two minutes of use pass.
    fn two_minutes(&self) {
        // what was seen before the clock was put back is not part of them
        self.engine.show(content::idle());
        self.until("document.querySelectorAll('[data-phase=stopped]').length === Number(text)", "2");
        let usages: Vec<Usage> =
            (0..=SAMPLES).map(|n| content::usage(f64::from(n) / f64::from(SAMPLES))).collect();
        let texts: Vec<String> = usages.iter().map(|usage| format!("{:.0}%", usage.cpu * 100.0)).collect();
        // the page asks for each sample itself, by a command: a question by the driver takes seconds at times
        let script = "const [texts] = arguments, real = Date.now, last = texts.length - 1;
            const end = real.call(Date);
            let n = 0;
            const next = () => {
                const now = end - 120000 * (1 - n / last);
                Date.now = () => now;
                const command = { command: 'start', builder: 'x86_64' };
                window.__TAURI_INTERNALS__.invoke('command', { command });
            };
            const observer = new MutationObserver(() => {
                if (!document.body.innerText.includes(texts[n])) return;
                n += 1;
                if (n <= last) next(); else observer.disconnect();
            });
            observer.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
            window.realNow = real;
            next();
            done(null);";
        self.page.run(script, json!([texts]));
        for usage in usages {
            self.engine.command();
            self.engine.show([using(content::building(content::two()), usage), content::intel()]);
        }
        self.says(texts.last().unwrap());
    }

    fn builders(&self) {
        self.two_minutes();
        self.go("builders", "Builders");
        self.take("builders");
    }

    fn queue(&self) {
        self.go("queue", "Queue");
        self.real_time();
        self.engine.show([content::busy(), content::intel()]);
        self.says("rustc");
        self.take("queue");
    }

    fn nix(&self) {
        self.engine.show([content::unknown_to_nix(content::arm(Phase::Ready)), content::intel()]);
        self.go("nix/aarch64", "Nix Settings");
        self.says("ssh-ng://");
        let text = self.run("done(document.documentElement.outerHTML)").to_string();
        assert!(!text.contains(env!("CARGO_MANIFEST_DIR")), "a folder of who takes the picture");
        self.take("nix");
        self.run(
            "[...document.querySelectorAll('figure')].at(-1).scrollIntoView({ block: 'end' }); done(null)",
        );
        self.take("nix-diff");
    }

    fn settings_and_logs(&self) {
        self.engine.show(content::afternoon());
        self.go("settings/aarch64", "Settings");
        self.says("The loopback port");
        self.take("settings");
        self.go("logs/aarch64", "Logs");
        self.says("Multi-User System");
        self.take("logs");
    }

    fn first_run(&self) {
        self.engine.show(content::first_day());
        self.go("welcome", "Build for Linux, right here");
        self.take("welcome");
        self.press("Get Started");
        self.titled("Start a builder");
        self.engine.show(content::first_start(content::booting(Rung::Daemon)));
        self.says("nix-daemon answers");
        self.take("welcome-builder");
        self.engine.show(content::first_start(content::arm(Phase::Ready)));
        self.press("Continue");
        self.says("What Igloo would do");
        self.take("welcome-nix");
        self.press("Skip This Step");
        self.says("hello-from-igloo");
        self.take("welcome-build");
        self.engine.show([content::booting(Rung::Banner), content::intel()]);
        self.go("builders", "Builders");
        self.says("SSH answers");
        self.take("builders-starting");
    }
}

fn using(view: BuilderView, usage: Usage) -> BuilderView {
    let running = view.running.map(|guest| GuestInfo { usage: Some(usage), ..guest });
    BuilderView { running, ..view }
}
