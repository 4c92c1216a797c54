//! A terminal with somebody at its keyboard.

use crate::machine::wait_for;
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};
use std::thread;

pub struct Terminal {
    keyboard: File,
    /// The other side, for programs.
    pub programs: OwnedFd,
    screen: Arc<Mutex<String>>,
}

impl Terminal {
    pub fn open() -> Terminal {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
        let front = openpt(flags | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&front).unwrap();
        unlockpt(&front).unwrap();
        let programs = ioctl_tiocgptpeer(&front, flags | OpenptFlags::CLOEXEC).unwrap();
        let keyboard = File::from(front);
        let screen = Arc::default();
        show(keyboard.try_clone().unwrap(), Arc::clone(&screen));
        Terminal { keyboard, programs, screen }
    }

    /// Waits until this stands on the screen.
    pub fn wait_for(&self, text: &str) {
        wait_for(text, || self.screen.lock().unwrap().contains(text).then_some(()));
    }

    pub fn type_line(&mut self, line: &str) {
        self.press(&format!("{line}\n"));
    }

    pub fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }
}

/// Puts what programs print on the screen, until the terminal is closed.
fn show(mut from: File, screen: Arc<Mutex<String>>) {
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            screen.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
    });
}
