//! Writes events in a separate thread. A slow reader delays no sample, and the queue's size is
//! limited.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Write};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use xenscope::events::{Change, Event};
use xenscope::feed::Watches;

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
    /// The number of events dropped after the queued ones.
    dropped: u64,
    /// The time of the last of them.
    last_dropped: Timestamp,
    /// Whether the thread is writing events.
    writing: bool,
    /// Whether the thread has ended.
    ended: bool,
    /// Why the thread ended, if no one has been told yet.
    error: Option<io::Error>,
}

impl Queue {
    /// Queues an event as the text that `line` returns. Counts it as dropped if the queue is full,
    /// and until the thread has taken what is queued.
    fn put(&mut self, event: &Event, line: fn(&Event) -> String) {
        let new = line(event);
        if self.dropped == 0 && self.bytes + new.len() <= MAX_QUEUED_BYTES {
            self.bytes += new.len();
            self.lines.push_back(new);
        } else {
            self.dropped += 1;
            self.last_dropped = event.time;
        }
    }

    fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.dropped == 0
    }

    /// Empties the queue, and returns its text to write.
    fn take(&mut self, line: fn(&Event) -> String) -> String {
        self.bytes = 0;
        self.writing = true;
        let count = mem::take(&mut self.dropped);
        let dropped = (count > 0).then(|| {
            line(&Event {
                time: self.last_dropped,
                domain: None,
                name: None,
                change: Change::Dropped { count },
            })
        });
        self.lines.drain(..).chain(dropped).collect()
    }
}

impl EventWriter {
    /// Starts the thread, which writes to `to`; `line` formats an event. If it cannot write, it ends
    /// the wait for a change.
    pub(super) fn open(
        mut to: impl Write + Send + 'static,
        line: fn(&Event) -> String,
        watches: Option<Watches>,
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
                    let waiting = changed.wait_while(lock(queue), |queue| queue.is_empty());
                    let text = waiting.unwrap_or_else(PoisonError::into_inner).take(line);
                    let written = to.write_all(text.as_bytes()).and_then(|()| to.flush());
                    let ended = written.is_err();
                    let mut queue = lock(queue);
                    queue.writing = false;
                    (queue.ended, queue.error) = (ended, written.err());
                    drop(queue);
                    changed.notify_one();
                    if ended {
                        watches.iter().for_each(Watches::wake);
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

    /// Waits until all events are written, until writing fails, or until this time has passed.
    pub(super) fn flush(&self, limit: Duration) {
        let (queue, changed) = &*self.shared;
        let waiting = changed.wait_timeout_while(lock(queue), limit, |queue| {
            (queue.writing || !queue.is_empty()) && !queue.ended
        });
        drop(waiting);
    }

    /// Returns whether the reader has closed the output.
    ///
    /// # Errors
    /// If the events could not be written for another reason; this is returned once.
    pub(super) fn has_ended(&self) -> io::Result<bool> {
        let mut queue = lock(&self.shared.0);
        match queue.error.take() {
            Some(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
            _ => Ok(queue.ended),
        }
    }
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Read;

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
    fn dropped_events_are_counted_after_the_queued_ones() {
        let mut queue = Queue::default();
        let long = "x".repeat(MAX_QUEUED_BYTES / 4);
        for name in ["a", &long, &long, &long, &long, "b", &long, "c"] {
            queue.put(&event(name), line);
        }
        let text = queue.take(line);
        assert!(text.len() <= MAX_QUEUED_BYTES);
        let lines: Vec<&str> = text
            .lines()
            .map(|line| &line[..line.len().min(9)])
            .collect();
        let x = "xxxxxxxxx";
        assert_eq!(lines, ["a", x, x, x, "dropped 4"]);
        assert!(queue.is_empty());
        queue.put(&event("d"), line);
        assert_eq!(queue.take(line), "d\n");
    }

    #[test]
    fn a_count_is_written_without_another_event() {
        let (mut reader, writer) = io::pipe().unwrap();
        let events = EventWriter::open(writer, line, None).unwrap();
        // The thread takes the first, and fills the pipe; the next ones fill the queue.
        let long = "x".repeat(MAX_QUEUED_BYTES - 1);
        events.put(&event(&long));
        while !lock(&events.shared.0).writing {
            thread::yield_now();
        }
        for name in [&*long, "b", "c"] {
            events.put(&event(name));
        }
        let mut text = String::new();
        let mut part = vec![0; 1 << 16];
        while !text.ends_with("dropped 2\n") {
            let read = reader.read(&mut part).unwrap();
            text.push_str(std::str::from_utf8(&part[..read]).unwrap());
        }
        assert_eq!(text.lines().count(), 3);
    }
}
