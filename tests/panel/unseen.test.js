// Which characters nobody sees: the panel's rule against Unicode's own data and the shared examples.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { isName } from '../../static/protocol.js';
import { isSeen, visible } from '../../static/unseen.js';

const path = new URL('../fixtures/unseen.json', import.meta.url);
const { ignorable, others, names, unfit, shown } = JSON.parse(readFileSync(path, 'utf8'));

const isIn = (ranges) => {
  const numbers = ranges.map((range) => range.map((end) => Number.parseInt(end, 16)));
  return (code) => numbers.some(([first, last]) => first <= code && code <= last);
};

test('the ranges are those of Unicode, and no other character is without a mark', () => {
  const [isIgnorable, isOther] = [isIn(ignorable), isIn(others)];
  for (let code = 0; code <= 0x10ffff; code += 1) {
    // Halves of pairs are no characters of a Rust text.
    if (code >= 0xd800 && code <= 0xdfff) continue;
    const char = String.fromCodePoint(code);
    const hex = code.toString(16);
    assert.equal(/\p{Default_Ignorable_Code_Point}/u.test(char), isIgnorable(code), hex);
    assert.equal(isSeen(char), !isIgnorable(code) && !isOther(code), hex);
    if (/[\p{Cc}\p{Noncharacter_Code_Point}\p{Zl}\p{Zp}]/u.test(char)) assert.ok(isOther(code), hex);
  }
  assert.ok(!isSeen('\ud83d') && !isName('\ud83d'));
});

test('a name has no character that nobody sees, unless it shapes its neighbours', () => {
  for (const name of names) assert.ok(isName(name), JSON.stringify(name));
  for (const name of unfit) assert.ok(!isName(name), JSON.stringify(name));
});

test('a text shows what nobody would see, and is else as it was', () => {
  for (const [text, as] of shown) assert.equal(visible(text), as);
});
