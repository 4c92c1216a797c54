use super::*;

const FILE: &str = "/run/igloo/terminal-aarch64.command";

fn words(known: &'static [Known], id: &str, at: &str) -> Vec<String> {
    let known = known.iter().find(|known| known.id == id).unwrap();
    let command = command(Path::new("/opt/igloo"), "aarch64", None);
    let words = Found { known, at: at.into() }.words(&command, Path::new(FILE));
    words.into_iter().map(|word| word.into_string().unwrap()).collect()
}

#[test]
fn each_terminal_is_asked_in_its_own_words() {
    let mac = |id: &str, at: &str| words(MACOS, id, at);
    let terminal = "/System/Applications/Utilities/Terminal.app";
    assert_eq!(mac("terminal", terminal), ["open", "-a", terminal, FILE]);
    assert_eq!(mac("iterm2", "/A/iTerm.app"), ["open", "-a", "/A/iTerm.app", FILE]);
    let ghostty = ["open", "-na", "/A/Ghostty.app", "--args", "-e", "/opt/igloo", "ssh", "aarch64"];
    assert_eq!(mac("ghostty", "/A/Ghostty.app"), ghostty);
    let wezterm = ["open", "-na", "/A/WezTerm.app", "--args", "start", "--", "/opt/igloo", "ssh", "aarch64"];
    assert_eq!(mac("wezterm", "/A/WezTerm.app"), wezterm);
    let kitty = ["open", "-na", "/A/kitty.app", "--args", "/opt/igloo", "ssh", "aarch64"];
    assert_eq!(mac("kitty", "/A/kitty.app"), kitty);
    let alacritty = ["open", "-na", "/A/Alacritty.app", "--args", "-e", "/opt/igloo", "ssh", "aarch64"];
    assert_eq!(mac("alacritty", "/A/Alacritty.app"), alacritty);
    let linux = |id: &str| words(LINUX, id, &format!("/usr/bin/{id}"));
    assert_eq!(linux("xdg-terminal-exec"), ["/usr/bin/xdg-terminal-exec", "/opt/igloo", "ssh", "aarch64"]);
    assert_eq!(
        linux("x-terminal-emulator"),
        ["/usr/bin/x-terminal-emulator", "-e", "/opt/igloo", "ssh", "aarch64"]
    );
}

#[test]
fn only_apps_that_take_no_words_need_a_file() {
    let all = MACOS.iter().chain(LINUX).map(|known| Found { known, at: "/a".into() });
    let ids: Vec<_> = all.filter(Found::needs_file).map(|found| found.known.id).collect();
    assert_eq!(ids, ["terminal", "iterm2"]);
    let command = command(Path::new("/opt/my igloo/igloo"), "x86_64", Some("/h o".into()));
    assert_eq!(
        script(&command),
        "#!/bin/sh\nexec /usr/bin/env 'IGLOO_HOME=/h o' '/opt/my igloo/igloo' ssh x86_64\n"
    );
}

#[test]
fn what_is_installed_is_found_in_its_order_and_its_first_folder() {
    let folders = app_folders(Path::new("/Users/ann"));
    let there = [
        "/System/Applications/Utilities/Terminal.app",
        "/Users/ann/Applications/Home Manager Apps/kitty.app",
        "/Users/ann/Applications/Ghostty.app",
        "/Applications/Ghostty.app",
    ];
    let found = found(MACOS, &folders, |at| there.iter().any(|app| at == Path::new(app)));
    let at: Vec<_> = found.iter().map(|f| (f.known.id, f.at.to_str().unwrap())).collect();
    assert_eq!(at, [("terminal", there[0]), ("ghostty", there[3]), ("kitty", there[1])]);
    let chosen = |id: Option<&str>| choose(&found, id).unwrap().known.id;
    assert_eq!(chosen(None), "terminal");
    assert_eq!(chosen(Some("kitty")), "kitty");
    // gone since it was chosen: one opens all the same
    assert_eq!(chosen(Some("alacritty")), "terminal");
    assert_eq!(choose(&[], Some("kitty")), None);
}

#[test]
fn names_are_told_apart() {
    for known in [MACOS, LINUX] {
        let mut ids: Vec<_> = known.iter().map(|k| k.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), known.len());
    }
}
