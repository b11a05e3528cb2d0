//! The panes of `xenscope top` over all domains, and filters.

use vt100::Screen;

use super::guest::Burning;
use super::live::{line_of, top};

/// Returns whether this tab is shown.
fn shows(screen: &Screen, tab: &str) -> bool {
    screen.contents().contains(&format!("[{tab}]"))
}

/// Returns whether the line of a domain contains this text.
fn has(screen: &Screen, domain: &str, text: &str) -> bool {
    line_of(screen, domain).is_some_and(|(_, line)| line.contains(text))
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn panes_list_what_all_domains_have() {
    let _burning = Burning::start();
    let mut top = top((120, 30));
    top.press("I");
    top.until("the NIC of a guest", |screen| {
        shows(screen, "NICs") && has(screen, "pv-net", " vif")
    });
    top.press("\t");
    top.until("the disk of a guest", |screen| {
        shows(screen, "disks") && has(screen, "pv-disk", " xvd")
    });
    top.press("\r");
    top.until("the page of its domain", |screen| !shows(screen, "disks"));
    top.press("\x1b");
    top.until("the disks again", |screen| shows(screen, "disks"));
    top.press("C");
    top.until("a busy vCPU", |screen| {
        let percent = line_of(screen, "pv-burn")
            .and_then(|(_, line)| line.split_whitespace().nth(5)?.parse::<f64>().ok());
        shows(screen, "vCPUs") && percent.is_some_and(|percent| percent > 1.0)
    });
    top.press("U");
    top.until("what runs on the pCPUs", |screen| {
        let text = screen.contents();
        shows(screen, "pCPUs")
            && ["pv-burn", "Domain-0", "(idle)"]
                .iter()
                .any(|name| text.contains(name))
    });
    top.press("U");
    top.until("the vCPUs again", |screen| shows(screen, "vCPUs"));
    top.press("\x1b");
    top.until("the table", |screen| shows(screen, "domains"));
    top.press("/cpu>1 & name:burn\r");
    top.until("only the busy guest", |screen| {
        let is_there = |name| line_of(screen, name).is_some();
        is_there("pv-burn") && !is_there("Domain-0") && !is_there("pv-disk")
    });
    top.press("q");
    assert!(top.ended().success());
}
