//! The host, above the table.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use crate::rates::Rate;
use crate::snapshot::{DomainState, Snapshot};
use crate::text::{columns, or_unknown, safe};
use crate::units;
use crate::view::Sample;
use crate::view::tui::app::App;
use crate::view::tui::glyphs::{bar, history};
use crate::view::tui::pen::{Part, Pen};
use crate::view::tui::theme::{Role, load, role};

pub(super) fn draw(state: &App, area: Rect, buffer: &mut Buffer) {
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
    let lines: [fn(&App, Sample<'_>, &mut Pen<'_>); 4] = [host, cpu, memory, domains];
    for (line, draw) in (0..).zip(lines) {
        if let Some(mut pen) = Pen::new(buffer, area, line) {
            draw(state, sample, &mut pen);
        }
    }
}

/// The host in one line.
fn brief(state: &App, sample: Sample<'_>, pen: &mut Pen<'_>) {
    let host = &sample.snapshot.host;
    let mut parts = Vec::new();
    if state.is_paused() {
        parts.push(paused(5));
    }
    let busy = units::percent(sample.rates.host.cpu_percent);
    let free = units::bytes(host.memory_free_bytes as f64);
    let domains = sample.snapshot.domains.len();
    parts.extend([
        Part::new("  ", format!("CPU {busy}%"), 4),
        Part::new("  ", format!("{free} free"), 3),
        Part::new("  ", format!("{domains} domains"), 2),
        Part::new("  ", measured(sample), 0),
    ]);
    parts.extend(skipped(state, 1));
    pen.put_parts(parts);
}

fn paused(stays: u8) -> Part {
    let style = Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD);
    Part::new("  ", " PAUSED ", stays).styled(style)
}

fn skipped(state: &App, stays: u8) -> Option<Part> {
    let text = match state.skipped {
        0 => return None,
        1 => "1 sample skipped".to_owned(),
        samples => format!("{samples} samples skipped"),
    };
    Some(Part::new("  ", text, stays).styled(state.style(Role::Busy)))
}

/// The interval as it was.
fn measured(sample: Sample<'_>) -> String {
    let seconds = or_unknown(sample.rates.interval_ns, |ns| {
        format!("{:.2} s", ns as f64 / 1e9)
    });
    format!("over {seconds}")
}

/// Which Xen, and when this was.
fn host(state: &App, sample: Sample<'_>, pen: &mut Pen<'_>) {
    let accent = state.style(Role::Accent).add_modifier(Modifier::BOLD);
    let version = format!("Xen {}", safe(&sample.snapshot.host.xen_version));
    let mut parts = vec![
        Part::new("", "xenscope", 1).styled(accent),
        Part::new("  ", version, 4),
    ];
    parts.extend(schedulers(sample.snapshot).map(|names| Part::new("  ", names, 2)));
    if state.is_paused() {
        parts.push(paused(7));
    }
    let time = sample.snapshot.time;
    let every = state.settings.interval.as_secs_f64();
    let right = [
        Part::new("  ", time.strftime("%Y-%m-%d").to_string(), 0),
        Part::new(" ", time.strftime("%H:%M:%S UTC").to_string(), 5),
        Part::new("  ", measured(sample), 6),
        Part::new(", ", format!("every {every} s"), 3),
    ];
    parts.extend(right.map(Part::on_the_right));
    pen.put_parts(parts);
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
fn gauge(state: &App, pen: &mut Pen<'_>, label: &str, percent: Option<f64>, parts: Vec<Part>) {
    let width = (pen.room() / 4).clamp(5, 40);
    if pen.room() < columns(label) + " [] ".len() + width {
        return;
    }
    pen.put(label, state.style(Role::Accent)).say(" [");
    let mut free = width;
    if let Some(percent) = percent {
        let bar = bar(percent / 100.0, width, state.terminal.unicode);
        pen.put(&bar, state.style(load(percent)));
        free = width.saturating_sub(columns(&bar));
    }
    pen.skip(free).say("] ").put_parts(parts);
}

fn cpu(state: &App, sample: Sample<'_>, pen: &mut Pen<'_>) {
    let busy = sample.rates.host.cpu_percent;
    let parts = vec![
        Part::new("", format!("{:>5} %", units::percent(busy)), 1),
        Part::new(" ", format!("of {} pCPUs", sample.snapshot.host.pcpus), 0),
    ];
    let share = busy.map(|busy: Rate| busy.value);
    gauge(state, pen, "CPU", share, parts);
    pen.say("  ");
    let past = state.histories().cpu.last(pen.room());
    let line = history(past, 100.0, state.terminal.unicode);
    pen.put(&line, state.style(Role::Calm));
}

fn memory(state: &App, sample: Sample<'_>, pen: &mut Pen<'_>) {
    let host = &sample.snapshot.host;
    let used = host.memory_bytes.saturating_sub(host.memory_free_bytes);
    let share = 100.0 * used as f64 / (host.memory_bytes as f64).max(1.0);
    let free = units::bytes(host.memory_free_bytes as f64);
    let parts = vec![
        Part::new("", format!("{:>5} %", format!("{share:.1}")), 2),
        Part::new(
            " ",
            format!("of {}", units::bytes(host.memory_bytes as f64)),
            0,
        ),
        Part::new(", ", format!("{free} free"), 1),
    ];
    gauge(state, pen, "Mem", Some(share), parts);
}

/// How many domains there are, by their states. What went wrong stays the longest.
fn domains(state: &App, sample: Sample<'_>, pen: &mut Pen<'_>) {
    let domains = &sample.snapshot.domains;
    let mut parts = vec![Part::new("", format!("{} domains", domains.len()), 9)];
    for (one, stays) in [
        (DomainState::Running, 3),
        (DomainState::Runnable, 2),
        (DomainState::Blocked, 1),
        (DomainState::Paused, 4),
        (DomainState::Shutdown, 5),
        (DomainState::Crashed, 7),
        (DomainState::Dying, 6),
    ] {
        let count = domains
            .iter()
            .filter(|domain| domain.states.summary() == one)
            .count();
        if count > 0 {
            let lead = if parts.len() == 1 { ": " } else { ", " };
            let style = role(one).map_or_else(Style::new, |role| state.style(role));
            parts.push(Part::new(lead, format!("{count} {one}"), stays).styled(style));
        }
    }
    parts.extend(skipped(state, 8));
    pen.put_parts(parts);
}
