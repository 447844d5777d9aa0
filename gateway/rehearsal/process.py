"""The stand-in as a child process: started, read, and never left behind."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gateway.settings import child_environment

START_S = 15.0  # a loaded machine; well under 1 s otherwise
STOP_S = 3.0  # for each of: the end of stdin, terminate
KEPT = 10_000  # events that nobody has read yet; then the oldest are dropped
LINE_BYTES = 1 << 20

Event = Mapping[str, Any]


class StandinError(Exception):
    """The stand-in didn't start. `said` is what it wrote to stderr."""

    def __init__(self, why: str, said: str) -> None:
        self.why, self.said = why, said
        super().__init__(f"the rehearsal stand-in {why}" + (f": {said}" if said else ""))


class Standin:
    """A running stand-in. `url` is ws://127.0.0.1:PORT, `first` its listening event, `errors` its stderr as text."""

    def __init__(self, first: Event, pid: int, errors: object = "") -> None:
        self.first = first
        self.errors = errors
        self.pid = pid
        self.url = str(first["url"])
        self._events: asyncio.Queue[Event | None] = asyncio.Queue(KEPT)

    async def events(self) -> AsyncIterator[Event]:
        """Every event after `first`, as it comes, until the process has ended."""
        while (event := await self._events.get()) is not None:
            yield event
        self._put(None)

    def _put(self, event: Event | None) -> None:
        if self._events.full():
            self._events.get_nowait()
        self._events.put_nowait(event)

    async def follow(self, lines: asyncio.StreamReader) -> None:
        """Read the process's stdout to its end; what isn't an event is passed over."""
        while line := await _line(lines):
            event = _event(line)
            if event:
                self._put(event)
        self._put(None)


@asynccontextmanager
async def standin(
    script: Path | None = None, connection_s: float | None = None, port: int = 0, voice: str | None = None
) -> AsyncIterator[Standin]:
    """A stand-in for as long as the context lasts. Raises StandinError where it doesn't come up."""
    process = await _spawn(_arguments(script, connection_s, port, voice))
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with asyncio.TaskGroup() as group:
            errors = _Tail()
            reading = group.create_task(errors.follow(process.stderr), name="standin-stderr")
            handle = await _listening(process, errors, reading)
            group.create_task(handle.follow(process.stdout), name="standin-events")
            try:
                yield handle
            finally:
                await _stop(process)
    except BaseExceptionGroup as faults:
        raise _only(faults) from None
    finally:
        await _stop(process)


def _arguments(script: Path | None, connection_s: float | None, port: int, voice: str | None) -> Sequence[str]:
    pairs = (("--port", port), ("--script", script), ("--connection-s", connection_s), ("--voice", voice))
    return [f"{name}={value}" for name, value in pairs if value is not None]


async def _spawn(arguments: Sequence[str]) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    root = str(Path(__file__).parents[2])
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway.rehearsal.standin",
        *arguments,
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        limit=LINE_BYTES,
        env=child_environment(PYTHONPATH=root),
        start_new_session=True,  # Ctrl-C at the terminal goes to the parent, which ends the child in its own order
    )


class _Tail:
    """The last of what was written to stderr."""

    def __init__(self) -> None:
        self._said = b""

    async def follow(self, stream: asyncio.StreamReader) -> None:
        while piece := await stream.read(4096):
            self._said = (self._said + piece)[-4096:]

    def __str__(self) -> str:
        return self._said.decode(errors="replace").strip()


async def _listening(process: asyncio.subprocess.Process, errors: _Tail, reading: asyncio.Task[None]) -> Standin:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_S):
            while line := await _line(process.stdout):
                event = _event(line)
                if event.get("event") == "listening":
                    return Standin(event, process.pid, errors)
            await reading
    except TimeoutError:
        await _stop(process)
        raise StandinError(f"didn't listen within {START_S:g} s", str(errors)) from None
    raise StandinError(f"ended with exit code {await process.wait()}", str(errors))


async def _line(stream: asyncio.StreamReader) -> bytes:
    """The next line, or what stands for one that is longer than LINE_BYTES; empty at the end."""
    try:
        return await stream.readline()
    except ValueError:
        return b"\n"


def _event(line: bytes) -> Event:
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Close its stdin; where that doesn't end it, terminate, then kill."""
    if process.stdin is not None:
        process.stdin.close()
    stops: tuple[Callable[[], None], ...] = (lambda: None, process.terminate, process.kill)
    for stop in stops:
        if process.returncode is not None:
            return
        stop()
        try:
            async with asyncio.timeout(STOP_S):
                await asyncio.shield(process.wait())
        except TimeoutError:
            continue


def _only(faults: BaseExceptionGroup[BaseException]) -> BaseException:
    return faults.exceptions[0] if len(faults.exceptions) == 1 else faults
