// The one module that knows all others, the clocks and the browser; first-paint.js loads it.
//
// Messages and link events go into the store; views are drawn from it, at most once a frame and
// not while hidden; bell and title follow at once.

import { Asking } from './asking.js';
import { Bell } from './bell.js';
import { Book } from './book.js';
import { Console } from './console.js';
import { board, dial, fit, on, people, render, store } from './first-paint.js';
import { Help } from './help.js';
import { Holding } from './holding.js';
import { Idle } from './idle.js';
import { memory } from './memory.js';
import { Notice } from './notice.js';
import { Orders } from './orders.js';
import { SUBPROTOCOL, isName, parse } from './protocol.js';
import { Renewal } from './renewal.js';
import { Ringer } from './ringer.js';
import { meaning } from './shortcuts.js';
import { Link, REPLACED, address } from './socket.js';
import { isOpen, isRinging, sectorOf } from './store.js';
import { Strip } from './strip.js';
import { Swing } from './swing.js';

/** How long the reason of a refused request is shown, in ms. */
const REFUSAL_MS = 15_000;

/** How often to redraw without a change (dates, ages), and to consider a reload, in ms. */
const SLOW_TICK_MS = 15_000;

const mono = () => performance.now();
/** How far the server's clock is ahead of this machine's, in ms: times and days are the server's. */
let clockOffset = 0;
const wall = () => Date.now() + clockOffset;
const timers = {
  setTimeout: (act, ms) => setTimeout(act, ms),
  clearTimeout: (timer) => clearTimeout(timer),
};
/** fetch() with the token if there is one. Headers are Latin-1, so each UTF-8 byte becomes a character. */
const requestWithToken = (path, options = {}) => {
  if (token === null) return fetch(path, options);
  const bytes = String.fromCharCode(...new TextEncoder().encode(token));
  return fetch(path, { ...options, headers: { Authorization: `Bearer ${bytes}` } });
};
const element = (id) => document.getElementById(id);
const panel = element('panel');

/** Who this station is, and the token it gave; kept here too, for storage may be forbidden. */
let secret = memory.resume;
let token = memory.token;

const link = new Link({
  make: (protocol) => new WebSocket(address(location.href, connectionQuery()), protocol),
  protocol: SUBPROTOCOL,
  clock: { now: mono, ...timers },
  random: Math.random,
  on: {
    trying: () => store.dispatch({ type: 'trying' }),
    text: onText,
    lost: ({ retryAt, code }) => {
      if (code === REPLACED) keepSecret(null);
      else renewal.ask();
      store.dispatch({ type: 'lost', wall: wall(), retryAt });
    },
  },
});
const bell = new Bell(globalThis.AudioContext ?? globalThis.webkitAudioContext, (on) => {
  store.dispatch({ type: 'sound', on });
});
const notice = new Notice({
  Notification: globalThis.Notification, isSecure: globalThis.isSecureContext, memory,
});
const ringer = new Ringer(store, {
  bell, notice, icon: element('icon'), clock: { mono, wall, ...timers },
});
const renewal = new Renewal({
  mine: document.querySelector('meta[name="chadburn-assets"]').content,
  memory,
  now: mono,
  fetch: requestWithToken,
  reload: () => location.reload(),
});
const asking = new Asking(store, (text) => link.send(text));
new Holding(store, { release: () => asking.release(), clock: { now: mono, ...timers } });
const orders = new Orders(document, {
  onToggle: () => store.dispatch({ type: 'ordering', on: !store.state.ordering }),
  onAsk: (position) => dial.ask(position),
  onOrder: (position) => {
    store.dispatch({ type: 'ordering', on: false });
    asking.order(position);
  },
});
const debug = new Console(element('console'), element('pi'), {
  onCommand: (text) => asking.command(text),
});
const strip = new Strip(document);
const book = new Book(document, { fetch: requestWithToken, hasToken: () => token !== null, clock: { wall } });
const help = new Help(document, notice);
const idle = new Idle(document.documentElement, mono);
const swing = new Swing(panel, timers);
const stillness = matchMedia('(prefers-reduced-motion: reduce)');

let frame = null;
let countdown = null;
let refusalTimer = null;

/** The query of the next connection: the secret to resume with, and the last seq that was seen. */
function connectionQuery() {
  return { resume: secret, since: store.state.seen };
}

function onText(text) {
  const { message, fault, detail } = parse(text);
  if (message) {
    if (message.type === 'welcome') link.heartbeat = message.heartbeat_ms;
    store.dispatch({ type: 'message', message });
    applySideEffects(message);
  } else if (fault !== 'unknown_type') {
    store.dispatch({ type: 'fault', fault, detail });
    // Whoever cannot even greet us is no server of ours, or a newer one; try again later.
    if (!isOpen(store.state)) link.fail();
  }
}

/** What a message means beyond the state. */
function applySideEffects(message) {
  if (message.type === 'welcome' || message.type === 'beat') clockOffset = message.at - Date.now();
  if (message.type === 'welcome') {
    memory.dial = message.dial;
    renewal.offer(message.assets);
    keepSecret(message.resume);
    if (message.token && token !== null) asking.token(token);
    if (store.state.name !== '') asking.name(store.state.name);
  } else if (message.type === 'error' && message.code === 'bad_token') {
    keepToken(null);
    if (store.state.isLocked) link.wait();
  } else if (message.type === 'error' && store.state.isLocked && !link.isWaiting) {
    // A locked server sends no welcome before the token. Without one, disconnect until somebody has typed
    // it, rather than keep a connection open meanwhile.
    if (token === null) link.wait();
    else asking.token(token);
  } else if (message.type === 'farewell' && message.reason === 'replaced') {
    // A duplicated tab shares our secret, and the server keeps the newest connection. Forget the secret, or
    // both tabs would replace each other for ever.
    keepSecret(null);
  }
}

function keepSecret(value) {
  secret = value;
  memory.resume = value;
}

function keepToken(value) {
  token = value;
  memory.token = value;
}

/** A sector was touched: an answer, or what is to be ordered. */
function choose(position) {
  if (store.state.ordering) orders.confirm(store.state.dial, position);
  else asking.answer({ position });
}

/** The order as it stands is answered: by its sector, or, off the dial, as it is. */
function accept() {
  const { dial, order } = store.state;
  asking.answer({ position: sectorOf(dial, order)?.position ?? null });
}

/** Discards the held answer. */
function undo() {
  store.dispatch({ type: 'dropped', why: 'you took it back' });
}

function rename(name) {
  if (isName(name)) {
    memory.name = name;
    store.dispatch({ type: 'named', name });
  }
  asking.name(name);
}

function trust(value) {
  keepToken(value);
  if (link.isWaiting) link.resume();
  else asking.token(value);
}

function press() {
  ringer.press();
  memory.sound = bell.wanted;
}

/**
 * Browsers allow sound only after a gesture. Turns the remembered sound on at the first click or key, unless
 * that one is for the bell itself.
 */
function rearm() {
  const onGesture = (event) => {
    const isBells = event.target.closest?.('#sound, .ships-bell') || event.key === 'b';
    const isNotWanted = bell.on || !memory.sound || isBells;
    if (!isNotWanted) bell.arm();
    for (const type of ['pointerdown', 'keydown']) document.removeEventListener(type, onGesture, true);
  };
  for (const type of ['pointerdown', 'keydown']) document.addEventListener(type, onGesture, true);
  bell.arm();
}

function draw() {
  frame = null;
  const { state } = store;
  const now = { wall: wall(), mono: mono() };
  swing.run(isRinging(state) && !stillness.matches);
  render(state, now);
  strip.render(state, now);
  orders.render(state);
  book.render(state);
  debug.render(state);
  fit();
}

/** At most once a frame, and not while nobody looks: there are no frames in a hidden tab. */
function drawSoon() {
  if (!document.hidden) frame ??= requestAnimationFrame(draw);
}

function changed() {
  const { link: { retryAt }, silence, refusal } = store.state;
  updateCountdown(retryAt !== null || silence !== null);
  scheduleRefusalTimeout(refusal);
  drawSoon();
}

/** Redraws twice a second while a countdown is shown (next attempt, end of a silence). */
function updateCountdown(runs) {
  if (runs) countdown ??= setInterval(drawSoon, 500);
  else if (countdown !== null) {
    clearInterval(countdown);
    countdown = null;
  }
}

let refusalShown = null;
function scheduleRefusalTimeout(refusal) {
  if (refusal === refusalShown) return;
  refusalShown = refusal;
  clearTimeout(refusalTimer);
  if (refusal) {
    refusalTimer = setTimeout(() => store.dispatch({ type: 'refusalExpired' }), REFUSAL_MS);
  }
}

function considerReload() {
  const { bell: rangAtLoss, held, pending } = store.state;
  renewal.consider({
    isAlone: idle.isAlone,
    aloneFor: idle.aloneFor,
    isBusy: isRinging(store.state) || held !== null || pending.length > 0,
    // A bell that rang when the link was lost may go on ringing as soon as it is back.
    isInUse: rangAtLoss || debug.isOpen || isModal(),
  });
}

function isModal() {
  return document.querySelector('dialog[open]') !== null;
}

/** Keys that mean something wherever they are typed. */
function onKey(event) {
  const field = event.target.closest?.('input');
  const shortcut = meaning(event, {
    inField: field && (field.id === 'command' ? 'command' : 'text'),
    onDial: dial.hasFocus,
    isModal: isModal(),
    isHeld: store.state.held !== null,
  });
  switch (shortcut) {
    case 'console':
      debug.toggle();
      break;
    case 'help':
      help.toggle();
      break;
    case 'bell':
      ringer.toggle();
      memory.sound = bell.wanted;
      break;
    case 'silence':
      ringer.silence();
      break;
    case 'undo':
      undo();
      break;
    case 'dial':
      if (!dial.jump(event.key)) return;
      break;
    default:
      return;
  }
  event.preventDefault();
}

function start() {
  Object.assign(on, {
    choose, press, accept, undo, rename, trust, coming: (coming) => asking.answer({ coming }),
  });
  store.addEventListener('change', changed);
  document.addEventListener('keydown', onKey);
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) {
      swing.run(false);
      return;
    }
    link.nudge();
    drawSoon();
  });
  stillness.addEventListener('change', drawSoon);
  addEventListener('online', () => link.nudge());
  // The name was changed in another tab; tabs share it.
  addEventListener('storage', () => {
    const { name } = memory;
    if (name === store.state.name) return;
    store.dispatch({ type: 'named', name });
    asking.name(name);
  });
  setInterval(() => {
    drawSoon();
    considerReload();
  }, SLOW_TICK_MS);
  draw();
  if (memory.sound) rearm();
  link.start();
  // Whoever watches over the panel's parts (panel.html) is told that all of them are there.
  document.documentElement.dataset.runs = '';
  history.replaceState(null, '');
}

start();
