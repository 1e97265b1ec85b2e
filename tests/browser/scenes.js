// The scenes that are photographed: each a state of the panel, brought about by a real server.
//
// A scene says how the server starts, who else is there, and what happens. It takes no picture.

/** A status from elsewhere, as a build would write it. */
const DEPLOY = 'Deploy of 4.2 to production is halted.\n3 of 12 hosts answer with 502.';

/** A text that fills whole pages. */
const LONG = Array.from({ length: 24 }, (_, k) =>
  `${k + 1}. The night watch notes that all is well, and that the coffee is not.`).join('\n');

/** What stands on a dial that is as full as a dial may be. */
const CROWD = [
  'FULL AHEAD', 'HALF AHEAD', 'SLOW AHEAD', 'STAND BY', 'FINISHED WITH ENGINES', 'PILOT',
];

/** Dials of one's own, as `--dial` takes them. */
export const DIALS = {
  deploy: dial('Deployments', [
    ['GREEN', 'SAILING'], ['ROLLING OUT', 'SAILING'], ['FROZEN', null],
    ['ROLL BACK', 'TROUBLE'], ['ALL HANDS', 'TROUBLE'],
  ]),
  three: dial('Door', [['OPEN', null], ['KNOCK FIRST', null], ['CLOSED', null]]),
  harbour: dial('נמל חיפה', [
    ['מלוא הכוח', 'קדימה'], ['חצי כוח', 'קדימה'], ['לאט', 'קדימה'], ['עצור', null],
    ['لحظة من فضلك', 'אחורה'], ['חצי כוח אחורה', 'אחורה'], ['מלוא הכוח אחורה', 'אחורה'],
  ]),
  crowded: dial('Signal Station / Twenty-four', Array.from({ length: 24 }, (_, k) => [
    CROWD[k % 6] + (k < 6 ? '' : ` ${Math.floor(k / 6) + 1}`),
    ['AHEAD', 'HARBOUR', 'SEA', 'ASTERN'][Math.floor(k / 6)],
  ])),
};

function dial(title, positions) {
  const each = positions.map(([name, arc]) => {
    const of = arc === null ? '' : `arc = "${arc}"\n`;
    return `[[positions]]\nname = "${name}"\n${of}`;
  });
  return `title = "${title}"\n\n${each.join('\n')}`;
}

/** What is ordered, and answered by Tim, whom Zoë joins. */
async function answered({ telegraph, panel, seat }, status, name) {
  const tim = await seat('Tim');
  const zoe = await seat('Zoë');
  await telegraph.write('status.eot', status);
  for (const one of [tim, zoe, panel]) await one.expectOrder(name);
  await tim.page.click('#coming-yes');
  await panel.expectSilent();
  await zoe.page.click('#coming-no');
  await panel.expectText('#answers li:nth-child(2)', /^Zoë is not coming/);
}

async function ringing({ telegraph, panel }, status, name) {
  await telegraph.write('status.eot', status);
  await panel.expectOrder(name);
  await panel.expectRinging();
}

async function silence({ page }) {
  const isSilenced = () => page.locator('#panel[data-sound="silenced"]').count();
  if (!await isSilenced()) await page.keyboard.press('s');
  await page.locator('#panel[data-sound="silenced"]').waitFor();
}

const calm = { status: '6', accept: '6' };

/** The bell book of an ordinary day. */
function yesterday() {
  const day = new Date();
  day.setDate(day.getDate() - 1);
  const story = [
    [8.2, 'order', 1, 'FULL'], [8.21, 'reply', 1, 'FULL', 'Tim'],
    [10, 'order', 7, 'COFFEE'], [10.2, 'reply', 7, 'COFFEE', 'Zoë'],
    [10.6, 'order', 2, 'HALF'], [10.62, 'reply', 2, 'HALF', 'Tim'],
    [12.25, 'order', 8, 'LUNCH'], [12.5, 'reply', 8, 'LUNCH', 'Ada'],
    [13.4, 'order', 1, 'FULL'], [13.42, 'reply', 1, 'FULL', 'Tim'],
    [15.1, 'order', 9, 'ENGINE WORKING WRONG'],
    [16.3, 'reply', 9, 'ENGINE WORKING WRONG', 'Zoë'],
    [17.5, 'order', 6, 'STOP'], [17.52, 'reply', 6, 'STOP', 'Tim'],
  ];
  let since = 0;
  return story.map(([hour, what, position, name, who], k) => {
    const at = day.setHours(Math.floor(hour), Math.round((hour % 1) * 60), 7, 0);
    if (what === 'order') since = at;
    const by = what === 'order' ? 'file' : '67e55044-10b1-426f-9247-bb680e5fe0c8';
    const more = what === 'order' ? { since } : { who, after_ms: at - since };
    return { seq: at, at, what, status: String(position), position, name, by, ...more };
  });
}

export const SCENES = [
  {
    name: 'answered', server: calm,
    says: 'COFFEE is ordered and answered by Tim; the bell is silent; connected',
    act: (scene) => answered(scene, '7', 'COFFEE'),
  },
  {
    name: 'rings', server: calm, sound: true,
    says: 'COFFEE is ordered, the reply still says STOP; the bell rings, sound on; connected',
    act: (scene) => ringing(scene, '7', 'COFFEE'),
  },
  {
    name: 'sound-off', server: calm,
    says: 'BATTLE STATIONS is ordered, reply STOP; the bell rings but its sound is off; connected',
    act: (scene) => ringing(scene, '11', 'BATTLE STATIONS'),
  },
  {
    name: 'silenced', server: calm, sound: true,
    says: 'LUNCH is ordered, reply STOP; the bell rings, silenced here for a while; connected',
    async act(scene) {
      await ringing(scene, '8', 'LUNCH');
    },
    // It lasts thirty seconds, and the pictures may take longer.
    again: silence,
  },
  {
    name: 'differs', server: { status: '9', accept: '6' }, sound: true,
    says: 'ENGINE WORKING WRONG is ordered, answered with FULL; the bell rings; connected',
    async act({ telegraph, panel }) {
      await telegraph.write('accept.eot', '1');
      await panel.expectText('#other', /FULL/);
    },
  },
  {
    name: 'lost', server: { status: '7', accept: '7' },
    says: 'no connection; last known: COFFEE ordered and answered; no bell',
    async act({ telegraph, panel }) {
      await panel.expectOrder('COFFEE');
      await telegraph.signal('SIGKILL');
      await panel.expect('#panel[data-link="lost"]');
    },
  },
  {
    name: 'shutdown', server: { status: '3', accept: '6' },
    says: 'the server is shutting down, no connection; last known: SLOW ordered, reply STOP',
    async act({ telegraph, panel }) {
      await panel.expectOrder('SLOW');
      await telegraph.signal('SIGTERM');
      await panel.expectText('#link', /^The server shut down/);
    },
  },
  {
    name: 'unwell', server: { status: '4', accept: '4' },
    says: 'the status file is missing; last known: REVERSE ordered and answered; connected; calm',
    async act({ telegraph, panel }) {
      await panel.expectOrder('REVERSE');
      await telegraph.remove('status.eot');
      await panel.expectText('#lamp-status', /status\.eot/);
    },
  },
  {
    name: 'stranger', server: calm, sound: true,
    says: 'a text off the dial (deploy halted) is ordered, reply STOP; the bell rings; connected',
    act: (scene) => ringing(scene, DEPLOY, DEPLOY),
  },
  {
    name: 'stranger-answered', server: calm,
    says: 'a text off the dial (deploy halted), acknowledged by Tim; calm; connected',
    act: (scene) => answered(scene, DEPLOY, DEPLOY),
  },
  {
    name: 'long', server: calm,
    says: 'a long text off the dial; the bell rings, sound off; connected',
    act: (scene) => ringing(scene, LONG, LONG),
  },
  {
    name: 'no-order', server: { status: null },
    says: 'no order yet, the status file is missing; connected; calm',
    act: ({ panel }) => panel.expectOrder('No order yet'),
  },
  {
    name: 'waiting', server: { status: '8', accept: '6' },
    says: 'LUNCH is ordered, reply STOP; an answer LUNCH is on its way; the bell rings; connected',
    // Answers get lost on their way.
    prepare: (page) => page.routeWebSocket(/websocket/, (socket) => {
      const server = socket.connectToServer();
      socket.onMessage((message) => {
        if (!message.includes('"answer"')) server.send(message);
      });
    }),
    async act({ panel }) {
      await panel.expectRinging();
      await panel.sector(8).click();
      await panel.expect('.sector.waiting');
    },
  },
  {
    name: 'refused', server: { status: '8', accept: '6', token: 'sesame' },
    says: 'LUNCH is ordered, reply STOP; an answer was refused, a token is wanted; the bell rings',
    act: ({ panel }) => panel.expectRinging(),
    // The reason is shown for a while only.
    async again(panel) {
      await panel.page.keyboard.press('8');
      await panel.page.keyboard.press('Enter');
      await panel.expectText('#request', /did not count/);
      await panel.page.keyboard.press('Escape');
    },
  },
  {
    name: 'ordering', server: { ...calm, args: ['--allow-orders', 'any'] },
    says: 'STOP is ordered and answered; the Order switch is on; calm; connected',
    async act({ panel }) {
      await panel.expectSilent();
      await panel.page.click('#ordering');
      await panel.expectText('#request', /Choose/);
    },
  },
  {
    name: 'confirming', server: { ...calm, args: ['--allow-orders', 'any'] },
    says: 'STOP is ordered and answered; it asks whether to order COFFEE; calm; connected',
    async act({ panel }) {
      await panel.page.click('#ordering');
      await panel.sector(7).click();
      await panel.expectText('#confirm p', /COFFEE/);
    },
  },
  {
    name: 'deploy-dial', server: { status: 'frozen', accept: '2', dial: DIALS.deploy },
    says: 'dial Deployments: FROZEN is ordered, reply ROLLING OUT; the bell rings, sound off',
    act: ({ panel }) => panel.expectOrder('FROZEN'),
  },
  {
    name: 'three-dial', server: { status: '2', accept: '2', dial: DIALS.three },
    says: 'dial Door: KNOCK FIRST is ordered and answered; calm',
    act: ({ panel }) => panel.expectOrder('KNOCK FIRST'),
  },
  {
    name: 'harbour-dial', server: { status: '2', accept: '4', dial: DIALS.harbour },
    says: 'a Hebrew dial: position 2 is ordered, reply 4; the bell rings, sound off',
    act: ({ panel }) => panel.expectRinging(),
  },
  {
    name: 'crowded-dial', server: { status: '17', accept: '17', dial: DIALS.crowded },
    says: 'a dial of 24: position 17 is ordered and answered; calm',
    act: ({ panel }) => panel.expectSilent(),
  },
];

/** Scenes of drawers and dialogs, which stand over the dial. */
export const ROOMS = [
  {
    name: 'book', server: { ...calm, book: yesterday() },
    says: 'the bell book of yesterday is open; behind it NEXT is ordered; the bell rings',
    async act(scene) {
      await ringing(scene, '5', 'NEXT');
      await scene.panel.page.click('#book-open');
      await scene.panel.expectText('#book tbody tr:nth-child(1)', /NEXT/);
      await scene.panel.page.click('#book-before');
      await scene.panel.expectText('#book-day', 'Yesterday');
    },
  },
  {
    name: 'help', server: calm, says: 'help is open; STOP is ordered and answered',
    async act({ panel }) {
      await panel.page.keyboard.press('?');
      await panel.page.locator('#help').waitFor({ state: 'visible' });
    },
  },
  {
    name: 'console', server: calm, says: 'the console is open; STOP is ordered and answered',
    async act({ panel }) {
      await panel.page.keyboard.press('`');
      await panel.page.keyboard.type('status');
      await panel.page.keyboard.press('Enter');
      await panel.expectText('[data-kind="console"]', /^Current Status/);
    },
  },
];
