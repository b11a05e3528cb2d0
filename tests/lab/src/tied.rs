//! Child processes that do not outlive the lab.

use std::ffi::OsStr;
use std::process::{Command, Output};

use anyhow::{Context, Result, bail};

/// A command that the kernel kills when the thread that started it is gone, as all are when the lab has ended, however
/// it ended.
///
/// util-linux's `setpriv` sets that up, since doing it from Rust takes unsafe code between fork and exec.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

/// Runs a command to its end and returns what it printed; if it fails, the error has its last words.
pub fn capture(command: &mut Command, what: &str) -> Result<Vec<u8>> {
    let Output {
        status,
        stdout,
        stderr,
    } = command
        .output()
        .with_context(|| format!("cannot start {what}"))?;
    if !status.success() {
        let stderr = String::from_utf8_lossy(&stderr);
        let last = stderr
            .lines()
            .rfind(|line| !line.trim().is_empty())
            .unwrap_or("it said nothing");
        bail!("{what} failed: {}", last.trim());
    }
    Ok(stdout)
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::time::Duration;
    use std::{fs, thread};

    use super::*;

    #[test]
    fn a_tied_process_ends_with_its_thread() -> Result<()> {
        let started = thread::spawn(|| {
            let child = command("sleep").arg("1000").spawn()?;
            // It is tied once it is what it is to be.
            let name = format!("/proc/{}/comm", child.id());
            while fs::read_to_string(&name)?.trim() != "sleep" {
                thread::sleep(Duration::from_millis(5));
            }
            anyhow::Ok(child)
        });
        let Ok(child) = started.join() else {
            bail!("it panicked");
        };
        assert_eq!(child?.wait()?.signal(), Some(9));
        Ok(())
    }
}
