// The JSON wire, `chadburn.v1`, as a panel needs it: text in, a checked message out, and back.
//
// PROTOCOL.md is the truth and tests/fixtures/chadburn.v1.json its examples. This module knows no
// socket, no page and no state: a message is well-formed or it is not, whatever came before it.

import { isSeen } from './unseen.js';

/** The WebSocket subprotocol that this panel speaks. */
export const SUBPROTOCOL = 'chadburn.v1';

/** The fewest and the most positions of a dial; where there is none, it has no position. */
export const MIN_POSITIONS = 3;
export const MAX_POSITIONS = 24;

/** The longest `id` the server gives back, in bytes of UTF-8. */
const MAX_ID_BYTES = 64;

/** The longest name of a station, in characters of any script. */
export const MAX_NAME = 40;

/** The longest status an order may give, in bytes of UTF-8. */
const MAX_STATUS_BYTES = 4096;

/** Why a message was not understood; it never leaves this module. */
class Malformed extends Error {}

/**
 * Reads one message of the server. Gives `{ message }`, which has the fields of PROTOCOL.md and no
 * others, or `{ fault, detail }` where fault is `bad_json`, `bad_message` or `unknown_type`.
 */
export function parse(text) {
  let raw;
  try {
    raw = JSON.parse(text);
  } catch {
    return { fault: 'bad_json', detail: 'not JSON' };
  }
  try {
    const { type } = record(raw, 'the message');
    need(typeof type === 'string', 'type is no text');
    if (!Object.hasOwn(READERS, type)) return { fault: 'unknown_type', detail: type };
    return { message: { type, ...READERS[type](raw) } };
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    return { fault: 'bad_message', detail: error.message };
  }
}

/** Reads a dial as `welcome` has it, for instance a remembered one; null if it is none. */
export function readDial(raw) {
  try {
    return dial(raw);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    return null;
  }
}

/** Whether a station may be called this; empty means unnamed. White space at its ends would make a second one. */
export function isName(text) {
  return [...text].length <= MAX_NAME && text.trim() === text && isSeen(text);
}

/**
 * An answer to the order with this seq; without a position it accepts the order as it stands,
 * unless `coming` is false: that alone is a note among people.
 */
export function answer({ order: seq, position, coming, id }) {
  need(isSeq(seq), 'order is no seq');
  need(position === undefined || isPosition(position), 'no dial has this position');
  need(coming === undefined || typeof coming === 'boolean', 'coming is neither true nor false');
  return write({ type: 'answer', order: seq, position, coming, id });
}

/** What this station is to be called. */
export function name({ name: text, id }) {
  need(typeof text === 'string' && isName(text), 'this is no name');
  return write({ type: 'name', name: text, id });
}

/** An order: a status for all. */
export function order({ status, id }) {
  need(typeof status === 'string' && status.trim() !== '', 'the status is blank');
  need(bytes(status) <= MAX_STATUS_BYTES, 'the status is too long');
  return write({ type: 'order', status, id });
}

/** The token that the telegraph wants. */
export function token({ value, id }) {
  need(typeof value === 'string', 'value is no text');
  return write({ type: 'token', value, id });
}

/** A command of the debug console, spelt as on the text wire. */
export function command({ command: text, id }) {
  need(typeof text === 'string', 'command is no text');
  return write({ type: 'console', command: text, id });
}

function write(message) {
  need(message.id === undefined || isId(message.id), 'id is neither an integer nor a short text');
  return JSON.stringify(message);
}

/** One reader a type: it takes the raw object and gives the checked fields. */
const READERS = {
  welcome: (raw) => ({
    station: text(raw, 'station'),
    server: text(raw, 'server'),
    assets: text(raw, 'assets'),
    dial: dial(raw.dial),
    heartbeat_ms: heartbeat(raw.heartbeat_ms),
    at: time(raw, 'at'),
    resume: text(raw, 'resume'),
    token: flag(raw, 'token'),
    may: may(record(raw.may, 'may')),
  }),
  state: (raw) => ({
    seq: seq(raw, 'seq'),
    at: time(raw, 'at'),
    order: raw.order === null ? null : present(record(raw.order, 'order')),
    reply: raw.reply === null ? null : reply(record(raw.reply, 'reply')),
    bell: flag(raw, 'bell'),
    source: source(record(raw.source, 'source')),
  }),
  // A later server may tell of more files.
  source: (raw) => ({ file: text(raw, 'file'), ...source(raw) }),
  roll: (raw) => ({
    order: raw.order === null ? null : seq(raw, 'order'),
    answers: list(raw, 'answers').map((one) => rollAnswer(record(one, 'an answer'))),
    more_answers: count(raw, 'more_answers'),
    stations: count(raw, 'stations'),
    named: list(raw, 'named').map((_, index, names) => text(names, index)),
    more_named: count(raw, 'more_named'),
  }),
  may,
  gap: (raw) => ({ from: seq(raw, 'from'), to: seq(raw, 'to') }),
  beat: (raw) => ({ at: time(raw, 'at') }),
  ok: (raw) => id(raw),
  error: (raw) => ({ ...id(raw), code: text(raw, 'code'), message: text(raw, 'message') }),
  console: (raw) => ({ text: text(raw, 'text') }),
  farewell: (raw) => ({ reason: text(raw, 'reason') }),
};

function dial(raw) {
  const { positions } = record(raw, 'dial');
  need(Array.isArray(positions), 'positions is no list');
  need(positions.length === 0 || positions.length >= MIN_POSITIONS,
    'the dial has too few positions');
  need(positions.length <= MAX_POSITIONS, 'the dial has too many positions');
  return { title: text(raw, 'title'), positions: positions.map(sector) };
}

function sector(raw, index) {
  need(record(raw, 'a position').position === index + 1, 'the positions do not run from 1');
  need(raw.name !== '', 'a position has no name');
  return { position: raw.position, name: text(raw, 'name'), arc: textOrNull(raw, 'arc') };
}

function may(raw) {
  return { order: flag(raw, 'order'), shutdown: flag(raw, 'shutdown') };
}

function present(raw) {
  return { ...reading(raw), seq: seq(raw, 'seq'), since: time(raw, 'since') };
}

function reply(raw) {
  return {
    ...reading(raw),
    seq: seq(raw, 'seq'),
    by: text(raw, 'by'),
    who: textOrNull(raw, 'who'),
    at: time(raw, 'at'),
  };
}

function reading(raw) {
  return {
    status: text(raw, 'status'),
    position: positionOrNull(raw),
    name: textOrNull(raw, 'name'),
  };
}

function rollAnswer(raw) {
  return {
    station: text(raw, 'station'),
    name: textOrNull(raw, 'name'),
    position: positionOrNull(raw),
    coming: raw.coming === null ? null : flag(raw, 'coming'),
    after_ms: count(raw, 'after_ms'),
  };
}

function source(raw) {
  // A later server may know more ways to be unwell; whatever is not `ok` is one of them.
  return { health: text(raw, 'health'), detail: text(raw, 'detail'), watch: text(raw, 'watch') };
}

function id(raw) {
  if (raw.id === undefined) return {};
  need(isId(raw.id), 'id is neither an integer nor a short text');
  return { id: raw.id };
}

function heartbeat(value) {
  need(Number.isSafeInteger(value) && value > 0, 'heartbeat_ms is no time span');
  return value;
}

function record(value, what) {
  const is = typeof value === 'object' && value !== null && !Array.isArray(value);
  need(is, `${what} is no object`);
  return value;
}

function text(raw, field) {
  need(typeof raw[field] === 'string', `${field} is no text`);
  return raw[field];
}

function textOrNull(raw, field) {
  return raw[field] === null ? null : text(raw, field);
}

function list(raw, field) {
  need(Array.isArray(raw[field]), `${field} is no list`);
  return raw[field];
}

function positionOrNull({ position }) {
  need(position === null || isPosition(position), 'no dial has this position');
  return position;
}

function count(raw, field) {
  need(isSeq(raw[field]), `${field} is no count`);
  return raw[field];
}

function flag(raw, field) {
  need(typeof raw[field] === 'boolean', `${field} is neither true nor false`);
  return raw[field];
}

function seq(raw, field) {
  need(isSeq(raw[field]), `${field} is no seq`);
  return raw[field];
}

function time(raw, field) {
  need(Number.isSafeInteger(raw[field]), `${field} is no time`);
  return raw[field];
}

function isSeq(value) {
  return Number.isSafeInteger(value) && value >= 0;
}

function isPosition(value) {
  return Number.isInteger(value) && value >= 1 && value <= MAX_POSITIONS;
}

function isId(value) {
  if (typeof value !== 'string') return Number.isSafeInteger(value);
  return bytes(value) <= MAX_ID_BYTES;
}

function bytes(value) {
  return new TextEncoder().encode(value).length;
}

function need(holds, reason) {
  if (!holds) throw new Malformed(reason);
}
