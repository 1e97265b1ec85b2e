// The roll in words: who answers and how fast, and who is there.
//
// Pure, as words.js is; what it returns is only ever shown as text. A note among people: it says
// nothing of the bell.

import { answersOf, moreAnswers, sectorOf } from './store.js';
import { isolated } from './words.js';

/** A span of time as a clock counts it: "0:02", "1:02:03". */
export function pace(ms) {
  const seconds = Math.floor(ms / 1000);
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  const rest = `${hours > 0 ? two(minutes) : minutes}:${two(seconds % 60)}`;
  return hours > 0 ? `${hours}:${rest}` : rest;
}

/** A line for each answer to the present order, the first first: `[{ text, coming }]`. */
export function answers(state) {
  return answersOf(state).map((answer) => ({ text: line(state, answer), coming: answer.coming }));
}

/** How many answers are not listed; empty if all are. */
export function more(state) {
  const count = moreAnswers(state);
  return count > 0 ? `and ${count} more` : '';
}

/** How many stations are there, and those that have a name. */
export function present({ roll }) {
  if (roll === null) return '';
  const stations = `${roll.stations} ${roll.stations === 1 ? 'station' : 'stations'}`;
  const names = roll.named.map(isolated).join(', ');
  const beyond = roll.more_named > 0 ? ` and ${roll.more_named} more` : '';
  if (names === '') return stations;
  // The others have no name; who are told by name are some of all.
  const some = roll.named.length + roll.more_named < roll.stations ? ', with' : ':';
  return `${stations}${some} ${names}${beyond}`;
}

/** What this station said of its coming to the present order; null if nothing. */
export function ownComing(state) {
  return answersOf(state).find(({ station }) => station === state.station)?.coming ?? null;
}

/** "Tim is coming, after 0:02"; "Zoë answered LUNCH and is not coming". */
function line(state, answer) {
  const { dial, order, station } = state;
  const isOwn = answer.station === station;
  const who = isOwn ? 'You' : named(answer.name);
  const be = isOwn ? 'are' : 'is';
  const time = `after ${pace(answer.after_ms)}`;
  const said = sectorOf(dial, answer);
  const differs = said !== null && answer.position !== order.position;
  const did = differs ? `answered ${said.name}` : plain(answer, order);
  switch (answer.coming) {
    case true:
      return `${who} ${differs ? `${did} and ` : ''}${be} coming, ${time}`;
    case false:
      return `${who} ${said === null ? '' : `${did} and `}${be} not coming`;
    default:
      return `${who} ${did}, ${time}`;
  }
}

function plain(answer, order) {
  return answer.position === null && order.position === null ? 'acknowledged' : 'answered';
}

function named(name) {
  return name === null ? 'Another station' : isolated(name);
}

function two(number) {
  return String(number).padStart(2, '0');
}
