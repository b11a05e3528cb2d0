//! Child processes that do not outlive the lab.

use std::ffi::OsStr;
use std::process::{Command, Output};

use anyhow::{Context, Result, bail};

/// Returns a command that the kernel kills when the thread that started it ends. All threads end
/// with the lab, whatever ends it.
///
/// util-linux's `setpriv` sets that up, because Rust needs unsafe code between fork and exec for
/// it.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

/// Runs a command until it ends and returns its output; if it fails, the error has its last line.
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
            .unwrap_or("no message");
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
            // It is tied once setpriv has started the program.
            let name = format!("/proc/{}/comm", child.id());
            while fs::read_to_string(&name)?.trim() != "sleep" {
                thread::sleep(Duration::from_millis(5));
            }
            anyhow::Ok(child)
        });
        let Ok(child) = started.join() else {
            bail!("the thread panicked");
        };
        assert_eq!(child?.wait()?.signal(), Some(9));
        Ok(())
    }
}
