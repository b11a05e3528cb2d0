//! The header: the host, in the first lines of the screen.

use ratatui::buffer::Buffer;
use ratatui::style::{Modifier, Style};

use crate::rates::DomainRates;
use crate::snapshot::{DomainState, Snapshot};
use crate::text::{UNKNOWN, columns, or_unknown, safe, shortened};
use crate::units;
use crate::view::Sample;
use crate::view::pressure;
use crate::view::tui::cells;
use crate::view::tui::context::{Context, Shown};
use crate::view::tui::digest::Total;
use crate::view::tui::glyphs::{bar, history};
use crate::view::tui::pen::{Part, Pen};
use crate::view::tui::theme::{Role, loss, role};

/// The most domains that the header names.
const MOST_NAMED: u8 = 40;

/// The widest name in the header.
const NAME_WIDTH: usize = 24;

/// The number of queued vCPUs, in the mean, from which it is marked.
const WORTH_MARKING: f64 = 0.5;

/// For how many samples the header says that samples were skipped.
const SKIPPED_IS_NEW: u64 = 20;

/// The header: six lines, or fewer on a small screen.
#[derive(Clone, Debug, Default)]
pub(in crate::view::tui) struct Header {
    /// The number of samples skipped because the previous one took too long.
    skipped: u64,
    /// The number of samples since.
    since_skipped: u64,
}

/// A line of the header.
#[derive(Clone, Copy)]
enum Line {
    Host,
    Cpu,
    Memory,
    Devices,
    Hurt,
    Domains,
}
use Line::{Cpu, Devices, Domains, Host, Hurt, Memory};

impl Header {
    /// Counts skipped samples.
    pub(in crate::view::tui) fn skip(&mut self, samples: u64) {
        self.skipped += samples;
        self.since_skipped = 0;
    }

    /// Counts a sample.
    pub(in crate::view::tui) fn sampled(&mut self) {
        self.since_skipped += 1;
        if self.since_skipped > SKIPPED_IS_NEW {
            self.skipped = 0;
        }
    }

    /// Returns the number of lines on a screen of this height.
    pub(super) fn height(screen: u16) -> u16 {
        match screen {
            0..4 => 0,
            4..16 => 1,
            16..30 => 4,
            _ => 6,
        }
    }

    /// Draws as many lines as the area has.
    pub(super) fn draw(&self, context: Context<'_>, buffer: &mut Buffer) {
        let lines: &[Line] = match context.area.height {
            ..4 => &[],
            4..6 => &[Host, Cpu, Memory, Hurt],
            _ => &[Host, Cpu, Memory, Devices, Hurt, Domains],
        };
        let Some(sample) = context.sample else {
            if let Some(mut pen) = Pen::new(buffer, context.area, 0) {
                pen.say("xenscope: waiting for the first sample");
            }
            return;
        };
        if let Some(mut pen) = Pen::new(buffer, context.area, 0).filter(|_| lines.is_empty()) {
            self.brief(context, sample, &mut pen);
        }
        for (y, line) in (0..).zip(lines) {
            let Some(mut pen) = Pen::new(buffer, context.area, y) else {
                return;
            };
            match line {
                Host => host(context, sample, &mut pen),
                Cpu => cpu(context, sample, &mut pen),
                Memory => memory(context, sample, &mut pen),
                Devices => devices(context, &mut pen),
                Hurt => hurt(context, sample, self.skipped(context, 1), &mut pen),
                Domains => domains(context, sample, &mut pen),
            }
        }
    }

    /// Draws the host in one line.
    fn brief(&self, context: Context<'_>, sample: Sample<'_>, pen: &mut Pen<'_>) {
        let host = &sample.snapshot.host;
        let mut parts = Vec::new();
        parts.extend(not_now(context, 5));
        let busy = units::percent(sample.rates.host.cpu_percent);
        let free = units::bytes(host.memory_free_bytes as f64);
        let domains = sample.snapshot.domains.len();
        parts.extend([Part::new("  ", format!("CPU {busy}%"), 4)]);
        let hurt = context.digest.sufferers.len();
        parts.extend(
            (hurt > 0).then(|| {
                Part::new("  ", format!("{hurt} hurt"), 5).styled(context.style(Role::Busy))
            }),
        );
        parts.extend([
            Part::new("  ", format!("{free} free"), 3),
            Part::new("  ", units::counted(domains, "domain"), 2),
            Part::new("  ", measured(sample), 0),
        ]);
        parts.extend(self.skipped(context, 1));
        pen.put_parts(parts);
    }

    fn skipped(&self, context: Context<'_>, priority: u8) -> Option<Part> {
        let text = match self.skipped {
            0 => return None,
            1 => "1 sample skipped".to_owned(),
            samples => format!("{samples} samples skipped"),
        };
        Some(Part::new("  ", text, priority).styled(context.style(Role::Busy)))
    }
}

/// Draws the number of domains, in total and by state. Failure states are dropped last.
fn domains(context: Context<'_>, sample: Sample<'_>, pen: &mut Pen<'_>) {
    let domains = &sample.snapshot.domains;
    let mut parts = vec![Part::new("", units::counted(domains.len(), "domain"), 9)];
    for (one, priority) in [
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
            let style = role(one).map_or_else(Style::new, |role| context.style(role));
            parts.push(Part::new(lead, format!("{count} {one}"), priority).styled(style));
        }
    }
    pen.put_parts(parts);
}

/// Returns the mark of a sample that is not the newest one.
fn not_now(context: Context<'_>, priority: u8) -> Option<Part> {
    let (text, style) = match context.shown {
        Shown::Newest => return None,
        Shown::Paused => (" PAUSED ", Style::new()),
        Shown::Past { plays: false } => (" THE PAST ", context.style(Role::Alarm)),
        Shown::Past { plays: true } => (" THE PAST, PLAYING ", context.style(Role::Alarm)),
    };
    let style = style.add_modifier(Modifier::REVERSED | Modifier::BOLD);
    Some(Part::new("  ", text, priority).styled(style))
}

/// Returns the measured interval, or `over -` before the second sample.
fn measured(sample: Sample<'_>) -> String {
    let seconds = or_unknown(sample.rates.interval_ns, |ns| {
        format!("{:.2} s", ns as f64 / 1e9)
    });
    format!("over {seconds}")
}

/// Draws the Xen version, the schedulers, and the time of the sample.
fn host(context: Context<'_>, sample: Sample<'_>, pen: &mut Pen<'_>) {
    let accent = context.style(Role::Accent).add_modifier(Modifier::BOLD);
    let version = format!("Xen {}", safe(&sample.snapshot.host.xen_version));
    let mut parts = vec![
        Part::new("", "xenscope", 1).styled(accent),
        Part::new("  ", version, 4),
    ];
    parts.extend(schedulers(sample.snapshot).map(|names| Part::new("  ", names, 2)));
    parts.extend(not_now(context, 7));
    // Of the past, the day matters more than what was measured.
    let day = match context.shown {
        Shown::Past { .. } => 6,
        Shown::Newest | Shown::Paused => 0,
    };
    let time = sample.snapshot.time;
    let every = context.settings.interval.as_secs_f64();
    let right = [
        Part::new("  ", context.local(time, "%Y-%m-%d"), day),
        Part::new(" ", context.local(time, "%H:%M:%S %Z"), 5),
        Part::new("  ", measured(sample), 6),
    ];
    let comes_again = context.shown != Shown::Past { plays: false };
    let every = comes_again.then(|| Part::new(", ", format!("every {every} s"), 3));
    parts.extend(right.into_iter().chain(every).map(Part::on_the_right));
    pen.put_parts(parts);
}

/// Returns the schedulers of all pools, without duplicates; `None` if the pools are unknown.
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

/// Draws a label, a bar, and the parts that fit after it.
fn gauge(
    context: Context<'_>,
    pen: &mut Pen<'_>,
    label: &str,
    percent: Option<f64>,
    parts: Vec<Part>,
) {
    if !context.draws() {
        pen.put(label, context.style(Role::Accent)).say(" ");
        pen.put_parts(parts);
        return;
    }
    let width = (pen.room() / 4).clamp(5, 40);
    if pen.room() < columns(label) + " [] ".len() + width {
        return;
    }
    pen.put(label, context.style(Role::Accent)).say(" [");
    let mut free = width;
    if let Some(percent) = percent {
        let bar = bar(percent / 100.0, width, context.terminal.unicode);
        pen.put(&bar, context.style(Role::Calm));
        free = width.saturating_sub(columns(&bar));
    }
    pen.skip(free).say("] ").put_parts(parts);
}

fn cpu(context: Context<'_>, sample: Sample<'_>, pen: &mut Pen<'_>) {
    let (rates, pcpus) = (&sample.rates.host, sample.snapshot.host.pcpus);
    let vcpus = context.digest.vcpus;
    let mut parts = vec![
        Part::new("", format!("{:>5} %", units::percent(rates.cpu_percent)), 5),
        Part::new(
            " ",
            format!("of {}", units::counted(pcpus as usize, "pCPU")),
            4,
        ),
        Part::new("  ", units::counted(vcpus as usize, "vCPU"), 1),
    ];
    if pcpus > 0 {
        let share = vcpus as f64 / f64::from(pcpus);
        parts.push(Part::new(" ", format!("({share:.1}:1)"), 0));
    }
    parts.extend(rates.ready_vcpus.map(|queued| {
        let part = Part::new("  ", format!("{:.1} queued", queued.value), 3);
        match queued.value >= WORTH_MARKING {
            true => part.styled(context.style(Role::Busy)),
            false => part,
        }
    }));
    parts.extend(rates.dom0_steal_percent.map(|steal| {
        let part = Part::new("  ", format!("dom0 steal {:.0}%", steal.value), 2);
        match loss(steal.value) {
            Some(role) => part.styled(context.style(role)),
            None => part,
        }
    }));
    gauge(
        context,
        pen,
        "CPU",
        rates.cpu_percent.map(|busy| busy.value),
        parts,
    );
    if !context.draws() {
        return;
    }
    pen.say("  ");
    let past = context.histories.cpu.last(pen.room());
    let line = history(past, 100.0, context.terminal.unicode);
    pen.put(&line, context.style(Role::Calm));
}

fn memory(context: Context<'_>, sample: Sample<'_>, pen: &mut Pen<'_>) {
    let host = &sample.snapshot.host;
    let used = host.memory_bytes.saturating_sub(host.memory_free_bytes);
    let share = 100.0 * used as f64 / (host.memory_bytes as f64).max(1.0);
    let free = units::bytes(host.memory_free_bytes as f64);
    let mut parts = vec![
        Part::new("", format!("{:>5} %", format!("{share:.1}")), 3),
        Part::new(
            " ",
            format!("of {}", units::bytes(host.memory_bytes as f64)),
            0,
        ),
        Part::new(", ", format!("{free} free"), 2),
    ];
    let digest = context.digest;
    if digest.short > 0 {
        let bytes = units::bytes(digest.short_bytes as f64);
        let text = format!("{} below target, {bytes} short", digest.short);
        parts.push(Part::new("   ", text, 1).styled(context.style(Role::Busy)));
    }
    gauge(context, pen, "Mem", Some(share), parts);
}

/// Draws what all NICs and disks do together.
fn devices(context: Context<'_>, pen: &mut Pen<'_>) {
    let digest = context.digest;
    let bytes = |total: Total| of(total, |value| units::bytes(value) + "/s");
    let ([rx, tx], [read, written]) = (digest.net.map(bytes), digest.disk.map(bytes));
    let mut parts = vec![
        Part::new(" ", format!("net {rx} rx {tx} tx"), 3),
        Part::new("   ", format!("disk {read} rd {written} wr"), 2),
    ];
    let mut losses = |name: &str, total: Total, priority| {
        let count = of(total, |value| units::few(value) + "/s");
        let part = Part::new("   ", format!("{name} {count}"), priority);
        parts.push(match total.known {
            Some(value) if value > 0.0 => part.styled(context.style(Role::Busy)),
            _ => part,
        });
    };
    losses("drops", digest.drops, 1);
    losses("no slot", digest.no_slots, 0);
    parts.insert(
        0,
        Part::new("", "I/O", 3).styled(context.style(Role::Accent)),
    );
    pen.put_parts(parts);
}

/// Formats a total; a sum without those that are unknown begins with `>`.
fn of(total: Total, text: impl FnOnce(f64) -> String) -> String {
    match (total.known, total.is_partial) {
        (None, _) => UNKNOWN.to_owned(),
        (Some(0.0), true) => UNKNOWN.to_owned(),
        (Some(0.0), false) => "0/s".to_owned(),
        (Some(value), false) => text(value),
        (Some(value), true) => format!(">{}", text(value)),
    }
}

/// Draws who suffers, the worst first, with the first reason of each.
fn hurt(context: Context<'_>, sample: Sample<'_>, skipped: Option<Part>, pen: &mut Pen<'_>) {
    let found = &context.digest.sufferers;
    let domains = sample.snapshot.domains.len();
    let label = Part::new("", "HURT", u8::MAX).styled(context.style(Role::Accent));
    let count = match found.len() {
        // Rates need two samples.
        0 if sample.rates.interval_ns.is_none() => format!("- of {domains}"),
        0 => format!("none of {domains}"),
        count => format!("{count} of {domains}:"),
    };
    let mut parts = vec![label, Part::new(" ", count, u8::MAX)];
    let is_known = |rates: &DomainRates| rates.states.ready_percent.is_some();
    if !context.is_traced() && !sample.rates.domains.iter().any(is_known) {
        let text = match context.is_past() {
            true => "(CPU waits not recorded)",
            false => "(CPU waits not measured: R)",
        };
        // Where nobody is named, this says what that means.
        let priority = if found.is_empty() { u8::MAX } else { 0 };
        parts.push(Part::new(" ", text, priority).styled(context.style(Role::Dim)));
    }
    for (one, rank) in found.iter().zip(1..MOST_NAMED) {
        let name = cells::name(&sample.snapshot.domains[one.place]);
        let why = one.reasons.first().map(pressure::brief).unwrap_or_default();
        let text = format!("{} {why}", shortened(&name, NAME_WIDTH));
        let lead = if rank == 1 { " " } else { ", " };
        let role = loss(one.severity()).unwrap_or(Role::Busy);
        parts.push(Part::new(lead, text, u8::MAX - rank).styled(context.style(role)));
    }
    parts.extend(skipped);
    pen.put_parts(parts);
}

#[cfg(test)]
mod tests {
    use crate::fixtures::{at_work, full};
    use crate::snapshot::ShutdownReason;
    use crate::view::tui::Settings;
    use crate::view::tui::testing::{app, keys, lines, take, words};

    #[test]
    fn words_are_never_cut() {
        let mut app = app(Settings::default());
        let (old, mut new) = at_work(12);
        new.host.xen_version = "4.20.5-pre".into();
        new.host = full(new.host);
        new.domains[3].states.shutdown = Some(ShutdownReason::Crash);
        take(&mut app, old);
        take(&mut app, new);
        for typed in ["", "p"] {
            keys(&mut app, typed);
            for (height, header) in [(24, 4), (10, 1)] {
                let whole = words(&lines(&mut app, 140, height)[..header]);
                for width in 0..140 {
                    let shown = words(&lines(&mut app, width, height)[..header]);
                    for word in shown {
                        // A comma or colon belongs to the part after it.
                        let bare = |word: &str| word.trim_end_matches([',', ':']).to_owned();
                        let known = |one: &String| bare(one) == bare(&word);
                        assert!(whole.iter().any(known), "{width}: {word} of {whole:?}");
                    }
                }
            }
            app.skip(12);
        }
        keys(&mut app, "p");
        for (width, line) in [
            (
                80,
                "xenscope Xen 4.20.5-pre credit2 00:00:00 UTC over 1.00 s, every 3 s",
            ),
            (
                65,
                "Xen 4.20.5-pre credit2 00:00:00 UTC over 1.00 s, every 3 s",
            ),
            (59, "Xen 4.20.5-pre 00:00:00 UTC over 1.00 s, every 3 s"),
            (40, "00:00:00 UTC over 1.00 s"),
            (12, "over 1.00 s"),
            (10, ""),
        ] {
            let shown = lines(&mut app, width, 24);
            let shown: Vec<&str> = shown[0].split_whitespace().collect();
            assert_eq!(shown.join(" "), line);
        }
    }
}
