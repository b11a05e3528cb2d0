//! How commands end that go on.

use std::process::Command;

use crate::command::{run, xenscope_path};

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn top_b_ends_with_its_reader() {
    // Its code, because that of a pipe is its last program's.
    let script = format!(
        "{{ timeout 120 {} top -b -d 3600; echo $? >&2; }} | head -n 1",
        xenscope_path()
    );
    let said = run(Command::new("sh").args(["-c", &script]));
    assert_eq!(said.stderr, "0\n", "{said:?}");
    assert_eq!(said.stdout.lines().count(), 1, "{said:?}");
}
