//! What the machine runs on: what the hosts' sources say, parsed.

/// What `pmset -g ps` says in its first line: `Now drawing from 'Battery Power'` (pmset(1): the power sources are
/// `AC Power`, `Battery Power` and `UPS Power`).
#[cfg_attr(not(target_os = "macos"), allow(dead_code))]
pub(super) fn of_pmset(said: &str) -> Option<bool> {
    let source = said.lines().next()?.strip_prefix("Now drawing from '")?.strip_suffix('\'')?;
    match source {
        "AC Power" => Some(false),
        "Battery Power" | "UPS Power" => Some(true),
        _ => None,
    }
}

/// One of `/sys/class/power_supply`, by its files (the kernel's `Documentation/ABI/testing/sysfs-class-power`).
#[derive(Debug, Default)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
pub(super) struct Supply {
    /// `Battery`, `Mains`, `USB`, …
    pub kind: String,
    /// `Device` where it powers a mouse or the like, else `System` or nothing.
    pub scope: String,
    /// `1` where power comes from it.
    pub online: String,
    /// `Charging`, `Discharging`, `Full`, …
    pub status: String,
}

/// Whether power comes from a battery alone; `None`: there is no battery.
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
pub(super) fn of_supplies(all: impl Iterator<Item = Supply>) -> Option<bool> {
    let system: Vec<Supply> = all.filter(|s| s.scope != "Device").collect();
    let (batteries, others): (Vec<_>, Vec<_>) = system.iter().partition(|s| s.kind == "Battery");
    if batteries.is_empty() {
        return None;
    }
    let plugged_in = others.iter().any(|s| s.online == "1");
    let drains = others.is_empty() && batteries.iter().any(|s| s.status == "Discharging");
    Some(drains || !(others.is_empty() || plugged_in))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pmset_names_the_source() {
        let battery = "Now drawing from 'Battery Power'\n -InternalBattery-0 (id=4653155)\t87%; discharging; 5:12 remaining present: true\n";
        assert_eq!(of_pmset(battery), Some(true));
        assert_eq!(of_pmset("Now drawing from 'AC Power'\n"), Some(false));
        assert_eq!(of_pmset("Now drawing from 'UPS Power'\n"), Some(true));
        assert_eq!(of_pmset("Now drawing from 'the sun'\n"), None);
        assert_eq!(of_pmset(""), None);
    }

    fn supply(kind: &str, online: &str, status: &str) -> Supply {
        Supply { kind: kind.into(), online: online.into(), status: status.into(), ..Supply::default() }
    }

    #[test]
    fn supplies_tell_what_feeds_the_machine() {
        let of = |all: Vec<Supply>| of_supplies(all.into_iter());
        let battery = |status| supply("Battery", "", status);
        assert_eq!(of(vec![]), None);
        assert_eq!(of(vec![supply("Mains", "1", "")]), None, "a desktop");
        assert_eq!(of(vec![supply("Mains", "1", ""), battery("Charging")]), Some(false));
        assert_eq!(of(vec![supply("Mains", "0", ""), battery("Discharging")]), Some(true));
        assert_eq!(of(vec![supply("Mains", "0", ""), supply("USB", "1", ""), battery("Full")]), Some(false));
        assert_eq!(of(vec![battery("Discharging")]), Some(true), "no file says what it is plugged into");
        assert_eq!(of(vec![battery("Charging")]), Some(false));
        let mouse = Supply { scope: "Device".into(), ..battery("Discharging") };
        assert_eq!(of(vec![supply("Mains", "1", ""), mouse]), None, "a mouse's battery");
    }
}
