// The roll in words: who is coming, who is not, who answered how, and how fast.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as roll from '../../static/roll.js';
import { INITIAL, reduce } from '../../static/store.js';
import { said } from './fixtures.js';

const heard = (state, message) => reduce(state, { type: 'message', message });
const STATION = said('welcome').station;

/** A state with COFFEE ordered, and a roll that was bent. */
function told(bend = () => {}, order = 'state with the bell ringing') {
  const message = said('roll');
  const state = said(order);
  message.order = state.order.seq;
  for (const answer of message.answers) answer.station = `another ${answer.name}`;
  bend(message);
  return [said('welcome'), state, message].reduce(heard, INITIAL);
}

/** The line for one answer of another station. */
function line(answer, order) {
  const state = told((message) => {
    message.answers = [{
      station: 'x', name: 'Tim', position: null, coming: null, after_ms: 61_999, ...answer,
    }];
  }, order);
  return roll.answers(state)[0].text;
}

test('a span is told as a clock counts', () => {
  for (const [ms, text] of [
    [0, '0:00'], [2417, '0:02'], [59_999, '0:59'], [60_000, '1:00'], [3_599_999, '59:59'],
    [3_600_000, '1:00:00'], [3_723_000, '1:02:03'], [360_000_000, '100:00:00'],
  ]) assert.equal(roll.pace(ms), text);
});

test('who is coming and who is not', () => {
  assert.deepEqual(roll.answers(told()), [
    { text: 'Tim is coming, after 0:02', coming: true },
    { text: 'Another station is not coming', coming: false },
  ]);
  assert.equal(line({ coming: true, position: 3 }), 'Tim is coming, after 1:01');
  assert.equal(line({ coming: false, name: 'Zoë' }), 'Zoë is not coming');
});

test('who answered without a word of coming', () => {
  assert.equal(line({ position: 3 }), 'Tim answered, after 1:01');
  assert.equal(line({ position: 2 }), 'Tim answered STOP, after 1:01');
  assert.equal(line({ position: 2, coming: true }), 'Tim answered STOP and is coming, after 1:01');
  assert.equal(line({ position: 2, coming: false }), 'Tim answered STOP and is not coming');
  const offDial = 'state off the dial, answered by a station';
  assert.equal(line({}, offDial), 'Tim acknowledged, after 1:01');
  assert.equal(line({ position: 24 }), 'Tim answered, after 1:01', 'no such position on this dial');
});

test('one of them is you', () => {
  assert.equal(line({ station: STATION, coming: true }), 'You are coming, after 1:01');
  assert.equal(line({ station: STATION, coming: false }), 'You are not coming');
  assert.equal(line({ station: STATION, position: 3 }), 'You answered, after 1:01');
  const own = (coming) => roll.ownComing(told((message) => {
    message.answers[1] = { ...message.answers[1], station: STATION, coming };
  }));
  assert.deepEqual([own(true), own(false), own(null)], [true, false, null]);
  assert.equal(roll.ownComing(told()), null);
  assert.equal(roll.ownComing(INITIAL), null);
});

test('what is not listed is counted', () => {
  assert.equal(roll.more(told()), '');
  const many = told((message) => Object.assign(message, { more_answers: 50, more_named: 7 }));
  assert.equal(roll.more(many), 'and 50 more');
  assert.equal(roll.present(many), '3 stations: Tim, Zoë and 7 more');
});

test('who is there', () => {
  assert.equal(roll.present(INITIAL), '');
  assert.equal(roll.present(told()), '3 stations, with Tim, Zoë');
  const alone = heard(INITIAL, said('roll before the first order'));
  assert.equal(roll.present(alone), '1 station');
});

test('an order that moved on leaves nobody behind', () => {
  const state = told((message) => Object.assign(message, { order: 1, more_answers: 4 }));
  assert.deepEqual([roll.answers(state), roll.more(state)], [[], '']);
});

test('names are texts, whatever is in them', () => {
  const hostile = '<img src=x onerror=alert(1)>';
  assert.equal(line({ name: hostile, coming: true }), `${hostile} is coming, after 1:01`);
  const dana = '\u05d3\u05e0\u05d4';
  assert.equal(line({ name: dana }), `\u2068${dana}\u2069 answered, after 1:01`);
});
