//! Runs the lab's commands, one after the other, and carries their input and output.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use lab::protocol::{self, Exec, FromDom0, Size, ToDom0};
use portable_pty::{CommandBuilder, MasterPty, PtySize, native_pty_system};

/// How long to wait for the rest of a command's output after it has ended: a daemon that it started
/// may never close its output.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// The channel, written by several threads.
#[derive(Clone)]
struct Lab(Arc<Mutex<File>>);

impl Lab {
    fn tell(&self, message: &FromDom0) -> Result<()> {
        let mut channel = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        protocol::send(&mut *channel, message).context("cannot write to the channel")
    }
}

/// The lab's side of a command: what its messages act on.
#[derive(Default)]
struct Running {
    stdin: Option<Box<dyn Write + Send>>,
    terminal: Option<Box<dyn MasterPty + Send>>,
}

/// Reports how the boot went, then serves until the lab closes the channel.
pub(crate) fn run(mut channel: File, booted: Result<()>) -> Result<()> {
    let writer = channel.try_clone().context("cannot share the channel")?;
    let lab = Lab(Arc::new(Mutex::new(writer)));
    lab.tell(&match booted {
        Ok(()) => FromDom0::Ready,
        Err(error) => FromDom0::Failed(format!("{error:#}")),
    })?;
    let mut running = Running::default();
    while let Some(message) = protocol::receive(&mut channel).context("cannot read the channel")? {
        match message {
            ToDom0::Exec(exec) => {
                running = start(&lab, &exec).or_else(|error| {
                    // As a shell does for a command that it cannot start.
                    lab.tell(&FromDom0::Stderr(format!("lab: {error:#}\n").into_bytes()))?;
                    lab.tell(&FromDom0::Exit(127))?;
                    anyhow::Ok(Running::default())
                })?;
            }
            ToDom0::Stdin(bytes) => {
                // It is not an error if a command no longer reads.
                if let Some(stdin) = &mut running.stdin
                    && stdin
                        .write_all(&bytes)
                        .and_then(|()| stdin.flush())
                        .is_err()
                {
                    running.stdin = None;
                }
            }
            ToDom0::StdinEnd => running.stdin = None,
            ToDom0::Resize(size) => {
                if let Some(terminal) = &running.terminal {
                    terminal
                        .resize(pty_size(size))
                        .context("cannot resize the terminal")?;
                }
            }
        }
    }
    Ok(())
}

fn start(lab: &Lab, exec: &Exec) -> Result<Running> {
    match exec.terminal {
        Some(size) => start_on_terminal(lab, exec, size),
        None => start_on_pipes(lab, exec),
    }
}

fn start_on_pipes(lab: &Lab, exec: &Exec) -> Result<Running> {
    let mut child = Command::new(&exec.argv[0])
        .args(&exec.argv[1..])
        .env_clear()
        .envs(exec.env.iter().cloned())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {}", exec.argv[0]))?;
    let (done, ends) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        carry(lab, stdout, FromDom0::Stdout, done.clone());
    }
    if let Some(stderr) = child.stderr.take() {
        carry(lab, stderr, FromDom0::Stderr, done);
    }
    let running = Running {
        stdin: child.stdin.take().map(|stdin| Box::new(stdin) as _),
        terminal: None,
    };
    report_exit(lab, ends, move || child.wait().map_or(1, exit_code));
    Ok(running)
}

fn start_on_terminal(lab: &Lab, exec: &Exec, size: Size) -> Result<Running> {
    let pair = native_pty_system()
        .openpty(pty_size(size))
        .context("cannot open a terminal")?;
    let mut command = CommandBuilder::from_argv(exec.argv.iter().map(Into::into).collect());
    command.env_clear();
    for (name, value) in &exec.env {
        command.env(name, value);
    }
    let mut child = pair
        .slave
        .spawn_command(command)
        .with_context(|| format!("cannot run {}", exec.argv[0]))?;
    // Our copy would keep the terminal open after the command has ended.
    drop(pair.slave);
    let reader = pair
        .master
        .try_clone_reader()
        .context("cannot read the terminal")?;
    let stdin = pair
        .master
        .take_writer()
        .context("cannot write to the terminal")?;
    let (done, ends) = mpsc::channel();
    carry(lab, reader, FromDom0::Stdout, done);
    report_exit(lab, ends, move || {
        child
            .wait()
            .map_or(1, |status| i32::try_from(status.exit_code()).unwrap_or(1))
    });
    Ok(Running {
        stdin: Some(stdin),
        terminal: Some(pair.master),
    })
}

/// Carries output to the lab until it ends.
fn carry(
    lab: &Lab,
    mut from: impl Read + Send + 'static,
    message: fn(Vec<u8>) -> FromDom0,
    done: Sender<()>,
) {
    let lab = lab.clone();
    thread::spawn(move || {
        let mut buffer = vec![0; protocol::CHUNK];
        // Reading a terminal whose other side has closed is an error: treat it as the end.
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            if lab.tell(&message(buffer[..count].to_vec())).is_err() {
                break;
            }
        }
        drop(done);
    });
}

/// Reports how a command ended, after all of its output.
fn report_exit(lab: &Lab, ends: Receiver<()>, wait: impl FnOnce() -> i32 + Send + 'static) {
    let lab = lab.clone();
    thread::spawn(move || {
        let code = wait();
        // Nothing is ever sent: this returns when all senders are dropped, or at the timeout.
        let _ = ends.recv_timeout(LAST_WORDS);
        if let Err(error) = lab.tell(&FromDom0::Exit(code)) {
            eprintln!("lab-dom0: {error:#}");
        }
    });
}

fn exit_code(status: ExitStatus) -> i32 {
    status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

fn pty_size(size: Size) -> PtySize {
    PtySize {
        rows: size.rows,
        cols: size.cols,
        pixel_width: 0,
        pixel_height: 0,
    }
}
