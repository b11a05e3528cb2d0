//! System calls of a sample, counted in what strace has written.

use anyhow::{Context, Result};
use lab::bench::figures::Calls;

use crate::statistics::median;

/// How strace (`-f -yy`) shows a sleep, which is what lies between two samples.
const SLEEP: &str = "clock_nanosleep(";

/// What one sample did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    system_calls: u32,
    hypercalls: u32,
    store_messages: u32,
    /// Whether XenStore was written to last: a request is written in pieces.
    writing: bool,
}

impl Counts {
    fn count(&mut self, call: &str) {
        self.system_calls += 1;
        if is_hypercall(call) {
            self.hypercalls += 1;
        } else if is_store(call) {
            let writes = ["write(", "writev(", "send"]
                .iter()
                .any(|name| call.starts_with(name));
            if writes && !self.writing {
                self.store_messages += 1;
            }
            self.writing = writes;
        }
    }
}

/// Counts what happened from each sleep to the next, up to and with that.
///
/// # Errors
/// When there are no two sleeps.
pub(crate) fn calls(trace: &str) -> Result<Calls> {
    let mut samples: Vec<Counts> = Vec::new();
    let mut sample: Option<Counts> = None;
    for call in trace.lines().filter_map(call) {
        if let Some(counts) = &mut sample {
            counts.count(call);
        }
        if call.starts_with(SLEEP) {
            samples.extend(sample.replace(Counts::default()));
        }
    }
    let median = |figure: fn(&Counts) -> u32| {
        median(samples.iter().map(|counts| figure(counts).into()))
            .context("strace has seen no whole sample")
    };
    Ok(Calls {
        samples: samples.len(),
        system_calls: median(|counts| counts.system_calls)?,
        hypercalls: median(|counts| counts.hypercalls)?,
        store_messages: median(|counts| counts.store_messages)?,
    })
}

/// The call that a line shows the beginning of, without the thread's id; `None` when it shows a
/// call's end, a signal or a thread's end.
fn call(line: &str) -> Option<&str> {
    let call = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
    (!call.starts_with(['<', '-', '+'])).then_some(call)
}

/// Whether it is `IOCTL_PRIVCMD_HYPERCALL` (linux, include/uapi/xen/privcmd.h), for which strace
/// has no name.
fn is_hypercall(call: &str) -> bool {
    call.starts_with("ioctl(") && call.contains("_IOC(_IOC_NONE, 0x50, 0, 0x30)")
}

/// Whether it is about XenStore's connection: neither program has another socket.
fn is_store(call: &str) -> bool {
    call.split_once(',').is_some_and(|(first, _)| {
        first.contains("<UNIX-STREAM:") || first.contains("</dev/xen/xenbus")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_between_two_sleeps_is_counted() -> Result<()> {
        let trace = "\
12 openat(AT_FDCWD, \"/etc/ld.so.cache\", O_RDONLY|O_CLOEXEC) = 3</etc/ld.so.cache>
12 clock_nanosleep(CLOCK_REALTIME, 0, {tv_sec=1, tv_nsec=0}, 0x7ffc) = 0
12 ioctl(3</dev/xen/privcmd>, _IOC(_IOC_NONE, 0x50, 0, 0x30), 0x7ffd) = 0
12 ioctl(4</dev/xen/hypercall>, _IOC(_IOC_NONE, 0x50, 0, 0xff), 0x7ffd) = 0
12 write(5<UNIX-STREAM:[100->101]>, \"\\2\\0\", 16) = 16
12 write(5<UNIX-STREAM:[100->101]>, \"/local\", 20) = 20
13 futex(0x7ff, FUTEX_WAIT_PRIVATE, 2, NULL <unfinished ...>
12 read(5<UNIX-STREAM:[100->101]>, \"\\2\\0\", 16) = 16
13 <... futex resumed>) = 0
12 --- SIGALRM {si_signo=SIGALRM} ---
12 write(5<UNIX-STREAM:[100->101]>, \"\\2\\0\", 16) = 16
12 write(1</run/blocks>, \"      NAME\", 10) = 10
12 clock_nanosleep(CLOCK_REALTIME, 0, {tv_sec=1, tv_nsec=0}, 0x7ffc) = 0
12 exit_group(0) = ?
12 +++ exited with 0 +++
";
        assert_eq!(
            calls(trace)?,
            Calls {
                samples: 1,
                system_calls: 9.0,
                hypercalls: 1.0,
                store_messages: 2.0,
            }
        );
        Ok(())
    }

    #[test]
    fn a_program_that_never_sleeps_twice_has_no_sample() {
        assert!(calls("12 clock_nanosleep(CLOCK_REALTIME) = 0\n").is_err());
    }
}
