//! The lab: a real Xen with a PV dom0 and real guests, under QEMU's software emulation, on any
//! Debian machine.
//!
//! ```text
//! setup ──> debian: a suite's packages, unpacked under target/lab
//! package > cargo and zig: xenscope for all dom0s; dpkg-deb and rpmbuild: packages of it
//! check ──> cargo-deny: licences, sources and versions of crates
//! build ──> cargo and cc: xenscope, dom0's agent, lab-shells, the tests, lab-bench
//! image ──> dom0's file system as an initramfs
//! machine > QEMU, the serial log, and the channel to dom0's agent (protocol; its other end is src/dom0)
//! fleet ──> Prometheus and alertmanager on the host, for two sessions, or for made-up hosts
//! session > guests and empty domains, then the command: run, shell, screen, demo, test, bench
//! ```
//!
//! Nothing that the lab starts outlives it: see [`tied`].

pub mod bench;
pub mod build;
pub mod check;
pub mod cli;
#[cfg(test)]
#[path = "../../integration/console.rs"]
mod console;
pub mod debian;
pub mod disk;
pub mod elf;
pub mod fleet;
pub mod image;
pub mod libtest;
pub mod machine;
pub mod package;
pub mod paths;
pub mod power;
pub mod protocol;
pub mod pypi;
pub mod screen;
pub mod serial;
pub mod session;
pub mod setup;
pub mod spec;
pub mod svg;
pub mod terminal;
pub mod test;
pub mod tied;
pub mod xen;
