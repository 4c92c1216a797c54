//! The start of Nix' worker protocol: is a `nix-daemon` there, which Nix is it, and does it trust us.
//!
//! As in Nix' `worker-protocol.hh` and `worker-protocol-connection.cc`: integers are 64 bits, little endian;
//! a string is its length, its bytes, and zeros up to a multiple of 8. The client says its magic, its version,
//! and two values that no longer mean anything; the server answers with its magic, its version and, to a
//! version that both know: from 1.33 on the version of Nix, from 1.35 on whether it trusts the client. Then it
//! is ready (`STDERR_LAST`) or says why not (`STDERR_ERROR`).

use super::{Guest, line::Job, trouble};
use igloo_protocol::Problem;
use std::time::Duration;

const CLIENT_MAGIC: u64 = 0x6e69_7863;
const SERVER_MAGIC: u64 = 0x6478_696f;
const STDERR_LAST: u64 = 0x616c_7473;
const STDERR_ERROR: u64 = 0x6378_7470;
/// 1.35: what all of this needs. From 1.38 on the two sides would exchange features, too.
const OUR_VERSION: u64 = 0x123;
/// The longest string that is believed.
const LONGEST: u64 = 64 * 1024;

/// A daemon that answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Daemon {
    /// The version of Nix (`2.26.3`); servers older than protocol 1.33 don't tell.
    pub nix_version: Option<String>,
    /// Whether it trusts the user; servers older than protocol 1.35 don't tell.
    pub trusted: Option<bool>,
    /// The protocol that the server speaks: major and minor.
    pub protocol: (u64, u64),
}

/// Why it is no answer.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
enum Bad {
    #[error("what answers is no nix-daemon")]
    Magic,
    #[error("it speaks protocol {0}.{1}, which Igloo does not")]
    Protocol(u64, u64),
    #[error("its answer is malformed")]
    Malformed,
    #[error("{0}")]
    Said(String),
}

impl Guest {
    /// Asks the guest's `nix-daemon` who it is, the way in which a remote build starts.
    ///
    /// # Errors
    /// [`igloo_protocol::Code::DaemonFailed`] when it does not answer, or says that it does not trust the user.
    pub async fn daemon(&self, deadline: Duration) -> Result<Daemon, Problem> {
        let enough: fn(&[u8]) -> bool = |seen| !matches!(decode(seen), Ok(None));
        let job = Job { command: "nix-daemon --stdio".into(), stdin: hello(), enough: Some(enough) };
        let output = match self.run_job(job, deadline).await {
            Err(problem) if self.alive() => return Err(trouble::daemon(&problem.message)),
            other => other?,
        };
        match decode(&output.stdout) {
            Ok(Some(daemon)) if daemon.trusted == Some(false) => Err(trouble::untrusted(&self.inner.user)),
            Ok(Some(daemon)) => Ok(daemon),
            Ok(None) => Err(trouble::daemon(&output.complaint())),
            Err(bad) => Err(trouble::daemon(&bad.to_string())),
        }
    }
}

/// All that the client says.
fn hello() -> Vec<u8> {
    let (no_cpu_affinity, no_reserved_space) = (0, 0);
    [CLIENT_MAGIC, OUR_VERSION, no_cpu_affinity, no_reserved_space]
        .into_iter()
        .flat_map(u64::to_le_bytes)
        .collect()
}

/// All that the server says; `None`: there is more to come.
fn decode(bytes: &[u8]) -> Result<Option<Daemon>, Bad> {
    match answer(&mut Reader { rest: bytes }) {
        Ok(daemon) => Ok(Some(daemon)),
        Err(Cut::Short) => Ok(None),
        Err(Cut::Bad(bad)) => Err(bad),
    }
}

fn answer(r: &mut Reader) -> Result<Daemon, Cut> {
    if r.int()? != SERVER_MAGIC {
        return Err(Bad::Magic.into());
    }
    let version = r.int()?;
    let protocol = (version >> 8, version & 0xff);
    // before 1.14 the client would say less
    if protocol.0 != OUR_VERSION >> 8 || protocol.1 < 14 {
        return Err(Bad::Protocol(protocol.0, protocol.1).into());
    }
    let agreed = version.min(OUR_VERSION) & 0xff;
    let nix_version = if agreed >= 33 { Some(r.string()?) } else { None };
    let trusted = match if agreed >= 35 { r.int()? } else { 0 } {
        0 => None,
        1 => Some(true),
        2 => Some(false),
        _ => return Err(Bad::Malformed.into()),
    };
    match r.int()? {
        STDERR_LAST => Ok(Daemon { nix_version, trusted, protocol }),
        STDERR_ERROR => Err(Bad::Said(r.error(agreed)?).into()),
        _ => Err(Bad::Malformed.into()),
    }
}

/// Why reading stops.
enum Cut {
    Short,
    Bad(Bad),
}

impl From<Bad> for Cut {
    fn from(bad: Bad) -> Self {
        Cut::Bad(bad)
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn int(&mut self) -> Result<u64, Cut> {
        let (int, rest) = self.rest.split_first_chunk().ok_or(Cut::Short)?;
        self.rest = rest;
        Ok(u64::from_le_bytes(*int))
    }

    fn string(&mut self) -> Result<String, Cut> {
        let len = self.int()?;
        if len > LONGEST {
            return Err(Bad::Malformed.into());
        }
        // fits: it is below LONGEST
        let len = len as usize;
        let (padded, rest) = self.rest.split_at_checked(len.next_multiple_of(8)).ok_or(Cut::Short)?;
        self.rest = rest;
        Ok(String::from_utf8_lossy(&padded[..len]).into_owned())
    }

    /// The message of an error: from 1.26 on among other fields.
    fn error(&mut self, agreed: u64) -> Result<String, Cut> {
        if agreed < 26 {
            return self.string();
        }
        let _kind = self.string()?;
        let _level = self.int()?;
        let _name = self.string()?;
        self.string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What `nix-daemon --stdio` of Nix 2.26.3 (protocol 1.38) says to a trusted user.
    const NIX_2_26: &[u8] = include_bytes!("fixtures/daemon-2.26.3-trusted.bin");

    fn int(n: u64) -> Vec<u8> {
        n.to_le_bytes().to_vec()
    }

    fn string(s: &str) -> Vec<u8> {
        let mut bytes = int(s.len() as u64);
        bytes.extend_from_slice(s.as_bytes());
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes
    }

    fn daemon(nix: Option<&str>, trusted: Option<bool>, minor: u64) -> Result<Option<Daemon>, Bad> {
        Ok(Some(Daemon { nix_version: nix.map(Into::into), trusted, protocol: (1, minor) }))
    }

    #[test]
    fn a_real_answer_is_understood_and_never_before_its_end() {
        assert_eq!(decode(NIX_2_26), daemon(Some("2.26.3"), Some(true), 38));
        for cut in 0..NIX_2_26.len() {
            assert_eq!(decode(&NIX_2_26[..cut]), Ok(None), "after {cut} bytes");
        }
    }

    #[test]
    fn what_is_told_depends_on_the_older_of_the_two() {
        let start = |version| [int(SERVER_MAGIC), int(version)].concat();
        let last = int(STDERR_LAST);
        let cases = [
            ([start(0x120), last.clone()].concat(), daemon(None, None, 32)),
            ([start(0x121), string("2.4"), last.clone()].concat(), daemon(Some("2.4"), None, 33)),
            ([start(0x122), string("2.8.0"), last.clone()].concat(), daemon(Some("2.8.0"), None, 34)),
            (
                [start(0x123), string("2.15.0"), int(2), last.clone()].concat(),
                daemon(Some("2.15.0"), Some(false), 35),
            ),
            ([start(0x180), string("9"), int(0), last.clone()].concat(), daemon(Some("9"), None, 128)),
            ([start(0x10d), last.clone()].concat(), Err(Bad::Protocol(1, 13))),
            ([start(0x200), last.clone()].concat(), Err(Bad::Protocol(2, 0))),
            ([start(0x123), string("2.15.0"), int(7), last.clone()].concat(), Err(Bad::Malformed)),
            ([start(0x123), int(u64::MAX)].concat(), Err(Bad::Malformed)),
            (b"sh: 1: nix-daemon: not found".to_vec(), Err(Bad::Magic)),
        ];
        for (bytes, expected) in cases {
            assert_eq!(decode(&bytes), expected, "{bytes:x?}");
        }
    }

    #[test]
    fn an_error_is_passed_on() {
        let start = [int(SERVER_MAGIC), int(0x126), string("2.26.3"), int(1), int(STDERR_ERROR)].concat();
        let said = "error: you don't have sufficient rights to use this command";
        let error = [string("Error"), int(0), string("Error"), string(said), int(0), int(0)].concat();
        assert_eq!(decode(&[start, error].concat()), Err(Bad::Said(said.into())));
        let old = [int(SERVER_MAGIC), int(0x114), int(STDERR_ERROR), string(said), int(1)].concat();
        assert_eq!(decode(&old), Err(Bad::Said(said.into())));
    }

    #[test]
    fn the_client_says_what_version_1_35_says() {
        assert_eq!(hello()[..16], [0x63, 0x78, 0x69, 0x6e, 0, 0, 0, 0, 0x23, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(hello()[16..], [0; 16]);
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(mut bytes: Vec<u8>, keep in 0..NIX_2_26.len()) {
            bytes.splice(0..0, NIX_2_26[..keep].iter().copied());
            let _ = decode(&bytes);
        }
    }
}
