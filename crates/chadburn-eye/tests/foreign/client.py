"""A client of another house, in Tornado: `client.py URL`.

It prints what it hears, a message a line, and sends each line that it reads. When the link is lost it tries again
for a minute.
"""

import asyncio
import sys
import time

import tornado.ioloop
import tornado.websocket

URL = sys.argv[1]
WINDOW_S = 60
PAUSE_S = 0.2

link = None


async def session():
    global link
    link = await tornado.websocket.websocket_connect(URL)
    while (text := await link.read_message()) is not None:
        print(text, flush=True)


def say():
    text = sys.stdin.readline()
    if text:
        link.write_message(text)


async def main():
    tornado.ioloop.IOLoop.current().add_handler(sys.stdin.fileno(), lambda *_: say(), tornado.ioloop.IOLoop.READ)
    until = time.monotonic() + WINDOW_S
    while time.monotonic() < until:
        try:
            await session()
            until = time.monotonic() + WINDOW_S
        except ConnectionRefusedError:
            pass
        await asyncio.sleep(PAUSE_S)


asyncio.run(main())
