// Hands on the panel: every action by mouse, by touch and by keyboard, and what they bring about.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';

import { test } from './bounded.js';
import { Panel, Telegraph } from './house.js';
import { visit } from './visit.js';

const { browser, onTelegraph } = visit();

/** The three ways to press something; `go` finds the way there by keys alone. */
const WAYS = {
  mouse: { press: (panel, selector) => panel.page.click(selector), view: {} },
  touch: { press: (panel, selector) => panel.page.tap(selector), view: { hasTouch: true } },
  keyboard: { press: pressByKeys, view: {} },
};

/** Goes with Tab, and on the dial with arrows, until this has the focus; then Enter. */
async function pressByKeys({ page }, selector) {
  const isThere = () => page.evaluate((wanted) =>
    document.activeElement === document.querySelector(wanted), selector);
  for (let k = 0; k < 60 && !await isThere(); k += 1) {
    const isOnDial = await page.evaluate(() =>
      document.activeElement.closest?.('#dial') !== null);
    const isForDial = selector.startsWith('.sector');
    await page.keyboard.press(isForDial && isOnDial ? 'ArrowRight' : 'Tab');
    if (isForDial && k === 30) await page.keyboard.press('Home');
  }
  assert.ok(await isThere(), `the keys lead to ${selector}`);
  await page.keyboard.press('Enter');
}

for (const [way, { press, view }] of Object.entries(WAYS)) {
  onTelegraph(`by ${way}: answer, come, acknowledge, order, arm, light, book, help, console`, {
    status: '6', args: ['--allow-orders', 'any'], view,
  }, async (telegraph, panel) => {
    const { page } = panel;
    await press(panel, '.sector[data-position="6"]');
    await panel.expectSilent();
    assert.equal(await telegraph.read('accept.eot'), '6\n');

    await telegraph.write('status.eot', '7');
    await panel.expectRinging();
    await press(panel, '#coming-no');
    await panel.expectText('#answers li', 'You are not coming');
    await press(panel, '#coming-yes');
    await panel.expectSilent();
    await panel.expectText('#answers li', /^You are coming, /);

    await telegraph.write('status.eot', 'main is broken');
    await panel.expectText('#answer', 'Acknowledge');
    await press(panel, '#answer');
    await panel.expectSilent();
    assert.equal(await telegraph.read('accept.eot'), 'main is broken\n');

    await telegraph.write('status.eot', '8');
    await panel.expectText('#answer', 'Answer LUNCH');
    await press(panel, '#answer');
    await panel.expectSilent();
    assert.equal(await telegraph.read('accept.eot'), '8\n');
    assert.ok(await page.locator('#answer').isHidden());

    await press(panel, '.sector[data-position="10"]');
    await panel.expectText('#request', 'SIWOTI is sent in 5 seconds and rings the bell for all');
    await press(panel, '#undo');
    await panel.expectText('#request', 'SIWOTI was not sent: you took it back');

    await press(panel, '#ordering');
    await press(panel, '.sector[data-position="9"]');
    await panel.expectText('#question', 'Order ENGINE WORKING WRONG for all?');
    await press(panel, '#confirm [value="order"]');
    await panel.expectOrder('ENGINE WORKING WRONG');
    await panel.expectRinging();

    await press(panel, '#sound');
    await panel.expectText('#sound-words', 'Sound is on: silence it');
    await press(panel, '#sound');
    await panel.expectText('#sound-words', /^Silent for (30|29) s$/);
    await press(panel, '#sound');
    await panel.expectText('#sound-words', 'Sound is off: click to arm');

    const isNight = () => page.evaluate(() =>
      getComputedStyle(document.documentElement).colorScheme === 'dark');
    await press(panel, '#light');
    assert.ok(await isNight());
    await press(panel, '#light');
    assert.ok(!await isNight());

    await press(panel, '#book-open');
    await panel.expectText('#book tbody tr:nth-child(1)', /ENGINE WORKING WRONG ordered/);
    await press(panel, '#book header form button');
    await page.locator('#book').waitFor({ state: 'hidden' });
    await press(panel, '#help-open');
    await page.locator('#help').waitFor({ state: 'visible' });
    await press(panel, '#help header form button');
    await page.locator('#help').waitFor({ state: 'hidden' });
    await press(panel, '#pi');
    await page.locator('#console').waitFor({ state: 'visible' });
  });
}

onTelegraph('keys mean what the help says, wherever the focus is', { status: '8', accept: '6' },
  async (telegraph, panel) => {
    const { keyboard } = panel.page;
    const focused = () => panel.page.evaluate(() => document.activeElement.ariaLabel);
    await panel.expectRinging();
    await keyboard.press('b');
    await panel.expectText('#sound-words', 'Sound is on: silence it');
    await keyboard.press('s');
    await panel.expectText('#sound-words', /^Silent for \d+ s$/);
    await panel.expect('#panel[data-sound="silenced"][data-bell="rings"]');
    await keyboard.press('s');
    await panel.expectText('#sound-words', 'Sound is on: silence it');
    await keyboard.press('c');
    assert.equal(await focused(), 'Answer COFFEE', 'a letter finds the dial');
    await keyboard.press('s');
    assert.equal(await focused(), 'Answer SIWOTI', 'on the dial letters are names');
    await keyboard.press('Shift+S');
    await panel.expectText('#sound-words', /^Silent for \d+ s$/);
    await keyboard.press('Shift+B');
    await panel.expectText('#sound-words', 'Sound is off: click to arm');
    await keyboard.press('Escape');
    assert.equal(await focused(), null, 'Escape lets go of the dial');
    await keyboard.press('?');
    await panel.page.locator('#help').waitFor({ state: 'visible' });
    await keyboard.press('b');
    await panel.expectText('#sound-words', /^Sound is on/);
    await keyboard.press('Escape');
    await panel.page.fill('#name', '');
    await panel.page.type('#name', 'bs?7');
    assert.equal(await panel.page.inputValue('#name'), 'bs?7');
    assert.ok(await panel.page.locator('#help').isHidden());
  });

onTelegraph('a stray tap on a settled telegraph rings nobody, unless it is meant', {
  panels: 2, status: '7', accept: '7',
}, async (telegraph, one, two) => {
  const { page } = one;
  await one.expectSilent();
  await one.sector(8).click();
  await one.expect('.sector.waiting[data-position="8"][aria-busy="true"]');
  await one.expect('#undo:not([hidden])');
  await page.keyboard.press('Escape');
  await one.expectText('#request', 'LUNCH was not sent: you took it back');
  await page.keyboard.press('l');
  await page.keyboard.press('Enter');
  await one.expectText('#undo', 'Undo');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'undo', 'one Tab from the dial');
  assert.equal(await page.evaluate(() => document.activeElement.ariaDescribedByElements?.[0]?.id
    ?? document.activeElement.getAttribute('aria-describedby')), 'request');
  await page.keyboard.press('Enter');
  await one.expectText('#request', 'LUNCH was not sent: you took it back');
  await one.expect('.sector:not(.waiting)[data-position="8"]');
  assert.equal(await telegraph.read('accept.eot'), '7', 'nothing was sent');
  // Meant: it goes out by itself, and rings for all.
  await one.sector(9).click();
  await two.expectRinging();
  await two.expectText('#other', /^Wrong answer: ENGINE WORKING WRONG, by another station/);
  assert.equal(await telegraph.read('accept.eot'), '9\n');
});

onTelegraph('an order that comes meanwhile takes a held answer away', {
  panels: 1, status: '7', accept: '7',
}, async (telegraph, panel) => {
  await panel.expectSilent();
  await panel.sector(8).click();
  await panel.expectText('#request', /^LUNCH is sent in 5 seconds/);
  await telegraph.write('status.eot', '3');
  await panel.expectText('#request', 'LUNCH was not sent: the order has changed');
  await panel.expectText('#answer', 'Answer SLOW');
});

onTelegraph('the bell on the dial is a bell button too', { status: '7', accept: '6' },
  async (telegraph, panel) => {
    await panel.page.locator('.ships-bell .hit').click();
    await panel.expect('#panel[data-sound="on"]');
    await panel.page.locator('.ships-bell .hit').click();
    await panel.expect('#panel[data-sound="silenced"]');
    assert.equal(await telegraph.read('accept.eot'), '6', 'and no answer');
  });

onTelegraph('a silence is of one order: the next is heard', { status: '7', accept: '6' },
  async (telegraph, panel) => {
    await panel.page.click('#sound');
    await panel.page.keyboard.press('s');
    await panel.expect('#panel[data-sound="silenced"]');
    await telegraph.write('status.eot', '8');
    await panel.expectOrder('LUNCH');
    await panel.expect('#panel[data-sound="on"]');
  });

onTelegraph('the light that was chosen is there again, before anything is drawn', {
  view: { colorScheme: 'light' },
}, async (telegraph, panel) => {
  const { page } = panel;
  const scheme = () => page.evaluate(() => getComputedStyle(document.documentElement).colorScheme);
  assert.equal(await scheme(), 'light');
  await page.click('#light');
  assert.equal(await scheme(), 'dark');
  await page.reload();
  await panel.expectConnected();
  assert.equal(await scheme(), 'dark');
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.click('#light');
  assert.equal(await scheme(), 'light', 'it overrides the system both ways');
});

onTelegraph('the bell book shows the day, follows it, and is saved as CSV', {
  status: '7', accept: '6',
}, async (telegraph, panel) => {
  const { page } = panel;
  await panel.isCalled('Tim');
  await page.click('#book-open');
  await panel.expectText('#book-day', 'Today');
  await panel.expectText('#book tbody tr:nth-child(1) td:nth-child(2)', /answered STOP|COFFEE/);
  await telegraph.write('accept.eot', '7');
  await panel.expectText('#book tbody tr:nth-child(1) td:nth-child(2)', 'answered COFFEE');
  await panel.expectText('#book .strip-words', /^COFFEE, answered by the accept file/);
  assert.ok(await page.locator('#book-line .span').count() > 0);
  assert.ok(await page.locator('#book-after').isDisabled());
  const [download] = await Promise.all([
    page.waitForEvent('download'), page.click('#book-csv'),
  ]);
  assert.equal(download.suggestedFilename(), 'bell-book.csv');
  const table = await readFile(await download.path(), 'utf8');
  assert.match(table, /COFFEE/);
  assert.match(table.split('\n')[0], /time/);
});

onTelegraph("the day and the times are the server's, whatever this machine's clock says", {
  view: {
    prepare: (page) => page.addInitScript(() => {
      const { now } = Date;
      Date.now = () => now() + 3 * 86_400_000;
    }),
  },
}, async (telegraph, panel) => {
  await panel.expectText('#tale', /^ordered \d\d:\d\d|by the accept file \d\d:\d\d/);
  await panel.page.click('#book-open');
  await panel.expectText('#book-day', 'Today');
  await panel.expectText('#book tbody tr:nth-child(1)', /STOP ordered|server starts/);
  assert.equal(await panel.page.locator('#book-line .present').count(), 1, 'now is on the line');
});

onTelegraph('the bell book is asked for in the moment in which it is opened', {},
  async (telegraph, panel) => {
    await panel.expectOrder('STOP');
    const { asked, word } = await panel.page.evaluate(() => {
      const { fetch } = globalThis;
      const urls = [];
      globalThis.fetch = (url, ...rest) => {
        urls.push(url);
        return fetch(url, ...rest);
      };
      document.querySelector('#book-open').click();
      return { asked: urls, word: document.querySelector('#book-word').textContent };
    });
    assert.match(asked.join(), /^bell-book\?limit=\d+$/);
    assert.equal(word, 'Reading the bell book …');
    await panel.expectText('#book tbody tr:nth-child(1)', /STOP ordered|server starts/);
    assert.equal(await panel.page.locator('#book-word').textContent(), '');
  });

onTelegraph('a server without a bell book says so', { args: ['--no-bell-book'] },
  async (telegraph, panel) => {
    panel.expectLosses(/404/);
    await panel.page.click('#book-open');
    await panel.expectText('#book-word', 'This server keeps no bell book.');
    assert.ok(await panel.page.locator('#book-csv').isHidden());
  });

onTelegraph('hostile names and texts are only text in the bell book too', {
  status: '<img src=x onerror=alert(1)>',
}, async (telegraph, panel) => {
  panel.page.on('dialog', () => assert.fail('the book ran'));
  await panel.page.click('#book-open');
  await panel.expectText('#book tbody tr:nth-child(1)', /<img src=x onerror=alert\(1\)> ordered/);
  assert.equal(await panel.page.locator('#book img').count(), 0);
});

for (const [host, kind, words] of [
  ['localhost', 'secure', ''],
  ['office.test', 'insecure', 'Not possible here: a browser wants https or localhost for that.'],
]) {
  test(`notices on the desktop: ${kind} context`, async (t) => {
    const telegraph = await Telegraph.start({
      status: '6', accept: '6', args: ['--host', 'office.test'],
    });
    t.after(() => telegraph.stop());
    const panel = await Panel.open(browser(), telegraph.url(host), { prepare: recordNotices });
    await panel.page.click('#help-open');
    await panel.page.locator('#help').waitFor({ state: 'visible' });
    assert.equal(await panel.page.locator('#notify-word').textContent(), words);
    assert.equal(await panel.page.locator('#notify').isDisabled(), kind === 'insecure');
    if (kind === 'secure') await panel.page.click('#notify');
    await panel.page.keyboard.press('Escape');
    await panel.page.evaluate(() => globalThis.hide(true));
    await telegraph.write('status.eot', '7');
    await panel.expectTitle(/^🔔 COFFEE/);
    const told = () => panel.page.evaluate(() => globalThis.notices);
    if (kind === 'secure') {
      assert.deepEqual((await told()).map(({ title }) => title), ['COFFEE']);
      await telegraph.write('accept.eot', '7');
      await panel.expectTitle(/^COFFEE/);
      assert.ok((await told())[0].closed, 'an answer takes the notice away');
    } else {
      assert.deepEqual(await told(), [], 'the title alone has to do');
    }
    await panel.close();
  });
}

/** Notices are kept instead of shown, and the page can be told that it is hidden. */
function recordNotices(page) {
  return page.addInitScript(() => {
    globalThis.notices = [];
    globalThis.Notification = class {
      static permission = 'default';

      static async requestPermission() {
        globalThis.Notification.permission = 'granted';
      }

      constructor(title, options) {
        this.kept = { title, ...options, closed: false };
        globalThis.notices.push(this.kept);
      }

      close() {
        this.kept.closed = true;
      }
    };
    let isHidden = false;
    Object.defineProperty(document, 'hidden', { get: () => isHidden });
    globalThis.hide = (hidden) => {
      isHidden = hidden;
      document.dispatchEvent(new Event('visibilitychange'));
    };
  });
}
