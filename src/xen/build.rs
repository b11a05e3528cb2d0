//! The hypervisor's version, build and command line.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::{NonNull, null_mut};

use super::binding::*;
use super::error::Error;
use super::hypervisor::Hypervisor;
use crate::snapshot::Build;

/// Longest build ID that is read, in bytes. Build IDs are SHA-1 sums of 20 bytes.
const LONGEST_ID: usize = 64;

impl Hypervisor {
    /// Reads the hypervisor's version with its extra part, such as `4.17.5`.
    pub(super) fn read_version(&self) -> Result<String, Error> {
        // SAFETY: this command takes no argument.
        let packed = unsafe { self.query(XENVER_version, null_mut()) }?;
        let extra = match self.whole(c"xc_xenver_extraversion") {
            Some(extra) => extra,
            None => {
                let mut extra: xen_extraversion_t = Default::default();
                // SAFETY: this command writes an `xen_extraversion_t`.
                unsafe { self.query(XENVER_extraversion, extra.as_mut_ptr().cast()) }?;
                text(&extra)
            }
        };
        let (major, minor) = (packed >> 16, packed & 0xffff);
        Ok(format!("{major}.{minor}{extra}"))
    }

    /// Reads how the hypervisor was built and booted (`XENVER_*`, xen/version.h).
    ///
    /// # Errors
    /// If the hypervisor refuses a query.
    pub fn build(&self) -> Result<Build, Error> {
        let mut compiled = xen_compile_info::default();
        // SAFETY: this command writes an `xen_compile_info`.
        unsafe { self.query(XENVER_compile_info, (&raw mut compiled).cast()) }?;
        Ok(Build {
            changeset: self.changeset()?,
            compiler: text(&compiled.compiler),
            date: text(&compiled.compile_date),
            id: self.build_id(),
            command_line: self.command_line()?,
            capabilities: self.capabilities()?.trim().to_owned(),
        })
    }

    fn changeset(&self) -> Result<String, Error> {
        if let Some(changeset) = self.whole(c"xc_xenver_changeset") {
            return Ok(changeset);
        }
        let mut changeset: xen_changeset_info_t = [0; _];
        // SAFETY: this command writes an `xen_changeset_info_t`.
        unsafe { self.query(XENVER_changeset, changeset.as_mut_ptr().cast()) }?;
        Ok(text(&changeset))
    }

    /// Returns whether Xen was told to schedule the vCPUs of a whole core or socket together (`sched-gran`, Xen's
    /// docs/misc/xen-command-line.pandoc).
    ///
    /// # Errors
    /// If the hypervisor refuses to say how it was booted.
    pub fn schedules_cores(&self) -> Result<bool, Error> {
        Ok(schedules_cores(&self.command_line()?))
    }

    fn command_line(&self) -> Result<String, Error> {
        if let Some(command_line) = self.whole(c"xc_xenver_commandline") {
            return Ok(command_line);
        }
        let mut command_line: xen_commandline_t = [0; _];
        // SAFETY: this command writes an `xen_commandline_t`.
        unsafe { self.query(XENVER_commandline, command_line.as_mut_ptr().cast()) }?;
        Ok(text(&command_line))
    }

    fn capabilities(&self) -> Result<String, Error> {
        if let Some(capabilities) = self.whole(c"xc_xenver_capabilities") {
            return Ok(capabilities);
        }
        let mut capabilities: xen_capabilities_info_t = [0; _];
        // SAFETY: this command writes an `xen_capabilities_info_t`.
        unsafe { self.query(XENVER_capabilities, capabilities.as_mut_ptr().cast()) }?;
        Ok(text(&capabilities))
    }

    /// Reads a text of any length by one of libxenctrl's functions `xc_xenver_*`, which return text
    /// (`XENVER_*2`, xen/version.h from 4.20 on). The older queries cut it. `None` if libxenctrl or
    /// the hypervisor has no such query.
    fn whole(&self, function: &CStr) -> Option<String> {
        // SAFETY: all functions of xenctrl.h whose names begin with `xc_xenver_` have this type.
        let read: XenverText = unsafe { self.library.optional(function.to_bytes_with_nul()) }?;
        // SAFETY: the handle is open.
        let text = NonNull::new(unsafe { read(self.handle.as_ptr()) })?;
        // SAFETY: it is not null, so it is a C string that we own until it is freed below.
        let copy = unsafe { CStr::from_ptr(text.as_ptr()) };
        let copy = copy.to_string_lossy().into_owned();
        // SAFETY: it was allocated by `malloc`, is freed only here and not used afterwards.
        unsafe { libc::free(text.as_ptr().cast()) };
        Some(copy)
    }

    /// Reads the build ID; `None` if the hypervisor was built without one.
    fn build_id(&self) -> Option<String> {
        /// An `xen_build_id` with space for the ID after its length.
        #[repr(C)]
        struct Buffer {
            len: u32,
            id: [u8; LONGEST_ID],
        }
        let mut buffer = Buffer {
            len: LONGEST_ID as u32,
            id: [0; LONGEST_ID],
        };
        // SAFETY: this command reads the length of the buffer and writes at most that much into it.
        let length = unsafe { self.query(XENVER_build_id, (&raw mut buffer).cast()) }.ok()?;
        let id = buffer.id.get(..usize::try_from(length).ok()?)?;
        (!id.is_empty()).then(|| id.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Makes one of the queries of xen/version.h.
    ///
    /// # Safety
    /// `answer` points to what `command` writes, or is null if `command` writes nothing.
    unsafe fn query(&self, command: u32, answer: *mut c_void) -> Result<c_int, Error> {
        // SAFETY: the handle is open; the caller guarantees that `answer` fits and outlives the
        // call.
        let returned = unsafe {
            self.library
                .xc_version(self.handle.as_ptr(), command as c_int, answer)
        };
        self.check("xc_version", None, returned)
    }
}

/// Returns whether these options of Xen's have it schedule more than a thread at a time. The last one counts.
fn schedules_cores(command_line: &str) -> bool {
    let words = command_line.split_whitespace();
    let mut granularity = words.filter_map(|word| word.strip_prefix("sched-gran="));
    granularity.next_back().is_some_and(|unit| unit != "cpu")
}

/// Returns the C string in a buffer of fixed length. A full buffer has no terminating zero.
fn text(buffer: &[c_char]) -> String {
    let bytes: Vec<u8> = buffer
        .iter()
        .map(|&byte| byte as u8)
        .take_while(|&byte| byte != 0)
        .collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_ends_at_zero_or_buffer_end() {
        let buffer = |bytes: &[u8]| bytes.iter().map(|&byte| byte as c_char).collect::<Vec<_>>();
        assert_eq!(text(&buffer(b"credit\0garbage")), "credit");
        assert_eq!(text(&buffer(b"full")), "full");
        assert_eq!(text(&buffer(b"\xff\0")), "\u{fffd}");
    }

    #[test]
    fn the_last_granularity_counts() {
        let given = [
            "",
            "smt=1 sched-gran=core",
            "sched-gran=core sched-gran=cpu",
        ];
        assert_eq!(given.map(schedules_cores), [false, true, false]);
    }
}
