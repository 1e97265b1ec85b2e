// Weeks in an open tab, in a minute: thousands of orders leave nothing behind, and a hidden tab
// goes on ringing.

import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';

import { after, before, test } from './bounded.js';
import { Panel, Telegraph, launch } from './house.js';

/** How many orders are heard, each with its answer and its roll. */
const ORDERS = 2_000;

/** How many are sent before it is looked whether they have come. */
const BATCH = 100;

/** What the heap may grow by in all this, in bytes; a leak of one small object an order is more. */
const HEAP = 400_000;

/** How long a stroke that is broken off is still to be heard, in ms. */
const FADE_MS = 600;

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** A socket without a server behind it, which says what it is told to. */
class Mouth {
  #socket = null;
  #seq = 1_000;
  #order = null;

  async open(page) {
    await page.routeWebSocket(/websocket/, (socket) => {
      this.#socket = socket;
      this.#say({
        type: 'welcome', station: 'me', server: '0', assets: '{{assets}}', heartbeat_ms: 600_000, at: 1,
        resume: 'a-secret-of-sixteen', token: false, may: { order: true, shutdown: false },
        dial: {
          title: 'CQP / Engine Order Telegraph',
          positions: Array.from({ length: 11 }, (_, k) =>
            ({ position: k + 1, name: `POSITION ${k + 1}`, arc: k < 5 ? 'ONE' : 'TWO' })),
        },
      });
      this.order(6);
    });
  }

  #say(message) {
    this.#socket.send(JSON.stringify(message));
  }

  #state(rest) {
    this.#say({
      type: 'state', seq: this.#seq, at: this.#seq,
      source: { health: 'ok', detail: '', watch: 'inotify' }, ...rest,
    });
    return this.#seq;
  }

  /** An order: a position, or a text off the dial. */
  order(what) {
    this.#seq += 1;
    const position = typeof what === 'number' ? what : null;
    this.#order = {
      status: String(what), position, name: null, seq: this.#seq, since: this.#seq,
    };
    return this.#state({ order: this.#order, reply: null, bell: true });
  }

  /** Its answer, and who answered. */
  answer(who) {
    this.#seq += 1;
    const { status, position, seq } = this.#order;
    const reply = { status, position, name: null, seq: this.#seq, by: 'x', who, at: this.#seq };
    this.#state({ order: this.#order, reply, bell: false });
    this.#say({
      type: 'roll', order: seq, more_answers: 0, stations: 2, named: [who], more_named: 0,
      answers: [{ station: 'x', name: who, position, coming: true, after_ms: 1 }],
    });
    this.#say({ type: 'beat', at: this.#seq });
    return this.#seq;
  }
}

/** What is there once the last strokes have faded away and the garbage is gone: the least seen. */
async function counts(device) {
  const seen = [];
  for (let k = 0; k < 5; k += 1) {
    await setTimeout(FADE_MS);
    await device.send('HeapProfiler.collectGarbage');
    const { metrics } = await device.send('Performance.getMetrics');
    seen.push(Object.fromEntries(metrics.map(({ name, value }) => [name, value])));
  }
  const least = (name) => Math.min(...seen.map((metrics) => metrics[name]));
  return {
    nodes: least('Nodes'), listeners: least('JSEventListeners'), heap: least('JSHeapUsedSize'),
  };
}

test('thousands of orders leave no node, no listener and no memory behind', async (t) => {
  const telegraph = await Telegraph.start();
  t.after(() => telegraph.stop());
  const mouth = new Mouth();
  const panel = await Panel.open(browser, telegraph.url(), { prepare: (page) => mouth.open(page) });
  const device = await panel.context.newCDPSession(panel.page);
  await device.send('Performance.enable');
  await panel.page.click('#sound');
  const run = async (orders) => {
    for (let k = 0; k < orders; k += 1) {
      mouth.order(k % 7 === 0 ? `a text of ${k}` : (k % 11) + 1);
      const who = `watch ${k}`;
      mouth.answer(who);
      if (k % BATCH === BATCH - 1) await panel.expectText('#tale', new RegExp(`by ${who} `));
    }
  };
  await run(400);
  const before = await counts(device);
  await run(ORDERS);
  const now = await counts(device);
  t.diagnostic(`before ${JSON.stringify(before)}, after ${JSON.stringify(now)}`);
  assert.ok(now.nodes <= before.nodes + 20, `${now.nodes} nodes after ${before.nodes}`);
  assert.ok(now.listeners <= before.listeners, `${now.listeners} after ${before.listeners}`);
  assert.ok(now.heap < before.heap + HEAP, `${now.heap} bytes after ${before.heap}`);
  await panel.close();
});

/** Whether what goes to the loudspeaker is loud, by an ear that hangs before it. */
function hangAnEar(page) {
  return page.addInitScript(() => {
    const { connect } = AudioNode.prototype;
    let ear = null;
    AudioNode.prototype.connect = function heard(target, ...rest) {
      if (target instanceof AudioDestinationNode) {
        if (!ear) {
          ear = this.context.createAnalyser();
          connect.call(ear, target);
        }
        return connect.call(this, ear);
      }
      return connect.call(this, target, ...rest);
    };
    globalThis.loudness = () => {
      if (!ear) return 0;
      const samples = new Float32Array(ear.fftSize);
      ear.getFloatTimeDomainData(samples);
      return Math.max(...samples.map(Math.abs));
    };
    // A tab that is hidden: it says so, gets no frames, and its timers come once a minute at best.
    let isHidden = false;
    const { requestAnimationFrame: frame } = globalThis;
    Object.defineProperty(document, 'hidden', { get: () => isHidden });
    Object.defineProperty(document, 'visibilityState', {
      get: () => (isHidden ? 'hidden' : 'visible'),
    });
    globalThis.requestAnimationFrame = (act) => (isHidden ? 0 : frame.call(globalThis, act));
    const { setTimeout: later } = globalThis;
    globalThis.setTimeout = (act, ms, ...rest) =>
      later.call(globalThis, act, isHidden ? Math.max(ms, 60_000) : ms, ...rest);
    globalThis.hide = (hidden) => {
      isHidden = hidden;
      document.dispatchEvent(new Event('visibilitychange'));
    };
  });
}

test('a hidden tab rings, is silent and rings again, and draws nothing', async (t) => {
  const telegraph = await Telegraph.start({ status: '6', accept: '6' });
  t.after(() => telegraph.stop());
  const panel = await Panel.open(browser, telegraph.url(), { prepare: hangAnEar });
  const { page } = panel;
  // It is asked from here: timers in the tab are as slow as a hidden tab's.
  const isLoud = async (loud) => {
    const end = Date.now() + 20_000;
    while ((await page.evaluate(() => globalThis.loudness()) > 0.2) !== loud) {
      assert.ok(Date.now() < end, `it should be ${loud ? 'loud' : 'silent'}`);
    }
  };
  await page.click('#sound');
  await panel.expectSilent();
  await page.evaluate(() => globalThis.hide(true));
  const calm = await page.locator('#icon').getAttribute('href');
  await telegraph.write('status.eot', '7');
  await panel.expectTitle(/^🔔 COFFEE/);
  assert.notEqual(await page.locator('#icon').getAttribute('href'), calm);
  assert.equal(await page.locator('#order').textContent(), 'STOP', 'nothing is drawn');
  // Two strokes, a pause, two strokes: it is loud, fades, and is loud again without a timer.
  await isLoud(true);
  await isLoud(false);
  await isLoud(true);
  await telegraph.write('accept.eot', '7');
  await panel.expectTitle(/^COFFEE/);
  await isLoud(false);
  assert.equal(await page.locator('#order').textContent(), 'STOP', 'nothing is drawn');
  await page.evaluate(() => globalThis.hide(false));
  await panel.expectOrder('COFFEE');
  await panel.close();
});

test('an answer is one soft tick', async (t) => {
  const telegraph = await Telegraph.start({ status: '7', accept: '7' });
  t.after(() => telegraph.stop());
  const panel = await Panel.open(browser, telegraph.url(), { prepare: countStarts });
  await panel.page.click('#sound');
  await panel.expectSilent();
  const started = () => panel.page.evaluate(() => globalThis.started);
  assert.deepEqual(await started(), []);
  await telegraph.write('accept.eot', '7');
  await panel.page.waitForFunction(() => globalThis.started.length > 0);
  const [{ loop, seconds }] = await started();
  assert.ok(!loop && seconds < 0.5);
  await panel.close();
});

function countStarts(page) {
  return page.addInitScript(() => {
    globalThis.started = [];
    const { start } = AudioBufferSourceNode.prototype;
    AudioBufferSourceNode.prototype.start = function counted(...when) {
      globalThis.started.push({ loop: this.loop, seconds: this.buffer.duration });
      return start.apply(this, when);
    };
  });
}
