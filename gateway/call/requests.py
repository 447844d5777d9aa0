"""What is remembered of the model's tool calls, and what follows from one; `toolbox` decides.

    run        one wish that was carried out: a name with arguments, and what came of it
    request    one id: DUE -> ANSWERED, or CANCELLED by the model; FORGOTTEN where the present session doesn't know it

Several requests may share a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Literal

from gateway.call.answers import Answer
from gateway.live.messages import FunctionResult

LIMIT_S = 8.0  # the Live API waits about 10 s for an answer, and the session is stuck after that
AGAIN_S = 10.0  # the same name and arguments within this time are the same wish
MAX_KNOWN = 64  # ids remembered, so that one that comes again gets the same answer
PRIVATE_CHARS = 1_000  # of arguments in a note

Severity = Literal["debug", "info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class RunTool:
    """Run a tool of this `type` and tell `done` by this `id`, even when it failed; after `deadline` nobody waits."""

    id: str
    name: str
    args: Mapping[str, Any]
    deadline: float
    type: str


@dataclass(frozen=True, slots=True)
class Remark:
    """A note without its time. Arguments stand in `private` only."""

    name: str
    fields: Mapping[str, object]
    private: Mapping[str, str] = field(default_factory=dict)
    severity: Severity = "info"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What follows. `closes`: a tool that ends the call was answered, and the agent may say its last words.

    `untold`: results of calls that the present session of the model doesn't know, so that they can't be sent as
    results: it may be told in words, or it will call again.
    """

    run: tuple[RunTool, ...] = ()
    results: tuple[FunctionResult, ...] = ()
    notes: tuple[Remark, ...] = ()
    closes: bool = False
    untold: tuple[FunctionResult, ...] = ()


NOTHING = Outcome()


@dataclass(slots=True)
class Draft:
    """An outcome in the making."""

    run: list[RunTool] = field(default_factory=list)
    results: list[FunctionResult] = field(default_factory=list)
    notes: list[Remark] = field(default_factory=list)
    closes: bool = False
    untold: list[FunctionResult] = field(default_factory=list)

    def note(self, name: str, severity: Severity = "info", /, *, private: str = "", **fields: object) -> None:
        said = {"args": private[:PRIVATE_CHARS]} if private else {}
        self.notes.append(Remark(name, fields, said, severity))

    def outcome(self) -> Outcome:
        return Outcome(tuple(self.run), tuple(self.results), tuple(self.notes), self.closes, tuple(self.untold))


class Stage(Enum):
    DUE = auto()
    ANSWERED = auto()
    CANCELLED = auto()
    FORGOTTEN = auto()


@dataclass(slots=True, eq=False)
class Run:
    """`id` is empty where nothing was run: the call was refused, and `result` says why."""

    id: str
    name: str
    key: bytes  # of name and arguments
    began: float
    at: float  # when it began, then when it ended; a wait for the connection doesn't count
    result: Answer | None = None
    closes: bool = False
    told: bool = False  # the present session has had the result


@dataclass(slots=True, eq=False)
class Request:
    id: str
    run: Run
    asked_at: float
    deadline: float
    stage: Stage = Stage.DUE
    answered_at: float = 0.0
    sent: FunctionResult | None = None
    final: bool = False  # what was sent is the run's result, no time-out


class Book:
    """Every request and run that still matters. Nothing in it grows with the length of the call."""

    __slots__ = ("_number", "_recent", "_requests", "_running")

    def __init__(self) -> None:
        self._requests: dict[str, Request] = {}  # by id, the oldest first
        self._running: dict[str, Run] = {}  # by the id that the shell tells
        self._recent: dict[bytes, Run] = {}  # by what was asked for
        self._number = 0

    def find(self, id: str) -> Request | None:
        """The request of this id; an empty id, which Vertex AI allows, is none."""
        return self._requests.get(id) if id else None

    def add(self, request: Request) -> None:
        """Also in the place of another one with the same id."""
        self._requests[request.id or self._new("")] = request

    def remove(self, request: Request) -> None:
        self._requests = {id: other for id, other in self._requests.items() if other is not request}

    def begin(self, id: str, name: str, key: bytes, now: float) -> Run:
        """A new run, under an id of its own: that of the call where it is free."""
        taken = not id or id in self._running
        run = Run(self._new(id) if taken else id, name, key, now, now)
        self._running[run.id] = self._recent[key] = run
        return run

    def recall(self, request: Request) -> None:
        """A request and its run that were made in an earlier stream of the call."""
        self.add(request)
        self._recent[request.run.key] = request.run

    def end(self, id: str) -> Run | None:
        """The run of this id, which is over now; None where nobody knows of it."""
        return self._running.pop(id, None)

    def same(self, key: bytes, now: float) -> Run | None:
        """A run for the same wish: under way, or ended a moment ago. One that failed and may be tried again is none."""
        run = self._recent.get(key)
        if run is None or run.result is None:
            return run if run and run.id in self._running else None
        return run if now <= run.at + AGAIN_S and not run.result["retryable"] else None

    def of(self, run: Run) -> list[Request]:
        return [request for request in self._requests.values() if request.run is run]

    def all(self) -> list[Request]:
        return [*self._requests.values()]

    def due(self) -> list[Request]:
        if not self._requests:  # most calls, most of the time
            return []
        return [request for request in self._requests.values() if request.stage is Stage.DUE]

    @property
    def running(self) -> int:
        return len(self._running)

    def shift(self, since: float, now: float) -> None:
        """The session is another one: the time from `since` until now doesn't count, and what was told is told only if
        the request is still known."""
        for run in self._recent.values():
            run.told = any(request.final for request in self.of(run))
            run.at += now - max(since, run.at)

    def tidy(self, now: float) -> None:
        """Let go of what is over. A tool that never came to its end is given up at last."""
        waited = {id(request.run) for request in self.due()}
        self._running = {
            name: run for name, run in self._running.items() if now <= run.at + LIMIT_S + AGAIN_S or id(run) in waited
        }
        self._recent = {key: run for key, run in self._recent.items() if self.same(key, now)}
        old = [name for name, request in self._requests.items() if request.stage is not Stage.DUE]
        for name in old[: max(0, len(self._requests) - MAX_KNOWN)]:
            del self._requests[name]

    def _new(self, id: str) -> str:
        self._number += 1
        return f"{id}~{self._number}"
