// The link: tried again for ever, with growing pauses; believed only while it is heard.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  ASSUMED_HEARTBEAT_MS, FIRST_PAUSE_MS, HEALTHY_MS, LATE_MS, Link, MAX_PAUSE_MS, REPLACED,
  SILENT_BEATS, address, pause,
} from '../../static/socket.js';
import { FakeClock, FakeSocket } from './fakes.js';

const BEAT_MS = 5000;

/** A started link with everything in the test's hands. */
function setUp({ random = () => 1, make } = {}) {
  FakeSocket.all = [];
  const clock = new FakeClock();
  const told = [];
  const codes = [];
  const link = new Link({
    make: make ?? ((protocol) => new FakeSocket(protocol)),
    protocol: 'chadburn.v1',
    clock,
    random,
    on: {
      trying: () => told.push('trying'),
      text: (text) => told.push(`text ${text}`),
      lost: ({ retryAt, code }) => {
        told.push(`lost until ${retryAt}`);
        codes.push(code);
      },
    },
  });
  link.start();
  return { clock, told, codes, link, socket: () => FakeSocket.all.at(-1) };
}

/** A link that has been welcomed with a heartbeat of five seconds. */
function connected(options) {
  const all = setUp(options);
  all.socket().opens();
  all.socket().says('welcome');
  all.link.heartbeat = BEAT_MS;
  return all;
}

function losses(told) {
  return told.filter((line) => line.startsWith('lost')).length;
}

test('the address follows the page', () => {
  assert.equal(address('http://office:1873/'), 'ws://office:1873/websocket');
  assert.equal(address('https://eot.example/?wall#top'), 'wss://eot.example/websocket');
  assert.equal(address('https://eot.example/floor/3/'), 'wss://eot.example/floor/3/websocket');
});

test('the address says who comes back, and what it has seen', () => {
  const page = 'http://office:1873/';
  const at = 'ws://office:1873/websocket';
  assert.equal(address(page, { resume: null, since: null }), at);
  assert.equal(address(page, { resume: 'a-b_c' }), `${at}?resume=a-b_c`);
  assert.equal(address(page, { since: 0 }), `${at}?since=0`);
  const both = { resume: 'a', since: 1792531800002 };
  assert.equal(address(page, both), `${at}?resume=a&since=1792531800002`);
  assert.equal(address(page, { resume: 'a&b=c' }), `${at}?resume=a%26b%3Dc`);
});

test('the code of a close is told, and that there was none', () => {
  const { socket, codes, clock } = connected();
  socket().dies(REPLACED);
  clock.wind(FIRST_PAUSE_MS);
  clock.wind(SILENT_BEATS * ASSUMED_HEARTBEAT_MS);
  assert.deepEqual(codes, [REPLACED, null]);
});

test('pauses double up to a limit, and chance shortens them by at most half', () => {
  assert.equal(pause(0, 1), FIRST_PAUSE_MS);
  assert.equal(pause(0, 0), FIRST_PAUSE_MS / 2);
  assert.equal(pause(1, 1), 2 * FIRST_PAUSE_MS);
  assert.equal(pause(5, 1), MAX_PAUSE_MS);
  assert.equal(pause(100_000, 1), MAX_PAUSE_MS);
  assert.equal(pause(100_000, 0), MAX_PAUSE_MS / 2);
});

test('it offers the subprotocol, hands texts on and sends once it was greeted', () => {
  const { socket, link, told } = setUp();
  assert.equal(socket().offered, 'chadburn.v1');
  assert.equal(link.send('too early'), false);
  socket().opens();
  assert.equal(link.send('before the greeting'), false);
  socket().says('hello');
  assert.equal(link.send('now'), true);
  assert.deepEqual(socket().sent, ['now']);
  assert.deepEqual(told, ['trying', 'text hello']);
});

test('binary messages are none of ours, but they are signs of life', () => {
  const { socket, told, clock } = connected();
  clock.wind(SILENT_BEATS * BEAT_MS - 1);
  socket().says(new ArrayBuffer(4));
  clock.wind(SILENT_BEATS * BEAT_MS - 1);
  assert.equal(losses(told), 0);
  assert.deepEqual(told, ['trying', 'text welcome']);
});

test('a server that does not choose our subprotocol is left, and tried again', () => {
  const { socket, told, clock } = setUp();
  socket().opens('');
  assert.equal(losses(told), 1);
  assert.equal(socket().closed, 1);
  clock.wind(FIRST_PAUSE_MS);
  assert.equal(FakeSocket.all.length, 2);
});

test('a refused connection is tried again with growing pauses, for ever', () => {
  const { socket, clock, told } = setUp();
  const gaps = [];
  for (let k = 0; k < 8; k += 1) {
    const tries = FakeSocket.all.length;
    socket().dies();
    const from = clock.time;
    while (FakeSocket.all.length === tries) clock.wind(50);
    gaps.push(clock.time - from);
  }
  assert.deepEqual(gaps, [500, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000]);
  assert.equal(losses(told), 8);
});

test('a socket that cannot even be made is tried again', () => {
  let made = 0;
  const { clock, told } = setUp({
    make: () => {
      made += 1;
      throw new Error('refused');
    },
  });
  assert.equal(losses(told), 1);
  clock.wind(FIRST_PAUSE_MS);
  assert.equal(made, 2);
});

test('a handshake that never ends is given up', () => {
  const { clock, told } = setUp();
  clock.wind(SILENT_BEATS * ASSUMED_HEARTBEAT_MS - 1);
  assert.equal(losses(told), 0);
  clock.wind(1);
  assert.equal(losses(told), 1);
});

test('beats keep it, 2.5 of them missing lose it', () => {
  const { socket, clock, told } = connected();
  for (let k = 0; k < 100; k += 1) {
    clock.wind(BEAT_MS);
    socket().says('beat');
  }
  assert.equal(losses(told), 0);
  clock.wind(SILENT_BEATS * BEAT_MS - 1);
  assert.equal(losses(told), 0);
  clock.wind(1);
  assert.equal(losses(told), 1);
  assert.equal(socket().closed, 1);
});

test('the pauses start small again after a healthy while, and only then', () => {
  const { socket, clock, told } = setUp();
  for (let k = 0; k < 4; k += 1) {
    socket().dies();
    clock.wind(MAX_PAUSE_MS);
  }
  socket().opens();
  socket().says('welcome');
  clock.wind(HEALTHY_MS - 1);
  socket().says('beat');
  socket().dies();
  assert.equal(told.at(-1), `lost until ${clock.time + 8000}`);
  clock.wind(8000);
  socket().opens();
  socket().says('welcome');
  clock.wind(BEAT_MS);
  socket().says('beat');
  clock.wind(BEAT_MS);
  socket().says('beat');
  socket().dies();
  assert.equal(told.at(-1), `lost until ${clock.time + FIRST_PAUSE_MS}`);
});

test('a frozen tab first lets in what waited, then judges', () => {
  const { socket, clock, told } = connected();
  clock.freeze(60_000);
  assert.equal(losses(told), 0);
  socket().says('a beat that waited');
  clock.wind(LATE_MS);
  assert.equal(losses(told), 0);
  clock.freeze(60_000);
  clock.wind(LATE_MS);
  assert.equal(losses(told), 1);
});

test('what an old socket still says is of no interest', () => {
  const { socket, clock, told } = connected();
  const old = socket();
  old.dies();
  clock.wind(FIRST_PAUSE_MS);
  socket().opens();
  old.says('ghost');
  old.dies();
  assert.equal(losses(told), 1);
  assert.ok(!told.includes('text ghost'));
});

test('a link that waits for somebody tries nothing until it is to go on', () => {
  const { clock, link, told, socket } = connected();
  const before = FakeSocket.all.length;
  link.wait();
  assert.ok(link.isWaiting);
  assert.equal(told.at(-1), 'lost until null');
  assert.equal(link.send('x'), false);
  clock.wind(600_000);
  link.nudge();
  assert.equal(FakeSocket.all.length, before, 'not by time and not by a nudge');
  link.resume();
  assert.equal(FakeSocket.all.length, before + 1);
  assert.equal(told.at(-1), 'trying');
  link.resume();
  assert.equal(FakeSocket.all.length, before + 1, 'once');
  socket().opens();
  socket().says('welcome');
  assert.ok(!link.isWaiting && link.send('x'));
});

test('a nudge tries at once when waiting, and looks soon when not', () => {
  const { socket, link, clock, told } = connected();
  link.nudge();
  assert.equal(FakeSocket.all.length, 1);
  socket().dies();
  link.nudge();
  assert.equal(FakeSocket.all.length, 2);
  clock.time += 60_000;
  link.nudge();
  clock.wind(LATE_MS);
  assert.equal(losses(told), 2);
});

test('given up from outside, it is tried again; stopped, it is not', () => {
  const { socket, link, clock, told } = connected();
  link.fail();
  assert.equal(losses(told), 1);
  clock.wind(FIRST_PAUSE_MS);
  assert.equal(FakeSocket.all.length, 2);
  socket().opens();
  link.stop();
  clock.wind(100 * MAX_PAUSE_MS);
  assert.equal(FakeSocket.all.length, 2);
  assert.equal(clock.waiting, 0);
  link.nudge();
  assert.equal(FakeSocket.all.length, 2);
});

test('a lost link may be given up in the middle of hearing it', () => {
  const { socket, clock, told } = setUp();
  socket().opens();
  socket().dies();
  socket().dies();
  assert.equal(losses(told), 1);
  clock.wind(FIRST_PAUSE_MS);
  assert.equal(FakeSocket.all.length, 2);
});

test('weeks of comings and goings leave one timer and one socket', () => {
  const { socket, link, clock } = connected();
  for (let k = 0; k < 2000; k += 1) {
    clock.wind(k % 7 === 0 ? 30_000 : 1000);
    if (k % 3 === 0) socket().opens();
    if (k % 3 !== 1) socket().says('beat');
    if (k % 5 === 0) socket().dies();
    if (k % 11 === 0) link.nudge();
    assert.equal(clock.waiting, 1);
  }
  const open = FakeSocket.all.filter(({ closed, readyState }) => closed === 0 && readyState < 2);
  assert.ok(open.length <= 1);
});
