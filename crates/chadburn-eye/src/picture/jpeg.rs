//! Finds the JPEGs in a stream of bytes, whatever stands between them: other parts of a multipart answer, or nothing.
//!
//! Pure. It reads markers (ITU-T T.81, B.1.1) and decodes nothing, and it holds one picture at most.

use bytes::{Buf, Bytes, BytesMut};

use chadburn_sight::image::Size;

use super::{BadPicture, MAX_BYTES, size};

/// The most scans of one picture. Progressive cameras need ten or so; each one more costs the decoder a pass over all
/// pixels, so that thousands of empty ones would keep it busy for minutes.
const MAX_SCANS: u32 = 64;

/// The longest header of a scan, in bytes: one of four components (B.2.3).
const MAX_SCAN_HEADER: usize = 14;

const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;

/// Where in a picture the next byte to be looked at stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before a picture.
    Outside,
    /// At a marker.
    Marker,
    /// In the coded data behind the header of a scan.
    Coded,
}

/// Takes bytes and gives pictures. After each [`push`](Self::push) ask [`next`](Self::next) until there is no more: the
/// memory in use is then at most [`MAX_BYTES`] and what was pushed last.
#[derive(Debug)]
pub struct Splitter {
    /// From the beginning of the picture on.
    buffer: BytesMut,
    /// How much of it was looked at. It may be more than there is: the rest of a segment that is skipped.
    at: usize,
    state: State,
    /// Where the next picture may begin if this is none: in the last segment, which then was cut short.
    again: usize,
    /// What the frame header says, once it has come.
    size: Option<Size>,
    scans: u32,
}

impl Default for Splitter {
    fn default() -> Self {
        Self {
            buffer: BytesMut::new(),
            at: 0,
            state: State::Outside,
            again: 0,
            size: None,
            scans: 0,
        }
    }
}

impl Splitter {
    /// Takes these bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole picture, or what is wrong with the one that has begun; `None` until more has come.
    #[expect(clippy::should_implement_trait, reason = "there may be more after `None`")]
    pub fn next(&mut self) -> Option<Result<(Bytes, Size), BadPicture>> {
        loop {
            let found = match self.state {
                State::Outside => self.outside()?,
                State::Marker => self.marker(),
                State::Coded => self.coded(),
            };
            match found {
                Step::On => {}
                Step::Whole => {
                    let picture = Bytes::copy_from_slice(&self.buffer[..self.at]);
                    let size = self.size.ok_or(BadPicture::Malformed);
                    self.begin_anew(self.at);
                    return Some(size.map(|size| (picture, size)));
                }
                Step::Wrong(why) => {
                    let is_next = why == BadPicture::Truncated;
                    self.begin_anew(if is_next { self.at } else { self.again });
                    return Some(Err(why));
                }
                Step::More if self.buffer.len().max(self.at) > MAX_BYTES => {
                    self.begin_anew(self.buffer.len());
                    return Some(Err(BadPicture::TooLarge));
                }
                Step::More => return None,
            }
        }
    }

    /// Whether a picture has begun and not ended.
    #[must_use]
    pub fn is_within(&self) -> bool {
        self.state != State::Outside
    }

    /// Looks for another picture behind so many bytes.
    fn begin_anew(&mut self, skipped: usize) {
        self.buffer.advance(skipped.min(self.buffer.len()));
        (self.at, self.state, self.size, self.scans) = (0, State::Outside, None, 0);
    }

    /// Looks for the beginning of a picture. Of what is none only as much is kept as may be the first bytes of one.
    fn outside(&mut self) -> Option<Step> {
        let begin = self.buffer.windows(3).position(|bytes| bytes == [0xff, SOI, 0xff]);
        self.buffer.advance(begin.unwrap_or(self.buffer.len().saturating_sub(2)));
        begin?;
        (self.at, self.again, self.state) = (2, 2, State::Marker);
        Some(Step::On)
    }

    fn marker(&mut self) -> Step {
        let rest = self.buffer.get(self.at..).unwrap_or_default();
        let code = match rest {
            [] | [0xff] => return Step::More,
            [0xff, 0xff, ..] => {
                // Fill bytes (B.1.1.2).
                self.at += 1;
                return Step::On;
            }
            [0xff, code, ..] => *code,
            _ => return Step::Wrong(BadPicture::Malformed),
        };
        match code {
            EOI => {
                self.at += 2;
                return Step::Whole;
            }
            SOI => return Step::Wrong(BadPicture::Truncated),
            // Alone, without a segment behind it: TEM and RST.
            0x01 | 0xd0..=0xd7 => {
                self.at += 2;
                return Step::On;
            }
            0x00 => return Step::Wrong(BadPicture::Malformed),
            _ => {}
        }
        let [_, _, high, low, ..] = rest else { return Step::More };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        if length < 2 || (code == SOS && length > MAX_SCAN_HEADER) {
            return Step::Wrong(BadPicture::Malformed);
        }
        if is_frame_header(code) {
            // Precision, height, width.
            let [_, _, _, _, _, h1, h0, w1, w0, ..] = rest else { return Step::More };
            let of = |high: &u8, low: &u8| u32::from(u16::from_be_bytes([*high, *low]));
            match size(of(w1, w0), of(h1, h0)) {
                // There is one; a second would undo what was checked.
                Ok(size) if self.size.is_none() => self.size = Some(size),
                Ok(_) => return Step::Wrong(BadPicture::Malformed),
                Err(why) => return Step::Wrong(why),
            }
        }
        self.again = self.at + 2;
        self.at += 2 + length;
        if code == SOS {
            self.scans += 1;
            if self.scans > MAX_SCANS {
                return Step::Wrong(BadPicture::TooManyScans);
            }
            self.state = State::Coded;
        }
        Step::On
    }

    fn coded(&mut self) -> Step {
        let rest = self.buffer.get(self.at..).unwrap_or_default();
        let Some(found) = rest.iter().position(|byte| *byte == 0xff) else {
            self.at = self.at.max(self.buffer.len());
            return Step::More;
        };
        self.at += found;
        match rest.get(found + 1) {
            None => Step::More,
            // A stuffed byte, or a restart.
            Some(0x00 | 0xd0..=0xd7) => {
                self.at += 2;
                Step::On
            }
            Some(_) => {
                (self.again, self.state) = (self.at, State::Marker);
                Step::On
            }
        }
    }
}

/// What was found at one place.
enum Step {
    /// The next place is to be looked at.
    On,
    /// More bytes are needed.
    More,
    /// The picture ends here.
    Whole,
    /// It cannot be one.
    Wrong(BadPicture),
}

/// SOF0 to SOF15; DHT, JPG and DAC have numbers among them.
fn is_frame_header(code: u8) -> bool {
    matches!(code, 0xc0..=0xcf) && !matches!(code, 0xc4 | 0xc8 | 0xcc)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A segment with its marker.
    fn segment(code: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
        [&[0xff, code], &length[..], content].concat()
    }

    fn frame_header(width: u16, height: u16) -> Vec<u8> {
        let [h1, h0] = height.to_be_bytes();
        let [w1, w0] = width.to_be_bytes();
        segment(0xc0, &[8, h1, h0, w1, w0, 1, 1, 0x11, 0])
    }

    /// What has the form of a picture, with this much coded data.
    fn jpeg(width: u16, height: u16, coded: &[u8]) -> Vec<u8> {
        let scan = segment(SOS, &[1, 1, 0, 0, 63, 0]);
        [&[0xff, SOI], &frame_header(width, height)[..], &scan, coded, &[0xff, EOI]].concat()
    }

    /// Everything that is found in these bytes when they come in pieces of this length.
    fn found(bytes: &[u8], piece: usize) -> Vec<Result<(Bytes, Size), BadPicture>> {
        let mut splitter = Splitter::default();
        let mut found = Vec::new();
        for piece in bytes.chunks(piece) {
            splitter.push(piece);
            found.extend(std::iter::from_fn(|| splitter.next()));
        }
        found
    }

    #[test]
    fn pictures_are_found_whatever_stands_between_them_and_however_they_come() {
        let one = jpeg(640, 480, &[1, 0xff, 0, 2, 0xff, 0xd3, 7]);
        // A preview of its own in a segment, as cameras have it.
        let preview = segment(0xe1, &jpeg(16, 16, b"small"));
        let mut two = vec![0xff, SOI];
        two.extend([&preview[..], &[0xff], &jpeg(8, 4, b"x")[2..]].concat());
        let between = b"\r\n--frame\r\nContent-Type: image/jpeg\r\nContent-Length: 99\r\n\r\n";
        let stream = [between, &one[..], between, &two, &one].concat();
        for piece in [1, 2, 3, 7, stream.len()] {
            let found: Vec<_> = found(&stream, piece).into_iter().map(Result::unwrap).collect();
            let bytes: Vec<_> = found.iter().map(|(bytes, _)| &bytes[..]).collect();
            assert_eq!(bytes, [&one[..], &two, &one], "in pieces of {piece}");
            let sizes: Vec<_> = found.iter().map(|(_, it)| (it.width(), it.height())).collect();
            assert_eq!(sizes, [(640, 480), (8, 4), (640, 480)]);
        }
    }

    #[test]
    fn one_that_is_cut_short_costs_itself_and_not_the_next() {
        let whole = jpeg(64, 48, b"whole");
        // What is taken for a length may be that of the longest segment there is.
        let count = 70_000 / whole.len();
        for cut in 4..whole.len() {
            let stream = [&whole[..cut], &whole.repeat(count)].concat();
            let found = found(&stream, 4_096);
            let good: Vec<_> = found.iter().flatten().map(|(bytes, _)| &bytes[..]).collect();
            assert!(good.len() + 1 >= count, "cut at {cut}: {} of {count}", good.len());
            // The header of a scan may swallow the beginning of the first; the decoder refuses what comes of it.
            assert!(good[1..].iter().all(|it| *it == whole), "cut at {cut}");
        }
    }

    #[test]
    fn too_many_pixels_are_refused_before_the_rest_has_come() {
        let mut bytes = vec![0xff, SOI];
        bytes.extend(frame_header(60_000, 60_000));
        let why = BadPicture::TooManyPixels { width: 60_000, height: 60_000 };
        assert_eq!(found(&bytes, 4), [Err(why)]);
        assert_eq!(found(&jpeg(0, 10, b""), 99), [Err(BadPicture::Malformed)]);
        // The size cannot be said twice.
        let mut twice = vec![0xff, SOI];
        twice.extend([frame_header(8, 8), jpeg(4_000, 4_000, b"")[2..].to_vec()].concat());
        assert_eq!(found(&twice, 99), [Err(BadPicture::Malformed)]);
    }

    #[test]
    fn what_never_ends_is_given_up_and_never_held_whole() {
        let begin = jpeg(640, 480, b"");
        let mut splitter = Splitter::default();
        splitter.push(&begin[..begin.len() - 2]);
        let (mut wrong, chunk) = (Vec::new(), vec![7; 65_536]);
        for _ in 0..3 * MAX_BYTES / 65_536 {
            splitter.push(&chunk);
            wrong.extend(std::iter::from_fn(|| splitter.next()));
            assert!(splitter.buffer.len() <= MAX_BYTES + 65_536);
        }
        assert_eq!(wrong, [Err(BadPicture::TooLarge)]);
        // What is no picture at all is not even kept.
        assert!(splitter.buffer.len() <= 2 && !splitter.is_within());
    }

    #[test]
    fn a_picture_of_thousands_of_scans_is_refused() {
        let scan = segment(SOS, &[1, 1, 0, 0, 63, 0]);
        let scans = |count: usize| {
            [&[0xff, SOI], &frame_header(8, 8)[..], &scan.repeat(count), &[0xff, EOI]].concat()
        };
        assert!(found(&scans(64), 99).iter().all(Result::is_ok));
        assert_eq!(found(&scans(65), 99)[0], Err(BadPicture::TooManyScans));
    }
}
