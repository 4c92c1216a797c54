//! The app's own window, driven by WebDriver: <https://www.w3.org/TR/webdriver2/>.

use super::desktop::{Desktop, Proc, wait_for};
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
};

/// A session with the app that `WebKitWebDriver` started.
pub struct Page {
    port: u16,
    session: String,
    _driver: Proc,
}

impl Page {
    /// Starts the app, which must open a window by itself.
    pub fn start(desktop: &Desktop, app: &str, args: &[&str]) -> Page {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut driver = desktop.command("WebKitWebDriver");
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
        let path = format!("{}/execute/async", self.session);
        ask(self.port, "POST", &path, &json!({"script": script, "args": args})).expect("an answer")
    }

    /// What the app answers to a command: `{ok}` or `{err}`.
    pub fn invoke(&self, command: &str, args: Value) -> Value {
        let body = "window.__TAURI_INTERNALS__.invoke(arguments[0], arguments[1])
            .then((ok) => done({ ok }), (err) => done({ err }));";
        self.run(body, json!([command, args]))
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
