"""A camera's processor of another house, in Tornado: `processor.py URL ID`.

It sends ten frames a second with one box. A start makes that box its object, and its map an update; an update of
another processor makes it find the object too; a stop ends that. It prints what it hears, a message a line. When
the link is lost it tries again for a minute.
"""

import asyncio
import json
import sys
import time

import tornado.websocket

from again import keep

URL, ID = sys.argv[1:]
FRAME_S = 0.1

tracked = None
last_frame = 0.0


def hear(link, message):
    global tracked
    kind = message["type"]
    if kind == "start":
        assert isinstance(message["objectId"], int)
        assert message.get("image", "").startswith("data:image/") or message["frameId"] <= last_frame
        tracked = message["objectId"]
        link.write_message(json.dumps({"type": "featureMap", "objectId": tracked, "featureMap": [0.25, 0.5]}))
    elif kind == "featureMap":
        assert all(isinstance(it, float) for it in message["featureMap"])
        tracked = message["objectId"]
    elif kind == "stop" and message["objectId"] == tracked:
        tracked = None


async def frames(link):
    global last_frame
    while True:
        last_frame = time.time()
        box = {"boxId": 1, "rect": [0.1, 0.2, 0.3, 0.4], "objectType": "blob", "certainty": 0.9}
        if tracked is not None:
            box["objectId"] = tracked
        await link.write_message(json.dumps({"type": "boundingBoxes", "frameId": last_frame, "boxes": [box]}))
        await asyncio.sleep(FRAME_S)


async def session():
    link = await tornado.websocket.websocket_connect(URL)
    await link.write_message(json.dumps({"type": "identifier", "id": ID}))
    sending = asyncio.create_task(frames(link))
    while (text := await link.read_message()) is not None:
        print(text, flush=True)
        hear(link, json.loads(text))
    sending.cancel()


async def main():
    await keep(session)


asyncio.run(main())
