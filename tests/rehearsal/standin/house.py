"""What the socket tests of the stand-in share: a stand-in in this process, and a client of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import wave
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from gateway.live import cues
from gateway.live.messages import (
    InputTranscript,
    ModelAudio,
    OutputTranscript,
    Ready,
    SendAudio,
    ServerMessage,
    build,
    parse,
)
from gateway.rehearsal import ears
from gateway.rehearsal.ears import Ears
from gateway.rehearsal.standin.orders import Value
from gateway.rehearsal.standin.resumption import Resumption
from gateway.rehearsal.standin.script import Reply, Script, Tool
from gateway.rehearsal.standin.server import Kit, serving
from gateway.rehearsal.standin.talk import House
from gateway.rehearsal.voice import RATE, Speaker, Voice

DEVELOPER = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
VERTEX = "/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent"
KEY = {"x-goog-api-key": "any"}
BEARER = {"Authorization": "Bearer token"}
FULL: Mapping[str, Any] = {"inputAudioTranscription": {}, "outputAudioTranscription": {}, "sessionResumption": {}}
SETUP: Mapping[str, Any] = {"model": "models/gemini-3.8-live", **FULL}
VERTEX_MODEL = "projects/p/locations/l/publishers/google/models/gemini-3.8-live"
SPEECH = Path(ears.__file__).parent / "speech"
LINE = "ten of clubs"
SCRIPT = Script(
    (
        Reply(LINE, "Yes, {{heard}}."),
        Reply("book it", "Booked: {{result}}.", Tool("book", {"day": "Monday"})),
        Reply("leave", "Good bye.", go_away_s=0.3),
    ),
    ("First answer to {{heard}}.", "Second answer.", "Third answer."),
)
WORD_MS = 12  # of the quick voice: tests mustn't wait for long sentences
LONG = cues.say("quite a few words to be interrupted before all were played " * 9)  # 1.2 s
SILENCE = bytes(16_000 * 2)  # one second


def quick(text: str, _speaker: Speaker) -> tuple[bytes, int]:
    """A hum per sentence, WORD_MS per word."""
    times = np.arange(len(text.split()) * WORD_MS * RATE // 1000) / RATE
    return (8_000 * np.cos(2 * np.pi * 440 * times)).astype("<i2").tobytes(), RATE


QUICK = Voice("quick", quick, pause_ms=0)
hearing = lru_cache(maxsize=1)(lambda: Ears((LINE,)))


class Client:
    """One connection to the stand-in, with everything that came."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.came: list[ServerMessage] = []

    async def send(self, *messages: Any) -> None:
        for message in messages:
            await self.socket.send(build(message))

    async def until(self, *kinds: type) -> list[ServerMessage]:
        """Everything up to the first message of each kind, in that order."""
        start = len(self.came)
        for kind in kinds:
            async with asyncio.timeout(5):
                while True:
                    frame = await self.socket.recv(decode=False)
                    assert isinstance(frame, bytes)
                    messages = parse(frame)
                    self.came += messages
                    if any(isinstance(message, kind) for message in messages):
                        break
        return self.came[start:]

    async def frames(self) -> AsyncIterator[str | bytes]:
        """Every frame until the connection is closed, however it is."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                yield await self.socket.recv()

    async def closed(self) -> tuple[int, str]:
        """The close code and reason, once it comes."""
        async with asyncio.timeout(5):
            async for frame in self.frames():
                self.came += parse(frame)
        return self.socket.close_code or 0, self.socket.close_reason or ""

    async def speak(self, pcm: bytes, rate: int = 16_000) -> None:
        """Sound in pieces of 40 ms, as fast as it goes: the detector's clock is the sound's."""
        size = rate // 25 * 2
        await self.send(*(SendAudio(pcm[at : at + size], rate) for at in range(0, len(pcm), size)))


class Rehearsal:
    """A stand-in inside this process, with its events."""

    def __init__(self, url: str, events: list[dict[str, Value]]) -> None:
        self.url = url
        self.events = events

    @asynccontextmanager
    async def session(
        self, setup: Mapping[str, Any] = SETUP, path: str = DEVELOPER, headers: Mapping[str, str] = KEY
    ) -> AsyncIterator[Client]:
        async with connect(self.url + path, additional_headers=headers, compression=None, proxy=None) as socket:
            client = Client(socket)
            await socket.send(json.dumps({"setup": setup}))
            await client.until(Ready)
            yield client

    async def refusal(
        self, *frames: object, path: str = DEVELOPER, headers: Mapping[str, str] = KEY
    ) -> tuple[int, str]:
        async with connect(self.url + path, additional_headers=headers, compression=None, proxy=None) as socket:
            for frame in frames:
                await socket.send(frame if isinstance(frame, str) else json.dumps(frame))
            return await Client(socket).closed()

    def told(self, event: str) -> list[dict[str, Value]]:
        return [fields for fields in self.events if fields["event"] == event]


def rehearse(
    test: Callable[[Rehearsal], Awaitable[None]], connection_s: float | None = None, voice: Voice = QUICK
) -> None:
    async def run() -> None:
        events: list[dict[str, Value]] = []

        def emit(event: str, fields: Mapping[str, Value]) -> None:
            events.append({"event": event, "t": time.monotonic(), **fields})

        kit = Kit(House(SCRIPT, Resumption(), connection_s), voice, hearing, emit)
        async with serving(kit) as url:
            await test(Rehearsal(url, events))

    asyncio.run(run())


def recorded(name: str = "cards-001") -> bytes:
    with wave.open(str(SPEECH / f"{name}.wav")) as file:
        return bytes(file.readframes(file.getnframes()))


def kinds(messages: list[ServerMessage]) -> list[type]:
    """The kinds in order, repetitions of speech left out."""
    speech = (ModelAudio, OutputTranscript)
    found = [type(message) for message in messages]
    return [kind for at, kind in enumerate(found) if kind not in speech or kind not in found[:at]]


def audio(messages: list[ServerMessage]) -> bytes:
    return b"".join(message.pcm for message in messages if isinstance(message, ModelAudio))


def said(messages: list[ServerMessage]) -> str:
    return "".join(message.text for message in messages if isinstance(message, OutputTranscript)).strip()


def heard(messages: list[ServerMessage]) -> str:
    return "".join(message.text for message in messages if isinstance(message, InputTranscript))


def realtime(**config: object) -> Mapping[str, Any]:
    return {**SETUP, "realtimeInputConfig": config}
