// Which characters of a text nobody sees: a name must have none, and an order shows them by number.
//
// Pure. chadburn-core has the same rule, and tests/fixtures/unseen.json holds both to it.

/** Without a mark of their own: controls, what is ignored by default, noncharacters, blank glyphs. */
const UNSEEN = new RegExp('[\\p{Cc}\\p{Cs}\\p{Default_Ignorable_Code_Point}'
  + '\\p{Noncharacter_Code_Point}\\u2028\\u2029\\u2800\\ufff9-\\ufffc\\u{1107f}\\u{13430}-\\u{13442}'
  + '\\u{16fe4}\\u{1bc9d}\\u{1d159}]', 'u');

/** The blocks of arrows, symbols and emoji. */
const PICTOGRAPH = /[\u2190-\u2bff\u{1f000}-\u{1faff}]/u;

/** The blocks from Arabic to Myanmar, Khmer and Mongolian: their joiners tell words apart. */
const JOINED = /[\u0600-\u109f\u1780-\u18af]/u;

/** Whether every character of a text is seen, by itself or in how it shapes its neighbours. */
export function isSeen(text) {
  return [...text].every(isSeenAt);
}

/** The text with the number of each character that nobody would see; lines and tabs stay. */
export function visible(text) {
  if (!UNSEEN.test(text)) return text;
  const isBlank = (char, next) => char === '\n' || char === '\t' || (char === '\r' && next === '\n');
  return [...text].map((char, index, all) =>
    (isBlank(char, all[index + 1]) || isSeenAt(char, index, all) ? char : mark(char))).join('');
}

function isSeenAt(char, index, all) {
  if (!UNSEEN.test(char)) return true;
  const [before, after] = [all[index - 1], all[index + 1]];
  const both = (blocks) => isOf(blocks, before) && isOf(blocks, after);
  switch (char) {
    case '\ufe0f':
      return isOf(PICTOGRAPH, before);
    case '\u200d':
      if (before === '\ufe0f') return isOf(PICTOGRAPH, all[index - 2]) && isOf(PICTOGRAPH, after);
      return both(PICTOGRAPH) || both(JOINED);
    case '\u200c':
      return both(JOINED);
    default:
      return false;
  }
}

function isOf(blocks, char) {
  return char !== undefined && blocks.test(char) && !UNSEEN.test(char);
}

function mark(char) {
  return `⟨U+${char.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`;
}
