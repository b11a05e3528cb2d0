//! Tests of the page of the pCPUs.
#![allow(clippy::unwrap_used)]

use crate::fixtures::{SECOND, at_work, full, pcpus};
use crate::view::tui::Settings;
use crate::view::tui::testing::{app, keys, lines, take};

/// Returns the page of a host with this many pCPUs.
fn of_pcpus(count: u32, width: u16, height: u16) -> Vec<String> {
    let mut app = app(Settings::default());
    let (mut old, mut new) = at_work(1);
    old.host.pcpu = pcpus(count, SECOND);
    new.host.pcpu = pcpus(count, 2 * SECOND);
    take(&mut app, old);
    take(&mut app, new);
    keys(&mut app, "P");
    assert!(app.collect().host);
    lines(&mut app, width, height)
}

#[test]
fn few_pcpus_have_bars() {
    let page = of_pcpus(4, 80, 24);
    assert_eq!(page[4], "use of each pCPU: a full bar is 100 %");
    assert_eq!(page[9], "node 2, socket 1, 1 online, 50.0 % busy");
    assert_eq!(page[10], "   2 █████      50.0 %");
    assert_eq!(page[11], "node 3, socket 1, 0 online, - % busy, 1 offline");
    assert_eq!(page[12], "   3           offline");
}

#[test]
fn many_pcpus_fit() {
    let page = of_pcpus(256, 80, 24);
    assert_eq!(
        page[4],
        "use of each pCPU: ▁ is 0 %, █ is 100 %, x is offline"
    );
    assert!(page[12].starts_with("  192 ▆▆▆▆"), "{page:?}");
    assert!(page[12].ends_with("█x"), "{page:?}");
    let page = of_pcpus(256, 200, 60);
    assert!(
        page.iter()
            .any(|line| line.contains(" 254 █████████▉ 99.2 %")),
        "{page:?}"
    );
    // Shares without bars, because the bars do not fit.
    assert_eq!(
        of_pcpus(64, 80, 24)[20],
        "  60  93.8 %   61  95.3 %   62  96.9 %   63 offline"
    );
}

#[test]
fn gaps_between_glyphs() {
    let mut app = app(Settings::default());
    let (mut old, mut new) = at_work(1);
    for snapshot in [&mut old, &mut new] {
        let at_ns = snapshot.stamp.at_ns;
        snapshot.host.pcpu = pcpus(400, at_ns);
        for pcpu in &mut snapshot.host.pcpu {
            pcpu.node = None;
            // The IDs alternate between the first two sockets; the third has two ranges.
            pcpu.socket = Some(match pcpu.id {
                0..100 => pcpu.id % 2,
                100..120 | 300..310 => 2,
                _ => 3,
            });
        }
    }
    take(&mut app, old);
    take(&mut app, new);
    keys(&mut app, "P");
    let page = lines(&mut app, 80, 24);
    let blank_or_not = |line: &str| -> String {
        let glyphs = line.chars().skip(6);
        glyphs.map(|c| if c == ' ' { ' ' } else { 'x' }).collect()
    };
    assert!(
        page[6].starts_with("    0 ") && page[7].starts_with("   64 "),
        "{page:?}"
    );
    assert!(page[9].starts_with("    1 "), "{page:?}");
    assert_eq!(blank_or_not(&page[6]), "x ".repeat(32).trim_end());
    assert!(
        page[12].starts_with("  100 ") && page[13].starts_with("  300 "),
        "{page:?}"
    );
    assert_eq!(blank_or_not(&page[12]), "x".repeat(20));
    assert_eq!(blank_or_not(&page[13]), "x".repeat(10));
}

#[test]
fn pool_is_named_once() {
    let mut app = app(Settings::default());
    let (old, mut new) = at_work(1);
    new.host = full(new.host);
    let pools = new.host.pools.as_mut().unwrap();
    let mut other = pools[0].clone();
    (pools[0].pcpus, other.pcpus) = (vec![0, 2], vec![1, 3]);
    (other.id, other.name) = (1, Some("other".to_owned()));
    pools.push(other);
    new.host.pcpu = pcpus(4, 2 * SECOND);
    for pcpu in &mut new.host.pcpu {
        (pcpu.node, pcpu.socket) = (None, None);
    }
    take(&mut app, old);
    take(&mut app, new);
    keys(&mut app, "P");
    let heading = lines(&mut app, 100, 24)[5].clone();
    assert!(heading.ends_with(", Pool-0, other"), "{heading}");
}
