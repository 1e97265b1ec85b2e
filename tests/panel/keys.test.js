// Keys on the dial: arrows turn, digits and names jump.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Finder, TYPING_MS } from '../../static/keys.js';

const NAMES = [
  'FULL', 'HALF', 'SLOW', 'REVERSE', 'NEXT', 'STOP', 'COFFEE', 'LUNCH', 'ENGINE WORKING WRONG',
  'SIWOTI', 'BATTLE STATIONS',
];
const POSITIONS = NAMES.map((name, index) => ({ position: index + 1, name }));

/** A hand at the dial: types keys with a pause between, and tells where it is. */
function hand(start = 'STOP') {
  const finder = new Finder();
  let current = NAMES.indexOf(start);
  let now = 0;
  return (key, pause = 100) => {
    now += pause;
    const found = finder.find(key, { positions: POSITIONS, current, now });
    if (found !== null) current = found;
    return found === null ? null : NAMES[found];
  };
}

test('arrows turn by one and stop at the ends', () => {
  const type = hand();
  assert.equal(type('ArrowRight'), 'COFFEE');
  assert.equal(type('ArrowLeft'), 'STOP');
  assert.equal(type('ArrowUp'), 'COFFEE');
  assert.equal(type('ArrowDown'), 'STOP');
  assert.equal(type('End'), 'BATTLE STATIONS');
  assert.equal(type('ArrowRight'), 'BATTLE STATIONS');
  assert.equal(type('Home'), 'FULL');
  assert.equal(type('ArrowLeft'), 'FULL');
});

test('digits jump, two of them together', () => {
  const type = hand();
  assert.equal(type('7'), 'COFFEE');
  assert.equal(type('1', TYPING_MS + 1), 'FULL');
  assert.equal(type('1'), 'BATTLE STATIONS');
  assert.equal(type('2'), 'HALF', '112 is no position, 2 is');
  assert.equal(type('0', TYPING_MS + 1), null);
});

test('names jump by their beginning, in any case', () => {
  const type = hand();
  assert.equal(type('c'), 'COFFEE');
  assert.equal(type('E', TYPING_MS + 1), 'ENGINE WORKING WRONG');
  assert.equal(type('z', TYPING_MS + 1), null);
});

test('the same letter again goes to the next name with it', () => {
  const type = hand('FULL');
  assert.equal(type('s'), 'SLOW');
  assert.equal(type('s'), 'STOP');
  assert.equal(type('s'), 'SIWOTI');
  assert.equal(type('s'), 'SLOW');
});

test('letters that are typed quickly spell one name', () => {
  const type = hand('FULL');
  assert.equal(type('s'), 'SLOW');
  assert.equal(type('i'), 'SIWOTI');
  assert.equal(type('w'), 'SIWOTI');
});

test('other keys mean no sector', () => {
  const type = hand();
  for (const key of ['Tab', 'Enter', ' ', 'Shift', 'F5', 'Escape']) assert.equal(type(key), null);
});
