// The panel's weight, and how soon it is there: what travels, and that the first paint waits for no
// socket.

import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { request } from 'node:http';
import { fileURLToPath } from 'node:url';

import { after, before, test } from './bounded.js';
import { Panel, Telegraph, launch } from './house.js';

/** What all parts of the panel may weigh together as they travel, in bytes. */
const BUDGET = 60_000;

/** How soon something is to be seen, in ms; a busy machine, a debug build and 30 parts included. */
const FIRST_PAINT_MS = 2_500;

// What is in the binary counts, whatever a developer looks at.
delete process.env.CHADBURN_ASSETS;

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** How many bytes the body of an answer has as it travels, compressed. */
function travelled(url) {
  return new Promise((found, fail) => {
    request(url, { headers: { 'Accept-Encoding': 'gzip' } }, (answer) => {
      let bytes = 0;
      answer.on('data', (data) => {
        bytes += data.length;
      });
      answer.on('end', () => found({ bytes, encoding: answer.headers['content-encoding'] }));
    }).on('error', fail).end();
  });
}

test('all of the panel travels in less than 60 KB, and nothing is from elsewhere', async (t) => {
  const telegraph = await Telegraph.start();
  t.after(() => telegraph.stop());
  const parts = await readdir(fileURLToPath(new URL('../../static', import.meta.url)));
  const loaded = new Set();
  const panel = await Panel.open(browser, telegraph.url(), {
    prepare: (page) => page.on('request', (asked) => loaded.add(asked.url())),
  });
  await panel.close();
  for (const url of loaded) {
    assert.ok(url.startsWith('data:') || url.startsWith(telegraph.url()), url);
  }
  const all = new Set(['', ...parts.map((name) => `static/${name}`)]);
  // A part is asked for below the panel's digest, and weighs the same without.
  for (const url of loaded) all.add(url.slice(telegraph.url().length).replace(/^static\/[0-9a-f]{16}\//, 'static/'));
  let sum = 0;
  for (const part of all) {
    if (part.startsWith('data:') || part === '') continue;
    sum += (await travelled(telegraph.url() + part)).bytes;
  }
  const page = await travelled(telegraph.url());
  assert.equal(page.encoding, 'gzip');
  sum += page.bytes;
  t.diagnostic(`${sum} bytes in ${all.size} parts`);
  assert.ok(sum < BUDGET, `${sum} bytes`);
});

test('the first paint has the last dial, and waits for no socket', async (t) => {
  const telegraph = await Telegraph.start({ status: '7' });
  t.after(() => telegraph.stop());
  const panel = await Panel.open(browser, telegraph.url());
  // From here on the socket never says a word.
  await panel.page.routeWebSocket(/websocket/, () => {});
  await panel.page.reload();
  await panel.expect('.sector[data-position="7"]');
  await panel.expect('#panel[data-link="connecting"]');
  const { paint, shift } = await panel.page.evaluate(() => new Promise((found, fail) => {
    let sum = 0;
    new PerformanceObserver((list) => {
      for (const { value } of list.getEntries()) sum += value;
    }).observe({ type: 'layout-shift', buffered: true });
    const look = () => {
      const [entry] = performance.getEntriesByName('first-contentful-paint');
      if (entry) found({ paint: entry.startTime, shift: sum });
      else if (performance.now() > 60_000) fail(new Error('nothing is painted'));
      else setTimeout(look, 20);
    };
    look();
  }));
  t.diagnostic(`first paint after ${Math.round(paint)} ms`);
  assert.ok(paint < FIRST_PAINT_MS, `first paint after ${paint} ms`);
  assert.ok(shift < 0.005, `the page shifted by ${shift}`);
  await panel.close();
});
