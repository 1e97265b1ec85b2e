// At a glance: whatever is open and wherever the panel hangs, order, reply, bell and link can be
// told from what is seen.

import assert from 'node:assert/strict';

import { visit } from './visit.js';

const PLACES = [[360, 640], [683, 384], [1366, 768], [1920, 1080], [1080, 1920]];

/** A text of more lines than any place shows in letters that can be read. */
const LONG = Array.from({ length: 80 }, (_, k) => `${k + 1}. All is well.`).join('\n');

const { onTelegraph } = visit();

for (const [width, height] of PLACES) {
  onTelegraph(`what covers the board says what it says, at ${width} by ${height}`, {
    status: '7', accept: '6', args: ['--allow-orders', 'any'],
    view: { viewport: { width, height } },
  }, async (telegraph, panel) => {
    const { page } = panel;
    const isAlone = async (selector) => {
      const dial = await page.locator('.instrument').boundingBox();
      const cover = await page.locator(selector).boundingBox();
      const beside = cover.x >= dial.x + dial.width - 1 || cover.y >= dial.y + dial.height - 1;
      assert.ok(beside || (cover.width >= width - 1 && cover.height >= height - 1),
        `${selector} leaves the dial whole, or covers all`);
    };
    const says = async (selector, bell, order) => {
      await page.locator(selector).waitFor();
      await panel.expectText(`${selector} .strip .alive`, /^Connected · \d\d:\d\d$/);
      await panel.expectText(`${selector} .strip .sign span`, bell);
      await panel.expectText(`${selector} .strip .strip-words`, order);
      for (const part of ['.alive', '.sign', '.strip-words']) {
        const box = await page.locator(`${selector} .strip ${part}`).boundingBox();
        const isSeen = box.x >= 0 && box.y >= 0 && box.x + box.width <= width + 0.5
          && box.y + box.height <= height + 0.5;
        assert.ok(isSeen, `${selector} ${part} is at ${JSON.stringify(box)}`);
      }
      await isAlone(selector);
    };
    const rings = ['The bell rings, sound off here', /^COFFEE ordered \d\d:\d\d — .+$/];
    for (const drawer of ['book', 'help']) {
      await page.click(`#${drawer}-open`);
      await says(`#${drawer}`, ...rings);
      await page.keyboard.press('Escape');
    }
    await page.click('#pi');
    await says('#console', ...rings);
    await page.keyboard.press('Escape');
    await panel.sector(7).click();
    await panel.expectSilent();
    await page.click('#ordering');
    await panel.sector(9).click();
    await says('#confirm', 'Answered · bell silent', /^COFFEE, answered by you \d\d:\d\d$/);
    await panel.expect('.sector.asked[data-position="9"]');
    await page.keyboard.press('Escape');
    // A dialog tells of its end a little after the key.
    await page.locator('.sector.asked').waitFor({ state: 'detached' });
    assert.equal(await page.locator('.sector.asked').count(), 0);
    await panel.expectText('#ordering', 'Cancel ordering');
    await page.click('#ordering');
    await panel.expectText('#ordering', 'Order');
  });

  onTelegraph(`a text that goes on says so, and hides nothing, at ${width} by ${height}`, {
    status: LONG, accept: '6', view: { viewport: { width, height } },
  }, async (telegraph, panel) => {
    const { page } = panel;
    await panel.expectRinging();
    await panel.expectText('#more', /^▾ goes on: \d+ more lines$/);
    await panel.expectText('#tale', /not answered|still to be answered/);
    const hands = await page.locator('.hands').boundingBox();
    for (const part of ['#sign', '#more', '#tale', '#other']) {
      const { y, height: high } = await page.locator(part).boundingBox();
      assert.ok(y >= 0 && y + high <= hands.y + 0.5, `${part} ends at ${y + high}, ${hands.y}`);
    }
    const order = page.locator('#order');
    assert.equal(await order.getAttribute('tabindex'), '0', 'keys scroll it');
    await order.evaluate((text) => text.scrollTo(0, text.scrollHeight));
    await panel.expect('#order:not([data-goes-on])');
    assert.equal(await page.locator('#more').textContent(), '');
    await telegraph.write('status.eot', '8');
    await panel.expectOrder('LUNCH');
    assert.ok(await page.locator('#more').isHidden());
    assert.equal(await order.getAttribute('tabindex'), null);
  });
}

onTelegraph('the tick on the fork stands upright wherever the fork is', {
  status: '9', accept: '9',
}, async (telegraph, panel) => {
  const turned = () => panel.page.locator('.check').evaluate((check) => {
    const { a, b } = check.getScreenCTM();
    return (Math.atan2(b, a) * 180) / Math.PI;
  });
  for (const position of [9, 1, 11]) {
    await telegraph.write('status.eot', String(position));
    await telegraph.write('accept.eot', String(position));
    await panel.expect(`.sector.answered[data-position="${position}"]`);
    assert.ok(Math.abs(await turned()) < 0.1);
  }
});

onTelegraph('what has no place on the dial has a named one beside it', { status: null },
  async (telegraph, panel) => {
    const places = () => panel.page.locator('.parking').evaluateAll((all) =>
      all.map((place) => [...place.children].map(({ textContent }) => textContent).join(' ').trim()));
    await panel.expectOrder('No order yet');
    assert.deepEqual(await places(), ['no order', 'no reply']);
    await telegraph.write('accept.eot', '6');
    await telegraph.write('status.eot', 'main is broken');
    await panel.expectRinging();
    await panel.expect('.sector[data-position="6"][aria-pressed="true"]');
    assert.deepEqual(await places(), ['other text', '']);
  });

onTelegraph('a file that is gone is seen in lamp, sign and dot', { status: '7', accept: '7' },
  async (telegraph, panel) => {
    await panel.expectSilent();
    await telegraph.remove('status.eot');
    await panel.expect('#panel[data-sign="unwell"][data-files="unwell"]');
    await panel.expectText('#sign-words', 'Last known · bell silent');
    await panel.expectText('#alive', /^Connected, but a file is not well/);
    await telegraph.write('status.eot', '7');
    await panel.expect('#panel[data-sign="rings"][data-files="well"]');
  });
