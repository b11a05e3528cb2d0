//! A trace that goes on in a thread of its own, for samples.
//!
//! The trace buffers fill up within seconds on a busy host, so something has to read them between two samples.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::runstate::{Expected, Runstates, Traced};
use crate::snapshot::DomId;
use crate::xen::{Error, Mode, Trace};

/// The running trace of this process. Xen has only one, and whatever ends the process has to switch it off.
static RUNNING: Mutex<Option<Arc<Running>>> = Mutex::new(None);

/// Whether the process ends, so that no other trace begins.
static ENDS: AtomicBool = AtomicBool::new(false);

/// How long [`switch_off`] waits.
const SWITCHES_OFF: Duration = Duration::from_secs(2);

/// A thread that traces, for [`switch_off`].
struct Running {
    wake: UnixStream,
    shall_end: AtomicBool,
    has_ended: Mutex<bool>,
    ended: Condvar,
}

/// Ends the trace of this process, if there is one, and waits until Xen traces as before. For a signal that ends the
/// process, which drops nothing.
pub fn switch_off() {
    ENDS.store(true, Ordering::Relaxed);
    let running = RUNNING
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    let Some(running) = running else { return };
    running.shall_end.store(true, Ordering::Relaxed);
    let _ = (&running.wake).write(&[0]);
    let has_ended = running
        .has_ended
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    // The process ends in any case.
    let _ = running
        .ended
        .wait_timeout_while(has_ended, SWITCHES_OFF, |ended| !*ended);
}

/// Says that a thread has ended, also if it panics.
struct Ended(Arc<Running>);

impl Drop for Ended {
    fn drop(&mut self) {
        let Running {
            has_ended, ended, ..
        } = &*self.0;
        *has_ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        ended.notify_all();
    }
}

/// A running trace. When it is dropped, Xen traces as before.
pub struct Tracer {
    /// `None` only while it is dropped.
    requests: Option<Sender<Request>>,
    wake: UnixStream,
    thread: Option<JoinHandle<Result<(), Error>>>,
    mode: Mode,
}

/// What hypercalls know at a sample.
#[derive(Debug, Default)]
pub struct Known {
    /// The domains whose vCPUs are followed further, in ascending order. Those of all others are forgotten.
    pub stay: Vec<DomId>,
    /// vCPUs that are new, or may run elsewhere.
    pub vcpus: Vec<Expected>,
    /// The pCPUs that are online.
    pub online: Vec<u32>,
}

/// What a trace knows at a sample.
#[derive(Debug)]
pub struct Figures {
    /// The figures since the trace began; `None` if no vCPU has changed its state yet.
    pub traced: Option<Traced>,
    /// The pCPUs that are online and have no trace buffer. As long as there is one, everything is unknown.
    pub untraced: BTreeSet<u32>,
}

/// A request for the figures so far.
struct Request {
    known: Known,
    answer: Sender<Figures>,
}

impl Tracer {
    /// Begins to trace. See [`Trace::start`].
    ///
    /// # Errors
    /// As [`Trace::start`], and if there can be no more threads or files.
    pub fn start(allow_untested: bool) -> Result<Self, Error> {
        let (wake, woken) = UnixStream::pair().map_err(no_thread)?;
        woken.set_nonblocking(true).map_err(no_thread)?;
        let running = Arc::new(Running {
            wake: wake.try_clone().map_err(no_thread)?,
            shall_end: AtomicBool::new(false),
            has_ended: Mutex::new(false),
            ended: Condvar::new(),
        });
        let ended = Ended(Arc::clone(&running));
        let (requests, requested) = mpsc::channel();
        let (started, start) = mpsc::channel();
        let thread = thread::Builder::new().name("tracer".into());
        let run = move || {
            // Dropped last.
            let ended = ended;
            if ENDS.load(Ordering::Relaxed) {
                let _ = started.send(Err(no_thread(ErrorKind::Interrupted.into())));
                return Ok(());
            }
            let trace = match Trace::start(allow_untested) {
                Ok(trace) => trace,
                Err(error) => {
                    let _ = started.send(Err(error));
                    return Ok(());
                }
            };
            let _ = started.send(Ok(trace.mode()));
            follow(trace, &requested, woken, &ended.0.shall_end)
        };
        *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) = Some(running);
        let thread = thread.spawn(run).map_err(no_thread)?;
        let mut tracer = Self {
            requests: Some(requests),
            wake,
            thread: Some(thread),
            mode: Mode::Alone,
        };
        match start.recv() {
            Ok(mode) => {
                tracer.mode = mode?;
                Ok(tracer)
            }
            Err(_) => Err(tracer.ended()),
        }
    }

    /// Returns how this program traces.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Returns the figures, after the trace has learnt what hypercalls know.
    ///
    /// # Errors
    /// If the trace ended, and why.
    pub fn figures(&mut self, known: Known) -> Result<Figures, Error> {
        let (answer, answered) = mpsc::channel();
        if let Some(requests) = &self.requests {
            // If the thread has ended, so have the answers.
            let _ = requests.send(Request { known, answer });
            let _ = self.wake.write(&[0]);
        }
        answered.recv().map_err(|_| self.ended())
    }

    /// Waits for the end of the thread, and returns why it ended.
    fn ended(&mut self) -> Error {
        self.requests = None;
        let _ = self.wake.write(&[0]);
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(Err(error))) => error,
            _ => no_thread(ErrorKind::BrokenPipe.into()),
        }
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        let _ = self.ended();
    }
}

/// Reads the trace until nobody can ask for figures any more.
fn follow(
    mut trace: Trace,
    requested: &Receiver<Request>,
    mut woken: UnixStream,
    shall_end: &AtomicBool,
) -> Result<(), Error> {
    let mut states = Runstates::new(Vec::new());
    loop {
        states.add(trace.read()?);
        if trace.has_ended() {
            return Err(no_thread(ErrorKind::UnexpectedEof.into()));
        }
        if shall_end.load(Ordering::Relaxed) {
            return Ok(());
        }
        let Request { known, answer } = match requested.try_recv() {
            Ok(request) => request,
            Err(TryRecvError::Disconnected) => return Ok(()),
            Err(TryRecvError::Empty) => {
                trace
                    .wait(None, woken.as_fd())
                    .map_err(|error| no_thread(error.into()))?;
                // One request can be waiting, and a byte for each.
                let _ = woken.read(&mut [0]);
                continue;
            }
        };
        // The figures are those up to the reading before the last one.
        states.add(trace.read()?);
        states.forget(|domain| known.stay.binary_search(&domain).is_err());
        states.expect(known.vcpus);
        let untraced = trace.untraced(known.online);
        states.blind(untraced.clone());
        let traced = states.so_far();
        let _ = answer.send(Figures { traced, untraced });
    }
}

/// Returns the error of a thread that cannot be started, or has ended for no known reason.
fn no_thread(source: std::io::Error) -> Error {
    Error::Trace {
        what: "a thread that reads the trace",
        source,
        remedy: "run 'xenscope -vv waits' to see more",
    }
}
