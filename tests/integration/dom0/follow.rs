//! A command that goes on, and what it has said so far.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;

use crate::record::all;

/// How long something may take to be said, under emulation and beside busy guests.
const LIMIT: Duration = Duration::from_secs(90);

/// A program that writes a line of JSON from time to time; it ends with this.
pub struct Followed {
    child: Option<Child>,
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
            child: Some(child),
        }
    }

    /// What another program says from now on.
    pub fn reading(from: impl Read + Send + 'static) -> Self {
        Self {
            child: None,
            stdout: keep(from),
            stderr: Arc::default(),
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// All whole lines so far, as they are.
    pub fn printed(&self) -> String {
        self.stdout.lock().unwrap().clone()
    }

    /// All whole lines so far.
    pub fn said<T: DeserializeOwned>(&self) -> Vec<T> {
        let mut said = Vec::new();
        self.hear(&mut 0, &mut said);
        said
    }

    /// Adds what was said after so many bytes.
    fn hear<T: DeserializeOwned>(&self, heard: &mut usize, said: &mut Vec<T>) {
        let text = self.stdout.lock().unwrap();
        said.extend(all::<T>(&text[*heard..]));
        *heard = text.len();
    }

    /// How many lines there are so far.
    pub fn count(&self) -> usize {
        self.stdout.lock().unwrap().lines().count()
    }

    pub fn complaints(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }

    /// Waits until this holds of all lines so far, and gives those.
    pub fn until<T: DeserializeOwned>(&self, what: &str, holds: impl Fn(&[T]) -> bool) -> Vec<T> {
        let end = Instant::now() + LIMIT;
        let (mut heard, mut said) = (0, Vec::new());
        loop {
            self.hear(&mut heard, &mut said);
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

    /// Waits until so many more lines are there.
    pub fn more(&self, lines: usize) {
        let enough = self.count() + lines;
        self.until::<serde_json::Value>("more lines", |said| said.len() >= enough);
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
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
