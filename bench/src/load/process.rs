//! What other processes cost: CPU time and memory, and what the rest of the machine is busy with
//! meanwhile. Knows not what anybody does with them.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::time::{ClockId, clock_getcpuclockid};
use nix::unistd::Pid;

/// All processes of a server.
#[derive(Debug)]
pub(crate) struct Processes(Vec<Process>);

impl Processes {
    /// The processes with these ids.
    pub(crate) fn new(pids: &[i32]) -> Result<Self> {
        pids.iter().map(|&pid| Process::new(pid)).collect::<Result<_>>().map(Self)
    }

    /// User and system time of them all, since each of them started.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        self.0.iter().map(Process::cpu).sum()
    }

    /// Resident memory of them all in KiB; what two of them share counts twice.
    pub(crate) fn resident_kib(&self) -> Result<u64> {
        self.0.iter().map(Process::resident_kib).sum()
    }
}

/// A process that is looked at.
#[derive(Debug)]
struct Process {
    pid: i32,
    /// The process's own CPU clock. `/proc/PID/task/*/schedstat` has nanoseconds too, but forgets
    /// threads that ended; `/proc/PID/stat` forgets nobody, but counts in ticks of 10 ms. This
    /// clock has nanoseconds and keeps the time of ended threads.
    clock: ClockId,
}

impl Process {
    /// The process with this id.
    fn new(pid: i32) -> Result<Self> {
        let clock = clock_getcpuclockid(Pid::from_raw(pid))
            .with_context(|| format!("no process {pid} to measure"))?;
        Ok(Self { pid, clock })
    }

    /// User and system time of all its threads, ended ones included, since it started.
    fn cpu(&self) -> Result<Duration> {
        Ok(self.clock.now().context("the server ended")?.into())
    }

    /// Resident memory in KiB. From `smaps_rollup`, which walks the page tables; the counters in
    /// `status` and `statm` are kept per CPU and may be off by some hundred KiB.
    fn resident_kib(&self) -> Result<u64> {
        let path = format!("/proc/{}/smaps_rollup", self.pid);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        resident_in(&text).with_context(|| format!("no Rss in {path}"))
    }
}

/// CPU time that this process used since it started.
pub(crate) fn own_cpu() -> Result<Duration> {
    Ok(ClockId::CLOCK_PROCESS_CPUTIME_ID.now()?.into())
}

/// CPU time that all cores together were busy since the machine started, or were taken away by the
/// machine below.
pub(crate) fn machine_cpu() -> Result<Duration> {
    let text = fs::read_to_string("/proc/stat").context("cannot read /proc/stat")?;
    busy_in(&text).context("no cpu line in /proc/stat")
}

/// User, nice, system, irq, softirq and steal of proc(5)'s first line, in ticks of 10 ms.
fn busy_in(stat: &str) -> Option<Duration> {
    let ticks: Option<Vec<u64>> = stat
        .lines()
        .next()?
        .strip_prefix("cpu ")?
        .split_whitespace()
        .map(|t| t.parse().ok())
        .collect();
    let ticks = ticks?;
    let busy = [0, 1, 2, 5, 6, 7].iter().map(|&field| ticks.get(field));
    Some(Duration::from_millis(10 * busy.sum::<Option<u64>>()?))
}

fn resident_in(smaps_rollup: &str) -> Option<u64> {
    let line = smaps_rollup.lines().find_map(|line| line.strip_prefix("Rss:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_read_from_its_line_alone() {
        let text = "55d0-7ffe ---p 00000000 00:00 0  [rollup]\nRss:     5124 kB\nPss:   4000 kB\n";
        assert_eq!(resident_in(text), Some(5124));
        assert_eq!(resident_in("SwapPss: 3 kB\n"), None);
    }

    #[test]
    fn a_machine_that_idles_or_waits_is_not_busy() {
        let text = "cpu  1 2 4 1000 1000 8 16 32 0 0\ncpu0 9 9 9 9 9 9 9 9 0 0\n";
        assert_eq!(busy_in(text), Some(Duration::from_millis(630)));
        assert_eq!(busy_in("intr 5\n"), None);
        assert!(machine_cpu().unwrap() > Duration::ZERO);
    }

    #[test]
    fn work_shows_on_the_clock_also_after_its_thread_ended() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let this = Processes::new(&[pid]).unwrap();
        let before = this.cpu().unwrap();
        let spin = || {
            let from = std::time::Instant::now();
            while from.elapsed() < Duration::from_millis(20) {
                std::hint::black_box(());
            }
        };
        std::thread::spawn(spin).join().unwrap();
        assert!(this.cpu().unwrap() > before);
        assert!(this.resident_kib().unwrap() > 0);
    }

    #[test]
    fn what_several_processes_cost_is_added_up() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let pids = [std::process::id(), child.id()].map(|pid| i32::try_from(pid).unwrap());
        let [one, other] = pids.map(|pid| Process::new(pid).unwrap());
        let (both, one_before) = (Processes::new(&pids).unwrap(), one.cpu().unwrap());
        assert!(both.cpu().unwrap() > one_before);
        assert!(both.resident_kib().unwrap() > other.resident_kib().unwrap());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(both.cpu().is_err() && both.resident_kib().is_err(), "one of them ended");
    }
}
