//! `xl list` of Xen 4.17 to 4.22.

use super::row::{Row, UnknownLayout, is_number, is_state, lasting_letters};
use crate::snapshot::{DomId, Domain, ShutdownReason};

/// The headings.
const HEADINGS: [&str; 6] = ["Name", "ID", "Mem", "VCPUs", "State", "Time(s)"];

/// The letters of a state: running, blocked, paused, shut down, crashed, dying.
const LETTERS: &str = "rbpscd";

/// Returns what xl would print of our figures.
pub(super) fn ours(domain: &Domain) -> Vec<(&'static str, String)> {
    let mib = (domain.memory_bytes + domain.memory_claimed_bytes) >> 20;
    // xl keeps the time in a 32-bit float.
    let seconds = f64::from(domain.cpu_time_ns as f32) / 1e9;
    let columns = [
        mib.to_string(),
        domain.vcpus_online.to_string(),
        letters(domain),
        format!("{seconds:.1}"),
    ];
    HEADINGS.into_iter().skip(2).zip(columns).collect()
}

/// Returns xl's letters for the states that last.
fn letters(domain: &Domain) -> String {
    let states = domain.states;
    let crashed = states.shutdown == Some(ShutdownReason::Crash);
    [
        (states.paused, 'p'),
        (states.shutdown.is_some(), 's'),
        (crashed, 'c'),
        (states.dying, 'd'),
    ]
    .into_iter()
    .map(|(holds, letter)| if holds { letter } else { '-' })
    .fold("--".to_owned(), |text, letter| text + &letter.to_string())
}

/// Reads the domains' lines. A name can hold spaces; the five columns after it cannot.
pub(super) fn rows(text: &str) -> Result<Vec<Row>, UnknownLayout> {
    let mut lines = (1..).zip(text.lines());
    let heading = lines.next().map_or("", |(_, heading)| heading);
    if !heading.split_whitespace().eq(HEADINGS) {
        return Err(UnknownLayout {
            line: 1,
            why: "the headings are not those of 'xl list' on Xen 4.17 to 4.22".into(),
        });
    }
    lines
        .map(|(line, text)| row(text).map_err(|why| UnknownLayout { line, why }))
        .collect()
}

fn row(line: &str) -> Result<Row, String> {
    let mut rest = line.trim_end();
    let mut cells: [&str; 5] = [""; 5];
    for (cell, head) in cells.iter_mut().zip(&HEADINGS[1..]).rev() {
        let missing = || format!("no column {head}");
        let (before, last) = rest.rsplit_once(' ').ok_or_else(missing)?;
        *cell = last;
        rest = before.trim_end();
    }
    let [id, mib, vcpus, state, seconds] = cells;
    let refused = |head: &str, cell: &str| format!("{head} is {cell:?}");
    for (head, cell) in HEADINGS[1..].iter().zip(cells) {
        if *head != "State" && !is_number(cell) {
            return Err(refused(head, cell));
        }
    }
    let id = id.parse().map_err(|_| refused("ID", id))?;
    if !is_state(state, LETTERS) {
        return Err(refused("State", state));
    }
    Ok(Row {
        id: Some(DomId(id)),
        name: rest.to_owned(),
        cells: vec![
            mib.to_owned(),
            vcpus.to_owned(),
            lasting_letters(state),
            seconds.to_owned(),
        ],
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::fixtures::domain;

    /// The output of xl on Xen 4.17.
    const LIST: &str = "Name                                        ID   Mem VCPUs\tState\tTime(s)
Domain-0                                     0   768     1     r-----      75.4
a name of words                              2   128     1     -b----      42.0
";

    #[test]
    fn reads_a_list() {
        let rows = rows(LIST).unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!(
            (rows[1].id, &*rows[1].name),
            (Some(DomId(2)), "a name of words")
        );
        assert_eq!(rows[0].cells, ["768", "1", "------", "75.4"]);
    }

    #[test]
    fn our_figures_are_rounded_like_xl() {
        let mut web = domain(5, "web", 0, 3_260_000_000);
        web.states.paused = true;
        web.memory_bytes += 1000;
        let texts: Vec<String> = ours(&web).into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["128", "1", "--p---", "3.3"]);
    }

    #[test]
    fn unknown_layout_is_an_error() {
        let wrong = |text: String| rows(&text).unwrap_err();
        assert_eq!(wrong(String::new()).line, 1);
        assert_eq!(wrong(LIST.replace("VCPUs", "CPUs")).line, 1);
        assert_eq!(wrong(LIST.replace(" 42.0", " 42.0 new")).line, 3);
        assert_eq!(wrong(LIST.replace("r-----", "r----x")).line, 2);
        assert_eq!(wrong(LIST.replace("r-----", "-----r")).line, 2);
        assert_eq!(wrong(LIST.replace("   768", "   7x8")).line, 2);
        assert_eq!(wrong(LIST.replace("   2 ", "  +2 ")).line, 3);
        assert_eq!(wrong(LIST.replace("42.0", " inf")).line, 3);
        assert_eq!(wrong(format!("{LIST}\nlibxl: error\n")).line, 4);
    }
}
