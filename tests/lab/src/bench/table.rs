//! Formats the figures as tables.

use super::Bench;
use super::figures::{Cost, Monitor, Recording, Stage};
use super::recording::Beside;

/// Returns all tables.
pub(super) fn all(bench: &Bench) -> String {
    let (xen, store) = (bench.xen, bench.store);
    let mut out = format!("Xen {xen}, {store}\n");
    if let Some(program) = &bench.against {
        out.push_str(&format!("against: {}\n", program.display()));
    }
    out.push_str("\nA sample of top -b -d 1, start-up not counted:\n");
    out.push_str(&samples(bench));
    out.push_str(&devices(bench).unwrap_or_default());
    out.push_str("\nA sample of xenscope from within, in ms:\n");
    out.push_str(&inside(bench));
    out.push('\n');
    let recorded = bench.stages();
    let recorded = recorded.map(|stage| (there(stage), &stage.recording));
    out.push_str(&recordings(recorded));
    out.push_str("\nlist, in ms:\n");
    out.push_str(&lists(bench));
    if !bench.accuracy.is_empty() {
        out.push_str("\nCPU % of a guest that burns a pCPU of its own, in points above 100:\n");
        out.push_str(&accuracy(bench));
    }
    out
}

impl Bench {
    /// Returns all stages, those that show what devices cost last.
    fn stages(&self) -> impl Iterator<Item = &Stage> {
        self.stages.iter().chain([&self.bare, &self.devices])
    }
}

/// Returns the `top` of xenscope, of the other xenscope and of xentop, with their names in the
/// tables.
fn tops(stage: &Stage) -> impl Iterator<Item = (&'static str, &Monitor)> {
    let against = stage.against.as_ref().map(|other| ("against", &other.top));
    [("xenscope", &stage.xenscope_top)]
        .into_iter()
        .chain(against)
        .chain([("xentop", &stage.xentop)])
}

/// Returns the process time that a device adds to a sample; `None` if it was not measured.
fn devices(bench: &Bench) -> Option<String> {
    let (with, without) = (&bench.devices, &bench.bare);
    let devices = (with.nics + with.disks) as f64;
    let added = tops(with)
        .zip(tops(without))
        .map(|((program, with), (_, without))| {
            let process_ns = |top: &Monitor| Some(top.cost.as_ref()?.process_ns);
            let each_ns = (process_ns(with)? - process_ns(without)?) / devices;
            Some(format!("{:.3} ms to {program}'s process", each_ns / 1e6))
        });
    let added: Vec<String> = added.collect::<Option<_>>()?;
    Some(format!("A device adds {}.\n", added.join(", ")))
}

/// Returns the table of a sample's cost, with the ratios of other programs.
fn samples(bench: &Bench) -> String {
    let mut rows = vec![row([
        "domains",
        "devices",
        "program",
        "dom0 ms",
        "process ms",
        "system calls",
        "hypercalls",
        "to XenStore",
        "MiB",
    ])];
    for stage in bench.stages() {
        let ours = costs(&stage.xenscope_top);
        for (program, top) in tops(stage) {
            let figures = costs(top);
            rows.push(sample(stage, program, figures));
            if program != "xenscope" {
                let times = std::array::from_fn(|index| {
                    let (ours, others) = (ours[index]?, figures[index]?);
                    (ours > 0.0 && others > 0.0).then(|| others / ours)
                });
                rows.push(sample(stage, "times", times));
            }
        }
    }
    grid(&rows)
}

fn sample(stage: &Stage, program: &str, figures: [Option<f64>; 6]) -> Vec<String> {
    let mut cells = there(stage);
    cells.push(program.to_owned());
    cells.extend(figures.map(|figure| figure.map_or("-".to_owned(), short)));
    cells
}

/// Returns the figures of one program; `None` if it took too long.
fn costs(monitor: &Monitor) -> [Option<f64>; 6] {
    let cost = monitor.cost.as_ref();
    let calls = monitor.calls.as_ref();
    [
        cost.map(|cost| cost.dom0_ns / 1e6),
        cost.map(|cost| cost.process_ns / 1e6),
        calls.map(|calls| calls.system_calls),
        calls.map(|calls| calls.hypercalls),
        calls.map(|calls| calls.store_messages),
        cost.map(|cost| cost.peak_memory_bytes as f64 / f64::from(1 << 20)),
    ]
}

fn inside(bench: &Bench) -> String {
    let mut rows = vec![row([
        "domains",
        "devices",
        "bare hypercalls",
        "all that is read",
        "times",
        "with rates and text",
        "times",
    ])];
    for stage in bench.stages() {
        let inside = &stage.inside;
        let mut cells = there(stage);
        cells.push(short(inside.hypercall_ns / 1e6));
        for ns in [inside.read_ns, inside.whole_ns] {
            cells.extend([ns / 1e6, ns / inside.hypercall_ns].map(short));
        }
        rows.push(cells);
    }
    grid(&rows)
}

/// Returns the table of what recording costs.
pub(super) fn recording(measured: &[Beside]) -> String {
    let rows = measured.iter().map(|beside| {
        let there = [beside.domains, beside.devices].map(|count| count.to_string());
        (there.to_vec(), &beside.recording)
    });
    recordings(rows)
}

/// The second "times" leaves out what it costs to make up the work. Each row has its first two columns.
fn recordings<'a>(measured: impl Iterator<Item = (Vec<String>, &'a Recording)>) -> String {
    let mut rows = vec![row([
        "domains",
        "devices",
        "dom0 ms",
        "bare",
        "times",
        "busy",
        "made up",
        "times",
        "MiB",
        "busy",
        "bare",
        "bytes in the file",
        "xentop, zstd",
    ])];
    for (mut cells, recording) in measured {
        let [recorded, busy] = [&recording.recorded, &recording.busy];
        let [bare, worked] = [&recording.bare, &recording.worked];
        let mebibytes = |cost: &Cost| cost.peak_memory_bytes as f64 / f64::from(1 << 20);
        cells.extend(
            [
                recorded.dom0_ns / 1e6,
                bare.dom0_ns / 1e6,
                recorded.dom0_ns / bare.dom0_ns,
                busy.dom0_ns / 1e6,
                (worked.dom0_ns - bare.dom0_ns) / 1e6,
                (busy.dom0_ns - worked.dom0_ns + bare.dom0_ns) / bare.dom0_ns,
                mebibytes(recorded),
                mebibytes(busy),
                mebibytes(bare),
                recording.bytes_a_sample,
                recording.xentop_bytes_a_sample,
            ]
            .map(short),
        );
        rows.push(cells);
    }
    let heading = "A sample of record, beside one that is not recorded; busy, with what it costs to make up the work:\n";
    heading.to_owned() + &grid(&rows)
}

fn lists(bench: &Bench) -> String {
    let mut rows = vec![row([
        "domains",
        "devices",
        "program",
        "from start to end",
        "dom0",
        "process",
    ])];
    for stage in bench.stages() {
        let against = stage.against.as_ref();
        let against = against.map(|other| ("against list", &other.list));
        for (program, cost) in [("xenscope list", &stage.xenscope_list)]
            .into_iter()
            .chain(against)
            .chain([("xl list", &stage.xl_list)])
        {
            let mut cells = there(stage);
            cells.push(program.to_owned());
            let process_ns = cost.user_ns + cost.system_ns;
            cells.extend([cost.wall_ns, cost.dom0_ns, process_ns].map(|ns| short(ns / 1e6)));
            rows.push(cells);
        }
    }
    grid(&rows)
}

fn accuracy(bench: &Bench) -> String {
    let mut rows = vec![row([
        "program",
        "interval",
        "samples",
        "mean",
        "deviation",
        "worst",
    ])];
    for accuracy in &bench.accuracy {
        rows.push(vec![
            accuracy.program.clone(),
            format!("{} s", accuracy.interval_seconds),
            accuracy.samples.to_string(),
            format!("{:+.2}", accuracy.error),
            format!("{:.2}", accuracy.deviation),
            format!("{:.2}", accuracy.worst),
        ]);
    }
    grid(&rows)
}

fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

/// Returns the first two columns of a stage.
fn there(stage: &Stage) -> Vec<String> {
    vec![
        stage.domains.to_string(),
        (stage.nics + stage.disks).to_string(),
    ]
}

/// Returns a figure with three significant digits, or with all digits before the point.
fn short(figure: f64) -> String {
    let size = figure.abs();
    let decimals = match () {
        () if size == 0.0 || size >= 100.0 => 0,
        () if size >= 10.0 => 1,
        () => 2,
    };
    format!("{figure:.decimals$}")
}

/// Returns right-aligned columns, two spaces apart.
fn grid(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, &width)| format!("{cell:>width$}"))
            .collect();
        out.push_str(&cells.join("  "));
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests;
