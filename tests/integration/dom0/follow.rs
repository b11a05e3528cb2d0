//! A command that goes on, and what it has said so far.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;

/// How long something may take to be said, under emulation and beside busy guests.
const LIMIT: Duration = Duration::from_secs(90);

/// A program that writes a line of JSON from time to time; it ends with this.
pub struct Followed {
    child: Child,
    stdout: Arc<Mutex<String>>,
    stderr: Arc<Mutex<String>>,
}

impl Followed {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            stdout: keep(child.stdout.take().unwrap()),
            stderr: keep(child.stderr.take().unwrap()),
            child,
        }
    }

    /// The process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// All whole lines so far, as they are.
    pub fn printed(&self) -> String {
        self.stdout.lock().unwrap().clone()
    }

    /// All whole lines so far.
    pub fn said<T: DeserializeOwned>(&self) -> Vec<T> {
        let text = self.stdout.lock().unwrap();
        text.lines()
            .map(|line| {
                assert!(line.starts_with("{\"schema\":1,"), "{line}");
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
            })
            .collect()
    }

    pub fn complaints(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }

    /// Waits until this holds of all lines so far, and gives those.
    pub fn until<T: DeserializeOwned>(&self, what: &str, holds: impl Fn(&[T]) -> bool) -> Vec<T> {
        let end = Instant::now() + LIMIT;
        loop {
            let said = self.said();
            if holds(&said) {
                return said;
            }
            assert!(
                Instant::now() < end,
                "never {what}:\n{}\n{}",
                self.stdout.lock().unwrap(),
                self.complaints()
            );
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Keeps the whole lines of what comes.
fn keep(from: impl Read + Send + 'static) -> Arc<Mutex<String>> {
    let kept = Arc::new(Mutex::new(String::new()));
    let keeper = Arc::clone(&kept);
    thread::spawn(move || {
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        while matches!(from.read_until(b'\n', &mut line), Ok(1..)) {
            keeper
                .lock()
                .unwrap()
                .push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    });
    kept
}
