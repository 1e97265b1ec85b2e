"""An orchestrator of another house, in Tornado: `/processor` and `/client`, JSON texts.

It prints its port, and nothing else. It bounds nothing and knows nothing of Chadburn.
"""

import asyncio
import json
import sys

import tornado.web
import tornado.websocket

processors = {}
clients = set()
maps = {}
highest = 0


def seen(object_id):
    global highest
    if object_id is not None:
        highest = max(highest, object_id)


class Processor(tornado.websocket.WebSocketHandler):
    camera = None

    def on_message(self, text):
        message = json.loads(text)
        kind = message["type"]
        if kind == "identifier":
            self.camera = message["id"]
            processors[self.camera] = self
            for update in maps.values():
                self.write_message(update)
        elif kind == "boundingBoxes":
            for box in message["boxes"]:
                seen(box.get("objectId"))
            text = json.dumps({**message, "cameraId": self.camera})
            for client in clients:
                client.write_message(text)
        elif kind == "featureMap":
            seen(message["objectId"])
            maps[message["objectId"]] = text
            for other in processors.values():
                if other is not self:
                    other.write_message(text)

    def on_close(self):
        if processors.get(self.camera) is self:
            del processors[self.camera]


class Client(tornado.websocket.WebSocketHandler):
    def open(self):
        clients.add(self)

    def on_message(self, text):
        message = json.loads(text)
        if message["type"] == "start":
            seen(highest + 1)
            camera = processors.get(message.pop("cameraId"))
            if camera is not None:
                camera.write_message({**message, "objectId": highest})
        elif message["type"] == "stop":
            maps.pop(message["objectId"], None)
            for processor in processors.values():
                processor.write_message(text)

    def on_close(self):
        clients.discard(self)


async def main():
    handlers = [("/processor", Processor), ("/client", Client)]
    server = tornado.web.Application(handlers).listen(int(sys.argv[1]), "127.0.0.1")
    print(next(iter(server._sockets.values())).getsockname()[1], flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
