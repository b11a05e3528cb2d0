//! Extracts the ELF kernel from a bootable Linux image.
//!
//! Xen and xl could do that themselves, but under emulation it takes them 15 s for each domain.

use std::io::{self, Read};

use anyhow::{Context, Result, bail};

/// Where the boot protocol (Documentation/arch/x86/boot.rst in Linux) has the fields read here.
mod header {
    /// The size of the real-mode part in sectors of 512 bytes, without the first one: one byte.
    pub(super) const SETUP_SECTS: usize = 0x1f1;
    /// `HdrS`.
    pub(super) const MAGIC: usize = 0x202;
    /// Where the packed kernel begins after the real-mode part: four bytes.
    pub(super) const PAYLOAD_OFFSET: usize = 0x248;
    /// The packed kernel's length: four bytes.
    pub(super) const PAYLOAD_LENGTH: usize = 0x24c;
}

/// Returns the ELF kernel of a bzImage.
pub(super) fn unpack(image: &[u8]) -> Result<Vec<u8>> {
    let payload = payload(image).context("no Linux kernel")?;
    let mut kernel = Vec::new();
    let unpacked = if payload.starts_with(b"\xfd7zXZ\0") {
        liblzma::read::XzDecoder::new(payload).read_to_end(&mut kernel)
    } else if payload.starts_with(b"\x28\xb5\x2f\xfd") {
        ruzstd::decoding::StreamingDecoder::new(payload)
            .map_err(io::Error::other)
            .and_then(|mut decoder| decoder.read_to_end(&mut kernel))
    } else {
        bail!("the kernel is packed neither by xz nor by zstd");
    };
    unpacked.context("the packed kernel is damaged")?;
    Ok(kernel)
}

fn payload(image: &[u8]) -> Option<&[u8]> {
    if image.get(header::MAGIC..)?.get(..4)? != b"HdrS" {
        return None;
    }
    let word = |at: usize| {
        let bytes = image.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    };
    // 0 means 4, as in kernels older than the field.
    let sectors = match *image.get(header::SETUP_SECTS)? {
        0 => 4,
        sectors => usize::from(sectors),
    };
    let start = (sectors + 1) * 512 + word(header::PAYLOAD_OFFSET)?;
    image.get(start..)?.get(..word(header::PAYLOAD_LENGTH)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a bzImage that has only the header fields and this payload.
    fn image(payload: &[u8]) -> Result<Vec<u8>> {
        let mut image = vec![0; 2 * 512];
        image[header::SETUP_SECTS] = 1;
        image[header::MAGIC..][..4].copy_from_slice(b"HdrS");
        image[header::PAYLOAD_OFFSET..][..4].copy_from_slice(&16_u32.to_le_bytes());
        let length = u32::try_from(payload.len())?;
        image[header::PAYLOAD_LENGTH..][..4].copy_from_slice(&length.to_le_bytes());
        image.extend_from_slice(&[0; 16]);
        image.extend_from_slice(payload);
        Ok(image)
    }

    #[test]
    fn the_packed_kernel_is_found_and_unpacked() -> Result<()> {
        let mut packed = Vec::new();
        liblzma::read::XzEncoder::new(b"kernel".as_slice(), 0).read_to_end(&mut packed)?;
        // The kernel's build appends the unpacked length.
        packed.extend_from_slice(&6_u32.to_le_bytes());
        assert_eq!(unpack(&image(&packed)?)?, b"kernel");
        Ok(())
    }

    #[test]
    fn other_files_than_kernels_are_refused() -> Result<()> {
        assert!(unpack(b"MZ").is_err());
        assert!(unpack(&image(b"lzo?")?).is_err());
        Ok(())
    }
}
