//! A process that reads the file of `--web.config.file` again when it changes, or one that it names.
//!
//! The server opens no files once it runs. So another process of the same user reads them, which is not on the network.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::confine;
use super::files::Files;
use super::server::{ServerError, system};

/// How often the files are read.
const INTERVAL: Duration = Duration::from_secs(10);

/// Sends the files to the server when they have changed, until the server ends. Files that cannot be read are reported
/// once.
///
/// # Errors
/// If the process cannot give up what it does not need.
pub fn follow_files(path: &Path, mut server: UnixStream) -> Result<(), ServerError> {
    if confine::is_privileged().map_err(system("read /proc/self/status"))? {
        return Err(ServerError::Privileged);
    }
    confine::give_up_all_but_reading().map_err(system("give up the network"))?;
    let timeout = server.set_read_timeout(Some(INTERVAL));
    timeout.map_err(system("wait for the server"))?;
    let mut newest = None;
    let mut problem = None;
    loop {
        match Files::read(path) {
            Ok(files) if newest.as_ref() != Some(&files) => {
                if server.write_all(&files.message()).is_err() {
                    return Ok(());
                }
                (newest, problem) = (Some(files), None);
            }
            Ok(_) => problem = None,
            Err(error) => {
                let error = error.to_string();
                if problem.as_ref() != Some(&error) {
                    tracing::warn!("{error}: the settings from before stay");
                }
                problem = Some(error);
            }
        }
        if has_ended(&mut server) {
            return Ok(());
        }
    }
}

/// Waits for the next time to read; returns whether the server has ended. It says nothing.
fn has_ended(server: &mut UnixStream) -> bool {
    match server.read_exact(&mut [0]) {
        Err(error) => error.kind() != ErrorKind::WouldBlock,
        Ok(()) => true,
    }
}
