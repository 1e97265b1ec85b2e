// The entry: the one module that knows all others, the clocks and the browser.
//
// Messages and link events go into the store; views are drawn from it, at most once a frame and
// not while hidden; bell and title follow at once.

import { Bell } from './bell.js';
import { Board } from './board.js';
import { Console } from './console.js';
import { Dial } from './dial.js';
import { showIcon } from './icon.js';
import { Idle } from './idle.js';
import { memory } from './memory.js';
import { SUBPROTOCOL, answer, command, parse } from './protocol.js';
import { Link, address } from './socket.js';
import { MAX_PENDING, Store, isOpen, isRinging } from './store.js';
import * as words from './words.js';

/** How long the reason of a refused answer is shown, in ms. */
const REFUSAL_MS = 15_000;

/** How often the words are looked at without news: days change, reloads wait, in ms. */
const SLOW_TICK_MS = 60_000;

/** What stands in the page where the server did not write which panel it carries. */
const UNFILLED = '{{assets}}';

const store = new Store();
const mono = () => performance.now();
const element = (id) => document.getElementById(id);
const panel = element('panel');
const icon = element('icon');

const link = new Link({
  make: (protocol) => new WebSocket(address(location), protocol),
  protocol: SUBPROTOCOL,
  clock: {
    now: mono,
    setTimeout: (act, ms) => setTimeout(act, ms),
    clearTimeout: (timer) => clearTimeout(timer),
  },
  random: Math.random,
  on: {
    trying: () => store.dispatch({ type: 'trying' }),
    text: hear,
    lost: ({ retryAt }) => store.dispatch({ type: 'lost', wall: Date.now(), retryAt }),
  },
});
const bell = new Bell(globalThis.AudioContext ?? globalThis.webkitAudioContext, (on) => {
  store.dispatch({ type: 'sound', on });
});
const dial = new Dial(element('dial'), { onAnswer: give, now: mono });
const board = new Board(document, { onAcknowledge: () => give(null), onSound: toggleSound });
const debug = new Console(element('console'), element('pi'), { onCommand: tell });
const idle = new Idle(document.documentElement, mono);

let lastId = 0;
let frame = null;
let countdown = null;
let refusalTimer = null;

function hear(text) {
  const { message, fault, detail } = parse(text);
  if (message) {
    if (message.type === 'welcome') link.heartbeat = message.heartbeat_ms;
    store.dispatch({ type: 'message', message });
    if (message.type === 'welcome') memory.dial = message.dial;
  } else if (fault !== 'unknown_type') {
    store.dispatch({ type: 'fault', fault, detail });
    // Whoever cannot even greet us is not a server of ours; try again later.
    if (!isOpen(store.state)) link.fail();
  }
}

/** Gives an answer: a position, or null to accept the order as it stands. */
function give(position) {
  const { order, pending } = store.state;
  if (!isOpen(store.state)) return refuse(position, 'there is no connection');
  if (!order) return refuse(position, 'there is no order yet');
  const answers = pending.filter(({ kind }) => kind === 'answer');
  if (answers.some((one) => one.position === position && one.order === order.seq)) return undefined;
  if (answers.length >= MAX_PENDING / 2) return refuse(position, 'others still wait');
  const id = (lastId += 1);
  if (!link.send(answer({ order: order.seq, position: position ?? undefined, id }))) {
    return refuse(position, 'there is no connection');
  }
  return store.dispatch({ type: 'asked', id, kind: 'answer', order: order.seq, position });
}

function refuse(position, message) {
  store.dispatch({ type: 'refused', position, code: 'here', message });
}

/** Sends what was typed into the console. */
function tell(text) {
  const id = (lastId += 1);
  if (link.send(command({ command: text, id }))) {
    store.dispatch({ type: 'asked', id, kind: 'console', text });
  } else {
    store.dispatch({ type: 'printed', kind: 'fault', text: `Not sent, no connection: ${text}` });
  }
}

function toggleSound() {
  memory.sound = !bell.on;
  if (bell.on) bell.disarm();
  else bell.arm();
}

/** A sound that was wanted last time comes back with the first hand that touches the page. */
function rearm() {
  const again = (event) => {
    const forgo = bell.on || !memory.sound || event.target.closest?.('#sound');
    if (!forgo) bell.arm();
    for (const type of ['pointerdown', 'keydown']) document.removeEventListener(type, again, true);
  };
  for (const type of ['pointerdown', 'keydown']) document.addEventListener(type, again, true);
  bell.arm();
}

function draw() {
  frame = null;
  const { state } = store;
  panel.dataset.link = state.link.phase;
  panel.dataset.bell = isRinging(state) ? 'rings' : 'silent';
  dial.render(state);
  board.render(state, { wall: Date.now(), mono: mono() });
  debug.render(state);
}

function drawSoon() {
  frame ??= requestAnimationFrame(draw);
}

function changed() {
  const { state } = store;
  bell.ring(isRinging(state));
  const title = words.title(state);
  if (document.title !== title) document.title = title;
  showIcon(icon, isRinging(state));
  count(state.link.retryAt !== null);
  forget(state.refusal);
  drawSoon();
}

/** While a try is awaited, the words count its seconds down. */
function count(runs) {
  if (runs) countdown ??= setInterval(drawSoon, 500);
  else if (countdown !== null) {
    clearInterval(countdown);
    countdown = null;
  }
}

let refusalShown = null;
function forget(refusal) {
  if (refusal === refusalShown) return;
  refusalShown = refusal;
  clearTimeout(refusalTimer);
  if (refusal) {
    refusalTimer = setTimeout(() => store.dispatch({ type: 'refusal read' }), REFUSAL_MS);
  }
}

/** Wall panels outlive upgrades: when the server carries another panel, take it, once, unseen. */
function reloadWhenIdle() {
  const mine = document.querySelector('meta[name="chadburn-assets"]')?.content ?? UNFILLED;
  const { assets, pending } = store.state;
  if (mine === UNFILLED || assets === null || assets === mine) return;
  if (!isOpen(store.state) || isRinging(store.state) || pending.length > 0) return;
  if (!idle.isAlone || debug.isOpen || memory.reloaded === assets) return;
  memory.reloaded = assets;
  location.reload();
}

function start() {
  store.addEventListener('change', changed);
  document.addEventListener('keydown', (event) => {
    if (event.key !== '`' || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    debug.toggle();
  });
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) link.nudge();
  });
  addEventListener('online', () => link.nudge());
  setInterval(() => {
    drawSoon();
    reloadWhenIdle();
  }, SLOW_TICK_MS);
  const { dial: remembered, sound } = memory;
  if (remembered) store.dispatch({ type: 'remembered', dial: remembered });
  draw();
  if (sound) rearm();
  link.start();
}

start();
