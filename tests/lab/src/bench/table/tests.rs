//! Tables of made-up figures.

use super::super::figures::{Accuracy, Against, Calls, Inside, OneShot, Recording};
use super::*;

fn cost(process_ns: f64) -> Cost {
    Cost {
        samples: 20,
        dom0_ns: 2.0 * process_ns,
        process_ns,
        user_ns: process_ns,
        system_ns: 0.0,
        peak_memory_bytes: 8 << 20,
    }
}

fn monitor(process_ns: f64, calls: Option<f64>) -> Monitor {
    Monitor {
        cost: Some(cost(process_ns)),
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
        recording: Recording {
            bare: cost(process_ns),
            recorded: cost(1.5 * process_ns),
            worked: cost(1.25 * process_ns),
            busy: cost(1.75 * process_ns),
            bytes_a_sample: 1000.0,
            xentop_bytes_a_sample: 2000.0,
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

A sample of record, beside one that is not recorded; busy, with what it costs to make up the work:
domains  devices  dom0 ms  bare  times  busy  made up  times   MiB  busy  bare  bytes in the file  xentop, zstd
     10        0     6.00  4.00   1.50  7.00     1.00   1.50  8.00  8.00  8.00               1000          2000
     10       10     9.00  6.00   1.50  10.5     1.50   1.50  8.00  8.00  8.00               1000          2000

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
