// Answers that would ring the bell for everybody: held for five seconds, taken back, dropped or sent.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Asking } from '../../static/asking.js';
import { Holding, LATE_MS } from '../../static/holding.js';
import { HOLD_MS, Store, wouldRing } from '../../static/store.js';
import * as words from '../../static/words.js';
import { FakeClock } from './fakes.js';
import { said } from './fixtures.js';

const RINGING = said('state with the bell ringing');
const { position: ORDERED } = RINGING.order;
const OTHER = ORDERED === 1 ? 2 : 1;

/** The same order, answered: the bell is silent. */
function settled(more = {}) {
  const { order } = RINGING;
  const reply = { ...order, seq: RINGING.seq + 1, by: 'x', who: 'Tim', at: 0 };
  return { ...RINGING, seq: RINGING.seq + 1, reply, bell: false, ...more };
}

/** A panel that has heard this, with what it sends and a clock that is wound by hand. */
function setUp(...messages) {
  const store = new Store();
  const sent = [];
  const clock = new FakeClock();
  const hear = (message) => store.dispatch({ type: 'message', message });
  const asking = new Asking(store, (text) => sent.push(JSON.parse(text)) > 0);
  new Holding(store, { release: () => asking.release(), clock });
  [said('welcome'), ...messages].forEach(hear);
  return {
    store, sent, clock, asking, hear,
    why: () => words.refusal(store.state),
    positions: () => sent.map(({ position }) => position ?? null),
  };
}

test('only what differs from an order whose bell is silent would ring', () => {
  const order = { position: 3 };
  for (const [state, position, rings] of [
    [{ order, bell: false }, 4, true],
    [{ order, bell: false }, 3, false],
    [{ order, bell: false }, null, false],
    [{ order, bell: true }, 4, false],
    [{ order, bell: true }, 3, false],
    [{ order: { position: null }, bell: false }, 4, true],
    [{ order: { position: null }, bell: false }, null, false],
    [{ order: null, bell: false }, 4, false],
  ]) assert.equal(wouldRing(state, position), rings, JSON.stringify([state, position]));
});

test('an answer that silences goes out at once, and so does a wrong one while it rings', () => {
  const { sent, asking, store } = setUp(RINGING);
  asking.answer({ position: OTHER });
  asking.answer({ position: ORDERED });
  assert.deepEqual(sent.map(({ position }) => position), [OTHER, ORDERED]);
  assert.equal(store.state.held, null);
});

test('an answer that would ring is held for five seconds, and then sent once', () => {
  const { sent, asking, clock, store, positions } = setUp(settled());
  asking.answer({ position: OTHER });
  assert.deepEqual(store.state.held, { order: RINGING.order.seq, position: OTHER });
  assert.match(words.holding(store.state), /is sent in 5 seconds and rings the bell for all$/);
  clock.wind(HOLD_MS - 1);
  assert.deepEqual(sent, []);
  asking.answer({ position: OTHER });
  clock.wind(1);
  assert.deepEqual(sent, [{
    type: 'answer', order: RINGING.order.seq, position: OTHER, id: sent[0].id,
  }]);
  assert.equal(store.state.held, null);
  assert.equal(words.holding(store.state), '');
  clock.wind(10 * HOLD_MS);
  assert.deepEqual(positions(), [OTHER]);
});

test('what was taken back is not sent, and that is said', () => {
  const { sent, asking, clock, store, why } = setUp(settled());
  asking.answer({ position: OTHER });
  clock.wind(HOLD_MS - 1);
  store.dispatch({ type: 'dropped', why: 'you took it back' });
  clock.wind(10 * HOLD_MS);
  assert.deepEqual(sent, []);
  assert.match(why(), /was not sent: you took it back$/);
  asking.answer({ position: OTHER });
  assert.equal(why(), '', 'the next one forgets it');
});

test('another answer takes the place of what is held, a note does not', () => {
  const { asking, clock, store, positions } = setUp(settled());
  const third = [1, 2, 3].find((position) => position !== ORDERED && position !== OTHER);
  asking.answer({ position: OTHER });
  clock.wind(HOLD_MS - 1);
  asking.answer({ position: third });
  clock.wind(HOLD_MS - 1);
  assert.deepEqual(positions(), [], 'its own five seconds');
  asking.answer({ coming: false });
  assert.deepEqual(store.state.held?.position, third);
  asking.answer({ position: ORDERED });
  clock.wind(10 * HOLD_MS);
  assert.deepEqual(positions(), [null, ORDERED]);
});

for (const [what, next] of [
  ['another order', { seq: RINGING.seq + 9, order: { ...RINGING.order, seq: RINGING.seq + 9, position: OTHER } }],
  ['the same order, given again', { seq: RINGING.seq + 9, order: { ...RINGING.order, seq: RINGING.seq + 9 }, bell: true }],
  ['no order any more', { seq: RINGING.seq + 9, order: null, reply: null }],
]) {
  test(`what is held answers one order only: ${what}`, () => {
    const { sent, asking, clock, hear, why } = setUp(settled());
    asking.answer({ position: OTHER });
    hear(settled({ seq: RINGING.seq + 5 }));
    clock.wind(HOLD_MS - 1);
    hear(settled(next));
    clock.wind(10 * HOLD_MS);
    assert.deepEqual(sent, []);
    assert.match(why(), /was not sent: the order has changed$/);
  });
}

test('what is held would ring a silent bell: once it rings the button answers, and nothing is sent unasked', () => {
  const { sent, asking, clock, hear, why } = setUp(settled());
  asking.answer({ position: OTHER });
  hear(settled({ seq: RINGING.seq + 5, bell: true }));
  clock.wind(10 * HOLD_MS);
  assert.deepEqual(sent, []);
  assert.match(why(), /was not sent: somebody else has set the bell ringing$/);
});

test('with the link what is held is lost too, also if the link is back in time', () => {
  const { sent, asking, clock, store, hear, why } = setUp(settled());
  asking.answer({ position: OTHER });
  store.dispatch({ type: 'lost', wall: 0, retryAt: 1 });
  hear(said('welcome'));
  hear(settled());
  clock.wind(10 * HOLD_MS);
  assert.deepEqual(sent, []);
  assert.match(why(), /was not sent: the connection was lost$/);
});

test('a token that begins to be wanted is wanted for what was held', () => {
  const { sent, asking, clock, hear, why } = setUp(settled());
  asking.answer({ position: OTHER });
  hear({ type: 'error', code: 'token_required', message: 'no' });
  clock.wind(HOLD_MS);
  assert.deepEqual(sent, []);
  assert.match(why(), /wants a token/);
});

test('a machine that slept sends nothing from before; a slow timer is no sleep', () => {
  for (const [ms, count] of [[60_000, 1], [HOLD_MS + LATE_MS + 1, 0]]) {
    const { sent, asking, clock, why } = setUp(settled());
    asking.answer({ position: OTHER });
    clock.freeze(ms);
    assert.equal(sent.length, count);
    if (count === 0) assert.match(why(), /was not sent: this machine was asleep$/);
  }
});
