"""The flows of one reading after another: new calls get the newest, calls in progress keep theirs.

No clock in here: `now` is seconds, monotonic, the same clock for every method.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.flow.compile import fingerprint
from gateway.flow.load import Flows
from gateway.problem import Problem

KEPT_S = (
    600.0  # a call that was answered under older flows opens its stream within seconds; Twilio's retries take longer
)
KEPT = 20  # generations: an editor that saves every second may not fill the memory
NAMED = 20  # lines that a note names; of more it tells how many


@dataclass(frozen=True, slots=True)
class Generation:
    """One reading that was well. `hash` is the artefact's; `since` when it became the current one."""

    number: int
    hash: str
    flows: Flows
    since: float

    @property
    def lines(self) -> int:
        return sum(len(flow.numbers) for flow in self.flows.flows)


class Generations:
    """What is served, what was served lately, and why the files as they are now aren't."""

    def __init__(self, flows: Flows, now: float = 0.0) -> None:
        self._current = Generation(1, fingerprint(flows), flows, now)
        self._older: list[tuple[Generation, float]] = []  # with the moment of replacement, oldest first
        self.refused: tuple[Problem, ...] = ()  # of the last broken edit; empty where the last reading was well
        self.refused_since: float | None = None  # of the first broken edit in a row

    @property
    def current(self) -> Generation:
        """What new calls get."""
        return self._current

    @property
    def kept(self) -> int:
        """How many generations are in memory."""
        return 1 + len(self._older)

    def swap(self, flows: Flows, now: float, known_hash: str = "") -> Generation:
        """Serve these from now on; flows of the same hash are the current generation. `known_hash` saves the work of
        making it (0.1 s of 1,000 flows)."""
        self.refused, self.refused_since = (), None
        found = known_hash or fingerprint(flows)
        if found != self._current.hash:
            self._older = [entry for entry in self._older if entry[0].hash != found]
            self._older.append((self._current, now))
            self._current = Generation(self._current.number + 1, found, flows, now)
        self.forget(now)
        return self._current

    def refuse(self, problems: Sequence[Problem], now: float) -> None:
        """The files can't be served: what is served stays."""
        self.refused = tuple(problems)
        if self.refused_since is None:
            self.refused_since = now

    def find(self, wanted: str, now: float) -> Generation:
        """The generation of that hash where it is still kept, else the current one."""
        self.forget(now)
        if wanted == self._current.hash:
            return self._current
        found = (generation for generation, _ in reversed(self._older) if generation.hash == wanted)
        return next(found, self._current)

    def forget(self, now: float) -> None:
        """Let go of what was replaced long ago. Calls that still use it keep what they need."""
        self._older = [(one, replaced) for one, replaced in self._older if now - replaced < KEPT_S][-KEPT:]


def changes(before: Flows, after: Flows) -> Mapping[str, object]:
    """What a note says of an edit: the lines that are new and those that are gone, as `flow/label`."""
    was, now = _labels(before), _labels(after)
    return {"added": _named(sorted(now - was)), "removed": _named(sorted(was - now))}


def _labels(flows: Flows) -> set[str]:
    return {f"{flow.name}/{line.label}" for flow in flows.flows for line in flow.numbers}


def _named(labels: list[str]) -> list[str]:
    return labels if len(labels) <= NAMED else [*labels[:NAMED], f"and {len(labels) - NAMED} more"]
