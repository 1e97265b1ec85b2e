//! A process and whatever it started, from proc(5). Knows not what any of them does.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

/// A process that cannot be mistaken for a later one with the same id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Member {
    /// Its id.
    pub(super) pid: u32,
    parent: u32,
    /// When it began, in ticks since the machine did.
    began: u64,
    /// Whether it has ended, and only its parent has not taken notice.
    ended: bool,
}

/// The processes with these ids and all their descendants, parents first.
pub(super) fn of(roots: &[u32]) -> Vec<Member> {
    let everybody = everybody();
    let mut family: Vec<Member> =
        everybody.iter().filter(|member| roots.contains(&member.pid)).copied().collect();
    let mut next = 0;
    while let Some(&Member { pid, .. }) = family.get(next) {
        let children = everybody.iter().filter(|member| member.parent == pid);
        family.extend(children.filter(|child| !roots.contains(&child.pid)));
        next += 1;
    }
    family
}

/// Whether it still runs.
pub(super) fn is_alive(member: Member) -> bool {
    look(member.pid).is_some_and(|now| now.began == member.began && !now.ended)
}

/// Ends it, unless it has ended already.
pub(super) fn end(member: Member) {
    let pid = i32::try_from(member.pid).ok().and_then(Pid::from_raw);
    if let Some(pid) = pid.filter(|_| is_alive(member)) {
        // It may end by itself in between, and then there is nothing to do.
        let _ = kill_process(pid, Signal::KILL);
    }
}

fn everybody() -> Vec<Member> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let names = entries.flatten().map(|entry| entry.file_name());
    names.filter_map(|name| look(name.to_str()?.parse().ok()?)).collect()
}

fn look(pid: u32) -> Option<Member> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The name, field 2, may have anything in it, but ends with the last bracket; 3, 4 and 22 are the
/// state, the parent and the beginning.
fn parse(stat: &str) -> Option<Member> {
    let (front, back) = stat.rsplit_once(')')?;
    let pid = front.split_once(' ')?.0.parse().ok()?;
    let fields: Vec<&str> = back.split_whitespace().collect();
    Some(Member {
        pid,
        parent: fields.get(1)?.parse().ok()?,
        began: fields.get(19)?.parse().ok()?,
        ended: matches!(*fields.first()?, "Z" | "X"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_found_whatever_it_is_called() {
        let rest = "1 7 7 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 1 0 4711 1000 10";
        let member = Member { pid: 12, parent: 1, began: 4711, ended: false };
        for name in ["nginx", "a b", "x) S 9 ("] {
            assert_eq!(parse(&format!("12 ({name}) S {rest}")), Some(member), "{name}");
        }
        let ended = parse(&format!("12 (nginx) Z {rest}"));
        assert_eq!(ended, Some(Member { ended: true, ..member }));
        assert_eq!(parse("12 (nginx) S 1"), None);
    }
}
