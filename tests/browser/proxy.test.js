// The README's reverse proxies, taken from the README itself: the panel through TLS and wss, in a
// real browser. Only names of files and ports are put in the place of the README's.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { after, before, test } from './bounded.js';
import { end, launch, Panel, Telegraph, within } from './house.js';

const HOST = 'eot.example.com';
const README = new URL('../../README.md', import.meta.url);
const PATH = `${process.env.PATH}:/usr/sbin:/sbin`;

let browser;
let place;

before(async () => {
  browser = await launch([HOST]);
  place = await mkdtemp(join(tmpdir(), 'chadburn-proxy-'));
  execFileSync('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
    '-days', '2', '-subj', `/CN=${HOST}`, '-addext', `subjectAltName=DNS:${HOST}`,
    '-keyout', join(place, 'key.pem'), '-out', join(place, 'cert.pem'),
  ], { stdio: 'ignore' });
});

after(async () => {
  await browser?.close();
  await rm(place, { recursive: true, force: true });
});

/** The README's code block in this language. */
async function snippet(language) {
  const readme = await readFile(README, 'utf8');
  const block = new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(readme);
  assert.ok(block, `the README has no ${language} block`);
  return block[1];
}

/** Replaces what must be there. */
function replaced(text, pairs) {
  for (const [from, to] of pairs) {
    assert.ok(text.includes(from), `${from} is not in the README's block`);
    text = text.replaceAll(from, to);
  }
  return text;
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening', within());
  const { port } = server.address();
  server.close();
  await once(server, 'close', within());
  return port;
}

/** Waits until somebody listens, or the proxy has ended. */
async function listening(port, proxy) {
  for (let tries = 0; tries < 500; tries += 1) {
    assert.equal(proxy.exitCode, null, `the proxy ended: ${proxy.said}`);
    const socket = connect(port, '127.0.0.1');
    const open = await once(socket, 'connect', within()).then(() => true, () => false);
    socket.destroy();
    if (open) return;
    await setTimeout(20);
  }
  assert.fail('the proxy does not listen');
}

async function throughProxy(configure, path = '/') {
  // Without the slash the page begins to look for its parts beside its path, before it has put the slash there.
  const misses = path.endsWith('/') ? null : /status of 404/;
  const telegraph = await Telegraph.start({ status: '7', args: ['--host', HOST] });
  const port = await freePort();
  const { command, args, env = {} } = await configure(telegraph.port, port);
  const proxy = spawn(command, args, {
    cwd: place, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, PATH, ...env },
  });
  proxy.said = '';
  for (const stream of [proxy.stdout, proxy.stderr]) {
    stream.on('data', (data) => {
      proxy.said += data;
    });
  }
  try {
    await listening(port, proxy);
    const url = `https://${HOST}:${port}${path}`;
    const panel = await Panel.open(browser, url, { misses, ignoreHTTPSErrors: true });
    await panel.expectOrder('COFFEE');
    assert.equal(new URL(panel.page.url()).pathname, `${path.replace(/\/$/, '')}/`);
    assert.equal(await panel.page.evaluate(() => isSecureContext), true);
    await telegraph.write('status.eot', '8');
    await panel.expectOrder('LUNCH');
    await panel.page.click('#book-open');
    await panel.expectText('#book tbody tr:nth-child(1)', /LUNCH ordered/);
    const table = await panel.page.locator('#book-csv').evaluate(async ({ href }) => (await fetch(href)).text());
    assert.match(table, /LUNCH/, 'the link to the table');
    await panel.close();
  } finally {
    await end(proxy, 'SIGTERM');
    await telegraph.stop();
  }
}

/** How Caddy is started with this site. */
async function caddy(site) {
  const file = join(place, 'Caddyfile');
  await writeFile(file, `{\n\tadmin off\n\tauto_https off\n}\n${site}`);
  return {
    command: 'caddy',
    args: ['run', '--config', file, '--adapter', 'caddyfile'],
    env: { HOME: place, XDG_DATA_HOME: place, XDG_CONFIG_HOME: place },
  };
}

test("the README's Caddyfile carries a panel over wss", () => throughProxy(async (server, port) => {
  const site = replaced(await snippet('caddyfile'), [
    [`${HOST} {`, `${HOST}:${port} {\n\ttls ${place}/cert.pem ${place}/key.pem`],
    ['127.0.0.1:1873', `127.0.0.1:${server}`],
  ]);
  return caddy(site);
}));

/** The README's nginx server; `changes` are what the README says to change for something else. */
const nginx = (changes) => async (server, port) => {
  const site = replaced(replaced(await snippet('nginx'), changes), [
    ['listen 443 ssl', `listen 127.0.0.1:${port} ssl`],
    ['/etc/ssl/eot.example.com.pem', `${place}/cert.pem`],
    ['/etc/ssl/eot.example.com.key', `${place}/key.pem`],
    ['127.0.0.1:1873', `127.0.0.1:${server}`],
  ]);
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${place}/${name};`).join('\n');
  const file = join(place, 'nginx.conf');
  await writeFile(file, `daemon off;\nmaster_process off;\npid ${place}/nginx.pid;
    error_log stderr;\nevents {}\nhttp {\naccess_log off;\n${temp}\n${site}}\n`);
  return { command: 'nginx', args: ['-p', place, '-c', file] };
};

/** The README's Apache host; `changes` are what the README says to change for something else. */
const apache = (changes) => async (server, port) => {
  const site = replaced(replaced(await snippet('apache'), changes), [
    ['*:443', `127.0.0.1:${port}`],
    ['/etc/ssl/eot.example.com.pem', `${place}/cert.pem`],
    ['/etc/ssl/eot.example.com.key', `${place}/key.pem`],
    ['127.0.0.1:1873', `127.0.0.1:${server}`],
  ]);
  const modules = ['mpm_event', 'authz_core', 'proxy', 'proxy_http', 'proxy_wstunnel', 'ssl', 'headers']
    .map((name) => `LoadModule ${name}_module modules/mod_${name}.so`).join('\n');
  const file = join(place, 'apache.conf');
  await writeFile(file, `ServerRoot /usr/lib/apache2\nDefaultRuntimeDir ${place}\nPidFile ${place}/apache.pid
ErrorLog ${place}/apache.log\nUser www-data\nGroup www-data\n${modules}\nServerName ${HOST}
Listen 127.0.0.1:${port} https\n${site}`);
  return { command: 'apache2', args: ['-D', 'FOREGROUND', '-f', file] };
};

test("the README's Apache host carries a panel over wss", () => throughProxy(apache([])));

test('and below a path, as the README says', () => throughProxy(apache([
  ['ProxyPass /websocket', 'ProxyPass /telegraph/websocket'],
  ['ProxyPass / ', 'ProxyPass /telegraph/ '],
]), '/telegraph/'));

test("the README's nginx server carries a panel over wss", () => throughProxy(nginx([])));

/** The README's nginx server below this path. */
const nginxBelow = (path) => nginx([
  ['location / {', `location ${path} {`],
  ['proxy_pass http://127.0.0.1:1873;', 'proxy_pass http://127.0.0.1:1873/;'],
]);

test('and below a path', () => throughProxy(nginxBelow('/telegraph/'), '/telegraph/'));

test('and without the slash behind it, to which nginx sends it', () => throughProxy(nginxBelow('/telegraph/'), '/telegraph'));

test('and without it where nginx takes that path away as well', () => throughProxy(nginxBelow('/telegraph'), '/telegraph'));

/** The README's Caddyfile below this path. */
const caddyBelow = (path) => async (server, port) => {
  const site = replaced(await snippet('caddyfile'), [
    [`${HOST} {`, `${HOST}:${port} {\n\ttls ${place}/cert.pem ${place}/key.pem\n\thandle_path ${path} {`],
    ['127.0.0.1:1873', `127.0.0.1:${server}\n\t}`],
  ]);
  return caddy(site);
};

test("the README's Caddyfile carries it below a path, too", () => throughProxy(caddyBelow('/telegraph/*'), '/telegraph/'));

test('and without the slash behind it, if it takes that path away as well', () => throughProxy(caddyBelow('/telegraph*'), '/telegraph'));
