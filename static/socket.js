// The link: one WebSocket at a time, tried again for ever, believed only while it is heard.
//
// It knows nothing of the page and does not read what it carries. Whether the link lives is judged
// by what arrives: timers only look, because a browser slows them down in hidden tabs. Socket,
// clock and chance are handed in, so that tests need none of the three.

/** The first pause before another try, in ms; it doubles with every failure. */
export const FIRST_PAUSE_MS = 500;

/** The longest pause before another try, in ms. */
export const MAX_PAUSE_MS = 10_000;

/** A link that was heard for this long was healthy: the pauses start small again, in ms. */
export const HEALTHY_MS = 10_000;

/** The silence after which a link counts as lost, in heartbeats (PROTOCOL.md, `beat`). */
export const SILENT_BEATS = 2.5;

/** The heartbeat assumed until the server names its own, in ms; it bounds the handshake too. */
export const ASSUMED_HEARTBEAT_MS = 4_000;

/** A look this much too late means a frozen tab: what waited in it may come in first, in ms. */
export const LATE_MS = 1_000;

/** The close code that means: this station is connected elsewhere, and newer (PROTOCOL.md). */
export const REPLACED = 4001;

/**
 * The address of the server's WebSocket for a page at this address, below whatever path that stands;
 * `resume` is the secret by which it is the same station again, `since` the last state it has. Both
 * may be null.
 */
export function address(page, { resume = null, since = null } = {}) {
  const url = new URL('websocket', page);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  if (resume !== null) url.searchParams.set('resume', resume);
  if (since !== null) url.searchParams.set('since', since);
  return url.href;
}

/** The pause before the try after `failures` failures in a row; chance is in 0..1. */
export function pause(failures, chance) {
  const longest = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures, 16));
  return Math.round(longest * (0.5 + chance / 2));
}

export class Link {
  #make;
  #protocol;
  #clock;
  #random;
  #on;
  #socket = null;
  #timer = null;
  #running = false;
  #waiting = false;
  #failures = 0;
  #heartbeat = ASSUMED_HEARTBEAT_MS;
  #heardFirst = null;
  #heardLast = 0;

  /**
   * `make(protocol)` opens a socket; `clock` has now (monotonic ms), setTimeout and clearTimeout;
   * `random` gives 0..1. Told are `on.trying()`, `on.text(text)` and
   * `on.lost({ retryAt, code })`; the code is the server's, null if it did not close.
   */
  constructor({ make, protocol, clock, random, on }) {
    this.#make = make;
    this.#protocol = protocol;
    this.#clock = clock;
    this.#random = random;
    this.#on = on;
  }

  /** Begins, and from then on keeps trying. */
  start() {
    if (this.#running) return;
    this.#running = true;
    this.#try();
  }

  /** Ends for good, without a word to anybody. */
  stop() {
    this.#running = false;
    this.#drop();
  }

  /** Sends one message; false if there is no link to send it on. */
  send(text) {
    if (this.#heardFirst === null || this.#socket?.readyState !== 1) return false;
    this.#socket.send(text);
    return true;
  }

  /** The server's own heartbeat, from its welcome. */
  set heartbeat(ms) {
    this.#heartbeat = ms;
    if (this.#socket) this.#look(this.#remaining());
  }

  /** Gives this connection up, as when the other side does not speak our protocol. */
  fail() {
    if (this.#socket) this.#lose();
  }

  /** Gives this connection up, and tries no other until `resume`: somebody has to type something first. */
  wait() {
    if (!this.#running) return;
    this.#waiting = true;
    this.#drop();
    this.#heardFirst = null;
    this.#on.lost({ retryAt: null, code: null });
  }

  /** Whether it waits so. */
  get isWaiting() {
    return this.#waiting;
  }

  /** Tries again at once what waited. */
  resume() {
    if (!this.#waiting) return;
    this.#waiting = false;
    this.#failures = 0;
    this.#try();
  }

  /** The world may have changed (tab shown, network back): look now rather than later. */
  nudge() {
    if (!this.#running || this.#waiting) return;
    if (this.#socket) this.#look(Math.max(this.#remaining(), LATE_MS));
    else this.#try();
  }

  #try() {
    this.#drop();
    this.#on.trying();
    this.#heartbeat = ASSUMED_HEARTBEAT_MS;
    this.#heardFirst = null;
    this.#heardLast = this.#clock.now();
    let socket;
    try {
      socket = this.#make(this.#protocol);
    } catch {
      this.#lose();
      return;
    }
    this.#socket = socket;
    // What an earlier socket still has to say is of no interest, hence the comparison.
    const mine = (act) => (event) => {
      if (socket === this.#socket) act(event);
    };
    socket.addEventListener('open', mine(() => this.#opened()));
    socket.addEventListener('message', mine((event) => this.#heard(event.data)));
    socket.addEventListener('close', mine(({ code }) => this.#lose(code)));
    this.#look(this.#remaining());
  }

  #opened() {
    // A server that does not answer with our subprotocol speaks the text wire.
    if (this.#socket.protocol !== this.#protocol) this.#lose();
  }

  #heard(data) {
    this.#heardLast = this.#clock.now();
    this.#heardFirst ??= this.#heardLast;
    if (typeof data === 'string') this.#on.text(data);
  }

  #lose(code = null) {
    const now = this.#clock.now();
    const healthy = this.#heardFirst !== null && this.#heardLast - this.#heardFirst >= HEALTHY_MS;
    this.#failures = healthy ? 0 : this.#failures;
    this.#drop();
    this.#heardFirst = null;
    const wait = pause(this.#failures, this.#random());
    this.#failures += 1;
    this.#timer = this.#clock.setTimeout(() => this.#try(), wait);
    this.#on.lost({ retryAt: now + wait, code });
  }

  #drop() {
    if (this.#timer !== null) this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  /** Looks after this many ms whether anything was heard meanwhile. */
  #look(wait) {
    if (this.#timer !== null) this.#clock.clearTimeout(this.#timer);
    const due = this.#clock.now() + wait;
    this.#timer = this.#clock.setTimeout(() => this.#watch(due), wait);
  }

  #watch(due) {
    const remaining = this.#remaining();
    if (remaining > 0) this.#look(remaining);
    else if (this.#clock.now() - due > LATE_MS) this.#look(LATE_MS);
    else this.#lose();
  }

  #remaining() {
    return this.#heardLast + SILENT_BEATS * this.#heartbeat - this.#clock.now();
  }
}
