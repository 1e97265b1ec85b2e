// What a panel remembers: the last dial, and whether the sound is wanted.
//
// Storage may be forbidden, full or foreign; then nothing is remembered, and nothing breaks.

import { readDial } from './protocol.js';

const DIAL = 'chadburn.dial';
const SOUND = 'chadburn.sound';
const RELOADED = 'chadburn.reloaded';

export const memory = {
  /** The dial of last time, or null. */
  get dial() {
    try {
      return readDial(JSON.parse(localStorage.getItem(DIAL)));
    } catch {
      return null;
    }
  },
  set dial(dial) {
    write('localStorage', DIAL, JSON.stringify(dial));
  },

  /** Whether somebody wanted to hear the bell here. */
  get sound() {
    return read('localStorage', SOUND) === 'on';
  },
  set sound(on) {
    write('localStorage', SOUND, on ? 'on' : 'off');
  },

  /** The assets for which this tab has reloaded itself already: once is enough. */
  get reloaded() {
    return read('sessionStorage', RELOADED);
  },
  set reloaded(assets) {
    write('sessionStorage', RELOADED, assets);
  },
};

function read(store, key) {
  try {
    return globalThis[store].getItem(key);
  } catch {
    return null;
  }
}

function write(store, key, value) {
  try {
    globalThis[store].setItem(key, value);
  } catch {
    // See above: a panel without memory is a panel still.
  }
}
