// How a name is engraved: in how many lines, and how large, so that it fills its place.
//
// Pure, and therefore a guess: it does not know the font. The dial measures what came out and
// makes it smaller where the guess was too bold.

/** The width of a condensed capital in its size, with a little air, and of a small letter. */
const CAPITAL = 0.66;
const SMALL = 0.56;

/** The width of a character as wide as high: Chinese, Japanese, Korean, pictures. */
const SQUARE = 1.05;

/** From here on Unicode has mostly square characters. */
const FIRST_SQUARE = 0x2e80;

/** The distance between baselines, in sizes. */
export const LEADING = 1.12;

/** Where a line may end: at any space but one that is meant to hold its words together. */
const BREAK = /[^\S\u00a0]+/u;

/** Where a single long word may be broken: after what already parts it. */
const JOINT = /(?<=[-_/.:])/u;

/** A Latin word longer than this is broken with a hyphen, if it stands alone. */
const LONG_WORD = 13;

/** The most lines a name is broken into. */
const MAX_LINES = 3;

/** The most words that are tried in every way; longer names are broken by count alone. */
const MAX_WORDS = 8;

/** The width of a text in its size, roughly. */
export function widthOf(text) {
  let width = 0;
  for (const char of text) width += widthOfChar(char);
  return width;
}

function widthOfChar(char) {
  if (char.codePointAt(0) >= FIRST_SQUARE) return SQUARE;
  return char === char.toUpperCase() ? CAPITAL : SMALL;
}

/**
 * Breaks `text` at its spaces into the lines that can be largest in a room: `{ lines, size }`.
 * `width(k, count)` is the room for line `k` of `count`; fewer lines win where sizes are equal.
 */
export function engrave(text, { width, height, largest }) {
  let best = null;
  for (const lines of [...breaks(text.trim().split(BREAK), ' '), ...apart(text.trim())]) {
    const count = lines.length;
    const sizes = lines.map((line, k) => width(k, count) / widthOf(line));
    const size = Math.min(largest, height / (count * LEADING), ...sizes);
    if (!best || size > best.size + 0.01) best = { lines, size };
  }
  return { lines: best.lines, size: Math.floor(best.size * 100) / 100 };
}

/** Every way to set these words in one, two or three lines, fewest lines first. */
function breaks(words, space) {
  const ways = [[words.join(space)]];
  if (words.length > MAX_WORDS) {
    return [...ways, evenly(words, 2, space), evenly(words, MAX_LINES, space)];
  }
  for (let i = 1; i < words.length; i += 1) {
    ways.push([words.slice(0, i).join(space), words.slice(i).join(space)]);
  }
  for (let i = 1; i < words.length - 1; i += 1) {
    for (let j = i + 1; j < words.length; j += 1) {
      const parts = [words.slice(0, i), words.slice(i, j), words.slice(j)];
      ways.push(parts.map((part) => part.join(space)));
    }
  }
  return ways;
}

/** The ways to break a word that stands alone: where it has joints, else with hyphens. */
function apart(word) {
  if (BREAK.test(word)) return [];
  const parts = word.split(JOINT);
  if (parts.length > 1) return breaks(parts, '');
  if (!/^[\p{Script=Latin}\d]+$/u.test(word) || [...word].length <= LONG_WORD) return [];
  return [2, MAX_LINES].map((count) => {
    const lines = evenly([...word], count, '');
    return lines.map((line, k) => (k < lines.length - 1 ? `${line}-` : line));
  });
}

function evenly(words, count, space) {
  const each = Math.ceil(words.length / count);
  return Array.from({ length: count }, (_, k) =>
    words.slice(k * each, (k + 1) * each).join(space)).filter((line) => line !== '');
}
