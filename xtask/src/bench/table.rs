//! The Markdown tables, and what is to be said below them. Knows figures and how to say them, not where they come from.

use std::fmt::Write;

use super::figures::{Figures, Round, each, median, range, ratios};
use super::interval;
use super::server::one_line;
use super::size::Pace;

/// What was measured at one number of stations.
#[derive(Debug)]
pub(super) struct Speed {
    /// Stations.
    pub(super) stations: usize,
    /// At which pace orders were written.
    pub(super) pace: Pace,
    /// Values measured in each run.
    pub(super) messages: usize,
    /// Each round's runs, one of each program.
    pub(super) rounds: Vec<Round>,
    /// Why a program failed, if it did; one of each.
    pub(super) failures: Vec<Option<String>>,
    /// Which other processes kept the machine busy, and for which share of a core.
    pub(super) neighbours: Vec<(String, f64)>,
    /// So busy that the figures say nothing.
    pub(super) is_loud: bool,
}

/// What is compared with the floor, and what it is called.
type Figure = (&'static str, fn(&Figures) -> f64);
const COMPARED: [Figure; 3] = [
    ("CPU a message", |run| run.cpu_us_per_message),
    ("p50", |run| run.p50_us),
    ("p99", |run| run.p99_us),
];

/// Whether of every program that was measured each of these ratios is known to so much.
pub(super) fn is_exact(rounds: &[Round], floor: usize, share: f64) -> bool {
    let programs = rounds.first().map_or(0, Vec::len);
    (0..programs).filter(|index| *index != floor).all(|index| {
        COMPARED.iter().all(|(_, figure)| {
            let ratios = ratios(&each(rounds, index, figure), &each(rounds, floor, figure));
            ratios.is_empty() || interval::is_within(&ratios, share)
        })
    })
}

const SPEED_HEAD: &str = "\
| stations | pace | server | CPU/message | × | p50 | × | p99 | × | connects/s | × \
| KiB a station | idle KiB | busy elsewhere |
|--:|--:|:--|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|
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
    for Speed { stations, pace, rounds, failures, .. } in rows {
        for (index, name) in names.iter().enumerate() {
            if let Some(Some(why)) = failures.get(index) {
                let rest = " |".repeat(SPEED_CELLS - 4);
                push(
                    &mut text,
                    format_args!("| {stations} | {pace} | {name} | failed: {why} |{rest}"),
                );
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
                    "| {stations} | {pace} | {name} | {:.2} µs | {} | {:.2} ms | {} | {:.2} ms | {} \
                     | {:.0} | {} | {memory:.2} | {idle:.0} | {elsewhere:.2} |",
                    cpu.median,
                    cpu.ratio(),
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
        let rest = " |".repeat(SPEED_CELLS - 4);
        push(&mut text, format_args!("| – | – | {name} | not measured: {} |{rest}", one_line(why)));
    }
    let amounts: Vec<String> = rows
        .iter()
        .map(|Speed { stations, pace, messages, rounds, .. }| {
            format!("{} × {messages} messages to {stations} ({pace})", rounds.len())
        })
        .collect();
    push(
        &mut text,
        format_args!(
            "\nMedians of interleaved rounds, the quietest ones. ×: the ratio to the floor's run in the same round; \
             the geometric mean of all rounds, its 95 % interval, and the worst round. Busy elsewhere: cores that \
             worked for something else meanwhile. Rounds: {}.\n",
            amounts.join(", ")
        ),
    );
    for row in rows {
        remarks(&mut text, names, row);
    }
    text
}

/// What a row's medians do not show: a busy machine, and rounds that fall into two groups.
fn remarks(text: &mut String, names: &[&str], row: &Speed) {
    let Speed { stations, pace, rounds, neighbours, is_loud, .. } = row;
    let place = format!("{stations} stations, {pace}");
    if *is_loud {
        push(text, format_args!("- {place}: **not to be judged**, the machine was too busy."));
    }
    if !neighbours.is_empty() {
        let all = neighbours.iter().map(|(name, share)| format!("{name} {share:.2}"));
        let all: Vec<String> = all.collect();
        push(text, format_args!("- {place}: cores that others took: {}.", all.join(", ")));
    }
    for (index, name) in names.iter().enumerate() {
        for (what, figure) in COMPARED {
            let mut values = each(rounds, index, figure);
            let Some((fewer, times)) = interval::two_groups(&values) else { continue };
            values.sort_by(f64::total_cmp);
            let list = |part: &[f64]| {
                let all: Vec<String> = part.iter().map(|value| format!("{value:.1}")).collect();
                all.join(" ")
            };
            let (low, high) = (list(&values[..fewer]), list(&values[fewer..]));
            push(
                text,
                format_args!(
                    "- {place}, {name}: the rounds' {what} is of two kinds, in µs {low} and {high}, {times:.1} times apart."
                ),
            );
        }
    }
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

    /// "1.07 [1.04–1.10] ≤ 1.12": the mean, its interval if there is one, and the worst round.
    fn ratio(&self) -> String {
        let Some(ratios) = &self.ratios else { return "1".to_owned() };
        let (_, worst) = range(ratios);
        match interval::of(ratios) {
            Some((low, high)) => {
                format!("{:.2} [{low:.2}–{high:.2}] ≤ {worst:.2}", (low * high).sqrt())
            }
            None => format!("{:.2}", median(ratios)),
        }
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

    fn row(rounds: Vec<Round>) -> Speed {
        let failures = vec![None; rounds[0].len()];
        let pace = Pace(std::time::Duration::from_millis(30));
        let neighbours = vec![("rustc".to_owned(), 0.5)];
        Speed { stations: 100, pace, messages: 20, rounds, failures, neighbours, is_loud: false }
    }

    #[test]
    fn the_floor_is_one_and_the_others_are_measured_by_it() {
        let rounds =
            vec![vec![Some(run(4.0)), Some(run(5.0))], vec![Some(run(8.0)), Some(run(10.0))]];
        let text = speed(&["floor", "ours"], &[row(rounds)], 0, &[]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[2],
            "| 100 | 30 ms | floor | 6.00 µs | 1 | 1.00 ms | 1 | 2.00 ms | 1 | 20000 | 1 | 0.22 | 2900 | 0.10 |"
        );
        assert_eq!(
            lines[3],
            "| 100 | 30 ms | ours | 7.50 µs | 1.25 [1.25–1.25] ≤ 1.25 | 1.00 ms | 1.00 [1.00–1.00] ≤ 1.00 \
             | 2.00 ms | 1.00 [1.00–1.00] ≤ 1.00 | 20000 | 1.00 [1.00–1.00] ≤ 1.00 | 0.22 | 2900 | 0.10 |"
        );
        assert!(text.contains("2 × 20 messages to 100 (30 ms)"));
        assert!(text.contains("cores that others took: rustc 0.50."), "{text}");
    }

    #[test]
    fn rounds_of_two_kinds_and_a_busy_machine_are_said() {
        let slow = |p50_us| Some(Figures { p50_us, ..run(4.0) });
        let rounds: Vec<Round> =
            [280.0, 2100.0, 270.0, 2700.0].map(|p50| vec![Some(run(4.0)), slow(p50)]).into();
        assert!(
            !is_exact(&rounds, 0, 0.03)
                && is_exact(&[rounds[0].clone(), rounds[0].clone()], 0, 0.03)
        );
        let loud = Speed { is_loud: true, ..row(rounds) };
        let text = speed(&["floor", "ours"], &[loud], 0, &[]);
        let kinds = "ours: the rounds' p50 is of two kinds, in µs 270.0 280.0 and 2100.0 2700.0, 8.7 times apart.";
        assert!(text.contains(kinds) && text.contains("**not to be judged**"), "{text}");
    }

    #[test]
    fn every_line_of_a_table_has_as_many_cells_as_its_head() {
        let rounds = vec![vec![Some(run(4.0)), None]];
        let failures = vec![None, Some("it hung up".to_owned())];
        let rows = [Speed { failures, ..row(rounds) }];
        let absent = [("mosquitto".to_owned(), "it is\nmissing".to_owned())];
        let faulty = [
            ("gap", "floor", Ok(Figures { empties: 3, ..run(1.0) })),
            ("gap", "nginx", Err("it hung up".to_owned())),
        ];
        let speed = speed(&["floor", "nginx"], &rows, 0, &absent);
        assert!(speed.contains("| 100 | 30 ms | nginx | failed: it hung up | |"), "{speed}");
        assert!(
            speed.contains("| – | – | mosquitto | not measured: it is: missing | |"),
            "{speed}"
        );
        for text in [speed, faults(&faulty)] {
            let cells = |line: &str| line.matches('|').count();
            let mut lines = text.lines().take_while(|line| !line.is_empty());
            let head = lines.next().unwrap();
            assert!(lines.all(|line| cells(line) == cells(head)), "{text}");
        }
    }
}
