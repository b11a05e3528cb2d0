//! The host, above the table.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::Pen;
use super::glyphs::{bar, history};
use crate::rates::Measured;
use crate::snapshot::{Snapshot, State as Domainly};
use crate::view::Sample;
use crate::view::text::{columns, or_unknown, safe};
use crate::view::tui::state::State;
use crate::view::tui::theme::{Role, load, role};
use crate::view::tui::units;

pub(super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let Some(sample) = state.sample() else {
        if let Some(mut pen) = Pen::new(buffer, area, 0) {
            pen.say("xenscope: waiting for the first sample");
        }
        return;
    };
    if area.height < 4 {
        if let Some(mut pen) = Pen::new(buffer, area, 0) {
            brief(state, sample, &mut pen);
        }
        return;
    }
    let lines: [fn(&State, Sample<'_>, &mut Pen<'_>); 4] = [host, cpu, memory, domains];
    for (line, draw) in (0..).zip(lines) {
        if let Some(mut pen) = Pen::new(buffer, area, line) {
            draw(state, sample, &mut pen);
        }
    }
}

/// The host in one line, what matters most first.
fn brief(state: &State, sample: Sample<'_>, pen: &mut Pen<'_>) {
    let host = &sample.snapshot.host;
    if state.is_paused() {
        pen.put("PAUSED ", paused());
    }
    pen.say(&format!(
        "CPU {}%  {} free  {} domains  {}",
        units::percent(sample.rates.host.cpu_percent),
        units::bytes(host.memory_free_bytes as f64),
        sample.snapshot.domains.len(),
        measured(sample),
    ));
    if state.skipped > 0 {
        pen.say(&format!("  {} skipped", state.skipped));
    }
}

fn paused() -> Style {
    Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD)
}

/// The interval as it was.
fn measured(sample: Sample<'_>) -> String {
    or_unknown(sample.rates.interval_ns, |ns| {
        format!("{:.2} s", ns as f64 / 1e9)
    })
}

/// Which Xen, and when this was.
fn host(state: &State, sample: Sample<'_>, pen: &mut Pen<'_>) {
    let host = &sample.snapshot.host;
    let right = format!(
        "{}  over {}, every {} s",
        sample.snapshot.time.strftime("%Y-%m-%d %H:%M:%S UTC"),
        measured(sample),
        state.settings.interval.as_secs_f64(),
    );
    let start = pen.right.saturating_sub(columns(&right) as u16);
    let right_edge = std::mem::replace(&mut pen.right, start.saturating_sub(1));
    pen.put(
        "xenscope",
        state.style(Role::Accent).add_modifier(Modifier::BOLD),
    );
    pen.say(&format!("  Xen {}", safe(&host.xen_version)));
    if let Some(schedulers) = schedulers(sample.snapshot) {
        pen.say(&format!("  {schedulers}"));
    }
    if state.is_paused() {
        pen.say("  ").put(" PAUSED ", paused());
    }
    pen.right = right_edge;
    pen.x = start;
    pen.say(&right);
}

/// The schedulers of all pools, each once.
fn schedulers(snapshot: &Snapshot) -> Option<String> {
    let pools = snapshot.host.pools.as_ref()?;
    let mut names: Vec<String> = pools
        .iter()
        .map(|pool| pool.scheduler.to_string())
        .collect();
    names.sort_unstable();
    names.dedup();
    Some(names.join("+"))
}

/// A label, a bar with its share, and what it means.
fn gauge(state: &State, pen: &mut Pen<'_>, label: &str, percent: Option<f64>, text: &str) {
    let width = (pen.room() / 4).clamp(5, 40);
    pen.put(label, state.style(Role::Accent)).say(" [");
    let end = pen.x.saturating_add(width as u16);
    if let Some(percent) = percent {
        let bar = bar(percent / 100.0, width, state.terminal.unicode);
        pen.put(&bar, state.style(load(percent)));
    }
    pen.x = end;
    pen.say("] ").say(text);
}

fn cpu(state: &State, sample: Sample<'_>, pen: &mut Pen<'_>) {
    let busy = sample.rates.host.cpu_percent;
    let text = format!(
        "{:>5} % of {} pCPUs  ",
        units::percent(busy),
        sample.snapshot.host.pcpus
    );
    gauge(
        state,
        pen,
        "CPU",
        busy.map(|busy: Measured| busy.value),
        &text,
    );
    let room = pen.room();
    let line = history(
        state.histories().cpu.last(room),
        100.0,
        state.terminal.unicode,
    );
    pen.put(&line, state.style(Role::Calm));
}

fn memory(state: &State, sample: Sample<'_>, pen: &mut Pen<'_>) {
    let host = &sample.snapshot.host;
    let used = host.memory_bytes.saturating_sub(host.memory_free_bytes);
    let share = 100.0 * used as f64 / (host.memory_bytes as f64).max(1.0);
    let text = format!(
        "{:>5} % of {}, {} free",
        format!("{share:.1}"),
        units::bytes(host.memory_bytes as f64),
        units::bytes(host.memory_free_bytes as f64),
    );
    gauge(state, pen, "Mem", Some(share), &text);
}

/// How many domains there are, by their states.
fn domains(state: &State, sample: Sample<'_>, pen: &mut Pen<'_>) {
    let domains = &sample.snapshot.domains;
    pen.say(&format!("{} domains", domains.len()));
    let mut first = true;
    for one in [
        Domainly::Running,
        Domainly::Runnable,
        Domainly::Blocked,
        Domainly::Paused,
        Domainly::Shutdown,
        Domainly::Crashed,
        Domainly::Dying,
    ] {
        let count = domains
            .iter()
            .filter(|domain| domain.states.summary() == one)
            .count();
        if count > 0 {
            let style = role(one).map_or_else(Style::new, |role| state.style(role));
            pen.say(if first { ": " } else { ", " });
            pen.put(&format!("{count} {one}"), style);
            first = false;
        }
    }
    if state.skipped > 0 {
        let text = format!("  {} samples skipped", state.skipped);
        pen.put(&text, state.style(Role::Busy));
    }
}
