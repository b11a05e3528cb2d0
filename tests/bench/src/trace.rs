//! Counts the system calls of a sample in the output of strace.

use anyhow::{Context, Result};
use lab::bench::figures::Calls;

use crate::statistics::median;

/// The calls of one sample.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    system_calls: u32,
    hypercalls: u32,
    store_messages: u32,
    /// Whether the last call wrote to XenStore: a request is written in pieces.
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

/// Counts the calls from the start of each block to the start of the next, in the output of `strace
/// -f -yy`.
///
/// # Errors If there are fewer than two blocks.
pub(crate) fn calls(trace: &str) -> Result<Calls> {
    let mut samples: Vec<Counts> = Vec::new();
    let mut sample: Option<Counts> = None;
    for call in trace.lines().filter_map(call) {
        if let Some(counts) = &mut sample {
            counts.count(call);
        }
        if begins_block(call) {
            samples.extend(sample.replace(Counts::default()));
        }
    }
    let median = |figure: fn(&Counts) -> u32| {
        median(samples.iter().map(|counts| figure(counts).into()))
            .context("no complete sample in the output of strace")
    };
    Ok(Calls {
        samples: samples.len(),
        system_calls: median(|counts| counts.system_calls)?,
        hypercalls: median(|counts| counts.hypercalls)?,
        store_messages: median(|counts| counts.store_messages)?,
    })
}

/// Returns the call that starts on a line, without the thread's ID; `None` if the line shows a
/// call's end, a signal or a thread's end.
fn call(line: &str) -> Option<&str> {
    let call = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
    (!call.starts_with(['<', '-', '+'])).then_some(call)
}

/// Returns whether it writes a heading to standard output, where a block begins.
fn begins_block(call: &str) -> bool {
    let heading = |(_, text): (&str, &str)| text.trim_start().starts_with("NAME ");
    call.starts_with("write(1<") && call.split_once('"').is_some_and(heading)
}

/// Returns whether it is `IOCTL_PRIVCMD_HYPERCALL` (Linux, include/uapi/xen/privcmd.h), which
/// strace shows as a number.
fn is_hypercall(call: &str) -> bool {
    call.starts_with("ioctl(") && call.contains("_IOC(_IOC_NONE, 0x50, 0, 0x30)")
}

/// Returns whether it uses the connection to XenStore: neither program has another UNIX socket.
fn is_store(call: &str) -> bool {
    call.split_once(',').is_some_and(|(first, _)| {
        first.contains("<UNIX-STREAM:") || first.contains("</dev/xen/xenbus")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_between_two_headings_are_counted() -> Result<()> {
        let trace = "\
12 restart_syscall(<... resuming interrupted clock_nanosleep ...>) = 0
12 write(1</run/blocks>, \"      NAME  STATE   CPU(sec) CPU\"..., 4096) = 4096
12 write(1</run/blocks>, \"--          0    0.0          0  \"..., 810) = 810
12 clock_nanosleep(CLOCK_REALTIME, 0, {tv_sec=1, tv_nsec=0}, 0x7ffc) = 0
12 ioctl(3</dev/xen/privcmd<char 10:119>>, _IOC(_IOC_NONE, 0x50, 0, 0x30), 0x7ffd) = 0
12 ioctl(4</dev/xen/hypercall<char 10:118>>, _IOC(_IOC_NONE, 0x50, 0, 0xff), 0x7ffd) = 0
12 write(5<UNIX-STREAM:[100]>, \"\\2\\0\", 16) = 16
12 write(5<UNIX-STREAM:[100]>, \"/local\", 20) = 20
13 futex(0x7ff, FUTEX_WAIT_PRIVATE, 2, NULL <unfinished ...>
12 read(5<UNIX-STREAM:[100]>, \"\\2\\0\", 16) = 16
13 <... futex resumed>) = 0
12 --- SIGALRM {si_signo=SIGALRM} ---
12 write(5<UNIX-STREAM:[100]>, \"\\2\\0\", 16) = 16
12 write(1</run/blocks>, \"      NAME  STATE   CPU(sec) CPU\"..., 4906) = 4906
12 exit_group(0) = ?
12 +++ exited with 0 +++
";
        assert_eq!(
            calls(trace)?,
            Calls {
                samples: 1,
                system_calls: 10.0,
                hypercalls: 1.0,
                store_messages: 2.0,
            }
        );
        Ok(())
    }

    #[test]
    fn one_block_is_no_sample() {
        let heading = "12 write(1</run/blocks>, \"      NAME  STATE\"..., 4906) = 4906\n";
        assert!(calls(heading).is_err());
    }
}
