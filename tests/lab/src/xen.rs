//! The hypervisors the lab boots, what runs in dom0, and the two XenStore daemons.

use clap::ValueEnum;

/// A version of Xen, and with it a Debian suite: hypervisor, dom0's kernel and its whole user land.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Xen {
    /// Xen 4.17, in Debian 12.
    #[value(name = "4.17")]
    V4_17,
    /// Xen 4.20, in Debian 13.
    #[value(name = "4.20")]
    V4_20,
}

impl Xen {
    /// Every version, oldest first.
    pub const ALL: [Self; 2] = [Self::V4_17, Self::V4_20];

    /// Returns the version as users write it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::V4_17 => "4.17",
            Self::V4_20 => "4.20",
        }
    }

    /// Returns the Debian suite that has it.
    pub const fn suite(self) -> &'static str {
        match self {
            Self::V4_17 => "bookworm",
            Self::V4_20 => "trixie",
        }
    }

    /// Returns the version whose library is in dom0 for the test that it is refused.
    pub const fn other(self) -> Self {
        match self {
            Self::V4_17 => Self::V4_20,
            Self::V4_20 => Self::V4_17,
        }
    }

    /// Returns the Debian packages of the hypervisor, dom0 and the guests, without their
    /// dependencies.
    pub fn packages(self) -> Vec<String> {
        let label = self.label();
        let mut packages = vec![
            format!("xen-hypervisor-{label}-amd64"),
            format!("xen-utils-{label}"),
        ];
        packages.extend(
            [
                "xenstore-utils",
                "libxen-dev",
                "linux-image-amd64",
                "busybox-static",
                "libgcc-s1",
                "ncurses-base",
                "strace",
            ]
            .map(String::from),
        );
        packages
    }
}

/// Which versions a command is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Which {
    /// Xen 4.17 only.
    #[value(name = "4.17")]
    V4_17,
    /// Xen 4.20 only.
    #[value(name = "4.20")]
    V4_20,
    /// Every version.
    All,
}

impl Which {
    /// Returns these versions.
    pub fn versions(self) -> Vec<Xen> {
        match self {
            Self::V4_17 => vec![Xen::V4_17],
            Self::V4_20 => vec![Xen::V4_20],
            Self::All => Xen::ALL.to_vec(),
        }
    }
}

/// The daemon that serves XenStore in dom0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Store {
    /// The one in C.
    Xenstored,
    /// The one in OCaml, Debian's default.
    Oxenstored,
}

impl Store {
    /// Returns the program's name.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Xenstored => "xenstored",
            Self::Oxenstored => "oxenstored",
        }
    }
}

/// dom0's user land.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Userland {
    /// The lab's own, in memory: the programs that Xen needs, and this XenStore daemon.
    Minimal(Store),
    /// Debian itself, with systemd, on a disk. Its init script starts oxenstored.
    Debian,
}

impl Userland {
    /// Returns XenStore's daemon.
    pub const fn store(self) -> Store {
        match self {
            Self::Minimal(store) => store,
            Self::Debian => Store::Oxenstored,
        }
    }

    /// Returns what distinguishes a boot in messages and in the logs' names.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Minimal(store) => store.label(),
            Self::Debian => "Debian",
        }
    }
}
