// The eye's page: joins link, feed, picture and words. It alone knows all of them, the clocks and the browser.
//
// A picture is decoded beside the page, drawn with the boxes that were found in it, and then acknowledged; so never more
// than two are under way, and what is seen is the newest.

import { Boxes } from './eye-boxes.js';
import { Feed, rate } from './eye-feed.js';
import { Light } from './light.js';
import { Link } from './socket.js';
import { mark, say } from './svg.js';

const PROTOCOL = 'chadburn-eye.frames.v1';

/** How often the server says something, in ms. */
const BEAT_MS = 5_000;

/** It closes with this if the token is missing or another. */
const TOKEN_REQUIRED = 4003;

/** Of how many frames the rate is told. */
const FRAMES = 20;

const $ = (id) => document.getElementById(id);
const eye = $('eye');
const canvas = $('picture');
const paper = canvas.getContext('2d', { alpha: false });
const boxes = new Boxes($('boxes'), $('seen'));

/** What this browser remembers; where it may remember nothing, for as long as the page stands. */
function remembered(storage, key) {
  let held = null;
  return {
    get value() {
      try {
        return storage().getItem(key) ?? held;
      } catch {
        return held;
      }
    },
    set value(value) {
      held = value;
      try {
        if (value === null) storage().removeItem(key);
        else storage().setItem(key, value);
      } catch {
        // It holds as long as the page.
      }
    },
  };
}

const light = remembered(() => localStorage, 'chadburn-light');
const token = remembered(() => sessionStorage, 'chadburn-eye-token');
new Light($('night'), $('light'), {
  get light() {
    return light.value;
  },
  set light(value) {
    light.value = value;
  },
});

let shownTimes = [];
let shownLast = null;
let lost = null;

function words(reading) {
  const sees = reading.health === 'sees';
  mark(eye, 'data-health', reading.health);
  mark(eye, 'data-blind', sees ? null : '');
  say($('sign'), sees ? 'Sees' : `Cannot see: ${reading.health}`);
  say($('detail'), reading.detail ?? '');
  say($('glass'), sees ? '' : `Cannot see: ${reading.health}`);
  say($('caption'), reading.source);
  mark(eye, 'data-orchestrator', reading.orchestrator ?? null);
  const orchestrator = $('orchestrator');
  orchestrator.hidden = reading.orchestrator === undefined;
  say(orchestrator, {
    up: 'The orchestrator is connected.',
    connecting: 'The orchestrator is looked for.',
    gone: 'There is no orchestrator; it is looked for again each minute.',
  }[reading.orchestrator] ?? '');
  $('keys').hidden = !reading.keys;
  document.title = sees ? 'Chadburn eye' : `${reading.health} – Chadburn eye`;
}

/** Draws a picture with what was found in it. One that cannot be decoded is acknowledged, too: another one follows. */
async function show(reading, blob) {
  try {
    if (!document.hidden) {
      const bitmap = await createImageBitmap(blob);
      if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
        Object.assign(canvas, { width: bitmap.width, height: bitmap.height });
        $('frame').style.setProperty('--wide', bitmap.width);
        $('frame').style.setProperty('--high', bitmap.height);
      }
      paper.drawImage(bitmap, 0, 0);
      bitmap.close();
      boxes.show(reading.boxes);
      mark(eye, 'data-shown', reading.frameId);
      shownLast = performance.now();
      shownTimes = [...shownTimes, shownLast].slice(-FRAMES);
    }
  } catch {
    // What is wrong with it is told by the eye.
  }
  link.send(JSON.stringify({ type: 'ack', frameId: reading.frameId }));
}

// One after the other, in the order in which they came.
let drawing = Promise.resolve();
const feed = new Feed({
  onReading: words,
  onFrame: (reading, blob) => {
    drawing = drawing.then(() => show(reading, blob));
  },
});

const link = new Link({
  protocol: PROTOCOL,
  clock: {
    now: () => performance.now(),
    setTimeout: (...of) => setTimeout(...of),
    clearTimeout: (timer) => clearTimeout(timer),
  },
  random: Math.random,
  make: (protocol) => {
    const url = new URL('frames', location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(url, protocol);
    socket.binaryType = 'arraybuffer';
    feed.reset();
    // Who needs none does not look at it, and who has none says so rather than keep the eye waiting.
    socket.addEventListener('open', () => {
      socket.send(JSON.stringify({ type: 'token', token: token.value ?? '' }));
    });
    socket.addEventListener('message', ({ data }) => {
      if (data instanceof ArrayBuffer) feed.binary(data);
    });
    return socket;
  },
  on: {
    trying: () => {},
    text: (text) => {
      lost = null;
      mark(eye, 'data-link', 'open');
      $('trusting').hidden = true;
      feed.text(text);
    },
    lost: ({ retryAt, code }) => {
      lost = { retryAt, since: lost?.since ?? new Date() };
      mark(eye, 'data-link', 'lost');
      if (code === TOKEN_REQUIRED) {
        token.value = null;
        $('trusting').hidden = false;
        link.wait();
        $('token').focus();
      }
      tick();
    },
  },
});
link.heartbeat = BEAT_MS;

/** Says how old the picture is, and when the next try is. */
function tick() {
  if (lost === null) {
    say($('link'), '');
    const age = shownLast === null ? null : (performance.now() - shownLast) / 1_000;
    if (age === null) say($('alive'), 'No picture yet');
    else if (age < 2) say($('alive'), `${rate(shownTimes).toFixed(1)} frames a second`);
    else say($('alive'), `The last picture is ${age < 90 ? `${age.toFixed(0)} s` : `${(age / 60).toFixed(0)} min`} old`);
    return;
  }
  const since = lost.since.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  const left = Math.max(0, Math.ceil((lost.retryAt - performance.now()) / 1_000));
  const next = lost.retryAt === null ? '' : ` – trying again in ${left} s`;
  say($('link'), $('trusting').hidden ? `No connection since ${since}${next}` : '');
  say($('glass'), $('trusting').hidden ? 'No connection' : 'Private');
}

function press(key) {
  link.send(JSON.stringify({ type: 'key', key }));
}

addEventListener('keydown', (event) => {
  const isKey = ['ArrowLeft', 'ArrowRight'].includes(event.key);
  if (!isKey || $('keys').hidden || event.target instanceof HTMLInputElement) return;
  event.preventDefault();
  press(event.key);
});
$('left').addEventListener('click', () => press('ArrowLeft'));
$('right').addEventListener('click', () => press('ArrowRight'));
$('trusting').addEventListener('submit', (event) => {
  event.preventDefault();
  token.value = $('token').value;
  $('token').value = '';
  link.resume();
});
document.addEventListener('visibilitychange', () => {
  shownTimes = [];
  link.nudge();
});
addEventListener('online', () => link.nudge());
setInterval(tick, 500);
link.start();
tick();
