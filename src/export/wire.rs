//! What the sampler and the server send to each other.
//!
//! The sampler sends a first answer when it starts. Then the server sends [`REQUEST`] for each other one. An
//! answer is a length and an exposition: for each family
//! three texts, each after its length. Lengths are 32-bit numbers, the lowest byte first.

use crate::view::openmetrics::{Exposition, Family};

/// The byte that asks for a sample.
pub const REQUEST: u8 = b'?';

/// Returns the answer that contains an exposition, with its length in front.
pub fn answer(exposition: &Exposition) -> Vec<u8> {
    let mut out = vec![0; 4];
    for family in &exposition.families {
        for text in [&family.open_metrics, &family.classic, &family.samples] {
            out.extend(length(text.len()));
            out.extend(text.as_bytes());
        }
    }
    let all = length(out.len() - 4);
    out[..4].copy_from_slice(&all);
    out
}

/// Returns the exposition in an answer, which is given without its length; `None` if it is malformed.
pub(super) fn exposition(mut answer: &[u8]) -> Option<Exposition> {
    let mut exposition = Exposition::default();
    while !answer.is_empty() {
        let open_metrics = text(&mut answer)?;
        let classic = text(&mut answer)?;
        let samples = text(&mut answer)?;
        let family = Family::received(open_metrics, classic, samples);
        exposition.families.push(family);
    }
    Some(exposition)
}

/// No answer is too long for this: it would have a billion samples.
pub(super) fn length(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes()
}

fn text(answer: &mut &[u8]) -> Option<String> {
    String::from_utf8(part(answer)?.to_vec()).ok()
}

/// Takes what follows its length from the front.
pub(super) fn part<'a>(message: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = message.split_first_chunk()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (part, rest) = rest.split_at_checked(length)?;
    *message = rest;
    Some(part)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::view::openmetrics::Format;

    #[test]
    fn an_answer_survives_the_way() {
        let down = Exposition::down();
        let sent = answer(&down);
        let (length, rest) = sent.split_first_chunk().unwrap();
        assert_eq!(u32::from_le_bytes(*length) as usize, rest.len());
        let received = exposition(rest).unwrap();
        for format in [Format::OpenMetrics, Format::Classic] {
            assert_eq!(received.text(format), down.text(format));
        }
        assert_eq!(exposition(&[]), Some(Exposition::default()));
        assert_eq!(exposition(&rest[..rest.len() - 1]), None);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_cause_no_panic(bytes: Vec<u8>) {
            let _ = exposition(&bytes);
        }
    }
}
