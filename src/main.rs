//! xenscope.
fn main() {}
