// A telegraph without a dial: its panel is made of words, in every window, by day and by night.

import assert from 'node:assert/strict';

import { visit } from './visit.js';

const FILE = 'deploy.status';

/** Phones, a tablet upright, laptops, half a window, walls. */
const WINDOWS = [
  [320, 568], [390, 664], [683, 384], [820, 1180], [960, 1040], [1366, 768], [1080, 1920], [3840, 2160],
];

const TEXTS = ['7', 'main is broken', 'Whoever is on call, look at the dashboard. '.repeat(4).trim()];

const { onTelegraph } = visit();

const SETUP = { status: null, args: [FILE, '--allow-orders', 'any'] };

/** What of the text is seen where its middle is, and what a finger hits on the button. */
const seen = () => {
  const middle = (box) => document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  const range = document.createRange();
  range.selectNodeContents(document.querySelector('#order'));
  const text = range.getBoundingClientRect();
  const button = document.querySelector('.weighty:not([hidden])');
  const box = button.getBoundingClientRect();
  return {
    inside: text.x >= 0 && text.right <= innerWidth + 1 && text.y >= 0 && text.bottom <= innerHeight + 1,
    onTop: middle(text)?.closest('#order') !== null && middle(box)?.closest('button') === button,
    letters: Number.parseFloat(getComputedStyle(document.querySelector('#order')).fontSize),
    words: button.textContent.trim(),
    sideways: document.documentElement.scrollWidth > innerWidth,
  };
};

onTelegraph('the words have the whole page, and a button', SETUP, async (telegraph, panel) => {
  const { page } = panel;
  for (const text of TEXTS) {
    await telegraph.write(FILE, `${text}\n`);
    await panel.expectOrder(text);
    await panel.expectRinging();
    for (const [width, height] of WINDOWS) {
      await page.setViewportSize({ width, height });
      // The board fits its text when it is told of the new size, before the frame after this one.
      await page.evaluate(() => new Promise((drawn) => {
        requestAnimationFrame(() => requestAnimationFrame(drawn));
      }));
      const is = await page.evaluate(seen);
      const where = `${text.slice(0, 20)} at ${width}×${height}: ${JSON.stringify(is)}`;
      assert.ok(is.inside && is.onTop && !is.sideways, where);
      assert.equal(is.words, 'Acknowledge', where);
      assert.ok(is.letters >= 13 && (text.length > 14 || is.letters >= height / 16), where);
      assert.equal(await page.locator('.instrument').isVisible(), false, where);
    }
  }
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    assert.ok((await page.evaluate(seen)).onTop, colorScheme);
  }
});

onTelegraph('a text is acknowledged as it stands', SETUP, async (telegraph, panel) => {
  const { page } = panel;
  await panel.expectText('#order', 'No order yet');
  assert.equal(await page.locator('.instrument').isVisible(), false);
  await telegraph.write(FILE, '7\n');
  await panel.expectOrder('7');
  await panel.expectRinging();
  // Keys that would turn to a sector mean nothing, and nothing breaks.
  for (const key of ['7', 'c', 'ArrowLeft', 'Enter', 'End', 'Escape']) await page.keyboard.press(key);
  assert.equal(await page.locator('#ordering').isVisible(), false, 'no sector could be chosen');
  await page.getByRole('button', { name: 'Acknowledge' }).click();
  await panel.expectSilent();
  assert.equal(await telegraph.read(`${FILE}.accept`), '7\n');
  await panel.expectText('#tale', /^acknowledged by you \d\d:\d\d$/);
  await page.keyboard.press('?');
  await page.locator('#help .without-dial').waitFor();
  assert.equal(await page.locator('#help .with-dial').filter({ visible: true }).count(), 0);
  await page.keyboard.press('Escape');
});

onTelegraph('a dial that comes with another start is drawn, and one that goes is not', SETUP,
  async (telegraph, panel) => {
    await telegraph.write(FILE, '7\n');
    await panel.expectOrder('7');
    panel.expectLosses();
    telegraph.args = [FILE, '--dial', 'office'];
    await telegraph.signal('SIGKILL');
    await telegraph.resume();
    await panel.expectOrder('COFFEE');
    await panel.sector(7).waitFor();
    telegraph.args = [FILE];
    await telegraph.signal('SIGKILL');
    await telegraph.resume();
    await panel.expectOrder('7');
    await panel.expect('#panel[data-dial="none"]');
    assert.equal(await panel.page.locator('.sector').count(), 0);
  });

onTelegraph('what nobody would see of an order is shown by its number', SETUP, async (telegraph, panel) => {
  await telegraph.write(FILE, 'STOP\u200b\u202e \u3164\n');
  await panel.expectOrder('STOP⟨U+200B⟩⟨U+202E⟩ ⟨U+3164⟩');
});
