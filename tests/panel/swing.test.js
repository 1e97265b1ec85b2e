// The swing of the drawn bell: one turn in the bell's time, no timer while it is silent.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { STROKES_S, TURN_S } from '../../static/bell.js';
import { STEPS_MS, Swing } from '../../static/swing.js';
import { FakeClock } from './fakes.js';

function setUp() {
  const root = { dataset: {} };
  const clock = new FakeClock();
  return { root, clock, swing: new Swing(root, clock) };
}

test('it goes through its steps in the time of the bell, turn after turn', () => {
  const { root, clock, swing } = setUp();
  swing.run(true);
  for (let turn = 0; turn < 3; turn += 1) {
    for (let step = 0; step < STEPS_MS.length; step += 1) {
      assert.equal(root.dataset.step, step, `turn ${turn}`);
      const next = STEPS_MS[step + 1] ?? TURN_S * 1_000;
      clock.wind(next - STEPS_MS[step] - 1);
      assert.equal(root.dataset.step, step, 'not before its time');
      clock.wind(1);
    }
  }
  assert.equal(clock.time, 3 * (TURN_S * 1_000));
});

test('a turn is not begun anew by whoever asks again, and nothing waits once it is silent', () => {
  const { root, clock, swing } = setUp();
  swing.run(false);
  assert.equal(clock.waiting, 0);
  swing.run(true);
  clock.wind(STEPS_MS[2]);
  swing.run(true);
  assert.equal(root.dataset.step, 2);
  assert.equal(clock.waiting, 1);
  swing.run(false);
  assert.equal(clock.waiting, 0);
  assert.ok(!('step' in root.dataset));
});

test('a step begins with each stroke', () => {
  for (const stroke of STROKES_S) {
    assert.ok(STEPS_MS.some((ms) => Math.abs(ms - stroke * 1_000) <= 20), `${stroke} s`);
  }
});
