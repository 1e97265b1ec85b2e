// The help's drawer, with the switch for notices on the desktop. It knows no state.

import { NOTICE_WORDS } from './notice.js';
import { mark, say } from './svg.js';

export class Help {
  #dialog;
  #button;
  #word;
  #notice;

  constructor(root, notice) {
    this.#dialog = root.querySelector('#help');
    this.#button = root.querySelector('#notify');
    this.#word = root.querySelector('#notify-word');
    this.#notice = notice;
    root.querySelector('#help-open').addEventListener('click', () => this.toggle());
    this.#button.addEventListener('click', async () => {
      await notice.toggle();
      this.#show();
    });
  }

  get isOpen() {
    return this.#dialog.open;
  }

  toggle() {
    if (this.isOpen) {
      this.#dialog.close();
    } else {
      this.#show();
      this.#dialog.showModal();
    }
  }

  #show() {
    const { kind } = this.#notice;
    mark(this.#button, 'aria-pressed', kind === 'on');
    this.#button.disabled = kind === 'impossible' || kind === 'blocked';
    say(this.#word, NOTICE_WORDS[kind]);
  }
}
