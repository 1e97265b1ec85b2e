// The relay's page: one link, one state, and what is shown of it. It alone knows clock and socket.

import { Cameras } from './relay-cameras.js';
import { INITIAL, label, parse, reduce, seenBy } from './relay-store.js';
import { Light } from './light.js';
import { memory } from './memory.js';
import { Link } from './socket.js';
import { mark, say } from './svg.js';

const SUBPROTOCOL = 'chadburn-eye.v1';

/** The close code that means: say the token first (docs/eye.md). */
const TOKEN_REQUIRED = 4003;

/** How often what time alone changes is looked at, in ms. */
const LOOK_MS = 500;

/** How long a word stands, in ms: long enough to be read twice. */
const WORD_MS = 8_000;

const [link, word, list, ask, tokenField] = ['link', 'word', 'list', 'ask', 'token'].map(at);
let state = INITIAL;
let lost = null;
let drawing = false;
let lastWord = { word: null, since: 0 };

function at(id) {
  return document.getElementById(id);
}

const url = new URL('client', document.baseURI);
url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';

const relay = new Link({
  make: (protocol) => new WebSocket(url, protocol),
  protocol: SUBPROTOCOL,
  clock: {
    now: () => performance.now(),
    setTimeout: (act, ms) => setTimeout(act, ms),
    clearTimeout: (timer) => clearTimeout(timer),
  },
  random: Math.random,
  on: {
    trying() {},
    text(text) {
      const message = parse(text);
      if (message?.type === 'tokenRequired') return giveToken();
      lost = null;
      state = reduce(state, message, performance.now());
      draw();
    },
    lost(why) {
      lost = why;
      if (why.code === TOKEN_REQUIRED) memory.token = null;
      draw();
    },
  },
});

/** Says the token, or asks whoever sits here for it; a wrong one was forgotten when the relay closed with its code. */
function giveToken() {
  const { token } = memory;
  if (token !== null) return void relay.send(JSON.stringify({ type: 'token', token }));
  relay.wait();
  if (!ask.open) ask.showModal();
}

ask.addEventListener('close', () => {
  memory.token = tokenField.value;
  tokenField.value = '';
  relay.resume();
});
ask.addEventListener('cancel', (event) => event.preventDefault());

const cameras = new Cameras(at('cameras'), choose);

/** Somebody has chosen a box: it is tracked from now on, or its object is shown. */
function choose(camera, box) {
  if (box.objectId !== undefined && box.objectId !== null) {
    list.querySelector(`[data-object="${box.objectId}"] button`)?.focus();
    return;
  }
  const start = { type: 'start', cameraId: camera.id, frameId: camera.frameId, boxId: box.boxId };
  tell(start, `${camera.id} is asked to track ${box.objectType}.`);
}

function tell(message, text) {
  const isSent = relay.send(JSON.stringify(message));
  state = { ...state, word: isSent ? { text, isBad: false } : { text: 'Not sent: there is no connection.', isBad: true } };
  draw();
}

function item({ objectId }) {
  const element = document.createElement('li');
  const stop = document.createElement('button');
  element.dataset.object = objectId;
  element.append(...['strong', 'span'].map((name) => document.createElement(name)), stop);
  stop.type = 'button';
  stop.textContent = 'Stop';
  stop.addEventListener('click', () => tell({ type: 'stop', objectId }, `${label(objectId)} is stopped.`));
  return element;
}

function showObjects() {
  const rows = new Map([...list.children].map((row) => [Number(row.dataset.object), row]));
  state.objects.forEach((object, index) => {
    const { objectId, cameraId = null, hasMap } = object;
    const row = rows.get(objectId) ?? item(object);
    rows.delete(objectId);
    if (list.children[index] !== row) list.insertBefore(row, list.children[index] ?? null);
    const [name, where, stop] = row.children;
    const seen = seenBy(state, objectId);
    say(name, label(objectId));
    mark(name, 'title', objectId);
    mark(stop, 'aria-label', `Stop ${label(objectId)}`);
    mark(row, 'data-seen', seen.length > 0 ? '' : null);
    const from = cameraId === null ? '' : `, started at ${cameraId}`;
    const how = hasMap ? 'not seen now' : 'not known by its looks yet';
    say(where, (seen.length > 0 ? `seen by ${seen.join(', ')}` : how) + from);
  });
  for (const row of rows.values()) row.remove();
  at('no-object').hidden = state.objects.length > 0;
}

function linkText(now) {
  if (lost === null) return state === INITIAL ? 'Connecting …' : `Connected: ${count(state.cameras, 'camera')}`;
  const left = lost.retryAt === null ? 0 : Math.max(0, Math.ceil((lost.retryAt - now) / 1_000));
  return left > 0 ? `No connection. Trying again in ${left} s.` : 'No connection. Trying again …';
}

const count = ({ length }, what) => `${length} ${what}${length === 1 ? '' : 's'}`;

function show() {
  drawing = false;
  const now = performance.now();
  mark(document.body, 'data-link', lost !== null ? 'lost' : state === INITIAL ? 'trying' : 'open');
  say(link, linkText(now));
  if (lastWord.word !== state.word) lastWord = { word: state.word, since: now };
  say(word, now - lastWord.since < WORD_MS ? state.word?.text ?? '' : '');
  mark(word, 'data-bad', state.word?.isBad ? '' : null);
  at('no-camera').hidden = lost !== null || state === INITIAL || state.cameras.length > 0;
  cameras.show(state.cameras, now);
  showObjects();
}

/** Draws once a picture, however much was said. */
function draw() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(show);
}

const processor = new URL('processor', url);
say(at('where'), processor.href);
new Light(at('night'), at('light'), memory);
setInterval(draw, LOOK_MS);
addEventListener('online', () => relay.nudge());
document.addEventListener('visibilitychange', () => relay.nudge());
relay.start();
draw();
