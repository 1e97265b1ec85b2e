// What the relay's page makes of what the relay says, and what it does not take.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import {
  INITIAL, SILENT_MS, describe, inOrder, label, parse, reduce, seenBy, silence,
} from '../../crates/chadburn-eye/static/relay-store.js';

const box = (boxId, rect = [0, 0, 1, 1], more = {}) => ({ boxId, rect, objectType: 'blob', certainty: 0.9, ...more });
const frame = (cameraId, boxes, frameId = 1.5) => ({ type: 'boundingBoxes', cameraId, frameId, boxes });
const cameras = (...ids) => ({ type: 'cameras', cameras: ids });
const after = (...messages) => messages.reduce((state, message, at) => reduce(state, message, 1_000 * at), INITIAL);

test('cameras are those of the list, each with its newest frame', () => {
  const state = after(cameras('gate', 'yard'), frame('gate', [box(1)]), frame('gate', [box(2)], 2.5), frame('hall', [box(3)]));
  assert.deepEqual(state.cameras.map(({ id }) => id), ['gate', 'yard']);
  assert.deepEqual(state.cameras[0], { id: 'gate', frameId: 2.5, boxes: [box(2)], at: 2_000 });
  assert.equal(state.cameras[1].at, null);
  const more = reduce(state, cameras('gate', 'hall'), 9_000);
  assert.equal(more.cameras[0], state.cameras[0], 'what it had it keeps');
  assert.deepEqual(more.cameras[1].boxes, []);
});

test('a camera without frames is silent, and how long', () => {
  const [gate, yard] = after(cameras('gate', 'yard'), frame('gate', [])).cameras;
  assert.equal(silence(gate, gate.at + SILENT_MS - 1), 0);
  assert.equal(silence(gate, gate.at + SILENT_MS), 2);
  assert.equal(silence(gate, gate.at + 61_999), 61);
  assert.equal(silence(yard, 1e9), null);
});

test('who sees an object, and what became of a start', () => {
  const objects = { type: 'objects', objects: [{ objectId: 17, hasMap: false }] };
  const state = after(cameras('gate', 'yard'), objects, frame('yard', [box(1), box(2, undefined, { objectId: 17 })]));
  assert.deepEqual(state.objects, objects.objects);
  assert.deepEqual(seenBy(state, 17), ['yard']);
  assert.deepEqual(seenBy(state, 18), []);
  const started = reduce(state, { type: 'started', objectId: 1764491234, cameraId: 'gate' }, 0);
  assert.deepEqual(started.word, { text: '#1234 is tracked, as gate sees it.', isBad: false });
  const refused = reduce(state, { type: 'refused', cameraId: 'hall', reason: 'no such camera is connected' }, 0);
  assert.deepEqual(refused.word, { text: 'Not tracked: no such camera is connected (hall).', isBad: true });
});

test('boxes are gone over as a page is read, and said in words', () => {
  const [high, left, right] = [box(1, [0.5, 0, 0.6, 0.1]), box(2, [0.1, 0.55, 0.2, 0.6]), box(3, [0.5, 0.5, 0.6, 0.9])];
  assert.deepEqual(inOrder([right, left, high]), [high, left, right]);
  assert.equal(describe(box(1)), 'blob, 90 %');
  assert.equal(describe(box(1, undefined, { objectId: null })), 'blob, 90 %');
  assert.equal(describe(box(1, undefined, { objectId: 7 })), '#7 blob, 90 %');
  assert.equal(label(1764490034), '#0034');
});

test('what is no message changes nothing', () => {
  const state = after(cameras('gate'), frame('gate', [box(1)]));
  const bad = [
    null, 7, 'text', [], {}, { type: 'unknown' }, { type: 'cameras' }, { type: 'cameras', cameras: [7] },
    { type: 'objects', objects: [{ objectId: '7' }] }, frame('gate', null), frame('gate', [null]), frame(7, []),
    frame('gate', [], '1'), frame('gate', [box(1.5)]), frame('gate', [box(1, [0, 0, 1])]), frame('gate', [box(1, [0, 0, 1, null])]),
    frame('gate', [box(1, undefined, { certainty: 'high' })]), frame('gate', [box(1, undefined, { objectType: {} })]),
  ];
  for (const message of bad) assert.equal(reduce(state, message, 9_000), state, JSON.stringify(message));
  assert.equal(parse('{'), null);
  assert.deepEqual(parse('[1]'), [1]);
});

test('the page is pure where it says so, and puts nothing into itself as markup', () => {
  const code = (name) => readFileSync(new URL(`../../crates/chadburn-eye/static/${name}`, import.meta.url), 'utf8')
    .split('\n').filter((line) => !/^\s*(\/\/|\/\*|\*)/.test(line)).join('\n');
  const impure = /\b(document|window|WebSocket|fetch|set(Timeout|Interval)|Date\.now|performance|(local|session)Storage|navigator)\b/;
  assert.equal(code('relay-store.js').match(impure), null);
  for (const name of ['relay.js', 'relay-cameras.js', 'relay-store.js']) {
    assert.equal(code(name).match(/\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval)\b/), null, name);
  }
});
