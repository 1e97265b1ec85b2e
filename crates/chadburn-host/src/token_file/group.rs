//! Who is in a group, as far as this machine's own files know (`group(5)`, `passwd(5)`).

use std::fs::File;
use std::io::Read;

/// The largest of the two files that is read, in bytes.
const LARGEST: u64 = 1024 * 1024;

/// Whether somebody beside root and this user may be in the group. A group that the files do not know is a
/// directory service's (LDAP, NIS), and has whomever that says.
pub(super) fn has_others(group: u32, own: u32) -> bool {
    let read = |path| {
        let mut text = String::new();
        let file = File::open(path).map(|file| file.take(LARGEST));
        file.and_then(|mut file| file.read_to_string(&mut text))
            .map_or_else(|_| String::new(), |_| text)
    };
    others(&read("/etc/group"), &read("/etc/passwd"), group, own)
}

fn others(groups: &str, users: &str, group: u32, own: u32) -> bool {
    let fields = |text: &'_ str| text.split(':').map(str::to_owned).collect::<Vec<_>>();
    let number = |fields: &[String], at: usize| fields.get(at)?.parse::<u32>().ok();
    let users: Vec<_> = users.lines().map(fields).collect();
    let groups: Vec<_> =
        groups.lines().map(fields).filter(|it| number(it, 2) == Some(group)).collect();
    let stranger = |user: &Vec<String>| number(user, 2).is_none_or(|uid| uid != 0 && uid != own);
    let mut primary = users.iter().filter(|user| number(user, 3) == Some(group)).peekable();
    if groups.is_empty() && primary.peek().is_none() {
        return true;
    }
    let named = |name: &str| users.iter().find(|user| user.first().is_some_and(|it| it == name));
    let mut members = groups.iter().filter_map(|group| group.get(3)).flat_map(|it| it.split(','));
    let known = members.any(|name| !name.is_empty() && named(name).is_none_or(stranger));
    known || primary.any(stranger)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_shared_if_somebody_else_is_in_it() {
        let users =
            "root:x:0:0::/:\ntim:x:1000:1000::/:\nana:x:1001:1001::/:\neve:x:1002:100::/:\n";
        let groups = "root:x:0:\ntim:x:1000:\nana:x:1001:root,ana\nold:x:7:gone\n\
                      users:x:100:\nwatch:x:50:tim,root\nboth:x:51:tim,ana\nbroken\n";
        for (group, own, shared) in [
            (0, 1000, false),
            (1000, 1000, false),
            (1000, 0, true),
            (1001, 1000, true),
            (1001, 1001, false),
            (100, 1000, true),
            (100, 1002, false),
            (50, 1000, false),
            (50, 1001, true),
            (51, 1000, true),
            // A member without a number may be anybody.
            (7, 1000, true),
            // Whom a service knows that the files do not.
            (4_000, 1000, true),
        ] {
            assert_eq!(others(groups, users, group, own), shared, "{group} of {own}");
        }
        assert!(others("", "", 0, 0));
    }
}
