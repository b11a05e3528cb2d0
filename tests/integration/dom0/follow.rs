//! Commands that keep running, and their output so far.

use std::io::{BufRead, BufReader, Read};
use std::ops::{Deref, DerefMut};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::de::DeserializeOwned;

use crate::record::all;

/// How long a line may take, under emulation and beside busy guests.
const LIMIT: Duration = Duration::from_secs(90);

/// A program that is ended when this is dropped.
pub struct Running(Option<Child>);

impl Running {
    pub fn start(command: &mut Command) -> Self {
        Self(Some(command.spawn().unwrap()))
    }

    /// Waits until it has ended; returns what it printed.
    pub fn output(mut self) -> Output {
        self.0.take().unwrap().wait_with_output().unwrap()
    }
}

impl Deref for Running {
    type Target = Child;

    fn deref(&self) -> &Child {
        self.0.as_ref().unwrap()
    }
}

impl DerefMut for Running {
    fn deref_mut(&mut self) -> &mut Child {
        self.0.as_mut().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(child) = &mut self.0 else {
            return;
        };
        // One that traces switches the trace off at a signal that it can handle.
        let end = Instant::now() + Duration::from_secs(10);
        if let Ok(None) = child.try_wait() {
            let _ = kill(Pid::from_raw(child.id() as i32), Signal::SIGTERM);
        }
        while matches!(child.try_wait(), Ok(None)) && Instant::now() < end {
            thread::sleep(Duration::from_millis(50));
        }
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// A program that writes lines of JSON; it is killed when this is dropped.
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
            stdout: collect_lines(child.stdout.take().unwrap()),
            stderr: collect_lines(child.stderr.take().unwrap()),
            child: Some(child),
        }
    }

    /// Reads the output of another program from now on.
    pub fn reading(from: impl Read + Send + 'static) -> Self {
        Self {
            child: None,
            stdout: collect_lines(from),
            stderr: Arc::default(),
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// Returns all complete lines so far as text.
    pub fn printed(&self) -> String {
        self.stdout.lock().unwrap().clone()
    }

    /// Returns the records of all complete lines so far.
    pub fn said<T: DeserializeOwned>(&self) -> Vec<T> {
        let mut said = Vec::new();
        self.read_new(&mut 0, &mut said);
        said
    }

    /// Adds the records after this many bytes.
    fn read_new<T: DeserializeOwned>(&self, read: &mut usize, said: &mut Vec<T>) {
        let text = self.stdout.lock().unwrap();
        said.extend(all::<T>(&text[*read..]));
        *read = text.len();
    }

    /// Returns the number of lines so far.
    pub fn count(&self) -> usize {
        self.stdout.lock().unwrap().lines().count()
    }

    pub fn complaints(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }

    /// Waits until this is true for all lines so far; returns them.
    pub fn until<T: DeserializeOwned>(&self, what: &str, holds: impl Fn(&[T]) -> bool) -> Vec<T> {
        let end = Instant::now() + LIMIT;
        let (mut read, mut said) = (0, Vec::new());
        loop {
            self.read_new(&mut read, &mut said);
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

    /// Waits until this was printed.
    pub fn until_printed(&self, text: &str) {
        let end = Instant::now() + LIMIT;
        while !self.printed().contains(text) {
            assert!(
                Instant::now() < end,
                "never {text}:\n{}\n{}",
                self.printed(),
                self.complaints()
            );
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until the program has ended.
    pub fn ended(&mut self) -> ExitStatus {
        let end = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.child.as_mut().unwrap().try_wait().unwrap() {
                return status;
            }
            assert!(
                Instant::now() < end,
                "it does not end: {}",
                self.complaints()
            );
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits for this many more lines.
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

/// Collects the complete lines of a stream.
fn collect_lines(from: impl Read + Send + 'static) -> Arc<Mutex<String>> {
    let lines = Arc::new(Mutex::new(String::new()));
    let writer = Arc::clone(&lines);
    thread::spawn(move || {
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        while matches!(from.read_until(b'\n', &mut line), Ok(1..)) {
            writer
                .lock()
                .unwrap()
                .push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    });
    lines
}
