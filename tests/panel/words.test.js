// The state in words, as PANEL's table of states has them.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { INITIAL, reduce } from '../../static/store.js';
import * as words from '../../static/words.js';
import { said } from './fixtures.js';

const NOON = new Date(2026, 2, 14, 12, 0).getTime();
const at = (hours, minutes) => new Date(2026, 2, 14, hours, minutes).getTime();
const heard = (state, message) => reduce(state, { type: 'message', message });
const OPEN = heard(INITIAL, said('welcome'));
const STATION = said('welcome').station;

function ringing() {
  const state = said('state with the bell ringing');
  state.order.since = at(14, 2);
  return heard(OPEN, state);
}

function answered(by, who, position = 3) {
  const state = said('state with the bell ringing');
  state.order.since = at(14, 1);
  state.bell = position !== 3;
  state.reply = {
    status: String(position), position, name: null, seq: state.seq + 1, by, who, at: at(14, 2),
  };
  return heard(OPEN, state);
}

test('times of today are hours and minutes, others have their day', () => {
  assert.equal(words.clock(at(9, 5), NOON), '09:05');
  assert.equal(words.clock(new Date(2026, 2, 13, 23, 59).getTime(), NOON), '13 Mar 23:59');
  assert.equal(words.clock(new Date(2025, 11, 31, 7, 0).getTime(), NOON), '31 Dec 2025 07:00');
});

test('an answered order says by whom and when', () => {
  assert.equal(words.sentence(answered('x', 'Tim'), NOON), 'COFFEE, answered by Tim 14:02');
  assert.equal(words.reply(answered(STATION, 'Tim'), NOON), 'answered by you 14:02');
  assert.equal(words.reply(answered('file', null), NOON), 'answered by the accept file 14:02');
  assert.equal(words.reply(answered(STATION, null), NOON), 'answered by you 14:02');
  assert.equal(words.reply(answered('x', null), NOON), 'answered by another station 14:02');
});

test('a ringing bell says what is ordered and that nobody answered', () => {
  const state = ringing();
  assert.equal(words.sentence(state, NOON), 'COFFEE ordered 14:02 — not answered yet');
  assert.equal(words.bell(state, NOON), 'The bell rings: COFFEE ordered 14:02 — not answered yet');
  assert.equal(words.calm(state, NOON), '');
  assert.match(words.title(state), /^🔔 COFFEE/);
});

test('an earlier matching reply answers nothing while the bell rings', () => {
  const state = said('state with the bell ringing');
  state.order.since = at(14, 2);
  state.reply.position = 3;
  assert.match(words.reply(heard(OPEN, state), NOON), /not answered yet/);
});

test('a reply that differs is told', () => {
  const state = answered('x', 'Tim', 2);
  assert.equal(words.reply(state, NOON), 'ordered 14:01 — still to be answered');
  assert.equal(words.other(state, NOON), 'Wrong answer: STOP, by Tim 14:02');
  const earlier = { ...state, reply: { ...state.reply, seq: 1 } };
  assert.match(words.reply(earlier, NOON), /not answered yet$/);
  assert.equal(words.other(earlier, NOON), 'Earlier reply: STOP, by Tim 14:02');
  assert.equal(words.other(answered('x', 'Tim'), NOON), '');
});

test('off the dial the text itself is the order', () => {
  const state = heard(OPEN, said('state off the dial, answered by a station'));
  assert.equal(words.order(state), 'build broken\non main');
  assert.match(words.reply(state, NOON), /^acknowledged by you/);
  assert.match(words.title(state), /^build broken on main — /);
});

test('no order is said only once the server said so', () => {
  assert.equal(words.order(OPEN), '');
  const state = heard(OPEN, said('state before the first order'));
  assert.equal(words.order(state), 'No order yet');
  assert.equal(words.sentence(state, NOON), 'No order yet');
  assert.equal(words.reply(state, NOON), '');
});

test('a telegraph that tells nothing without its token says so, and not that the link is lost', () => {
  const now = { wall: NOON, mono: 0 };
  const error = { type: 'error', code: 'token_required', message: 'no' };
  const locked = reduce(INITIAL, { type: 'message', message: error });
  assert.ok(locked.isLocked && locked.wantsToken);
  assert.match(words.link(locked, now).head, /without the token$/);
  const waits = reduce(locked, { type: 'lost', wall: at(14, 5), retryAt: null });
  assert.match(words.link(waits, now).head, /without the token$/);
  const lost = reduce(locked, { type: 'lost', wall: at(14, 5), retryAt: 3000 });
  assert.match(words.link(lost, now).head, /^No connection since/);
  assert.equal(reduce(OPEN, { type: 'message', message: error }).isLocked, false);
});

test('a lost link says since when, and counts down', () => {
  const now = (mono) => ({ wall: NOON, mono });
  assert.deepEqual(words.link(OPEN, now(0)), { head: '', tail: '' });
  assert.equal(words.link(INITIAL, now(0)).head, 'Connecting …');
  const lost = reduce(ringing(), { type: 'lost', wall: at(14, 5), retryAt: 5000 });
  assert.equal(words.link(lost, now(2000)).head, 'No connection since 14:05 — trying again in 3 s');
  assert.equal(words.link(lost, now(4001)).head, 'No connection since 14:05 — trying again in 1 s');
  assert.equal(words.link(lost, now(9000)).head, 'No connection since 14:05 — trying again now');
  const trying = reduce(lost, { type: 'trying' });
  assert.equal(words.link(trying, now(0)).head, 'No connection since 14:05 — trying again now');
  assert.equal(words.calm(lost, NOON), 'No connection since 14:05');
  assert.match(words.title(lost), /^No connection — /);
  assert.equal(words.bell(lost, NOON), '');
  assert.equal(words.reply(lost, NOON), 'ordered 14:02 — no answer known');
  assert.match(words.link(lost, now(0)).tail, /^The bell rang when last heard; it is silent/);
  const calm = reduce(answered('x', 'Tim'), { type: 'lost', wall: at(14, 5), retryAt: 5000 });
  assert.equal(words.link(calm, now(0)).tail, 'The bell was silent when last heard.');
  assert.equal(words.sound(lost, now(0)), 'Silent: no connection');
});

test('a server that shuts down says so, before and after the link is gone', () => {
  const farewell = heard(OPEN, said('farewell'));
  const now = { wall: NOON, mono: 0 };
  assert.equal(words.link(farewell, now).head, 'The server is shutting down');
  const lost = reduce(farewell, { type: 'lost', wall: at(14, 5), retryAt: 3000 });
  assert.deepEqual(words.link(lost, now), {
    head: 'The server shut down at 14:05 — looking for it again in 3 s', tail: '',
  });
  assert.equal(words.glass(lost, NOON), 'The server shut down at 14:05');
});

test('a file that is unwell says what is still shown', () => {
  const state = heard(ringing(), said('source'));
  assert.equal(words.source(state, 'status'), '');
  assert.equal(words.source(state, 'accept'),
    'accept.eot cannot be read: permission denied, last known reply shown');
  const none = heard(OPEN, said('state before the first order'));
  assert.equal(words.source(none, 'status'), 'status.eot does not exist, no order known');
  assert.equal(words.source(none, 'accept'), '');
  const bare = heard(ringing(), {
    type: 'source', file: 'status', health: 'empty', detail: '', watch: 'poll',
  });
  assert.equal(words.source(bare, 'status'), 'status file empty, last known order shown');
});

test('a health that a later server invents is a health to be shown', () => {
  const state = heard(ringing(), {
    type: 'source', file: 'status', health: 'on_fire', detail: '', watch: 'poll',
  });
  assert.equal(words.source(state, 'status'),
    'status file unwell (on_fire), last known order shown');
});

test('a waiting and a refused answer are told', () => {
  const ask = { type: 'asked', id: 'a-1', kind: 'answer', order: 1, position: 3 };
  assert.equal(words.waiting(reduce(OPEN, ask)), 'Answering COFFEE …');
  const rings = reduce(ringing(), ask);
  assert.equal(words.reply(rings, NOON), 'ordered 14:02 — answering it …');
  const other = reduce(ringing(), { ...ask, position: 2 });
  assert.equal(words.reply(other, NOON), 'ordered 14:02 — answering STOP …');
  assert.equal(words.waiting(rings), '', 'one sentence is enough');
  assert.equal(words.waiting(reduce(OPEN, { ...ask, position: null })), 'Answering the order …');
  assert.equal(words.waiting(OPEN), '');
  const refused = heard(reduce(OPEN, ask), said('error'));
  assert.equal(words.refusal(refused),
    'Your answer COFFEE did not count: that order is no longer the present one');
  assert.equal(words.refusal(OPEN), '');
});

test('each kind of request is refused in its own words', () => {
  const refusal = (kind, position = null) =>
    words.refusal(reduce(OPEN, { type: 'refused', kind, position, code: 'x', message: 'no' }));
  assert.equal(refusal('answer'), 'Your answer did not count: no');
  assert.equal(refusal('order', 3), 'COFFEE was not ordered: no');
  assert.equal(refusal('name'), 'The name was not taken: no');
  assert.equal(refusal('token'), 'The token was not taken: no');
});

test('the button says what it answers with', () => {
  assert.equal(words.answering(ringing()), 'Answer COFFEE');
  const text = said('state off the dial, answered by a station');
  assert.equal(words.answering(heard(OPEN, text)), 'Acknowledge');
});

test('what waits says what it is', () => {
  const ask = { type: 'asked', id: 1, kind: 'answer', order: 1 };
  const waiting = (more) => words.waiting(reduce(OPEN, { ...ask, ...more }));
  assert.equal(waiting({ coming: true }), 'Answering the order …');
  assert.equal(waiting({ coming: false }), 'Saying that you are not coming …');
  assert.equal(waiting({ kind: 'order', position: 3 }), 'Ordering COFFEE …');
  assert.equal(waiting({ kind: 'name' }), '');
  assert.equal(waiting({ kind: 'token' }), '');
});

test('the dial says when it orders', () => {
  assert.equal(words.ordering(OPEN), '');
  assert.equal(words.ordering({ ...OPEN, ordering: true }), 'Choose on the dial what to order, or cancel');
});

test('a name that is written from the right turns nothing around it', () => {
  assert.equal(words.isolated('Zoë <b>'), 'Zoë <b>');
  for (const name of ['\u05d3\u05e0\u05d4', '\u0633\u0644\u0645']) {
    assert.equal(words.isolated(name), `\u2068${name}\u2069`);
    assert.ok(words.reply(answered('x', name), NOON).includes(`\u2068${name}\u2069 14:02`));
  }
});

test('one who is replaced says why the link is gone', () => {
  const state = heard(OPEN, said('farewell, replaced'));
  assert.equal(words.link(state, { wall: NOON, mono: 0 }).head,
    'Another tab goes on as this station');
});

test('the sound says how to arm it', () => {
  const now = { mono: 6_001 };
  assert.equal(words.sound(INITIAL, now), 'Sound is off: click to arm');
  assert.equal(words.sound({ ...INITIAL, sound: true }, now), 'Sound is on');
  const loud = { ...ringing(), sound: true };
  assert.equal(words.sound(loud, now), 'Sound is on: silence it');
  const silenced = reduce(loud, { type: 'silenced', until: 30_000 });
  assert.equal(words.sound(silenced, now), 'Silent for 24 s');
  assert.equal(words.sound(silenced, { mono: 30_500 }), 'Silent for 1 s');
});

test('a sign says from afar how it stands', () => {
  const sign = (state) => Object.values(words.sign(state, { mono: 6_001 }));
  assert.deepEqual(sign(INITIAL), ['lost', 'Not connected yet']);
  assert.deepEqual(sign(OPEN), ['plain', 'The bell is silent']);
  assert.deepEqual(sign(ringing()), ['rings', 'The bell rings, sound off here']);
  const loud = { ...ringing(), sound: true };
  assert.deepEqual(sign(loud), ['rings', 'The bell rings']);
  const silenced = reduce(loud, { type: 'silenced', until: 30_000 });
  assert.deepEqual(sign(silenced), ['rings', 'The bell rings, silent here for 24 s']);
  assert.deepEqual(sign(answered('x', 'Tim')), ['agreed', 'Answered · bell silent']);
  const lost = reduce(ringing(), { type: 'lost', wall: at(14, 5), retryAt: 3_000 });
  assert.deepEqual(sign(lost), ['lost', 'Last known: bell rang']);
  assert.equal(words.glass(lost, NOON), 'No connection since 14:05');
  assert.equal(words.glass(OPEN, NOON), '');
  assert.equal(words.alive(OPEN, at(14, 5)), 'Connected · 14:05');
  assert.equal(words.alive(lost, at(14, 5)), '');
});

test('a sign tells at once that a file is not well', () => {
  const unwell = (state) => heard(state, {
    type: 'source', file: 'status', health: 'missing', detail: '', watch: 'poll',
  });
  const text = (state) => Object.values(words.sign(state, { mono: 0 }));
  assert.deepEqual(text(unwell(answered('x', 'Tim'))), ['unwell', 'Last known · bell silent']);
  const none = heard(OPEN, said('state before the first order'));
  assert.deepEqual(text(unwell(none)), ['unwell', 'No order · bell silent']);
  assert.equal(words.alive(unwell(none), at(14, 5)), 'Connected, but a file is not well · 14:05');
});

test('in brief a long text is cut and quoted, and its answer is told', () => {
  const state = said('state with the bell ringing');
  state.order = {
    ...state.order, position: null, name: null, status: `a\n${'x'.repeat(4000)}`, since: at(14, 2),
  };
  const brief = words.brief(heard(OPEN, state), NOON);
  assert.match(brief, /^“a x+…” ordered 14:02 — not answered yet$/);
  assert.ok(brief.length < 90);
  assert.equal(words.brief(ringing(), NOON), 'COFFEE ordered 14:02 — not answered yet');
});

test('a title is one short line, whatever the status is', () => {
  const state = said('state with the bell ringing');
  state.order = { ...state.order, position: null, name: null, status: `a\n${'x'.repeat(4000)}` };
  const title = words.title(heard(OPEN, state));
  assert.ok(title.length < 120 && !title.includes('\n'));
});

test('what nobody would see of an order or a reply is shown by its number', () => {
  const state = said('state off the dial, answered by a station');
  state.order.status = 'STOP\u200b';
  state.reply.status = '\u3164';
  Object.assign(state.reply, { by: '9564a0fd-d9ed-4a8e-9663-e5ba8c2aa67f', who: 'T\u202eim' });
  const now = heard(heard(INITIAL, said('welcome without a dial')), { ...state, bell: true });
  assert.equal(words.order(now), 'STOP⟨U+200B⟩');
  assert.match(words.other(now, NOON), /⟨U\+3164⟩, by T⟨U\+202E⟩im/);
  assert.match(words.brief(now, NOON), /^“STOP⟨U\+200B⟩”/);
  assert.match(words.title(now), /STOP⟨U\+200B⟩ — Chadburn$/);
});
