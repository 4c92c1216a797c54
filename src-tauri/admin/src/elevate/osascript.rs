//! macOS: `osascript`, which shows the system's own dialog.

/// `osascript(1)`, part of the sealed system.
pub(super) const OSASCRIPT: &str = "/usr/bin/osascript";

/// The script: a constant. What to run comes as arguments, and AppleScript's own `quoted form of` quotes each
/// of them for the shell, so that no word of ours becomes part of a program.
///
/// `do shell script` throws the output away when the command fails, and `igloo-admin` fails with a report on
/// its standard output, hence `|| true`. With standard error in it too, a shell that could not start it says why.
/// (Technical Note TN2065, "do shell script in AppleScript".)
pub const SCRIPT: &str = r#"on run argv
	set theCommand to quoted form of (item 1 of argv)
	repeat with i from 2 to (count of argv)
		set theCommand to theCommand & " " & quoted form of (item i of argv)
	end repeat
	do shell script (theCommand & " 2>&1 || true") with prompt "Igloo wants to change how Nix reaches its Linux builder." with administrator privileges without altering line endings
end run"#;

/// What a dialog that led to nothing means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialog {
    /// The user closed it.
    Cancelled,
    /// The right was not given.
    Refused,
    /// It could not be shown.
    NotShown,
}

/// Reads the number at the end of what `osascript` says: `… execution error: User canceled. (-128)`. The
/// numbers are those of AppleScript (`userCanceledErr`, `errAENoUserInteraction`) and of Security's
/// `Authorization.h`.
pub(super) fn dialog(stderr: &str) -> Option<Dialog> {
    let number = stderr.trim_end().strip_suffix(')')?.rsplit_once('(')?.1;
    match number.parse::<i32>().ok()? {
        -128 | -60006 => Some(Dialog::Cancelled),
        -60005 => Some(Dialog::Refused),
        -1713 | -60007 => Some(Dialog::NotShown),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_this_to_the_byte() {
        let lines = [
            "on run argv",
            "\tset theCommand to quoted form of (item 1 of argv)",
            "\trepeat with i from 2 to (count of argv)",
            "\t\tset theCommand to theCommand & \" \" & quoted form of (item i of argv)",
            "\tend repeat",
            "\tdo shell script (theCommand & \" 2>&1 || true\") with prompt \"Igloo wants to change how Nix reaches its \
             Linux builder.\" with administrator privileges without altering line endings",
            "end run",
        ];
        assert_eq!(SCRIPT, lines.join("\n"));
    }

    #[test]
    fn the_number_says_what_became_of_the_dialog() {
        for (said, meant) in [
            ("0:234: execution error: User canceled. (-128)\n", Some(Dialog::Cancelled)),
            ("0:9: execution error: Benutzer hat abgebrochen. (-128)\n", Some(Dialog::Cancelled)),
            ("execution error: Not authorized. (-60005)", Some(Dialog::Refused)),
            ("execution error: No user interaction allowed. (-1713)", Some(Dialog::NotShown)),
            ("execution error: An error of type 1 has occurred. (1)", None),
            ("User canceled. (-128) while the report was read", None),
            ("", None),
        ] {
            assert_eq!(dialog(said), meant, "{said}");
        }
    }
}
