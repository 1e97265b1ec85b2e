// An eye as the browser tests need it: a real one, and a camera that is scripted.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { end, within } from './house.js';

const HERE = fileURLToPath(new URL('.', import.meta.url));

/** The eye under test: beside the server, unless somebody says where. */
const BESIDE = join(dirname(resolve(HERE, process.env.CHADBURN_BIN ?? '../../target/debug/chadburn')), 'chadburn-eye');
const PROGRAM = resolve(HERE, process.env.CHADBURN_EYE_BIN ?? BESIDE);

/** A running eye, in a directory of its own. */
export class Eye {
  #child = null;
  #args;
  directory;
  port = 0;

  static async start(...args) {
    assert.ok(existsSync(PROGRAM), `no eye at ${PROGRAM}: build it, or set CHADBURN_EYE_BIN`);
    const eye = new Eye();
    eye.directory = await mkdtemp(join(tmpdir(), 'chadburn-eye-'));
    eye.#args = args;
    await eye.resume();
    return eye;
  }

  /** Starts it again, on the port that it had. */
  async resume() {
    const args = ['--port', String(this.port), ...this.#args];
    const child = spawn(PROGRAM, args, { cwd: this.directory, stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child = child;
    const orphan = () => child.kill('SIGKILL');
    process.once('exit', orphan);
    child.once('exit', () => process.off('exit', orphan));
    let log = '';
    this.port = await new Promise((found, fail) => {
      child.once('exit', () => fail(new Error(`the eye ended:\n${log}`)));
      within().signal.addEventListener('abort', () => fail(new Error(`the eye does not listen:\n${log}`)));
      child.stdout.on('data', (data) => {
        log += data;
        const [, port] = /listening on http:\/\/[^:]+:(\d+)/.exec(log) ?? [];
        if (port) found(Number(port));
      });
    });
  }

  url(path = '') {
    return `http://127.0.0.1:${this.port}/${path}`;
  }

  async end(signal = 'SIGTERM') {
    await end(this.#child, signal);
  }

  async stop() {
    await this.end('SIGKILL');
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** A camera that sends these pictures one after the other, each with its number in a comment (COM of T.81). */
export class Camera {
  #server;
  #timer = null;
  /** When each picture was sent, in ms of the Unix time, by its number. */
  sent = [];

  static async start(pictures, everyMs) {
    const camera = new Camera();
    camera.#server = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'multipart/x-mixed-replace; boundary=part' });
      clearInterval(camera.#timer);
      camera.#timer = setInterval(() => {
        const number = camera.sent.length;
        const picture = numbered(pictures[number % pictures.length], number);
        camera.sent.push(performance.timeOrigin + performance.now());
        response.write(`--part\r\nContent-Type: image/jpeg\r\nContent-Length: ${picture.length}\r\n\r\n`);
        response.write(picture);
        response.write('\r\n');
      }, everyMs);
    });
    await new Promise((listening) => {
      camera.#server.listen(0, '127.0.0.1', listening);
    });
    return camera;
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}/`;
  }

  stop() {
    clearInterval(this.#timer);
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

const SIGN = Buffer.from('number:');

function numbered(picture, number) {
  const comment = Buffer.alloc(4 + SIGN.length + 4);
  comment.writeUInt16BE(0xfffe, 0);
  comment.writeUInt16BE(comment.length - 2, 2);
  SIGN.copy(comment, 4);
  comment.writeUInt32BE(number, 4 + SIGN.length);
  return Buffer.concat([picture.subarray(0, 2), comment, picture.subarray(2)]);
}

/** The number in a picture. */
export function numberOf(picture) {
  return picture.readUInt32BE(picture.indexOf(SIGN) + SIGN.length);
}
