// The panel in a browser: what people see and do while the server is there.

import assert from 'node:assert/strict';

import { visit } from './visit.js';

const { onTelegraph } = visit();

onTelegraph('two panels see a change of the file', { panels: 2 }, async (telegraph, one, two) => {
  for (const panel of [one, two]) await panel.expectOrder('STOP');
  await telegraph.write('status.eot', '7\n');
  for (const panel of [one, two]) {
    await panel.expectOrder('COFFEE');
    await panel.expectRinging();
    await panel.expectText('#tale', /^ordered \d\d:\d\d — not answered yet$/);
    await panel.expect('.sector.ordered[aria-label="Answer COFFEE"]');
    assert.match(await panel.page.title(), /^🔔 COFFEE/);
  }
  await telegraph.write('status.eot', 'lunch');
  for (const panel of [one, two]) await panel.expectOrder('LUNCH');
});

onTelegraph('one answers by click, the other sees it, the file has it', {
  panels: 2, status: '7',
}, async (telegraph, one, two) => {
  await one.expectRinging();
  await one.sector(7).click();
  for (const panel of [one, two]) await panel.expectSilent();
  assert.equal(await telegraph.read('accept.eot'), '7\n');
  await one.expectText('#tale', /^answered by you \d\d:\d\d$/);
  await two.expectText('#tale', /^answered by another station \d\d:\d\d$/);
  await two.expect('.sector.answered[data-position="7"][aria-pressed="true"]');
  assert.doesNotMatch(await two.page.title(), /🔔/);
});

onTelegraph('an answer that differs keeps the bell ringing, and both are told', {
  panels: 2, status: '7',
}, async (telegraph, one, two) => {
  await one.sector(8).click();
  await two.expectText('#other', /^Wrong answer: LUNCH, by another station \d\d:\d\d$/);
  await two.expectRinging();
  assert.equal(await telegraph.read('accept.eot'), '8\n');
});

onTelegraph('the keyboard alone turns the dial and answers', { status: '8' },
  async (telegraph, panel) => {
    const focused = () => panel.page.evaluate(() => document.activeElement.ariaLabel);
    await panel.expectOrder('LUNCH');
    await panel.page.keyboard.press('Tab');
    assert.equal(await focused(), 'Answer LUNCH', 'Tab leads to what is ordered');
    for (const [key, label] of [
      ['c', 'Answer COFFEE'], ['ArrowRight', 'Answer LUNCH'], ['Home', 'Answer FULL'],
      ['5', 'Answer NEXT'], ['l', 'Answer LUNCH'],
    ]) {
      await panel.page.keyboard.press(key);
      assert.equal(await focused(), label, key);
    }
    await panel.page.keyboard.press('Enter');
    await panel.expectSilent();
    assert.equal(await telegraph.read('accept.eot'), '8\n');
    assert.equal(await focused(), 'Answer LUNCH', 'the focus stays');
  });

onTelegraph('a status off the dial is shown as it is, and acknowledged', {
  panels: 2, status: 'build broken\non main',
}, async (telegraph, one, two) => {
  for (const panel of [one, two]) {
    await panel.expectOrder(/^build broken\s+on main$/);
    await panel.expect('.pointer.order.parked');
    await panel.expectRinging();
  }
  await one.page.getByRole('button', { name: 'Acknowledge' }).click();
  for (const panel of [one, two]) {
    await panel.expectSilent();
    await panel.expectText('#tale', /^acknowledged by /);
    assert.ok(await panel.page.locator('#answer').isHidden());
  }
  assert.equal(await telegraph.read('accept.eot'), 'build broken\non main\n');
});

onTelegraph('a hostile status is text and nothing else', { view: { acceptDownloads: false } },
  async (telegraph, panel) => {
    const hostile = '<img src=x onerror=alert(1)><script>alert(2)</script>"\'&amp;';
    panel.page.on('dialog', () => assert.fail('the status ran'));
    await telegraph.write('status.eot', hostile);
    await panel.expectOrder(hostile);
    assert.equal(await panel.page.locator('img, #order *').count(), 0);
    assert.equal(await panel.page.locator('script').count(), 2, 'those that the page has');
    assert.ok((await panel.page.title()).includes('<img'));
  });

onTelegraph('a long status makes no scroll bars on a wall', {
  status: 'all work and no play '.repeat(190), view: { viewport: { width: 1920, height: 1080 } },
}, async (telegraph, panel) => {
  await panel.expectOrder(/^all work/);
  await assertNoScrollBars(panel);
});

for (const [width, height] of [
  [360, 640], [390, 844], [683, 384], [640, 360], [768, 1024], [1366, 768], [1920, 1080],
  [1080, 1920], [3840, 2160], [2160, 3840],
]) {
  onTelegraph(`no scroll bars at ${width} by ${height}`, {
    status: '9', view: { viewport: { width, height } },
  }, async (telegraph, panel) => {
    await panel.expectOrder('ENGINE WORKING WRONG');
    await assertNoScrollBars(panel);
    await telegraph.write('accept.eot', '11\n');
    await panel.expectText('#other', /BATTLE STATIONS/);
    await assertNoScrollBars(panel);
    for (const part of ['#sign', '#order', '#tale', '#other', '.hands']) {
      const { y, height: high } = await panel.page.locator(part).boundingBox();
      assert.ok(y >= 0 && y + high <= height, `${part} is in sight`);
    }
    const box = await panel.sector(9).boundingBox();
    assert.ok(box.width >= 44 && box.height >= 44, `a sector is ${box.width} by ${box.height}`);
  });
}

async function assertNoScrollBars({ page }) {
  const excess = await page.evaluate(() => {
    const { scrollWidth, scrollHeight } = document.documentElement;
    // On a phone the roll may be a thumb's width below.
    const below = innerWidth <= 480 ? 0 : scrollHeight - innerHeight;
    return { width: scrollWidth - innerWidth, height: below };
  });
  assert.deepEqual(excess, { width: 0, height: 0 });
}

onTelegraph('the console opens by π and by `, and tells what the server says', { status: '7' },
  async (telegraph, panel) => {
    const { keyboard } = panel.page;
    await panel.page.getByRole('button', { name: 'Debug console' }).click();
    await keyboard.type('status');
    await keyboard.press('Enter');
    await panel.expectText('[data-kind="console"]', /^Current Status: 7$/);
    await panel.expect('[data-kind="sent"]');
    await panel.expect('[data-kind="ok"]');
    await keyboard.press('`');
    assert.ok(await panel.page.locator('#console').isHidden());
    await keyboard.press('`');
    assert.ok(await panel.page.locator('#console').isVisible());
    await keyboard.type('hello <b>there</b>');
    await keyboard.press('Enter');
    await panel.expectText('[data-kind="console"]', 'Server echoed: hello <b>there</b>');
    await keyboard.press('Escape');
    assert.ok(await panel.page.locator('#console').isHidden());
  });

onTelegraph('a file that is gone lights the lamp, and its return puts it out', { status: '7' },
  async (telegraph, panel) => {
    await panel.expectOrder('COFFEE');
    assert.ok(await panel.page.locator('#lamp-status').isHidden());
    await telegraph.remove('status.eot');
    await panel.expectText('#lamp-status', /status\.eot.*, last known order shown$/);
    await panel.expectOrder('COFFEE');
    await telegraph.write('status.eot', '8');
    await panel.expectOrder('LUNCH');
    await panel.page.locator('#lamp-status').waitFor({ state: 'hidden' });
  });

onTelegraph('without a file there is no order, and a click says so', { status: null },
  async (telegraph, panel) => {
    await panel.expectOrder('No order yet');
    await panel.tap(7);
    await panel.expectText('#request', /^Your answer COFFEE did not count: there is no order yet$/);
  });

onTelegraph('in an insecure context everything works', {
  status: '7', host: 'office.test', args: ['--host', 'office.test'],
}, async (telegraph, panel) => {
  assert.equal(await panel.page.evaluate(() => isSecureContext), false);
  await panel.sector(7).click();
  await panel.expectSilent();
  assert.equal(await telegraph.read('accept.eot'), '7\n');
  await telegraph.write('status.eot', '11');
  await panel.expectOrder('BATTLE STATIONS');
});

onTelegraph('the sound is armed by a click, and the bell swings', { status: '7' },
  async (telegraph, panel) => {
    const sound = panel.page.locator('#sound');
    await panel.expectText('#sound-words', 'Sound is off: click to arm');
    await sound.click();
    await panel.expectText('#sound-words', 'Sound is on: silence it');
    await panel.expect('#sound.swings');
    await panel.sector(7).click();
    await panel.expectSilent();
    await panel.expect('#sound:not(.swings)');
    await sound.click();
    await panel.expectText('#sound-words', 'Sound is off: click to arm');
  });

onTelegraph('orders come and go, and nothing piles up or jumps', {
  view: { prepare: watchShifts },
}, async (telegraph, panel) => {
  // The console's log and the roll have bounds of their own, and the roll comes when it comes.
  const count = () => panel.page.locator(':not(#console *, #answers *)').count();
  await panel.expectOrder('STOP');
  const before = await count();
  for (let k = 0; k < 12; k += 1) {
    await telegraph.write('status.eot', k % 2 ? '6' : '7');
    await panel.expectOrder(k % 2 ? 'STOP' : 'COFFEE');
    await panel.sector(k % 2 ? 6 : 7).click();
    await panel.expectSilent();
  }
  assert.equal(await count(), before);
  const shift = await panel.page.evaluate(() => globalThis.shifted);
  assert.ok(shift < 0.005, `the page shifted by ${shift}`);
});

/** Adds up what moves without being told to. */
function watchShifts(page) {
  return page.addInitScript(() => {
    globalThis.shifted = 0;
    new PerformanceObserver((list) => {
      for (const { value } of list.getEntries()) globalThis.shifted += value;
    }).observe({ type: 'layout-shift', buffered: true });
  });
}
