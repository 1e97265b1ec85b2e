//! Lines on their way out, in the pieces that whatever is there takes.

use chadburn_core::serial::Line;

/// The line that is being sent. The next one is asked for only when this one is gone, so that it
/// is always the newest that there is to say.
#[derive(Debug, Default)]
pub struct Outgoing {
    /// The line, and how many of its bytes are gone.
    line: Option<(Line, usize)>,
}

impl Outgoing {
    /// Sends what `put` takes: it is given bytes and says how many it took. `next` brings the next
    /// line, if there is one to say.
    pub fn send(
        &mut self,
        mut next: impl FnMut() -> Option<Line>,
        mut put: impl FnMut(&[u8]) -> usize,
    ) {
        loop {
            if self.line.is_none() {
                self.line = next().map(|line| (line, 0));
            }
            let Some((line, gone)) = &mut self.line else { return };
            let rest = &line[*gone..];
            let taken = put(rest).min(rest.len());
            if taken < rest.len() {
                *gone += taken;
                return;
            }
            self.line = None;
        }
    }

    /// Forgets the line that is half gone, because whoever heard its beginning is gone.
    pub fn forget(&mut self) {
        self.line = None;
    }
}
