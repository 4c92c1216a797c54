//! What a linked program says about itself in its Mach-O headers.

use anyhow::{Context, Result, bail};
use object::{
    Endianness,
    macho::{self, CPU_TYPE_ARM64, CPU_TYPE_X86_64, DYNAMIC_LOOKUP_ORDINAL, MH_EXECUTE, PLATFORM_MACOS},
    read::macho::{LoadCommandVariant, MachHeader, Nlist},
};

type Header = macho::MachHeader64<Endianness>;

/// A program for a Mac.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Binary {
    /// The processor by Rust's name, or a number that is neither of the two.
    pub processor: String,
    /// The oldest macOS that it is for, as `12.0`.
    pub minimum: Option<String>,
    /// Install names of what the system loads with it.
    pub libraries: Vec<String>,
    /// Symbols that no library was named for: they are looked for in all of them when the program starts.
    pub open: Vec<String>,
}

/// Reads a program.
///
/// # Errors
/// It is no executable of the 64-bit Mach-O format, or broken.
pub fn read(bytes: &[u8]) -> Result<Binary> {
    let header = Header::parse(bytes, 0).context("no 64-bit Mach-O file")?;
    let endian = header.endian()?;
    if header.filetype(endian) != MH_EXECUTE {
        bail!("no executable but a file of type {}", header.filetype(endian));
    }
    let mut binary = Binary { processor: processor(header.cputype(endian)), ..Binary::default() };
    let mut commands = header.load_commands(endian, bytes, 0)?;
    while let Some(command) = commands.next()? {
        match command.variant()? {
            LoadCommandVariant::BuildVersion(built) if built.platform.get(endian) == PLATFORM_MACOS => {
                binary.minimum = Some(version(built.minos.get(endian)));
            }
            LoadCommandVariant::Dylib(dylib) => {
                let name = command.string(endian, dylib.dylib.name)?;
                binary.libraries.push(String::from_utf8_lossy(name).into_owned());
            }
            LoadCommandVariant::Symtab(table) => {
                let symbols = table.symbols::<Header, _>(endian, bytes)?;
                let open = symbols.iter().filter(|symbol| {
                    symbol.is_undefined() && symbol.library_ordinal(endian) == DYNAMIC_LOOKUP_ORDINAL
                });
                for symbol in open {
                    let name = symbol.name(endian, symbols.strings())?;
                    binary.open.push(String::from_utf8_lossy(name).into_owned());
                }
            }
            _ => {}
        }
    }
    Ok(binary)
}

fn processor(cpu: u32) -> String {
    match cpu {
        CPU_TYPE_ARM64 => "aarch64".to_owned(),
        CPU_TYPE_X86_64 => "x86_64".to_owned(),
        other => other.to_string(),
    }
}

/// `X.Y.Z` in the nibbles `xxxx.yy.zz`; a last 0 is left out, as people do.
fn version(packed: u32) -> String {
    let (major, minor, patch) = (packed >> 16, packed >> 8 & 0xff, packed & 0xff);
    if patch == 0 { format!("{major}.{minor}") } else { format!("{major}.{minor}.{patch}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with a version, one library, and the symbols `_open` (left to lookup) and `_found` (of the library).
    fn file(cpu: u32, filetype: u32) -> Vec<u8> {
        let library = b"/usr/lib/libSystem.B.dylib\0\0\0\0\0\0";
        let strings = b"\0_open\0_found\0\0\0";
        let built = [0x32, 24, PLATFORM_MACOS, 12 << 16 | 3 << 8, 15 << 16, 0];
        let loads = [0xc, 24 + library.len() as u32, 24, 2, 1 << 16, 1 << 16];
        let after = 32 + (built.len() + loads.len()) as u32 * 4 + library.len() as u32 + 24;
        let table = [0x2, 24, after, 2, after + 32, strings.len() as u32];
        let commands = after - 32;
        let mut bytes = Vec::new();
        let words = |bytes: &mut Vec<u8>, words: &[u32]| {
            bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        };
        words(&mut bytes, &[0xfeed_facf, cpu, 0, filetype, 3, commands, 0, 0]);
        words(&mut bytes, &built);
        words(&mut bytes, &loads);
        bytes.extend(library);
        words(&mut bytes, &table);
        // name, then type (undefined, external), section, and the ordinal in the upper half of desc
        words(&mut bytes, &[1, 0xfe00_0001, 0, 0, 7, 0x0100_0001, 0, 0]);
        bytes.extend(strings);
        bytes
    }

    #[test]
    fn a_program_says_what_it_is() {
        let binary = read(&file(CPU_TYPE_ARM64, MH_EXECUTE)).unwrap();
        assert_eq!(
            binary,
            Binary {
                processor: "aarch64".into(),
                minimum: Some("12.3".into()),
                libraries: vec!["/usr/lib/libSystem.B.dylib".into()],
                open: vec!["_open".into()],
            }
        );
        assert_eq!(read(&file(CPU_TYPE_X86_64, MH_EXECUTE)).unwrap().processor, "x86_64");
    }

    #[test]
    fn what_is_no_program_is_an_error() {
        let whole = file(CPU_TYPE_ARM64, MH_EXECUTE);
        assert!(read(&file(CPU_TYPE_ARM64, 1)).is_err());
        for broken in [&b"\x7fELF"[..], &whole[..40], &whole[..whole.len() - 14]] {
            assert!(read(broken).is_err());
        }
    }

    #[test]
    fn versions_are_as_people_write_them() {
        assert_eq!([version(0x000c_0000), version(0x000a_0f07)], ["12.0", "10.15.7"]);
    }
}
