//! A block of `xentop -b -f` on Xen 4.17 to 4.22.

use super::row::{Row, UnknownLayout, is_number, is_state, lasting_letters};
use crate::rates::DomainRates;
use crate::snapshot::{Domain, Snapshot};
use crate::xentop::{COLUMNS, cells};

/// The column of the name, which identifies a row.
const NAME: usize = 0;

/// The column of the state.
const STATE: usize = 1;

/// The letters of a state: dying, shut down, blocked, crashed, paused, running.
const LETTERS: &str = "dsbcpr";

/// The column of the CPU use since the previous block, which a single block does not have.
const CPU_PERCENT: usize = 3;

/// Returns the columns that are compared.
fn compared() -> impl Iterator<Item = usize> {
    (STATE..COLUMNS.len()).filter(|&column| column != CPU_PERCENT)
}

/// Returns what xentop would print of our figures.
pub(super) fn ours(domain: &Domain, snapshot: &Snapshot) -> Vec<(&'static str, String)> {
    let host_bytes = snapshot.host.memory_bytes;
    let mut cells = cells(domain, &DomainRates::default(), host_bytes, true);
    cells[STATE] = lasting_letters(&cells[STATE]);
    compared()
        .map(|column| (COLUMNS[column].0, std::mem::take(&mut cells[column])))
        .collect()
}

/// Reads the domains' lines. A cell ends where its heading ends. Only a name can be longer than
/// that, or anything other than a number or one of xentop's words.
pub(super) fn rows(text: &str) -> Result<Vec<Row>, UnknownLayout> {
    let mut lines = (1..).zip(text.lines());
    let (number, heading) = lines.next().unwrap_or((1, ""));
    let ends = ends(heading).ok_or_else(|| UnknownLayout {
        line: number,
        why: "the headings are not those of xentop on Xen 4.17 to 4.22".into(),
    })?;
    lines
        .map(|(line, text)| row(text, &ends).map_err(|why| UnknownLayout { line, why }))
        .collect()
}

/// Returns where the columns end, in bytes; `None` if the headings are not xentop's.
fn ends(heading: &str) -> Option<Vec<usize>> {
    let mut ends = Vec::new();
    let mut at = 0;
    for (head, width) in COLUMNS {
        let start = at + heading.get(at..)?.find(|letter| letter != ' ')?;
        let end = start + head.len();
        let is_heading = heading.get(start..end) == Some(head);
        if !is_heading || end < at + width {
            return None;
        }
        ends.push(end);
        at = end + 1;
    }
    (ends.last() == Some(&heading.len())).then_some(ends)
}

fn row(line: &str, ends: &[usize]) -> Result<Row, String> {
    let mut cells = Vec::with_capacity(ends.len());
    let mut start = 0;
    for (&end, (head, _)) in ends.iter().zip(COLUMNS) {
        let cell = line
            .get(start..end)
            .ok_or_else(|| format!("no column {head}"))?;
        let next = line.as_bytes().get(end);
        if next.is_some_and(|&byte| byte != b' ') {
            return Err(format!("{head} is wider than its heading"));
        }
        cells.push(cell.trim_start());
        start = end + 1;
    }
    if line.len() + 1 != start {
        return Err("more cells than headings".into());
    }
    for (column, (cell, (head, _))) in cells.iter().zip(COLUMNS).enumerate() {
        let known = match column {
            NAME => true,
            STATE => is_state(cell, LETTERS),
            _ => is_number(cell) || matches!(*cell, "no limit" | "n/a"),
        };
        if !known {
            return Err(format!("{head} is {cell:?}"));
        }
    }
    let value = |column: usize| match column {
        STATE => lasting_letters(cells[column]),
        _ => cells[column].to_owned(),
    };
    Ok(Row {
        id: None,
        name: cells[NAME].to_owned(),
        cells: compared().map(value).collect(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// The output of xentop on Xen 4.17.
    const BLOCK: &str = "           NAME  STATE   CPU(sec) CPU(%)     MEM(k) MEM(%)  MAXMEM(k) MAXMEM(%) VCPUS NETS NETTX(k) NETRX(k) VBDS   VBD_OO   VBD_RD   VBD_WR  VBD_RSECT  VBD_WSECT SSID
       Domain-0 -----r         75    0.0     786432   25.0   no limit       n/a     1    0        0        0    0        0        0        0          0          0    0
a name of words --b---         42    0.0     131072    4.2     132096       4.2     1    1        7        8    1        0     2339        0     299032          0    0
";

    #[test]
    fn reads_a_block() {
        let rows = rows(BLOCK).unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[1].name, "a name of words");
        assert_eq!(
            rows[0].cells[..6],
            ["------", "75", "786432", "25.0", "no limit", "n/a"]
        );
        assert_eq!(rows[1].cells[7..10], ["1", "7", "8"]);
        assert_eq!(rows[1].cells.last().unwrap(), "0");
    }

    #[test]
    fn our_layout_is_that_of_xentop() {
        use crate::fixtures::{domain, snapshot};
        use crate::rates::Rates;
        use crate::view::{DisplayOptions, Sample, xentop};
        let snapshot = snapshot(0, 0, vec![domain(5, "web", 0, 7)]);
        let sample = Sample {
            snapshot: &snapshot,
            rates: &Rates::between(None, &snapshot),
        };
        let block = xentop::block(sample, DisplayOptions::default());
        // xentop never prints a dash in a cell.
        let error = rows(&block).unwrap_err();
        assert_eq!(error.line, 2);
        assert!(error.why.contains("CPU(%) is \"-\""), "{error}");
    }

    #[test]
    fn unknown_layout_is_an_error() {
        let wrong = |text: String| rows(&text).unwrap_err();
        assert_eq!(wrong(String::new()).line, 1);
        assert_eq!(wrong(BLOCK.replace("CPU(sec)", "CPU(min)")).line, 1);
        assert_eq!(wrong(BLOCK.replace(" SSID", " SSID NEW")).line, 1);
        assert_eq!(wrong(BLOCK.replace("299032 ", "2990320")).line, 3);
        assert_eq!(wrong(BLOCK.replace("  42 ", "  4x ")).line, 3);
        assert_eq!(wrong(BLOCK.replace("  42 ", " nan ")).line, 3);
        assert_eq!(
            wrong(BLOCK.replace("   0.0     131072", "(  0.0     131072")).line,
            3
        );
        assert_eq!(wrong(BLOCK.replace("-----r", "-----x")).line, 2);
        assert_eq!(wrong(BLOCK.replace("-----r", "r-----")).line, 2);
        assert_eq!(wrong(format!("{BLOCK}Segmentation fault\n")).line, 4);
        let cut = BLOCK.len() - 20;
        assert_eq!(wrong(BLOCK[..cut].to_owned()).line, 3);
    }
}
