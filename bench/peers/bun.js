// A peer: uWebSockets by way of Bun. On connect it greets like Chadburn's text wire; on a change of the
// file it publishes the new text to a topic, which is how Bun's documentation sends one text to many.
//
// Bun 1.4.5 tells of changes within a millisecond of each other once. Of a write in place that is the
// truncate, so that its text may never be seen; of a rename there is but one change.
//
// Usage: bun bun.js STATUS_FILE. It prints its port.

import { readFileSync, watch } from "node:fs";
import { basename, dirname } from "node:path";

const file = process.argv[2];
const read = () => readFileSync(file, "utf8").trimEnd();
let status = read();

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch(request, server) {
    return server.upgrade(request) ? undefined : new Response(null, { status: 404 });
  },
  websocket: {
    perMessageDeflate: false,
    open(station) {
      station.subscribe("status");
      station.send("Connected to EOT Server");
      station.send(`${status}&1`);
    },
    message() {},
  },
});

// The directory is watched, since a rename gives the name to another file. Between truncate and write
// the file is empty, and each of them is an event: what is empty or was said already is left out.
watch(dirname(file), (_event, name) => {
  if (name !== basename(file)) return;
  const text = read();
  if (text === "" || text === status) return;
  status = text;
  server.publish("status", text);
});

console.log(`listening on http://127.0.0.1:${server.port}`);
