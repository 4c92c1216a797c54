//! What Nix, ssh and nix-darwin say where a builder can't be used.

use super::{Known, known};
use igloo_protocol::Code;

/// What Nix says where no machine of its list may build a derivation.
pub(super) const NO_MACHINE: &str = "ailed to find a machine";

const SETUP_AGAIN: &str = "Run `igloo setup` again";
const LOOK: &str = "Look at the builder with `igloo status` and `igloo log`, then run `igloo setup` again";

/// ssh's and sshd's words.
pub(super) const SSH: &[Known] = &[
    known(
        "REMOTE HOST IDENTIFICATION HAS CHANGED",
        Code::HostKeyMismatch,
        "the guest's host key is not the one that ssh remembers",
        "Remove the builder's line from the file that ssh names, and reach it by `igloo ssh`, which pins the guest's own key",
    ),
    known(
        "Host key verification failed",
        Code::HostKeyMismatch,
        "the guest's host key is not the expected one",
        SETUP_AGAIN,
    ),
    known(
        "Not allowed at this time",
        Code::GuestUnreachable,
        "the guest's sshd turns everybody away for some minutes, since something asked too often without logging in",
        "Stop what does that (`ssh-keyscan` in a loop, a check of the port), then wait, or restart the builder",
    ),
    known(
        "Connection refused",
        Code::GuestUnreachable,
        "nothing listens on the builder's port",
        "Start the builder: `igloo start`",
    ),
    known(
        "Permission denied (publickey",
        Code::LoginFailed,
        "the guest does not let root's key in",
        SETUP_AGAIN,
    ),
    known(
        "Could not resolve hostname localhost",
        Code::GuestUnreachable,
        "this machine does not know its own name `localhost` (nix-darwin#1351: /etc/hosts is a link that can't be followed)",
        "Put `127.0.0.1 localhost` into /etc/hosts; what Igloo writes names 127.0.0.1 and does not need it",
    ),
    known(
        "Could not resolve hostname",
        Code::GuestUnreachable,
        "ssh does not know the builder's alias",
        "Let /etc/ssh/ssh_config include ssh_config.d, or run `igloo setup` again",
    ),
];

/// Nix' words.
pub(super) const NIX: &[Known] = &[
    known(
        "failed to start SSH connection",
        Code::GuestUnreachable,
        "Nix got no ssh connection to the builder",
        LOOK,
    ),
    known(
        "cannot open connection to remote store",
        Code::GuestUnreachable,
        "Nix got no connection to the builder",
        LOOK,
    ),
    known(
        "The Native Linux Builder is not currently available",
        Code::NotAllowed,
        "Determinate's native Linux builder is not granted to this account",
        "Log in to FlakeHub with an account that has it, or use Igloo's builder: `igloo setup`",
    ),
    known(
        "$NIX_SSL_CERT_FILE should point to a valid file",
        Code::MissingTool,
        "the certificates that the stock builder's script copies are not where NIX_SSL_CERT_FILE says",
        "Set NIX_SSL_CERT_FILE=/nix/var/nix/profiles/default/etc/ssl/certs/ca-bundle.crt; Igloo does not need it",
    ),
    known(
        NO_MACHINE,
        Code::WrongSystem,
        "no machine that Nix knows builds this",
        "Run `igloo setup` again: its line may be old",
    ),
    known(
        "is required to build",
        Code::WrongSystem,
        "no machine that Nix knows builds this, nor does this one",
        "Run `igloo setup`, or start the builder for that system: `igloo start`",
    ),
    known(
        "local builds are disabled",
        Code::NotManaged,
        "Nix does not read /etc/nix/machines",
        "Look at `builders` in `nix config show`",
    ),
    known(
        "nable to start any build",
        Code::NotManaged,
        "Nix does not read /etc/nix/machines",
        "Look at `builders` in `nix config show`",
    ),
    known(
        "Required system: '",
        Code::WrongSystem,
        "this machine builds no derivation of that system, and no machine that Nix knows was asked",
        "Run `igloo setup`, or look at `builders` in `nix config show`",
    ),
];

/// What nix-darwin says when it is activated.
pub(super) const ACTIVATION: &[Known] = &[
    known(
        "`nix.linux-builder.enable` requires `nix.enable`",
        Code::NotManaged,
        "nix-darwin's own builder needs nix-darwin to manage Nix, which it does not here",
        "Use Igloo's builder with `igloo setup`, or set nix.enable = true",
    ),
    known(
        "Determinate detected, aborting activation",
        Code::NotManaged,
        "nix-darwin and Determinate both want to manage Nix",
        "Set nix.enable = false in nix-darwin's configuration; `igloo setup` works beside both",
    ),
    known(
        "custom settings in `/etc/nix/nix.custom.conf`, aborting activation",
        Code::NotManaged,
        "nix-darwin is to manage Nix, and /etc/nix/nix.custom.conf holds settings that would be lost",
        "Undo Igloo's part with `igloo setup --undo`, and move what is left there into nix.settings",
    ),
    known(
        "Unexpected files in /etc, aborting activation",
        Code::NotManaged,
        "nix-darwin wants to write files that others wrote",
        "Undo Igloo's part with `igloo setup --undo`; `igloo setup` then prints the lines for your configuration",
    ),
];
