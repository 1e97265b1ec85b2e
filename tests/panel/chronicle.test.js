// The bell book as a day's story.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { MAX_ROWS, dayName, hours, midnight, readBook, rows, spans } from '../../static/chronicle.js';

const at = (hours, minutes = 0, day = 14) => new Date(2026, 2, day, hours, minutes).getTime();
const TODAY = at(0);
const order = (time, position, name) =>
  ({ seq: time, at: time, what: 'order', status: String(position), position, name });
const reply = (time, position, name, rest = {}) =>
  ({ ...order(time, position, name), what: 'reply', by: 'x', who: 'Tim', ...rest });

test('what is no entry is left out', () => {
  const good = order(at(9), 7, 'COFFEE');
  assert.deepEqual(readBook([good, null, 7, {}, { at: '9', seq: 1, what: 'order' }]), [good]);
  assert.deepEqual(readBook({ entries: [] }), []);
});

test('an order stands until the next one, and rings until it is answered', () => {
  const entries = [
    order(at(9), 7, 'COFFEE'), reply(at(9, 5), 8, 'LUNCH'), reply(at(9, 10), 7, 'COFFEE'),
    order(at(12), 8, 'LUNCH'),
  ];
  assert.deepEqual(spans(entries, TODAY, at(13)), [
    { from: at(9), to: at(12), rangUntil: at(9, 10), label: 'COFFEE' },
    { from: at(12), to: at(13), rangUntil: at(13), label: 'LUNCH' },
  ]);
});

test('a later answer that differs rings again', () => {
  const entries = [
    order(at(9), 7, 'COFFEE'), reply(at(9, 1), 7, 'COFFEE'), reply(at(10), 8, 'LUNCH'),
    reply(at(10, 30), 7, 'COFFEE'),
  ];
  assert.deepEqual(spans(entries, TODAY, at(11)).map(({ from, rangUntil }) => [from, rangUntil]), [
    [at(9), at(9, 1)], [at(10), at(10, 30)],
  ]);
});

test('a day shows what stood at midnight, and nothing of the days around it', () => {
  const entries = [
    order(at(22, 0, 13), 7, 'COFFEE'), reply(at(23, 0, 13), 7, 'COFFEE'),
    order(at(8), 8, 'LUNCH'), order(at(7, 0, 15), 6, 'STOP'),
  ];
  assert.deepEqual(spans(entries, TODAY, at(9, 0, 15)), [
    { from: TODAY, to: at(8), rangUntil: TODAY, label: 'COFFEE' },
    { from: at(8), to: at(24), rangUntil: at(24), label: 'LUNCH' },
  ]);
  assert.deepEqual(spans(entries, at(0, 0, 12), at(9, 0, 15)), []);
});

test('the hours of a day stand where its clocks show them, also where these are changed', (t) => {
  const { TZ } = process.env;
  t.after(() => {
    if (TZ === undefined) delete process.env.TZ;
    else process.env.TZ = TZ;
  });
  const HOUR = 3_600_000;
  // From the day's begin, in hours: an hour less or more after three at night; Beirut has no midnight that day.
  for (const [zone, day, expected] of [
    ['Europe/Berlin', [2026, 2, 28], [0, 3, 6, 9, 12, 15, 18, 21, 24]],
    ['Europe/Berlin', [2026, 2, 29], [0, 2, 5, 8, 11, 14, 17, 20, 23]],
    ['Europe/Berlin', [2026, 9, 25], [0, 4, 7, 10, 13, 16, 19, 22, 25]],
    ['Asia/Beirut', [2026, 2, 29], [0, 2, 5, 8, 11, 14, 17, 20, 23]],
    ['Australia/Lord_Howe', [2026, 3, 5], [0, 3.5, 6.5, 9.5, 12.5, 15.5, 18.5, 21.5, 24.5]],
  ]) {
    process.env.TZ = zone;
    const from = midnight(new Date(...day, 12).getTime());
    const found = hours(from).map((tick) => (tick.at - from) / HOUR);
    assert.deepEqual(found, expected, `${zone} ${day}`);
    assert.equal(hours(from).at(-1).at, midnight(from, 1));
    assert.equal(dayName(from, midnight(from, 1)), 'Yesterday');
  }
});

test('nothing is known of the time in which no server ran', () => {
  const entries = [
    order(at(9), 7, 'COFFEE'), { seq: 2, at: at(10), what: 'end' },
    { seq: 3, at: at(12), what: 'run' }, order(at(12), 7, 'COFFEE'),
  ];
  assert.deepEqual(spans(entries, TODAY, at(13)).map(({ from, to }) => [from, to]),
    [[at(9), at(10)], [at(12), at(13)]]);
});

test('rows are the newest first, in words', () => {
  const entries = [
    { seq: 1, at: at(8), what: 'run' },
    order(at(9), 7, 'COFFEE'),
    reply(at(9, 1), 7, 'COFFEE', { after_ms: 61_000 }),
    reply(at(9, 2), 7, 'COFFEE', { by: 'file', who: null }),
    { seq: 5, at: at(10), what: 'order', status: 'main\nis broken', position: null, name: null },
    { seq: 6, at: at(11), what: 'something new', status: '7' },
  ];
  const told = rows(entries, TODAY);
  assert.deepEqual(told.map(({ time, text, by, after }) => [time, text, by, after]), [
    ['11:00:00', 'something new 7', '', ''],
    ['10:00:00', 'main is broken ordered', '', ''],
    ['09:02:00', 'answered COFFEE', 'the accept file', ''],
    ['09:01:00', 'answered COFFEE', 'Tim', '1:01'],
    ['09:00:00', 'COFFEE ordered', '', ''],
    ['08:00:00', 'The server starts', '', ''],
  ]);
});

test('a table is bounded', () => {
  const many = Array.from({ length: MAX_ROWS + 5 }, (_, k) => order(at(9) + k, 7, 'COFFEE'));
  assert.equal(rows(many, TODAY).length, MAX_ROWS);
});

test('days have names', () => {
  assert.equal(dayName(TODAY, at(13)), 'Today');
  assert.equal(dayName(at(0, 0, 13), at(13)), 'Yesterday');
  assert.match(dayName(at(0, 0, 2), at(13)), /2/);
  assert.equal(midnight(at(13)), TODAY);
  assert.equal(midnight(TODAY, -1), at(0, 0, 13));
});

test('what a storm has left out is counted in words', () => {
  const late = { ...reply(at(9), 7, 'COFFEE'), what: 'stale', more: 499 };
  const hole = { seq: 8, to: 57, at: at(10), what: 'hole', more: 50 };
  const bad = { ...hole, at: at(11), more: '<b>' };
  assert.deepEqual(rows([late, hole, bad], TODAY).map(({ text }) => text), [
    'Some entries are missing', '50 more, not written one by one',
    'answered COFFEE, too late, and 499 more',
  ]);
});
