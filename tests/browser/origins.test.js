// A page of another origin that `--allow-origin` names uses all that the server offers, and one that it does not
// name gets nothing.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';

import { after, before, test } from './bounded.js';
import { launch, Telegraph, within } from './house.js';

let browser;
let site;

before(async () => {
  browser = await launch(['wall.test', 'other.test']);
  site = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<h1>wall</h1>'));
  site.listen(0, '127.0.0.1');
  await once(site, 'listening', within());
});

after(async () => {
  await browser?.close();
  site?.closeAllConnections();
  site?.close();
});

/** What a page of this site comes to with the server at this address: each of its ways in words. */
async function tries(name, base) {
  const page = await browser.newPage();
  await page.goto(`http://${name}:${site.address().port}/`);
  const seen = await page.evaluate(async (to) => {
    const said = async (promise) => {
      try { return await promise; } catch { return 'refused'; }
    };
    const json = async (path, options) => (await fetch(to + path, options)).json();
    const headers = { 'content-type': 'application/json' };
    return {
      socket: await said(new Promise((resolve, reject) => {
        const socket = new WebSocket(`${to.replace('http', 'ws')}/websocket`);
        socket.onmessage = ({ data }) => resolve(data);
        socket.onerror = reject;
      })),
      status: await said(json('/status').then(({ order }) => order.name)),
      events: await said(new Promise((resolve, reject) => {
        const events = new EventSource(`${to}/events`);
        events.onmessage = ({ data }) => { events.close(); resolve(JSON.parse(data).order.name); };
        events.onerror = reject;
      })),
      text: await said(json('/accept', { method: 'POST', body: '7' }).then(({ ok }) => ok)),
      json: await said(json('/accept', { method: 'POST', headers, body: '{"position":7}' })
        .then(({ ok }) => ok)),
      put: await said(json('/status', { method: 'PUT', headers, body: '"7"' }).then(({ ok }) => ok)),
      refusal: await said(json('/accept', { method: 'POST', body: ' ' }).then(({ code }) => code)),
    };
  }, base);
  await page.close();
  return seen;
}

test('a page whose origin is named may do what a program may, and no other page anything', async () => {
  const origin = `http://wall.test:${site.address().port}`;
  const args = ['--allow-origin', origin, '--allow-orders', 'any'];
  const telegraph = await Telegraph.start({ status: '7', args });
  try {
    const base = `http://127.0.0.1:${telegraph.port}`;
    assert.deepEqual(await tries('wall.test', base), {
      socket: 'Connected to EOT Server', status: 'COFFEE', events: 'COFFEE', text: true, json: true,
      put: true, refusal: 'bad_state',
    });
    const refused = Object.values(await tries('other.test', base));
    assert.ok(refused.every((it) => it === 'refused'), refused.join());
  } finally {
    await telegraph.stop();
  }
});
