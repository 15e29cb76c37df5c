"""Speaks with /ws, and says on stdout what it hears; one line of stdin is one step."""

import asyncio
import json
import sys

import websockets


async def main(url):
    async with websockets.connect(url, max_size=None) as ws:
        print("open", ws.response.headers["Upgrade"], flush=True)
        await ws.send(json.dumps({"event": "message", "data": {"from": "py", "text": "from Python"}}))
        print("heard", await ws.recv(), flush=True)
        await (await ws.ping(b"still there?"))
        print("pong", flush=True)
        # In three fragments.
        whole = json.dumps({"event": "message", "data": {"from": "py", "text": "in pieces"}})
        await ws.send([whole[:10], whole[10:20], whole[20:]])
        print("heard", await ws.recv(), flush=True)
        print("waiting", flush=True)
        print("heard", await ws.recv(), flush=True)
        await ws.close(1000, "done")
        print("closed", ws.close_code, ws.close_reason, flush=True)
    try:
        async with websockets.connect(url, max_size=None) as ws:
            await ws.send("x" * (64 * 1024 + 1))
            await ws.recv()
    except websockets.ConnectionClosed as closed:
        print("too large", closed.rcvd.code, flush=True)


asyncio.run(main(sys.argv[1]))
