// A relay as the browser tests need it: a real one, with processors that are scripted, and its page.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import WebSocket from 'ws';

import { end, within } from './house.js';

const HERE = fileURLToPath(new URL('.', import.meta.url));

/** The relay under test: beside the server, unless somebody says where. */
const BESIDE = join(dirname(resolve(HERE, process.env.CHADBURN_BIN ?? '../../target/debug/chadburn')), 'chadburn-eye');
const PROGRAM = resolve(HERE, process.env.CHADBURN_EYE_BIN ?? BESIDE);

/** How often a scripted processor sends a frame, in ms, as a real one does. */
const FRAME_MS = 100;

/** A running relay. */
export class Relay {
  #child;
  #directory;
  port = 0;

  static async start({ port = 0, token = null } = {}) {
    assert.ok(existsSync(PROGRAM), `no relay at ${PROGRAM}: build it, or set CHADBURN_EYE_BIN`);
    const relay = new Relay();
    relay.#directory = await mkdtemp(join(tmpdir(), 'chadburn-relay-'));
    const args = ['relay', '--port', String(port)];
    if (token !== null) {
      const file = join(relay.#directory, 'token');
      await writeFile(file, token);
      await chmod(file, 0o600);
      args.push('--token-file', file);
    }
    const child = spawn(PROGRAM, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    relay.#child = child;
    const orphan = () => child.kill('SIGKILL');
    process.once('exit', orphan);
    child.once('exit', () => process.off('exit', orphan));
    let log = '';
    relay.port = await new Promise((found, fail) => {
      child.once('exit', () => fail(new Error(`the relay ended:\n${log}`)));
      within().signal.addEventListener('abort', () => fail(new Error(`the relay does not listen:\n${log}`)));
      child.stdout.on('data', (data) => {
        log += data;
        const [, listening] = /listening on http:\/\/[^:]+:(\d+)/.exec(log) ?? [];
        if (listening) found(Number(listening));
      });
    });
    return relay;
  }

  url(path = '', scheme = 'http') {
    return `${scheme}://127.0.0.1:${this.port}/${path}`;
  }

  async stop(signal = 'SIGKILL') {
    await end(this.#child, signal);
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** A camera that sees these boxes in each frame, and does as a processor does. */
export class Processor {
  #socket;
  #timer = null;
  #waiting = [];
  boxes;
  frameId = 0;
  /** What it was told, the first first. */
  told = [];

  static async link(relay, id, boxes, { token = null } = {}) {
    const processor = new Processor();
    processor.boxes = boxes;
    const headers = token === null ? {} : { Authorization: `Bearer ${token}` };
    const socket = new WebSocket(relay.url('processor', 'ws'), { headers });
    processor.#socket = socket;
    socket.on('message', (text) => processor.#hear(JSON.parse(text)));
    socket.on('error', () => {});
    await once(socket, 'open', within());
    processor.say({ type: 'identifier', id });
    processor.resume();
    return processor;
  }

  say(message) {
    this.#socket.send(JSON.stringify(message));
  }

  resume() {
    this.#timer = setInterval(() => this.frame(), FRAME_MS);
    this.frame();
  }

  /** Is linked, and sends no frames. */
  pause() {
    clearInterval(this.#timer);
  }

  frame() {
    this.frameId = Date.now() / 1_000;
    this.say({ type: 'boundingBoxes', frameId: this.frameId, boxes: this.boxes });
  }

  #hear(message) {
    this.told.push(message);
    for (const look of this.#waiting) look();
  }

  /** The first message that it was or will be told of which this holds. */
  hears(holds) {
    return new Promise((found, fail) => {
      const look = () => {
        const message = this.told.find(holds);
        if (message !== undefined) found(message);
      };
      this.#waiting.push(look);
      within().signal.addEventListener('abort', () => fail(new Error(`it was told ${JSON.stringify(this.told)}`)));
      look();
    });
  }

  close() {
    this.pause();
    this.#socket.terminate();
  }
}

/** A box at this place. */
export function box(boxId, rect, { objectType = 'blob', certainty = 0.9, objectId } = {}) {
  return { boxId, rect, objectType, certainty, ...(objectId === undefined ? {} : { objectId }) };
}
