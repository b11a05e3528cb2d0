//! The page of the domains that suffer, the worst first.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::layout::Position;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::text_page::TextPage;
use crate::pressure::{DISK_COUNTERS, Pressure};
use crate::snapshot::{Collect, Identity};
use crate::text::{columns, or_unknown, shortened};
use crate::units;
use crate::view::Sample;
use crate::view::pressure;
use crate::view::tui::action::{Action, Show};
use crate::view::tui::cells;
use crate::view::tui::context::{Context, Hint, Widget};
use crate::view::tui::theme::{Role, loss};

/// The widest name.
const NAME_WIDTH: usize = 24;

/// The width of the columns between the name and the reasons.
const FIGURES: usize = 32;

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
        let height = usize::from(context.area.height);
        let first = (at + 1).saturating_sub(height).min(at);
        // In one or two lines, there is no room for what is above the domains.
        self.text.keep_within(first, self.chosen.max(first));
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
    /// Returns the action that shows the page of the domain in this line.
    fn page_of(&self, context: Context<'_>, line: usize) -> Vec<Action> {
        let identity = || -> Option<Identity> {
            let sample = context.sample?;
            let place = context.digest.sufferers.get(line)?.place;
            Some(sample.snapshot.domains.get(place)?.identity())
        };
        let show = |identity| Action::Show(Show::Domain(identity));
        identity().map(show).into_iter().collect()
    }
}

fn lines(context: Context<'_>, sample: Sample<'_>, found: &[Pressure]) -> Vec<Line<'static>> {
    let mut lines = vec![summary(context, sample, found.len())];
    if found.is_empty() {
        return lines;
    }
    let name = |one: &Pressure| cells::name(&sample.snapshot.domains[one.place]);
    let widest = found.iter().map(|one| columns(&name(one))).max();
    let width = widest.unwrap_or(0).clamp(4, NAME_WIDTH);
    let titles = format!(
        "{:>5} {:<width$} {:>6} {:>7} {:>7} {:>7}  WHY",
        "ID", "NAME", "LOST %", "CPU %", "READY %", "THR %"
    );
    lines.push(Line::styled(
        titles,
        Style::new().add_modifier(Modifier::REVERSED),
    ));
    lines.extend(found.iter().map(|one| line(context, sample, one, width)));
    lines
}

/// Returns a line in words: how many domains suffer, and whether ready time is measured.
fn summary(context: Context<'_>, sample: Sample<'_>, count: usize) -> Line<'static> {
    let domains = match count {
        0 if sample.rates.interval_ns.is_none() => "with the next sample".to_owned(),
        0 => "no domain suffers".to_owned(),
        1 => "1 domain suffers".to_owned(),
        count => format!("{count} domains suffer"),
    };
    let traced = sample.snapshot.collected.state_times;
    let ready = match (traced, sample.rates.host.ready_vcpus) {
        (false, _) => "ready time is not measured: R turns it on".to_owned(),
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

fn line(context: Context<'_>, sample: Sample<'_>, one: &Pressure, width: usize) -> Line<'static> {
    let domain = &sample.snapshot.domains[one.place];
    let rates = &sample.rates.domains[one.place];
    let name = cells::name(domain);
    let name = shortened(&name, width);
    let blank = " ".repeat(width.saturating_sub(columns(&name)));
    let lost = one.lost_percent;
    let style = lost
        .and_then(loss)
        .map_or_else(Style::new, |role| context.style(role));
    let left = format!("{:>5} {name}{blank} ", domain.id.to_string());
    let free = usize::from(context.area.width).saturating_sub(columns(&left) + FIGURES);
    let forms = [pressure::reason, pressure::short];
    let mut forms = forms
        .map(|form| pressure::reasons(&one.reasons, form))
        .into_iter();
    let fits = |form: &String| columns(form) <= free;
    let why = forms.find(fits);
    let why = why.unwrap_or_else(|| pressure::reasons(&one.reasons, pressure::brief));
    Line::from(vec![
        Span::raw(left),
        Span::styled(
            format!("{:>6}", or_unknown(lost, |lost| format!("{lost:.1}"))),
            style,
        ),
        Span::raw(format!(
            " {:>7} {:>7} {:>7}  ",
            units::percent(rates.cpu_percent),
            units::percent(rates.states.ready_percent),
            units::percent(rates.states.throttled_percent),
        )),
        Span::raw(why),
    ])
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
            "4 domains suffer, 0.3 vCPUs ready in the mean, 1 at most"
        );
        assert_eq!(
            page[6].trim_end(),
            "   ID NAME  LOST %   CPU % READY %   THR %  WHY"
        );
        assert_eq!(
            page[7].trim_end(),
            "    3 batch   80.0    20.0     0.0    80.0  throttled 80.0 % by its cap of 20 %"
        );
        assert!(page[8].contains("ready 30.0 %, for batch 67 %"), "{page:?}");
        let is_chosen = |app: &mut crate::view::tui::App, y| {
            let cells = cells(app, 100, 24);
            cells[(0, y)].modifier.contains(Modifier::REVERSED)
        };
        assert!(is_chosen(&mut app, 7) && !is_chosen(&mut app, 8));
        // The chosen one is shown, and has its reason as well.
        keys(&mut app, "j");
        key(&mut app, KeyCode::Enter);
        let page = lines(&mut app, 100, 24);
        assert!(page[4].starts_with("web (domain 2)"), "{page:?}");
        assert!(
            page[5].starts_with("! ready 30.0 %, for batch 67 %"),
            "{page:?}"
        );
        key(&mut app, KeyCode::Esc);
        assert!(lines(&mut app, 100, 24)[5].starts_with("4 domains suffer"));
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
            "no domain suffers, ready time is not measured: R turns it on"
        );
        // Nobody is chosen.
        key(&mut app, KeyCode::Enter);
        keys(&mut app, "w");
        assert!(lines(&mut app, 80, 10)[1].contains("NAME"));
    }
}
