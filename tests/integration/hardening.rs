//! How the program is linked: it runs as root.

use std::fs;

use goblin::elf::Elf;
use goblin::elf::dynamic::{DF_1_NOW, DF_1_PIE, DF_BIND_NOW, DF_TEXTREL, DT_TEXTREL};
use goblin::elf::header::ET_DYN;
use goblin::elf::program_header::{PF_W, PF_X, PT_GNU_RELRO, PT_GNU_STACK};

use crate::command::xenscope_path;

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
