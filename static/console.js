// The debug console: one line in, the server's lines out.
//
// It shows the lines the store keeps and hands over what was typed. It neither sends anything nor
// knows which commands there are.

import { visible } from './unseen.js';

/** The most commands the arrow keys bring back. */
const MAX_RECALLED = 50;

export class Console {
  #root;
  #log;
  #list;
  #input;
  #toggle;
  #shown = 0;
  #recalled = [];
  #recall = 0;
  #returnTo = null;

  /** `root` is the section, `toggle` the π button; `onCommand(text)` is told. */
  constructor(root, toggle, { onCommand }) {
    this.#root = root;
    this.#toggle = toggle;
    this.#log = root.querySelector('.log');
    this.#list = root.querySelector('ol');
    this.#input = root.querySelector('input');
    toggle.addEventListener('click', () => this.toggle());
    root.querySelector('form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit(onCommand);
    });
    root.addEventListener('keydown', (event) => this.#key(event));
  }

  get isOpen() {
    return !this.#root.hidden;
  }

  toggle() {
    const opens = this.#root.hidden;
    this.#root.hidden = !opens;
    this.#toggle.setAttribute('aria-expanded', String(opens));
    if (opens) {
      this.#returnTo = document.activeElement;
      this.#input.focus();
      this.#log.scrollTop = this.#log.scrollHeight;
    } else {
      const back = this.#returnTo?.isConnected ? this.#returnTo : this.#toggle;
      this.#returnTo = null;
      back.focus();
    }
  }

  /** Adds the lines that are new and drops those the store has dropped. */
  render({ lines }) {
    const fresh = lines.filter(({ n }) => n > this.#shown);
    if (fresh.length === 0) return;
    const log = this.#log;
    const follows = log.scrollTop + log.clientHeight >= log.scrollHeight - 4;
    this.#list.append(...fresh.map(({ kind, text }) => {
      const item = document.createElement('li');
      item.dataset.kind = kind;
      item.textContent = visible(text);
      return item;
    }));
    while (this.#list.childElementCount > lines.length) this.#list.firstElementChild.remove();
    this.#shown = lines.at(-1).n;
    if (follows) log.scrollTop = log.scrollHeight;
  }

  #submit(onCommand) {
    const text = this.#input.value;
    if (text === '') return;
    this.#recalled = [...this.#recalled.filter((one) => one !== text), text].slice(-MAX_RECALLED);
    this.#recall = this.#recalled.length;
    this.#input.value = '';
    onCommand(text);
  }

  #key(event) {
    if (event.key === 'Escape') {
      this.toggle();
    } else if (event.key === 'ArrowUp' || event.key === 'ArrowDown') {
      if (event.target !== this.#input) return;
      const to = this.#recall + (event.key === 'ArrowUp' ? -1 : 1);
      this.#recall = Math.max(0, Math.min(this.#recalled.length, to));
      this.#input.value = this.#recalled[this.#recall] ?? '';
    } else {
      return;
    }
    event.preventDefault();
  }
}
