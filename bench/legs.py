"""The clients of `bench.leg`, one a process: `python -m bench.legs CLIENT URL CALLS FRAME_MS`. Prints JSON.

All pace alike: one task a call, which sends a piece of sound whenever it is due.
"""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

from bench.frames import client_frame, upgrade

SECONDS, WARM_S = 6.0, 1.0  # what counts, and what goes before
MODEL = "gemini-3.8-live"
AUDIO = b'{"realtimeInput":{"audio":{"mimeType":"audio/pcm;rate=16000","data":"%b"}}}'

Send = Callable[[bytes], Awaitable[None] | None]
Client = Callable[[str, list[int]], AsyncIterator[Send]]


@asynccontextmanager
async def pace(url: str, got: list[int]) -> AsyncIterator[Send]:
    """No client at all."""
    yield lambda pcm: None


@asynccontextmanager
async def floor(url: str, got: list[int]) -> AsyncIterator[Send]:
    """The same bytes over the same TLS without a client: frames made beforehand, answers that nobody reads. What the
    kernel, TLS and the event loop cost whoever talks to the service."""
    address, ready = urlsplit(url), asyncio.Event()
    loop = asyncio.get_running_loop()

    class Wire(asyncio.Protocol):
        def data_received(self, data: bytes) -> None:
            got[0] += len(data) * 3 // 4  # base64
            ready.set()

    transport, _ = await loop.create_connection(
        Wire, "localhost", address.port or 443, ssl=ssl.create_default_context(), server_hostname="localhost"
    )
    transport.write(upgrade(address.netloc, "/"))
    await ready.wait()
    transport.write(client_frame(b'{"setup":{}}'))
    frames: dict[bytes, bytes] = {}

    def send(pcm: bytes) -> None:
        if pcm not in frames:
            frames[pcm] = client_frame(AUDIO % base64.b64encode(pcm))
        transport.write(frames[pcm])

    yield send
    transport.close()


@asynccontextmanager
async def ours(url: str, got: list[int]) -> AsyncIterator[Send]:
    """The gateway's client, as `server.bridge` uses it."""
    from gateway.call.facts import ModelGone
    from gateway.live.endpoint import Access, endpoint
    from gateway.live.messages import ClientMessage, ModelAudio, SendAudio, ServerMessage, Setup
    from gateway.server.live_socket import converse, dial
    from gateway.server.outbox import Outbox

    outbox: Outbox[ClientMessage] = Outbox(512)
    ready = asyncio.Event()

    def tell(message: ServerMessage) -> None:
        ready.set()
        if isinstance(message, ModelAudio):
            got[0] += len(message.pcm)

    socket = await dial(endpoint("developer", Access(api_key="k", base_url=url)))
    if isinstance(socket, ModelGone):
        raise SystemExit(socket.reason)
    setup = Setup({"model": f"models/{MODEL}", "generationConfig": {"responseModalities": ["AUDIO"]}})
    talking = asyncio.create_task(converse(socket, setup, outbox, tell))
    await ready.wait()
    yield lambda pcm: outbox.put(SendAudio(pcm))
    talking.cancel()


@asynccontextmanager
async def sdk(url: str, got: list[int]) -> AsyncIterator[Send]:
    """google-genai, as its documentation uses it."""
    from google import genai
    from google.genai import types

    options = types.HttpOptions(base_url=url, api_version="v1beta", async_client_args={"ping_interval": None})
    client = genai.Client(api_key="k", http_options=options)
    config = types.LiveConnectConfig(response_modalities=[types.Modality.AUDIO])

    async with client.aio.live.connect(model=MODEL, config=config) as session:

        async def listen() -> None:
            async for message in session.receive():
                content = message.server_content
                parts = content.model_turn.parts if content and content.model_turn else None
                for part in parts or ():
                    got[0] += len(part.inline_data.data or b"") if part.inline_data else 0

        listening = asyncio.create_task(listen())
        yield lambda pcm: session.send_realtime_input(audio=types.Blob(data=pcm, mime_type="audio/pcm;rate=16000"))
        listening.cancel()


CLIENTS = {"pace": pace, "floor": floor, "ours": ours, "sdk": sdk}


async def talk(send: Send, frame_ms: int, start: float, until: float) -> None:
    """One call's sound, on time."""
    loop, due = asyncio.get_running_loop(), start
    pcm = bytes(range(256)) * (frame_ms * 32 // 256 + 1)
    pcm = pcm[: frame_ms * 32]
    while due < until:
        await asyncio.sleep(max(0.0, due - loop.time()))
        sending = send(pcm)
        if sending is not None:
            await sending
        due += frame_ms / 1000


async def clock(warm_until: float, until: float) -> float:
    """Processor seconds between two moments."""
    loop = asyncio.get_running_loop()
    await asyncio.sleep(warm_until - loop.time())
    before = time.process_time()
    await asyncio.sleep(until - loop.time())
    return time.process_time() - before


async def run(name: str, url: str, calls: int, frame_ms: int) -> dict[str, float]:
    got = [0]
    async with AsyncExitStack() as stack:
        sends = [await stack.enter_async_context(CLIENTS[name](url, got)) for _ in range(calls)]
        start = asyncio.get_running_loop().time()
        end = start + WARM_S + SECONDS
        got[0] = 0
        async with asyncio.TaskGroup() as group:
            cost = group.create_task(clock(start + WARM_S, end))
            for nth, send in enumerate(sends):
                group.create_task(talk(send, frame_ms, start + frame_ms / 1000 * nth / calls, end))
    return {"cpu_s": cost.result(), "got_bytes": float(got[0])}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))))
