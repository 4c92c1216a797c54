//! What is read of an erofs image, to know it again and to see that it is whole. Source of the format: the kernel's
//! `fs/erofs/erofs_fs.h`, `struct erofs_super_block`.

use std::{fs::File, io, os::unix::fs::FileExt, path::Path};

/// Where the superblock is, in bytes.
const SUPERBLOCK: u64 = 1024;
const MAGIC: u32 = 0xE0F5_E1E2;
/// Offsets in the superblock: the logarithm of a block's size, the number of blocks, the volume's name.
const BLOCK_BITS: usize = 12;
const BLOCKS: usize = 36;
const NAME: usize = 64;

/// Whether the file holds an erofs of this name, with all its blocks.
///
/// # Errors
/// Why it does not.
pub(super) fn check(file: &Path, label: &str) -> Result<(), String> {
    let read = || -> io::Result<(u64, [u8; 128])> {
        let file = File::open(file)?;
        let mut block = [0; 128];
        file.read_exact_at(&mut block, SUPERBLOCK)?;
        Ok((file.metadata()?.len(), block))
    };
    let (size, block) = read().map_err(|e| e.to_string())?;
    let word = |at: usize| u32::from_le_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]]);
    if word(0) != MAGIC {
        return Err("it is no erofs".into());
    }
    let name = block[NAME..NAME + 16].split(|byte| *byte == 0).next().unwrap_or_default();
    if name != label.as_bytes() {
        return Err(format!("its label is {:?}, not {label:?}", String::from_utf8_lossy(name)));
    }
    let whole = u64::from(word(BLOCKS)) << u32::from(block[BLOCK_BITS]).min(31);
    if whole == 0 || size < whole {
        return Err(format!("it has {size} of {whole} bytes"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three blocks of 4 KiB.
    fn image() -> Vec<u8> {
        let mut image = vec![0; 3 << 12];
        image[1024..1028].copy_from_slice(&MAGIC.to_le_bytes());
        image[1024 + BLOCK_BITS] = 12;
        image[1024 + BLOCKS] = 3;
        image[1024 + NAME..1024 + NAME + 9].copy_from_slice(b"nix-store");
        image
    }

    #[test]
    fn only_a_whole_image_of_the_name_will_do() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("i");
        let check = |bytes: &[u8]| {
            std::fs::write(&file, bytes).unwrap();
            super::check(&file, "nix-store")
        };
        assert_eq!(check(&image()), Ok(()));
        let mut image = image();
        assert_eq!(check(&image[..9000]).unwrap_err(), "it has 9000 of 12288 bytes");
        image[1024 + NAME] = b'N';
        assert!(check(&image).unwrap_err().contains("label"));
        image[1024] = 0;
        assert_eq!(check(&image).unwrap_err(), "it is no erofs");
        assert!(check(b"").is_err());
    }
}
