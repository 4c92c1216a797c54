//! Numbers for people.

/// How long, roughly: `12 s`, `5 min`, `3 h 20 min`, `2 d 4 h`. Takes milliseconds.
pub fn duration(ms: u64) -> String {
    let s = ms / 1000;
    match (s / 86_400, s / 3600 % 24, s / 60 % 60) {
        (0, 0, 0) => format!("{s} s"),
        (0, 0, min) => format!("{min} min"),
        (0, h, min) => format!("{h} h {min} min"),
        (d, h, _) => format!("{d} d {h} h"),
    }
}

/// How long a step took: `0.4 s`, `75 s`. Takes milliseconds.
pub fn step(ms: u64) -> String {
    if ms < 9_950 { format!("{:.1} s", ms as f64 / 1e3) } else { format!("{} s", (ms + 500) / 1000) }
}

/// How long a build has run: `1:32`, `1:02:03`. Takes seconds.
pub fn clock(s: f64) -> String {
    let s = s.max(0.0) as u64;
    match s / 3600 {
        0 => format!("{}:{:02}", s / 60, s % 60),
        h => format!("{h}:{:02}:{:02}", s / 60 % 60, s % 60),
    }
}

/// Bytes: `512 MiB`, `4.1 GiB`.
pub fn bytes(n: u64) -> String {
    const MIB: f64 = 1024.0 * 1024.0;
    let mib = n as f64 / MIB;
    if mib < 1023.5 { format!("{mib:.0} MiB") } else { format!("{:.1} GiB", mib / 1024.0) }
}

/// A count and its noun: `1 build`, `2 builds`.
pub fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// The text with a capital letter at its start.
pub fn capital(text: &str) -> String {
    let (first, rest) = text.split_at(text.chars().next().map_or(0, char::len_utf8));
    first.to_uppercase() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let cases = [(0, "0 s"), (59_999, "59 s"), (300_000, "5 min"), (12_000_000, "3 h 20 min")];
        for (ms, text) in cases {
            assert_eq!(duration(ms), text);
        }
        assert_eq!(duration(187_200_000), "2 d 4 h");
        assert_eq!((step(432), step(9_940), step(9_960), step(75_400)).0, "0.4 s");
        assert_eq!([step(9_940), step(9_960), step(75_400)], ["9.9 s", "10 s", "75 s"]);
        assert_eq!([clock(92.9), clock(3723.0), clock(-1.0)], ["1:32", "1:02:03", "0:00"]);
    }

    #[test]
    fn sizes_and_counts() {
        assert_eq!(
            [bytes(512 << 20), bytes(1 << 30), bytes(4_402_341_478)],
            ["512 MiB", "1.0 GiB", "4.1 GiB"]
        );
        assert_eq!([count(0, "build"), count(1, "build")], ["0 builds", "1 build"]);
    }
}
