// Stand-ins for the world around the link: a clock that is wound by hand, sockets on strings.

/** A clock in ms whose timers fire when it is wound past them. */
export class FakeClock {
  #timers = new Map();
  #next = 1;
  time = 0;

  now = () => this.time;

  setTimeout = (act, ms) => {
    const timer = this.#next;
    this.#next += 1;
    this.#timers.set(timer, { at: this.time + Math.max(0, ms), act });
    return timer;
  };

  clearTimeout = (timer) => this.#timers.delete(timer);

  /** How many timers wait; a link may never have more than one. */
  get waiting() {
    return this.#timers.size;
  }

  /** Lets this many ms pass, timers firing in their turn. */
  wind(ms) {
    const end = this.time + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= end);
      if (due.length === 0) break;
      const [timer, { at, act }] = due.reduce((a, b) => (b[1].at < a[1].at ? b : a));
      this.#timers.delete(timer);
      this.time = Math.max(this.time, at);
      act();
    }
    this.time = end;
  }

  /** Lets this many ms pass as in a frozen tab: the timers fire late, all at the end. */
  freeze(ms) {
    this.time += ms;
    this.wind(0);
  }
}

/** A socket as browsers have it, whose other end is the test. */
export class FakeSocket extends EventTarget {
  static all = [];

  readyState = 0;
  protocol = '';
  sent = [];
  closed = 0;

  constructor(offered) {
    super();
    this.offered = offered;
    FakeSocket.all.push(this);
  }

  send(text) {
    this.sent.push(text);
  }

  /** Called by the link; a real socket tells of it later, or never. */
  close() {
    this.closed += 1;
    this.readyState = 2;
  }

  opens(protocol = this.offered) {
    this.readyState = 1;
    this.protocol = protocol;
    this.dispatchEvent(new Event('open'));
  }

  says(data) {
    this.dispatchEvent(Object.assign(new Event('message'), { data }));
  }

  dies(code = 1006) {
    this.readyState = 3;
    this.dispatchEvent(Object.assign(new Event('close'), { code }));
  }
}
