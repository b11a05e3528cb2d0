//! Formats the figures as tables.

use super::Bench;
use super::figures::{Monitor, Stage};

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
mod tests {
    use super::super::figures::{Accuracy, Against, Calls, Cost, Inside, OneShot};
    use super::*;

    fn monitor(process_ns: f64, calls: Option<f64>) -> Monitor {
        Monitor {
            cost: Some(Cost {
                samples: 20,
                dom0_ns: 2.0 * process_ns,
                process_ns,
                user_ns: process_ns,
                system_ns: 0.0,
                peak_memory_bytes: 8 << 20,
            }),
            calls: calls.map(|system_calls| Calls {
                samples: 3,
                system_calls,
                hypercalls: 3.0,
                store_messages: 0.0,
            }),
        }
    }

    fn stage(devices: usize, process_ns: f64) -> Stage {
        let once = |wall_ns| OneShot {
            runs: 5,
            wall_ns,
            dom0_ns: 3e6,
            user_ns: 1e6,
            system_ns: 1e6,
        };
        Stage {
            domains: 10,
            nics: devices,
            disks: devices,
            idle_share: 0.01,
            xenscope_top: monitor(process_ns, Some(9.0)),
            xentop: monitor(100.0 * process_ns, None),
            xenscope_list: once(5e6),
            xl_list: once(10e6),
            against: None,
            inside: Inside {
                samples: 50,
                hypercall_ns: 1e6,
                read_ns: 1.5e6,
                whole_ns: 2e6,
            },
        }
    }

    #[test]
    fn the_tables_have_both_programs_side_by_side() {
        let bench = Bench {
            xen: "4.17",
            store: "xenstored",
            against: None,
            bare: stage(0, 2e6),
            devices: stage(5, 3e6),
            accuracy: vec![Accuracy {
                program: "xentop".into(),
                interval_seconds: 0.2,
                samples: 100,
                error: -0.125,
                deviation: 0.5,
                worst: 1.0,
            }],
            stages: Vec::new(),
        };
        let expected = "\
Xen 4.17, xenstored

A sample of top -b -d 1, start-up not counted:
domains  devices   program  dom0 ms  process ms  system calls  hypercalls  to XenStore   MiB
     10        0  xenscope     4.00        2.00          9.00        3.00            0  8.00
     10        0    xentop      400         200             -           -            -  8.00
     10        0     times      100         100             -           -            -  1.00
     10       10  xenscope     6.00        3.00          9.00        3.00            0  8.00
     10       10    xentop      600         300             -           -            -  8.00
     10       10     times      100         100             -           -            -  1.00
A device adds 0.100 ms to xenscope's process, 10.000 ms to xentop's process.

A sample of xenscope from within, in ms:
domains  devices  bare hypercalls  all that is read  times  with rates and text  times
     10        0             1.00              1.50   1.50                 2.00   2.00
     10       10             1.00              1.50   1.50                 2.00   2.00

list, in ms:
domains  devices        program  from start to end  dom0  process
     10        0  xenscope list               5.00  3.00     2.00
     10        0        xl list               10.0  3.00     2.00
     10       10  xenscope list               5.00  3.00     2.00
     10       10        xl list               10.0  3.00     2.00

CPU % of a guest that burns a pCPU of its own, in points above 100:
program  interval  samples   mean  deviation  worst
 xentop     0.2 s      100  -0.12       0.50   1.00
";
        assert_eq!(all(&bench), expected);
    }

    #[test]
    fn another_xenscope_is_in_the_next_row() {
        let with = |mut stage: Stage| {
            stage.against = Some(Against {
                top: monitor(3e6, None),
                list: stage.xl_list.clone(),
            });
            stage
        };
        let bench = Bench {
            xen: "4.17",
            store: "xenstored",
            against: Some("old/xenscope".into()),
            bare: with(stage(0, 2e6)),
            devices: with(stage(5, 3e6)),
            accuracy: Vec::new(),
            stages: Vec::new(),
        };
        let tables = all(&bench);
        for line in [
            "against: old/xenscope",
            "     10        0  xenscope     4.00        2.00          9.00        3.00            0  8.00",
            "     10        0   against     6.00        3.00             -           -            -  8.00",
            "     10        0     times     1.50        1.50             -           -            -  1.00",
            "     10        0    xentop      400         200             -           -            -  8.00",
            "A device adds 0.100 ms to xenscope's process, 0.000 ms to against's process, 10.000 ms to xentop's process.",
            "     10        0   against list               10.0  3.00     2.00",
        ] {
            assert!(
                tables.lines().any(|each| each == line),
                "no {line} in:\n{tables}"
            );
        }
    }
}
