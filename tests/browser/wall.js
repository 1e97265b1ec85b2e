// The wall beside the panel: the firmware on an emulated board, and the bridge that joins it to a
// server's files. `firmware/build qemu` makes the image.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { rm, symlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { end, within } from './house.js';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const PROGRAM = resolve(HERE, process.env.CHADBURN_BIN ?? '../../target/debug/chadburn');
const IMAGE = resolve(HERE, '../../firmware/out/eot-qemu.elf');

/** What the lever's converter reads at a position, and the servo's pulse there: the firmware's own
 * calibration. */
const leverAt = (position) => Math.floor(718 + (position - 1) * 258.8);
const pulseAt = (position) => Math.floor(728 + (position - 1) * 154.4);

/** An instrument with its bridge. */
export class Wall {
  #directory;
  #bridge = null;
  #qemu = null;
  #world = null;
  #wanted = [];
  /** What servo, bell and lamp do: `{ pulse, bell, lamp }`, in the firmware's words. */
  pins = {};

  /** Hangs it up beside this telegraph, its lever at this position. */
  static async beside(telegraph, { lever }) {
    assert.ok(existsSync(IMAGE), `no firmware at ${IMAGE}: run firmware/build`);
    const wall = new Wall();
    wall.#directory = telegraph.directory;
    await wall.plug(lever);
    wall.#bridge = spawn(PROGRAM, ['bridge', 'telegraph'], {
      cwd: telegraph.directory, stdio: ['ignore', 'pipe', 'inherit'],
    });
    for await (const line of createInterface(wall.#bridge.stdout)) {
      if (line.includes('the lever stands there')) break;
    }
    wall.#bridge.stdout.resume();
    return wall;
  }

  /** Gives the board its power. */
  async plug(lever) {
    const socket = join(this.#directory, '.world');
    const listener = createServer().listen(socket);
    this.#qemu = spawn('qemu-system-arm', [
      '-M', 'mps2-an500', '-display', 'none', '-monitor', 'none', '-serial', 'pty',
      '-serial', `unix:${socket}`, '-kernel', IMAGE,
    ], { stdio: ['ignore', 'pipe', 'inherit'] });
    const connected = once(listener, 'connection', within());
    let line;
    for await (const said of createInterface(this.#qemu.stdout)) {
      [line] = /\/dev\/\S+/.exec(said) ?? [];
      if (line) break;
    }
    [this.#world] = await connected;
    listener.close();
    this.pins = {};
    createInterface(this.#world).on('line', (said) => this.#hear(said));
    this.lever(lever);
    await rm(join(this.#directory, 'telegraph'), { force: true });
    await symlink(line, join(this.#directory, 'telegraph'));
  }

  /** Takes the board's power away. */
  async unplug() {
    await end(this.#qemu, 'SIGKILL');
  }

  /** Moves the lever to this position. */
  lever(position) {
    this.#world.write(`lever ${leverAt(position)}\n`);
  }

  /** Waits until the pointer stands at this position. */
  expectPointer(position) {
    return this.#expect(({ pulse }) => pulse === String(pulseAt(position)));
  }

  /** Waits for a stroke of the bell. */
  expectStroke() {
    return this.#expect(({ bell }) => bell === 'on');
  }

  /** Takes it down. */
  async stop() {
    this.#bridge?.kill('SIGKILL');
    await this.unplug();
  }

  #hear(said) {
    const [what, how] = said.split(' ');
    this.pins[what] = how;
    this.#wanted = this.#wanted.filter(({ is, found }) => {
      if (!is(this.pins)) return true;
      found();
      return false;
    });
  }

  #expect(is) {
    if (is(this.pins)) return Promise.resolve();
    return new Promise((found, fail) => {
      this.#wanted.push({ is, found });
      within().signal.addEventListener('abort', () =>
        fail(new Error(`the board did not do it: ${JSON.stringify(this.pins)}`)));
    });
  }
}
