// Every state that a panel can be in, as what it hears: for tests that look at all of them.

import { OFFICE, dial, roll, state, welcome } from './scripted.js';

const PEOPLE = ['Tim', 'Zoë', 'Ada'];

const TEXT = 'Deploy of 4.2 to production is halted.\n3 of 12 hosts answer with 502.';

const LONG = Array.from({ length: 40 }, (_, k) =>
  `${k + 1}. The night watch notes that all is well, and that the coffee is not.`).join('\n');

/** Names as long as a dial takes them, with words that no board is wide enough for, and in others' languages. */
const NAMES = [
  'deployment-rollback-in-progress', 'W'.repeat(40), 'لحظة من فضلك يا سيدي', '停止前進全速後退半速前進',
];
const FOREIGN = dial('Donaudampfschifffahrtsgesellschaft / נמל חיפה', NAMES);

/** What is heard of an order, its reply and the people at it. */
function heard(order, how = {}, people = {}, greeting = welcome()) {
  const told = state(order, how);
  return [greeting, told, roll(told, { named: PEOPLE, ...people })];
}

const unwell = (file, detail) =>
  ({ type: 'source', file, health: 'unreadable', detail, watch: 'poll' });

const ANSWERS = [['Tim', true], ['Zoë', false], ['Ada', null], ['W'.repeat(40), true]];

/**
 * `[{ name, says, does, isText }]`: what is said to the panel, what happens to it after that (`cut`,
 * `sound`, `silence`, `tap`), and whether the order is a text.
 */
export const STATES = [
  { name: 'answered', says: heard(7, { reply: 7, who: 'Tim' }, { answers: ANSWERS }) },
  { name: 'rings, sound off', says: heard(9, { reply: 6, bell: true }) },
  { name: 'rings, answered wrongly by a long name',
    says: heard(11, { reply: 9, who: 'W'.repeat(40), bell: true }, { answers: ANSWERS }) },
  { name: 'rings, sound on', says: heard(7, { reply: 6, bell: true }), does: 'sound' },
  { name: 'silenced here', says: heard(8, { reply: 6, bell: true }), does: 'silence' },
  { name: 'orders may be given', says: heard(5, { bell: true }, {},
    welcome(OFFICE, { may: { order: true, shutdown: false } })) },
  { name: 'an answer is held', says: heard(7, { reply: 7, who: 'Tim' }), does: 'tap' },
  { name: 'a token is wanted', says: heard(7, { reply: 6, bell: true }, {},
    welcome(OFFICE, { token: true })), does: 'tap' },
  { name: 'the status file is unwell', says: heard(4, {
    reply: 4, source: { health: 'unreadable', detail: 'status.eot cannot be read: permission denied' },
  }) },
  { name: 'both files are unwell', says: [...heard(4, { reply: 4, source: {
    health: 'unreadable', detail: 'status.eot cannot be read: permission denied',
  } }), unwell('accept', 'accept.eot cannot be read: permission denied')] },
  { name: 'the server is going', says: [
    ...heard(3, { reply: 6, bell: true }), { type: 'farewell', reason: 'shutdown' },
  ] },
  { name: 'no order yet', says: heard(null) },
  { name: 'a text', says: heard(TEXT, { reply: 6, bell: true }), isText: true },
  { name: 'a short text', says: heard('main is broken', { reply: 6, bell: true }), isText: true },
  { name: 'a long text', says: heard(LONG, { reply: 6, bell: true }), isText: true },
  { name: 'a text of one word', says: heard(`https://build.example/${'job/'.repeat(60)}`, {
    reply: 6, bell: true }), isText: true },
  { name: 'a text, acknowledged', says: heard(TEXT, { reply: TEXT, who: 'Tim' }, {
    answers: ANSWERS }), isText: true },
  ...NAMES.map((name, k) => ({
    name: `a dial of one's own: ${name}`, says: heard(k + 1, { reply: 4 - k, bell: k !== 3 }, {},
      welcome(FOREIGN)),
  })),
  { name: 'the link is lost', says: heard(7, { reply: 6, bell: true }), does: 'cut' },
  { name: 'the link is lost under a text', says: heard(TEXT, { reply: 6, bell: true }), does: 'cut',
    isText: true },
  { name: 'the server has gone', says: [
    ...heard(9, { reply: 9, who: 'Tim' }), { type: 'farewell', reason: 'shutdown' },
  ], does: 'cut' },
];
