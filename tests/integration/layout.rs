//! The binding is the same from the headers of each Xen, so a binary built on one can call the
//! library of another.

use std::path::{Path, PathBuf};

#[path = "../../build.rs"]
#[allow(dead_code)]
mod build;

/// Returns the binding made from the headers of this Xen, which `cargo lab setup` fetches.
fn binding(xen: &str) -> String {
    let include: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .with_file_name("lab")
        .join(xen)
        .join("root/usr/include");
    assert!(
        include.join("xenctrl.h").exists(),
        "no xenctrl.h in {}: run 'cargo lab setup' first",
        include.display()
    );
    build::binding(&[include]).expect("bindgen")
}

#[test]
fn bindings_of_4_17_and_4_20_are_equal() {
    let (old, new) = (binding("4.17"), binding("4.20"));
    // The binding itself asserts its size and the offsets of its fields.
    assert!(old.contains("size_of::<xen_domctl_getdomaininfo>() - 112usize"));
    assert_eq!(old, new);
}
