"""The gateway itself, as a child process: `gateway serve` on a free port, and what it tells on its output."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

START_S = 30.0  # a cold import of numpy and scipy on a slow disk takes seconds
STOP_S = 10.0  # its own drain ends before
LINE_BYTES = 1 << 20  # a note is a few hundred bytes

Note = Mapping[str, Any]


class CoreFailed(Exception):
    """The gateway ended before it listened. `code` is its exit code; the text is what it wrote to stderr, as it is."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(said)
        self.code = code


@dataclass(frozen=True, slots=True)
class Core:
    """A gateway that listens."""

    host: str
    port: int


@asynccontextmanager
async def core(env: Mapping[str, str], tell: Callable[[Note], None]) -> AsyncIterator[Core]:
    """Runs `gateway serve --port 0` with this environment; `tell` gets every note after `listening`. Whatever happens,
    the child is gone at the end. Raises CoreFailed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "serve", "--port", "0"),
        env={**env, "END_WITH_STDIN": "1"},
        stdin=asyncio.subprocess.PIPE,  # it ends with us, however we end
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=LINE_BYTES,
        start_new_session=True,  # Ctrl-C is ours: the call ends first, then the gateway
    )
    said: list[str] = []
    errors = asyncio.create_task(_gather(_pipe(process.stderr), said), name="core-stderr")
    readers = [errors]
    try:
        notes = _notes(_pipe(process.stdout))
        listening = await _listening(process, notes, errors, said)
        readers.append(asyncio.create_task(_follow(notes, tell), name="core-notes"))
        yield listening
    finally:
        await _stop(process)
        for reader in readers:  # the pipes are closed now; a fault in `tell` comes out here
            await reader


async def _listening(
    process: asyncio.subprocess.Process, notes: AsyncIterator[Note], errors: asyncio.Task[None], said: list[str]
) -> Core:
    try:
        async with asyncio.timeout(START_S):
            async for note in notes:
                if note.get("message") == "listening":
                    host, _, port = str(note["url"]).rpartition("://")[2].rpartition(":")
                    return Core(host.strip("[]"), int(port))
            await errors
            code = await process.wait()
    except TimeoutError:
        await _stop(process)
        raise CoreFailed(1, f"the gateway did not listen within {START_S:.0f} s\n" + "".join(said)) from None
    raise CoreFailed(code or 1, "".join(said) or f"the gateway ended at once (exit code {code})")


async def _notes(pipe: asyncio.StreamReader) -> AsyncIterator[Note]:
    """The child's JSON lines; anything else on its output is not for us."""
    while line := await pipe.readline():
        try:
            note = json.loads(line)
        except ValueError:
            continue
        if isinstance(note, dict):
            yield note


async def _follow(notes: AsyncIterator[Note], tell: Callable[[Note], None]) -> None:
    async for note in notes:
        tell(note)


async def _gather(pipe: asyncio.StreamReader, said: list[str]) -> None:
    while line := await pipe.readline():
        said.append(line.decode(errors="replace"))


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Asks the child to end, then makes it."""
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_S):
                await process.wait()
        except TimeoutError:
            process.kill()
    await process.wait()


def _pipe(pipe: asyncio.StreamReader | None) -> asyncio.StreamReader:
    if pipe is None:
        raise RuntimeError("the child was started without this pipe")
    return pipe
