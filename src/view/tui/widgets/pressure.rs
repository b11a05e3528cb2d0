//! The page of the domains that suffer, the worst first.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::layout::Position;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::text_page::TextPage;
use crate::pressure::{DISK_COUNTERS, Pressure};
use crate::rates::DomainRates;
use crate::snapshot::{Collect, Identity};
use crate::text::{columns, or_unknown, shortened};
use crate::view::Sample;
use crate::view::pressure;
use crate::view::tui::action::{Action, Show};
use crate::view::tui::cells;
use crate::view::tui::context::{Context, Hint, Widget};
use crate::view::tui::theme::{Role, loss};

/// The widest name.
const NAME_WIDTH: usize = 24;

/// The columns before the name.
const BEFORE: usize = 6;

/// The blanks before the reasons.
const AFTER: usize = 2;

/// A column: its title, its width, and its figure in per cent.
type Figure = (
    &'static str,
    usize,
    fn(&Pressure, &DomainRates) -> Option<f64>,
);

/// The columns between the name and the reasons.
const FIGURES: [Figure; 4] = [
    ("LOST %", 7, |one, _| one.lost_percent),
    ("CPU %", 8, |_, rates| Some(rates.cpu_percent?.value)),
    ("READY %", 8, |_, rates| {
        Some(rates.states.ready_percent?.value)
    }),
    ("THR %", 8, |_, rates| {
        Some(rates.states.throttled_percent?.value)
    }),
];

/// The least width of the reasons: there are fewer columns in a narrower page.
const REASONS: usize = 20;

/// The lines above the domains: one in words, and the titles.
const ABOVE: usize = 2;

/// The page of the domains that suffer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PressurePage {
    /// The chosen line.
    chosen: usize,
    text: TextPage,
}

impl Widget for PressurePage {
    fn draw(&mut self, context: Context<'_>, buffer: &mut Buffer) {
        let Some(sample) = context.sample else {
            return;
        };
        let found = &context.digest.sufferers;
        self.chosen = self.chosen.min(found.len().saturating_sub(1));
        let mut lines = lines(context, sample, found);
        let at = self.chosen + ABOVE;
        if let Some(line) = lines.get_mut(at) {
            line.style = Style::new().add_modifier(Modifier::REVERSED);
        }
        // In one or two lines, there is no room for what is above the domains.
        self.text.keep_visible(at, self.chosen, context.area.height);
        self.text.draw(context, &lines, buffer);
    }

    fn key(&mut self, context: Context<'_>, code: KeyCode) -> Vec<Action> {
        let page = context.page();
        match code {
            KeyCode::Up | KeyCode::Char('k') => self.chosen = self.chosen.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.chosen = self.chosen.saturating_add(1),
            KeyCode::PageUp => self.chosen = self.chosen.saturating_sub(page),
            KeyCode::PageDown => self.chosen = self.chosen.saturating_add(page),
            KeyCode::Home | KeyCode::Char('g') => self.chosen = 0,
            KeyCode::End | KeyCode::Char('G') => self.chosen = usize::MAX,
            KeyCode::Esc | KeyCode::Backspace => return vec![Action::Show(Show::Table)],
            KeyCode::Enter => return self.page_of(context, self.chosen),
            _ => {}
        }
        Vec::new()
    }

    fn scroll(&mut self, lines: isize) {
        self.chosen = self.chosen.saturating_add_signed(lines);
    }

    fn chosen_line(&self, context: Context<'_>) -> Option<usize> {
        let is_one = !context.digest.sufferers.is_empty();
        is_one.then(|| (self.chosen + ABOVE).saturating_sub(self.text.above()))
    }

    fn click(&mut self, context: Context<'_>, at: Position) -> Vec<Action> {
        let line = usize::from(at.y.saturating_sub(context.area.y)) + self.text.above();
        if let Some(chosen) = line.checked_sub(ABOVE) {
            self.chosen = chosen;
        }
        Vec::new()
    }

    fn collect(&self) -> Collect {
        Collect {
            targets: true,
            host: true,
            nic_counters: true,
            ..Collect::default()
        }
        .with_disk_counters(&DISK_COUNTERS)
    }

    fn hints(&self) -> &'static [Hint] {
        &[
            ("w", "back"),
            ("Enter", "detail"),
            ("R", "ready time"),
            ("p", "pause"),
            ("?", "help"),
            ("q", "quit"),
        ]
    }
}

impl PressurePage {
    /// Chooses the domain `by` lines after this one, or after the chosen line if this one no longer suffers. Returns it;
    /// `None` if there is none.
    pub(super) fn neighbour(
        &mut self,
        context: Context<'_>,
        domain: Identity,
        by: isize,
    ) -> Option<Identity> {
        let mut lines = 0..context.digest.sufferers.len();
        let now = lines.find(|&line| domain_in(context, line) == Some(domain));
        let next = now.unwrap_or(self.chosen).checked_add_signed(by)?;
        let found = domain_in(context, next)?;
        self.chosen = next;
        Some(found)
    }

    /// Returns the action that shows the page of the domain in this line.
    fn page_of(&self, context: Context<'_>, line: usize) -> Vec<Action> {
        let show = |identity| Action::Show(Show::Domain(identity));
        domain_in(context, line).map(show).into_iter().collect()
    }
}

/// Returns the domain in this line; `None` if there is none.
fn domain_in(context: Context<'_>, line: usize) -> Option<Identity> {
    let place = context.digest.sufferers.get(line)?.place;
    let domain = context.sample?.snapshot.domains.get(place)?;
    Some(domain.identity())
}

fn lines(context: Context<'_>, sample: Sample<'_>, found: &[Pressure]) -> Vec<Line<'static>> {
    let mut lines = vec![summary(context, sample, found.len())];
    if found.is_empty() {
        return lines;
    }
    let name = |one: &Pressure| cells::name(&sample.snapshot.domains[one.place]);
    let widest = found.iter().map(|one| columns(&name(one))).max();
    let width = widest.unwrap_or(0).clamp(4, NAME_WIDTH);
    let figures = figures(context, sample, found, width);
    let mut titles = format!("{:>5} {:<width$}", "ID", "NAME");
    for &(title, width, _) in &figures {
        titles.push_str(&format!("{title:>width$}"));
    }
    titles.push_str("  WHY");
    lines.push(Line::styled(
        titles,
        Style::new().add_modifier(Modifier::REVERSED),
    ));
    let line = |one| line(context, sample, one, (width, &figures));
    lines.extend(found.iter().map(line));
    lines
}

/// Returns a line in words: how many domains suffer, and whether ready time is measured.
fn summary(context: Context<'_>, sample: Sample<'_>, count: usize) -> Line<'static> {
    let traced = sample.snapshot.collected.state_times;
    let domains = match count {
        0 if sample.rates.interval_ns.is_none() => "with the next sample".to_owned(),
        0 => "no domain hurts".to_owned(),
        1 => "1 domain hurts".to_owned(),
        count => format!("{count} domains hurt"),
    };
    let ready = match (traced, sample.rates.host.ready_vcpus) {
        (false, _) => context.without_ready().to_owned(),
        (true, None) => "ready time: with the next sample, or lost".to_owned(),
        (true, Some(mean)) => {
            let most = sample
                .snapshot
                .host
                .trace
                .and_then(|trace| trace.most_ready);
            let most = or_unknown(most, |most| most.to_string());
            format!("{:.1} vCPUs ready in the mean, {most} at most", mean.value)
        }
    };
    Line::from(vec![
        Span::styled(domains, context.style(Role::Accent)),
        Span::raw(format!(", {ready}")),
    ])
}

/// Returns the columns for which something is known, and for which there is room beside the reasons.
fn figures(
    context: Context<'_>,
    sample: Sample<'_>,
    found: &[Pressure],
    name: usize,
) -> Vec<Figure> {
    let is_known = |&&(_, _, of): &&Figure| {
        let mut values = found
            .iter()
            .map(|one| of(one, &sample.rates.domains[one.place]));
        values.any(|value| value.is_some())
    };
    let mut room = usize::from(context.area.width).saturating_sub(BEFORE + name + AFTER + REASONS);
    let has_room = |&&(_, width, _): &&Figure| match room.checked_sub(width) {
        Some(left) => {
            room = left;
            true
        }
        None => false,
    };
    let known = FIGURES.iter().filter(is_known);
    known.take_while(has_room).copied().collect()
}

fn line(
    context: Context<'_>,
    sample: Sample<'_>,
    one: &Pressure,
    (width, figures): (usize, &[Figure]),
) -> Line<'static> {
    let domain = &sample.snapshot.domains[one.place];
    let rates = &sample.rates.domains[one.place];
    let name = cells::name(domain);
    let name = shortened(&name, width);
    let blank = " ".repeat(width.saturating_sub(columns(&name)));
    let lost = one.lost_worth_telling().and_then(loss);
    let mut spans = vec![Span::raw(format!(
        "{:>5} {name}{blank}",
        domain.id.to_string()
    ))];
    for &(title, width, of) in figures {
        let value = or_unknown(of(one, rates), |value| format!("{value:.1}"));
        let role = match cells::is_idle(&value) {
            true => Some(Role::Dim),
            false => lost.filter(|_| title == FIGURES[0].0),
        };
        let style = role.map_or_else(Style::new, |role| context.style(role));
        let value = match cells::is_idle(&value) {
            true => cells::idle(&value, context.nothing()),
            false => &value,
        };
        spans.push(Span::styled(format!("{value:>width$}"), style));
    }
    let used = spans
        .iter()
        .map(|span| columns(&span.content))
        .sum::<usize>()
        + AFTER;
    let free = usize::from(context.area.width).saturating_sub(used);
    spans.push(Span::raw(" ".repeat(AFTER)));
    spans.push(Span::raw(pressure::fitting(None, &one.reasons, free)));
    Line::from(spans)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use ratatui::crossterm::event::KeyCode;
    use ratatui::style::Modifier;

    use crate::fixtures::troubled;
    use crate::view::tui::Settings;
    use crate::view::tui::testing::{app, cells, key, keys, lines, take};

    #[test]
    fn the_page_says_who_suffers_and_why() {
        let mut app = app(Settings::default());
        let (old, new) = troubled();
        take(&mut app, old);
        take(&mut app, new);
        lines(&mut app, 100, 24);
        keys(&mut app, "w");
        assert!(!app.collect().state_times, "only R traces the host");
        let page = lines(&mut app, 100, 24);
        assert_eq!(
            page[5].trim_end(),
            "4 domains hurt, 0.3 vCPUs ready in the mean, 1 at most"
        );
        assert_eq!(
            page[6].trim_end(),
            "   ID NAME  LOST %   CPU % READY %   THR %  WHY"
        );
        assert_eq!(
            page[7].trim_end(),
            "    3 batch   80.0    20.0       ·    80.0  throttled 80.0 % by its cap of 20 %"
        );
        assert!(page[8].contains("memory 64.0M below"), "{page:?}");
        assert!(page[9].contains("ready 30.0 %, for batch 67 %"), "{page:?}");
        let is_chosen = |app: &mut crate::view::tui::App, y| {
            let cells = cells(app, 100, 24);
            cells[(0, y)].modifier.contains(Modifier::REVERSED)
        };
        assert!(is_chosen(&mut app, 7) && !is_chosen(&mut app, 8));
        // The chosen one is shown, and has its reason as well.
        keys(&mut app, "jj");
        key(&mut app, KeyCode::Enter);
        let page = lines(&mut app, 100, 24);
        assert!(page[4].starts_with("web (domain 2)"), "{page:?}");
        assert!(
            page[5].starts_with("! ready 30.0 %, for batch 67 %"),
            "{page:?}"
        );
        key(&mut app, KeyCode::Esc);
        assert!(lines(&mut app, 100, 24)[5].starts_with("4 domains hurt"));
        keys(&mut app, "wR");
        assert!(app.collect().state_times && app.collect().scheduling);
        let titles = lines(&mut app, 100, 24)[4].clone();
        assert!(
            titles.contains(" RDY% ") && titles.contains(" THR% "),
            "{titles}"
        );
        keys(&mut app, "R");
        assert!(!app.collect().state_times);
    }

    #[test]
    fn without_a_trace_it_says_how_to_begin_one() {
        let mut app = app(Settings::default());
        let (mut old, mut new) = troubled();
        for snapshot in [&mut old, &mut new] {
            snapshot.collected.state_times = false;
            snapshot.host.trace = None;
            snapshot.domains.truncate(3);
        }
        take(&mut app, old);
        take(&mut app, new);
        lines(&mut app, 80, 10);
        keys(&mut app, "w");
        let page = lines(&mut app, 80, 10);
        assert_eq!(
            page[2].trim_end(),
            "no domain hurts, ready time is not measured: R turns it on"
        );
        let hurt = "HURT none of 3 (CPU waits not measured: R)";
        assert!(
            lines(&mut app, 80, 24)
                .iter()
                .any(|line| line.starts_with(hurt))
        );
        // Nobody is chosen.
        key(&mut app, KeyCode::Enter);
        keys(&mut app, "w");
        assert!(lines(&mut app, 80, 10)[1].contains("NAME"));
    }

    #[test]
    fn a_page_has_the_columns_that_are_known_and_fit() {
        let mut app = app(Settings::default());
        let (mut old, mut new) = troubled();
        take(&mut app, old.clone());
        take(&mut app, new.clone());
        lines(&mut app, 60, 24);
        keys(&mut app, "w");
        let page = |app: &mut crate::view::tui::App, width| {
            let lines = lines(app, width, 24);
            let title = lines.iter().position(|line| line.contains("  WHY"));
            let from = title.unwrap();
            lines[from..from + 5]
                .iter()
                .map(|line| line.trim_end().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            page(&mut app, 60)[0],
            "   ID NAME  LOST %   CPU % READY %  WHY"
        );
        let narrow = page(&mut app, 40);
        assert_eq!(narrow[0], "   ID NAME  LOST %  WHY");
        assert_eq!(narrow[3], "    2 web     33.3  ready 30%");
        assert_eq!(narrow[4], "    5 db         ·  no slot, drops");
        // What is not known of any has no column.
        for snapshot in [&mut old, &mut new] {
            snapshot.collected.state_times = false;
            snapshot.host.trace = None;
        }
        take(&mut app, old);
        take(&mut app, new);
        assert_eq!(page(&mut app, 80)[0], "   ID NAME   CPU %  WHY");
    }
}
