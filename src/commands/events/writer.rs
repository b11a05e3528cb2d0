//! Writes events in a separate thread. A slow reader delays no sample, and the queue's size is
//! limited.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use xenscope::events::{Change, Event};

/// The maximum size of the queue in bytes, without the events that are being written.
const MAX_QUEUED_BYTES: usize = 1 << 20;

/// Writes events to the output.
pub(super) struct EventWriter {
    shared: Arc<(Mutex<Queue>, Condvar)>,
    line: fn(&Event) -> String,
}

#[derive(Default)]
struct Queue {
    lines: VecDeque<String>,
    bytes: usize,
    /// The number of events dropped since the last one that was queued.
    dropped: u64,
    /// Whether the thread is writing events.
    writing: bool,
    /// Why the thread ended, if it has.
    ended: Option<io::Error>,
}

impl Queue {
    /// Queues an event as the text that `line` returns; counts it as dropped if the queue is full.
    fn put(&mut self, event: &Event, line: fn(&Event) -> String) {
        let mut new = vec![line(event)];
        if self.dropped > 0 {
            let note = Event {
                domain: None,
                name: None,
                change: Change::Dropped {
                    count: self.dropped,
                },
                ..*event
            };
            new.insert(0, line(&note));
        }
        let bytes: usize = new.iter().map(String::len).sum();
        if self.bytes + bytes > MAX_QUEUED_BYTES {
            self.dropped += 1;
            return;
        }
        self.dropped = 0;
        self.bytes += bytes;
        self.lines.extend(new);
    }

    /// Empties the queue, and returns its text to write.
    fn take(&mut self) -> String {
        self.bytes = 0;
        self.writing = true;
        self.lines.drain(..).collect()
    }
}

impl EventWriter {
    /// Starts the thread, which writes to `to`; `line` formats an event.
    pub(super) fn open(
        mut to: impl Write + Send + 'static,
        line: fn(&Event) -> String,
    ) -> io::Result<Self> {
        let shared = Arc::new((Mutex::<Queue>::default(), Condvar::new()));
        let writer = Self {
            shared: Arc::clone(&shared),
            line,
        };
        thread::Builder::new()
            .name("events".into())
            .spawn(move || {
                let (queue, changed) = &*shared;
                loop {
                    let waiting = changed.wait_while(lock(queue), |queue| queue.lines.is_empty());
                    let text = waiting.unwrap_or_else(PoisonError::into_inner).take();
                    let written = to.write_all(text.as_bytes()).and_then(|()| to.flush());
                    let ended = written.is_err();
                    let mut queue = lock(queue);
                    queue.writing = false;
                    queue.ended = written.err();
                    drop(queue);
                    changed.notify_one();
                    if ended {
                        return;
                    }
                }
            })?;
        Ok(writer)
    }

    /// Queues an event; counts it as dropped if the queue is full.
    pub(super) fn put(&self, event: &Event) {
        lock(&self.shared.0).put(event, self.line);
        self.shared.1.notify_one();
    }

    /// Waits until all events are written, or writing fails.
    pub(super) fn flush(&self) {
        let (queue, changed) = &*self.shared;
        let waiting = changed.wait_while(lock(queue), |queue| {
            (queue.writing || !queue.lines.is_empty()) && queue.ended.is_none()
        });
        drop(waiting);
    }

    /// Returns whether the reader has closed the output.
    ///
    /// # Errors
    /// If the events could not be written for another reason.
    pub(super) fn has_ended(&self) -> io::Result<bool> {
        match lock(&self.shared.0).ended.take() {
            Some(error) if error.kind() == ErrorKind::BrokenPipe => Ok(true),
            Some(error) => Err(error),
            None => Ok(is_closed()),
        }
    }
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns whether stdout is a pipe, a socket or a terminal without a reader.
fn is_closed() -> bool {
    let stdout = io::stdout();
    let mut fds = [PollFd::new(stdout.as_fd(), PollFlags::empty())];
    let gone = PollFlags::POLLERR | PollFlags::POLLHUP;
    poll(&mut fds, PollTimeout::ZERO).is_ok()
        && fds[0]
            .revents()
            .is_some_and(|events| events.intersects(gone))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str) -> Event {
        Event {
            time: jiff::Timestamp::UNIX_EPOCH,
            domain: None,
            name: Some(name.into()),
            change: Change::Created,
        }
    }

    fn line(event: &Event) -> String {
        match event.change {
            Change::Dropped { count } => format!("dropped {count}\n"),
            _ => format!("{}\n", event.name.as_deref().unwrap_or_default()),
        }
    }

    #[test]
    fn dropped_events_are_counted_in_order() {
        let mut queue = Queue::default();
        let long = "x".repeat(MAX_QUEUED_BYTES / 4);
        for name in ["a", &long, &long, &long, &long, "b", &long, "c"] {
            queue.put(&event(name), line);
        }
        let text = queue.take();
        assert!(text.len() <= MAX_QUEUED_BYTES);
        let lines: Vec<&str> = text
            .lines()
            .map(|line| &line[..line.len().min(9)])
            .collect();
        let x = "xxxxxxxxx";
        assert_eq!(lines, ["a", x, x, x, "dropped 1", "b", "dropped 1", "c"]);
        queue.put(&event("d"), line);
        assert_eq!(queue.take(), "d\n");
    }
}
