//! Numbers that look random and are the same for the same seed for ever (Vigna's `SplitMix64`).

/// A row of such numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Random {
    state: u64,
}

impl Random {
    /// The row of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next number, any of 64 bits.
    #[must_use = "the number is what it is for"]
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The next number from `least` to `most`.
    #[must_use = "the number is what it is for"]
    pub fn between(&mut self, least: f32, most: f32) -> f32 {
        // 24 bits are what an f32 holds.
        let share = (self.bits() >> 40) as f32 / (1_u32 << 24) as f32;
        least + (most - least) * share
    }

    /// The next number around 0 with a standard deviation of 1: a sum of four, at most 3.5.
    #[must_use = "the number is what it is for"]
    pub fn normal(&mut self) -> f32 {
        let bits = self.bits();
        let parts = [0, 16, 32, 48].map(|shift| (bits >> shift & 0xffff) as f32 / 65_535.0 - 0.5);
        // Each has a variance of 1/12.
        parts.iter().sum::<f32>() * 3.0_f32.sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_published_row() {
        let mut random = Random::new(1_234_567);
        assert_eq!(random.bits(), 6_457_827_717_110_365_317);
        assert_eq!(random.bits(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn normal_numbers_have_their_spread() {
        let mut random = Random::new(5);
        let numbers: Vec<_> = (0..20_000).map(|_| random.normal()).collect();
        let mean = numbers.iter().sum::<f32>() / 20_000.0;
        let square = numbers.iter().map(|it| it * it).sum::<f32>() / 20_000.0;
        assert!(mean.abs() < 0.03 && (square - 1.0).abs() < 0.03, "{mean} {square}");
    }
}
