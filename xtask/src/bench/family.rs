//! All processes, and of one whatever it started, from proc(5). Knows not what any of them does.

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
    let everybody = everybody(Member::of);
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
    look(member.pid, Member::of).is_some_and(|now| now.began == member.began && !now.ended)
}

/// Ends it, unless it has ended already.
pub(super) fn end(member: Member) {
    let pid = i32::try_from(member.pid).ok().and_then(Pid::from_raw);
    if let Some(pid) = pid.filter(|_| is_alive(member)) {
        // It may end by itself in between, and then there is nothing to do.
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// What `parse` makes of each process that there is.
pub(super) fn everybody<T>(parse: impl Fn(&Stat<'_>) -> Option<T>) -> Vec<T> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| look(pid, &parse)).collect()
}

fn look<T>(pid: u32, parse: impl Fn(&Stat<'_>) -> Option<T>) -> Option<T> {
    parse(&Stat::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?)
}

/// What `/proc/PID/stat` says.
#[derive(Debug)]
pub(super) struct Stat<'a> {
    /// The id of the process.
    pub(super) pid: u32,
    /// Its name, field 2, which may have anything in it, but ends with the last bracket.
    pub(super) name: &'a str,
    /// The fields behind it, from number 3 on.
    rest: Vec<&'a str>,
}

impl<'a> Stat<'a> {
    pub(super) fn parse(stat: &'a str) -> Option<Self> {
        let (front, back) = stat.rsplit_once(')')?;
        let (pid, name) = front.split_once(" (")?;
        Some(Self { pid: pid.parse().ok()?, name, rest: back.split_whitespace().collect() })
    }

    /// The field with this number, 3 or more, as proc(5) counts them.
    pub(super) fn field(&self, number: usize) -> Option<&'a str> {
        self.rest.get(number - 3).copied()
    }
}

impl Member {
    /// Fields 3, 4 and 22 are the state, the parent and the beginning.
    fn of(stat: &Stat<'_>) -> Option<Self> {
        Some(Self {
            pid: stat.pid,
            parent: stat.field(4)?.parse().ok()?,
            began: stat.field(22)?.parse().ok()?,
            ended: matches!(stat.field(3)?, "Z" | "X"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(stat: &str) -> Option<Member> {
        Member::of(&Stat::parse(stat)?)
    }

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
