"""Calls into the world, and what can be read of them afterwards."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Callable
from typing import Any

from gateway.rehearsal.caller import Caller, Journey, Manner, Owned
from gateway.rehearsal.phone import Person
from gateway.rehearsal.scene import AgentBegan, AgentEnded, CallerBegan, CallerEnded, HungUp
from tests.end_to_end.people import Listener
from tests.end_to_end.world import Core, World

CALLER = "+14155550199"
CONVERSATION = [AgentBegan, AgentEnded, CallerBegan, CallerEnded, AgentBegan, AgentEnded, HungUp]
SAID = [("agent", "Good day."), ("caller", "ten of clubs"), ("agent", "I heard ten of clubs.")]
FALLBACK = ["say en-US: We can't take your call just now.", "record 3 s", "POST /done 200", "hang up"]  # the desk's own
CUT_OFF = "stream gw-1: the connection to the gateway broke"
UNREACHED = "the gateway refused the call (31920: the handshake was answered 503)"


def dial(
    here: World,
    owned: Owned,
    person: Callable[[int], Person],
    manner: Manner | None = None,
    down: str = "",
) -> Journey:
    """A whole call; `down`: a host that can't be reached."""
    call = asyncio.run(Caller(here.account(down), owned, person, CALLER, manner).call())
    discreet(here)
    return call


def listener(stream: int) -> Person:
    return Listener()


def discreet(here: World) -> None:
    """No log names the caller, but in fields that are marked as private; that of the core's host neither."""
    lines = [line for log in here.folder.glob("core-*.log") for line in log.read_text().splitlines(keepends=True)]
    told = [json.loads(line) for line in lines if line.endswith("\n")]
    public = [{name: value for name, value in note.items() if name != "private"} for note in told]
    assert CALLER[1:] not in json.dumps(public)
    assert CALLER[1:] not in here.log.read_text()
    assert CALLER[1:] not in "".join(here.edge.logged)


def get(port: int, host: str, path: str) -> tuple[int, str]:
    return request("GET", port, host, path)


def request(method: str, port: int, host: str, path: str, form: str = "") -> tuple[int, str]:
    """Without any signature."""
    kind = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
    try:
        connection.request(method, path, form or None, {"Host": host, "Connection": "close", **kind})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def functions_log(here: World, call_sid: str, event: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in here.log.read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if (line["event"], line["call_sid"]) == (event, call_sid)]


def spoken(core: Core, call: Journey) -> list[tuple[str, str]]:
    core.wait("call-ended", call.call_sid)
    return [(turn["speaker"], turn["private"]["text"]) for turn in core.notes("turn", call.call_sid)]
