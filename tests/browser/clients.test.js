// The usual clients for node, ws and eventsource, as scripts use them.

import assert from 'node:assert/strict';
import { EventEmitter, on, once } from 'node:events';

import { EventSource } from 'eventsource';
import WebSocket from 'ws';

import { test } from './bounded.js';
import { Telegraph, within } from './house.js';
import { Cable } from './wires.js';

async function start(t, options = {}) {
  const telegraph = await Telegraph.start({ status: '7', ...options });
  t.after(() => telegraph.stop());
  return telegraph;
}

/** A ws client, and what it hears, message by message. */
function connect(t, telegraph, protocols = [], options = {}) {
  const socket = new WebSocket(`${telegraph.url().replace('http', 'ws')}websocket`, protocols, options);
  t.after(() => socket.terminate());
  const messages = on(socket, 'message', within());
  const hear = async () => String((await messages.next()).value[0]);
  return { socket, hear };
}

/** The next JSON message of this type. */
async function hears(client, type) {
  for (;;) {
    const message = JSON.parse(await client.hear());
    if (message.type === type) return message;
  }
}

test('ws on the text wire: lines with their ends, orders, and the code of the end', async (t) => {
  const telegraph = await start(t);
  const { socket, hear } = connect(t, telegraph);
  assert.equal(await hear(), 'Connected to EOT Server');
  assert.equal(await hear(), '7&1');
  assert.equal(socket.extensions, '', 'it offers compression, which is not taken');
  for (const [line, answer] of [
    ['status\n', 'Current Status: 7'], ['Accept&7\r\n', 'Accepted state: 7'], ['Status\n', 'Server echoed: Status\n'],
  ]) {
    socket.send(line);
    assert.equal(await hear(), answer);
  }
  assert.equal(await telegraph.read('accept.eot'), '7\n');
  await telegraph.write('status.eot', '8');
  assert.equal(await hear(), '8');
  socket.ping();
  await once(socket, 'pong', within());
  const closed = once(socket, 'close', within());
  await telegraph.signal('SIGTERM');
  assert.equal(await hear(), 'EOT Server is shutting down.');
  assert.equal((await closed)[0], 1001);
});

test('ws on the JSON wire: it watches, answers, and is told the end', async (t) => {
  const telegraph = await start(t);
  const client = connect(t, telegraph, ['chadburn.v1']);
  assert.equal((await hears(client, 'welcome')).dial.positions.length, 11);
  const { seq, order } = await hears(client, 'state');
  assert.deepEqual([seq, order.name], [order.seq, 'COFFEE']);
  assert.equal(client.socket.protocol, 'chadburn.v1');
  client.socket.send(JSON.stringify({ type: 'answer', id: 1, order: order.seq, position: 7 }));
  assert.equal((await hears(client, 'ok')).id, 1);
  assert.equal(await telegraph.read('accept.eot'), '7\n');
  const closed = once(client.socket, 'close', within());
  await telegraph.signal('SIGTERM');
  assert.equal((await hears(client, 'farewell')).reason, 'shutdown');
  assert.equal((await closed)[0], 1001);
});

test('ws is told why it is refused, and by which option it would not be', async (t) => {
  const origin = 'http://wall.example';
  const telegraph = await start(t);
  const { socket } = connect(t, telegraph, [], { origin });
  const [request, answer] = await once(socket, 'unexpected-response', within());
  assert.equal(answer.statusCode, 403);
  const { detail } = JSON.parse(String(await answer.toArray().then(Buffer.concat)));
  assert.match(detail, /--allow-origin http:\/\/wall\.example/);
  request.destroy();
  const open = await start(t, { args: ['--allow-origin', origin] });
  assert.equal(await connect(t, open, [], { origin }).hear(), 'Connected to EOT Server');
});

/** An EventSource, and what it hears, event by event. */
function listen(t, url, options) {
  const source = new EventSource(url, options);
  t.after(() => source.close());
  const events = new EventEmitter();
  for (const name of ['open', 'message', 'gap', 'farewell', 'source', 'error']) {
    source.addEventListener(name, (event) => events.emit('event', event));
  }
  const all = on(events, 'event', within());
  /** The next event of this kind. */
  const next = async (type) => {
    for (;;) {
      const [event] = (await all.next()).value;
      if (event.type === type) return event;
    }
  };
  return { source, next };
}

const status = async (listener) => JSON.parse((await listener.next('message')).data).order.status;

test('eventsource comes back by itself, and is told what it missed', async (t) => {
  const telegraph = await start(t);
  const cable = await Cable.lay(telegraph.port);
  t.after(() => cable.remove());
  const listener = listen(t, `${cable.url}events`);
  assert.equal(await status(listener), '7');
  await telegraph.write('status.eot', '8');
  assert.equal(await status(listener), '8');
  cable.cut();
  await listener.next('error');
  // Another one sees that each of them has been told of.
  const witness = listen(t, `${telegraph.url()}events`);
  assert.equal(await status(witness), '8');
  for (const order of ['9', '10', '11']) {
    await telegraph.write('status.eot', order);
    assert.equal(await status(witness), order);
  }
  cable.mend();
  await listener.next('open');
  for (const order of ['9', '10', '11']) assert.equal(await status(listener), order);
  assert.equal(listener.source.readyState, EventSource.OPEN);
});

test('eventsource hears the farewell, and the next server', async (t) => {
  const telegraph = await start(t);
  const listener = listen(t, `${telegraph.url()}events`);
  assert.equal(await status(listener), '7');
  await telegraph.signal('SIGTERM');
  assert.equal(JSON.parse((await listener.next('farewell')).data).reason, 'shutdown');
  await telegraph.write('status.eot', '8');
  await telegraph.resume();
  assert.equal(await status(listener), '8');
});

test('eventsource with a token reads what is private, and gives up without', async (t) => {
  const telegraph = await start(t, { token: 'sesame', args: ['--private'] });
  const url = `${telegraph.url()}events`;
  const authorised = (to, init) => fetch(to, { ...init, headers: { ...init.headers, Authorization: 'Bearer sesame' } });
  assert.equal(await status(listen(t, url, { fetch: authorised })), '7');
  const stranger = listen(t, url);
  assert.equal((await stranger.next('error')).code, 401);
  assert.equal(stranger.source.readyState, EventSource.CLOSED);
});
