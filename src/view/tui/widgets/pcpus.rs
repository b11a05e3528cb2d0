//! The page of the pCPUs: the use of each one, by node and socket.

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
use crate::view::tui::action::Action;
use crate::view::tui::context::{Context, Hint, Widget};
use crate::view::tui::glyphs::{bar, history};
use crate::view::tui::theme::{Role, load};

#[cfg(test)]
mod tests;

/// The form in which each pCPU is drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// An ID, a bar and a share.
    Bar,
    /// An ID and a share.
    Share,
    /// A single glyph.
    Glyph,
}

/// The number of columns of a pCPU's ID and share.
const SHARE_WIDTH: usize = 13;

/// A gap of this many pCPUs or more starts a new line of glyphs.
const NARROW_GAP: u32 = 8;

/// A node and a socket; `None` if unknown.
type Location = (Option<u32>, Option<u32>);

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
        self.text.key_or_back(context, code)
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

/// Returns the lines about all pCPUs, in the largest form that fits into the area.
fn lines(context: Context<'_>) -> Vec<Line<'static>> {
    let Some(sample) = context.sample else {
        return Vec::new();
    };
    let groups = groups(sample);
    let of = |form| {
        let mut lines = vec![scale(context, form)];
        for (place, pcpus) in &groups {
            lines.push(heading(context, sample, *place, pcpus));
            lines.extend(grid(context, pcpus, form));
        }
        lines
    };
    if !context.draws() {
        return of(Form::Share);
    }
    let fits = |lines: &Vec<Line<'_>>| lines.len() <= usize::from(context.area.height);
    [Form::Bar, Form::Share]
        .into_iter()
        .map(of)
        .find(fits)
        .unwrap_or_else(|| of(Form::Glyph))
}

/// Returns the line that says what a bar, a share or a glyph is of.
fn scale(context: Context<'_>, form: Form) -> Line<'static> {
    let text = match form {
        Form::Bar => "use of each pCPU: a full bar is 100 %".to_owned(),
        Form::Share => "use of each pCPU: 100 % is all of its time".to_owned(),
        Form::Glyph => {
            let glyph = |percent| {
                let one = std::iter::once(Some(percent));
                history(one, 100.0, context.terminal.unicode)
            };
            let (least, most) = (glyph(0.0), glyph(100.0));
            format!("use of each pCPU: {least} is 0 %, {most} is 100 %, x is offline")
        }
    };
    Line::styled(text, context.style(Role::Dim))
}

/// Returns the pCPUs by node and socket; unknown nodes and sockets come last.
fn groups(sample: Sample<'_>) -> Vec<(Location, Vec<One<'_>>)> {
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

/// Returns the heading of a group: its node and socket, and the mean use of its online pCPUs.
fn heading(
    context: Context<'_>,
    sample: Sample<'_>,
    (node, socket): Location,
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
        (None, None) => "node and socket unknown".to_owned(),
        _ => format!("node {}, socket {}", number(node), number(socket)),
    };
    Line::from(vec![
        Span::styled(place, context.style(Role::Accent)),
        Span::raw(text),
    ])
}

/// Returns the free and total memory of a node; `None` if either is unknown.
fn free(host: &Host, node: u32) -> Option<String> {
    let node = host.nodes.iter().flatten().find(|one| one.id == node)?;
    let bytes = |bytes: u64| units::bytes(bytes as f64);
    let (free, all) = (node.memory_free_bytes?, node.memory_bytes?);
    Some(format!("{} of {} free", bytes(free), bytes(all)))
}

/// Returns the pools of a group's pCPUs; `None` if the host has only one pool.
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

/// Returns the lines of a group, with as many pCPUs in a line as fit.
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

/// Returns the cell of a pCPU: `   3 ||||        45.2 % `, or without the bar if `bar_width` is 0.
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

/// Returns lines of one glyph per pCPU; each line starts with the ID of its first pCPU.
fn glyphs(context: Context<'_>, pcpus: &[One<'_>], width: usize) -> Vec<Line<'static>> {
    // Lines of a multiple of 16 pCPUs are easier to count in.
    let in_line = match width.saturating_sub(6) {
        room @ ..16 => room.max(1),
        room => room / 16 * 16,
    };
    // A pCPU of another group leaves a blank, for example if the IDs alternate between sockets. A
    // wider gap ends the line.
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
