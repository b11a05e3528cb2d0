//! The machine's serial console: Xen's and dom0's messages, in a file that is watched for a crash.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// What Xen or dom0's kernel prints when it crashes.
const FATAL: [&str; 5] = [
    "Panic on CPU",
    "FATAL TRAP",
    "FATAL PAGE FAULT",
    "Xen BUG at",
    "Kernel panic - not syncing",
];

/// How many lines of the log to print with an error.
const LAST_LINES: usize = 25;

/// Watches the log of a machine until it shows a crash, then reports that line once.
pub fn watch(log: PathBuf, report: impl FnOnce(String) + Send + 'static) {
    thread::spawn(move || {
        let mut rest = Vec::new();
        let Ok(mut file) = File::open(&log) else {
            return;
        };
        while file.read_to_end(&mut rest).is_ok() {
            // The last line may be incomplete: it is read again in the next round.
            let complete = rest
                .iter()
                .rposition(|&byte| byte == b'\n')
                .map_or(0, |end| end + 1);
            let lines: Vec<u8> = rest.drain(..complete).collect();
            if let Some(line) = fatal(&String::from_utf8_lossy(&lines)) {
                report(line);
                return;
            }
            thread::sleep(Duration::from_millis(200));
        }
    });
}

fn fatal(text: &str) -> Option<String> {
    text.lines()
        .find(|line| FATAL.iter().any(|fatal| line.contains(fatal)))
        .map(|line| line.trim().to_owned())
}

/// Returns the log's path and last lines for an error.
pub fn excerpt(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().collect();
    let last = lines[lines.len().saturating_sub(LAST_LINES)..].join("\n  ");
    format!("the serial log, {}, ends so:\n  {last}", log.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_is_found_in_the_log() {
        let text =
            "(XEN) Dom0 has maximum 1 VCPUs\r\n(XEN) Panic on CPU 0:\r\n(XEN) FATAL TRAP\r\n";
        assert_eq!(fatal(text).as_deref(), Some("(XEN) Panic on CPU 0:"));
        assert_eq!(fatal("(XEN) Latest ChangeSet: \r\n"), None);
    }
}
