//! The two Markdown tables. Knows figures and how to say them, not where they come from.

use std::fmt::Write;

use super::figures::{Figures, Round, each, median, range, ratios};
use super::server::one_line;

/// What was measured at one number of stations.
#[derive(Debug)]
pub(super) struct Speed {
    /// Stations.
    pub(super) stations: usize,
    /// Values measured in each run.
    pub(super) messages: usize,
    /// Each round's runs, one of each program.
    pub(super) rounds: Vec<Round>,
    /// Why a program failed, if it did; one of each.
    pub(super) failures: Vec<Option<String>>,
}

const SPEED_HEAD: &str = "\
| stations | server | CPU/message | × | range | p50 | × | p99 | × | connects/s | × \
| KiB a station | idle KiB | busy elsewhere |
|--:|:--|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|
";

/// How many cells that are.
const SPEED_CELLS: usize = 14;

const FAULTS_HEAD: &str = "\
| write mode | server | written | delivered | missing last | missing | duplicates | empty \
| out of order | foreign | lost |
|:--|:--|--:|--:|--:|--:|--:|--:|--:|--:|--:|
";

/// How many cells that are.
const FAULTS_CELLS: usize = 11;

const GREEDY_HEAD: &str = "\
| stations | greedy | server | p50 | × | p99 | × | /livez p99 | lost | greedy lost |
|--:|--:|:--|--:|--:|--:|--:|--:|--:|--:|
";

/// How long a push takes without and with stations beside it that send without end: medians, and
/// medians of the ratios of two runs after each other. What was lost is of all runs.
pub(super) fn greedy(
    (stations, greedy): (usize, usize),
    rows: &[(&str, [Vec<Round>; 2])],
) -> String {
    let mut text = String::from(GREEDY_HEAD);
    for (name, [calm, busy]) in rows {
        for (greedy, rounds) in [(0, calm), (greedy, busy)] {
            let cell = |figure: fn(&Figures) -> f64| {
                let (own, calm) = (each(rounds, 0, figure), each(calm, 0, figure));
                let time = median(&own) / 1e3;
                format!("{time:.2} ms | {:.2}", median(&ratios(&own, &calm)))
            };
            let (p50, p99) = (cell(|run| run.p50_us), cell(|run| run.p99_us));
            let live = median(&each(rounds, 0, |run| run.live_p99_us)) / 1e3;
            let all = || rounds.iter().flatten().flatten();
            let lost: u64 = all().map(|run| run.lost).sum();
            let gone: u64 = all().map(|run| run.greedy_lost).sum();
            push(
                &mut text,
                format_args!(
                    "| {stations} | {greedy} | {name} | {p50} | {p99} | {live:.2} ms | {lost} | {gone} |"
                ),
            );
        }
    }
    text.push('\n');
    text
}

/// Speed and memory: medians, and medians of the ratios to the floor's run in the same round.
pub(super) fn speed(
    names: &[&str],
    rows: &[Speed],
    floor: usize,
    absent: &[(String, String)],
) -> String {
    let mut text = String::from(SPEED_HEAD);
    for Speed { stations, rounds, failures, .. } in rows {
        for (index, name) in names.iter().enumerate() {
            if let Some(Some(why)) = failures.get(index) {
                let rest = " |".repeat(SPEED_CELLS - 3);
                push(&mut text, format_args!("| {stations} | {name} | failed: {why} |{rest}"));
                continue;
            }
            let base = (index != floor).then_some(floor);
            let cpu = Column::of(rounds, index, base, |run| run.cpu_us_per_message);
            let p50 = Column::of(rounds, index, base, |run| run.p50_us / 1e3);
            let p99 = Column::of(rounds, index, base, |run| run.p99_us / 1e3);
            let connects = Column::of(rounds, index, base, |run| run.connects_per_s);
            let memory = median(&each(rounds, index, |run| run.kib_per_station));
            let idle = median(&each(rounds, index, |run| run.idle_kib));
            let elsewhere = median(&each(rounds, index, |run| run.busy_elsewhere));
            push(
                &mut text,
                format_args!(
                    "| {stations} | {name} | {:.2} µs | {} | {} | {:.2} ms | {} | {:.2} ms | {} \
                     | {:.0} | {} | {memory:.2} | {idle:.0} | {elsewhere:.2} |",
                    cpu.median,
                    cpu.ratio(),
                    cpu.range(),
                    p50.median,
                    p50.ratio(),
                    p99.median,
                    p99.ratio(),
                    connects.median,
                    connects.ratio(),
                ),
            );
        }
    }
    for (name, why) in absent {
        let rest = " |".repeat(SPEED_CELLS - 3);
        push(&mut text, format_args!("| – | {name} | not measured: {} |{rest}", one_line(why)));
    }
    let amounts: Vec<String> = rows
        .iter()
        .map(|Speed { stations, messages, rounds, .. }| {
            format!("{} × {messages} messages to {stations}", rounds.len())
        })
        .collect();
    push(
        &mut text,
        format_args!(
            "\nMedians of interleaved rounds, the quietest ones; × is the median of the ratios to \
             the floor's run in the same round, and the range is that of the CPU's ratios. Busy \
             elsewhere: cores that worked for something else meanwhile. Rounds: {}.\n",
            amounts.join(", ")
        ),
    );
    text
}

/// What every station heard, held against what was written.
pub(super) fn faults(rows: &[(&str, &str, Result<Figures, String>)]) -> String {
    let mut text = String::from(FAULTS_HEAD);
    for (mode, name, run) in rows {
        let run = match run {
            Ok(run) => run,
            Err(why) => {
                let rest = " |".repeat(FAULTS_CELLS - 3);
                push(&mut text, format_args!("| {mode} | {name} | failed: {why} |{rest}"));
                continue;
            }
        };
        push(
            &mut text,
            format_args!(
                "| {mode} | {name} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
                run.written,
                run.delivered,
                run.missing_last,
                run.missing,
                run.duplicates,
                run.empties,
                run.out_of_order,
                run.foreign,
                run.lost,
            ),
        );
    }
    text
}

struct Column {
    median: f64,
    /// One for each round; `None` for the floor itself.
    ratios: Option<Vec<f64>>,
}

impl Column {
    fn of(
        rounds: &[Round],
        program: usize,
        base: Option<usize>,
        figure: impl Fn(&Figures) -> f64,
    ) -> Self {
        let own = each(rounds, program, &figure);
        let ratios = base.map(|base| ratios(&own, &each(rounds, base, &figure)));
        Self { median: median(&own), ratios }
    }

    fn ratio(&self) -> String {
        self.ratios.as_deref().map_or_else(|| "1".to_owned(), |all| format!("{:.2}", median(all)))
    }

    fn range(&self) -> String {
        self.ratios
            .as_deref()
            .map(range)
            .map_or_else(String::new, |(smallest, largest)| format!("{smallest:.2}–{largest:.2}"))
    }
}

fn push(text: &mut String, line: std::fmt::Arguments<'_>) {
    // A String takes everything.
    let _ = writeln!(text, "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(cpu: f64) -> Figures {
        Figures {
            cpu_us_per_message: cpu,
            p50_us: 1000.0,
            p99_us: 2000.0,
            connects_per_s: 20_000.0,
            kib_per_station: 0.22,
            busy_elsewhere: 0.1,
            idle_kib: 2900.0,
            written: 20,
            ..Figures::default()
        }
    }

    #[test]
    fn the_floor_is_one_and_the_others_are_measured_by_it() {
        let rounds =
            vec![vec![Some(run(4.0)), Some(run(5.0))], vec![Some(run(8.0)), Some(run(6.0))]];
        let rows = [Speed { stations: 100, messages: 20, rounds, failures: vec![None, None] }];
        let text = speed(&["floor", "ours"], &rows, 0, &[]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[2],
            "| 100 | floor | 6.00 µs | 1 |  | 1.00 ms | 1 | 2.00 ms | 1 | 20000 | 1 | 0.22 | 2900 | 0.10 |"
        );
        assert_eq!(
            lines[3],
            "| 100 | ours | 5.50 µs | 1.00 | 0.75–1.25 | 1.00 ms | 1.00 | 2.00 ms | 1.00 | 20000 \
             | 1.00 | 0.22 | 2900 | 0.10 |"
        );
        assert!(text.contains("2 × 20 messages to 100"));
    }

    #[test]
    fn every_line_of_a_table_has_as_many_cells_as_its_head() {
        let rounds = vec![vec![Some(run(4.0)), None]];
        let failures = vec![None, Some("it hung up".to_owned())];
        let rows = [Speed { stations: 100, messages: 20, rounds, failures }];
        let absent = [("mosquitto".to_owned(), "it is\nmissing".to_owned())];
        let faulty = [
            ("gap", "floor", Ok(Figures { empties: 3, ..run(1.0) })),
            ("gap", "nginx", Err("it hung up".to_owned())),
        ];
        let speed = speed(&["floor", "nginx"], &rows, 0, &absent);
        assert!(speed.contains("| 100 | nginx | failed: it hung up | |"), "{speed}");
        assert!(speed.contains("| – | mosquitto | not measured: it is: missing | |"), "{speed}");
        for text in [speed, faults(&faulty)] {
            let cells = |line: &str| line.matches('|').count();
            let mut lines = text.lines().take_while(|line| !line.is_empty());
            let head = lines.next().unwrap();
            assert!(lines.all(|line| cells(line) == cells(head)), "{text}");
        }
    }
}
