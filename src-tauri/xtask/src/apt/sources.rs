//! apt's sources: read in either format, derived, written as deb822 (sources.list(5)).

use std::fmt::Write;

/// One stanza: archives of packages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub uris: Vec<String>,
    pub suites: Vec<String>,
    pub components: Vec<String>,
    /// Other fields, such as `Signed-By`, under their deb822 names.
    pub options: Vec<(String, String)>,
}

impl Source {
    fn is_debian(&self) -> bool {
        self.components.iter().any(|component| component == "main")
            && self.uris.iter().any(|uri| matches!(last_part(uri), "debian" | "debian-security"))
    }

    fn has_suite(&self, suite: &str) -> bool {
        self.suites.iter().any(|own| own == suite)
    }
}

fn last_part(uri: &str) -> &str {
    let uri = uri.trim_end_matches('/');
    uri.rsplit('/').next().unwrap_or(uri)
}

/// Read the sources of one file; `deb822` for `.sources`, else the one-line format.
/// Only enabled binary archives; what can't be read is left out, since apt says so itself.
pub fn parse(text: &str, deb822: bool) -> Vec<Source> {
    if deb822 {
        stanzas(text).filter_map(|stanza| of_stanza(&stanza)).collect()
    } else {
        text.lines().filter_map(of_line).collect()
    }
}

type Field = (String, String);

fn stanzas(text: &str) -> impl Iterator<Item = Vec<Field>> {
    let mut all: Vec<Vec<Field>> = vec![Vec::new()];
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some(fields) = all.last_mut() else { break };
        if line.trim().is_empty() {
            all.push(Vec::new());
        } else if line.starts_with([' ', '\t']) {
            // a field goes on, as an embedded key does
            if let Some((_, value)) = fields.last_mut() {
                value.push('\n');
                value.push_str(line);
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }
    all.into_iter()
}

fn of_stanza(fields: &[Field]) -> Option<Source> {
    let field = |wanted: &str| {
        fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value)
    };
    let words = |wanted| Some(field(wanted)?.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    let is_off = field("Enabled").is_some_and(|value| matches!(value.as_str(), "no" | "false" | "off" | "0"));
    if is_off || !words("Types")?.iter().any(|kind| kind == "deb") {
        return None;
    }
    let own = ["types", "uris", "suites", "components", "enabled"];
    let options =
        fields.iter().filter(|(name, _)| !own.contains(&name.to_lowercase().as_str())).cloned().collect();
    Some(Source { uris: words("URIs")?, suites: words("Suites")?, components: words("Components")?, options })
}

fn of_line(line: &str) -> Option<Source> {
    let rest = line.trim().strip_prefix("deb")?;
    // not deb-src
    let rest = rest.strip_prefix([' ', '\t'])?.trim_start();
    let (options, rest) = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => ("", rest),
    };
    let rest = rest.split_once('#').map_or(rest, |(words, _)| words);
    let mut words = rest.split_whitespace().map(str::to_owned);
    let (uri, suite) = (words.next()?, words.next()?);
    let options = options.split_whitespace().filter_map(|option| option.split_once('='));
    let options = options.map(|(name, value)| (long_name(name), value.replace(',', " "))).collect();
    Some(Source { uris: vec![uri], suites: vec![suite], components: words.collect(), options })
}

/// The deb822 name of an option of the one-line format (sources.list(5), "options").
fn long_name(option: &str) -> String {
    match option {
        "arch" => "Architectures".to_owned(),
        "lang" => "Languages".to_owned(),
        "target" => "Targets".to_owned(),
        other => {
            let words = other.split('-').map(|word| {
                let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
                first.to_uppercase() + rest
            });
            words.collect::<Vec<_>>().join("-")
        }
    }
}

/// The machine's Debian archives alone, with `more` suites beside `codename`.
pub fn debian(sources: &[Source], codename: &str, more: &[&str]) -> Vec<Source> {
    let of_debian = sources.iter().filter(|source| source.is_debian());
    let with_more = of_debian.cloned().map(|mut source| {
        if source.has_suite(codename) {
            let missing = more.iter().filter(|suite| !source.has_suite(suite));
            let missing: Vec<_> = missing.map(|suite| (*suite).to_owned()).collect();
            source.suites.extend(missing);
        }
        source
    });
    with_more.collect()
}

/// Other suites of the archive that has `codename`, and no components but `main`.
pub fn other_suites(sources: &[Source], codename: &str, suites: &[&str]) -> Option<Source> {
    let mut source = archive(sources, codename)?.clone();
    source.suites = suites.iter().map(|suite| (*suite).to_owned()).collect();
    source.components = vec!["main".to_owned()];
    Some(source)
}

/// The URI of the Debian archive that has `codename`.
pub fn archive_uri(sources: &[Source], codename: &str) -> Option<String> {
    archive(sources, codename)?.uris.first().cloned()
}

fn archive<'a>(sources: &'a [Source], codename: &str) -> Option<&'a Source> {
    sources.iter().find(|source| source.is_debian() && source.has_suite(codename))
}

/// The sources as a deb822 file.
pub fn render(sources: &[Source]) -> String {
    let mut text = String::new();
    for source in sources {
        let fields = [("URIs", &source.uris), ("Suites", &source.suites), ("Components", &source.components)];
        text.push_str("Types: deb\n");
        // writing to a String can't fail
        for (name, words) in fields {
            let _ = writeln!(text, "{name}: {}", words.join(" "));
        }
        for (name, value) in &source.options {
            let _ = writeln!(text, "{name}: {value}");
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEB822: &str = "\
Types: deb
# a comment
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb deb-src
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc

Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: https://download.docker.com/linux/debian
Suites: bookworm
Components: stable
";

    #[test]
    fn the_machines_own_file_gets_one_suite_more() {
        let derived = render(&debian(&parse(DEB822, true), "bookworm", &["bookworm-backports"]));
        assert_eq!(
            derived,
            "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates bookworm-backports\n\
             Components: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n\
             Types: deb\nURIs: http://mirror.example/debian-security\nSuites: bookworm-security\nComponents: main\n\
             Signed-By: \n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n\n"
        );
        assert_eq!(
            parse(&derived, true),
            debian(&parse(&derived, true), "bookworm", &["bookworm-backports"])
        );
    }

    #[test]
    fn one_line_sources_are_read_too() {
        let text = "# deb http://mirror.example/debian bookworm main\n\
                    deb-src http://mirror.example/debian bookworm main\n\
                    deb [arch=amd64,arm64 signed-by=/k.gpg] http://mirror.example/debian/ bookworm main contrib # note\n";
        assert_eq!(
            render(&debian(&parse(text, false), "bookworm", &["bookworm-backports"])),
            "Types: deb\nURIs: http://mirror.example/debian/\nSuites: bookworm bookworm-backports\n\
             Components: main contrib\nArchitectures: amd64 arm64\nSigned-By: /k.gpg\n\n"
        );
    }

    #[test]
    fn the_archive_is_debians_own_and_not_the_security_one() {
        let sources = parse(DEB822, true);
        assert_eq!(archive_uri(&sources, "bookworm").as_deref(), Some("http://mirror.example/debian"));
        assert_eq!(archive_uri(&sources, "trixie"), None);
        let wide = other_suites(&sources, "bookworm", &["trixie", "sid"]).unwrap();
        assert_eq!(
            (wide.suites, wide.components),
            (vec!["trixie".to_owned(), "sid".to_owned()], vec!["main".to_owned()])
        );
    }
}
