//! The parts of a manual page that the command line does not define.

/// Terms and their meanings.
type Entries = &'static [(&'static str, &'static str)];

/// The parts of a command's page besides its options.
#[derive(Clone, Copy)]
pub(super) struct Page {
    /// Paragraphs after the text of `--help`.
    pub(super) description: &'static [&'static str],
    /// Whether the command makes hypercalls and reads XenStore.
    pub(super) reads_host: bool,
    /// What exit code 1 means besides output that could not be written.
    pub(super) failure: &'static str,
    /// What exit code 2 means besides wrong usage.
    pub(super) wrong_usage: &'static str,
    pub(super) environment: Entries,
    pub(super) files: Entries,
    /// Command lines, and what they do.
    pub(super) examples: Entries,
    /// Names and sections of other programs' pages.
    pub(super) see_also: Entries,
}

/// A page without such parts.
pub(super) const NOTHING: Page = Page {
    description: &[],
    reads_host: false,
    failure: "",
    wrong_usage: "",
    environment: &[],
    files: &[],
    examples: &[],
    see_also: &[],
};

impl Page {
    /// Returns the exit codes and their meanings.
    pub(super) fn exit_status(&self) -> Vec<(&'static str, String)> {
        let failure = match self.failure {
            "" => "The output could not be written.".to_owned(),
            failure => format!("{failure}, or the output could not be written."),
        };
        let wrong_usage = match self.wrong_usage {
            "" => "Wrong usage.".to_owned(),
            more => format!("Wrong usage, or {more}."),
        };
        let mut codes = vec![
            (
                "0",
                "Done. It is also 0 if the reader of the output closed the pipe.".to_owned(),
            ),
            ("1", failure),
            ("2", wrong_usage),
        ];
        if self.reads_host {
            codes.push((
                "3",
                "There is no Xen, no permission, or the version of Xen or of its library is wrong."
                    .to_owned(),
            ));
        }
        codes
    }

    /// Returns the environment variables that the command reads.
    pub(super) fn environment(&self) -> Vec<(&'static str, &'static str)> {
        let own = self.environment.iter().copied();
        let store = (
            "XENSTORED_PATH",
            "The socket of XenStore's daemon, instead of /run/xenstored/socket.",
        );
        own.chain(self.reads_host.then_some(store)).collect()
    }

    /// Returns the files that the command reads or writes.
    pub(super) fn files(&self) -> Vec<(&'static str, &'static str)> {
        let own = self.files.iter().copied();
        let host: Entries = &[
            (
                "/dev/xen/privcmd, /proc/xen/privcmd",
                "The device for hypercalls.",
            ),
            (
                "libxenctrl.so.4.NN",
                "The library that makes the hypercalls; NN is the running hypervisor's, from \
                 /sys/hypervisor/version/minor.",
            ),
            (
                "/run/xenstored/socket, /dev/xen/xenbus",
                "XenStore; the second if there is no socket.",
            ),
            (
                "/sys/bus/xen-backend/devices, /sys/class/net",
                "The counters of disks and NICs.",
            ),
            (
                "/dev/shm/td3-*, /dev/shm/vbd3-*",
                "The counters of disks with a tapdisk.",
            ),
        ];
        let host = host.iter().copied().filter(|_| self.reads_host);
        own.chain(host).collect()
    }
}
