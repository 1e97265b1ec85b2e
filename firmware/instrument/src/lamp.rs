//! The lamp: one light that says how the instrument is. `firmware/README.md` has its codes.

/// What the lamp says, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lamp {
    /// The lever's voltage is out of its range: two flashes, and a pause.
    Fault,
    /// No word of the host for ten seconds, or none yet: on and off, slowly.
    NoHost,
    /// An order waits for its answer: quickly.
    Unanswered,
    /// All is well: steadily on.
    Well,
}

/// After a panic nothing else runs: so many short flashes, and a pause, in milliseconds on and off.
pub const PANIC: [u64; 6] = [100, 150, 100, 150, 100, 900];

impl Lamp {
    /// Whether it is lit at this moment.
    #[must_use]
    pub fn is_lit(self, now: u64) -> bool {
        let pattern: &[u64] = match self {
            Self::Fault => &[150, 200, 150, 1_000],
            Self::NoHost => &[500, 500],
            Self::Unanswered => &[125, 125],
            Self::Well => return true,
        };
        let mut within = now % pattern.iter().sum::<u64>();
        // On and off take turns, and on comes first.
        let mut lit = true;
        for length in pattern {
            if within < *length {
                break;
            }
            within -= length;
            lit = !lit;
        }
        lit
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// How long it is on, off, on, … over so many milliseconds.
    fn lengths(lamp: Lamp, over: u64) -> Vec<(bool, u64)> {
        let mut lengths: Vec<(bool, u64)> = Vec::new();
        for now in 0..over {
            match lengths.last_mut() {
                Some((lit, length)) if *lit == lamp.is_lit(now) => *length += 1,
                _ => lengths.push((lamp.is_lit(now), 1)),
            }
        }
        lengths
    }

    #[test]
    fn the_codes_can_be_told_apart() {
        let fault = [(true, 150), (false, 200), (true, 150), (false, 1_000)];
        assert_eq!(lengths(Lamp::Fault, 1_500), fault);
        assert_eq!(lengths(Lamp::NoHost, 1_000), [(true, 500), (false, 500)]);
        assert_eq!(lengths(Lamp::Unanswered, 250), [(true, 125), (false, 125)]);
        assert_eq!(lengths(Lamp::Well, 5_000), [(true, 5_000)]);
    }
}
