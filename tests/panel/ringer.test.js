// What goes on whether or not anybody looks.

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { Ringer, SILENCE_MS } from '../../static/ringer.js';
import { Store, isSilenced } from '../../static/store.js';
import { FakeClock } from './fakes.js';
import { said } from './fixtures.js';

const RINGING = said('state with the bell ringing');
const ANSWERED = {
  ...RINGING, bell: false, seq: RINGING.seq + 1, reply: { ...RINGING.reply, seq: RINGING.seq + 1 },
};

/** A bell and a notice that keep books. */
function setUp() {
  const done = [];
  const note = (name) => (...with_) => done.push([name, ...with_]);
  const store = new Store();
  const clock = new FakeClock();
  const bell = {
    on: false,
    ring: note('ring'),
    silence: note('silence'),
    tick: note('tick'),
    arm: () => Object.assign(bell, { on: true }),
    disarm: () => Object.assign(bell, { on: false }),
  };
  const icon = { href: null, getAttribute: () => icon.href, setAttribute: (_, to) => {
    icon.href = to;
  } };
  const ringer = new Ringer(store, {
    bell, icon, notice: { show: note('show'), hide: note('hide') },
    clock: { ...clock, mono: clock.now, wall: () => RINGING.order.since },
  });
  const hear = (message) => store.dispatch({ type: 'message', message });
  hear(said('welcome'));
  const what = (name) => done.filter(([kind]) => kind === name).map(([, ...rest]) => rest);
  return { store, clock, bell, icon, ringer, hear, what };
}

beforeEach(() => {
  globalThis.document = { title: '', hidden: false };
});

test('bell, title and icon follow, also while hidden', () => {
  const { hear, icon, what } = setUp();
  document.hidden = true;
  const calm = icon.href;
  hear(RINGING);
  assert.deepEqual(what('ring').at(-1), [true]);
  assert.match(document.title, /^🔔 COFFEE/);
  assert.notEqual(icon.href, calm);
  hear(ANSWERED);
  assert.deepEqual(what('ring').at(-1), [false]);
  assert.match(document.title, /^COFFEE/);
  assert.equal(icon.href, calm);
});

test('a silence lasts thirty seconds, and one timer', () => {
  const { store, clock, bell, ringer, hear, what } = setUp();
  hear(RINGING);
  ringer.silence();
  assert.ok(!isSilenced(store.state), 'what cannot be heard is not silenced');
  bell.arm();
  ringer.silence();
  assert.ok(isSilenced(store.state));
  assert.deepEqual(what('silence').at(-1), [SILENCE_MS / 1000]);
  assert.equal(clock.waiting, 1);
  clock.wind(SILENCE_MS - 1);
  assert.ok(isSilenced(store.state));
  clock.wind(1);
  assert.ok(!isSilenced(store.state));
  assert.deepEqual(what('silence').at(-1), [0]);
  assert.equal(clock.waiting, 0);
});

test('the button goes from off to on, to silence, and to off', () => {
  const { store, clock, bell, ringer, hear } = setUp();
  hear(RINGING);
  ringer.press();
  assert.ok(bell.on && !isSilenced(store.state));
  ringer.press();
  assert.ok(bell.on && isSilenced(store.state));
  ringer.press();
  assert.ok(!bell.on && !isSilenced(store.state));
  assert.equal(clock.waiting, 0);
  hear(ANSWERED);
  ringer.press();
  assert.ok(bell.on);
  ringer.press();
  assert.ok(!bell.on, 'there is nothing to silence while nothing rings');
});

test('a notice is shown once an order, and only to whoever does not see the panel', () => {
  const { hear, what } = setUp();
  hear(RINGING);
  assert.equal(what('show').length, 0);
  document.hidden = true;
  const { seq, order } = RINGING;
  for (const next of [1, 2, 2, 3]) {
    hear({ ...RINGING, seq: seq + next, order: { ...order, seq: seq + Math.min(next, 2) } });
  }
  assert.deepEqual(what('show').map(([title]) => title), ['COFFEE', 'COFFEE']);
  hear({ ...ANSWERED, seq: seq + 9 });
  assert.equal(what('hide').length, 1);
});

test('an answer that comes ticks, what was missed and what was there does not', () => {
  const { hear, what } = setUp();
  hear(RINGING);
  assert.equal(what('tick').length, 0, 'the reply that was there');
  hear(ANSWERED);
  hear(ANSWERED);
  assert.equal(what('tick').length, 1);
  hear(said('welcome'));
  hear({ ...ANSWERED, seq: ANSWERED.seq + 4, reply: { ...ANSWERED.reply, seq: ANSWERED.seq + 4 } });
  hear({ ...said('roll'), order: RINGING.order.seq });
  assert.equal(what('tick').length, 1, 'the reply that came while we were away');
});
