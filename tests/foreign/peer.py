"""A peer of another house: a WebSocket server in Tornado, for the link that carries anybody's messages.

It prints its port, then each message it hears as it came, and answers a `featureMap` with the same,
an update of itself. `/gone` does not exist. It knows nothing of Chadburn.
"""

import asyncio
import json
import sys

import tornado.web
import tornado.websocket


class Processor(tornado.websocket.WebSocketHandler):
    def on_message(self, message):
        print(message, flush=True)
        if json.loads(message)["type"] == "featureMap":
            self.write_message(message)


async def main():
    application = tornado.web.Application([("/processor", Processor)])
    server = application.listen(int(sys.argv[1]), "127.0.0.1")
    port = next(iter(server._sockets.values())).getsockname()[1]
    print(port, flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
