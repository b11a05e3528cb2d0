//! Numbers as bytes: seven bits a byte, the lowest first.

use thiserror::Error;

/// A chunk that cannot be decoded, and why.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub(super) struct Broken(pub(super) &'static str);

/// Appends a number.
pub(super) fn put(to: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        to.push(number as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}

/// Appends bytes after their length.
pub(super) fn put_bytes(to: &mut Vec<u8>, bytes: &[u8]) {
    put(to, bytes.len() as u64);
    to.extend_from_slice(bytes);
}

/// Returns how many bytes [`put`] appends.
pub(super) fn length(number: u64) -> u64 {
    u64::from((64 - (number | 1).leading_zeros()).div_ceil(7))
}

/// Returns a difference, such as 1 or the `u64` of -1, as a number that is small if the difference is.
pub(super) fn fold(difference: u64) -> u64 {
    (difference << 1) ^ ((difference as i64 >> 63) as u64)
}

/// Returns the difference that was folded.
pub(super) fn unfold(folded: u64) -> u64 {
    (folded >> 1) ^ (folded & 1).wrapping_neg()
}

/// Takes numbers from bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    /// Takes a number.
    ///
    /// # Errors
    /// If the bytes end before, or if it has more than 64 bits.
    pub(super) fn number(&mut self) -> Result<u64, Broken> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first().ok_or(Broken("it ends too early"))?;
            self.0 = rest;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                break;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Broken("a number is too large"))
    }

    /// Takes a number that counts or names something in this tree.
    ///
    /// # Errors
    /// As for [`Bytes::number`], and if it has more than 32 bits.
    pub(super) fn small(&mut self) -> Result<u32, Broken> {
        let number = self.number()?.try_into();
        number.map_err(|_| Broken("a number is too large"))
    }

    /// Takes bytes after their length.
    ///
    /// # Errors
    /// If there are fewer.
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], Broken> {
        let length = self.small()? as usize;
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or(Broken("it ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_are_read_as_written(number: u64) {
            let mut bytes = Vec::new();
            put(&mut bytes, number);
            prop_assert_eq!(bytes.len() as u64, length(number));
            prop_assert_eq!(Bytes(&bytes).number(), Ok(number));
            prop_assert_eq!(unfold(fold(number)), number);
            prop_assert!(Bytes(&bytes[1..]).number() != Ok(number) || number < 0x80);
        }
    }

    #[test]
    fn small_differences_are_short() {
        assert_eq!([0, 1u64.wrapping_neg(), 1].map(fold), [0, 1, 2]);
        assert_eq!([0, 127, 128, u64::MAX].map(length), [1, 1, 2, 10]);
        assert!(Bytes(&[0xff; 10]).number().is_err());
        assert!(Bytes(&[3, 1, 2]).bytes().is_err());
        assert_eq!(Bytes(&[2, 1, 2, 3]).bytes(), Ok(&[1, 2][..]));
    }
}
