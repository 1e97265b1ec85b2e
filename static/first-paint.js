// The entry, and the first paint: the last dial and the words beside it, before anything is heard.
//
// It makes the state and the views that are seen at once, and loads main.js, which does everything else, as soon as
// they are painted: what is not needed for that does not hold it up.

import { Board } from './board.js';
import { Dial } from './dial.js';
import { Light } from './light.js';
import { memory } from './memory.js';
import { People } from './people.js';
import { Store, hasNoDial, isOffDial, isRinging } from './store.js';
import * as words from './words.js';

/** How long a paint is waited for that may never come, as in a tab that nobody looks at, in ms. */
const PAINT_MS = 1_000;

const element = (id) => document.getElementById(id);
const panel = element('panel');

/** What hands on the views do, once main.js has said it. */
export const on = {};

export const store = new Store();
export const dial = new Dial(element('dial'), {
  onChoice: (position) => on.choose?.(position),
  onBell: () => on.press?.(),
  now: () => performance.now(),
});
export const board = new Board(document, {
  onAnswer: () => on.accept?.(), onUndo: () => on.undo?.(), onSound: () => on.press?.(),
});
export const people = new People(document, {
  onComing: (coming) => on.coming?.(coming),
  onName: (name) => on.rename?.(name),
  onToken: (token) => on.trust?.(token),
});
new Light(element('night'), element('light'), memory);

/** Draws the state; `fit` comes when all else is drawn. */
export function render(state, now) {
  Object.assign(panel.dataset, {
    link: state.link.phase,
    bell: isRinging(state) ? 'rings' : 'silent',
    sound: words.soundKind(state),
    sign: words.sign(state, now).kind,
    dial: hasNoDial(state) ? 'none' : 'drawn',
    stage: isOffDial(state) || hasNoDial(state) ? 'text' : 'dial',
    ordering: state.ordering,
    token: state.wantsToken ? 'wanted' : 'none',
    files: words.isWell(state) ? 'well' : 'unwell',
  });
  dial.render(state);
  board.render(state, now);
  people.render(state);
}

/** Measures what was drawn, so that the page is laid out once. */
export function fit() {
  dial.fit();
  board.fit();
}

async function load() {
  // All at once; else each would be asked for only when another is there that wants it.
  document.head.append(element('rest').content);
  try {
    await import('./main.js');
    if (!('runs' in document.documentElement.dataset)) throw new Error('main.js is empty');
  } catch (error) {
    reportError(error);
  }
}

function begin() {
  const { dial: remembered, name } = memory;
  store.dispatch({ type: 'named', name });
  if (remembered) store.dispatch({ type: 'remembered', dial: remembered });
  render(store.state, { wall: Date.now(), mono: performance.now() });
  fit();
  let isLoading = false;
  const once = () => {
    if (!isLoading) load();
    isLoading = true;
  };
  // A frame's callback comes before its paint, a timer that is set there after it.
  requestAnimationFrame(() => setTimeout(once));
  setTimeout(once, document.hidden ? 0 : PAINT_MS);
  document.documentElement.dataset.begins = '';
}

begin();
