"""A client of another house, in Tornado: `client.py URL`.

It prints what it hears, a message a line, and sends each line that it reads. When the link is lost it tries again
for a minute.
"""

import asyncio
import sys

import tornado.ioloop
import tornado.websocket

from again import keep

URL = sys.argv[1]

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
    await keep(session)


asyncio.run(main())
