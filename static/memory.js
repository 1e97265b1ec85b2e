// What a panel remembers: the last dial, a name, light, sound and notices as they are wanted; and
// for one tab only, who this station is and what token it gave.
//
// Storage may be forbidden, full or foreign; then nothing is remembered, and nothing breaks.

import { isName, readDial } from './protocol.js';

const DIAL = 'chadburn.dial';
const SOUND = 'chadburn.sound';
const NAME = 'chadburn.name';
const LIGHT = 'chadburn.light';
const NOTIFY = 'chadburn.notify';
const RESUME = 'chadburn.resume';
const TOKEN = 'chadburn.token';
const RELOADED = 'chadburn.reloaded';

/** What a station's secret looks like; a server refuses whoever comes with anything else. */
const SECRET = /^[\w-]{16,64}$/;

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

  /** `day` or `night` if somebody decided; null leaves it to the system. */
  get light() {
    const light = read('localStorage', LIGHT);
    return light === 'day' || light === 'night' ? light : null;
  },
  set light(light) {
    write('localStorage', LIGHT, light);
  },

  /** Whether somebody wanted notices on the desktop. */
  get notify() {
    return read('localStorage', NOTIFY) === 'on';
  },
  set notify(on) {
    write('localStorage', NOTIFY, on ? 'on' : 'off');
  },

  /** What whoever sits here is called; empty if nobody said. */
  get name() {
    const name = read('localStorage', NAME) ?? '';
    return isName(name) ? name : '';
  },
  set name(name) {
    write('localStorage', NAME, name);
  },

  /** The secret by which this tab is the same station again, or null. */
  get resume() {
    const secret = read('sessionStorage', RESUME);
    return secret !== null && SECRET.test(secret) ? secret : null;
  },
  set resume(secret) {
    write('sessionStorage', RESUME, secret);
  },

  /** The token that the telegraph wanted, or null. */
  get token() {
    return read('sessionStorage', TOKEN);
  },
  set token(token) {
    write('sessionStorage', TOKEN, token);
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
    if (value === null) globalThis[store].removeItem(key);
    else globalThis[store].setItem(key, value);
  } catch {
    // See above: a panel without memory is a panel still.
  }
}
