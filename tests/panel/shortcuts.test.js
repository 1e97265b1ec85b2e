// Keys that mean something wherever they are typed.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { meaning } from '../../static/shortcuts.js';

const NOWHERE = { inField: null, onDial: false, isModal: false };
const press = (key, where = {}, held = {}) => meaning({ key, ...held }, { ...NOWHERE, ...where });

test('bell, silence, console and help have their keys', () => {
  for (const [key, asked] of [['b', 'bell'], ['s', 'silence'], ['`', 'console'], ['?', 'help']]) {
    assert.equal(press(key), asked, key);
  }
});

test('digits and other letters are for the dial', () => {
  for (const key of ['7', 'c', 'ע']) assert.equal(press(key), 'dial', key);
  for (const key of ['Enter', 'Tab', ' ', 'F5', '/']) assert.equal(press(key), null, key);
});

test('on the dial letters are names, and Shift makes them the bell\'s again', () => {
  const shift = { shiftKey: true };
  for (const [key, asked] of [['b', 'bell'], ['s', 'silence']]) {
    assert.equal(press(key, { onDial: true }), null);
    assert.equal(press(key.toUpperCase(), { onDial: true }, shift), asked);
    assert.equal(press(key.toUpperCase(), {}, shift), asked);
  }
  assert.equal(press('c', { onDial: true }), null, 'the dial hears it by itself');
  assert.equal(press('?', { onDial: true }, shift), 'help');
});

test('a field keeps its keys, but the console gives back the one that opened it', () => {
  for (const key of ['b', '7', '?', '`']) assert.equal(press(key, { inField: 'text' }), null);
  assert.equal(press('`', { inField: 'command' }), 'console');
  assert.equal(press('s', { inField: 'command' }), null);
});

test('in a drawer the bell has its keys still, and the dial has none', () => {
  assert.equal(press('s', { isModal: true }), 'silence');
  assert.equal(press('?', { isModal: true }), 'help');
  assert.equal(press('7', { isModal: true }), null);
});

test('keys with others, and keys held down, are the browser\'s', () => {
  for (const held of ['ctrlKey', 'metaKey', 'altKey', 'repeat']) {
    assert.equal(press('b', {}, { [held]: true }), null, held);
  }
});

test('Escape takes back what is held, and nothing else', () => {
  assert.equal(press('Escape'), null);
  assert.equal(press('Escape', { isHeld: true }), 'undo');
  assert.equal(press('Escape', { isHeld: true, onDial: true }), 'undo');
  assert.equal(press('Escape', { isHeld: true, isModal: true }), null, 'it closes the drawer');
  assert.equal(press('Escape', { isHeld: true, inField: 'text' }), null);
});
