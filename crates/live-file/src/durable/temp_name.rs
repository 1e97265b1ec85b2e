//! Names of temporary files: no longer than the name of the file that they will replace, so that they fit wherever
//! that fits, and recognizable when they are left over.

use std::ffi::{OsStr, OsString};

use uuid::Uuid;

/// Of these characters it consists behind its dot: some file systems know no capitals.
const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// How many of its last letters follow from all before them and the other's name. Of the names that
/// people give their hidden files, one of 32,768 ends like this.
const CHECK: usize = 3;

/// The lengths that it may have, in bytes. Beside a file with a shorter name it is longer: of fewer
/// letters too few are left to chance.
const SHORTEST: usize = 8;
const LONGEST: usize = 20;

/// The names that are used beside the file of one name.
#[derive(Clone, Copy, Debug)]
pub(super) struct TempName<'a>(&'a OsStr);

impl<'a> TempName<'a> {
    /// Those beside this file.
    pub(super) fn of(name: &'a OsStr) -> Self {
        Self(name)
    }

    /// One that nobody has used.
    pub(super) fn fresh(self) -> OsString {
        let mut temp = vec![b'.'];
        let chance = Uuid::new_v4();
        temp.extend(chance.as_bytes().iter().copied().take(self.length() - 1 - CHECK).map(letter));
        temp.extend(self.check(&temp));
        // Of letters like these it is UTF-8.
        String::from_utf8_lossy(&temp).into_owned().into()
    }

    /// Whether this is one of them.
    pub(super) fn is(self, candidate: &OsStr) -> bool {
        let bytes = candidate.as_encoded_bytes();
        let Some((start, check)) = bytes.split_last_chunk::<CHECK>() else { return false };
        let [b'.', letters @ ..] = start else { return false };
        bytes.len() == self.length()
            && letters.iter().all(|letter| LETTERS.contains(letter))
            && *check == self.check(start)
    }

    fn length(self) -> usize {
        self.0.len().clamp(SHORTEST, LONGEST)
    }

    /// The letters that follow these: a hash of both names (FNV-1a).
    fn check(self, start: &[u8]) -> [u8; CHECK] {
        let bytes = start.iter().chain(self.0.as_encoded_bytes());
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let [.., a, b, c] = (hash ^ (hash >> 32)).to_be_bytes();
        [a, b, c].map(letter)
    }
}

fn letter(byte: u8) -> u8 {
    LETTERS[usize::from(byte % 32)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_no_longer_than_the_others_name_and_known_again() {
        for name in
            ["accept.eot", "a.accept", "status.eot", &"s".repeat(250), "é".repeat(9).as_str()]
        {
            let name = OsStr::new(name);
            let names = TempName::of(name);
            for _ in 0..1_000 {
                let temp = names.fresh();
                assert!(temp.len() <= name.len() && names.is(&temp), "{temp:?}");
            }
        }
        assert_eq!(TempName::of(OsStr::new("a")).fresh().len(), SHORTEST);
    }

    #[test]
    fn hardly_anything_else_is_taken_for_one() {
        let names = TempName::of(OsStr::new("accept.eot"));
        let other = TempName::of(OsStr::new("status.eot"));
        let taken = (0..1_000).filter(|_| names.is(&other.fresh())).count();
        assert!(taken <= 2, "{taken} of 1000");
        for foreign in
            ["", ".", ".abc", "accept.eot", ".accept.eo", ".ACCEPTEOT", ".bash_hist", "abcdefghij"]
        {
            assert!(!names.is(OsStr::new(foreign)), "{foreign}");
        }
    }
}
