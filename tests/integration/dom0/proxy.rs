//! A proxy between xenscope and XenStore's daemon, which delays, loses or replaces answers.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use nix::sys::socket::{Backlog, listen};

/// What a [`Proxy`] answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// The daemon's answers.
    Passed,
    /// The daemon's answers, each 160 ms after the one before.
    Slow,
    /// Nothing.
    None,
    /// Something that is not XenStore's.
    Garbage,
    /// The daemon's answers to one client; other clients find the backlog full.
    One,
}

/// The delay of [`Answers::Slow`].
const DELAY: Duration = Duration::from_millis(160);

/// No message of XenStore's: its length would be 4 GiB.
const GARBAGE: &[u8] = b"HTTP/1.1 400 \xff\xff\xff\xffBad Request";

/// The length of a message's header. Its last four bytes are the length of what follows.
const HEADER: usize = 16;

/// Listens until it is dropped.
pub struct Proxy {
    path: PathBuf,
    answers: Arc<Mutex<Answers>>,
    lines: Arc<Mutex<Vec<UnixStream>>>,
    listening: Arc<AtomicBool>,
}

impl Proxy {
    pub fn listen(path: &str, answers: Answers) -> Self {
        let path = PathBuf::from(path);
        let _ = std::fs::remove_file(&path);
        let listener = UnixListener::bind(&path).unwrap();
        let proxy = Self {
            path,
            answers: Arc::new(Mutex::new(answers)),
            lines: Arc::default(),
            listening: Arc::new(AtomicBool::new(true)),
        };
        if answers == Answers::One {
            listen(&listener, Backlog::new(0).unwrap()).unwrap();
        }
        let (lines, listening) = (Arc::clone(&proxy.lines), Arc::clone(&proxy.listening));
        let (now, path) = (Arc::clone(&proxy.answers), proxy.path.clone());
        thread::spawn(move || {
            for line in listener.incoming() {
                if !listening.load(Ordering::SeqCst) {
                    return;
                }
                let mut line = line.unwrap();
                // Fills the backlog before the client has an answer.
                let last = (answers == Answers::One).then(|| UnixStream::connect(&path).unwrap());
                if answers == Answers::Garbage {
                    let _ = line.write_all(GARBAGE);
                } else {
                    let daemon = UnixStream::connect("/run/xenstored/socket").unwrap();
                    copy(&line, &daemon);
                    answer(&daemon, &line, Arc::clone(&now));
                }
                lines.lock().unwrap().push(line);
                if last.is_some() {
                    thread::park();
                }
            }
        });
        proxy
    }

    /// Answers in another way from now on.
    pub fn set(&self, answers: Answers) {
        *self.answers.lock().unwrap() = answers;
    }

    /// Sends something to every client.
    pub fn say(&self, words: &[u8]) {
        for line in &mut *self.lines.lock().unwrap() {
            let _ = line.write_all(words);
        }
    }
}

impl Drop for Proxy {
    /// Ends like a daemon that is killed: its socket's file stays.
    fn drop(&mut self) {
        self.listening.store(false, Ordering::SeqCst);
        // Its backlog stays full.
        if *self.answers.lock().unwrap() != Answers::One {
            let _ = UnixStream::connect(&self.path);
        }
        for line in &*self.lines.lock().unwrap() {
            let _ = line.shutdown(Shutdown::Both);
        }
    }
}

/// Copies from one to the other until either closes.
fn copy(from: &UnixStream, to: &UnixStream) {
    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
    thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
}

/// Passes the daemon's messages on, as [`Answers`] says.
fn answer(daemon: &UnixStream, client: &UnixStream, answers: Arc<Mutex<Answers>>) {
    let (mut daemon, mut client) = (daemon.try_clone().unwrap(), client.try_clone().unwrap());
    thread::spawn(move || {
        while let Ok(message) = message(&mut daemon) {
            let now = *answers.lock().unwrap();
            if now == Answers::Slow {
                thread::sleep(DELAY);
            }
            if now != Answers::None && client.write_all(&message).is_err() {
                break;
            }
        }
        let _ = client.shutdown(Shutdown::Both);
    });
}

/// Reads one message.
fn message(from: &mut UnixStream) -> std::io::Result<Vec<u8>> {
    let mut message = vec![0; HEADER];
    from.read_exact(&mut message)?;
    let length = u32::from_ne_bytes(message[HEADER - 4..].try_into().unwrap());
    message.resize(HEADER + length as usize, 0);
    from.read_exact(&mut message[HEADER..])?;
    Ok(message)
}
