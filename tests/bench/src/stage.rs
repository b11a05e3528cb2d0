//! The costs beside one set of domains.

use anyhow::Result;
use lab::bench::figures::{Against, Monitor, OneShot, Stage};
use xenscope::snapshot::Collect;
use xenscope::source::Source;

use crate::dom0_cpu::Dom0Cpu;
use crate::{inside, monitor, once, recorder};

/// Measures all programs, with another build of xenscope if there is one. This takes minutes.
pub(crate) fn measure(against: Option<&str>) -> Result<Stage> {
    let collect = Collect {
        nics: true,
        disks: true,
        ..Collect::default()
    };
    let domains = Source::open(collect, false)?.sample(None)?.domains;
    let mut dom0 = Dom0Cpu::open()?;
    let dom0 = &mut dom0;
    let (xenscope_list, xl_list, against_list) = lists(against, dom0)?;
    let (xenscope_top, against_top) = tops(against, dom0)?;
    Ok(Stage {
        domains: domains.len(),
        nics: domains
            .iter()
            .flat_map(|domain| &domain.nics)
            .flatten()
            .count(),
        disks: domains
            .iter()
            .flat_map(|domain| &domain.disks)
            .flatten()
            .count(),
        idle_share: dom0.idle_share,
        xenscope_top,
        xentop: monitor::measure(&["xentop", "-b", "-d", "1"], dom0)?,
        xenscope_list,
        xl_list,
        inside: inside::measure()?,
        recording: recorder::measure(dom0)?,
        against: against_top
            .zip(against_list)
            .map(|(top, list)| Against { top, list }),
    })
}

/// Measures `list` of xenscope, of xl, and of the other xenscope.
fn lists(against: Option<&str>, dom0: &mut Dom0Cpu) -> Result<(OneShot, OneShot, Option<OneShot>)> {
    let ours = &["xenscope", "list"];
    let xl = &["xl", "list"];
    Ok(match against {
        None => {
            let [ours, xl] = once::measure([ours, xl], dom0)?;
            (ours, xl, None)
        }
        Some(other) => {
            let [ours, xl, other] = once::measure([ours, xl, &[other, "list"]], dom0)?;
            (ours, xl, Some(other))
        }
    })
}

/// Measures `top -b -d 1` of xenscope and of the other xenscope.
fn tops(against: Option<&str>, dom0: &mut Dom0Cpu) -> Result<(Monitor, Option<Monitor>)> {
    let mut top = |program| monitor::measure(&[program, "top", "-b", "-d", "1"], dom0);
    let ours = top("xenscope")?;
    let Some(other) = against else {
        return Ok((ours, None));
    };
    // The other one runs twice between the two runs of this one, so a machine that becomes slower
    // slows both equally.
    let others = top(other)?.with(&top(other)?);
    Ok((ours.with(&top("xenscope")?), Some(others)))
}
