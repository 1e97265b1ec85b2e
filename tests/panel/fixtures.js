// The wire's one truth, read from where the server's tests read it too.

import { readFileSync } from 'node:fs';

const path = new URL('../fixtures/chadburn.v1.json', import.meta.url);

/** `{ server, station, refused }`, as tests/fixtures/chadburn.v1.json has them. */
export const fixtures = JSON.parse(readFileSync(path, 'utf8'));

/** The server's message with this name; a copy, so that a test may bend it. */
export function said(name) {
  const { message } = fixtures.server.find((fixture) => fixture.name === name);
  return structuredClone(message);
}
