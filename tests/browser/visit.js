// A file of tests with a browser of its own, and tests of a telegraph and its panels.

import { after, before, test } from './bounded.js';
import { Panel, Telegraph, launch } from './house.js';

/**
 * A browser that is there while the tests of a file run. `browser()` is it; `onTelegraph` runs a
 * test with a server and panels, and looks at the end whether anything went wrong.
 */
export function visit() {
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser.close());

  function onTelegraph(name, { panels = 1, view = {}, host, ...server }, body) {
    test(name, async (t) => {
      const telegraph = await Telegraph.start(server);
      t.after(() => telegraph.stop());
      const open = Array.from({ length: panels }, () =>
        Panel.open(browser, telegraph.url(host), view));
      const opened = await Promise.all(open);
      await body(telegraph, ...opened);
      await Promise.all(opened.map((panel) => panel.close()));
    });
  }

  return { browser: () => browser, onTelegraph };
}
