// The ship's bell: what it sounds like in numbers, and when it may be heard.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Bell, STROKES_S, TURN_S, tick, turn } from '../../static/bell.js';

const RATE = 8000;

/** An AudioContext that keeps books instead of making sound. */
class FakeContext extends EventTarget {
  static granted = true;

  state = 'suspended';
  sampleRate = RATE;
  currentTime = 0;
  destination = {};
  sources = [];

  async resume() {
    if (!FakeContext.granted) return;
    this.state = 'running';
    this.dispatchEvent(new Event('statechange'));
  }

  createBuffer(channels, length) {
    return { length, copyToChannel() {} };
  }

  createGain() {
    return { gain: { setTargetAtTime() {} }, connect: (next) => next, disconnect() {} };
  }

  createBufferSource() {
    const source = Object.assign(new EventTarget(), {
      started: 0,
      stopped: 0,
      connect: (next) => next,
      start(when) {
        this.started += 1;
        this.when = when;
      },
      stop() {
        this.stopped += 1;
      },
    });
    this.sources.push(source);
    return source;
  }
}

function setUp(granted = true) {
  FakeContext.granted = granted;
  const contexts = [];
  const told = [];
  const bell = new Bell(class extends FakeContext {
    constructor() {
      super();
      contexts.push(this);
    }
  }, (on) => told.push(on));
  const playing = () => contexts.flatMap(({ sources }) => sources)
    .filter(({ started, stopped }) => started === 1 && stopped === 0);
  return { bell, contexts, told, playing };
}

function loudness(samples, from, to) {
  const part = samples.subarray(Math.round(from * RATE), Math.round(to * RATE));
  return Math.sqrt(part.reduce((sum, sample) => sum + sample * sample, 0) / part.length);
}

test('a turn is two strokes and a pause, within bounds and silent at both ends', () => {
  const samples = turn(RATE);
  assert.equal(samples.length, TURN_S * RATE);
  const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  assert.ok(peak > 0.7 && peak <= 0.81, `peak ${peak}`);
  const [first, second] = STROKES_S;
  const struck = loudness(samples, first, first + 0.1);
  assert.ok(loudness(samples, second - 0.1, second) < struck * 0.6, 'it fades before the second');
  assert.ok(loudness(samples, second, second + 0.1) > struck * 0.9, 'the second stroke');
  assert.ok(loudness(samples, TURN_S - 0.4, TURN_S) < struck * 0.06, 'the pause');
  assert.equal(samples[0], 0);
  assert.equal(Math.abs(samples.at(-1)), 0);
});

test('unarmed it is silent, however much it rings', () => {
  const { bell, contexts } = setUp();
  bell.ring(true);
  assert.equal(bell.on, false);
  assert.equal(contexts.length, 0);
});

test('armed it rings while it is to ring, once', async () => {
  const { bell, playing, told } = setUp();
  bell.ring(true);
  await bell.arm();
  assert.equal(told.at(-1), true);
  assert.equal(playing().length, 1);
  assert.equal(playing()[0].loop, true);
  bell.ring(true);
  await bell.arm();
  assert.equal(playing().length, 1);
  bell.ring(false);
  assert.equal(playing().length, 0);
  bell.ring(true);
  assert.equal(playing().length, 1);
});

test('disarmed it falls silent, and is said to be', async () => {
  const { bell, playing, told } = setUp();
  await bell.arm();
  bell.ring(true);
  bell.disarm();
  assert.equal(playing().length, 0);
  assert.equal(told.at(-1), false);
  assert.equal(bell.on, false);
});

test('a browser that does not grant sound is believed', async () => {
  const { bell, contexts, playing, told } = setUp(false);
  await bell.arm();
  bell.ring(true);
  assert.equal(told.at(-1), false);
  assert.equal(playing().length, 0);
  FakeContext.granted = true;
  await contexts[0].resume();
  assert.equal(told.at(-1), true);
  assert.equal(playing().length, 1);
});

test('a browser that takes the sound away is believed too', async () => {
  const { bell, contexts, playing, told } = setUp();
  await bell.arm();
  bell.ring(true);
  contexts[0].state = 'interrupted';
  contexts[0].dispatchEvent(new Event('statechange'));
  assert.equal(told.at(-1), false);
  assert.equal(playing().length, 0);
});

test('a browser without sound says that the sound is off', async () => {
  const told = [];
  const bell = new Bell(undefined, (on) => told.push(on));
  await bell.arm();
  bell.ring(true);
  assert.equal(told.at(-1), false);
});

test('silent for a while, it comes back by the audio clock alone', async () => {
  const { bell, contexts, playing } = setUp();
  await bell.arm();
  bell.ring(true);
  contexts[0].currentTime = 100;
  bell.silence(30);
  assert.deepEqual(playing().map(({ when }) => when), [130]);
  bell.silence(0);
  assert.deepEqual(playing().map(({ when }) => when), [100], 'a silence may be ended');
  bell.silence(30);
  bell.ring(false);
  assert.equal(playing().length, 0);
  bell.ring(true);
  assert.deepEqual(playing().map(({ when }) => when), [100], 'the next order is heard at once');
});

test('an answer ticks once, softly, and only where something can be heard', async () => {
  const { bell, contexts, playing } = setUp();
  bell.tick();
  assert.equal(contexts.length, 0);
  await bell.arm();
  bell.tick();
  assert.equal(playing().length, 1);
  assert.ok(!playing()[0].loop);
  const samples = tick(RATE);
  const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  assert.ok(peak > 0.1 && peak < 0.2, `peak ${peak}`);
  assert.ok(samples.length < RATE / 2, 'it is over at once');
});
