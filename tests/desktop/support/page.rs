//! The app's own window, driven by WebDriver: <https://www.w3.org/TR/webdriver2/>.

use super::desktop::{DEADLINE, Desktop, Proc, wait_for};
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::Command,
    time::{Duration, Instant},
};

/// The key of an element's name in answers, by the standard.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// The program that drives WebKit's windows.
pub const DRIVER: &str = "WebKitWebDriver";

/// The key that ends what is typed.
pub const ENTER: &str = "\u{e007}";

/// The keys that lead to the end of a field, and that take the letter before away.
const END: &str = "\u{e010}";
const BACKSPACE: &str = "\u{e003}";

/// More letters than any field of a test has.
const LONGEST: usize = 12;

/// A session with the app that `WebKitWebDriver` started.
pub struct Page {
    port: u16,
    session: String,
    _driver: Proc,
}

impl Page {
    /// Starts the app, which must open a window by itself.
    pub fn start(desktop: &Desktop, app: &str, args: &[&str]) -> Page {
        Page::drive(desktop.command(DRIVER), app, args)
    }

    /// The same by a driver (`DRIVER`) that was made ready: the app has its surroundings.
    pub fn drive(mut driver: Command, app: &str, args: &[&str]) -> Page {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        driver.arg(format!("--port={port}")).env("TAURI_AUTOMATION", "true");
        let driver = driver.env("TAURI_WEBVIEW_AUTOMATION", "true").spawn();
        let driver = Proc(driver.expect("WebKitWebDriver (apt: webkit2gtk-driver)"));
        wait_for("the driver", || ask(port, "GET", "/status", &Value::Null));
        let options = json!({"binary": app, "args": args});
        let wanted = json!({"capabilities": {"alwaysMatch": {"webkitgtk:browserOptions": options}}});
        let answer = ask(port, "POST", "/session", &wanted).expect("an answer");
        let id = answer["sessionId"].as_str().unwrap_or_else(|| panic!("no session: {answer}"));
        Page { port, session: format!("/session/{id}"), _driver: driver }
    }

    /// What an asynchronous function's body gives to the `done` that it is passed after `args`.
    pub fn run(&self, body: &str, args: Value) -> Value {
        let script = format!("const done = arguments[arguments.length - 1]; {body}");
        self.post("execute/async", json!({"script": script, "args": args}))
    }

    /// What the app answers to a command: `{ok}` or `{err}`.
    pub fn invoke(&self, command: &str, args: Value) -> Value {
        let body = "window.__TAURI_INTERNALS__.invoke(arguments[0], arguments[1])
            .then((ok) => done({ ok }), (err) => done({ err }));";
        self.run(body, json!([command, args]))
    }
}

/// As a user does it, with mouse and keyboard. What is there is found by XPath.
impl Page {
    /// Clicks a button that says this, once it is there and can be clicked.
    pub fn press(&self, button: &str) {
        self.click(&format!("//button[normalize-space()='{button}' and not(@disabled)]"));
    }

    /// Clicks what a path leads to, once it is there.
    pub fn click(&self, path: &str) {
        self.act(path, "click", &json!({}));
    }

    /// Types into a field in place of what is there. WebDriver's own way to clear a field leaves it too, which the
    /// page takes for the end of what is typed.
    pub fn fill(&self, path: &str, text: &str) {
        self.act(path, "value", &json!({ "text": format!("{END}{}{text}", BACKSPACE.repeat(LONGEST)) }));
    }

    /// Does something to what a path leads to. What is found may be drawn anew, or still move, before it is done.
    fn act(&self, path: &str, what: &str, with: &Value) {
        let start = Instant::now();
        let act = || self.element(path).map(|id| self.post(&format!("element/{id}/{what}"), with.clone()));
        loop {
            match act() {
                Some(answer) if answer.is_null() => return,
                other => {
                    assert!(start.elapsed() < DEADLINE, "no {what} of {path}: {other:?}\n{}", self.text())
                }
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// All that the window says.
    pub fn text(&self) -> String {
        self.run("done(document.body.innerText);", json!([])).as_str().unwrap_or_default().to_owned()
    }

    fn element(&self, path: &str) -> Option<String> {
        let found = self.post("element", json!({"using": "xpath", "value": path}));
        Some(found.get(ELEMENT)?.as_str()?.to_owned())
    }

    fn post(&self, what: &str, body: Value) -> Value {
        ask(self.port, "POST", &format!("{}/{what}", self.session), &body).expect("an answer")
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // ends the app too
        let _ = ask(self.port, "DELETE", &self.session, &Value::Null);
    }
}

/// A request, and the `value` of its answer.
fn ask(port: u16, method: &str, path: &str, body: &Value) -> Option<Value> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    let head =
        format!("{method} {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all((head + &body).as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let answer = String::from_utf8(answer).ok()?;
    let (_head, body) = answer.split_once("\r\n\r\n")?;
    serde_json::from_str::<Value>(body).ok().map(|mut answer| answer["value"].take())
}
