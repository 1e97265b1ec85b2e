"""A peer: the Python original's way, in a port of a page: Tornado serves, watchdog watches.

On connect it greets with `Connected to EOT Server`, then `STATUS&1`; whenever watchdog says that the file
was modified or renamed into place, it reads it and sends what it reads to every station. Like the
original, it neither knows when a writing is complete nor compares it with the last.

Usage: python original.py STATUS_FILE. It prints its port.
"""

import asyncio
import pathlib
import sys

import tornado.web
import tornado.websocket
from watchdog.events import FileSystemEventHandler
from watchdog.observers import Observer

FILE = pathlib.Path(sys.argv[1])
STATIONS = set()


def read():
    return FILE.read_text().rstrip()


class Station(tornado.websocket.WebSocketHandler):
    def open(self):
        # Without this, small messages wait for each other.
        self.set_nodelay(True)
        STATIONS.add(self)
        self.write_message("Connected to EOT Server")
        self.write_message(f"{read()}&1")

    def on_close(self):
        STATIONS.discard(self)


def push():
    status = read()
    for station in list(STATIONS):
        try:
            station.write_message(status)
        except tornado.websocket.WebSocketClosedError:
            STATIONS.discard(station)


class Eye(FileSystemEventHandler):
    """Runs on watchdog's thread; whatever sends runs on Tornado's."""

    def __init__(self, loop):
        self.loop = loop

    def on_modified(self, event):
        if event.src_path == str(FILE):
            self.loop.call_soon_threadsafe(push)

    def on_moved(self, event):
        if event.dest_path == str(FILE):
            self.loop.call_soon_threadsafe(push)


async def main():
    observer = Observer()
    observer.schedule(Eye(asyncio.get_running_loop()), str(FILE.parent))
    observer.start()
    server = tornado.web.Application([("/websocket", Station)]).listen(0, "127.0.0.1")
    port = next(iter(server._sockets.values())).getsockname()[1]
    print(f"listening on http://127.0.0.1:{port}", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
