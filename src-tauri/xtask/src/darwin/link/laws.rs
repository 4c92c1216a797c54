//! What has to hold of every program that is made for a Mac.

use super::binary::Binary;

/// Names of the system's symbols; the file says what it can and can't see.
pub const NAMES: &str = include_str!("../../../darwin/apple-names.txt");

/// Folders that every Mac has its libraries in.
const OF_THE_SYSTEM: [&str; 2] = ["/usr/lib/", "/System/Library/"];

/// What is wrong with a program for this processor and this oldest macOS; nothing: it is as it has to be.
pub fn broken(binary: &Binary, processor: &str, minimum: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if binary.processor != processor {
        wrong.push(format!("it is for the processor {}, not {processor}", binary.processor));
    }
    if binary.minimum.as_deref() != Some(minimum) {
        let says = binary.minimum.as_deref().unwrap_or("nothing");
        wrong.push(format!("its oldest macOS is to be {minimum}, and it says {says}"));
    }
    let foreign = |name: &&String| !OF_THE_SYSTEM.iter().any(|folder| name.starts_with(folder));
    wrong.extend(
        binary
            .libraries
            .iter()
            .filter(foreign)
            .map(|name| format!("it is linked against {name}, which a Mac does not have")),
    );
    let unknown = binary.open.iter().filter(|name| !is_apples(name, NAMES));
    wrong.extend(unknown.map(|name| format!("nothing defines {name}, and it does not look like Apple's")));
    wrong
}

/// Whether a symbol looks like one of the system's.
fn is_apples(symbol: &str, names: &str) -> bool {
    let lines = names.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| line.split_once('*').map_or((line, false), |(start, _)| (start, true)))
        .any(|(name, and_on)| if and_on { symbol.starts_with(name) } else { symbol == name })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Binary {
        Binary {
            processor: "aarch64".into(),
            minimum: Some("12.0".into()),
            libraries: vec![
                "/usr/lib/libSystem.B.dylib".into(),
                "/System/Library/Frameworks/AppKit.framework/Versions/C/AppKit".into(),
            ],
            open: vec!["_objc_msgSend".into(), "_CFRelease".into()],
        }
    }

    fn wrong(change: impl FnOnce(&mut Binary)) -> Vec<String> {
        let mut binary = good();
        change(&mut binary);
        broken(&binary, "aarch64", "12.0")
    }

    #[test]
    fn a_program_as_it_has_to_be_breaks_no_law() {
        assert_eq!(wrong(|_| {}), [""; 0]);
    }

    #[test]
    fn each_law_can_be_broken() {
        let one = |change: fn(&mut Binary), word: &str| {
            let wrong = wrong(change);
            assert!(wrong.len() == 1 && wrong[0].contains(word), "{wrong:?}");
        };
        one(|b| b.processor = "x86_64".into(), "x86_64");
        one(|b| b.minimum = Some("11.0".into()), "11.0");
        one(|b| b.minimum = None, "nothing");
        one(|b| b.libraries.push("/opt/homebrew/lib/libssl.3.dylib".into()), "homebrew");
        one(|b| b.libraries.push("@rpath/libssh2.dylib".into()), "@rpath");
        one(|b| b.open.push("_SSL_new".into()), "_SSL_new");
    }

    #[test]
    fn a_name_is_whole_or_the_start_of_many() {
        let names = "# comment\n\n_CF*\n_environ\n";
        for (symbol, apples) in [
            ("_CFRelease", true),
            ("_environ", true),
            ("_environment", false),
            ("comment", false),
            ("", false),
        ] {
            assert_eq!(is_apples(symbol, names), apples, "{symbol}");
        }
    }
}
