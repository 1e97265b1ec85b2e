// The one state of a panel: what the server last said, how the link is, and what is asked of it.
//
// `reduce` is pure; the Store only keeps its result and tells whoever listens. Neither knows the
// page, the socket or a clock: times come in with the events.

/** The most lines the debug console keeps; older ones go. */
export const MAX_LINES = 200;

/**
 * How many unanswered requests are remembered. The oldest is forgotten, and its ok or error then changes
 * no request.
 */
export const MAX_PENDING = 8;

/** How long an answer that would ring the bell for everybody can be taken back, in ms. */
export const HOLD_MS = 5_000;

/** The state before anything was heard. */
export const INITIAL = Object.freeze({
  // phase: 'connecting' until the first welcome or failure, then 'open' or 'lost'.
  // since: wall time of the loss; retryAt: monotonic time of the next try, null while trying;
  // farewell: the reason the server gave before it closed, if it gave one.
  link: Object.freeze({ phase: 'connecting', since: null, retryAt: null, farewell: null }),
  // This station's uuid.
  station: null,
  // The server's version.
  server: null,
  // The digest of the server's panel, by which a new version is noticed.
  assets: null,
  // What this station is permitted to do.
  may: Object.freeze({ order: false, shutdown: false }),
  // Writing needs a token that this panel has not given.
  wantsToken: false,
  // Reading needs it, too: no welcome has come.
  isLocked: false,
  // What this station is to be called; empty is unnamed.
  name: '',
  // The dial to draw; before the first welcome, the one remembered from last time.
  dial: null,
  // The last `state`: the order, the reply, the bell; seq is null until one came on this connection.
  seq: null,
  order: null,
  reply: null,
  bell: false,
  // The seq of the last `state` on any connection; what came after it is asked for on the next.
  seen: null,
  // States that were missed are being told; the present one is the last of them.
  replaying: false,
  // The last `gap` on this connection: { from, to }, or null.
  gap: null,
  // Who answered and who is there, by the last `roll` on this connection; null before the first.
  roll: null,
  // The health of each file; null where the server has not told on this connection.
  sources: Object.freeze({ status: null, accept: null, book: null }),
  // Requests without their ok or error yet: [{ id, kind, order, position, coming }].
  pending: Object.freeze([]),
  // An answer that would ring the bell, and that can still be taken back: { order, position }, or null.
  held: null,
  // Why the last request did not count: { kind, position, code, message }, or null. The code is the
  // server's, or 'here' (refused by the panel) or 'lost' (with the connection).
  refusal: null,
  // The next sector that is touched is an order and no answer.
  ordering: false,
  // The debug console: [{ n, kind, text }], n counts all lines ever.
  lines: Object.freeze([]),
  // Whether the bell can be heard here.
  sound: false,
  // The bell is silent here until this monotonic time, for this order alone: { until, order }.
  silence: null,
  // The server's time in its last beat on this connection, null before the first: the link was alive then.
  beat: null,
});

/** What the panel may call ringing: the server says so now, and we still hear the server. */
export function isRinging(state) {
  return state.bell && isOpen(state) && !state.replaying;
}

/** Whether it rings, but is to be silent here for a while. */
export function isSilenced(state) {
  return isRinging(state) && state.silence !== null;
}

/** Whether answering with this position would set a bell ringing that is silent now. */
export function wouldRing({ order, bell }, position) {
  return order !== null && !bell && position !== null && position !== order.position;
}

/** The answers to the present order, the first first; the roll may still be of an earlier one. */
export function answersOf({ order, roll }) {
  return isOfOrder(roll, order) ? roll.answers : [];
}

/** How many answers to the present order there are beyond those that are listed. */
export function moreAnswers({ order, roll }) {
  return isOfOrder(roll, order) ? roll.more_answers : 0;
}

function isOfOrder(roll, order) {
  return roll !== null && order !== null && roll.order === order.seq;
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

/** Whether it is known that there is no dial: every order is a text, also one that is still to come. */
export function hasNoDial({ dial }) {
  return dial !== null && dial.positions.length === 0;
}

/** Whether there is an order that no sector stands for: a text. */
export function isOffDial(state) {
  return state.order !== null && sectorOf(state.dial, state.order) === null;
}

/** Whether a sector may be chosen as an order. */
export function mayOrder(state) {
  return state.may.order && !hasNoDial(state);
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
    const withoutHeld = drop(state, 'the connection was lost');
    const next = { ...withoutHeld, link: { ...link, phase: 'lost', since, retryAt }, pending: [] };
    // A name and a token are told again on the next connection, by themselves.
    const last = pending.findLast(({ kind }) => kind === 'answer' || kind === 'order');
    if (!last) return next;
    const { kind, position } = last;
    const message = 'the connection was lost before it was confirmed';
    return { ...next, refusal: { kind, position, code: 'lost', message } };
  },

  /** The link is being tried at this moment. */
  trying(state) {
    return { ...state, link: { ...state.link, retryAt: null } };
  },

  /** A request went out; it waits for its `ok` or `error`. */
  asked(state, { id, kind, order = null, position = null, coming = null, text = null }) {
    const request = { id, kind, order, position, coming };
    const pending = [...state.pending, request].slice(-MAX_PENDING);
    const refusal = kind === state.refusal?.kind ? null : state.refusal;
    const next = { ...state, pending, refusal };
    return text === null ? next : print(next, 'sent', text);
  },

  /** A line of the panel's own for the debug console. */
  printed(state, { kind, text }) {
    return print(state, kind, text);
  },

  /** An answer is held for a while; another one that was held is forgotten. */
  held(state, { position }) {
    return { ...state, held: { order: state.order.seq, position }, refusal: null };
  },

  /** What was held is held no more: it is on its way, or another answer takes its place. */
  released(state) {
    return state.held ? { ...state, held: null } : state;
  },

  /** What was held is not sent, and this is why. */
  dropped(state, { why }) {
    return drop(state, why);
  },

  /** A request could not even be sent. */
  refused(state, { kind, position = null, code, message }) {
    return { ...state, refusal: { kind, position, code, message } };
  },

  /** This station is to be called something else. */
  named(state, { name }) {
    return state.name === name ? state : { ...state, name };
  },

  /** The next sector is to be an order, or an answer again. */
  ordering(state, { on }) {
    const ordering = on && mayOrder(state);
    return state.ordering === ordering ? state : { ...state, ordering };
  },

  /** The bell is to be silent here until then, while this order rings; null ends that. */
  silenced(state, { until }) {
    if (until === null) return state.silence ? { ...state, silence: null } : state;
    return isRinging(state) ? { ...state, silence: { until, order: state.order.seq } } : state;
  },

  /** The reason of the last refusal has been shown long enough. */
  refusalExpired(state) {
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
  welcome(state, { station, server, assets, dial, token, may }) {
    return {
      ...applyPermissions({ ...state, dial }, may),
      link: { phase: 'open', since: null, retryAt: null, farewell: null },
      station,
      server,
      assets,
      wantsToken: token,
      isLocked: false,
      // The same dial stays the same object, so that nobody draws it again.
      dial: JSON.stringify(dial) === JSON.stringify(state.dial) ? state.dial : dial,
      // After a restart without a bell book seq begins at the wall clock (PROTOCOL.md), which may have been
      // set back. So seqs are not compared across connections.
      seq: null,
      // Whoever has seen a state asks for those it missed; they come before the present one.
      replaying: state.seen !== null,
      gap: null,
      roll: null,
      sources: INITIAL.sources,
      pending: [],
      beat: null,
    };
  },

  state(state, { seq, order, reply, bell, source }) {
    if (state.seq !== null && seq < state.seq) return state;
    const sources = { ...state.sources, status: source };
    // Whoever wanted silence wanted it of this order; the next one, or a repeat, is heard.
    const silence = bell && order?.seq === state.silence?.order ? state.silence : null;
    const isSame = order?.seq === state.held?.order;
    // What was held would have rung a bell that was silent; while it rings, the button answers.
    const why = isSame ? 'somebody else has set the bell ringing' : 'the order has changed';
    const next = isSame && !bell ? state : drop(state, why);
    return { ...next, seq, seen: seq, order, reply, bell, sources, silence };
  },

  source(state, { file, health, detail, watch }) {
    if (!Object.hasOwn(state.sources, file)) return state;
    return { ...state, sources: { ...state.sources, [file]: { health, detail, watch } } };
  },

  /** It is told last when a connection begins, so the state before it is the present one. */
  roll(state, { type: _, ...roll }) {
    return { ...state, roll, replaying: false };
  },

  may(state, { order, shutdown }) {
    return applyPermissions(state, { order, shutdown });
  },

  gap(state, { from, to }) {
    return { ...state, gap: { from, to } };
  },

  /** A server that tells no roll is done with the past by now. */
  beat(state, { at }) {
    return { ...state, beat: at, replaying: false };
  },

  ok(state, { id }) {
    const next = print(settle(state, id), 'ok', id === undefined ? 'ok' : `ok ${id}`);
    return requestOf(state, id)?.kind === 'token' ? { ...next, wantsToken: false } : next;
  },

  error(state, { id, code, message }) {
    const request = requestOf(state, id);
    const printed = print(settle(state, id), 'error', `error ${code}: ${message}`);
    const next = code === 'token_required'
      ? { ...printed, wantsToken: true, isLocked: !isOpen(state) } : printed;
    if (!request || request.kind === 'console') return next;
    const { kind, position } = request;
    return { ...next, refusal: { kind, position, code, message } };
  },

  console(state, { text }) {
    return print(state, 'console', text);
  },

  farewell(state, { reason }) {
    return { ...state, link: { ...state.link, farewell: reason } };
  },
};

/** Sets the permissions, and leaves the mode for orders if these are no longer allowed. */
function applyPermissions(state, may) {
  return { ...state, may, ordering: state.ordering && mayOrder({ ...state, may }) };
}

/** Whoever holds an answer is told that it is not sent. */
function drop(state, message) {
  if (!state.held) return state;
  const { position } = state.held;
  return { ...state, held: null, refusal: { kind: 'held', position, code: 'here', message } };
}

function requestOf(state, id) {
  return id === undefined ? undefined : state.pending.find((request) => request.id === id);
}

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
