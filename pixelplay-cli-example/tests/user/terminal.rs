//! Passwords typed on a terminal, simulated by a pseudo-terminal.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::pty::openpty;
use nix::sys::termios::{LocalFlags, tcgetattr};

use super::{Home, NEW_PASSWORD, PASSWORD};

/// A command on its own terminal, and what the terminal has shown.
struct Typed {
    terminal: File,
    child: Child,
    shown: Vec<u8>,
}

impl Typed {
    fn new(home: &Home, args: &[&str]) -> Self {
        let pty = openpty(None, None).unwrap();
        let side = || pty.slave.try_clone().unwrap();
        let child = Command::new("setsid")
            .args(["--ctty", "--wait", env!("CARGO_BIN_EXE_pixelplay"), "user"])
            .args(args)
            .args(["--users", "users.db"])
            .current_dir(home.folder.path())
            .stdin(side())
            .stdout(side())
            .stderr(side())
            .spawn()
            .unwrap();
        Self { terminal: pty.master.into(), child, shown: Vec::new() }
    }

    /// Types keys once the prompt has appeared and the terminal has stopped echoing.
    fn answer(&mut self, prompt: &str, keys: &str) {
        while !self.shown.ends_with(prompt.as_bytes()) {
            let mut more = [0; 1024];
            let count = self.terminal.read(&mut more).unwrap();
            self.shown.extend(&more[..count]);
        }
        let asked = Instant::now();
        while self.echoes() {
            assert!(asked.elapsed() < Duration::from_secs(60), "the terminal echoes");
            sleep(Duration::from_millis(1));
        }
        self.terminal.write_all(keys.as_bytes()).unwrap();
    }

    fn echoes(&self) -> bool {
        let modes = tcgetattr(&self.terminal).unwrap().local_flags;
        modes.contains(LocalFlags::ECHO)
    }

    /// Returns what was shown, and the exit code. The terminal must echo again.
    fn end(mut self) -> (String, Option<i32>) {
        let code = self.child.wait().unwrap().code();
        assert!(self.echoes());
        // At the end, Linux returns EIO, because no process has the other side open.
        let _ = self.terminal.read_to_end(&mut self.shown);
        (String::from_utf8(self.shown).unwrap(), code)
    }
}

#[test]
fn a_terminal_asks_twice_and_shows_nothing() {
    let home = Home::new();
    let mut register = Typed::new(&home, &["register", "ana"]);
    register.answer("Password for ana: ", &format!("{PASSWORD}\n"));
    register.answer("Repeat the password: ", &format!("{PASSWORD}\n"));
    let (shown, code) = register.end();
    assert_eq!(code, Some(0), "{shown}");
    assert!(!shown.contains(PASSWORD), "{shown}");
    home.ok(&["login", "ana"], PASSWORD);

    let mut register = Typed::new(&home, &["register", "ben"]);
    register.answer("Password for ben: ", &format!("{PASSWORD}\n"));
    register.answer("Repeat the password: ", &format!("{NEW_PASSWORD}\n"));
    let (shown, code) = register.end();
    assert_eq!(code, Some(1), "{shown}");
    assert!(shown.contains("differ"), "{shown}");
    home.fails(&["login", "ben"], PASSWORD);
}

#[test]
fn ctrl_c_at_a_prompt_changes_nothing() {
    let home = Home::of_ana();
    let mut delete = Typed::new(&home, &["delete"]);
    delete.answer("for good: ", "\u{3}");
    let (shown, code) = delete.end();
    assert_eq!(code, Some(130), "{shown}");
    assert!(shown.contains("nothing was changed"), "{shown}");
    home.ok(&["favourites"], "");
}
