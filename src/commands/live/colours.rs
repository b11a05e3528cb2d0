//! The first 16 colours, as a terminal knows them that has no others.

/// What an escape sequence begins with.
const CSI: &[u8] = b"\x1b[";

/// Returns a frame with the codes of the first 16 colours: 30 to 37 and 90 to 97, and 10 more for the background.
///
/// crossterm writes them as colours of the palette of 256, such as `38;5;1`. A terminal without that palette takes the 5
/// for "blink" and the 1 for "bold".
pub(super) fn in_sixteen(frame: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(frame.len());
    let mut rest = frame;
    while let Some(at) = rest.windows(CSI.len()).position(|bytes| bytes == CSI) {
        let (before, from) = rest.split_at(at + CSI.len());
        out.extend_from_slice(before);
        let is_last = |byte: &u8| (b'@'..=b'~').contains(byte);
        let end = from.iter().position(is_last).unwrap_or(from.len());
        let (codes, after) = from.split_at(end);
        match (after.first(), std::str::from_utf8(codes)) {
            (Some(b'm'), Ok(codes)) if codes.contains("8;5;") => {
                out.extend_from_slice(attributes(codes).as_bytes());
            }
            _ => out.extend_from_slice(codes),
        }
        rest = after;
    }
    out.extend_from_slice(rest);
    out
}

/// Returns the codes of a sequence that sets attributes.
fn attributes(codes: &str) -> String {
    let codes: Vec<&str> = codes.split(';').collect();
    let mut rest = &codes[..];
    let mut out = Vec::new();
    loop {
        let length = match rest {
            [] => return out.join(";"),
            [ground @ ("38" | "48"), "5", number, ..] => {
                out.push(match number.parse::<u8>() {
                    Ok(number @ ..16) => short(*ground == "48", number),
                    _ => rest[..3].join(";"),
                });
                3
            }
            ["38" | "48", "2", _, _, _, ..] => {
                out.push(rest[..5].join(";"));
                5
            }
            [code, ..] => {
                out.push((*code).to_owned());
                1
            }
        };
        rest = &rest[length..];
    }
}

/// Returns the code of one of the first 16 colours.
fn short(is_background: bool, number: u8) -> String {
    let first = match number {
        0..8 => 30,
        _ => 90,
    };
    (first + number % 8 + 10 * u8::from(is_background)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_sixteen_are_written_in_short() {
        for (frame, expected) in [
            ("\x1b[38;5;1;49mx", "\x1b[31;49mx"),
            ("a\x1b[1;38;5;9mb\x1b[0m", "a\x1b[1;91mb\x1b[0m"),
            ("\x1b[38;5;7;48;5;0m", "\x1b[37;40m"),
            ("\x1b[48;5;15m", "\x1b[107m"),
            ("\x1b[38;5;16m\x1b[48;5;240m", "\x1b[38;5;16m\x1b[48;5;240m"),
            ("\x1b[38;2;38;5;1;7m", "\x1b[38;2;38;5;1;7m"),
            // Other sequences, and those that are cut.
            ("\x1b[38;5;1H\x1b[m\x1b[?25l", "\x1b[38;5;1H\x1b[m\x1b[?25l"),
            ("\x1b[38;5", "\x1b[38;5"),
            ("\x1b[38;5m\x1b[", "\x1b[38;5m\x1b["),
            ("▇ 38;5;1m", "▇ 38;5;1m"),
        ] {
            assert_eq!(
                in_sixteen(frame.as_bytes()),
                expected.as_bytes(),
                "{frame:?}"
            );
        }
    }
}
