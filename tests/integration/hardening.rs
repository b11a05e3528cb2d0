//! How the program is linked: it runs as root.

use std::fs;
use std::process::Command;

use goblin::elf::Elf;
use goblin::elf::dynamic::{DF_1_NOW, DF_1_PIE, DF_BIND_NOW, DF_TEXTREL, DT_TEXTREL};
use goblin::elf::header::ET_DYN;
use goblin::elf::program_header::{PF_W, PF_X, PT_GNU_RELRO, PT_GNU_STACK};

use crate::command::{run, xenscope_path};

/// The table of packed relative relocations (ELF, generic ABI).
const DT_RELR: u64 = 36;

#[test]
fn the_program_is_hardened() {
    let bytes = fs::read(xenscope_path()).unwrap();
    let elf = Elf::parse(&bytes).unwrap();
    let dynamic = elf.dynamic.as_ref().unwrap();
    let (flags, flags_1) = (dynamic.info.flags, dynamic.info.flags_1);
    assert_eq!(elf.header.e_type, ET_DYN);
    assert_eq!(flags_1 & DF_1_PIE, DF_1_PIE, "position-independent");

    // The loader relocates everything at the start, and makes it read-only.
    assert!(flags & DF_BIND_NOW != 0 || flags_1 & DF_1_NOW != 0);
    let headers = &elf.program_headers;
    assert!(headers.iter().any(|header| header.p_type == PT_GNU_RELRO));

    // Without this header, the stack is executable.
    assert!(headers.iter().any(|header| header.p_type == PT_GNU_STACK));
    for header in headers {
        assert_ne!(header.p_flags & (PF_W | PF_X), PF_W | PF_X, "{header:?}");
    }
    assert_eq!(flags & DF_TEXTREL, 0);
    assert!(dynamic.dyns.iter().all(|entry| entry.d_tag != DT_TEXTREL));

    // The loader searches only the system's folders for libraries.
    assert!(elf.rpaths.is_empty() && elf.runpaths.is_empty());
}

/// Returns whether this linker can pack relative relocations, and this glibc can load them.
fn can_pack() -> bool {
    let help = run(Command::new("cc").arg("-Wl,--help")).stdout;
    let libc = run(Command::new("getconf").arg("GNU_LIBC_VERSION")).stdout;
    let version = libc.trim().strip_prefix("glibc 2.");
    let minor = version.and_then(|minor| minor.split('.').next()?.parse::<u32>().ok());
    help.contains("pack-relative-relocs") && minor >= Some(36)
}

#[test]
fn relocations_are_packed_where_the_linker_can() {
    let bytes = fs::read(xenscope_path()).unwrap();
    let elf = Elf::parse(&bytes).unwrap();
    let mut dynamic = elf.dynamic.iter().flat_map(|dynamic| &dynamic.dyns);
    let is_packed = dynamic.any(|entry| entry.d_tag == DT_RELR);
    assert!(is_packed || !can_pack());
}
