//! The virtual machine: command line, control socket, acceleration.
