//! What goes wrong with a guest, for a person.

use crate::keys::{PublicKey, fingerprint};
use igloo_protocol::{Code, Problem, Rung};
use std::time::Duration;

const SEE_LOG: &str = "look at the builder's log (`igloo log`), and start it again";

pub(super) fn boot_timeout(reached: Option<Rung>, missing: Rung, why: &str, waited: Duration) -> Problem {
    let reached = reached
        .map_or("nothing was reached".to_owned(), |r| format!("the last step was \u{2018}{r}\u{2019}"));
    let message = format!(
        "the guest was not ready after {} s: {reached}, and \u{2018}{missing}\u{2019} did not follow ({why})",
        waited.as_secs_f64().round()
    );
    Problem::new(Code::BootTimeout, message, SEE_LOG)
}

pub(super) fn host_key_mismatch(expected: &PublicKey, shown: &[u8]) -> Problem {
    let message = format!(
        "the guest showed the host key {} where {} was expected",
        fingerprint(shown),
        expected.fingerprint()
    );
    let remedy = "something else may listen on the port, or the disk is another installation's: stop what \
                  listens there, or reset the builder (`igloo reset`)";
    Problem::new(Code::HostKeyMismatch, message, remedy)
}

pub(super) fn refused(user: &str, key: &str, why: &str) -> Problem {
    let message = format!("the guest did not let \u{2018}{user}\u{2019} in with {key}: {why}");
    let remedy = "the guest reads the keys it takes from the share when it starts: restart the builder; if that \
                  does not help, its image expects them elsewhere";
    Problem::new(Code::LoginFailed, message, remedy)
}

pub(super) fn key(key: &str, why: &str) -> Problem {
    Problem::new(
        Code::LoginFailed,
        format!("{key} can't be used: {why}"),
        "move it away, and a new one is made at the next start",
    )
}

pub(super) fn lost(why: &str) -> Problem {
    Problem::new(Code::GuestUnreachable, format!("the connection to the guest was lost: {why}"), SEE_LOG)
}

pub(super) fn overdue(command: &str, deadline: Duration) -> Problem {
    let message = format!(
        "the guest did not finish \u{2018}{}\u{2019} within {} s",
        short(command),
        deadline.as_secs_f32()
    );
    Problem::new(Code::GuestUnreachable, message, "it may be overloaded: give it more processors or memory")
}

pub(super) fn busy(command: &str, deadline: Duration) -> Problem {
    let message = format!(
        "\u{2018}{}\u{2019} had no turn within {} s, since the command before it still ran",
        short(command),
        deadline.as_secs_f32()
    );
    Problem::new(Code::GuestUnreachable, message, "try again")
}

pub(super) fn daemon(why: &str) -> Problem {
    Problem::new(
        Code::DaemonFailed,
        format!("the guest's nix-daemon does not work: {why}"),
        "restart the builder; if that does not help, reset it (`igloo reset`)",
    )
}

pub(super) fn untrusted(user: &str) -> Problem {
    Problem::new(
        Code::DaemonFailed,
        format!(
            "the guest's nix-daemon does not trust \u{2018}{user}\u{2019}, so it takes no builds from this machine"
        ),
        format!(
            "the image must have \u{2018}trusted-users = {user}\u{2019} in its nix.conf: use another image"
        ),
    )
}

pub(super) fn nonsense(what: &str, why: &str) -> Problem {
    Problem::new(Code::Internal, format!("the guest's answer about {what} makes no sense: {why}"), SEE_LOG)
}

pub(super) fn power_off(command: &str, why: &str) -> Problem {
    Problem::new(
        Code::Internal,
        format!("the guest did not take \u{2018}{}\u{2019}: {why}", short(command)),
        "it is ended from outside; see that the image's manifest has the right `power_off`",
    )
}

/// The start of a command, for a message.
fn short(command: &str) -> String {
    let line = command.lines().next().unwrap_or_default();
    if line.chars().count() <= 60 {
        line.to_owned()
    } else {
        line.chars().take(57).chain("...".chars()).collect()
    }
}
