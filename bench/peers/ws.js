// A peer: the package ws under node. On connect it greets like Chadburn's text wire; on a change of the
// file it sends the new text to every client, in the loop that ws documents. The text is made bytes
// once, not once a client. bufferutil is left out: it helps with masks, and a server's frames have none.
//
// Usage: node ws.js STATUS_FILE. It prints its port.

import { readFileSync, watch } from "node:fs";
import { basename, dirname } from "node:path";
import { WebSocket, WebSocketServer } from "ws";

const file = process.argv[2];
const read = () => readFileSync(file, "utf8").trimEnd();
let status = read();

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });

server.on("connection", (station) => {
  station.on("error", () => station.terminate());
  station.send("Connected to EOT Server");
  station.send(`${status}&1`);
});

// The directory is watched, since a rename gives the name to another file. Between truncate and write
// the file is empty, and each of them is an event: what is empty or was said already is left out.
watch(dirname(file), (_event, name) => {
  if (name !== basename(file)) return;
  const text = read();
  if (text === "" || text === status) return;
  status = text;
  const bytes = Buffer.from(text);
  for (const station of server.clients) {
    if (station.readyState === WebSocket.OPEN) station.send(bytes, { binary: false });
  }
});

server.on("listening", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
