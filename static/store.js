// The one state of a panel: what the server last said, how the link is, and what is asked of it.
//
// `reduce` is pure; the Store only keeps its result and tells whoever listens. Neither knows the
// page, the socket or a clock: times come in with the events.

/** The most lines the debug console keeps; older ones go. */
export const MAX_LINES = 200;

/** The most requests that may wait for their `ok` at once; a person cannot mean more. */
export const MAX_PENDING = 8;

/** The state before anything was heard. */
export const INITIAL = Object.freeze({
  // phase: 'connecting' until the first welcome or failure, then 'open' or 'lost'.
  // since: wall time of the loss; retryAt: monotonic time of the next try, null while trying;
  // farewell: the reason the server gave before it closed, if it gave one.
  link: Object.freeze({ phase: 'connecting', since: null, retryAt: null, farewell: null }),
  // This panel's own uuid, the server's version, the panel the server carries, what we may do.
  station: null,
  server: null,
  assets: null,
  may: Object.freeze({ order: false, shutdown: false }),
  // The dial to draw; before the first welcome, the one remembered from last time.
  dial: null,
  // The last `state`: the order, the reply, the bell; seq is null until one was heard here.
  seq: null,
  order: null,
  reply: null,
  bell: false,
  // The health of both files; null where the server has not told on this connection.
  sources: Object.freeze({ status: null, accept: null }),
  // Requests without their ok or error yet: [{ id, kind, order, position }].
  pending: Object.freeze([]),
  // Why the last answer did not count: { position, code, message }, or null.
  refusal: null,
  // The debug console: [{ n, kind, text }], n counts all lines ever.
  lines: Object.freeze([]),
  // Whether the bell can be heard here.
  sound: false,
});

/** What the panel may call ringing: the server says so, and we still hear the server. */
export function isRinging(state) {
  return state.bell && isOpen(state);
}

/** Whether the server is heard at the moment. */
export function isOpen(state) {
  return state.link.phase === 'open';
}

/** Whether reply and order agree: the same position, or, off the dial, the same text. */
export function isMatch({ order, reply }) {
  if (!order || !reply) return false;
  if (order.position === null && reply.position === null) return order.status === reply.status;
  return order.position === reply.position;
}

/** The sector of the dial that an order or a reply points at; null when it is off the dial. */
export function sectorOf(dial, reading) {
  if (!dial || !reading || reading.position === null) return null;
  return dial.positions[reading.position - 1] ?? null;
}

/** The next state. Events have a `type`; one that is not known changes nothing. */
export function reduce(state, event) {
  return Object.hasOwn(EVENTS, event.type) ? EVENTS[event.type](state, event) : state;
}

const EVENTS = {
  /** A message of the server, as `parse` gave it. */
  message(state, { message }) {
    return Object.hasOwn(MESSAGES, message.type) ? MESSAGES[message.type](state, message) : state;
  },

  /** Something arrived that `parse` did not understand. */
  fault(state, { fault, detail }) {
    return print(state, 'fault', `Not understood (${fault}): ${detail.slice(0, 200)}`);
  },

  /** The link is gone; `wall` is now, `retryAt` when it is tried again. */
  lost(state, { wall, retryAt }) {
    const { link, pending } = state;
    const since = link.phase === 'lost' ? link.since : wall;
    const next = { ...state, link: { ...link, phase: 'lost', since, retryAt }, pending: [] };
    const answer = pending.findLast((request) => request.kind === 'answer');
    if (!answer) return next;
    const message = 'the connection was lost before it was confirmed';
    return { ...next, refusal: { position: answer.position, code: 'lost', message } };
  },

  /** The link is being tried at this moment. */
  trying(state) {
    return { ...state, link: { ...state.link, retryAt: null } };
  },

  /** A request went out; it waits for its `ok` or `error`. */
  asked(state, { id, kind, order = null, position = null, text = null }) {
    const pending = [...state.pending, { id, kind, order, position }].slice(-MAX_PENDING);
    const refusal = kind === 'answer' ? null : state.refusal;
    const next = { ...state, pending, refusal };
    return text === null ? next : print(next, 'sent', text);
  },

  /** A line of the panel's own for the debug console. */
  printed(state, { kind, text }) {
    return print(state, kind, text);
  },

  /** An answer could not even be sent. */
  refused(state, { position = null, code, message }) {
    return { ...state, refusal: { position, code, message } };
  },

  /** The reason of the last refusal has been shown long enough. */
  'refusal read'(state) {
    return state.refusal ? { ...state, refusal: null } : state;
  },

  /** A dial from last time, shown until the server names its own. */
  remembered(state, { dial }) {
    return state.dial ? state : { ...state, dial };
  },

  /** The bell became audible here, or inaudible. */
  sound(state, { on }) {
    return state.sound === on ? state : { ...state, sound: on };
  },
};

const MESSAGES = {
  welcome(state, { station, server, assets, dial, may }) {
    return {
      ...state,
      link: { phase: 'open', since: null, retryAt: null, farewell: null },
      station,
      server,
      assets,
      may,
      // The same dial stays the same object, so that nobody draws it again.
      dial: JSON.stringify(dial) === JSON.stringify(state.dial) ? state.dial : dial,
      // A new connection may be to a server whose clock was behind: it counts anew.
      seq: null,
      sources: INITIAL.sources,
      pending: [],
    };
  },

  state(state, { seq, order, reply, bell, source }) {
    if (state.seq !== null && seq < state.seq) return state;
    return { ...state, seq, order, reply, bell, sources: { ...state.sources, status: source } };
  },

  source(state, { file, health, detail, watch }) {
    return { ...state, sources: { ...state.sources, [file]: { health, detail, watch } } };
  },

  ok(state, { id }) {
    return print(settle(state, id), 'ok', id === undefined ? 'ok' : `ok ${id}`);
  },

  error(state, { id, code, message }) {
    const request = state.pending.find((one) => one.id === id);
    const next = print(settle(state, id), 'error', `error ${code}: ${message}`);
    if (request?.kind !== 'answer') return next;
    return { ...next, refusal: { position: request.position, code, message } };
  },

  console(state, { text }) {
    return print(state, 'console', text);
  },

  farewell(state, { reason }) {
    return { ...state, link: { ...state.link, farewell: reason } };
  },
};

function settle(state, id) {
  if (id === undefined) return state;
  return { ...state, pending: state.pending.filter((request) => request.id !== id) };
}

function print(state, kind, text) {
  const n = (state.lines.at(-1)?.n ?? 0) + 1;
  return { ...state, lines: [...state.lines, { n, kind, text }].slice(-MAX_LINES) };
}

/** Keeps the state and sends `change` whenever it became another one. */
export class Store extends EventTarget {
  #state = INITIAL;

  /** The present state; never changed in place. */
  get state() {
    return this.#state;
  }

  /** Takes an event in; listeners of `change` hear of it before this returns. */
  dispatch(event) {
    const next = reduce(this.#state, event);
    if (next === this.#state) return;
    this.#state = next;
    this.dispatchEvent(new Event('change'));
  }
}
