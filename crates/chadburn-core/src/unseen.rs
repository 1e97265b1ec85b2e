//! Which characters of a text nobody sees. A name must have none, and where an order has one, a
//! panel shows its number in its place.
//!
//! `static/unseen.js` has the same rule; `tests/fixtures/unseen.json` holds both to it.

/// Unicode's `Default_Ignorable_Code_Point` (version 17.0, `DerivedCoreProperties.txt`): the first
/// and the last of each range. Fillers, tags and variation selectors are among them.
const IGNORABLE: [(char, char); 17] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{202a}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fff8}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// The first character of a text that nobody sees. One that shapes its neighbours is seen in them, if
/// they are seen themselves and no numbers stand in their place:
/// U+FE0F after a pictograph, U+200D between two, and either joiner between letters of scripts that
/// are written with it.
#[must_use]
pub fn unseen(text: &str) -> Option<char> {
    characters(text).find(|(_, seen)| !seen).map(|(c, _)| c)
}

/// Each character of a text, and whether it is seen.
pub fn characters(text: &str) -> impl Iterator<Item = (char, bool)> {
    let mut before = None;
    let mut rest = text.chars();
    core::iter::from_fn(move || {
        let c = rest.next()?;
        let seen = !is_unseen(c) || shapes(before, c, rest.clone().next());
        before = seen.then_some(c);
        Some((c, seen))
    })
}

/// Whether a character alone leaves no mark: controls, what Unicode has ignored by default,
/// noncharacters, ends of lines and paragraphs, and glyphs that are empty.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || IGNORABLE.iter().any(|&(first, last)| (first..=last).contains(&c))
        || matches!(c, '\u{fdd0}'..='\u{fdef}')
        || u32::from(c) & 0xfffe == 0xfffe
        // Behind the braille blank: annotations and the place of an object, a joiner of Brahmi numbers, the signs
        // that arrange hieroglyphs and their blanks, a filler of Khitan, a selector of Duployan, a note without a head.
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{2800}' | '\u{fff9}'..='\u{fffc}' | '\u{1107f}'
            | '\u{13430}'..='\u{13442}' | '\u{16fe4}' | '\u{1bc9d}' | '\u{1d159}')
}

fn shapes(before: Option<char>, c: char, after: Option<char>) -> bool {
    let both = |is: fn(char) -> bool| before.is_some_and(is) && after.is_some_and(is);
    match c {
        '\u{fe0f}' => before.is_some_and(is_pictograph),
        '\u{200d}' if before == Some('\u{fe0f}') => after.is_some_and(is_pictograph),
        '\u{200d}' => both(is_pictograph) || both(is_joined),
        '\u{200c}' => both(is_joined),
        _ => false,
    }
}

/// The blocks of arrows, symbols and emoji.
fn is_pictograph(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}') && !is_unseen(c)
}

/// The blocks from Arabic to Myanmar, Khmer and Mongolian: their joiners tell words apart.
fn is_joined(c: char) -> bool {
    matches!(c, '\u{600}'..='\u{109f}' | '\u{1780}'..='\u{18af}') && !is_unseen(c)
}
