// The entry: the one module that knows all others, the clocks and the browser.
//
// Messages and link events go into the store; views are drawn from it, at most once a frame and
// not while hidden; bell and title follow at once.

import { Asking } from './asking.js';
import { Bell } from './bell.js';
import { Board } from './board.js';
import { Console } from './console.js';
import { Dial } from './dial.js';
import { showIcon } from './icon.js';
import { Idle } from './idle.js';
import { memory } from './memory.js';
import { Orders } from './orders.js';
import { People } from './people.js';
import { SUBPROTOCOL, isName, parse } from './protocol.js';
import { Link, REPLACED, address } from './socket.js';
import { Store, isOpen, isRinging } from './store.js';
import * as words from './words.js';

/** How long the reason of a refused request is shown, in ms. */
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

/** Who this station is, and the token it gave; kept here too, for storage may be forbidden. */
let secret = memory.resume;
let token = memory.token;

const link = new Link({
  make: (protocol) => new WebSocket(address(location, asked()), protocol),
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
    lost: ({ retryAt, code }) => {
      if (code === REPLACED) keepSecret(null);
      store.dispatch({ type: 'lost', wall: Date.now(), retryAt });
    },
  },
});
const bell = new Bell(globalThis.AudioContext ?? globalThis.webkitAudioContext, (on) => {
  store.dispatch({ type: 'sound', on });
});
const asking = new Asking(store, (text) => link.send(text));
const dial = new Dial(element('dial'), { onChoice: choose, now: mono });
const board = new Board(document, {
  onAcknowledge: () => asking.answer({}), onSound: toggleSound,
});
const people = new People(document, {
  onComing: (coming) => asking.answer({ coming }), onName: rename, onToken: trust,
});
const orders = new Orders(document, {
  onToggle: () => store.dispatch({ type: 'ordering', on: !store.state.ordering }),
  onOrder: (position) => {
    store.dispatch({ type: 'ordering', on: false });
    asking.order(position);
  },
});
const debug = new Console(element('console'), element('pi'), {
  onCommand: (text) => asking.command(text),
});
const idle = new Idle(document.documentElement, mono);

let frame = null;
let countdown = null;
let refusalTimer = null;

/** What the next connection begins with: who we are, and up to where we know what happened. */
function asked() {
  return { resume: secret, since: store.state.seen };
}

function hear(text) {
  const { message, fault, detail } = parse(text);
  if (message) {
    if (message.type === 'welcome') link.heartbeat = message.heartbeat_ms;
    store.dispatch({ type: 'message', message });
    follow(message);
  } else if (fault !== 'unknown_type') {
    store.dispatch({ type: 'fault', fault, detail });
    // Whoever cannot even greet us is not a server of ours; try again later.
    if (!isOpen(store.state)) link.fail();
  }
}

/** What a message means beyond the state. */
function follow(message) {
  if (message.type === 'welcome') {
    memory.dial = message.dial;
    keepSecret(message.resume);
    if (message.token && token !== null) asking.token(token);
    if (store.state.name !== '') asking.name(store.state.name);
  } else if (message.type === 'error' && message.code === 'bad_token') {
    keepToken(null);
  } else if (message.type === 'farewell' && message.reason === 'replaced') {
    // A duplicated tab has our secret too, and the newest wins. Coming back with it would begin a
    // quarrel without end, so whoever is replaced comes back as somebody else.
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

function rename(name) {
  if (isName(name)) {
    memory.name = name;
    store.dispatch({ type: 'named', name });
  }
  asking.name(name);
}

function trust(value) {
  keepToken(value);
  asking.token(value);
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
  panel.dataset.ordering = state.ordering;
  dial.render(state);
  board.render(state, { wall: Date.now(), mono: mono() });
  people.render(state);
  orders.render(state);
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
    // A name and a token may have it.
    if (event.target.closest?.('.field')) return;
    event.preventDefault();
    debug.toggle();
  });
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) link.nudge();
  });
  addEventListener('online', () => link.nudge());
  // Another tab was told another name: they are of the same person.
  addEventListener('storage', () => {
    const { name } = memory;
    if (name === store.state.name) return;
    store.dispatch({ type: 'named', name });
    asking.name(name);
  });
  setInterval(() => {
    drawSoon();
    reloadWhenIdle();
  }, SLOW_TICK_MS);
  const { dial: remembered, name, sound } = memory;
  store.dispatch({ type: 'named', name });
  if (remembered) store.dispatch({ type: 'remembered', dial: remembered });
  draw();
  if (sound) rearm();
  link.start();
}

start();
