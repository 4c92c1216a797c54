//! The socket that Nix connects to.
