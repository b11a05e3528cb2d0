//! How exact CPU % is for a guest that burns a pCPU of its own.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use lab::bench::figures::Accuracy;

use crate::statistics::{deviation, mean};

/// Samples of each kind.
const SAMPLES: usize = 100;

/// The share of a pCPU that the guest has.
const TRUTH: f64 = 100.0;

/// Measures the domain with both programs in turn. xentop's shortest interval is a second.
pub(crate) fn measure(domain: &str) -> Result<Vec<Accuracy>> {
    let xenscope = |delay: f64| -> Result<Accuracy> {
        let delay_word = delay.to_string();
        let argv = ["xenscope", "top", "-b", "-f", "-d", &delay_word];
        watch(&argv, domain, delay)
    };
    Ok(vec![
        xenscope(0.2)?,
        xenscope(1.0)?,
        watch(&["xentop", "-b", "-f", "-d", "1"], domain, 1.0)?,
    ])
}

/// Both print one decimal.
fn watch(program: &[&str], domain: &str, interval_seconds: f64) -> Result<Accuracy> {
    // xentop's first block has no figure, and ours is over a different interval.
    let blocks = (SAMPLES + 1).to_string();
    let output = Command::new(program[0])
        .args(&program[1..])
        .args(["-i", &blocks])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start {}", program[0]))?;
    if !output.status.success() {
        bail!("{} failed: {}", program.join(" "), output.status);
    }
    let figures = percents(&String::from_utf8_lossy(&output.stdout), domain)?;
    ensure!(
        figures.len() == SAMPLES + 1,
        "{} figures, not {blocks}",
        figures.len()
    );
    let errors: Vec<f64> = figures[1..].iter().map(|figure| figure - TRUTH).collect();
    Ok(Accuracy {
        program: program[0].to_owned(),
        interval_seconds,
        samples: errors.len(),
        error: mean(&errors).context("no figure")?,
        deviation: deviation(&errors).context("no figures")?,
        worst: errors
            .iter()
            .fold(0.0, |worst, error| error.abs().max(worst)),
    })
}

/// Returns a domain's CPU % from each block in xentop's layout.
fn percents(blocks: &str, domain: &str) -> Result<Vec<f64>> {
    blocks
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            // The states and the CPU time follow the name.
            (words.next() == Some(domain)).then(|| words.nth(2))
        })
        .map(|word| {
            word.and_then(|word| word.parse().ok())
                .with_context(|| format!("{domain} has no CPU %"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_found_in_each_block() -> Result<()> {
        let blocks = "\
      NAME  STATE   CPU(sec) CPU(%)     MEM(k)
  Domain-0 -----r         40   12.1     786432
   pv-burn -----r         10   99.7     131072
      NAME  STATE   CPU(sec) CPU(%)     MEM(k)
  Domain-0 -----r         40    3.0     786432
   pv-burn --b---         11  100.2     131072
";
        assert_eq!(percents(blocks, "pv-burn")?, [99.7, 100.2]);
        assert!(percents("pv-burn -----r 10 - 131072\n", "pv-burn").is_err());
        Ok(())
    }
}
