use super::*;
use igloo_protocol::plan::{User, Users};
use proptest::prelude::*;

fn users(names: &[&str]) -> NixSetting {
    let users: Vec<User> = names.iter().map(|n| (*n).to_owned().try_into().unwrap()).collect();
    NixSetting::ExtraTrustedUsers(Users::try_from(users).unwrap())
}

#[test]
fn lines_are_what_nix_takes_them_for() {
    let text = "# c\n\ncores=4\n a\t=  b  c # d\r\ninclude x y\n!include x\ninclude /a#b\nbuilders =";
    let set = |name, value: &str| What::Set { name, value: value.into() };
    let kinds: Vec<_> = parse(text).lines.into_iter().map(|l| l.what).collect();
    assert_eq!(
        kinds,
        [
            What::Nothing,
            What::Nothing,
            What::Malformed,
            set("a", "b c"),
            What::Malformed,
            What::Include { path: "x", optional: true },
            What::Include { path: "/a", optional: false },
            set("builders", ""),
        ]
    );
}

#[test]
fn the_block_is_as_agreed() {
    let one = set("cores = 4\n!include nix.custom.conf\n", &NixSetting::BuildersUseSubstitutes(true));
    let all = set(&set(&one, &users(&["me", "you"])), &NixSetting::Builders);
    assert_eq!(
        all,
        "cores = 4\n!include nix.custom.conf\n\
         # >>> Igloo: this block is rewritten and undone by Igloo\n\
         builders = @/etc/nix/machines\n\
         builders-use-substitutes = true\n\
         extra-trusted-users = me you\n\
         # <<< Igloo\n"
    );
    assert_eq!(get(&all, "extra-trusted-users").as_deref(), Some("me you"));
    assert_eq!(get(&all, "cores"), None);
}

#[test]
fn the_block_moves_behind_what_was_added_since() {
    let text = set("a = 1\n", &NixSetting::Builders) + "builders =\n";
    let again = set(&text, &NixSetting::Builders);
    assert_eq!(again, set("a = 1\nbuilders =\n", &NixSetting::Builders));
}

#[test]
fn what_a_user_put_between_the_marks_is_kept_there() {
    let text = set("", &NixSetting::Builders).replace("builders", "max-jobs = 0 # mine\nbuilders");
    let new = set(&text, &NixSetting::BuildersUseSubstitutes(false));
    assert!(new.contains("\nmax-jobs = 0 # mine\nbuilders = @/etc/nix/machines\nbuilders-use"), "{new}");
}

fn setting() -> impl Strategy<Value = NixSetting> {
    prop_oneof![
        Just(NixSetting::Builders),
        any::<bool>().prop_map(NixSetting::BuildersUseSubstitutes),
        Just(users(&["me"])),
        Just(users(&["a", "_b"])),
    ]
}

/// Text as users may have it, with Igloo's block anywhere in it, whole or damaged.
fn text() -> impl Strategy<Value = String> {
    let block = set("", &NixSetting::BuildersUseSubstitutes(true));
    let mark = block.lines().next().unwrap().to_owned() + "\n";
    let piece = prop_oneof![
        Just("\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("builders = ssh://mac\n".to_owned()),
        Just("!include nix.custom.conf\n".to_owned()),
        Just("trusted-users = root @wheel # and me".to_owned()),
        "[ -~é\t]{0,12}",
        Just(block),
        Just(mark),
        Just("# <<< Igloo\n".to_owned()),
    ];
    prop::collection::vec(piece, 0..10).prop_map(|v| v.concat())
}

proptest! {
    #[test]
    fn printing_what_was_parsed_gives_the_text(text in text()) {
        prop_assert_eq!(parse(&text).to_string(), text);
    }

    #[test]
    fn setting_twice_is_setting_once(text in text(), s in setting()) {
        let once = set(&text, &s);
        prop_assert_eq!(get(&once, s.name()), Some(value(&s)));
        prop_assert_eq!(set(&once, &s), once);
    }

    #[test]
    fn removing_what_was_set_gives_the_text_back(text in text(), s in setting(), t in setting()) {
        let plain = remove(&text);
        prop_assert_eq!(&remove(&set(&set(&text, &s), &t)), &plain);
        if !block::is_in(&text) {
            prop_assert_eq!(plain, text);
        }
    }

    #[test]
    fn two_settings_commute(text in text(), s in setting(), t in setting()) {
        if s.name() != t.name() {
            prop_assert_eq!(set(&set(&text, &s), &t), set(&set(&text, &t), &s));
        }
    }
}
