// What this panel asks of the server: answers, orders, its name, the token, console commands.
//
// A request goes out and waits in the store for its `ok` or `error`; what cannot go out is refused
// here, in words. It knows neither page nor socket, only a link that sends or does not.

import * as protocol from './protocol.js';
import { MAX_PENDING, isOpen, wouldRing } from './store.js';

const NO_LINK = 'there is no connection';

export class Asking {
  #store;
  #send;
  #lastId = 0;

  /** `send(text)` tells whether it could. */
  constructor(store, send) {
    this.#store = store;
    this.#send = send;
  }

  /**
   * Answers with a position, or with null accepts the order as it stands; see PROTOCOL.md. What would
   * set the bell ringing for everybody is held first; any other answer takes the place of what is.
   */
  answer({ position = null, coming = null }) {
    const { order, held } = this.#store.state;
    const why = this.#hindrance() ?? (order ? null : 'there is no order yet');
    if (why !== null) return this.#refuse('answer', position, why);
    if (wouldRing(this.#store.state, position)) {
      if (held?.position !== position) this.#store.dispatch({ type: 'held', position });
      return undefined;
    }
    const isNote = coming === false && position === null;
    if (!isNote) this.#store.dispatch({ type: 'released' });
    return this.#answer({ position, coming });
  }

  /** Sends the answer that was held. */
  release() {
    const { held } = this.#store.state;
    if (held === null) return;
    this.#store.dispatch({ type: 'released' });
    const why = this.#hindrance();
    if (why !== null) this.#refuse('answer', held.position, why);
    else this.#answer({ position: held.position, coming: null });
  }

  #answer({ position, coming }) {
    const { order, pending } = this.#store.state;
    const waiting = pending.filter(({ kind }) => kind === 'answer');
    const same = (one) =>
      one.position === position && one.coming === coming && one.order === order.seq;
    if (waiting.some(same)) return undefined;
    if (waiting.length >= MAX_PENDING / 2) {
      return this.#refuse('answer', position, 'others still wait');
    }
    const text = (id) => protocol.answer({
      order: order.seq, position: position ?? undefined, coming: coming ?? undefined, id,
    });
    return this.#ask({ kind: 'answer', order: order.seq, position, coming }, text);
  }

  /** Orders a position for all. */
  order(position) {
    const why = this.#hindrance();
    if (why !== null) return this.#refuse('order', position, why);
    const status = String(position);
    return this.#ask({ kind: 'order', position }, (id) => protocol.order({ status, id }));
  }

  /** Tells what this station is to be called; without a link that is for the next welcome. */
  name(name) {
    if (!protocol.isName(name)) {
      const most = protocol.MAX_NAME;
      return this.#refuse('name', null, `a name has at most ${most} characters that show`);
    }
    if (!isOpen(this.#store.state)) return undefined;
    return this.#ask({ kind: 'name' }, (id) => protocol.name({ name, id }));
  }

  /** Gives the token. */
  token(value) {
    return this.#ask({ kind: 'token' }, (id) => protocol.token({ value, id }));
  }

  /** Sends what was typed into the console. */
  command(text) {
    const sent = this.#put({ kind: 'console', text }, (id) =>
      protocol.command({ command: text, id }));
    if (sent) return;
    const line = `Not sent, no connection: ${text}`;
    this.#store.dispatch({ type: 'printed', kind: 'fault', text: line });
  }

  /** Why nothing that moves anything can be asked now; null if it can. */
  #hindrance() {
    const { state } = this.#store;
    if (!isOpen(state)) return NO_LINK;
    return state.wantsToken ? 'this telegraph wants a token, give it below' : null;
  }

  #ask(request, text) {
    if (!this.#put(request, text)) this.#refuse(request.kind, request.position ?? null, NO_LINK);
  }

  #put(request, text) {
    const id = (this.#lastId += 1);
    if (!this.#send(text(id))) return false;
    this.#store.dispatch({ type: 'asked', id, ...request });
    return true;
  }

  #refuse(kind, position, message) {
    this.#store.dispatch({ type: 'refused', kind, position, code: 'here', message });
  }
}
