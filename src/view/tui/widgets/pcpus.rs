//! How busy each pCPU is, by node and socket.

use std::collections::BTreeMap;

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::text_page::TextPage;
use crate::rates::Rate;
use crate::snapshot::{Collect, Host, Pcpu};
use crate::text::{UNKNOWN, or_unknown, safe};
use crate::units;
use crate::view::Sample;
use crate::view::tui::action::{Action, Show};
use crate::view::tui::context::{Context, Hint, Widget};
use crate::view::tui::glyphs::{bar, history};
use crate::view::tui::theme::{Role, load};

#[cfg(test)]
mod tests;

/// How much room each pCPU gets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// A number, a bar and a share.
    Bar,
    /// A number and a share.
    Share,
    /// A single glyph.
    Glyph,
}

/// How many columns the number and the share of a pCPU take.
const SHARE_WIDTH: usize = 13;

/// A gap of so many pCPUs begins a new line of glyphs.
const NARROW_GAP: u32 = 8;

/// A node and a socket, where they are known.
type Place = (Option<u32>, Option<u32>);

/// A pCPU and its use.
type One<'a> = (&'a Pcpu, Option<Rate>);

/// The page of the pCPUs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pcpus {
    text: TextPage,
}

impl Widget for Pcpus {
    fn draw(&mut self, context: Context<'_>, buffer: &mut Buffer) {
        self.text.draw(context, &lines(context), buffer);
    }

    fn key(&mut self, context: Context<'_>, code: KeyCode) -> Vec<Action> {
        match code {
            KeyCode::Esc | KeyCode::Enter | KeyCode::Backspace => vec![Action::Show(Show::Table)],
            _ => {
                self.text.key(context, code);
                Vec::new()
            }
        }
    }

    fn scroll(&mut self, lines: isize) {
        self.text.scroll(lines);
    }

    fn collect(&self) -> Collect {
        Collect {
            host: true,
            ..Collect::default()
        }
    }

    fn hints(&self) -> &'static [Hint] {
        &[
            ("P", "back"),
            ("arrows", "scroll"),
            ("p", "pause"),
            ("?", "help"),
            ("q", "quit"),
        ]
    }
}

/// Returns the lines about all pCPUs, with as much about each as fits into the area.
fn lines(context: Context<'_>) -> Vec<Line<'static>> {
    let Some(sample) = context.sample else {
        return Vec::new();
    };
    let groups = groups(sample);
    let of = |form| {
        let mut lines = Vec::new();
        for (place, pcpus) in &groups {
            lines.push(heading(context, sample, *place, pcpus));
            lines.extend(grid(context, pcpus, form));
        }
        lines
    };
    let fits = |lines: &Vec<Line<'_>>| lines.len() <= usize::from(context.area.height);
    [Form::Bar, Form::Share]
        .into_iter()
        .map(of)
        .find(fits)
        .unwrap_or_else(|| of(Form::Glyph))
}

/// The pCPUs by node and socket; those of which neither is known stand last.
fn groups(sample: Sample<'_>) -> Vec<(Place, Vec<One<'_>>)> {
    let mut groups: BTreeMap<_, Vec<One<'_>>> = BTreeMap::new();
    for one in sample.host().pcpus() {
        let (pcpu, busy) = (one.pcpu, one.cpu_percent);
        let unknown = (pcpu.node.is_none(), pcpu.socket.is_none());
        let place = (pcpu.node, pcpu.socket);
        groups
            .entry((unknown, place))
            .or_default()
            .push((pcpu, busy));
    }
    groups
        .into_iter()
        .map(|((_, place), pcpus)| (place, pcpus))
        .collect()
}

/// What a group is, and how busy it is as a whole.
fn heading(
    context: Context<'_>,
    sample: Sample<'_>,
    (node, socket): Place,
    pcpus: &[One<'_>],
) -> Line<'static> {
    let host = &sample.snapshot.host;
    let number = |number: Option<u32>| or_unknown(number, |number| number.to_string());
    let online: Vec<&One<'_>> = pcpus.iter().filter(|(pcpu, _)| pcpu.is_online()).collect();
    let known = || online.iter().filter_map(|(_, busy)| *busy);
    let mean = known().map(|busy| busy.value).sum::<f64>() / known().count() as f64;
    let busy = match known().count() {
        0 => UNKNOWN.to_owned(),
        _ => format!("{mean:.1}"),
    };
    let mut text = format!(", {} online, {busy} % busy", online.len());
    if pcpus.len() > online.len() {
        text.push_str(&format!(", {} offline", pcpus.len() - online.len()));
    }
    if let Some(free) = node.and_then(|node| free(host, node)) {
        text.push_str(&format!(", {free}"));
    }
    if let Some(pools) = pools(host, pcpus) {
        text.push_str(&format!(", {pools}"));
    }
    let place = match (node, socket) {
        (None, None) => "place unknown".to_owned(),
        _ => format!("node {}, socket {}", number(node), number(socket)),
    };
    Line::from(vec![
        Span::styled(place, context.style(Role::Accent)),
        Span::raw(text),
    ])
}

/// The memory of a node.
fn free(host: &Host, node: u32) -> Option<String> {
    let node = host.nodes.iter().flatten().find(|one| one.id == node)?;
    let bytes = |bytes: u64| units::bytes(bytes as f64);
    let (free, all) = (node.memory_free_bytes?, node.memory_bytes?);
    Some(format!("{} of {} free", bytes(free), bytes(all)))
}

/// The pools that a group's pCPUs are in, where there is more than one pool at all.
fn pools(host: &Host, pcpus: &[One<'_>]) -> Option<String> {
    host.pools.as_ref().filter(|pools| pools.len() > 1)?;
    let mut names: Vec<String> = pcpus
        .iter()
        .filter_map(|(pcpu, _)| host.pool_of(pcpu.id))
        .map(|pool| match &pool.name {
            Some(name) => safe(name).into_owned(),
            None => format!("pool {}", pool.id),
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    (!names.is_empty()).then(|| names.join(", "))
}

/// A group's pCPUs, as many in a line as fit.
fn grid(context: Context<'_>, pcpus: &[One<'_>], form: Form) -> Vec<Line<'static>> {
    let width = usize::from(context.area.width);
    if form == Form::Glyph {
        return glyphs(context, pcpus, width);
    }
    let bar_width = match form {
        Form::Bar => 10,
        _ => 0,
    };
    let in_line = (width / (SHARE_WIDTH + bar_width)).max(1);
    pcpus
        .chunks(in_line)
        .map(|chunk| {
            let cells = chunk.iter().flat_map(|one| cell(context, *one, bar_width));
            Line::from(cells.collect::<Vec<_>>())
        })
        .collect()
}

/// `  3 [||||      ] 45.2 %`, or without the bar when that is to be no columns wide.
fn cell(context: Context<'_>, (pcpu, busy): One<'_>, bar_width: usize) -> Vec<Span<'static>> {
    let mut spans = vec![Span::raw(format!("{:>4} ", pcpu.id))];
    let style = busy.map_or_else(Style::new, |busy| context.style(load(busy.value)));
    if bar_width > 0 {
        let share = busy.map_or(0.0, |busy| busy.value / 100.0);
        let bar = bar(share, bar_width, context.terminal.unicode);
        let empty = " ".repeat(bar_width.saturating_sub(bar.chars().count()));
        spans.push(Span::styled(bar, style));
        spans.push(Span::raw(empty));
    }
    let text = match pcpu.is_online() {
        true => format!("{:>5} % ", units::percent(busy)),
        false => "offline ".to_owned(),
    };
    spans.push(Span::styled(text, style));
    spans
}

/// A glyph for each pCPU, with the number of the first in each line.
fn glyphs(context: Context<'_>, pcpus: &[One<'_>], width: usize) -> Vec<Line<'static>> {
    // Lines of round numbers of pCPUs are easier to count in.
    let in_line = match width.saturating_sub(6) {
        room @ ..16 => room.max(1),
        room => room / 16 * 16,
    };
    // The places of pCPUs that are not among these stay blank, as where sockets take turns; a line
    // ends at a gap that is wider.
    let mut lines: Vec<Line<'static>> = Vec::new();
    let (mut first, mut next) = (0, 0);
    for one in pcpus {
        let id = one.0.id;
        match lines.last_mut() {
            Some(line)
                if id.saturating_sub(first) < in_line as u32
                    && id.saturating_sub(next) < NARROW_GAP =>
            {
                line.spans
                    .push(Span::raw(" ".repeat(id.saturating_sub(next) as usize)));
                line.spans.push(glyph(context, one));
            }
            _ => {
                first = id;
                let number = Span::raw(format!("{first:>5} "));
                lines.push(Line::from(vec![number, glyph(context, one)]));
            }
        }
        next = id.saturating_add(1);
    }
    lines
}

fn glyph(context: Context<'_>, (pcpu, busy): &One<'_>) -> Span<'static> {
    match busy {
        Some(busy) => {
            let value = std::iter::once(Some(busy.value as f32));
            let glyph = history(value, 100.0, context.terminal.unicode);
            Span::styled(glyph, context.style(load(busy.value)))
        }
        None if pcpu.is_online() => Span::raw("?"),
        None => Span::styled("x", context.style(Role::Dim)),
    }
}
