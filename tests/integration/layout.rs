//! The binding is the same whichever Xen's headers it is made from, so that a binary built on one
//! may call the library of another.

use std::path::{Path, PathBuf};

#[path = "../../build.rs"]
#[allow(dead_code)]
mod build;

/// The binding made from the headers of this Xen, which `cargo lab setup` fetches.
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
    // Its size and the places of its fields are asserted by the binding itself.
    assert!(old.contains("size_of::<xen_domctl_getdomaininfo>() - 112usize"));
    assert_eq!(old, new);
}
