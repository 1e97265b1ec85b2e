// Whatever PROTOCOL.md lets a server say goes the whole way: through the wire's reader into the state
// and out again in words.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { readBook, rows, midnight } from '../../static/chronicle.js';
import { parse } from '../../static/protocol.js';
import * as roll from '../../static/roll.js';
import { INITIAL, reduce } from '../../static/store.js';
import * as words from '../../static/words.js';
import { fixtures, said } from './fixtures.js';

const read = (name) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
const PROTOCOL = read('PROTOCOL.md').replace(/\s+/gu, ' ');
const NOW = { wall: said('state before the first order').at, mono: 0 };

/** The words in backquotes between two phrases of PROTOCOL.md. */
function between(from, to) {
  const [, rest] = PROTOCOL.split(from);
  assert.ok(rest?.includes(to), `${from} … ${to} stands in PROTOCOL.md`);
  return [...rest.split(to)[0].matchAll(/`([^`]+)`/gu)].map((match) => match[1]);
}

const FILES = between('| `source` | `file` (', '), `health`');
const HEALTH = between('is the status file\'s. `health` is', '; `detail` says');

/** A message as it comes over the wire, taken into the state. */
function hear(state, message) {
  const { message: understood, fault, detail } = parse(JSON.stringify(message));
  assert.equal(fault, undefined, `${detail}: ${JSON.stringify(message)}`);
  return reduce(state, { type: 'message', message: understood });
}

/** Everything that is shown of a state. */
function told(state) {
  const texts = [
    words.order(state), words.reply(state, NOW.wall), words.other(state, NOW.wall),
    words.sign(state, NOW).text, words.title(state), words.bell(state, NOW.wall),
    words.calm(state, NOW.wall), words.alive(state, NOW.wall), words.about(state),
    words.waiting(state), words.refusal(state), words.sound(state, NOW), roll.present(state),
    roll.more(state), ...Object.values(words.link(state, NOW)),
    ...roll.answers(state).map(({ text }) => text),
    ...Object.keys(state.sources).map((file) => words.source(state, file)),
  ];
  for (const text of texts) {
    assert.equal(typeof text, 'string');
    assert.doesNotMatch(text, /undefined|\bnull\b|NaN|\[object/u);
  }
  return texts;
}

test('a telegraph with a dial and one without say all there is, in any order', () => {
  for (const welcome of ['welcome', 'welcome without a dial']) {
    const greeted = hear(INITIAL, said(welcome));
    let state = greeted;
    for (const { message } of fixtures.server) {
      told(hear(greeted, message));
      state = hear(state, message);
      told(state);
    }
    for (const { message } of fixtures.server.toReversed()) {
      state = hear(state, message);
      told(state);
    }
  }
});

test('every file that is unwell in any way has a lamp, and words', () => {
  assert.deepEqual(FILES.toSorted(), Object.keys(INITIAL.sources).toSorted());
  assert.ok(HEALTH.includes('ok') && HEALTH.includes('unwritable') && HEALTH.length > 6);
  const page = read('panel.html');
  for (const file of FILES) {
    assert.ok(page.includes(`id="lamp-${file}"`), file);
    for (const health of [...HEALTH, 'haunted']) {
      for (const detail of health === 'ok' ? [''] : ['', 'it is wet']) {
        const source = { health, detail, watch: 'poll' };
        let state = hear(hear(INITIAL, said('welcome')), said('state with the bell ringing'));
        if (file === 'status') state = hear(state, { ...said('state with the bell ringing'), source });
        else state = hear(state, { type: 'source', file, ...source });
        const text = words.source(state, file);
        assert.equal(text === '', health === 'ok', `${file} ${health}: ${text}`);
        assert.equal(words.isWell(state), health === 'ok');
        if (detail !== '') assert.ok(text.startsWith(detail), text);
        else if (health !== 'haunted') assert.ok(!text.includes('unwell ('), `${health} has no words`);
        told(state);
      }
    }
  }
});

test('every refusal is told with its reason, whatever was asked', () => {
  const [, table] = read('PROTOCOL.md').split('| `error` code | meaning |\n|---|---|\n');
  const codes = [...table.split('\n\n')[0].matchAll(/^\| `([a-z_]+)`/gmu)].map((match) => match[1]);
  assert.ok(codes.includes('stale') && codes.length > 10);
  for (const code of [...codes, 'later']) {
    for (const kind of ['answer', 'order', 'name', 'token', 'console']) {
      const asked = reduce(hear(INITIAL, said('welcome')), { type: 'asked', id: 1, kind, position: 3 });
      const state = hear(asked, { type: 'error', id: 1, code, message: 'because' });
      assert.equal(words.refusal(state).endsWith('because'), kind !== 'console');
      told(state);
    }
  }
});

test('every kind of entry of the bell book has words', () => {
  const [, table] = read('PROTOCOL.md').split('| `what` | |\n|---|---|\n');
  const kinds = [...table.split('\n\n')[0].matchAll(/^\|([^|]+)\|/gmu)]
    .flatMap(([, cell]) => [...cell.matchAll(/`([a-z]+)`/gu)].map((match) => match[1]));
  assert.ok(kinds.includes('hole') && kinds.length > 6);
  const entries = kinds.map((what, k) => ({ seq: k, at: NOW.wall, what, status: '7\u200b' }));
  const lines = rows(readBook(entries), midnight(NOW.wall));
  assert.equal(lines.length, kinds.length);
  for (const { what, text } of lines) {
    assert.doesNotMatch(text, new RegExp(`^${what} 7`, 'u'), `${what} has no words`);
    if (/7/u.test(text)) assert.match(text, /7⟨U\+200B⟩/u);
  }
});

test('what is ordered is nothing that a browser translates', () => {
  const page = read('panel.html');
  for (const place of ['id="order"', 'id="dial"', 'id="glass"', 'role="log"']) {
    const [tag] = page.match(new RegExp(`<[^<>]*${place}[^<>]*>`, 'u')) ?? [''];
    assert.match(tag, / translate="no"/u, place);
  }
});
