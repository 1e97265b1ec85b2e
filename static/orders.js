// Giving orders: the switch that makes the next sector an order, and the question before it goes.
//
// It only reads the state and tells what was decided; where no sector may be ordered it is hidden.

import { isOpen, mayOrder, sectorOf } from './store.js';
import { mark, say } from './svg.js';

export class Orders {
  #toggle;
  #dialog;
  #question;
  #onAsk;
  #position = null;

  /**
   * Told are `onToggle()`, `onAsk(position)` while it asks about one and `onAsk(null)` after that,
   * and, once it was confirmed, `onOrder(position)`.
   */
  constructor(root, { onToggle, onAsk, onOrder }) {
    this.#onAsk = onAsk;
    this.#toggle = root.querySelector('#ordering');
    this.#dialog = root.querySelector('#confirm');
    this.#question = root.querySelector('#question');
    this.#toggle.addEventListener('click', onToggle);
    this.#dialog.addEventListener('close', () => {
      const position = this.#position;
      this.#position = null;
      onAsk(null);
      if (this.#dialog.returnValue === 'order' && position !== null) onOrder(position);
    });
  }

  /** Asks whether this position is meant. */
  confirm(dial, position) {
    if (this.#dialog.open) return;
    this.#position = position;
    say(this.#question, `Order ${sectorOf(dial, { position }).name} for all?`);
    this.#dialog.returnValue = '';
    this.#onAsk(position);
    this.#dialog.showModal();
  }

  render(state) {
    this.#toggle.hidden = !mayOrder(state);
    this.#toggle.disabled = !isOpen(state);
    mark(this.#toggle, 'aria-pressed', state.ordering);
    say(this.#toggle, state.ordering ? 'Cancel ordering' : 'Order');
    // What may not be ordered any more is not asked about either.
    if (this.#dialog.open && !(state.ordering && isOpen(state))) this.#dialog.close('');
  }
}
