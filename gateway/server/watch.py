"""Flow files that change while calls go on: looked at each second, read in a child, served when they are whole.

An edit is taken once two looks in a row were alike, and only if the files are the same after the reading as before it:
what is read is one state of the folder, never half of two. Polling sees what inotify doesn't: mounted secrets and
ConfigMaps (links that are swapped), network file systems, containers' layers.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from gateway.catalog import load
from gateway.flow.compile import ArtefactError, read
from gateway.flow.load import Flows
from gateway.flow.model import Flow
from gateway.problem import Problem
from gateway.server.generations import Generations, changes
from gateway.server.reading import MAX_OUTPUT, READ_S, Child, Source, problem_of
from gateway.telemetry.log import Log
from gateway.telemetry.metrics import Metrics

POLL_S = 1.0
ENDINGS = (".yaml", ".yml")  # of what a folder's flows are read from
STOP_S = 2.0  # for a child that was killed
OTHER_VERSION = "the gateway on disk is another than the one that runs"

NO_FLOWS = Flows(())
Seen = tuple[tuple[str | int, ...], ...]  # one entry a file: name, and what changes when it does


@dataclass(frozen=True, slots=True)
class Found:
    """What the gateway starts with: the flows, and how the files looked before they were read."""

    source: Source
    seen: Seen
    flows: Flows


def first(source: Source) -> Found:
    """The first reading, in this process: nothing is served yet. Raises FlowError."""
    seen = look(source.path)
    return Found(source, seen, load(source.path, source.env))


def look(path: Path) -> Seen:
    """How the files look, links followed. What can't be seen is an entry with the error's number."""
    try:
        with os.scandir(path) as entries:
            names = [entry.path for entry in entries if _is_flow(entry.name)]
        return tuple(_entry(name) for name in sorted(names))
    except NotADirectoryError:
        return (_entry(str(path)),)
    except OSError as error:
        return ((str(path), error.errno or 0),)


def _is_flow(name: str) -> bool:
    return name.lower().endswith(ENDINGS) and not name.startswith(".")


def _entry(name: str) -> tuple[str | int, ...]:
    try:
        found = os.stat(name)
    except OSError as error:
        return name, error.errno or 0
    return name, found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


@dataclass(frozen=True, slots=True)
class Reading:
    """What a child read. Without a `hash` it can't be served, and `problems` say why; with one they are warnings."""

    problems: tuple[Problem, ...]
    flows: Flows = NO_FLOWS
    hash: str = ""


class Watch:
    """`run` until it is cancelled; `ask` has the files read at once. A call never waits for either."""

    def __init__(self, found: Found, generations: Generations, log: Log, metrics: Metrics) -> None:
        self._source = found.source
        self._taken = self._last = found.seen  # what was read last; what was seen last
        self._generations = generations
        self._log = log
        self._metrics = metrics
        self._flows: dict[bytes, Flow] = {}  # the current ones, by their artefact's hash: what did not change is shared
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """Read now, whether anything seems to have changed or not (SIGHUP)."""
        self._asked.set()

    async def run(self, poll_s: float = POLL_S) -> None:
        while True:
            try:
                async with asyncio.timeout(poll_s):
                    await self._asked.wait()
            except TimeoutError:
                pass
            try:
                await self.step()
            except Exception:  # noqa: BLE001  the outermost shell: calls go on, with the flows that they have
                self._log.bug("flows-watch")

    async def step(self) -> None:
        """One look, and a reading where one is due."""
        asked = self._asked.is_set()
        self._asked.clear()
        self._generations.forget(asyncio.get_running_loop().time())
        seen, before = await self._look(), self._last
        self._last = seen
        if not asked and (seen == self._taken or seen != before):
            return
        self._taken = seen
        reading = await self._read()
        self._last = await self._look()
        if self._last == seen:
            self._serve(reading)
        elif asked:
            self._asked.set()  # edited meanwhile: once more

    async def _look(self) -> Seen:
        return await asyncio.to_thread(look, self._source.path)

    async def _read(self) -> Reading:
        """The files as a child reads them; a child that fails in any way is a reading that can't be served."""
        child = Child(self._source)
        running = asyncio.get_running_loop().run_in_executor(None, child.run)
        try:
            async with asyncio.timeout(READ_S):
                said, code = await asyncio.shield(running)
        except TimeoutError:
            return self._failed(f"reading took longer than {READ_S:.0f} s")
        except OSError as error:
            return self._failed(f"no process could be started to read: {error.strerror}")
        finally:
            child.stop()
            await asyncio.wait([running], timeout=STOP_S)
        if len(said) > MAX_OUTPUT:
            return self._failed(f"the flows are larger than {MAX_OUTPUT >> 20} MiB")
        if code:
            return self._failed(f"the process that read them {_ended(code)}")
        try:
            return await self._rebuilt(said)
        except (ArtefactError, ValueError, TypeError, KeyError):
            return Reading((self._source.problem(OTHER_VERSION, "restart the gateway"),))

    async def _rebuilt(self, said: bytes) -> Reading:
        """The child's lines as flows, one by one: between two of them calls have their turn."""
        flows: dict[bytes, Flow] = {}
        problems: list[Problem] = []
        digest = None
        for line in said.splitlines():
            kind, text = line[:1], line[1:]
            if kind == b"F":
                key = sha256(text).digest()
                flows[key] = self._flows.get(key) or read(text).flows[0]
                await asyncio.sleep(0)
            elif kind == b"P":
                problems.append(problem_of(json.loads(text)))
            else:
                digest = str(json.loads(text))
        if digest is None:
            return self._failed("the process that read them was cut off")
        self._flows = flows if digest else self._flows
        return Reading(tuple(problems), Flows(tuple(flows.values()), tuple(problems)), digest)

    def _failed(self, message: str) -> Reading:
        return Reading((self._source.problem(message),))

    def _serve(self, reading: Reading) -> None:
        now = asyncio.get_running_loop().time()
        before = self._generations.current
        if not reading.hash:
            self._generations.refuse(reading.problems, now)
            self._tell("refused", {"problems": _texts(reading.problems), "generation": before.number})
            return
        after = self._generations.swap(reading.flows, now, reading.hash)
        told = {"generation": after.number, "hash": after.hash, "lines": after.lines}
        if after is before:
            self._tell("unchanged", told)
            return
        for text in _texts(reading.problems):
            self._log.write("flow-warning", {"problem": text}, {}, "warning")
        self._tell("read", {**told, **changes(before.flows, after.flows)})

    def _tell(self, result: str, fields: dict[str, object]) -> None:
        self._metrics.add("gateway_flow_reloads_total", result=result)
        self._log.write(f"flows-{result}", fields, {}, "warning" if result == "refused" else "info")


def _texts(problems: tuple[Problem, ...]) -> list[str]:
    return [str(problem) for problem in problems]


def _ended(code: int) -> str:
    if code > 0:
        return f"ended with exit code {code}"
    hint = ": is there too little memory?" if code == -signal.SIGKILL else ""
    return f"was ended by signal {-code} ({signal.strsignal(-code)}){hint}"
