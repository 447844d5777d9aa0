"""What the stand-in tells of its connections, sorted by call. Pure.

Every persona's instructions name the caller's number, so a connection's setup tells whose it is.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.live import cues

CALLER = re.compile(r"The caller is (\+[0-9]+)\.")
_SEED = cues.seed("|").split("\n")[0]


@dataclass
class Connection:
    """One connection whose setup was taken. Times are time.monotonic(); `closed` None: it is open.

    `turns`: what the session remembers of its answers. `seeded`: a fresh session that was told what had been said."""

    session: str
    opened: float
    resumed: bool
    turns: int
    seeded: bool
    closed: float | None = None
    greeted: int = 0
    interrupted: int = 0
    heard: list[int] = field(default_factory=list)  # the caller's numbers, of turns that were understood
    spoke: list[float] = field(default_factory=list)  # when it began to speak


class Journal:
    """`take` is given every event of the stand-in, in their order."""

    def __init__(self, greeting: str) -> None:
        self._greeting = greeting
        self._open: dict[int, Connection] = {}
        self._calls: dict[str, list[Connection]] = defaultdict(list)
        self.strangers = 0  # connections that name no caller

    def of(self, caller: str) -> list[Connection]:
        """The connections of the call, in the order in which they were opened."""
        return list(self._calls.get(caller, ()))

    @property
    def open(self) -> int:
        return len(self._open)

    def take(self, event: Mapping[str, Any]) -> None:
        number, name = event.get("connection"), event.get("event")
        if name == "setup" and isinstance(number, int):
            self._setup(number, event)
        connection = self._open.get(number) if isinstance(number, int) else None
        if connection is not None:
            self._note(connection, event)
            if name == "closed" and isinstance(number, int):
                del self._open[number]

    def _setup(self, number: int, event: Mapping[str, Any]) -> None:
        instructions = str(event["instructions"])
        found = CALLER.search(instructions)
        if found is None:
            self.strangers += 1
            return
        seeded = _SEED in instructions
        connection = Connection(event["name"], event["t"], bool(event["resumed"]), event["turns"], seeded)
        self._open[number] = connection
        self._calls[found[1]].append(connection)

    def _note(self, connection: Connection, event: Mapping[str, Any]) -> None:
        match event["event"]:
            case "closed":
                connection.closed = event["t"]
            case "cue" if event["text"] == self._greeting and event["by"] != "go-on":
                connection.greeted += 1
            case "heard" if event["by"] == "speech":
                connection.heard += [int(word) for word in str(event["text"]).split() if word.isdecimal()]
            case "interrupted":
                connection.interrupted += 1
            case "speaking":
                connection.spoke.append(event["t"])
            case _:
                return
