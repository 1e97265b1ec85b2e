"""HTTP clients that others wrote, as scripts use them. Usage: clients.py events|poll URL; what comes of it is printed."""

import asyncio
import json
import sys

import aiohttp
import requests

# Longer than servers wait that close a connection after ten seconds without a request.
PAUSE_S = 12


def events(url):
    """The status in the first event, read as text."""
    with requests.get(url, stream=True, timeout=10) as response:
        lines = response.iter_lines(decode_unicode=True, chunk_size=1)
        data = next(line for line in lines if line.startswith("data: "))
    status = json.loads(data.removeprefix("data: "))["order"]["status"]
    sys.stdout.buffer.write(f"{status}\n".encode())


async def poll(url):
    """How two requests were answered with a pause between them, and on how many connections."""
    made = []

    async def note(*_):
        made.append(True)

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(note)
    statuses = []
    async with aiohttp.ClientSession(trace_configs=[trace]) as session:
        for pause in (0, PAUSE_S):
            await asyncio.sleep(pause)
            async with session.post(url) as response:
                await response.read()
                statuses.append(response.status)
    print(*statuses, "on", len(made))


if sys.argv[1] == "events":
    events(sys.argv[2])
else:
    asyncio.run(poll(sys.argv[2]))
