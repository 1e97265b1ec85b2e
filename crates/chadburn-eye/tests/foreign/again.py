"""A link that is tried for a minute: a connection refused is tried again, and one that is lost too."""

import asyncio
import time

WINDOW_S = 60
PAUSE_S = 0.2


async def keep(session):
    until = time.monotonic() + WINDOW_S
    while time.monotonic() < until:
        try:
            await session()
            until = time.monotonic() + WINDOW_S
        except ConnectionRefusedError:
            pass
        await asyncio.sleep(PAUSE_S)
