//! The tabs: the panes that Tab goes through.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::text::columns;
use crate::view::tui::action::{List, Show};
use crate::view::tui::context::Context;
use crate::view::tui::pen::Pen;
use crate::view::tui::theme::Role;

/// The panes that Tab goes through.
const TABS: [(Show, &str); 7] = [
    (Show::Table, "domains"),
    (Show::List(List::Vcpus), "vCPUs"),
    (Show::List(List::Pcpus), "pCPUs"),
    (Show::List(List::Nics), "NICs"),
    (Show::List(List::Disks), "disks"),
    (Show::Pressure, "pressure"),
    (Show::Events, "events"),
];

/// Returns the pane `by` tabs after this one.
pub(super) fn neighbour(now: Show, by: isize) -> Show {
    let now = TABS.iter().position(|&(show, _)| show == now).unwrap_or(0);
    let next = (now + TABS.len()).saturating_add_signed(by) % TABS.len();
    TABS[next].0
}

/// Returns the text of each tab, with the column that it begins in.
fn texts(now: Show) -> impl Iterator<Item = (Show, u16, String)> {
    let mut x = 0;
    TABS.into_iter().map(move |(show, name)| {
        let text = match show == now {
            true => format!("[{name}]"),
            false => format!(" {name} "),
        };
        let tab = (show, x, text);
        x += tab.2.len() as u16;
        tab
    })
}

/// Draws the tabs, and a text at the end of the line. Without room for all, draws only this one.
pub(super) fn draw(context: Context<'_>, now: Show, right: &str, buffer: &mut Buffer) {
    let area = context.area;
    let Some(mut pen) = Pen::new(buffer, area, 0) else {
        return;
    };
    let fits = is_whole(area);
    for (show, _, text) in texts(now) {
        match show == now {
            true => pen.put(&text, context.style(Role::Accent)),
            false if fits => pen.put(&text, context.style(Role::Dim)),
            false => &mut pen,
        };
    }
    if pen.room() > columns(right) {
        pen.skip_to_last(columns(right)).say(right);
    }
}

/// Returns whether there is room for all tabs.
fn is_whole(area: Rect) -> bool {
    let width: usize = TABS.iter().map(|(_, name)| name.len() + 2).sum();
    width <= usize::from(area.width)
}

/// Returns the pane of the tab in this column of the line; `None` if there is none.
pub(super) fn at(now: Show, area: Rect, x: u16) -> Option<Show> {
    let is_at =
        |(_, begin, text): &(Show, u16, String)| (*begin..*begin + text.len() as u16).contains(&x);
    let found = texts(now).find(is_at).filter(|_| is_whole(area));
    found.map(|(show, ..)| show)
}
