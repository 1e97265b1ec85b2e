// What is asked of the server: what goes out, and what is refused before it does.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Asking } from '../../static/asking.js';
import { MAX_PENDING, Store } from '../../static/store.js';
import { said } from './fixtures.js';

/** A panel's asking, with what it sent; the link is up unless it is cut. */
function setUp(...messages) {
  const store = new Store();
  const sent = [];
  const link = { up: true };
  const asking = new Asking(store, (text) => {
    if (link.up) sent.push(JSON.parse(text));
    return link.up;
  });
  for (const message of messages) store.dispatch({ type: 'message', message });
  return { store, sent, link, asking, why: () => store.state.refusal?.message ?? null };
}

const OPEN = [said('welcome'), said('state with the bell ringing')];
const ORDER = OPEN[1].order.seq;

test('an answer goes out with the order it answers, and waits', () => {
  const { store, sent, asking } = setUp(...OPEN);
  asking.answer({ position: 3 });
  asking.answer({});
  asking.answer({ coming: true });
  asking.answer({ coming: false });
  assert.deepEqual(sent, [
    { type: 'answer', order: ORDER, position: 3, id: 1 },
    { type: 'answer', order: ORDER, id: 2 },
    { type: 'answer', order: ORDER, coming: true, id: 3 },
    { type: 'answer', order: ORDER, coming: false, id: 4 },
  ]);
  assert.deepEqual(store.state.pending.map(({ coming }) => coming), [null, null, true, false]);
});

test('the same answer goes out once while it waits, and not too many wait', () => {
  const { store, sent, asking, why } = setUp(...OPEN);
  for (let k = 0; k < 3; k += 1) asking.answer({ coming: true });
  assert.equal(sent.length, 1);
  store.dispatch({ type: 'message', message: { type: 'ok', id: 1 } });
  asking.answer({ coming: true });
  assert.equal(sent.length, 2);
  for (let position = 1; position <= MAX_PENDING; position += 1) asking.answer({ position });
  assert.equal(sent.length, 1 + MAX_PENDING / 2);
  assert.equal(why(), 'others still wait');
});

test('what cannot be answered is refused in words', () => {
  for (const [messages, reason] of [
    [[], 'there is no connection'],
    [[said('welcome'), said('state before the first order')], 'there is no order yet'],
    [[{ ...said('welcome'), token: true }, OPEN[1]], 'this telegraph wants a token, give it below'],
  ]) {
    const { sent, asking, why } = setUp(...messages);
    asking.answer({ position: 3 });
    assert.deepEqual([sent, why()], [[], reason]);
  }
  const { link, asking, why } = setUp(...OPEN);
  link.up = false;
  asking.answer({});
  assert.equal(why(), 'there is no connection');
});

test('an order goes out as its number', () => {
  const { sent, asking } = setUp(...OPEN);
  asking.order(3);
  assert.deepEqual(sent, [{ type: 'order', status: '3', id: 1 }]);
});

test('a name goes out as it is, or waits for the next welcome', () => {
  const { sent, asking, why } = setUp(...OPEN);
  asking.name('Zoë');
  asking.name('');
  assert.deepEqual(sent.map(({ name }) => name), ['Zoë', '']);
  asking.name('x'.repeat(41));
  assert.equal(sent.length, 2);
  assert.equal(why(), 'a name has at most 40 characters that show');
  const before = setUp();
  before.asking.name('Zoë');
  assert.deepEqual([before.sent, before.why()], [[], null]);
});

test('a token goes out even where everything else has to wait for it', () => {
  const { sent, asking, store } = setUp({ ...said('welcome'), token: true }, OPEN[1]);
  asking.order(3);
  assert.equal(store.state.refusal.kind, 'order');
  asking.token('open sesame');
  assert.deepEqual(sent, [{ type: 'token', value: 'open sesame', id: 1 }]);
});

test('a command that cannot go out is told to the console', () => {
  const { store, link, asking } = setUp(...OPEN);
  asking.command('status');
  link.up = false;
  asking.command('base');
  assert.deepEqual(store.state.lines.map(({ text }) => text), [
    'status', 'Not sent, no connection: base',
  ]);
  assert.equal(store.state.refusal, null);
});
