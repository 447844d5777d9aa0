"""From a bound socket to a clean exit: Hypercorn in this process, and a drain that never outlasts Cloud Run's 10 s.

Hypercorn's own grace waits for open WebSockets without end on Python 3.12 and later, so the drain is ours: it runs in
the shutdown trigger, before Hypercorn begins to wait, and a timer ends the process whatever clients do.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config

from gateway.clients.google import Bearer, Tokens
from gateway.live.endpoint import Access, Endpoint, endpoint
from gateway.live.models import Backend
from gateway.server.app import App
from gateway.server.exchange import Endpoints, Exchange
from gateway.server.generations import Generations
from gateway.server.listener import QUEUE
from gateway.server.watch import Found, Watch
from gateway.server.watchdog import guard
from gateway.settings import Settings
from gateway.store.door import Ears, Event, Tell, Token, opened
from gateway.telemetry.log import Log
from gateway.telemetry.metrics import Metrics

DRAIN_S = 8.0  # calls are closed within milliseconds; this is for peers that answer late
EXIT_S = 9.0  # Cloud Run kills at 10 s
LINGER_S = 1.5  # for connections that carry no call: Hypercorn waits for them without end on Python 3.12 and later
FIRST_TOKEN_S = 3.0
STDIN = 0
REHEARSED = Bearer("rehearsal")  # the stand-in asks for a token, and takes any
# An ended call leaves some 200 objects in cycles, made by asyncio and websockets: many small collections, no long one.
GC_THRESHOLDS = (1_000, 5, 5)
# asyncio accepts so many connections in one turn of its loop, and then takes a step of each: calls wait meanwhile.
ACCEPTED_AT_ONCE = 1
# Above its limit Hypercorn closes with 1009 and never tells the app, so a call would go on: ours (64 KiB) comes first.
HYPERCORN_MESSAGE_BYTES = 16 * 1024 * 1024


async def serve(listener: socket.socket, settings: Settings, found: Found, log: Log) -> None:
    """Serve on `listener` (see `listener.listen`) until SIGTERM or SIGINT, then drain. SIGHUP has the flows read anew.
    Takes the socket over."""
    metrics, generations = Metrics(), Generations(found.flows, asyncio.get_running_loop().time())
    exchange = Exchange(settings, generations, endpoints(settings), log, metrics)
    app, watch = App(exchange, log), Watch(found, generations, log, metrics)
    asked = asyncio.Event()
    _listen_to_signals(asked.set, watch.ask)
    if settings.end_with_stdin:
        _at_the_end_of_stdin(asked.set)
    host, port = listener.getsockname()[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @app.before_serving
    async def announce() -> None:
        _settle()
        fields = {"url": url, "backend": settings.backend, "lines": generations.current.lines}
        log.write("listening", {**fields, "auth": "required" if settings.auth else "off"}, {})

    ears = Ears(teller(log, metrics), exchange.fenced)
    async with (
        opened(settings.redis_url, ears, await _passwords(settings)) as exchange.store,
        asyncio.TaskGroup() as group,
    ):
        watching = group.create_task(watch.run(), name="flows-watch")
        others = [
            group.create_task(exchange.run(), name="rooms"),
            group.create_task(guard(settings.watchdog_s), name="watchdog"),
        ]
        drain = partial(_drain, asked, exchange, watching, log)
        with listener.dup() as door:

            async def leave() -> None:
                door.listen(QUEUE)  # asyncio has made the kernel's queue as short as its own turn
                await drain()

            await hypercorn_serve(app, hypercorn_config(listener), shutdown_trigger=leave)
        for task in (watching, *others):
            task.cancel()


async def _passwords(settings: Settings) -> Token | None:
    """Access tokens for the store, where it takes them. The first is fetched here: a store waits for none."""
    if settings.redis_auth != "iam":
        return None
    tokens = Tokens()

    async def token() -> str:
        return (await tokens.get()).token

    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(FIRST_TOKEN_S):
            await token()
    return token


def teller(log: Log, metrics: Metrics) -> Tell:
    """Tells operators of the store's outages: one line when one begins, one when it is over."""

    def tell(event: Event, fields: Mapping[str, str | float]) -> None:
        down = event == "store-down"
        log.write(event, fields, {}, "warning" if down else "info")
        metrics.set("gateway_store_down", 1 if down else 0)
        if down:
            metrics.add("gateway_store_outages_total")

    return tell


def hypercorn_config(listener: socket.socket) -> Config:
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.errorlog = logging.getLogger("hypercorn.error")
    config.accesslog = None
    config.include_server_header = False
    config.websocket_max_message_size = HYPERCORN_MESSAGE_BYTES
    config.graceful_timeout = 1
    config.backlog = ACCEPTED_AT_ONCE
    return config


def _listen_to_signals(leave: Callable[[], None], read: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, leave)
    on_terminal = os.isatty(STDIN)

    def hang_up() -> None:
        """SIGHUP from a terminal that has gone means the end, as it always did; any other is from an operator."""
        if on_terminal and not os.isatty(STDIN):
            leave()
        else:
            read()

    loop.add_signal_handler(signal.SIGHUP, hang_up)


async def _drain(asked: asyncio.Event, exchange: Exchange, watching: asyncio.Task[None], log: Log) -> None:
    loop = asyncio.get_running_loop()
    await asked.wait()
    loop.call_later(EXIT_S, os._exit, 1)
    log.write("draining", {"calls": exchange.calls}, {})
    exchange.drain()
    watching.cancel()
    try:
        async with asyncio.timeout(DRAIN_S):
            await exchange.empty()
            await exchange.store.flush()  # now: a connection that lingers may not let the store be closed
    except TimeoutError:
        log.write("drain-expired", {"calls": exchange.calls}, {}, "warning")
        return
    loop.call_later(LINGER_S, os._exit, 0)  # no call is left: what still hangs on is no reason to stay


def _at_the_end_of_stdin(then: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()

    def read() -> None:
        if not os.read(STDIN, 4096):
            loop.remove_reader(STDIN)
            then()

    loop.add_reader(STDIN, read)


def endpoints(settings: Settings) -> Endpoints:
    """Where the model is, asked for each call: a Vertex token may have been refreshed since the last."""
    google = settings.google
    rehearsal = settings.backend == "rehearsal"
    tokens = Tokens()

    async def find(backend: Backend) -> Endpoint:
        if backend == "developer":
            key = "rehearsal" if rehearsal else google.api_key
            return endpoint(backend, Access(api_key=key, base_url=google.base_url))
        bearer = REHEARSED if rehearsal else await tokens.get()
        access = Access(
            project=google.project or "rehearsal",
            location=google.location or "global",
            base_url=google.base_url,
            token=bearer.token,
            quota_project=bearer.quota_project,
        )
        return endpoint(backend, access)

    return find


def _settle() -> None:
    """What was loaded stays: the collector need not look at it again."""
    gc.collect()
    gc.freeze()
    gc.collect()  # full collections wait for a quarter of what the last one saw: let that be nothing
    gc.set_threshold(*GC_THRESHOLDS)
    gc.enable()
