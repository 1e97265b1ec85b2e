// Names on sectors: broken into lines so that they can be large.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { engrave, widthOf } from '../../static/lettering.js';

const ROOM = { width: () => 110, height: 119, largest: 36 };

test('a short name stays on one line', () => {
  assert.deepEqual(engrave('STOP', ROOM), { lines: ['STOP'], size: 36 });
});

test('a long name is broken at its spaces', () => {
  assert.deepEqual(engrave('ENGINE WORKING WRONG', ROOM).lines, ['ENGINE', 'WORKING', 'WRONG']);
  assert.deepEqual(engrave('BATTLE STATIONS', ROOM).lines, ['BATTLE', 'STATIONS']);
});

test('every name fits its room, and no word is lost', () => {
  const names = [
    'A', 'FULL', 'REVERSE', 'A B C D E F G H', 'one two three four five six seven eight nine ten',
    'Donaudampfschiff', '  spaces   about  ', '停止', '🔔 🔔',
  ];
  for (const name of names) {
    const { lines, size } = engrave(name, ROOM);
    assert.equal(lines.join(' ').replaceAll('- ', ''), name.trim().split(/\s+/).join(' '));
    assert.ok(lines.length <= 3 && size > 0);
    for (const line of lines) assert.ok(widthOf(line) * size <= 110 + 0.01, line);
    assert.ok(lines.length * size <= 119);
  }
});

test('a word that stands alone is broken at its joints, a very long one with hyphens', () => {
  assert.deepEqual(engrave('deploy-rollback-now', ROOM).lines, ['deploy-', 'rollback-', 'now']);
  const { lines, size } = engrave('Donaudampfschifffahrtsgesellschaft', ROOM);
  assert.deepEqual(lines, ['Donaudampfsc-', 'hifffahrtsge-', 'sellschaft']);
  assert.ok(size > 14, `at ${size}`);
  // What is written joined is not torn apart.
  assert.equal(engrave('مستشفياتهمالكبيرة', ROOM).lines.length, 1);
});

test('a space that holds words together is no place to break', () => {
  const { lines } = engrave('CQP ENGINE\u00a0ORDER\u00a0TELEGRAPH', ROOM);
  assert.deepEqual(lines, ['CQP', 'ENGINE\u00a0ORDER\u00a0TELEGRAPH']);
});

test('lines further in have less room', () => {
  const { lines } = engrave('AAAA BB', {
    ...ROOM, height: 1000, width: (k, count) => (count === 2 ? [100, 50][k] : 90),
  });
  assert.deepEqual(lines, ['AAAA', 'BB']);
});
