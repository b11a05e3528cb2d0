//! Measures in the lab's dom0, for `cargo lab bench`: what xenscope, xentop and xl cost beside the
//! existing domains, and how exact their CPU % is.
//!
//! ```text
//! lab-bench stage [PROGRAM]    costs beside the existing domains; PROGRAM is another build of
//!                              xenscope to measure as well
//! lab-bench recording          what recording costs beside the existing domains
//! lab-bench take               takes samples as `xenscope record` does, to be measured
//! lab-bench keep               records such samples with made-up work, to be measured
//! lab-bench accuracy DOMAIN    how close to 100 % CPU % is for a domain that burns its own pCPU
//! ```
//! Prints one line of JSON, of a type in `lab::bench::figures`.

mod accuracy;
mod dom0_cpu;
mod inside;
mod monitor;
mod once;
mod recorder;
mod stage;
mod statistics;
mod trace;

use std::env;

use anyhow::{Result, bail};
use dom0_cpu::Dom0Cpu;

fn main() -> Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let line = match words[..] {
        ["stage"] => serde_json::to_string(&stage::measure(None)?)?,
        ["stage", against] => serde_json::to_string(&stage::measure(Some(against))?)?,
        ["recording"] => serde_json::to_string(&recorder::measure(&mut Dom0Cpu::open()?)?)?,
        ["take"] => return recorder::take(),
        ["work"] => return recorder::work(),
        ["keep"] => return recorder::keep(),
        ["accuracy", domain] => serde_json::to_string(&accuracy::measure(domain)?)?,
        _ => bail!(
            "usage: lab-bench stage [PROGRAM] | recording | take | work | keep | accuracy DOMAIN"
        ),
    };
    println!("{line}");
    Ok(())
}
