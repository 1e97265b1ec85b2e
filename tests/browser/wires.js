// What else hangs on the server's wires: a client of the text wire, and a cable that can be cut.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout } from 'node:timers/promises';

import { within } from './house.js';

/** How long a line may take, in ms. */
const PATIENCE_MS = 20_000;

/** How often it is looked whether a line has come, in ms. */
const LOOK_MS = 20;

/** The opcode of a final text frame (RFC 6455, section 5.2), and the longest short payload. */
const TEXT = 0x81;
const SHORT = 125;

/** A client of the text wire that knows just enough of RFC 6455: short texts, both ways. */
export class TextStation {
  #socket;
  #bytes = Buffer.alloc(0);
  #greeted = false;
  /** The lines it has heard and not yet been asked for. */
  lines = [];

  static async connect(port) {
    const station = new TextStation();
    const socket = connect(port, '127.0.0.1');
    station.#socket = socket;
    socket.on('data', (data) => station.#take(data));
    socket.on('error', () => {});
    await once(socket, 'connect', within());
    socket.write([
      'GET /websocket HTTP/1.1', `Host: 127.0.0.1:${port}`, 'Connection: Upgrade',
      'Upgrade: websocket', 'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`, '', '',
    ].join('\r\n'));
    await station.hears('Connected to EOT Server');
    return station;
  }

  say(text) {
    const payload = Buffer.from(text);
    assert.ok(payload.length <= SHORT, 'a short text');
    // A mask of zeros is a mask, and the payload stays readable.
    const head = [TEXT, 0x80 | payload.length, 0, 0, 0, 0];
    this.#socket.write(Buffer.concat([Buffer.from(head), payload]));
  }

  /** Waits for this line; what came before it is dropped. */
  async hears(line) {
    const end = Date.now() + PATIENCE_MS;
    while (Date.now() < end) {
      const index = this.lines.indexOf(line);
      if (index >= 0) {
        this.lines.splice(0, index + 1);
        return;
      }
      await setTimeout(LOOK_MS);
    }
    assert.fail(`the text wire should say ${line}, but said ${JSON.stringify(this.lines)}`);
  }

  leave() {
    this.#socket.destroy();
  }

  #take(data) {
    this.#bytes = Buffer.concat([this.#bytes, data]);
    if (!this.#greeted) {
      const end = this.#bytes.indexOf('\r\n\r\n');
      if (end < 0) return;
      assert.match(this.#bytes.toString('latin1', 0, end), /^HTTP\/1\.1 101 /);
      this.#greeted = true;
      this.#bytes = this.#bytes.subarray(end + 4);
    }
    while (this.#bytes.length >= 2 && this.#bytes.length >= 2 + this.#bytes[1]) {
      const [opcode, length] = this.#bytes;
      assert.ok(length <= SHORT, 'a short frame');
      if (opcode === TEXT) this.lines.push(this.#bytes.toString('utf8', 2, 2 + length));
      this.#bytes = this.#bytes.subarray(2 + length);
    }
  }
}

/** A cable between browser and server; cut, it carries nothing until it is mended. */
export class Cable {
  #server;
  #ends = new Set();
  #isCut = false;

  /** Lays a cable to this port of this machine. */
  static async lay(port) {
    const cable = new Cable();
    cable.#server = createServer((near) => cable.#join(near, port)).listen(0, '127.0.0.1');
    await once(cable.#server, 'listening', within());
    return cable;
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}/`;
  }

  cut() {
    this.#isCut = true;
    for (const end of this.#ends) end.destroy();
  }

  mend() {
    this.#isCut = false;
  }

  remove() {
    this.cut();
    this.#server.close();
  }

  #join(near, port) {
    if (this.#isCut) {
      near.destroy();
      return;
    }
    const far = connect(port, '127.0.0.1');
    for (const [end, other] of [[near, far], [far, near]]) {
      this.#ends.add(end);
      end.on('error', () => {});
      end.on('close', () => {
        this.#ends.delete(end);
        other.destroy();
      });
      end.pipe(other);
    }
  }
}
