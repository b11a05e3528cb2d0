//! The page of one domain.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::table::device_rows::{drops, latency};
use super::text_page::TextPage;
use crate::rates::{DomainRates, Rate};
use crate::sample::{DomainSample, Sample};
use crate::snapshot::{Collect, DiskCounter, Domain, Identity, NicCounter, Snapshot};
use crate::text::{UNKNOWN, or_unknown, safe};
use crate::units;
use crate::view::domain::{memory, pair, scheduling, served, state, target, uuid};
use crate::view::pressure;
use crate::view::table::{Align, Table};
use crate::view::tui::action::{Action, Show};
use crate::view::tui::cells;
use crate::view::tui::context::{Context, Hint, SCHEDULER, VCPUS, Widget};
use crate::view::tui::glyphs::chart;
use crate::view::tui::history::Ring;
use crate::view::tui::theme::Role;
use crate::view::vcpus;

#[cfg(test)]
mod tests;

/// The most events on the page.
const MOST_EVENTS: usize = 8;

/// The page of one domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::view::tui) struct DomainPage {
    identity: Identity,
    text: TextPage,
}

impl DomainPage {
    /// What the page shows of its domain. Where vCPUs and the scheduler would be, it says itself that they are missing.
    pub(in crate::view::tui) const DETAILS: Collect = Collect {
        vcpus: false,
        affinities: false,
        scheduling: false,
        paging_pools: false,
        host: false,
        audit_inputs: false,
        state_times: false,
        ..Collect::ALL
    };

    /// Returns the page of the domain with this identity.
    pub(super) fn of(identity: Identity) -> Self {
        Self {
            identity,
            text: TextPage::default(),
        }
    }

    /// Returns the domain that it shows.
    pub(super) fn domain(&self) -> Identity {
        self.identity
    }

    /// Shows the domain that has the UUID of this one, if this one is gone: it was rebooted.
    fn follow(&mut self, context: Context<'_>) {
        let Some(Sample { snapshot, .. }) = context.sample else {
            return;
        };
        if snapshot.find(self.identity).is_none() {
            let mut domains = snapshot.domains.iter();
            let again = domains.find(|domain| domain.identity().uuid == self.identity.uuid);
            self.identity = again.map_or(self.identity, Domain::identity);
        }
    }
}

impl Widget for DomainPage {
    fn draw(&mut self, context: Context<'_>, buffer: &mut Buffer) {
        self.follow(context);
        let lines = lines(context, self.identity);
        self.text.draw(context, &lines, buffer);
    }

    fn key(&mut self, context: Context<'_>, code: KeyCode) -> Vec<Action> {
        match code {
            KeyCode::Esc | KeyCode::Enter | KeyCode::Backspace => vec![Action::Show(Show::Back)],
            KeyCode::Tab | KeyCode::Right => vec![Action::Show(Show::Neighbour(1))],
            KeyCode::BackTab | KeyCode::Left => vec![Action::Show(Show::Neighbour(-1))],
            _ => self.text.key(context, code),
        }
    }

    fn scroll(&mut self, lines: isize) {
        self.text.scroll(lines);
    }

    fn collect(&self) -> Collect {
        Collect {
            focus: Some(self.identity),
            ..Collect::default()
        }
    }

    fn hints(&self) -> &'static [Hint] {
        &[
            ("Esc", "back"),
            ("arrows", "scroll"),
            ("Tab", "next domain"),
            ("p", "pause"),
            ("?", "help"),
            ("q", "quit"),
        ]
    }
}

/// Returns the lines about the domain with this identity.
fn lines(context: Context<'_>, identity: Identity) -> Vec<Line<'static>> {
    let mut domains = context.sample.into_iter().flat_map(Sample::domains);
    let found = domains.find(|one| one.domain.identity() == identity);
    let Some(one) = found else {
        return vec![Line::styled(
            format!("domain {} is gone; Esc goes back", identity.id),
            context.style(Role::Busy),
        )];
    };
    let DomainSample {
        domain,
        rates,
        snapshot,
    } = one;
    let mut lines = vec![title(domain)];
    lines.extend(why(context, identity));
    lines.extend(facts(context, one));
    let serves = target(domain, snapshot);
    lines.extend(serves.map(|whom| labelled(context, "serves", whom)));
    lines.extend(charts(context, domain));
    let mut add = |what: &str, known: bool, collected: bool, table: Table| {
        let missing = match (known, collected) {
            (true, _) if !table.is_empty() => None,
            (true, _) => Some(format!("no {what}")),
            (false, true) => Some(format!("{what}: unknown")),
            (false, false) => Some(format!("{what}: {}", context.when_shown(what))),
        };
        lines.push(Line::default());
        match missing {
            None => lines.extend(rows(context, &table)),
            Some(text) => lines.push(Line::styled(text, context.style(Role::Dim))),
        }
    };
    let collected = snapshot.collected.of(identity);
    let vcpus = vcpus(one, context.is_traced());
    let (disks, nics) = (
        disks(domain, rates, snapshot),
        nics(domain, rates, snapshot),
    );
    add(VCPUS, domain.vcpus.is_some(), collected.vcpus, vcpus);
    add("disks", domain.disks.is_some(), collected.disks, disks);
    add("NICs", domain.nics.is_some(), collected.nics, nics);
    lines.extend(events(context, domain));
    lines
}

/// Returns the latest events of the domain, also of those before it with the same UUID, the newest first.
fn events(context: Context<'_>, domain: &Domain) -> Vec<Line<'static>> {
    let news = context.news.newest_first();
    let uuid = domain.identity().uuid;
    let own = news.filter(|event| event.domain.is_some_and(|one| one.uuid == uuid));
    let mut lines: Vec<Line<'static>> = own
        .take(MOST_EVENTS)
        .map(|event| super::events::shown(context, event))
        .collect();
    if !lines.is_empty() {
        lines.insert(0, Line::default());
    }
    lines
}

/// Returns a line with a label and a text.
fn labelled(context: Context<'_>, label: &str, text: impl Into<String>) -> Line<'static> {
    Line::from(vec![
        Span::styled(format!("{label:<10} "), context.style(Role::Accent)),
        Span::raw(text.into()),
    ])
}

/// Returns a line for each reason why the domain suffers.
fn why(context: Context<'_>, identity: Identity) -> Vec<Line<'static>> {
    let mut found = Vec::new();
    if let Some(sample) = context.sample {
        let mut all = sample.domains().enumerate();
        if let Some((place, one)) = all.find(|(_, one)| one.domain.identity() == identity) {
            let reasons = crate::pressure::of(sample, place, one).reasons;
            let style = context.style(Role::Busy);
            found.extend(
                reasons
                    .iter()
                    .map(|reason| Line::styled(format!("! {}", pressure::reason(reason)), style)),
            );
        }
    }
    found
}

fn title(domain: &Domain) -> Line<'static> {
    let text = format!("{} (domain {})", cells::name(domain), domain.id);
    Line::styled(text, Style::new().add_modifier(Modifier::BOLD))
}

fn facts(context: Context<'_>, one: DomainSample<'_>) -> Vec<Line<'static>> {
    let DomainSample {
        domain,
        rates,
        snapshot,
    } = one;
    let cpu = format!(
        "{} % of one pCPU, {} % of its vCPUs, {:.1} s in all",
        units::percent(rates.cpu_percent),
        units::percent(rates.cpu_percent_of_vcpus),
        domain.cpu_time_ns as f64 / 1e9,
    );
    let state = format!(
        "{}, {}, {} of {} vCPUs online",
        domain.kind,
        state(domain),
        domain.vcpus_online,
        domain.vcpus_max
    );
    let memory = memory(domain, |bytes| units::bytes(bytes as f64));
    let has_scheduling = snapshot.collected.of(domain.identity()).scheduling;
    let missing = (!has_scheduling).then(|| context.when_shown(SCHEDULER));
    vec![
        labelled(context, "state", state),
        labelled(context, "uuid", uuid(domain)),
        labelled(context, "CPU", cpu),
        labelled(context, "memory", memory),
        labelled(context, SCHEDULER, scheduling(domain, missing)),
    ]
}

/// Returns the charts of recent CPU, memory, disk and network use: one line each, or four if the
/// screen has 40 lines or more and the figure changes.
fn charts(context: Context<'_>, domain: &Domain) -> Vec<Line<'static>> {
    let Some(past) = context.histories.of(domain.identity()) else {
        return Vec::new();
    };
    let height = match context.screen.height {
        0..40 => 1,
        _ => 4,
    };
    let width = usize::from(context.area.width).saturating_sub(26);
    let vcpus = 100.0 * domain.vcpus_online.max(1) as f32;
    let full = domain.memory_max_bytes.unwrap_or(domain.memory_bytes) as f32;
    let percent = |value: f32| {
        units::percent(Some(Rate {
            value: f64::from(value),
            uncertainty: 0.0,
        })) + " %"
    };
    let bytes = |value: f32| units::bytes(f64::from(value));
    let rate = |value: f32| units::bytes(f64::from(value)) + "/s";
    let mut lines = Vec::new();
    let mut add = |label: &str, ring: &Ring, full: Option<f32>, show: &dyn Fn(f32) -> String| {
        let greatest = ring.last(width).flatten().reduce(f32::max);
        let full = full.or(greatest).unwrap_or(0.0);
        if !context.draws() {
            let mean = or_unknown(ring.mean(), |mean| show(mean as f32));
            let most = or_unknown(ring.peak(), |most| show(most as f32));
            let text = format!("mean {mean}, most {most}");
            return lines.push(labelled(context, label, text));
        }
        let least = ring.last(width).flatten().reduce(f32::min);
        // A figure that does not change needs no height.
        let height = if least == greatest { 1 } else { height };
        let rows = chart(ring.last(width), full, height, context.terminal.unicode);
        for (row, text) in rows.into_iter().enumerate() {
            let label = if row == 0 { label } else { "" };
            let mut spans = vec![
                Span::styled(format!("{label:<10} "), context.style(Role::Accent)),
                Span::styled(text, context.style(Role::Calm)),
            ];
            if row == 0 {
                let most = or_unknown(greatest, show);
                spans.push(Span::styled(
                    format!(" most {most}"),
                    context.style(Role::Dim),
                ));
            }
            lines.push(Line::from(spans));
        }
    };
    add("CPU", &past.cpu, Some(vcpus), &percent);
    add("memory", &past.memory, Some(full), &bytes);
    add("disk", &past.disk, None, &rate);
    add("net", &past.net, None, &rate);
    lines
}

/// Returns the lines of a table, the heading in colour.
fn rows(context: Context<'_>, table: &Table) -> Vec<Line<'static>> {
    let text = table.render(Some(usize::from(context.area.width)));
    let mut lines = Vec::new();
    for (row, line) in text.lines().enumerate() {
        let style = match row {
            0 => context.style(Role::Accent),
            _ => Style::new(),
        };
        lines.push(Line::styled(line.to_owned(), style));
    }
    lines
}

fn vcpus(one: DomainSample<'_>, traced: bool) -> Table {
    let vcpus = one.vcpus().into_iter().flatten();
    Table::of(
        &vcpus::heads(traced),
        vcpus.map(|vcpu| vcpus::row(vcpu, traced)),
    )
}

fn disks(domain: &Domain, rates: &DomainRates, snapshot: &Snapshot) -> Table {
    let mut table = Table::new(&[
        ("DISK", Align::Yielding),
        ("BACKEND", Align::Left),
        ("RD/s", Align::Right),
        ("WR/s", Align::Right),
        ("LATENCY", Align::Right),
        ("NO SLOT/s", Align::Right),
        ("ERRORS", Align::Right),
        ("READS/s", Align::Right),
        ("WRITES/s", Align::Right),
        ("READ", Align::Right),
        ("WRITTEN", Align::Right),
    ]);
    let bytes = |bytes: Option<u64>| or_unknown(bytes, |bytes| units::bytes(bytes as f64));
    for (disk, rates) in domain.disks.iter().flatten().zip(&rates.disks) {
        table.row(vec![
            safe(&disk.device).into_owned(),
            served(disk.backend.name(), disk.backend_domain, snapshot),
            units::rate(rates[DiskCounter::ReadBytes]),
            units::rate(rates[DiskCounter::WriteBytes]),
            latency(rates),
            units::count(rates[DiskCounter::OutOfSlots]),
            or_unknown(disk[DiskCounter::Errors], |errors| errors.to_string()),
            units::count(rates[DiskCounter::ReadRequests]),
            units::count(rates[DiskCounter::WriteRequests]),
            bytes(disk[DiskCounter::ReadBytes]),
            bytes(disk[DiskCounter::WriteBytes]),
        ]);
    }
    table
}

fn nics(domain: &Domain, rates: &DomainRates, snapshot: &Snapshot) -> Table {
    let mut table = Table::new(&[
        ("NIC", Align::Right),
        ("DEVICE", Align::Yielding),
        ("RX/s", Align::Right),
        ("TX/s", Align::Right),
        ("DROP/s", Align::Right),
        ("DROPS", Align::Right),
        ("ERRORS", Align::Right),
        ("RECEIVED", Align::Right),
        ("SENT", Align::Right),
        ("MAC", Align::Left),
    ]);
    let bytes = |bytes: Option<u64>| or_unknown(bytes, |bytes| units::bytes(bytes as f64));
    for (nic, rates) in domain.nics.iter().flatten().zip(&rates.nics) {
        table.row(vec![
            nic.id.to_string(),
            served(&nic.device, nic.backend_domain, snapshot),
            units::rate(rates[NicCounter::RxBytes]),
            units::rate(rates[NicCounter::TxBytes]),
            drops(rates),
            pair(nic[NicCounter::RxDrops], nic[NicCounter::TxDrops]),
            pair(nic[NicCounter::RxErrors], nic[NicCounter::TxErrors]),
            bytes(nic[NicCounter::RxBytes]),
            bytes(nic[NicCounter::TxBytes]),
            safe(nic.mac.as_deref().unwrap_or(UNKNOWN)).into_owned(),
        ]);
    }
    table
}
