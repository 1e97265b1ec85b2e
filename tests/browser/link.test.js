// The panel in a browser when the server is not there: what it says, and that it comes back.

import assert from 'node:assert/strict';

import { after, before, test } from './bounded.js';
import { Panel, Telegraph, launch } from './house.js';

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** A server that may go and a panel that may see it gone. */
function onLink(name, options, body) {
  test(name, async (t) => {
    const telegraph = await Telegraph.start({ status: '7', ...options });
    t.after(() => telegraph.stop());
    const panel = await Panel.open(browser, telegraph.url());
    panel.expectLosses();
    await panel.expectOrder('COFFEE');
    await body(telegraph, panel);
    await panel.close();
  });
}

onLink('a server that dies is missed, and found again', {}, async (telegraph, panel) => {
  await telegraph.signal('SIGKILL');
  await panel.expectText('#link', /^No connection since \d\d:\d\d — trying again (in \d+ s|now)$/);
  await panel.expect('#panel[data-link="lost"][data-bell="silent"]');
  await panel.expect('.sector[data-position="7"][aria-disabled="true"]');
  assert.match(await panel.page.title(), /^No connection/);
  await panel.expectOrder('COFFEE');
  await telegraph.write('status.eot', '8');
  await telegraph.resume();
  await panel.expectConnected();
  await panel.expectOrder('LUNCH');
  await panel.expectRinging();
  assert.equal(await panel.page.locator('#link').textContent(), '');
  await panel.sector(8).click();
  await panel.expectSilent();
  assert.equal(await telegraph.read('accept.eot'), '8\n');
});

onLink('a server that shuts down says goodbye', {}, async (telegraph, panel) => {
  await telegraph.signal('SIGTERM');
  await panel.expectText('#link', /^The server shut down at \d\d:\d\d — looking for it again/);
  await panel.expectText('#link-more', /^The bell rang when last heard; /);
  await panel.expect('#panel[data-link="lost"]');
});

onLink('without a link an answer is refused at once, in words', {}, async (telegraph, panel) => {
  await telegraph.signal('SIGKILL');
  await panel.expect('#panel[data-link="lost"]');
  await panel.tap(7);
  await panel.expectText('#request', 'Your answer COFFEE did not count: there is no connection');
});

onLink('an answer on its way when the link is lost goes back, with the reason', {},
  async (telegraph, panel) => {
    await telegraph.signal('SIGSTOP');
    await panel.sector(7).click();
    await panel.expect('.sector.waiting[data-position="7"][aria-busy="true"]');
    await panel.expectText('#tale', /answering it …$/);
    await telegraph.signal('SIGKILL');
    await panel.expectText('#request',
      'Your answer COFFEE did not count: the connection was lost before it was confirmed');
    await panel.expect('.sector:not(.waiting)[data-position="7"]');
  });

onLink('a server that falls silent is lost, and heard again', {}, async (telegraph, panel) => {
  await telegraph.signal('SIGSTOP');
  await panel.expectText('#link', /^No connection since /);
  await telegraph.signal('SIGCONT');
  await panel.expectConnected();
  await panel.sector(7).click();
  await panel.expectSilent();
});
