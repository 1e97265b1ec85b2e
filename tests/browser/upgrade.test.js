// The panel when its server is upgraded: it takes the new panel, once, when nobody is at it.

import assert from 'node:assert/strict';
import { appendFile, cp } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { after, before, test } from './bounded.js';
import { Panel, Telegraph, launch } from './house.js';

const PANEL = fileURLToPath(new URL('../..', import.meta.url));

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** A server that serves a panel of its own, and the open panel it served. */
async function aboard(t, { status = '6', accept = '6', prepare } = {}) {
  const telegraph = await Telegraph.start({ status, accept });
  t.after(() => telegraph.stop());
  await telegraph.signal('SIGKILL');
  await cp(join(PANEL, 'panel.html'), join(telegraph.directory, 'own/panel.html'));
  await cp(join(PANEL, 'static'), join(telegraph.directory, 'own/static'), { recursive: true });
  telegraph.args.push('--assets', 'own');
  await telegraph.resume();
  const panel = await Panel.open(browser, telegraph.url(), {
    prepare: async (page) => {
      await page.clock.install();
      await prepare?.(page);
    },
  });
  panel.expectLosses();
  return { telegraph, panel };
}

/** The same server, newer. */
async function upgrade(telegraph) {
  await telegraph.signal('SIGKILL');
  await appendFile(join(telegraph.directory, 'own/static/svg.js'), '// Newer.\n');
  await telegraph.resume();
}

const carried = (panel) =>
  panel.page.locator('meta[name="chadburn-assets"]').getAttribute('content');

/** Lets half a minute pass as for a closed lid: what came meanwhile comes in first. */
async function pass(panel) {
  await panel.page.clock.fastForward(30_000);
  await panel.expectConnected();
}

/** Lets time pass in the panel until this holds. */
async function until({ page }, what, holds) {
  for (let k = 0; k < 60; k += 1) {
    if (await holds()) return;
    await page.clock.fastForward(20_000);
    await setTimeout(50);
  }
  assert.fail(what);
}

test('an idle panel reloads itself after an upgrade, and its bell stays armed', async (t) => {
  const { telegraph, panel } = await aboard(t);
  const before = await carried(panel);
  await panel.page.click('#sound');
  await panel.expect('#panel[data-sound="on"]');
  await upgrade(telegraph);
  await until(panel, 'it reloads', async () => await carried(panel) !== before);
  await panel.expectConnected();
  assert.equal(panel.told('welcome').at(-1).assets, await carried(panel));
  await panel.expect('#panel[data-sound="on"]');
  await panel.page.evaluate(() => {
    globalThis.isSame = true;
  });
  for (let k = 0; k < 4; k += 1) await pass(panel);
  assert.ok(await panel.page.evaluate(() => globalThis.isSame), 'it stays');
  await panel.close();
});

test('a panel does not reload while the bell rings', async (t) => {
  const { telegraph, panel } = await aboard(t);
  const before = await carried(panel);
  await telegraph.write('status.eot', '7');
  await panel.expectRinging();
  await upgrade(telegraph);
  await until(panel, 'it is connected', () => panel.told('welcome').length > 1);
  await panel.expectRinging();
  for (let k = 0; k < 4; k += 1) {
    await pass(panel);
    await panel.expectRinging();
  }
  assert.equal(await carried(panel), before);
  await telegraph.write('accept.eot', '7');
  await panel.expectSilent();
  await until(panel, 'it reloads', async () => await carried(panel) !== before);
  await panel.close();
});

test('a server that speaks another wire is asked for its page', async (t) => {
  let isNewer = false;
  const { telegraph, panel } = await aboard(t, {
    prepare: (page) => page.routeWebSocket(/websocket/, (socket) => {
      if (isNewer) socket.send(JSON.stringify({ type: 'welcome', wire: 'of next year' }));
      else socket.connectToServer();
    }),
  });
  const before = await carried(panel);
  isNewer = true;
  await upgrade(telegraph);
  await until(panel, 'it reloads', async () => await carried(panel) !== before);
  await panel.close();
});
