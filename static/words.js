// The state in words: order, reply, bell, link, source, refusal, sound. Of people, roll.js tells.
//
// Pure: texts in, texts out, times in the reader's time zone. What it returns is only ever
// shown as text; a status may contain anything.

import { HOLD_MS, isMatch, isOpen, isRinging, isSilenced, sectorOf } from './store.js';
import { visible } from './unseen.js';

/** What the files are called. */
const FILES = { status: 'status', accept: 'accept', book: 'bell book' };

/** A file's health in words, where the server gave no detail. */
const HEALTH = {
  missing: 'file missing',
  empty: 'file empty',
  unreadable: 'file not readable',
  not_utf8: 'file is not UTF-8 text',
  not_text: 'file is not text',
  too_large: 'file too large',
  not_a_file: 'not a regular file',
  unwritable: 'file cannot be written',
};

/** How it is said that a request of this kind came to nothing. */
const UNHEARD = {
  answer: (what) => `Your answer${what ? ` ${what}` : ''} did not count`,
  held: (what) => `${what} was not sent`,
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

/** What an order or a reply says: the engraved name, or the text, of which everything is seen. */
export function saying(dial, reading) {
  return sectorOf(dial, reading)?.name ?? visible(reading.name ?? reading.status);
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
  return `ordered ${clock(order.since, now)} — ${unanswered(state)}`;
}

/** How an order stands that the bell rings for. */
function unanswered(state) {
  if (!isOpen(state)) return 'no answer known';
  const request = awaited(state);
  if (request?.kind === 'answer' && !declines(request)) {
    const isIt = request.position === null || request.position === state.order.position;
    return `answering ${isIt ? 'it' : name(state.dial, request.position)} …`;
  }
  return isWrong(state) ? 'still to be answered' : 'not answered yet';
}

/** What the button does that answers an order as it stands. */
export function answering({ dial, order }) {
  const sector = sectorOf(dial, order);
  return sector ? `Answer ${sector.name}` : 'Acknowledge';
}

/** Whether somebody did answer this order, but with something else. */
function isWrong({ order, reply, ...state }) {
  return reply !== null && reply.seq > order.seq && !isMatch({ order, reply, ...state });
}

/** A reply that says something else than the order; empty when there is none. */
export function other(state, now) {
  const { dial, order, reply } = state;
  if (!reply || isMatch(state)) return '';
  const what = saying(dial, reply);
  const whose = `by ${by(state)} ${clock(reply.at, now)}`;
  if (!order || !isOpen(state)) return `Last reply: ${what}, ${whose}`;
  if (isWrong(state)) return `Wrong answer: ${what}, ${whose}`;
  return `Earlier reply: ${what}, ${whose}`;
}

/** The whole in one sentence, for ears: "COFFEE, answered by Tim 14:02". */
export function sentence(state, now) {
  if (!state.order) return order(state);
  return `${order(state)}${state.bell ? ' ' : ', '}${reply(state, now)}`;
}

/** The same where there is little room: a long text is cut, and what it says is quoted. */
export function brief(state, now) {
  const { order } = state;
  const isText = order !== null && sectorOf(state.dial, order) === null;
  return isText ? `“${short(saying(state.dial, order))}” ${reply(state, now)}` : sentence(state, now);
}

/** How it stands and whether the bell rings, for a sign read from afar: `{ kind, text }`. */
export function sign(state, { mono }) {
  const { phase } = state.link;
  if (phase === 'connecting') return { kind: 'lost', text: 'Not connected yet' };
  if (phase === 'lost') {
    return { kind: 'lost', text: `Last known: bell ${state.bell ? 'rang' : 'silent'}` };
  }
  if (isRinging(state)) return { kind: 'rings', text: `The bell rings${here(state, mono)}` };
  const isKnown = state.sources.status !== null || state.order !== null;
  if (!isKnown) return { kind: 'plain', text: 'The bell is silent' };
  const what = standing(state);
  const kind = isUnwell(state, 'status') ? 'unwell' : isMatch(state) ? 'agreed' : 'plain';
  return { kind, text: `${what} · bell silent` };
}

function standing(state) {
  if (state.order === null) return 'No order';
  if (isUnwell(state, 'status')) return 'Last known';
  return isMatch(state) ? capital(answered(state)) : 'Ordered';
}

/** How much of a ringing bell is heard at this place. */
function here(state, mono) {
  switch (soundKind(state)) {
    case 'off':
      return ', sound off here';
    case 'silenced':
      return `, silent here for ${left(state, mono)} s`;
    default:
      return '';
  }
}

function left({ silence }, mono) {
  return Math.max(1, Math.ceil((silence.until - mono) / 1000));
}

/** Whether every file is well, as far as the server said. */
export function isWell(state) {
  return !Object.keys(state.sources).some((file) => isUnwell(state, file));
}

/** Whether the server said that a file is not well. */
function isUnwell({ sources }, file) {
  return sources[file] !== null && sources[file].health !== 'ok';
}

/** What stands on the glass over a dial that is not connected. */
export function glass({ link }, now) {
  if (link.phase === 'connecting') return 'Connecting …';
  if (link.phase === 'open') return '';
  if (link.farewell !== null) return goodbye(link.farewell, link.since, now);
  return `No connection since ${clock(link.since, now)}`;
}

/** That the link lives, and the time of day: a clock that stands still is seen from afar. */
export function alive(state, now) {
  if (!isOpen(state)) return '';
  return `Connected${isWell(state) ? '' : ', but a file is not well'} · ${clock(now, now)}`;
}

/** What the bell wants from whoever hears it; empty when it is silent. */
export function bell(state, now) {
  return isRinging(state) ? `The bell rings: ${sentence(state, now)}` : '';
}

/** What is told to ears when nothing rings; no countdown, which would never let them rest. */
export function calm(state, now) {
  if (isRinging(state)) return '';
  if (state.link.farewell !== null) {
    return goodbye(state.link.farewell, state.link.since, now);
  }
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

/** How the link is and what of the bell is known, `{ head, tail }`; empty when all is well. */
export function link({ link, bell, seq, isLocked }, { wall, mono }) {
  if (link.phase === 'open') {
    return { head: link.farewell === null ? '' : goodbye(link.farewell), tail: '' };
  }
  if (isLocked && link.retryAt === null) {
    return { head: 'Nothing is told here without the token', tail: '' };
  }
  if (link.phase === 'connecting') return { head: 'Connecting …', tail: '' };
  const what = link.farewell === null ? `No connection since ${clock(link.since, wall)}`
    : goodbye(link.farewell, link.since, wall);
  const wait = link.retryAt === null ? 0 : Math.ceil((link.retryAt - mono) / 1000);
  const head = `${what} — ${trying(link.farewell)} ${wait > 0 ? `in ${wait} s` : 'now'}`;
  if (seq === null) return { head, tail: '' };
  const tail = bell ? 'The bell rang when last heard; it is silent here now.'
    : 'The bell was silent when last heard.';
  return { head, tail };
}

/** What is wrong with a file, as `source(state, 'status')`; empty when all is well or unknown. */
export function source({ sources, order, reply }, file) {
  const it = sources[file];
  if (!it || it.health === 'ok') return '';
  const kind = HEALTH[it.health] ?? `file unwell (${it.health})`;
  const detail = visible(it.detail) || `${FILES[file]} ${kind}`;
  if (file === 'book') return `${detail}, what happens now may be missing from the bell book`;
  const shown = file === 'status' ? order : reply;
  const what = file === 'status' ? 'order' : 'reply';
  return `${detail}, ${shown ? `last known ${what} shown` : `no ${what} known`}`;
}

/** What becomes of an answer that is held; no countdown, since ears hear it too. */
export function holding({ dial, held }) {
  if (held === null) return '';
  return `${name(dial, held.position)} is sent in ${HOLD_MS / 1000} seconds and rings the bell for all`;
}

/** What is awaited from the server beside the answer that the order's own line tells of. */
export function waiting(state) {
  const request = awaited(state);
  if (!request) return '';
  const what = name(state.dial, request.position) ?? 'the order';
  if (request.kind === 'order') return `Ordering ${what} …`;
  if (declines(request)) return 'Saying that you are not coming …';
  return state.bell ? '' : `Answering ${what} …`;
}

function awaited({ pending }) {
  return pending.findLast(({ kind }) => kind === 'answer' || kind === 'order');
}

function declines({ position, coming }) {
  return coming === false && position === null;
}

/** Why the last request did not count; empty if it did. */
export function refusal({ dial, refusal }) {
  if (!refusal) return '';
  const what = name(dial, refusal.position);
  return `${UNHEARD[refusal.kind](what)}: ${refusal.message}`;
}

/** What the dial is for while an order is to be given; empty when it answers. */
export function ordering({ ordering }) {
  return ordering ? 'Choose on the dial what to order, or cancel' : '';
}

/** Whether any of it is written from right to left. */
export function isRightToLeft(text) {
  return RIGHT_TO_LEFT.test(text);
}

/** A name so that its direction of writing does not turn what stands around it (UAX #9). */
export function isolated(name) {
  const seen = visible(name);
  return isRightToLeft(seen) ? `\u2068${seen}\u2069` : seen;
}

/** Whether the bell can be heard here: `off`, `on` or `silenced`. */
export function soundKind(state) {
  if (!state.sound) return 'off';
  return isSilenced(state) ? 'silenced' : 'on';
}

/** The same in words, and what a click does. */
export function sound(state, { mono }) {
  if (state.link.phase === 'lost') return 'Silent: no connection';
  switch (soundKind(state)) {
    case 'off':
      return 'Sound is off: click to arm';
    case 'silenced':
      return `Silent for ${left(state, mono)} s`;
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

/** What is done about a lost link. */
function trying(farewell) {
  return farewell === 'shutdown' ? 'looking for it again' : 'trying again';
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Why the link ends; `since` is when it did, null while it still stands. */
function goodbye(reason, since = null, now = since) {
  if (reason === 'shutdown') {
    return since === null ? 'The server is shutting down'
      : `The server shut down at ${clock(since, now)}`;
  }
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
