"""Every way through a call that the core itself answers: all doors, all endings of a stream, all attempts, all that
Twilio may report of a dialled party or a recording. Each way must end, and soon. Twilio Functions are walked in
`twilio-functions/test/walk.test.js`."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.flow.load import load
from gateway.server import lifecycle
from gateway.server.afterwards import KEPT_S, MAX_STREAMS, NEXT, Carried, Ending, Served, read, step, tries_of
from gateway.server.exchange import Exchange
from gateway.server.generations import Generations
from gateway.server.reception import AFTER_PATH, DONE_PATH, WEBHOOK_PATH, Reception, Webhook, failed_door
from gateway.settings import read as read_settings
from gateway.store import Kept
from gateway.store.memory import Memory
from gateway.telemetry.log import configure
from gateway.telemetry.metrics import Metrics
from gateway.twilio import twiml

MOST = 2 * MAX_STREAMS + 5  # requests of one call, where every other one fails
NOW_MS = 60_000
BASE = "https://core.example.com"
SID = "CA1"
NEVER = '{ weekly: { mon-sun: "00:00-24:00" }, holidays: [01-01 to 12-31], closed: '
FLOW = f"""
version: 1
name: clinic
numbers:
  - {{ label: bare, number: "+14155550100", persona: ava }}
  - {{ label: hangs-up, number: "+14155550101", persona: ava, fallback: {{ say: Sorry. }} }}
  - {{ label: records, number: "+14155550102", persona: ava, fallback: {{ say: Sorry., then: voicemail }} }}
  - label: dials
    number: "+14155550103"
    persona: ava
    fallback: {{ say: Sorry., then: dial, to: "+14155550123" }}
  - {{ label: shut, number: "+14155550104", persona: ava, hours: hangs_up }}
  - label: shut-records
    number: "+14155550105"
    persona: ava
    hours: records
    fallback: {{ say: Sorry., then: dial, to: "+14155550123" }}
  - label: shut-dials
    number: "+14155550106"
    persona: ava
    hours: dials
    fallback: {{ say: Sorry., then: voicemail }}
  - {{ label: at-night, number: "+14155550107", persona: ava, hours: night }}
  - {{ label: bought, search: {{ country: US }}, persona: ava, fallback: {{ say: Sorry., then: voicemail }} }}
personas:
  ava: {{ instructions: You answer. }}
  night: {{ instructions: You say that it is closed. }}
hours:
  hangs_up: {NEVER} {{ say: Closed. }} }}
  records: {NEVER} {{ say: Closed., then: voicemail }} }}
  dials: {NEVER} {{ say: Closed., then: dial, to: "+14155550123" }} }}
  night: {NEVER} {{ persona: night }} }}
limits: {{ deny: ["+1900"] }}
"""
NUMBERS = [*(f"+1415555010{nth}" for nth in range(8)), "+14155550111"]
CALLERS = ("+14155550199", "+19005550100", "anonymous")
DIALLED = ("completed", "answered", "no-answer", "busy", "failed", "canceled")
GONE = Served("clinic", "bare", "gone")  # a persona that an edit took away


@dataclass(frozen=True)
class Ask:
    """One request of Twilio's."""

    path: str
    query: str
    form: tuple[tuple[str, str], ...]


@dataclass
class Walk:
    """The core's reception, and how long each way from a request is."""

    exchange: Exchange
    reception: Reception
    known: dict[Ask, int] = field(default_factory=dict)

    def longest(self, ask: Ask, path: tuple[Ask, ...] = ()) -> int:
        """The longest way from here, in requests. Fails on one that comes back to where it was."""
        assert ask not in path, f"a loop: {path} -> {ask}"
        if ask not in self.known:
            states = STATES if "after" in (ask.path + dict(ask.form).get("ErrorUrl", "")) else PRESENCE
            ways = {way for state in states for way in ways_on(self.answer(ask, state), ask)} | set(failing(ask))
            self.known[ask] = 1 + max((self.longest(way, (*path, ask)) for way in ways), default=0)
        return self.known[ask]

    def answer(self, ask: Ask, state: Callable[[Exchange], None]) -> str:
        store = self.exchange.store = Memory(self.exchange._clock)
        self.exchange.draining = False
        state(self.exchange)
        asked = {name: values[0] for name, values in parse_qs(ask.query).items()}
        call = Webhook(dict(ask.form), BASE, asked.get("line", ""))
        given = tries_of(asked.get("attempt", ""), asked.get("failed", ""))
        door, tries = failed_door(call) if ask.path == WEBHOOK_PATH else (ask.path, given)
        match door.rpartition("/")[2]:
            case "":
                return self.reception.answer(call)
            case "after":
                return self.reception.after(call, step(read(store.known(SID)), tries, NOW_MS))
            case _:
                assert door in (DONE_PATH, "done"), f"a door that isn't there: {door}"
                return self.reception.done(call)


def here(_: Exchange) -> None:
    """The core is well, and knows nothing of the call."""


def leaving(exchange: Exchange) -> None:
    exchange.draining = True


def ended(ending: Ending | None, persona: str, began_ms: int) -> Callable[[Exchange], None]:
    """The core carried the call's stream, which ended so; None: nobody has noticed yet."""

    def state(exchange: Exchange) -> None:
        carried = Carried(Served("clinic", "bare", persona), began_ms, NOW_MS, ending)
        exchange.store.put(SID, Kept(1, 1, carried.state()), KEPT_S)

    return state


PRESENCE = (here, leaving)
BEGAN_MS = (0, NOW_MS - 1_000)  # it lasted, or it broke soon
PERSONAS = ("ava", "night", "gone")
STATES = (
    *PRESENCE,
    *(ended(ending, persona, ms) for ending in (None, *NEXT) for persona in PERSONAS for ms in BEGAN_MS),
)


def ways_on(xml: str, ask: Ask) -> Iterator[Ask]:
    """The requests that a document may lead to. Fails on one that leaves a dead line."""
    for verb in twiml.verbs(xml):
        match verb.tag:
            case "Say":
                continue
            case "Hangup" | "Reject":
                return
            case "Redirect":
                yield asking(verb.text, ask)
                return
            case "Connect":
                assert [child.tag for child in verb] == ["Stream"]
                yield asking(verb.get("action"), ask)  # and should Twilio not ask, the next verb
            case "Record":
                assert 0 < int(verb.get("maxLength", "0")) <= 120
                yield asking(verb.get("action"), ask, RecordingSid="RE1", RecordingDuration="3", Digits="hangup")
            case "Dial":
                assert verb.text == "+14155550123", "a number that stands in no flow"
                assert int(verb.get("timeout", "0")) > 0
                yield from (asking(verb.get("action"), ask, DialCallStatus=status) for status in DIALLED)
                return
            case _:
                pytest.fail(f"a verb that leads nowhere: <{verb.tag}>")
    pytest.fail(f"a document that ends without an end: {xml}")


def failing(ask: Ask) -> Iterator[Ask]:
    """What Twilio asks where this door has failed: the number's fallback URL, once."""
    if ask.path != WEBHOOK_PATH:
        lost = f"{BASE}{ask.path}?{ask.query}"
        [line] = [part for part in ask.query.split("&") if part.startswith("line=")] or [""]
        yield asking(f"{BASE}{WEBHOOK_PATH}?{line}", ask, ErrorCode="11200", ErrorUrl=lost)


def asking(url: str | None, before: Ask, **reported: str) -> Ask:
    assert url is not None
    assert url.startswith(BASE + "/")
    parts = urlsplit(url)
    same = {name: value for name, value in before.form if name in ("To", "From", "CallSid", "AccountSid")}
    return Ask(parts.path, parts.query, tuple({**same, **reported}.items()))


async def walked(folder: Path, number: str) -> tuple[int, int]:
    """The longest way of a call to this number, and how many requests there are."""
    (folder / "clinic.yaml").write_text(FLOW, encoding="utf-8")
    settings = read_settings({"TWILIO_AUTH_TOKEN": "a" * 32, "STREAM_SECRET": "s", "PUBLIC_URL": BASE})
    log, generations = configure("json", "error", io.StringIO()), Generations(load(folder, {}))
    exchange = Exchange(settings, generations, lifecycle.endpoints(settings), log, Metrics())
    walk = Walk(exchange, Reception(exchange, log))
    most = 0
    for caller in CALLERS:
        form = {"To": number, "From": caller, "CallSid": SID, "AccountSid": "AC1"}
        first = Ask(WEBHOOK_PATH, "", tuple(form.items()))
        queries = [f"attempt={given}" for given in ("0", "1", "2", "3", "3&failed=2", "20", "21", "x", "")]
        doors = [first, replace(first, query="line=clinic/bought"), replace(first, path=DONE_PATH)]
        doors += [replace(first, path=AFTER_PATH, query=query) for query in (*queries, "attempt=1&line=clinic/bought")]
        most = max(most, *(walk.longest(door) for door in doors))
    return most, len(walk.known)


@pytest.mark.parametrize("number", NUMBERS)
def test_each_way_through_a_call_ends(tmp_path: Path, number: str) -> None:
    most, count = asyncio.run(walked(tmp_path, number))
    assert 1 < most <= MOST
    assert count >= 30  # the walk went somewhere
