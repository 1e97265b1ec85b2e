// The bell book as a day's story: which order stood when, how long the bell rang, and what is said
// of each entry.
//
// Pure. Entries come as PROTOCOL.md has them and are not trusted; what is returned is only shown
// as text.

import { pace } from './roll.js';
import { visible } from './unseen.js';
import { isolated } from './words.js';

/** What kinds of entries there are, in words. */
const WHAT = {
  run: () => 'The server starts',
  end: () => 'The server ends',
  order: (said) => `${said} ordered`,
  repeat: (said) => `${said} ordered again`,
  reply: (said) => `answered ${said}`,
  stale: (said, more) => `answered ${said}, too late${more ? `, and ${more} more` : ''}`,
  hole: (_, more) => (more ? `${more} more, not written one by one` : 'Some entries are missing'),
};

/** The most entries a table shows; the rest of a day is in the CSV. */
export const MAX_ROWS = 200;

/** The entries that can be read, the oldest first. */
export function readBook(raw) {
  if (!Array.isArray(raw)) return [];
  return raw.filter((entry) =>
    Number.isSafeInteger(entry?.at) && Number.isSafeInteger(entry?.seq)
      && typeof entry?.what === 'string');
}

/** Midnight before this time, in the reader's time zone; `days` further. */
export function midnight(time, days = 0) {
  const date = new Date(time);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + days).getTime();
}

/**
 * Every third hour of the day that begins at `from`, and its end: `[{ hour, at }]`. Days with a change of
 * clocks are longer or shorter than others.
 */
export function hours(from) {
  const date = new Date(from);
  return [0, 3, 6, 9, 12, 15, 18, 21, 24].map((hour) => ({
    hour, at: new Date(date.getFullYear(), date.getMonth(), date.getDate(), hour).getTime(),
  }));
}

/**
 * Which order stood when on the day that begins at `from`, up to `now`:
 * `[{ from, to, rangUntil, label }]`. `rangUntil` is when the bell fell silent.
 */
export function spans(entries, from, now) {
  const to = Math.min(midnight(from, 1), now);
  const all = [];
  let open = null;
  const close = (at) => {
    if (open) all.push({ ...open, to: at, rangUntil: open.rangUntil ?? at });
    open = null;
  };
  for (const entry of entries) {
    if (entry.what === 'run') close(entry.at);
    if (entry.what === 'end') close(entry.at);
    if (entry.what === 'order' || entry.what === 'repeat') {
      close(entry.at);
      open = { from: entry.at, rangUntil: null, label: said(entry), key: keyOf(entry) };
    }
    if (entry.what === 'reply' && open) {
      if (keyOf(entry) === open.key) open.rangUntil ??= entry.at;
      else if (open.rangUntil !== null) {
        // A later answer that differs rings it again, from here on.
        const { label, key } = open;
        close(entry.at);
        open = { from: entry.at, rangUntil: null, label, key };
      }
    }
  }
  close(now);
  return all.map(({ key: _, ...span }) => span)
    .filter((span) => span.to > from && span.from < to)
    .map((span) => ({
      ...span,
      from: Math.max(span.from, from),
      to: Math.min(span.to, to),
      rangUntil: Math.min(Math.max(span.rangUntil, from), to),
    }));
}

/** The entries of the day that begins at `from`, the newest first, as rows of words. */
export function rows(entries, from) {
  const to = midnight(from, 1);
  return entries.filter(({ at }) => at >= from && at < to).reverse().slice(0, MAX_ROWS)
    .map((entry) => ({
      what: entry.what,
      time: clock(entry.at),
      text: (WHAT[entry.what] ?? ((text) => `${entry.what} ${text}`))(
        said(entry), Number.isSafeInteger(entry.more) ? entry.more : 0),
      by: by(entry),
      after: Number.isSafeInteger(entry.after_ms) ? pace(entry.after_ms) : '',
    }));
}

/** The day in words. */
export function dayName(from, now) {
  const days = Math.round((midnight(now) - from) / 86_400_000);
  if (days === 0) return 'Today';
  if (days === 1) return 'Yesterday';
  return new Date(from).toLocaleDateString(undefined, {
    weekday: 'long', day: 'numeric', month: 'long',
  });
}

function clock(at) {
  const two = (number) => String(number).padStart(2, '0');
  const time = new Date(at);
  return [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':');
}

function said({ name, status }) {
  const text = visible(String(name ?? status ?? '')).replace(/\s+/gu, ' ').trim();
  const chars = [...text];
  return isolated(chars.length > 120 ? `${chars.slice(0, 119).join('')}…` : text);
}

function by({ what, by: station, who }) {
  if (what !== 'reply' && what !== 'stale') return '';
  if (station === 'file') return 'the accept file';
  return typeof who === 'string' ? isolated(who) : 'a station';
}

/** What has to be the same for an answer to match an order. */
function keyOf({ position, status }) {
  return Number.isInteger(position) ? position : `text ${status}`;
}
