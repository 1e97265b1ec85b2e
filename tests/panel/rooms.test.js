// The panel's modules keep to their rooms, as ARCHITECTURE.md has them.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';

const HOUSE = new URL('../../static/', import.meta.url);
const MODULES = readdirSync(HOUSE).filter((name) => name.endsWith('.js'));

/** Modules that know no page, socket, storage or clock. */
const PURE = ['asking', 'chronicle', 'geometry', 'keys', 'protocol', 'roll', 'shortcuts', 'store',
  'unseen', 'words'];

/** What a pure module must not name. */
const IMPURE = /\b(document|window|WebSocket|fetch|set(Timeout|Interval)|Date\.now|performance|(local|session)Storage|navigator|requestAnimationFrame)\b/;

/** Modules that know where things come from; whoever draws reads the store. */
const SOURCES = ['first-paint.js', 'main.js', 'socket.js'];

const code = (name) => readFileSync(new URL(name, HOUSE), 'utf8').split('\n')
  .filter((line) => !/^\s*(\/\/|\/\*|\*)/.test(line)).join('\n');
const imports = (name) => [...code(name).matchAll(/from '\.\/([^']+)'/g)].map((match) => match[1]);

test('what is pure names neither page nor socket nor clock', () => {
  for (const name of PURE) {
    const found = code(`${name}.js`).match(IMPURE);
    assert.equal(found, null, `${name}.js names ${found?.[0]}`);
    for (const other of imports(`${name}.js`)) {
      assert.ok(PURE.includes(other.replace(/\.js$/, '')), `${name}.js uses ${other}`);
    }
  }
});

test('only the entry knows the socket and the browser as a whole', () => {
  for (const name of MODULES.filter((module) => !SOURCES.includes(module))) {
    assert.ok(!imports(name).some((other) => SOURCES.includes(other)), `${name} uses a source`);
    assert.ok(!/\bWebSocket\b/.test(code(name)), `${name} opens a socket`);
  }
});

test('data is text: nothing is put into the page as markup', () => {
  for (const name of MODULES) {
    const found = code(name).match(/\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval)\b/);
    assert.equal(found, null, `${name} names ${found?.[0]}`);
  }
});

test('nothing comes from elsewhere, and nothing is in a circle', () => {
  const seen = new Map();
  const visit = (name, way) => {
    assert.ok(!way.includes(name), `a circle: ${[...way, name].join(' → ')}`);
    if (seen.has(name)) return;
    imports(name).forEach((other) => visit(other, [...way, name]));
    seen.set(name, true);
  };
  for (const name of MODULES) {
    visit(name, []);
    // Main is loaded once the first paint is there.
    const later = name === 'first-paint.js' ? "await import('./main.js');" : null;
    const foreign = code(name).replace(later, '').match(/^(import|\}).* from '(?!\.\/).*|\bimport\(.*/m);
    assert.equal(foreign, null, `${name}: ${foreign?.[0]}`);
  }
});

test('every test in a browser has an end', () => {
  const rooms = new URL('../browser/', import.meta.url);
  const bare = readdirSync(rooms).filter((name) => name.endsWith('.js') && name !== 'bounded.js')
    .filter((name) => readFileSync(new URL(name, rooms), 'utf8').includes("from 'node:test'"));
  assert.deepEqual(bare, [], 'they take test, before and after from bounded.js');
});

const PAGE = readFileSync(new URL('../panel.html', HOUSE), 'utf8');

/** Every module that `name` wants, and what they want. */
function closure(name, known = new Set()) {
  if (!known.has(name)) {
    known.add(name);
    for (const other of imports(name)) closure(other, known);
  }
  return known;
}

test('the page asks at once for what the first paint needs, then for all else, and for each part by the digest', () => {
  const [now, later] = PAGE.split('<template id="rest">').map((text) =>
    [...text.matchAll(/rel="modulepreload" href="static\/{{assets}}\/([^"]+)"/g)].map((match) => match[1]));
  const first = closure('first-paint.js');
  assert.deepEqual(['first-paint.js', ...now].sort(), [...first].sort());
  assert.deepEqual(later, [...closure('main.js')].filter((name) => !first.has(name)).sort());
  assert.ok(PAGE.includes('<script type="module" src="static/{{assets}}/first-paint.js"'));
  for (const [, address] of PAGE.matchAll(/(?:src|href)="([^"]*)"/g)) {
    assert.ok(!address.startsWith('/'), `${address} would not stand below a path`);
    if (address.startsWith('static/')) assert.ok(address.startsWith('static/{{assets}}/'), address);
  }
});

test('the server knows the script that stands in the page', () => {
  const [, script] = /<script>(.*?)<\/script>/s.exec(PAGE);
  const hash = createHash('sha256').update(script).digest('base64');
  const policy = readFileSync(new URL('../src/http/panel.rs', HOUSE), 'utf8');
  assert.ok(policy.includes(`'sha256-${hash}'`), `src/http/panel.rs should have 'sha256-${hash}'`);
});
