// The one state: what messages and link events make of it.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  INITIAL, MAX_LINES, MAX_PENDING, Store, answersOf, hasNoDial, isMatch, isOffDial, isOpen,
  isRinging, isSilenced, moreAnswers, reduce, sectorOf,
} from '../../static/store.js';
import { fixtures, said } from './fixtures.js';

const heard = (state, message) => reduce(state, { type: 'message', message });
const after = (...messages) => messages.reduce(heard, INITIAL);
const WELCOME = said('welcome');
const RINGING = said('state with the bell ringing');
const ASKED = { type: 'asked', id: 7, kind: 'answer', order: RINGING.seq, position: 3 };

test('a welcome opens the link and brings the dial', () => {
  const state = after(WELCOME);
  assert.ok(isOpen(state));
  assert.equal(state.station, WELCOME.station);
  assert.deepEqual(state.dial, WELCOME.dial);
  assert.equal(state.order, null);
});

test('the same dial stays the same object, another one does not', () => {
  const state = after(WELCOME);
  assert.equal(heard(state, said('welcome')).dial, state.dial);
  const other = said('welcome');
  other.dial.title = 'Another';
  assert.equal(heard(state, other).dial.title, 'Another');
});

test('a remembered dial is shown until the welcome, and not after', () => {
  const remembered = { title: 'old', positions: WELCOME.dial.positions };
  const first = reduce(INITIAL, { type: 'remembered', dial: remembered });
  assert.equal(first.dial, remembered);
  const state = heard(first, WELCOME);
  assert.deepEqual(state.dial, WELCOME.dial);
  assert.equal(reduce(state, { type: 'remembered', dial: remembered }), state);
});

test('a state brings order, reply, bell and source', () => {
  const state = after(WELCOME, RINGING);
  assert.deepEqual(state.order, RINGING.order);
  assert.deepEqual(state.reply, RINGING.reply);
  assert.ok(isRinging(state));
  assert.deepEqual(state.sources, { status: RINGING.source, accept: null, book: null });
});

test('without a dial every order is a text, and none can be chosen', () => {
  const without = after({ ...said('welcome without a dial'), may: { order: true, shutdown: false } });
  assert.ok(hasNoDial(without));
  assert.ok(!hasNoDial(after(WELCOME)) && !hasNoDial(INITIAL), 'nobody knows before the welcome');
  const state = heard(without, said('state off the dial, answered by a station'));
  assert.ok(isOffDial(state) && isMatch(state));
  assert.equal(sectorOf(state.dial, { position: 3 }), null);
  assert.equal(reduce(without, { type: 'ordering', on: true }).ordering, false);
  const may = { type: 'message', message: { ...said('may'), order: true } };
  const ordering = reduce(reduce(after(WELCOME), may), { type: 'ordering', on: true });
  assert.equal(ordering.ordering, true);
  const moved = { ...said('welcome without a dial'), may: { order: true, shutdown: true } };
  assert.equal(heard(ordering, moved).ordering, false, 'the dial is gone');
});

test('an older state changes nothing, the same one again is welcome', () => {
  const state = after(WELCOME, said('state off the dial, answered by a station'));
  assert.equal(heard(state, RINGING), state);
  const again = heard(state, said('state off the dial, answered by a station'));
  assert.deepEqual(again, state);
});

test('after a new welcome the server may count from below', () => {
  const state = after(WELCOME, said('state off the dial, answered by a station'), WELCOME, RINGING);
  assert.equal(state.seq, RINGING.seq);
});

test('the health of each file is kept apart', () => {
  const { type, file, ...health } = said('source');
  const state = after(WELCOME, RINGING, { type, file, ...health });
  assert.deepEqual(state.sources, { status: RINGING.source, accept: health, book: null });
  assert.equal(heard(state, WELCOME).sources.accept, null, 'a new server tells anew');
  const later = { ...said('source'), file: 'diary' };
  assert.equal(heard(state, later), state, 'a file of a later server is not known here');
});

test('a lost link silences nothing that the server said, but rings no more', () => {
  const open = after(WELCOME, RINGING);
  const state = reduce(open, { type: 'lost', wall: 1000, retryAt: 50 });
  assert.equal(state.bell, true);
  assert.equal(isRinging(state), false);
  assert.deepEqual(state.order, RINGING.order);
  assert.deepEqual(state.link, { phase: 'lost', since: 1000, retryAt: 50, farewell: null });
});

test('a loss is dated by its beginning, not by the last try', () => {
  let state = reduce(after(WELCOME), { type: 'lost', wall: 1000, retryAt: 50 });
  state = reduce(state, { type: 'trying' });
  assert.equal(state.link.retryAt, null);
  state = reduce(state, { type: 'lost', wall: 2000, retryAt: 90 });
  assert.deepEqual([state.link.since, state.link.retryAt], [1000, 90]);
  assert.deepEqual(heard(state, WELCOME).link, {
    phase: 'open', since: null, retryAt: null, farewell: null,
  });
});

test('a farewell is remembered until the next welcome', () => {
  const left = reduce(after(WELCOME, said('farewell')), { type: 'lost', wall: 1, retryAt: 2 });
  assert.equal(left.link.farewell, 'shutdown');
  assert.equal(heard(left, WELCOME).link.farewell, null);
});

test('an answer waits until its ok', () => {
  const asked = reduce(after(WELCOME, RINGING), ASKED);
  assert.deepEqual(asked.pending, [
    { id: 7, kind: 'answer', order: RINGING.seq, position: 3, coming: null },
  ]);
  assert.equal(heard(asked, { type: 'ok', id: 8 }).pending.length, 1);
  assert.equal(heard(asked, { type: 'ok' }).pending.length, 1);
  const settled = heard(asked, said('ok'));
  assert.deepEqual([settled.pending, settled.refusal], [[], null]);
});

test('an answer that is refused goes back, with the reason', () => {
  const asked = reduce(after(WELCOME, RINGING), { ...ASKED, id: 'a-1' });
  const { code, message } = said('error');
  const state = heard(asked, said('error'));
  assert.deepEqual([state.pending, state.refusal], [
    [], { kind: 'answer', position: 3, code, message },
  ]);
  assert.equal(reduce(state, ASKED).refusal, null, 'the next answer forgets it');
  assert.equal(reduce(state, { type: 'refusalExpired' }).refusal, null);
});

test('an answer that was on its way when the link was lost is refused with that reason', () => {
  const asked = reduce(after(WELCOME, RINGING), ASKED);
  const state = reduce(asked, { type: 'lost', wall: 1, retryAt: 2 });
  assert.deepEqual(state.pending, []);
  assert.deepEqual([state.refusal.position, state.refusal.code], [3, 'lost']);
});

test('an error of a console command refuses no answer', () => {
  const asked = reduce(after(WELCOME, RINGING), {
    type: 'asked', id: 'a-1', kind: 'console', text: 'status',
  });
  const state = heard(asked, said('error'));
  assert.equal(state.refusal, null);
  assert.deepEqual(state.lines.map(({ kind }) => kind), ['sent', 'error']);
});

test('the console keeps lines in order, counted, and not for ever', () => {
  let state = after(WELCOME, said('console'), said('ok'), said('ok without an id'), said('error'));
  assert.deepEqual(state.lines.map(({ kind }) => kind), ['console', 'ok', 'ok', 'error']);
  for (let k = 0; k < MAX_LINES + 50; k += 1) state = heard(state, said('console'));
  assert.equal(state.lines.length, MAX_LINES);
  assert.equal(state.lines.at(-1).n, MAX_LINES + 54);
});

test('what was not understood is a line of the console, cut short', () => {
  const state = reduce(INITIAL, { type: 'fault', fault: 'bad_json', detail: 'x'.repeat(9999) });
  assert.equal(state.lines[0].kind, 'fault');
  assert.ok(state.lines[0].text.length < 300);
});

test('requests that wait are bounded', () => {
  let state = after(WELCOME, RINGING);
  for (let id = 0; id < 3 * MAX_PENDING; id += 1) state = reduce(state, { ...ASKED, id });
  assert.equal(state.pending.length, MAX_PENDING);
});

test('a beat says that the link lives, and unknown events change nothing', () => {
  const state = after(WELCOME, RINGING);
  assert.deepEqual(heard(state, said('beat')), { ...state, beat: said('beat').at });
  assert.equal(heard(heard(state, said('beat')), WELCOME).beat, null);
  assert.equal(heard(state, { type: 'constructor' }), state);
  assert.equal(reduce(state, { type: 'toString' }), state);
});

test('a silence is of one order: the next, its repeat and its answer end it', () => {
  const silenced = reduce(after(WELCOME, RINGING), { type: 'silenced', until: 30_000 });
  assert.ok(isSilenced(silenced));
  const { seq, order } = RINGING;
  assert.ok(isSilenced(heard(silenced, { ...RINGING, seq: seq + 1 })), 'a reply that differs');
  for (const next of [
    { ...RINGING, seq: seq + 1, order: { ...order, seq: seq + 1 } },
    { ...RINGING, seq: seq + 1, bell: false },
  ]) assert.equal(heard(silenced, next).silence, null);
  assert.equal(reduce(silenced, { type: 'silenced', until: null }).silence, null);
  assert.ok(!isSilenced(reduce(silenced, { type: 'lost', wall: 0, retryAt: 1 })));
});

test('a gap is known', () => {
  const state = after(WELCOME, RINGING, said('gap'));
  const { from, to } = said('gap');
  assert.deepEqual(state.gap, { from, to });
  assert.equal(heard(state, WELCOME).gap, null);
});

test('what was missed goes through the state, and only the present one rings', () => {
  let state = reduce(after(WELCOME, RINGING), { type: 'lost', wall: 1, retryAt: 2 });
  assert.equal(state.seen, RINGING.seq);
  state = heard(state, WELCOME);
  for (const [seq, bell] of [[RINGING.seq + 1, true], [RINGING.seq + 2, false]]) {
    const missed = { ...said('state with the bell ringing'), seq, bell };
    missed.order.seq = seq;
    state = heard(state, missed);
    assert.equal(state.order.seq, seq);
    assert.equal(isRinging(state), false);
    assert.equal(state.seen, seq, 'a link lost now goes on from here');
  }
  state = heard(state, said('gap'));
  const present = { ...said('state with the bell ringing'), seq: RINGING.seq + 9 };
  state = heard(state, present);
  assert.equal(isRinging(state), false, 'it may still be one of the past');
  assert.ok(isRinging(heard(state, said('roll'))));
  assert.ok(isRinging(heard(state, said('beat'))), 'a server without a roll rings all the same');
});

test('nothing was missed before anything was seen', () => {
  assert.ok(isRinging(after(WELCOME, RINGING)));
  const again = heard(reduce(after(WELCOME), { type: 'lost', wall: 1, retryAt: 2 }), WELCOME);
  assert.ok(isRinging(heard(again, RINGING)));
});

test('a new order clears the answers without a word, and so does its repeat', () => {
  const state = after(WELCOME, RINGING, said('roll'));
  assert.equal(answersOf(state).length, 2);
  const again = said('state with the bell ringing');
  again.seq += 1;
  again.order.seq += 1;
  const cleared = heard(state, again);
  assert.deepEqual([answersOf(cleared), moreAnswers(cleared)], [[], 0]);
  assert.equal(cleared.roll.stations, 3, 'who is there is there still');
});

test('a roll of another order than the one that is shown has no answers to it', () => {
  const { order } = said('roll');
  const early = after(WELCOME, said('roll'));
  assert.deepEqual(answersOf(early), []);
  assert.equal(answersOf(heard(early, RINGING)).length, 2, 'its state came later');
  const late = after(WELCOME, RINGING, { ...said('roll'), order: order - 1, more_answers: 7 });
  assert.deepEqual([answersOf(late), moreAnswers(late)], [[], 0]);
  assert.equal(heard(late, WELCOME).roll, null, 'a new server tells anew');
});

test('what may be done is what was said last', () => {
  const state = after(WELCOME);
  assert.equal(reduce(state, { type: 'ordering', on: true }).ordering, false, 'it may not');
  const allowed = heard(state, said('may'));
  assert.deepEqual(allowed.may, { order: true, shutdown: true });
  const ordering = reduce(allowed, { type: 'ordering', on: true });
  assert.equal(ordering.ordering, true);
  assert.equal(heard(ordering, { ...said('may'), order: false }).ordering, false);
  assert.equal(heard(ordering, WELCOME).ordering, false);
  assert.equal(reduce(ordering, { type: 'ordering', on: false }).ordering, false);
});

test('a token is wanted until it was taken', () => {
  const token = { type: 'asked', id: 11, kind: 'token' };
  const wanted = heard(INITIAL, { ...WELCOME, token: true });
  assert.ok(wanted.wantsToken);
  const asked = reduce(wanted, token);
  assert.ok(heard(asked, { type: 'ok', id: 12 }).wantsToken);
  assert.equal(heard(asked, { type: 'ok', id: 11 }).wantsToken, false);
  const refused = heard(asked, { type: 'error', id: 11, code: 'bad_token', message: 'no' });
  assert.ok(refused.wantsToken);
  assert.deepEqual(refused.refusal, {
    kind: 'token', position: null, code: 'bad_token', message: 'no',
  });
  assert.equal(reduce(refused, token).refusal, null);
});

test('a server that begins to want a token is understood', () => {
  const asked = reduce(after(WELCOME, RINGING), ASKED);
  const state = heard(asked, { type: 'error', id: 7, code: 'token_required', message: 'no' });
  assert.ok(state.wantsToken);
  assert.equal(state.refusal.kind, 'answer');
});

test('a name on its way says nothing of the answer before it', () => {
  const asked = reduce(after(WELCOME, RINGING), ASKED);
  const lost = reduce(asked, { type: 'lost', wall: 1, retryAt: 2 });
  const named = reduce(heard(lost, WELCOME), { type: 'asked', id: 8, kind: 'name' });
  assert.equal(named.refusal.kind, 'answer');
  const gone = reduce(named, { type: 'lost', wall: 1, retryAt: 2 });
  assert.deepEqual(gone.refusal, named.refusal, 'it is told again by itself');
  const order = reduce(named, { type: 'asked', id: 9, kind: 'order', position: 2 });
  assert.equal(reduce(order, { type: 'lost', wall: 1, retryAt: 2 }).refusal.kind, 'order');
});

test('every fixture of the server is taken, and none changes a state in place', () => {
  const freeze = (value) => {
    if (typeof value === 'object' && value !== null) Object.values(value).forEach(freeze);
    return Object.freeze(value);
  };
  let state = freeze(after(WELCOME));
  for (const { message } of fixtures.server) state = freeze(heard(state, freeze(message)));
});

test('reply and order match by position, or off the dial by text', () => {
  const at = (status, position) => ({ status, position });
  assert.ok(isMatch({ order: at('7', 7), reply: at('coffee', 7) }));
  assert.ok(!isMatch({ order: at('7', 7), reply: at('8', 8) }));
  assert.ok(isMatch({ order: at('broken', null), reply: at('broken', null) }));
  assert.ok(!isMatch({ order: at('broken', null), reply: at('Broken', null) }));
  assert.ok(!isMatch({ order: at('broken', null), reply: at('7', 7) }));
  assert.ok(!isMatch({ order: null, reply: null }));
  assert.ok(!isMatch({ order: at('7', 7), reply: null }));
});

test('a position this dial does not have is off the dial', () => {
  assert.equal(sectorOf(WELCOME.dial, { position: 3 }).name, 'COFFEE');
  assert.equal(sectorOf(WELCOME.dial, { position: 24 }), null);
  assert.equal(sectorOf(WELCOME.dial, { position: null }), null);
  assert.equal(sectorOf(null, { position: 3 }), null);
});

test('the store tells of changes, and only of changes', () => {
  const store = new Store();
  let told = 0;
  store.addEventListener('change', () => {
    told += 1;
  });
  store.dispatch({ type: 'silenced', until: 1 });
  assert.equal(told, 0);
  store.dispatch({ type: 'message', message: WELCOME });
  assert.equal(told, 1);
  assert.ok(isOpen(store.state));
});
