"""One call against a stand-in that misbehaves, through a real gateway, beside a call that must not notice."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from hypercorn.asyncio import serve

from gateway.flow.load import load
from gateway.live.endpoint import Access, Endpoint, endpoint
from gateway.live.models import Backend
from gateway.rehearsal.ears import Ears
from gateway.rehearsal.standin.hostile import HOSTILE
from gateway.rehearsal.standin.resumption import Resumption
from gateway.rehearsal.standin.script import Reply, Script, Tool
from gateway.rehearsal.standin.server import Kit, serving
from gateway.rehearsal.standin.talk import House
from gateway.rehearsal.standin.trouble import read_part
from gateway.server import lifecycle
from gateway.server.afterwards import Tries
from gateway.server.app import App
from gateway.server.exchange import Exchange
from gateway.server.generations import Generations
from gateway.server.listener import listen
from gateway.settings import read
from gateway.telemetry.log import Log
from gateway.telemetry.metrics import Metrics
from gateway.tools.outcome import Outcome as Result
from tests.rehearsal.standin.house import QUICK
from tests.server.hostile_caller import Caller, Outcome
from tests.server.hostile_rows import ON_VERTEX, THREE_EIGHT, Row

WORDS = 45  # of the greeting and of each answer: 540 ms, three messages
MANY_WORDS = 110  # 1.3 s: longer than a silent caller is waited for
HEARD = "ten of clubs"
GOOD = Row("", "on")  # nothing goes wrong
FLOW = f"""
version: 1
name: clinic
numbers:
  - {{ label: hostile, number: "+14155550100", persona: ava }}
  - {{ label: idle, number: "+14155550102", persona: ida }}
  - {{ label: well, number: "+14155550101", persona: eve }}
personas:
  ava:
    instructions: You answer.
    model: {{ name: MODEL }}
    vad: {{ mode: VAD }}
    greeting: {{ text: "{"hello " * WORDS}", interruptible: true }}
    tools: [lookup]
  ida:
    instructions: You answer.
    model: {{ name: MODEL }}
    vad: {{ mode: VAD }}
    greeting: {{ text: "{"hello " * WORDS}", interruptible: true }}
    idle: {{ after: 3s, say: "{"still " * WORDS}", times: 2, then: hangup }}
    tools: [lookup]
  eve:
    instructions: You answer.
    model: {{ name: WELL }}
    greeting: {{ text: "{"hello " * WORDS}", interruptible: true }}
tools:
  lookup: {{ type: hangup, description: Looks a day up. }}
"""
LEAD_MS = 200  # of sound at the phone


class QuickEars:
    """Hears the same words in every turn."""

    def hear(self, _pcm: bytes, _rate: int) -> str:
        return HEARD


@dataclass
class Uses:
    """Of one row's tool, which takes `takes_s`: the day of each, and how many went on at a time, at most."""

    takes_s: float
    days: list[str] = field(default_factory=list)
    at_once: int = 0
    now: int = 0


class Lookup:
    """What the flow's tool does in place of hanging up: each use is counted, in the row that it belongs to."""

    uses: ContextVar[Uses] = ContextVar("uses")

    async def run(self, args: Mapping[str, object]) -> Result:
        uses = self.uses.get()
        uses.days.append(str(args.get("day")))
        uses.now += 1
        uses.at_once = max(uses.at_once, uses.now)
        try:
            await asyncio.sleep(uses.takes_s)
        finally:
            uses.now -= 1
        return Result({"status": "ok", "free": "10:00"})


@dataclass
class Played:
    """Everything one row brought."""

    bad: Outcome
    good: Outcome
    events: Sequence[Mapping[str, Any]]
    sid: str
    uses: Uses
    notes: Sequence[Mapping[str, Any]] = ()

    @property
    def knocks(self) -> int:
        """How many connections the gateway made to the hostile stand-in."""
        return max((int(event["connection"]) for event in self.events if "connection" in event), default=0)

    def told(self, event: str, field: str) -> list[Any]:
        return [fields[field] for fields in self.events if fields["event"] == event]

    def noted(self, name: str) -> list[dict[str, Any]]:
        """The call's notes of that name."""
        return [dict(note) for note in self.notes if note["message"] == name and note.get("call_sid") == self.sid]


@dataclass(frozen=True)
class Play:
    """What is played, and how long its caller waits for an answer."""

    row: Row
    patience_s: float


async def play(folder: Path, name: str, what: Play, log: Log) -> Played:
    """A call on a hostile stand-in and one on a good one, at once."""
    events: list[Mapping[str, Any]] = []
    uses = Uses(what.row.tool_s or 0.0)
    Lookup.uses.set(uses)
    async with (
        _standin(GOOD, []) as good,
        _standin(what.row, events) as bad,
        _gateway(folder, what.row, _where(what.row, good, bad), log) as (url, exchange),
    ):
        async with asyncio.TaskGroup() as group:
            callers = [Caller(url, name + "-well", "well"), Caller(url, name, what.row.line)]
            well = replace(GOOD, rounds=len(what.row.does))
            parts = zip(callers, (well.does, what.row.does), strict=True)
            calls = [group.create_task(caller.call(does, what.patience_s)) for caller, does in parts]
        async with asyncio.timeout(5):
            await exchange.empty()
        outcomes = [call.result() for call in calls]
        for outcome, caller in zip(outcomes, callers, strict=True):
            outcome.next = (await exchange.next("CA" + caller.sid, Tries(1))).next
    return Played(outcomes[1], outcomes[0], events, "CA" + name, uses)


@asynccontextmanager
async def _standin(row: Row, events: list[Mapping[str, Any]]) -> AsyncIterator[str]:
    words = MANY_WORDS if row.line == "idle" else WORDS
    otherwise = tuple(f"{word} " * words for word in ("one", "two", "three"))
    found = () if row.tool_s is None else (Reply(HEARD, "found " * words, Tool("lookup", {"day": "Monday"})),)
    script = Script(found, otherwise, tuple(read_part(part, HOSTILE) for part in row.play.split()))

    def emit(event: str, fields: Mapping[str, Any]) -> None:
        events.append({"event": event, **fields})

    kit = Kit(House(script, Resumption()), QUICK, lambda: cast(Ears, QuickEars()), emit)
    async with serving(kit) as url:
        yield url


def _where(row: Row, good: str, bad: str) -> Mapping[Backend, str]:
    """Which stand-in is at which backend: the row's is the bad one."""
    return {"vertex": bad, "developer": good} if row.backend == "vertex" else {"developer": bad, "vertex": good}


def _flow(row: Row) -> str:
    well = THREE_EIGHT if row.backend == "vertex" else ON_VERTEX  # the other backend's
    return FLOW.replace("MODEL", f"gemini-{row.model}").replace("WELL", f"gemini-{well}").replace("VAD", row.vad)


@asynccontextmanager
async def _gateway(
    folder: Path, row: Row, where: Mapping[Backend, str], log: Log
) -> AsyncIterator[tuple[str, Exchange]]:
    (folder / "clinic.yaml").write_text(_flow(row), encoding="utf-8")

    async def find(backend: Backend) -> Endpoint:
        base = where[backend]
        known = Access(api_key="any", base_url=base, project="p", location="global", token="any")
        return endpoint(backend, known)

    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    settings = read({"AUTH": "off", "PORT": "0", "PLAYOUT_LEAD_MS": str(LEAD_MS)})
    exchange = Exchange(settings, Generations(load(folder, {})), find, log, Metrics())
    stop = asyncio.Event()

    async def stopped() -> None:
        await stop.wait()

    async with asyncio.TaskGroup() as group:
        group.create_task(serve(App(exchange, log), lifecycle.hypercorn_config(listener), shutdown_trigger=stopped))
        try:
            yield f"ws://127.0.0.1:{port}/ws/twilio", exchange
        finally:
            stop.set()


def lines(log: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.splitlines()]
