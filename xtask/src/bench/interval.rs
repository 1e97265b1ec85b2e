//! How sure a figure is that several rounds have given. Knows numbers, and not what they are of.

use super::figures::median;

/// Beyond a gap of so many times between neighbours, rounds are taken for two groups.
const APART: f64 = 1.5;

/// Two-sided 95 % quantiles of Student's t distribution, for 1 to 30 degrees of freedom.
const T: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
    2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056,
    2.052, 2.048, 2.045, 2.042,
];

/// The same of the normal distribution.
const Z: f64 = 1.960;

/// In which interval the true ratio is with 95 %, by the ratios of independent rounds: their geometric mean, and how
/// far it may be off. Nothing of fewer than two, or of what is no positive number.
pub(super) fn of(ratios: &[f64]) -> Option<(f64, f64)> {
    if ratios.len() < 2 || !ratios.iter().all(|ratio| ratio.is_finite() && *ratio > 0.0) {
        return None;
    }
    let count = float(ratios.len());
    let mean = ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / count;
    let square = ratios.iter().map(|ratio| (ratio.ln() - mean).powi(2)).sum::<f64>();
    let deviation = (square / (count - 1.0)).sqrt();
    let quantile = T.get(ratios.len() - 2).copied().unwrap_or(Z);
    let half = quantile * deviation / count.sqrt();
    Some(((mean - half).exp(), (mean + half).exp()))
}

/// Whether the interval of these ratios is within so much of its middle, such as 0.03 for 3 %.
pub(super) fn is_within(ratios: &[f64], share: f64) -> bool {
    of(ratios).is_some_and(|(low, high)| high / low <= (1.0 + share) / (1.0 - share))
}

/// Where the rounds fall into two groups of two or more: the larger values begin with this many smaller ones before
/// them, and are this many times the others (by the medians).
pub(super) fn two_groups(values: &[f64]) -> Option<(usize, f64)> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let gaps = sorted.windows(2).enumerate().map(|(index, two)| (index + 1, two[1] / two[0]));
    let gaps = gaps.filter(|(index, _)| *index >= 2 && sorted.len() - index >= 2);
    let (index, gap) = gaps.max_by(|one, other| one.1.total_cmp(&other.1))?;
    let times = median(&sorted[index..]) / median(&sorted[..index]);
    (gap >= APART).then_some((index, times))
}

#[expect(clippy::cast_precision_loss, reason = "nobody measures 2^53 rounds")]
fn float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_as_wide_as_its_rounds_are_few_and_apart() {
        assert_eq!(of(&[1.0]), None);
        assert_eq!(of(&[1.0, f64::NAN]), None);
        assert_eq!(of(&[1.1; 5]), Some((1.1_f64.ln().exp(), 1.1_f64.ln().exp())));
        // Of 0.9, 1.0, 1.1 the logs have the mean -0.00335 and the deviation 0.10043.
        let (low, high) = of(&[0.9, 1.0, 1.1]).unwrap();
        assert!((low - 0.7766).abs() < 0.001 && (high - 1.2791).abs() < 0.001, "{low} {high}");
        let many: Vec<f64> = [0.9, 1.0, 1.1].repeat(20);
        assert!(is_within(&many, 0.03) && !is_within(&many, 0.01));
        assert!(!is_within(&[0.9, 1.0, 1.1], 0.03) && !is_within(&[], 0.03));
    }

    #[test]
    fn two_groups_are_told_from_one_that_is_wide_and_from_a_single_outlier() {
        let (fast, times) = two_groups(&[0.28, 2.1, 0.27, 2.7, 0.30]).unwrap();
        assert_eq!(fast, 3);
        assert!((times - 8.57).abs() < 0.01, "{times}");
        assert_eq!(two_groups(&[1.0, 1.2, 1.4, 1.6, 1.8]), None);
        assert_eq!(two_groups(&[0.27, 0.28, 0.30, 2.7]), None);
        assert_eq!(two_groups(&[]), None);
    }
}
