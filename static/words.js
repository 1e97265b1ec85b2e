// The state in words: order, reply, bell, link, source, refusal, sound. Of people, roll.js tells.
//
// Pure: texts in, texts out, times by the clock on the reader's wall. What it returns is only ever
// shown as text; a status may contain anything.

import { isMatch, isOpen, isRinging, isSilenced, sectorOf } from './store.js';

/** The status file's health in words, where the server gave no detail. */
const HEALTH = {
  missing: 'file missing',
  empty: 'file empty',
  unreadable: 'file not readable',
  not_utf8: 'file is not UTF-8 text',
  too_large: 'file too large',
  not_a_file: 'not a regular file',
};

/** How it is said that a request of this kind came to nothing. */
const UNHEARD = {
  answer: (what) => `${what ?? 'The answer'} did not count`,
  order: (what) => `${what ?? 'The order'} was not ordered`,
  name: () => 'The name was not taken',
  token: () => 'The token was not taken',
};

/** Characters that are written from right to left, by their blocks. */
const RIGHT_TO_LEFT =
  /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

const MONTHS = [
  'Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec',
];

/** The time of day, with the day in front if that is not today. */
export function clock(at, now) {
  const then = new Date(at);
  const time = `${two(then.getHours())}:${two(then.getMinutes())}`;
  if (then.toDateString() === new Date(now).toDateString()) return time;
  const day = `${then.getDate()} ${MONTHS[then.getMonth()]}`;
  const year = then.getFullYear();
  return year === new Date(now).getFullYear() ? `${day} ${time}` : `${day} ${year} ${time}`;
}

/** What an order or a reply says: the engraved name, or the text as it stands. */
export function saying(dial, reading) {
  return sectorOf(dial, reading)?.name ?? reading.name ?? reading.status;
}

/** The order, large: a name of the dial or the text itself. */
export function order({ dial, order, seq }) {
  if (order) return saying(dial, order);
  return seq === null ? '' : 'No order yet';
}

/** What became of the order, in a line below it. */
export function reply(state, now) {
  const { order, reply } = state;
  if (!order) return '';
  if (!state.bell) {
    // Silent without a matching reply is not ours to explain: the bell is the server's to say.
    if (!isMatch(state)) return `ordered ${clock(order.since, now)}`;
    return `${answered(state)} by ${by(state)} ${clock(reply.at, now)}`;
  }
  return `ordered ${clock(order.since, now)} — not answered yet`;
}

/** A reply that says something else than the order; empty when there is none. */
export function other(state, now) {
  const { dial, reply } = state;
  if (!reply || isMatch(state)) return '';
  return `Last reply: ${saying(dial, reply)}, by ${by(state)} ${clock(reply.at, now)}`;
}

/** The whole in one sentence, for ears: "COFFEE, answered by Tim 14:02". */
export function sentence(state, now) {
  if (!state.order) return order(state);
  return `${order(state)}${state.bell ? ' ' : ', '}${reply(state, now)}`;
}

/** How it stands, for a sign that is read from afar: `{ kind, text }`. */
export function sign(state) {
  const { phase } = state.link;
  if (phase === 'connecting') return { kind: 'lost', text: 'Not connected yet' };
  if (phase === 'lost') return { kind: 'lost', text: 'Last known' };
  if (isRinging(state)) return { kind: 'rings', text: 'The bell rings' };
  if (state.order === null) return { kind: 'plain', text: 'The bell is silent' };
  if (isMatch(state)) return { kind: 'agreed', text: capital(answered(state)) };
  return { kind: 'plain', text: 'Ordered' };
}

/** What stands on the glass over a dial that is not connected. */
export function glass({ link }, now) {
  if (link.phase === 'connecting') return 'Connecting …';
  if (link.phase === 'open') return '';
  if (link.farewell !== null) return goodbye(link.farewell);
  return `No connection since ${clock(link.since, now)}`;
}

/** That the link lives, and the time of day: a clock that stands still is seen from afar. */
export function alive(state, now) {
  return isOpen(state) ? `Connected · ${clock(now, now)}` : '';
}

/** What the bell wants from whoever hears it; empty when it is silent. */
export function bell(state, now) {
  return isRinging(state) ? `The bell rings: ${sentence(state, now)}` : '';
}

/** What is told to ears when nothing rings; no countdown, which would never let them rest. */
export function calm(state, now) {
  if (isRinging(state)) return '';
  if (state.link.farewell !== null) return goodbye(state.link.farewell);
  if (state.link.phase === 'lost') return `No connection since ${clock(state.link.since, now)}`;
  return sentence(state, now);
}

/** The tab's title. */
export function title(state) {
  const name = state.dial?.title || 'Chadburn';
  if (isRinging(state)) return `🔔 ${short(order(state))} — ${name}`;
  if (state.link.phase === 'lost') return `No connection — ${name}`;
  return state.order ? `${short(order(state))} — ${name}` : name;
}

/** How the link is, `{ head, tail }`; both empty when there is nothing to say. */
export function link({ link }, { wall, mono }) {
  if (link.phase === 'open') {
    return { head: link.farewell === null ? '' : goodbye(link.farewell), tail: '' };
  }
  if (link.phase === 'connecting') return { head: 'Connecting …', tail: '' };
  const since = `No connection since ${clock(link.since, wall)}`;
  const wait = link.retryAt === null ? 0 : Math.ceil((link.retryAt - mono) / 1000);
  const lost = `${since} — trying again ${wait > 0 ? `in ${wait} s` : 'now'}`;
  if (link.farewell === null) return { head: lost, tail: '' };
  return { head: goodbye(link.farewell), tail: lost };
}

/** What is wrong with a file, as `source(state, 'status')`; empty when all is well or unknown. */
export function source({ sources, order, reply }, file) {
  const it = sources[file];
  if (!it || it.health === 'ok') return '';
  const detail = it.detail || `${file} ${HEALTH[it.health] ?? `file unwell (${it.health})`}`;
  const shown = file === 'status' ? order : reply;
  const what = file === 'status' ? 'order' : 'reply';
  return `${detail}, ${shown ? `last known ${what} shown` : `no ${what} known`}`;
}

/** What is awaited from the server; empty when nothing is that anybody waits for. */
export function waiting({ dial, pending }) {
  const request = pending.findLast(({ kind }) => kind === 'answer' || kind === 'order');
  if (!request) return '';
  const what = name(dial, request.position) ?? 'the order';
  if (request.kind === 'order') return `Ordering ${what} …`;
  const declines = request.coming === false && request.position === null;
  return declines ? 'Saying that you are not coming …' : `Answering ${what} …`;
}

/** Why the last request did not count; empty if it did. */
export function refusal({ dial, refusal }) {
  if (!refusal) return '';
  const what = name(dial, refusal.position);
  return `${UNHEARD[refusal.kind](what)}: ${refusal.message}`;
}

/** What the dial is for while an order is to be given; empty when it answers. */
export function ordering({ ordering }) {
  return ordering ? 'Choose on the dial what to order' : '';
}

/** Whether any of it is written from right to left. */
export function isRightToLeft(text) {
  return RIGHT_TO_LEFT.test(text);
}

/** A name so that its direction of writing does not turn what stands around it (UAX #9). */
export function isolated(name) {
  return isRightToLeft(name) ? `\u2068${name}\u2069` : name;
}

/** Whether the bell can be heard here: `off`, `on` or `silenced`. */
export function soundKind(state) {
  if (!state.sound) return 'off';
  return isSilenced(state) ? 'silenced' : 'on';
}

/** The same in words, and what a click does. */
export function sound(state, { mono }) {
  switch (soundKind(state)) {
    case 'off':
      return 'Sound is off: click to arm';
    case 'silenced':
      return `Silent for ${Math.max(1, Math.ceil((state.silence.until - mono) / 1000))} s`;
    default:
      return isRinging(state) ? 'Sound is on: silence it' : 'Sound is on';
  }
}

/** What drives the page, for the line at the foot. */
export function about(state) {
  if (state.server === null) return 'Chadburn';
  const watch = state.sources.status?.watch;
  const how = watch === 'poll' ? 'polling the file' : watch && `watching by ${watch}`;
  return [`Chadburn ${state.server}`, isOpen(state) && how].filter(Boolean).join(' · ');
}

function answered({ order }) {
  return order.position === null ? 'acknowledged' : 'answered';
}

function by({ reply, station }) {
  if (reply.by === 'file') return 'the accept file';
  if (reply.by === station) return 'you';
  return reply.who === null ? 'another station' : isolated(reply.who);
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function goodbye(reason) {
  if (reason === 'shutdown') return 'The server is shutting down';
  if (reason === 'replaced') return 'Another tab goes on as this station';
  return `The server said: ${reason}`;
}

function name(dial, position) {
  return sectorOf(dial, { position: position ?? null })?.name ?? null;
}

/** A text for places with one short line. */
function short(text) {
  const line = text.replace(/\s+/gu, ' ').trim();
  const chars = [...line];
  return chars.length > 40 ? `${chars.slice(0, 39).join('')}…` : line;
}

function two(number) {
  return String(number).padStart(2, '0');
}
