//! One run's figures as the load generator reports them, and what several runs make of them.

use serde::Deserialize;

/// What the tables need of a report; it has more.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Figures {
    /// Those of them that were heard, over all stations.
    pub(super) delivered: u64,
    /// Values written after the warm-up.
    pub(super) written: u64,
    /// Stations greeted a second.
    pub(super) connects_per_s: f64,
    /// Median latency.
    pub(super) p50_us: f64,
    /// The latency that one delivery in a hundred exceeds.
    pub(super) p99_us: f64,
    /// The server's CPU time for each delivery.
    pub(super) cpu_us_per_message: f64,
    /// How many cores were busy with something else meanwhile.
    pub(super) busy_elsewhere: f64,
    /// Its memory before anyone came.
    pub(super) idle_kib: f64,
    /// What a station adds to that.
    pub(super) kib_per_station: f64,
    /// Stations that never heard the last value.
    pub(super) missing_last: u64,
    /// Values never heard.
    pub(super) missing: u64,
    /// Values heard again.
    pub(super) duplicates: u64,
    /// Empty values heard.
    pub(super) empties: u64,
    /// Values heard after a later one.
    pub(super) out_of_order: u64,
    /// Values heard that nobody wrote.
    pub(super) foreign: u64,
    /// Stations that lost their connection.
    pub(super) lost: u64,
    /// Greedy stations that lost theirs.
    pub(super) greedy_lost: u64,
    /// The time that one answer of `/livez` in a hundred exceeds.
    pub(super) live_p99_us: f64,
}

impl Figures {
    /// Whether every station heard every value once, in order, and nothing else.
    pub(super) fn is_faultless(&self) -> bool {
        let faults = [
            self.missing_last,
            self.missing,
            self.duplicates,
            self.empties,
            self.out_of_order,
            self.foreign,
            self.lost,
        ];
        self.written > 0 && faults == [0; 7]
    }

    /// Why the figures of such a run say nothing of speed, if so: somebody was left behind.
    pub(super) fn failure(&self) -> Option<String> {
        let Self { lost, missing_last, .. } = self;
        match (lost, missing_last) {
            (0, 0) => None,
            (0, _) => Some(format!("{missing_last} stations never heard the last value")),
            _ => Some(format!("{lost} stations lost their connection")),
        }
    }
}

/// One run of each program; `None` of those that failed.
pub(super) type Round = Vec<Option<Figures>>;

/// How busy the machine was elsewhere in the worst of a round's runs.
pub(super) fn disturbance(round: &[Option<Figures>]) -> f64 {
    round.iter().flatten().map(|run| run.busy_elsewhere).fold(0.0, f64::max)
}

/// One figure of one program, in each round.
pub(super) fn each(rounds: &[Round], program: usize, figure: impl Fn(&Figures) -> f64) -> Vec<f64> {
    rounds.iter().filter_map(|round| round.get(program)?.as_ref()).map(figure).collect()
}

/// Each run's figure over that of the floor's run just before it: what both share, such as a
/// neighbour's compiler, cancels out.
pub(super) fn ratios(ours: &[f64], floors: &[f64]) -> Vec<f64> {
    ours.iter().zip(floors).map(|(our, floor)| our / floor).collect()
}

/// The middle one, or the mean of the two in the middle; not a number of none.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => sorted[odd / 2],
        even => f64::midpoint(sorted[even / 2 - 1], sorted[even / 2]),
    }
}

/// The smallest and the largest.
pub(super) fn range(values: &[f64]) -> (f64, f64) {
    let smallest = values.iter().copied().fold(f64::INFINITY, f64::min);
    (smallest, values.iter().copied().fold(f64::NEG_INFINITY, f64::max))
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these figures are exact")]
mod tests {
    use super::*;

    #[test]
    fn one_outlier_moves_no_median() {
        assert_eq!(median(&[1.0, 900.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 900.0]), 3.0);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn ratios_pair_the_runs_of_a_round() {
        assert_eq!(ratios(&[2.0, 9.0], &[1.0, 3.0]), [2.0, 3.0]);
        assert_eq!(range(&[2.0, 1.0, 3.0]), (1.0, 3.0));
    }

    #[test]
    fn a_round_is_as_disturbed_as_its_worst_run() {
        let run = |busy_elsewhere| Some(Figures { busy_elsewhere, ..Figures::default() });
        let rounds = [vec![run(0.0), run(0.5), None], vec![run(0.2), run(0.1), None]];
        assert_eq!(rounds.each_ref().map(|round| disturbance(round)), [0.5, 0.2]);
        assert_eq!(each(&rounds, 1, |run| run.busy_elsewhere), [0.5, 0.1]);
        assert!(each(&rounds, 2, |run| run.busy_elsewhere).is_empty(), "it failed");
    }

    #[test]
    fn any_fault_is_a_fault() {
        let clean = Figures { written: 3, ..Figures::default() };
        assert!(clean.is_faultless());
        assert!(!Figures { duplicates: 1, ..clean.clone() }.is_faultless());
        assert!(!Figures { lost: 1, ..clean }.is_faultless());
        assert!(!Figures::default().is_faultless(), "nothing written proves nothing");
    }

    #[test]
    fn a_run_that_left_somebody_behind_is_none() {
        let run = |lost, missing_last| Figures { missing_last, lost, ..Figures::default() };
        assert_eq!(run(0, 0).failure(), None);
        assert_eq!(run(0, 7).failure().unwrap(), "7 stations never heard the last value");
        assert_eq!(run(2, 7).failure().unwrap(), "2 stations lost their connection");
    }

    #[test]
    fn a_report_with_more_in_it_is_understood() {
        let text = r#"{"stations":1,"written":2,"delivered":2,"connects_per_s":1.5,"p50_us":1.0,
            "p99_us":2.0,"max_us":3.0,"cpu_us_per_message":4.5,"busy_elsewhere":0.1,"idle_kib":2900,"before_kib":3000,
            "with_kib":3001,"kib_per_station":1.0,"missing_last":0,"missing":0,"duplicates":0,
            "empties":0,"out_of_order":0,"foreign":0,"lost":0,"greedy_lost":0,"live_p99_us":0.0,"others":0}"#;
        let figures: Figures = serde_json::from_str(text).unwrap();
        assert!(figures.is_faultless());
        assert_eq!((figures.idle_kib, figures.cpu_us_per_message), (2900.0, 4.5));
    }
}
