// The house the browser tests live in: a real server in a directory of its own, a real browser, and
// panels that notice whatever goes wrong in them. What hangs on wires is in wires.js.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

const HERE = fileURLToPath(new URL('.', import.meta.url));

/** The server under test. */
const SERVER = resolve(HERE, process.env.CHADBURN_BIN ?? '../../target/debug/chadburn');

/** The browser; a name for it that no resolver knows makes an insecure context. */
const BROWSER = process.env.CHROMIUM ?? '/usr/bin/chromium';
const BROWSER_ARGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--no-proxy-server',
];

/** How long anything may take that is waited for, in ms; only a broken panel needs it all. */
const PATIENCE_MS = 20_000;

/** Options of whoever waits for an event, and not for ever. */
export const within = () => ({ signal: AbortSignal.timeout(PATIENCE_MS) });

/** How often a text that is waited for is looked at, in ms. */
const LOOK_MS = 20;

/** What a browser says of itself when a server is gone; the panel cannot keep it from saying so. */
const LOSS = new RegExp([
  'WebSocket connection to .* failed', 'net::ERR_CONNECTION_(REFUSED|RESET|CLOSED)',
  'net::ERR_(SOCKET_NOT_CONNECTED|EMPTY_RESPONSE)',
].join('|'));

/** Ends a process by this signal, unless it has ended, and waits for that. */
export async function end(child, name) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit', within());
  child.kill(name);
  await gone;
}

/** Starts a browser that takes these names for this machine. */
export function launch(names = ['office.test']) {
  const rules = names.map((name) => `MAP ${name} 127.0.0.1`).join(', ');
  const args = [...BROWSER_ARGS, `--host-resolver-rules=${rules}`];
  return chromium.launch({ executablePath: BROWSER, args });
}

/** A running server, its directory and its two files. */
export class Telegraph {
  #child = null;
  #log = '';
  directory;
  port = 0;

  /** Starts a server whose files say this; `args` are further options. */
  static async start({ status = '6', accept = null, args = [], token, dial, book } = {}) {
    assert.ok(existsSync(SERVER), `no server at ${SERVER}: build it, or set CHADBURN_BIN`);
    const telegraph = new Telegraph();
    telegraph.directory = await mkdtemp(join(tmpdir(), 'chadburn-panel-'));
    telegraph.args = args;
    if (status !== null) await telegraph.write('status.eot', status);
    if (accept !== null) await telegraph.write('accept.eot', accept);
    if (token) {
      await telegraph.write('token', token);
      // A token that others can read is none.
      await chmod(join(telegraph.directory, 'token'), 0o600);
      telegraph.args = [...telegraph.args, '--token-file', 'token'];
    }
    if (book) {
      const lines = book.map((entry) => `${JSON.stringify(entry)}\n`);
      await telegraph.write('bell-book.jsonl', lines.join(''));
    }
    if (dial) {
      await telegraph.write('dial.toml', dial);
      telegraph.args = [...telegraph.args, '--dial', 'dial.toml'];
    }
    await telegraph.resume();
    return telegraph;
  }

  /** Starts the server again, on the port that it had. */
  async resume() {
    assert.equal(this.#child, null, 'it is running');
    const args = ['serve', '--bind', '127.0.0.1', '--port', String(this.port), ...this.args];
    const child = spawn(SERVER, args, { cwd: this.directory, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    // Whoever ends these tests in the middle leaves no server behind.
    const orphan = () => child.kill('SIGKILL');
    process.once('exit', orphan);
    child.once('exit', () => {
      process.off('exit', orphan);
      if (this.#child === child) this.#child = null;
    });
    child.stderr.on('data', (data) => {
      this.#log += data;
    });
    this.port = await new Promise((found, fail) => {
      const why = (what) => fail(new Error(`the server ${what}:\n${this.#log}`));
      child.once('exit', () => why('ended'));
      within().signal.addEventListener('abort', () => why('does not listen'));
      child.stdout.on('data', (data) => {
        this.#log += data;
        const [, port] = /listening on http:\/\/[^:]+:(\d+)/.exec(this.#log) ?? [];
        if (port) found(Number(port));
      });
    });
    this.#log = '';
  }

  /** Sends the server a signal, and waits for its end if it is one to end by. */
  async signal(name) {
    const child = this.#child;
    if (['SIGSTOP', 'SIGCONT'].includes(name)) child.kill(name);
    else await end(child, name);
  }

  url(host = '127.0.0.1') {
    return `http://${host}:${this.port}/`;
  }

  /** Writes a file as a careful writer does: whole, then renamed in. */
  async write(name, text) {
    const path = join(this.directory, name);
    await writeFile(`${path}.new`, text);
    await rename(`${path}.new`, path);
  }

  async remove(name) {
    await rm(join(this.directory, name));
  }

  read(name) {
    return readFile(join(this.directory, name), 'utf8');
  }

  /** Ends the server and takes its directory away. */
  async stop() {
    if (this.#child) await this.signal('SIGKILL');
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** One open panel, in a profile of its own. */
export class Panel {
  #problems = [];
  #mayLose = false;
  #mayMiss = null;
  context;
  page;
  /** The addresses of all links it has opened, the first first. */
  links = [];
  /** All messages it has heard, on whichever link. */
  heard = [];

  /**
   * Opens a panel and waits until it shows what the server says, unless it first `waits` for a person. The browser
   * may say what `misses` matches.
   */
  static async open(browser, url, { prepare, waits = false, misses = null, ...options } = {}) {
    const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
    await context.addInitScript(() => {
      addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
        console.error(`policy violated: ${violatedDirective} ${blockedURI}`);
      });
    });
    const panel = new Panel(context, await context.newPage());
    panel.#mayMiss = misses;
    await prepare?.(panel.page);
    await panel.page.goto(url);
    if (!waits) await panel.expectConnected();
    return panel;
  }

  constructor(context, page) {
    this.context = context;
    this.page = page;
    page.setDefaultTimeout(PATIENCE_MS);
    this.#listen();
  }

  /** Duplicates this tab, as browsers do: the new one begins with a copy of what this one keeps. */
  async duplicate() {
    const [page] = await Promise.all([
      this.context.waitForEvent('page'),
      this.page.evaluate(() => {
        open(location.href);
      }),
    ]);
    const twin = new Panel(this.context, page);
    await twin.expectConnected();
    return twin;
  }

  #listen() {
    this.page.on('websocket', (socket) => {
      this.links.push(new URL(socket.url()));
      socket.on('framereceived', ({ payload }) => {
        if (typeof payload === 'string') this.heard.push(JSON.parse(payload));
      });
    });
    this.page.on('pageerror', (error) => this.#problems.push(String(error)));
    this.page.on('console', (message) => {
      if (message.type() !== 'error' && message.type() !== 'warning') return;
      if (this.#mayLose && LOSS.test(message.text())) return;
      if (this.#mayMiss?.test(message.text())) return;
      this.#problems.push(`${message.type()}: ${message.text()}`);
    });
  }

  /** From here on the server may be gone, or refuse `more`, and the browser may say so. */
  expectLosses(more = null) {
    this.#mayLose = true;
    this.#mayMiss = more;
  }

  /** Closes it; nothing may have gone wrong in it. */
  async close() {
    await this.context.close();
    assert.deepEqual(this.#problems, []);
  }

  /** What it heard of this type. */
  told(type) {
    return this.heard.filter((message) => message.type === type);
  }

  /** Who this panel is, as the server last said. */
  get station() {
    return this.told('welcome').at(-1).station;
  }

  /** Tells whoever sits here to be called this. */
  async isCalled(name) {
    await this.page.locator('#name').fill(name);
    await this.page.locator('#name').press('Enter');
  }

  sector(position) {
    return this.page.locator(`.sector[data-position="${position}"]`);
  }

  /** Clicks a sector as a finger does, which does not ask whether it is enabled. */
  async tap(position) {
    await this.sector(position).click({ force: true });
  }

  /** Waits until a visible element has exactly this text, or one that matches. */
  async expectText(selector, wanted) {
    const fits = (text) => (typeof wanted === 'string' ? text === wanted : wanted.test(text));
    const element = this.page.locator(selector).last();
    const end = Date.now() + PATIENCE_MS;
    let text;
    while (Date.now() < end) {
      text = await element.textContent();
      if (fits(text) && await element.isVisible()) return;
      await setTimeout(LOOK_MS);
    }
    assert.fail(`${selector} should say ${wanted}, but says ${text}`);
  }

  /** Waits until an element is there and looks like this: an attribute, a class. */
  expect(selector) {
    return this.page.locator(selector).waitFor({ state: 'attached' });
  }

  /** Waits for the tab's title. */
  async expectTitle(wanted) {
    const end = Date.now() + PATIENCE_MS;
    while (!wanted.test(await this.page.title())) {
      assert.ok(Date.now() < end, `the title should be ${wanted}`);
      await setTimeout(LOOK_MS);
    }
  }

  expectOrder(name) {
    return this.expectText('#order', name);
  }

  expectConnected() {
    return this.expect('#panel[data-link="open"]');
  }

  expectRinging() {
    return this.expect('#panel[data-bell="rings"]');
  }

  expectSilent() {
    return this.expect('#panel[data-bell="silent"]');
  }
}
