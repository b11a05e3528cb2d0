//! Compressed bytes.

use std::io::{self, Read};

/// The effort of zstd.
const LEVEL: i32 = 3;

/// The most bytes that are compressed together.
pub(super) const MAX_BYTES: u64 = 64 << 20;

/// Returns the bytes compressed, with a checksum.
///
/// # Errors
/// If there are too many.
pub(super) fn compressed(bytes: &[u8]) -> io::Result<Vec<u8>> {
    check(bytes.len() as u64)?;
    let mut compressor = zstd::bulk::Compressor::new(LEVEL)?;
    compressor.include_checksum(true)?;
    compressor.compress(bytes)
}

/// Returns the bytes that were compressed.
///
/// # Errors
/// If they are not as they were, or too many.
pub(super) fn decompressed(data: &[u8]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    zstd::Decoder::new(data)?
        .take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)?;
    check(bytes.len() as u64)?;
    Ok(bytes)
}

fn check(bytes: u64) -> io::Result<()> {
    match bytes <= MAX_BYTES {
        true => Ok(()),
        false => Err(io::Error::other("too much for one chunk")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_small_file_of_many_bytes_is_refused() {
        let zeros = io::repeat(0).take(4 * MAX_BYTES);
        let bomb = zstd::encode_all(zeros, LEVEL).unwrap();
        assert!(bomb.len() < 100_000, "{}", bomb.len());
        let error = decompressed(&bomb).unwrap_err().to_string();
        assert!(error.contains("too much"), "{error}");
        assert!(compressed(&vec![0; MAX_BYTES as usize + 1]).is_err());
        let most = vec![1; MAX_BYTES as usize];
        assert!(decompressed(&compressed(&most).unwrap()).unwrap() == most);
    }
}
