// What a panel remembers, and that it lives on where nothing can be.

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { memory } from '../../static/memory.js';
import { said } from './fixtures.js';

const SECRET = said('welcome').resume;

/** Storage as browsers have it. */
class FakeStorage {
  items = new Map();
  getItem = (key) => this.items.get(key) ?? null;
  setItem = (key, value) => this.items.set(key, String(value));
  removeItem = (key) => this.items.delete(key);
}

function storages(make) {
  for (const name of ['localStorage', 'sessionStorage']) {
    Object.defineProperty(globalThis, name, { configurable: true, ...make() });
  }
}

beforeEach(() => storages(() => ({ value: new FakeStorage() })));

test('what was said is remembered, and forgotten when told to', () => {
  Object.assign(memory, { name: 'Zoë', resume: SECRET, token: 'open sesame', sound: true });
  Object.assign(memory, { light: 'night', notify: true });
  assert.deepEqual([memory.light, memory.notify], ['night', true]);
  assert.deepEqual(
    [memory.name, memory.resume, memory.token, memory.sound], ['Zoë', SECRET, 'open sesame', true],
  );
  Object.assign(memory, { name: '', resume: null, token: null, sound: false });
  Object.assign(memory, { light: null, notify: false });
  assert.deepEqual([memory.light, memory.notify], [null, false]);
  assert.deepEqual(
    [memory.name, memory.resume, memory.token, memory.sound], ['', null, null, false],
  );
});

test('who this tab is and what it was trusted with is no other tab\'s business', () => {
  Object.assign(memory, { name: 'Zoë', resume: SECRET, token: 'open sesame' });
  const kept = [...localStorage.items.values()];
  assert.deepEqual(kept, ['Zoë']);
});

test('what a server would not take is not remembered', () => {
  for (const wrong of ['', 'short', `${SECRET}&since=0`, 'x'.repeat(65), 'sixteen+letters=']) {
    memory.resume = wrong;
    assert.equal(memory.resume, null, wrong);
  }
  for (const wrong of ['x'.repeat(41), ' ', 'a\nb']) {
    memory.name = wrong;
    assert.equal(memory.name, '', wrong);
  }
});

test('a panel without memory is a panel still', () => {
  const forbid = () => {
    throw new Error('forbidden');
  };
  storages(() => ({ get: forbid }));
  Object.assign(memory, { name: 'Zoë', resume: SECRET, token: 'x', sound: true, dial: null });
  const { name, sound, notify, ...rest } = memory;
  assert.deepEqual([name, sound, notify], ['', false, false]);
  assert.deepEqual(rest, { dial: null, light: null, resume: null, token: null, reloaded: null });
});
