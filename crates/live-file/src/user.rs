//! Which users count as this process's own: root and the one that it runs as.

use std::fs;
use std::sync::LazyLock;

/// What holds for the whole life of the process: its user, and the number of those who have none here.
static KNOWN: LazyLock<(u32, Option<u32>)> = LazyLock::new(|| {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let unmapped = unmapped(&read("/proc/self/uid_map"), &read("/proc/sys/kernel/overflowuid"));
    (rustix::process::geteuid().as_raw(), unmapped)
});

/// Whether what belongs to this user is as good as this process's own.
#[must_use]
pub fn is_own(user: u32) -> bool {
    let (own, unmapped) = *KNOWN;
    judged(user, own, unmapped)
}

fn judged(user: u32, own: u32, unmapped: Option<u32>) -> bool {
    (user == 0 || user == own) && Some(user) != unmapped
}

/// The number under which a user namespace shows everybody who has none in it (`user_namespaces(7)`), so
/// that it says of nobody who he is. Where all have their own there is none; in doubt it is the kernel's
/// default.
#[cfg(target_os = "linux")]
fn unmapped(uid_map: &str, overflow: &str) -> Option<u32> {
    let everybody = uid_map.split_ascii_whitespace().eq(["0", "0", "4294967295"]);
    (!everybody).then(|| overflow.trim().parse().unwrap_or(65_534))
}

/// Other systems have no user namespaces.
#[cfg(not(target_os = "linux"))]
fn unmapped(_: &str, _: &str) -> Option<u32> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_and_the_servers_user_are_its_own_and_nobody_without_a_number_is() {
        for (user, own, unmapped, is_own) in [
            (0, 1873, None, true),
            (1873, 1873, None, true),
            (7, 1873, None, false),
            (65_534, 65_534, None, true),
            (65_534, 65_534, Some(65_534), false),
            (0, 65_534, Some(65_534), true),
            (0, 0, Some(0), false),
            (1873, 0, Some(65_534), false),
        ] {
            assert_eq!(judged(user, own, unmapped), is_own, "{user} {own} {unmapped:?}");
        }
        assert!(is_own(0));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn who_has_no_number_is_known_by_the_map() {
        assert_eq!(unmapped("         0          0 4294967295\n", "65534\n"), None);
        for part in ["0 100000 65536\n", "0 1000 1\n1 100000 65536\n", "0 1 4294967295\n", ""] {
            assert_eq!(unmapped(part, "65534\n"), Some(65_534), "{part:?}");
        }
        assert_eq!(unmapped("0 1000 1\n", "99\n"), Some(99));
        assert_eq!(unmapped("", ""), Some(65_534), "without /proc nothing is known");
    }
}
