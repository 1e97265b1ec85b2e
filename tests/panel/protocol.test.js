// The JSON wire in the panel: every fixture, both directions, and what must not be understood.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  answer, command, isName, name as called, order, parse, readDial, token,
} from '../../static/protocol.js';
import { fixtures, said } from './fixtures.js';

const parsed = (message) => parse(JSON.stringify(message));

for (const { name, message } of fixtures.server) {
  test(`the panel understands: ${name}`, () => {
    assert.deepEqual(parsed(message), { message });
  });

  test(`the panel ignores unknown fields in: ${name}`, () => {
    assert.deepEqual(parsed({ ...message, later: { more: true } }), { message });
  });
}

const WRITERS = { answer, console: command, name: called, order, token };

for (const { name, message } of fixtures.station) {
  test(`the panel says: ${name}`, () => {
    const { type, ...fields } = message;
    assert.deepEqual(JSON.parse(WRITERS[type](fields)), message);
  });
}

for (const { name, text } of fixtures.refused) {
  test(`the panel understands it no more than the server: ${name}`, () => {
    const { message, fault } = parse(text);
    assert.equal(message, undefined);
    assert.match(fault, /^(bad_json|bad_message|unknown_type)$/);
  });
}

test('what is no JSON, no object or of an unknown type is named as such', () => {
  assert.equal(parse('STOP&1').fault, 'bad_json');
  assert.equal(parse('').fault, 'bad_json');
  for (const text of ['null', '7', '[]', '"state"', '{}', '{"type":null}']) {
    assert.equal(parse(text).fault, 'bad_message', text);
  }
  for (const type of ['sing', 'constructor', '__proto__', 'toString', '']) {
    assert.deepEqual(parse(JSON.stringify({ type })), { fault: 'unknown_type', detail: type });
  }
});

/** Every place in a message, as a path of keys. */
function places(value, path = []) {
  if (typeof value !== 'object' || value === null) return [path];
  const inner = Object.entries(value).flatMap(([key, one]) => places(one, [...path, key]));
  return path.length === 0 ? inner : [path, ...inner];
}

function bent(message, path, act) {
  const copy = structuredClone(message);
  const holder = path.slice(0, -1).reduce((value, key) => value[key], copy);
  act(holder, path.at(-1));
  return copy;
}

/** Places that may be left out: `id` is optional, and these tell a reader by being there. */
const isOptional = (path) => path.length === 1 && path[0] === 'id';

for (const { name, message } of fixtures.server) {
  test(`every field counts in: ${name}`, () => {
    for (const path of places(message)) {
      const where = path.join('.');
      if (!isOptional(path)) {
        const without = bent(message, path, (holder, key) => {
          if (Array.isArray(holder)) holder[key] = null;
          else delete holder[key];
        });
        assert.ok(parsed(without).fault, `without ${where}`);
      }
      const wrong = bent(message, path, (holder, key) => {
        holder[key] = { surely: 'not this' };
      });
      assert.ok(parsed(wrong).fault, `with an object as ${where}`);
    }
  });
}

test('a number that is no seq is refused', () => {
  for (const seq of [-1, 1.5, 2 ** 53, '7', null]) {
    assert.equal(parsed({ ...said('state before the first order'), seq }).fault, 'bad_message');
  }
});

test('a position is an integer from 1 to 24, or null', () => {
  for (const position of [0, 25, 1.5, '3', -1]) {
    const state = said('state with the bell ringing');
    state.order.position = position;
    assert.equal(parsed(state).fault, 'bad_message', String(position));
  }
});

test('a dial has 3 to 24 named positions that run from 1, or none', () => {
  const dial = (count) => ({
    title: '',
    positions: Array.from({ length: count }, (_, index) => ({
      position: index + 1, name: `P${index}`, arc: null,
    })),
  });
  for (const count of [0, 3, 11, 24]) assert.deepEqual(readDial(dial(count)), dial(count));
  for (const count of [1, 2, 25]) assert.equal(readDial(dial(count)), null);
  const hole = dial(5);
  hole.positions[3].position = 9;
  assert.equal(readDial(hole), null);
  const nameless = dial(5);
  nameless.positions[0].name = '';
  assert.equal(readDial(nameless), null);
  assert.equal(readDial(null), null);
});

test('a roll has counts, names and answers that are what they should be', () => {
  const bad = (act) => {
    const roll = said('roll');
    act(roll);
    assert.equal(parsed(roll).fault, 'bad_message', JSON.stringify(roll));
  };
  for (const wrong of [-1, 1.5, '3', null]) {
    for (const field of ['stations', 'more_answers', 'more_named']) {
      bad((roll) => {
        roll[field] = wrong;
      });
    }
    bad((roll) => {
      roll.answers[0].after_ms = wrong;
    });
  }
  for (const wrong of [0, 25, '3']) {
    bad((roll) => {
      roll.answers[0].position = wrong;
    });
  }
  for (const wrong of ['yes', 1, undefined]) {
    bad((roll) => {
      roll.answers[0].coming = wrong;
    });
  }
  for (const wrong of [{}, 'Tim', null]) {
    bad((roll) => {
      roll.named = wrong;
    });
    bad((roll) => {
      roll.answers = wrong;
    });
  }
});

test('the panel knows a name that the server would refuse', () => {
  const bad = fixtures.refused.filter(({ code }) => code === 'bad_name');
  assert.ok(bad.length >= 4);
  for (const { name, text } of bad) {
    const refused = JSON.parse(text).name;
    assert.ok(!isName(refused), name);
    assert.throws(() => called({ name: refused }), name);
  }
  const forty = '\ud83d\udd14'.repeat(40);
  for (const good of ['', 'Zoë', '<img src=x>', forty]) assert.ok(isName(good), good);
  for (const wrong of [`${forty}x`, ' ', '\u3000', 'a\nb', 'a\u2028b', '\ud83d']) {
    assert.ok(!isName(wrong), JSON.stringify(wrong));
  }
});

test('the panel cannot say what the server would not understand', () => {
  for (const seq of [-1, 1.5, undefined, '1']) assert.throws(() => answer({ order: seq }));
  for (const position of [0, 25, 'coffee']) assert.throws(() => answer({ order: 1, position }));
  for (const coming of ['yes', 1, null]) assert.throws(() => answer({ order: 1, coming }));
  for (const status of ['', ' \n', 7, undefined, 'ü'.repeat(2049)]) {
    assert.throws(() => order({ status }));
  }
  assert.throws(() => called({}));
  assert.throws(() => token({}));
  assert.throws(() => command({}));
  for (const id of [{}, 1.5, 'x'.repeat(65), 'ü'.repeat(33)]) {
    assert.throws(() => command({ command: 'status', id }));
  }
});

test('texts come through as they are', () => {
  const status = '<img src=x onerror=alert(1)>\u0000\u202e \ud83d\udd14';
  const state = said('state off the dial, answered by a station');
  state.order.status = status;
  assert.equal(parsed(state).message.order.status, status);
});
