use super::*;

fn views(log: &str) -> (Progress, Vec<NixView>) {
    let mut progress = Progress::default();
    let mut views = Vec::new();
    for line in log.lines() {
        if progress.line(line) {
            views.push(progress.view());
        }
    }
    (progress, views)
}

#[test]
fn a_real_build_adds_up() {
    let (progress, views) = views(include_str!("logs/nix-2.26.3.txt"));
    let last = views.last().unwrap();
    assert_eq!(last.built, Tally { done: 4, expected: 4 });
    assert!(views.iter().any(|v| v.now.as_deref() == Some("job-a")), "{views:?}");
    assert!(views.iter().all(|v| v.built.done <= v.built.expected));
    // one of five failed
    assert!(progress.said().contains("job-d.drv' failed"), "{}", progress.said());
    assert!(!progress.said().contains('\x1b'));
}

#[test]
fn a_newer_nix_is_understood_too() {
    let log: String = include_str!("logs/nix-2.34.8.jsonl").lines().map(|l| format!("@nix {l}\n")).collect();
    let (_, views) = views(&log);
    assert!(views.iter().any(|v| v.now.as_deref() == Some("job-a")));
    assert!(views.iter().any(|v| v.built.done > 0));
}

#[test]
fn what_is_fetched_is_told_in_bytes_and_paths() {
    let log = include_str!("logs/substituted.txt");
    let (mut progress, views) = views(log);
    let last = views.last().unwrap();
    assert_eq!(last.fetched, Tally { done: 0, expected: 2 });
    assert_eq!(last.downloaded, Tally { done: 1 << 20, expected: 3 << 20 });
    assert_eq!(last.unpacked, Tally { done: 4 << 20, expected: 12 << 20 });
    assert_eq!(last.now.as_deref(), Some("linux-6.12"));
    for end in [
        r#"@nix {"action":"result","fields":[2097152,2097152,0,0],"id":6,"type":105}"#,
        r#"@nix {"action":"stop","id":6}"#,
        r#"@nix {"action":"stop","id":5}"#,
        r#"@nix {"action":"stop","id":4}"#,
    ] {
        progress.line(end);
    }
    let after = progress.view();
    assert_eq!((after.downloaded.done, after.now), (2 << 20, None));
}

#[test]
fn what_is_no_event_is_a_message_and_odd_events_are_passed_over() {
    let mut progress = Progress::default();
    assert!(!progress.line("error: \x1b[31;1mno\x1b[0m such file"));
    for odd in ["@nix {", "@nix {\"action\":\"dance\"}", r#"@nix {"action":"stop","id":9}"#] {
        assert!(!progress.line(odd));
    }
    assert!(!progress.line(r#"@nix {"action":"result","id":1,"type":105,"fields":["x"]}"#));
    assert_eq!(progress.said(), "error: no such file");
    assert_eq!(progress.view(), NixView::default());
}

#[test]
fn names_are_short() {
    assert_eq!(name("/nix/store/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-linux-6.12.drv"), "linux-6.12");
    assert_eq!(name("odd"), "odd");
}
