// A panel that hears a script and no server: every state of it is a few messages away, at once and
// as often as wanted. What a real server says, the other tests hear.

import { Panel } from './house.js';

/** How often the scripted server is to be heard, in ms: never within a test. */
const HEARTBEAT_MS = 3_600_000;

/** When everything in the script happened. */
const AT = new Date().setHours(0, 2, 0, 0);

/** The dial of the first office. */
export const OFFICE = dial('CQP / Engine Order Telegraph', [
  'FULL', 'HALF', 'SLOW', 'REVERSE', 'NEXT', 'STOP', 'COFFEE', 'LUNCH', 'ENGINE WORKING WRONG',
  'SIWOTI', 'BATTLE STATIONS',
]);

export function dial(title, names) {
  return { title, positions: names.map((name, k) => ({ position: k + 1, name, arc: null })) };
}

export function welcome(of = OFFICE, more = {}) {
  return {
    type: 'welcome', station: 'me', server: '0.1.0', assets: '{{assets}}', dial: of,
    heartbeat_ms: HEARTBEAT_MS, at: Date.now(), resume: 'a-secret-of-sixteen', token: false,
    may: { order: false, shutdown: false }, ...more,
  };
}

let seq = 1_000;

/**
 * A `state`: what is ordered, `{ reply, who }` what was replied and by whom, and whether the bell
 * rings. An order and a reply are a position, a text off the dial, or null for none.
 */
export function state(order, { reply = null, who = null, bell = false, source = {} } = {}) {
  seq += 2;
  const reading = (what) => {
    const position = typeof what === 'number' ? what : null;
    return { status: String(what), position, name: null };
  };
  return {
    type: 'state', seq, at: AT, bell,
    order: order === null ? null : { ...reading(order), seq: seq - 1, since: AT },
    reply: reply === null ? null : { ...reading(reply), seq, by: 'x', who, at: AT },
    source: { health: 'ok', detail: '', watch: 'inotify', ...source },
  };
}

/** A `roll` for the state before it: who is there, and what they said. */
export function roll(of, { named = [], answers = [], stations = named.length } = {}) {
  return {
    type: 'roll', order: of.order?.seq ?? null, more_answers: 0, stations, named, more_named: 0,
    answers: answers.map(([name, coming], k) => ({
      station: `s${k}`, name, position: null, coming, after_ms: 2_000 * (k + 1),
    })),
  };
}

/** A panel on a page whose only socket is `globalThis.wire`; it has heard `greeting`. */
export async function openScripted(browser, url, greeting, view = {}) {
  return Panel.open(browser, url, {
    ...view,
    prepare: (page) => page.addInitScript(install, [greeting]),
  });
}

/** Runs in the page: the other end of every socket that it opens. */
function install([greeting]) {
  const wire = {
    greeting,
    /** What the panel said, as objects. */
    heard: [],
    isUp: true,
    socket: null,
    say(...messages) {
      for (const message of messages) {
        wire.socket.dispatchEvent(Object.assign(new Event('message'), {
          data: JSON.stringify(message),
        }));
      }
    },
    cut() {
      wire.isUp = false;
      wire.socket.die();
    },
    /** The link is there again: the panel is told so, and greeted. */
    mend(...messages) {
      wire.isUp = true;
      wire.greeting = messages;
      dispatchEvent(new Event('online'));
    },
  };
  globalThis.wire = wire;
  globalThis.WebSocket = class extends EventTarget {
    readyState = 0;
    protocol = '';

    constructor(_, protocol) {
      super();
      queueMicrotask(() => (wire.isUp ? this.#open(protocol) : this.die()));
    }

    #open(protocol) {
      if (this.readyState !== 0) return;
      wire.socket = this;
      this.protocol = protocol;
      this.readyState = 1;
      this.dispatchEvent(new Event('open'));
      wire.say(...wire.greeting);
    }

    send(text) {
      wire.heard.push(JSON.parse(text));
    }

    die() {
      this.readyState = 3;
      this.dispatchEvent(Object.assign(new Event('close'), { code: 1006 }));
    }

    close() {
      this.readyState = 3;
    }
  };
}
