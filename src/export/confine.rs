//! What the server gives up before it reads a byte from the network.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::fd::RawFd;

use landlock::{
    ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError,
    RulesetStatus, Scope, path_beneath_rules,
};
use nix::sys::prctl::{set_dumpable, set_no_new_privs};
use nix::unistd::close;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, apply_filter_all_threads,
};

/// The newest Landlock that the program knows. An older kernel does what it can.
const LANDLOCK: ABI = ABI::V6;

/// The system calls that a running server makes. It cannot open, connect, start or trace anything.
const ALLOWED: &[i64] = &[
    libc::SYS_accept4,
    libc::SYS_brk,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_close,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_wait,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_fcntl,
    libc::SYS_futex,
    libc::SYS_getpeername,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_getsockname,
    libc::SYS_getsockopt,
    libc::SYS_gettid,
    libc::SYS_madvise,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_nanosleep,
    libc::SYS_poll,
    libc::SYS_ppoll,
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_restart_syscall,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_sendmsg,
    libc::SYS_sendto,
    libc::SYS_set_robust_list,
    libc::SYS_setsockopt,
    libc::SYS_shutdown,
    libc::SYS_sigaltstack,
    libc::SYS_tgkill,
    libc::SYS_write,
    libc::SYS_writev,
];

/// Those that reading files takes as well.
const READING: &[i64] = &[
    libc::SYS_fstat,
    libc::SYS_lseek,
    libc::SYS_newfstatat,
    libc::SYS_openat,
    libc::SYS_statx,
];

/// Closes all files that the process was started with, but the first `kept`.
///
/// # Errors
/// If the open files cannot be listed.
pub fn close_inherited(kept: RawFd) -> io::Result<()> {
    let mut open: Vec<RawFd> = Vec::new();
    for entry in fs::read_dir("/proc/self/fd")? {
        let name = entry?.file_name();
        open.extend(name.to_str().and_then(|name| name.parse::<RawFd>().ok()));
    }
    for fd in open.into_iter().filter(|&fd| fd >= kept) {
        // The folder's own file is closed already.
        let _ = close(fd);
    }
    Ok(())
}

/// Returns whether the process can do more than other users' processes: it belongs to root or has
/// capabilities.
pub(super) fn is_privileged() -> io::Result<bool> {
    let status = fs::read_to_string("/proc/self/status")?;
    Ok(privileged(&status))
}

/// Returns this by the text of `/proc/PID/status` (proc_pid_status(5)).
fn privileged(status: &str) -> bool {
    let words = |name| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or("0").split_whitespace()
    };
    let root = words("Uid:").any(|uid| uid == "0");
    let capable = |name| words(name).any(|mask| mask.bytes().any(|digit| digit != b'0'));
    root || ["CapPrm:", "CapEff:", "CapAmb:"].into_iter().any(capable)
}

/// Gives up files, the network and other processes as far as the kernel's Landlock goes. Other processes
/// of the same user cannot look into this one any more.
pub(super) fn give_up_files() -> io::Result<()> {
    give_up_by_landlock(&[])
}

/// Gives up everything else than reading files, and talking over sockets that are open.
pub(super) fn give_up_all_but_reading() -> io::Result<()> {
    give_up_by_landlock(&["/"])?;
    let program = filter(&[ALLOWED, READING].concat()).map_err(io::Error::other)?;
    apply_filter_all_threads(&program).map_err(io::Error::other)
}

fn give_up_by_landlock(readable: &[&str]) -> io::Result<()> {
    set_dumpable(false)?;
    set_no_new_privs()?;
    let status = landlock(readable).map_err(io::Error::other)?;
    tracing::debug!("Landlock: {status:?}");
    Ok(())
}

/// Applies to this thread, and those that it starts. Files in `readable` can still be read.
fn landlock(readable: &[&str]) -> Result<RulesetStatus, RulesetError> {
    let ruleset = Ruleset::default()
        .handle_access(AccessFs::from_all(LANDLOCK))?
        .handle_access(AccessNet::from_all(LANDLOCK))?
        .scope(Scope::from_all(LANDLOCK))?
        .create()?
        .add_rules(path_beneath_rules(readable, AccessFs::ReadFile))?;
    Ok(ruleset.restrict_self()?.ruleset)
}

/// Gives up all other system calls, in all threads: they fail with EPERM.
pub(super) fn give_up_system_calls() -> io::Result<()> {
    let program = filter(ALLOWED).map_err(io::Error::other)?;
    apply_filter_all_threads(&program).map_err(io::Error::other)
}

fn filter(allowed: &[i64]) -> Result<BpfProgram, seccompiler::BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        allowed.iter().map(|&call| (call, Vec::new())).collect();
    // Only for memory that is not executable.
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        let executable = libc::PROT_EXEC as u64;
        let is_not = SeccompCondition::new(
            2,
            SeccompCmpArgLen::Dword,
            SeccompCmpOp::MaskedEq(executable),
            0,
        )?;
        rules.insert(call, vec![SeccompRule::new(vec![is_not])?]);
    }
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Errno(libc::EPERM as u32),
        SeccompAction::Allow,
        std::env::consts::ARCH.try_into()?,
    )?;
    filter.try_into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// The kernel applies it to one thread, so the other tests go on as before.
    #[test]
    fn landlock_takes_files_and_the_network() {
        let confined = std::thread::spawn(|| {
            let file = std::env::current_exe().unwrap();
            fs::File::open(&file).unwrap();
            set_no_new_privs().unwrap();
            let status = landlock(&[]).unwrap();
            let error = |result: io::Result<()>| result.err().map(|error| error.kind());
            let file = error(fs::File::open(&file).map(drop));
            let folder = error(fs::read_dir("/proc/self").map(drop));
            let socket = error(std::net::TcpListener::bind("127.0.0.1:0").map(drop));
            (status, [file, folder, socket])
        });
        let (status, errors) = confined.join().unwrap();
        let denied = Some(io::ErrorKind::PermissionDenied);
        match status {
            RulesetStatus::NotEnforced => println!("this kernel has no Landlock"),
            // An older kernel knows no networks.
            RulesetStatus::PartiallyEnforced => assert_eq!(errors[..2], [denied; 2]),
            RulesetStatus::FullyEnforced => assert_eq!(errors, [denied; 3]),
        }
    }

    #[test]
    fn privileges_are_recognised() {
        let status = |uid: &str, capabilities: &str| {
            format!(
                "Name:\tx\nUid:\t{uid}\nCapPrm:\t{capabilities}\nCapEff:\t0000000000000000\nCapAmb:\t0000000000000000\n"
            )
        };
        let none = "0000000000000000";
        assert!(!privileged(&status("65534\t65534\t65534\t65534", none)));
        assert!(privileged(&status("65534\t65534\t0\t65534", none)));
        assert!(privileged(&status("0\t0\t0\t0", none)));
        assert!(privileged(&status(
            "65534\t65534\t65534\t65534",
            "0000000000000400"
        )));
    }
}
