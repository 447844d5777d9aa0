"""A gateway on a real socket, a phone played by hand, and a model that says just what the test tells it."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from hypercorn.asyncio import serve
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import Server, ServerConnection
from websockets.asyncio.server import serve as serve_websocket
from websockets.exceptions import ConnectionClosed

from gateway.flow.load import load
from gateway.live import messages as live
from gateway.server import lifecycle
from gateway.server.app import App
from gateway.server.exchange import Exchange
from gateway.server.generations import Generations
from gateway.server.listener import listen
from gateway.settings import Settings, read
from gateway.telemetry.log import Origin, configure
from gateway.telemetry.metrics import Metrics
from gateway.twilio import media

M = TypeVar("M")
PATIENCE_S = 5.0  # how long a test waits for what must come

FLOW = """
version: 1
name: clinic
numbers:
  - { label: front-desk, number: "+14155550100", persona: ava }
  - { label: quiet, number: "+14155550101", persona: mute }
personas:
  ava:
    instructions: You answer {{call.line}}, called from {{call.from}}.
    greeting: { text: "Good day.", interruptible: true }
  mute:
    instructions: You listen.
limits: { max_duration: 30s }
"""


class Model:
    """The model's side of one session: what the gateway sent, and what the test says in its place."""

    def __init__(self, socket: ServerConnection) -> None:
        self._socket = socket
        self.headers = socket.request.headers if socket.request else {}
        self.path = socket.request.path if socket.request else ""
        self.got: asyncio.Queue[live.ClientMessage] = asyncio.Queue()
        self.closed = asyncio.Event()
        self.code: int | None = None

    async def listen(self) -> None:
        try:
            async for raw in self._socket:
                for message in live.parse_client(raw):
                    self.got.put_nowait(message)
        except ConnectionClosed:
            pass
        self.code = self._socket.close_code
        self.closed.set()

    async def say(self, *messages: live.ServerMessage) -> None:
        await self._socket.send(live.build_server(*messages))

    async def send_raw(self, raw: bytes | str) -> None:
        await self._socket.send(raw)

    async def close(self, code: int, reason: str = "") -> None:
        await self._socket.close(code, reason)

    async def expect(self, kind: type[M]) -> M:
        """The next message of that kind; others are skipped."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                message = await self.got.get()
                if isinstance(message, kind):
                    return message


class Phone:
    """Twilio's side of one stream, by hand."""

    def __init__(self, socket: ClientConnection, sid: str) -> None:
        self.socket = socket
        self.sid = sid
        self._sequence = 1
        self.got: list[media.ToTwilio] = []

    async def start(self, **parameters: str) -> None:
        await self.start_as("CA" + self.sid[2:], **parameters)

    async def start_as(self, call_sid: str, **parameters: str) -> None:
        """A stream of that call."""
        given = {"flow": "clinic", "line": "front-desk", "from": "+14155550199", **parameters}
        await self.socket.send(media.build_from_twilio(media.Connected("Call", "1.0.0"), self.sid))
        started = media.Started(self.sid, call_sid, "AC1", {k: v for k, v in given.items() if v})
        await self.socket.send(media.build_from_twilio(started, self.sid))

    async def say(self, mulaw: bytes = b"\xff" * 160) -> None:
        self._sequence += 1
        frame = media.CallerAudio(mulaw, self._sequence - 1, 20 * self._sequence, self._sequence)
        await self.socket.send(media.build_from_twilio(frame, self.sid))

    async def played(self, name: str) -> None:
        self._sequence += 1
        await self.socket.send(media.build_from_twilio(media.MarkPlayed(name, self._sequence), self.sid))

    async def press(self, digit: str) -> None:
        self._sequence += 1
        await self.socket.send(media.build_from_twilio(media.Digit(digit, self._sequence), self.sid))

    async def stop(self) -> None:
        self._sequence += 1
        await self.socket.send(media.build_from_twilio(media.Stopped("CA1", self._sequence), self.sid))

    async def expect(self, kind: type[M]) -> M:
        """The next message of that kind; others are kept in `got`."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                message = media.parse_to_twilio(await self.socket.recv(), self.sid)
                if isinstance(message, kind):
                    return message
                self.got.append(message)

    async def closed(self) -> tuple[int | None, str]:
        """The code and reason with which the gateway closed."""
        async with asyncio.timeout(PATIENCE_S):
            await self.socket.wait_closed()
            while True:
                try:
                    await self.socket.recv()
                except ConnectionClosed:
                    return self.socket.close_code, self.socket.close_reason or ""


class World:
    """Everything one test needs."""

    def __init__(self, url: str, exchange: Exchange, log: io.StringIO, models: asyncio.Queue[Model]) -> None:
        self.url = url
        self.exchange = exchange
        self._log = log
        self.models = models
        self._stack = AsyncExitStack()
        self._phones = 0

    @property
    def ws_url(self) -> str:
        return "ws" + self.url.removeprefix("http") + "/ws/twilio"

    async def phone(self, headers: dict[str, str] | None = None) -> Phone:
        self._phones += 1
        socket = await self._stack.enter_async_context(
            connect(self.ws_url, additional_headers=headers, compression=None, proxy=None)
        )
        return Phone(socket, f"MZ{self._phones}")

    async def model(self) -> Model:
        """The next session that the gateway opens."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.models.get()

    async def call(self, **parameters: str) -> tuple[Phone, Model]:
        """A call whose model is ready."""
        phone = await self.phone()
        await phone.start(**parameters)
        model = await self.model()
        await model.expect(live.Setup)
        await model.say(live.Ready())
        return phone, model

    def lines(self) -> list[dict[str, Any]]:
        """Every note so far."""
        return [json.loads(line) for line in self._log.getvalue().splitlines()]

    def text(self) -> str:
        """The log as it was written."""
        return self._log.getvalue()

    def notes(self, name: str) -> list[dict[str, Any]]:
        return [line for line in self.lines() if line["message"] == name]

    async def note(self, name: str, nth: int = 1) -> dict[str, Any]:
        """The first note of that name, or the nth, once it is there."""
        async with asyncio.timeout(PATIENCE_S):
            while len(found := self.notes(name)) < nth:  # noqa: ASYNC110  the log is a text
                await asyncio.sleep(0.005)
        return found[nth - 1]

    async def close(self) -> None:
        await self._stack.aclose()


@asynccontextmanager
async def world(folder: Path, flow: str = FLOW, **env: str) -> AsyncIterator[World]:
    """A gateway with `flow`, `env` as its environment, and a model that the test plays."""
    (folder / "clinic.yaml").write_text(flow, encoding="utf-8")
    out = io.StringIO()
    models: asyncio.Queue[Model] = asyncio.Queue()
    async with _model_server(models) as port:
        base = {"GOOGLE_GEMINI_BASE_URL": f"ws://127.0.0.1:{port}", "AUTH": "off", "PORT": "0"}
        settings = read({**base, **env})
        origin = Origin(settings.google.project, settings.service, settings.revision)
        log = configure("json", settings.log_level, out, private=settings.log_private, origin=origin)
        async with _gateway(settings, folder, log) as (url, exchange):
            here = World(url, exchange, out, models)
            try:
                yield here
            finally:
                await here.close()


@asynccontextmanager
async def _model_server(models: asyncio.Queue[Model]) -> AsyncIterator[int]:
    async def session(socket: ServerConnection) -> None:
        model = Model(socket)
        models.put_nowait(model)
        await model.listen()

    server: Server
    async with serve_websocket(session, "127.0.0.1", 0, compression=None) as server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def _gateway(settings: Settings, folder: Path, log: Any) -> AsyncIterator[tuple[str, Exchange]]:
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    exchange = Exchange(settings, Generations(load(folder, {})), lifecycle.endpoints(settings), log, Metrics())
    stop = asyncio.Event()

    async def stopped() -> None:
        await stop.wait()
        exchange.drain()
        async with asyncio.timeout(PATIENCE_S):
            await exchange.empty()

    async with asyncio.TaskGroup() as group:
        config = lifecycle.hypercorn_config(listener)
        group.create_task(serve(App(exchange, log), config, shutdown_trigger=stopped))
        try:
            yield f"http://127.0.0.1:{port}", exchange
        finally:
            stop.set()


def play(folder: Path, scenario: Callable[[World], Coroutine[Any, Any, None]], flow: str = FLOW, **env: str) -> None:
    """Run one scenario against a world of its own."""

    async def run() -> None:
        async with world(folder, flow, **env) as here:
            await scenario(here)

    asyncio.run(run())


async def http(url: str, form: bytes | None = None, headers: dict[str, str] | None = None) -> tuple[int, str]:
    """One HTTP request: GET, or POST of a form."""
    host, _, port_path = url.removeprefix("http://").partition(":")
    port, _, path = port_path.partition("/")
    reader, writer = await asyncio.open_connection(host, int(port))
    named = {"Host": f"{host}:{port}", "Connection": "close", **(headers or {})}
    lines = [f"{'GET' if form is None else 'POST'} /{path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in named.items()]
    if form is not None:
        kind = [] if "Content-Type" in named else ["Content-Type: application/x-www-form-urlencoded"]
        lines += [*kind, f"Content-Length: {len(form)}"]
    writer.write("\r\n".join([*lines, "", ""]).encode() + (form or b""))
    answer = await reader.read()
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body.decode()
