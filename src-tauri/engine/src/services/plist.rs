//! A launchd job's property list (launchd.plist(5)).

use plist::Value;

/// What of a job's definition is of interest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Job {
    /// Its name to launchd.
    pub label: String,
    /// What it runs.
    pub arguments: Vec<String>,
    /// Where it runs.
    pub working_directory: Option<String>,
    /// The port that launchd itself listens on for it.
    pub socket_port: Option<u16>,
    /// Whether launchd starts it again whenever it ends.
    pub keep_alive: bool,
    /// The file that its standard error goes to.
    pub log: Option<String>,
}

/// Reads a definition, in XML or binary; `None` if it is none.
pub fn read(bytes: &[u8]) -> Option<Job> {
    let value = Value::from_reader(std::io::Cursor::new(bytes)).ok()?;
    let dict = value.as_dictionary()?;
    let text = |key: &str| dict.get(key).and_then(Value::as_string).map(str::to_owned);
    let arguments = dict.get("ProgramArguments").and_then(Value::as_array);
    let arguments: Vec<_> =
        arguments.into_iter().flatten().filter_map(Value::as_string).map(str::to_owned).collect();
    let program = text("Program").filter(|_| arguments.is_empty());
    Some(Job {
        label: text("Label")?,
        arguments: arguments.into_iter().chain(program).collect(),
        working_directory: text("WorkingDirectory"),
        socket_port: dict.get("Sockets").and_then(socket_port),
        // a dictionary gives conditions under which it is kept alive
        keep_alive: dict.get("KeepAlive").is_some_and(|v| v.as_boolean().unwrap_or(true)),
        log: text("StandardErrorPath").or_else(|| text("StandardOutPath")),
    })
}

/// The first numbered port among the sockets.
fn socket_port(sockets: &Value) -> Option<u16> {
    sockets.as_dictionary()?.values().find_map(|socket| {
        let service = socket.as_dictionary()?.get("SockServiceName")?;
        match service {
            Value::String(text) => text.parse().ok(),
            other => other.as_unsigned_integer()?.try_into().ok(),
        }
    })
}

impl Job {
    /// The program, or the script that a shell is told to become once `/nix/store` is there: nix-darwin runs
    /// `/bin/sh -c "/bin/wait4path /nix/store && exec SCRIPT"`.
    pub fn program(&self) -> Option<&str> {
        match self.arguments.as_slice() {
            [_, flag, line, ..] if flag == "-c" => {
                let command = line.rsplit_once("exec ").map_or(line.as_str(), |(_, command)| command);
                command.split_whitespace().next()
            }
            [program, ..] => Some(program),
            [] => None,
        }
    }
}
