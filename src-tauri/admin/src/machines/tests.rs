use super::*;
use proptest::prelude::*;

fn entry(b: BuilderId, jobs: u16) -> String {
    format!("{} {} {KEY_PATH} {jobs} 1 - - AAAA", uri(b), b.system())
}

const A: BuilderId = BuilderId::Aarch64;
const X: BuilderId = BuilderId::X86_64;

#[test]
fn a_new_entry_gets_a_line_of_its_own() {
    let a = entry(A, 1);
    assert_eq!(set("", A, &a), format!("{a}\n"));
    assert_eq!(set("ssh://me@mac", A, &a), format!("{a}\nssh://me@mac"));
    assert_eq!(set("# mine\n\n", A, &a), format!("# mine\n\n{a}\n"));
}

#[test]
fn an_entry_among_others_is_replaced_in_its_place() {
    let (old, new) = (entry(A, 1), entry(A, 8));
    let text = format!("ssh://x ; \t{old}; ssh://y # {old}\r\n");
    assert_eq!(set(&text, A, &new), format!("ssh://x ; \t{new}; ssh://y # {old}\r\n"));
    assert_eq!(get(&text, A), Some(old.as_str()));
}

#[test]
fn a_comment_is_not_an_entry() {
    let text = format!("# {}\nssh://x # ; {}\n", entry(A, 1), entry(X, 1));
    assert!(!has_any(&text));
}

#[test]
fn an_entry_of_others_for_the_same_alias_is_seen() {
    let stock = "ssh-ng://builder@linux-builder aarch64-linux /etc/nix/builder_ed25519 4";
    assert_eq!(foreign(stock, A), Some(stock));
    assert_eq!(foreign("ssh://linux-builder?compress=1", A), Some("ssh://linux-builder?compress=1"));
    assert_eq!(foreign("ssh-ng://u@linux-builder:31022", A), Some("ssh-ng://u@linux-builder:31022"));
    assert_eq!(foreign("ssh://linux-builder.example.org", A), None);
    assert_eq!(foreign(&entry(A, 2), A), None);
}

#[test]
fn a_second_copy_of_an_entry_goes_when_the_first_is_set() {
    let (old, new) = (entry(A, 1), entry(A, 8));
    let text = format!("{old}\nssh://x; {old}\n{old} ; ssh://y\n {old} # note\n\t{old}\n");
    assert_eq!(set(&text, A, &new), format!("{new}\nssh://x\n ssh://y\n  # note\n"));
}

#[test]
fn columns_are_read_as_nix_reads_them() {
    let text =
        format!("@/etc/nix/more # ;\nmac;\t{} \r\nssh://b - k - 2 kvm,x must  AAAA left over", entry(A, 3));
    let read = read(&text);
    assert_eq!(read[0], Entry::File("/etc/nix/more"));
    assert_eq!(read[1], Entry::Machine(Columns { uri: "mac", ..Columns::default() }));
    let ours = Columns {
        uri: "ssh-ng://builder@linux-builder",
        systems: Some("aarch64-linux"),
        key: Some(KEY_PATH),
        jobs: Some("3"),
        speed: Some("1"),
        host_key: Some("AAAA"),
        ..Columns::default()
    };
    assert_eq!(read[2], Entry::Machine(ours));
    let Entry::Machine(b) = read[3] else { panic!("{read:?}") };
    assert_eq!((b.systems, b.jobs, b.speed), (None, None, Some("2")));
    assert_eq!((b.features, b.mandatory, b.host_key), (Some("kvm,x"), Some("must"), Some("AAAA")));
}

/// Text as users may have it: entries, separators, comments, odd white space, no last newline.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\n".to_owned()),
        Just(";".to_owned()),
        Just("# note ".to_owned()),
        Just("\r\n".to_owned()),
        Just("@/etc/nix/more".to_owned()),
        "[ -~é\t]{0,12}",
        Just("ssh://other x86_64-linux - 1".to_owned()),
        Just(entry(A, 3)),
        Just(entry(X, 5)),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|v| v.concat())
}

proptest! {
    #[test]
    fn setting_twice_is_setting_once(text in text(), jobs in 1u16..9) {
        for b in BuilderId::ALL {
            let once = set(&text, b, &entry(b, jobs));
            prop_assert_eq!(&set(&once, b, &entry(b, jobs)), &once);
            let wanted = entry(b, jobs);
            prop_assert_eq!(get(&once, b), Some(wanted.as_str()));
        }
    }

    #[test]
    fn edits_of_two_builders_commute(text in text(), i in 1u16..9, j in 1u16..9) {
        let (a, x) = (entry(A, i), entry(X, j));
        prop_assert_eq!(set(&set(&text, A, &a), X, &x), set(&set(&text, X, &x), A, &a));
    }

    #[test]
    fn what_others_wrote_stays(text in text(), jobs in 1u16..9) {
        let others = |t: &str| entries(t).iter().filter(|(_, e)| owner(e) != Some(Owner::Igloo(A)))
            .map(|(_, e)| (*e).to_owned()).collect::<Vec<_>>();
        let new = set(&text, A, &entry(A, jobs));
        prop_assert_eq!(others(&new), others(&text));
    }

    #[test]
    fn what_was_read_can_be_put_back(text in text()) {
        let mut last = 0;
        for (range, entry) in entries(&text) {
            prop_assert!(last <= range.start && range.end <= text.len());
            prop_assert_eq!(&text[range.clone()], entry);
            last = range.end;
        }
        for b in BuilderId::ALL {
            if let (Some(entry), 1) = (get(&text, b), ours(&text, b).len()) {
                prop_assert_eq!(set(&text, b, entry), text.clone());
            }
        }
    }

    #[test]
    fn removing_what_was_set_gives_the_text_back(text in text(), i in 1u16..9, j in 1u16..9) {
        let bare = |t: &str| remove(&remove(t, A), X);
        let new = set(&set(&text, A, &entry(A, i)), X, &entry(X, j));
        prop_assert_eq!(bare(&new), bare(&text));
        if !has_any(&text) {
            prop_assert_eq!(bare(&new), text);
        }
        prop_assert!(!has_any(&bare(&new)));
    }
}
