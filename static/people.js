// The people: who answers the order and who is there, the two buttons for coming, and the fields
// for one's own name and for the token.
//
// It only reads the state and tells what was pressed or typed; which words, roll.js decides. Names
// are anybody's, and therefore never anything but textContent.

import * as roll from './roll.js';
import { isOpen } from './store.js';
import { mark, say } from './svg.js';

export class People {
  #at;
  #drawn = {};
  /** The name that was put into the field last; whatever else is in it somebody is typing. */
  #shown = '';

  /** `root` has the elements of panel.html; told are `onComing(is)`, `onName` and `onToken`. */
  constructor(root, { onComing, onName, onToken }) {
    const ids = [
      'coming', 'coming-yes', 'coming-no', 'present', 'answers', 'more-answers', 'naming', 'name',
      'trusting', 'token',
    ];
    this.#at = Object.fromEntries(ids.map((id) => [id, root.querySelector(`#${id}`)]));
    const { name, naming, token, trusting } = this.#at;
    this.#at['coming-yes'].addEventListener('click', () => onComing(true));
    this.#at['coming-no'].addEventListener('click', () => onComing(false));
    name.addEventListener('change', () => onName(name.value.trim()));
    naming.addEventListener('submit', (event) => {
      event.preventDefault();
      // Leaving the field is what tells the name: `change`, if it is another one.
      name.blur();
    });
    trusting.addEventListener('submit', (event) => {
      event.preventDefault();
      const { value } = token;
      token.value = '';
      if (value !== '') onToken(value);
    });
  }

  render(state) {
    const at = this.#at;
    at.coming.hidden = state.order === null;
    const own = roll.ownComing(state);
    for (const [button, is] of [[at['coming-yes'], true], [at['coming-no'], false]]) {
      const busy = state.pending.some(({ kind, coming }) => kind === 'answer' && coming === is);
      button.disabled = !isOpen(state) || busy;
      mark(button, 'aria-pressed', own === is);
    }
    // A token that is kept is given by itself; nobody needs to see that it was wanted.
    const isGiven = at.trusting.hidden && state.pending.some(({ kind }) => kind === 'token');
    at.trusting.hidden = !state.wantsToken || isGiven;
    this.#name(state.name);
    this.#list(state);
  }

  #name(name) {
    const field = this.#at.name;
    if (name === this.#shown || document.activeElement === field) return;
    this.#shown = name;
    field.value = name;
  }

  /** The roll may come four times a second and be long: nothing is touched that has not changed. */
  #list(state) {
    const { order, roll: told, dial, station } = state;
    const known = this.#drawn;
    const same = known.order === order && known.told === told && known.dial === dial;
    if (same && known.station === station) return;
    this.#drawn = { order, told, dial, station };
    say(this.#at.present, roll.present(state));
    const lines = roll.answers(state);
    const list = this.#at.answers;
    while (list.childElementCount > lines.length) list.lastElementChild.remove();
    while (list.childElementCount < lines.length) list.append(document.createElement('li'));
    lines.forEach(({ text, coming }, index) => {
      say(list.children[index], text);
      mark(list.children[index], 'data-coming', coming);
    });
    say(this.#at['more-answers'], roll.more(state));
  }
}
