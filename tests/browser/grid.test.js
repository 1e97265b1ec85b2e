// The board by numbers: in every state and in every window, from a phone's to a wall's, what is
// ordered is seen, what can be done can be reached, and nothing stands on anything else.

import assert from 'node:assert/strict';

import { after, before, test } from './bounded.js';
import { Telegraph, launch } from './house.js';
import { openScripted } from './scripted.js';
import { STATES } from './states.js';

/** Windows in CSS pixels, each of them in both orientations; zoom makes them smaller. */
const WINDOWS = [
  [320, 256], [320, 480], [320, 568], [341, 256], [360, 510], [360, 560], [360, 640], [360, 740],
  [375, 553], [375, 667], [375, 812], [384, 683], [390, 664], [390, 844], [400, 300], [400, 640],
  [412, 732], [412, 915], [430, 932], [480, 800], [500, 800], [512, 384], [533, 400], [540, 720],
  [540, 960], [600, 800], [600, 960], [600, 1024], [640, 360], [640, 480], [683, 740], [720, 720],
  [720, 1280], [744, 1133], [768, 432], [768, 1024], [800, 600], [800, 1280], [810, 1080],
  [820, 1180], [834, 1194], [853, 480], [900, 900], [912, 1368], [960, 540], [960, 1040],
  [1024, 576], [1024, 1366], [1050, 1680], [1080, 1920], [1200, 1600], [1280, 720], [1280, 1330],
  [1366, 768], [1440, 900], [1536, 864], [1920, 1080], [2560, 1080], [2560, 1440], [3440, 1440],
  [3840, 2160], [568, 320], [480, 320], [844, 390], [412, 846], [430, 740], [1152, 720],
  [1600, 900], [1680, 945], [2048, 1152],
];

const VIEWPORTS = [...new Map(WINDOWS.flatMap(([a, b]) => [[a, b], [b, a]])
  .map((size) => [size.join(' by '), size])).values()];

let browser;
let telegraph;
before(async () => {
  browser = await launch();
  telegraph = await Telegraph.start();
});
after(async () => {
  await browser.close();
  await telegraph.stop();
});

test(`${STATES.length} states in ${VIEWPORTS.length} windows: all is seen, nothing overlaps`, {
  timeout: 600_000,
}, async (t) => {
  assert.ok(VIEWPORTS.length >= 120, `${VIEWPORTS.length} windows`);
  const panel = await openScripted(browser, telegraph.url(), STATES[0].says);
  panel.expectLosses();
  const { page } = panel;
  const device = await panel.context.newCDPSession(page);
  await page.click('#sound');
  await panel.expect('#panel[data-sound="on"]');
  await page.evaluate(hideDial);
  await page.evaluate(install);
  const start = performance.now();
  const wrong = [];
  for (const [width, height] of VIEWPORTS) {
    await device.send('Emulation.setDeviceMetricsOverride', {
      width, height, deviceScaleFactor: 1, mobile: false,
    });
    const found = await page.evaluate((states) => globalThis.survey(states), STATES);
    wrong.push(...found.map((fault) => `${width} by ${height}, ${fault}`));
  }
  t.diagnostic(`${Math.round(performance.now() - start)} ms`);
  assert.equal(wrong.length, 0, `${wrong.length} faults:\n${wrong.slice(0, 40).join('\n')}`);
  await panel.close();
});

/** Runs in the page. The dial is large and not what is looked at: unpainted, all is done much sooner. */
function hideDial() {
  for (const part of document.querySelectorAll('.instrument > *')) part.style.display = 'none';
}

/** A day's entries, the newest of them long. */
function story() {
  const now = Date.now();
  return Array.from({ length: 12 }, (_, k) => {
    const what = k % 2 ? 'reply' : 'order';
    const by = k % 2 ? { by: 'somebody', who: 'W'.repeat(12), after_ms: 4_000 }
      : { by: 'file', since: now };
    const name = 'ENGINE WORKING WRONG';
    return { seq: k + 1, at: now, what, status: '9', position: 9, name, ...by };
  });
}

test(`the bell book in ${VIEWPORTS.length} windows: at least three entries are seen`, {
  timeout: 300_000,
}, async () => {
  const own = await Telegraph.start({ book: story() });
  const panel = await openScripted(browser, own.url(), STATES[0].says);
  const device = await panel.context.newCDPSession(panel.page);
  await panel.page.evaluate(hideDial);
  await panel.page.click('#book-open');
  await panel.expectText('#book tbody tr:nth-child(1)', /server starts|ENGINE|STOP/);
  const wrong = [];
  for (const [width, height] of VIEWPORTS) {
    await device.send('Emulation.setDeviceMetricsOverride', {
      width, height, deviceScaleFactor: 1, mobile: false,
    });
    const found = await panel.page.evaluate(async () => {
      await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
      const pages = document.querySelector('#book .pages');
      const room = pages.getBoundingClientRect();
      // The last line fades.
      const fade = Number.parseFloat(getComputedStyle(pages).paddingBottom) / 2;
      const end = Math.min(innerHeight, room.bottom - fade);
      const isSeen = (element) => {
        const { left, right, top, bottom } = element.getBoundingClientRect();
        const hit = document.elementFromPoint(left + 4, (top + bottom) / 2);
        return left >= -1 && right <= innerWidth + 1 && top >= room.top - 1 && bottom <= end
          && (hit === element || element.contains(hit));
      };
      const rows = [...pages.querySelectorAll('tbody tr')].filter(isSeen).length;
      const buttons = ['#book-before', '#book-after', '#book-csv', '#book header form button']
        .filter((one) => {
          const box = document.querySelector(one).getBoundingClientRect();
          // In the narrowest windows the file is to be had by a wider one.
          if (one === '#book-csv' && innerWidth < 320) return false;
          return box.left < -1 || box.right > innerWidth + 1 || box.top < -1
            || box.bottom > innerHeight + 1 || box.height < 43.9;
        });
      const wide = pages.scrollWidth - pages.clientWidth;
      return [
        rows < 3 && `${rows} rows`, buttons.length > 0 && `${buttons} out of sight`,
        wide > 0 && `${wide} too wide`,
      ].filter(Boolean);
    });
    wrong.push(...found.map((fault) => `${width} by ${height}: ${fault}`));
  }
  assert.deepEqual(wrong, []);
  await panel.close();
  await own.stop();
});

/** Runs in the page: `survey(states)` tells what is wrong in this window. */
function install() {
  const find = (selector) => document.querySelector(selector);
  const seen = (element) => {
    const box = element.getBoundingClientRect();
    return element.checkVisibility({ visibilityProperty: true }) && box.width > 0 && box.height > 0;
  };

  /** Waits for the frame that shows what was said: its words, its layout, and what was fitted to it. */
  const drawn = () => new Promise((done) => {
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = done;
      port2.postMessage(null);
    });
  });

  const ACTS = {
    sound: () => {},
    silence: () => {
      if (find('#panel').dataset.sound === 'on') find('#sound').click();
    },
    tap: () => find('.sector[data-position="8"]')
      .dispatchEvent(new MouseEvent('click', { bubbles: true })),
    cut: () => globalThis.wire.cut(),
  };

  async function bring({ says, does }) {
    const { wire } = globalThis;
    if (wire.isUp) wire.say(...says);
    else wire.mend(...says);
    await drawn();
    const wantsSound = does === 'sound' || does === 'silence';
    if (wantsSound !== (find('#panel').dataset.sound !== 'off')) {
      for (let k = 0; k < 3 && wantsSound !== (find('#panel').dataset.sound !== 'off'); k += 1) {
        find('#sound').click();
        await drawn();
      }
    }
    if (does) {
      ACTS[does]();
      await drawn();
    }
  }

  /** Where the letters of the order are, line by line. The blank at which a line ends hangs out of it. */
  function lines(element) {
    const range = document.createRange();
    range.selectNodeContents(element);
    const boxes = [...range.getClientRects()].filter(({ width }) => width > 0);
    const blank = 0.4 * Number.parseFloat(getComputedStyle(element).fontSize);
    return boxes.filter((box, index) => box.width > blank || box.top !== boxes[index - 1]?.top);
  }

  const isIn = (box, room, slack = 1) => box.left >= room.left - slack && box.top >= room.top - slack
    && box.right <= room.right + slack && box.bottom <= room.bottom + slack;
  const isHit = (element, x, y) => {
    const hit = document.elementFromPoint(x, y);
    return hit !== null && (hit === element || element.contains(hit));
  };
  const middle = ({ left, right, top, bottom }) => [(left + right) / 2, (top + bottom) / 2];

  function orderFaults({ isText }) {
    const order = find('#order');
    const windowBox = { left: 0, top: 0, right: innerWidth, bottom: innerHeight };
    const room = order.getBoundingClientRect();
    const rects = lines(order);
    const faults = [];
    if (rects.length === 0) return ['the order has no letters'];
    if (!isIn(room, windowBox)) faults.push(`the order's place leaves the window`);
    const size = Number.parseFloat(getComputedStyle(order).fontSize);
    // The line box is higher than its letters; what is above and below them may be outside.
    const whole = rects.filter((box) => {
      const air = Math.max(1, (box.height - 0.75 * size) / 2);
      return isIn(box, room, air) && isIn(box, windowBox, air);
    });
    const lost = rects.length - whole.length;
    const goesOn = !find('#more').hidden;
    if (!isText && (lost > 0 || goesOn)) faults.push(`${lost} lines of the name are not seen`);
    if (isText && lost > 0 && !goesOn) faults.push(`${lost} lines unseen, and it does not say so`);
    if (isText && goesOn) {
      const [, count] = /goes on: (\d+) more/.exec(find('#more').textContent) ?? [];
      const hidden = rects.filter((box) => !whole.includes(box));
      const unseen = new Set(hidden.map(({ top }) => Math.round(top))).size;
      if (Math.abs(Number(count) - unseen) > 1) faults.push(`${unseen} lines are unseen, it says ${count}`);
      if (whole.length < 2) faults.push('of a text that goes on less than two lines are seen');
    }
    for (const box of whole) {
      // A blank at the end of a line hangs out of it.
      const [left, right] = [Math.max(box.left, room.left), Math.min(box.right, room.right)];
      for (const part of [0.08, 0.5, 0.92]) {
        const x = left + part * (right - left);
        if (!isHit(order, x, (box.top + box.bottom) / 2)) faults.push('the order cannot be hit');
      }
    }
    if (size < 13) faults.push(`the order has letters of ${size}`);
    return [...new Set(faults)];
  }

  /** What must not stand on each other; a link that tells is as many lines as it needs. */
  const PARTS = ['#alive', '#link', '#link-more', '#lamp-status', '#lamp-accept', '#sign', '#order',
    '#more', '#tale', '#other', '#request', '#trusting label', '#trusting input', '#trusting button',
    '#answer', '#undo', '#sound', '#coming-yes', '#coming-no', '#ordering', '#name', '#present',
    '.answers', '#book-open', '#light', '#help-open', '#about', '#pi'];

  /** What is to be seen without scrolling. */
  const FIRST = ['#alive', '#link', '#sign', '#order', '#tale', '#more', '#answer', '#undo'];

  /** What of an element is not scrolled away with the board; it may be nothing. */
  function shown(element) {
    const box = element.getBoundingClientRect();
    if (!element.closest('.board')) return box;
    const board = find('.board').getBoundingClientRect();
    const [top, bottom] = [Math.max(box.top, board.top), Math.min(box.bottom, board.bottom)];
    return new DOMRect(box.left, top, box.width, Math.max(0, bottom - top));
  }

  function placeFaults() {
    const faults = [];
    // Where there is hardly a word to a line, names of forty letters push the button below what is seen
    // at first.
    const isNarrow = innerWidth <= 320;
    const all = PARTS.map((selector) => [selector, find(selector)])
      .filter(([, element]) => seen(element) && element.textContent + element.tagName !== 'P')
      .map(([selector, element]) => ({ selector, element, box: shown(element) }));
    all.forEach((a, index) => {
      all.slice(index + 1).forEach((b) => {
        const across = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left);
        const down = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
        const by = Math.round(Math.min(across, down));
        if (across > 1 && down > 1) faults.push(`${a.selector} on ${b.selector} by ${by}`);
      });
      const { left, right, top, bottom } = a.box;
      const whole = a.element.getBoundingClientRect();
      if (left < -1 || right > innerWidth + 1) faults.push(`${a.selector} is beside the window`);
      const isFirst = FIRST.includes(a.selector) && !(isNarrow && a.selector === '#answer');
      if (isFirst && (whole.height > a.box.height + 1 || bottom > innerHeight + 1)) {
        faults.push(`${a.selector} ends at ${Math.round(whole.bottom)}`);
      }
      if (a.element.tagName === 'BUTTON') {
        if (whole.width < 43.9 || whole.height < 43.9) faults.push(`${a.selector} is small`);
        if (a.element.scrollWidth > a.element.clientWidth + 1) faults.push(`${a.selector} is cut`);
      }
      const { tagName, scrollHeight, clientHeight } = a.element;
      const isText = (tagName === 'P' && a.selector !== '#present') || tagName === 'BUTTON';
      if (isText && scrollHeight > clientHeight + 3) {
        faults.push(`${a.selector} is cut: ${scrollHeight} of ${clientHeight}`);
      }
      // The dial is round, and may be in another part of the page.
      const dial = find('.instrument').getBoundingClientRect();
      const [x, y] = middle(dial);
      const dx = Math.max(left - x, x - right, 0);
      const dy = Math.max(top - y, y - bottom, 0);
      if (bottom > top && Math.hypot(dx, dy) < dial.width * 0.46) {
        faults.push(`${a.selector} on the dial`);
      }
    });
    for (const selector of ['#answer', '#undo']) {
      const element = find(selector);
      if (!seen(element) || isNarrow) continue;
      if (!isHit(element, ...middle(element.getBoundingClientRect()))) {
        faults.push(`${selector} cannot be hit`);
      }
    }
    const { scrollWidth } = document.documentElement;
    if (scrollWidth > innerWidth) faults.push(`the page is ${scrollWidth} wide`);
    return faults;
  }

  globalThis.survey = async (states) => {
    const found = [];
    for (const state of states) {
      await bring(state);
      const look = () => [...orderFaults(state), ...placeFaults()];
      let faults = look();
      // What was fitted may have changed the room that it was fitted to: some frames later all is at rest.
      for (let frames = 0; faults.length > 0 && frames < 10; frames += 1) {
        await drawn();
        faults = look();
      }
      found.push(...faults.map((fault) => `${state.name}: ${fault}`));
    }
    return found;
  };
}
