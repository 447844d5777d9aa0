"""What became of the calls: kept or lost, the same session or another, which words went missing, how long the line was
dead. Pure.

    gap     the time in which the caller had no open stream, or the stream's gateway no session with the model: from
            the end of the one to both being there again. A stream on an instance that was killed or frozen counts to
            that moment, not to the one at which its peer noticed.
    lost    of the agent's numbers, those up to the highest that was heard; of the caller's, those that no connection
            to the model understood
    doubled numbers that were heard, or understood, again
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from gateway.audio import mulaw
from gateway.rehearsal import counting
from gateway.rehearsal.failure.journal import Connection
from gateway.rehearsal.failure.twilio import Call, Streamed

RATE = 8_000
ALIVE_S = 8.0  # an agent who was not heard for so long before the end was gone: twice the time of a turn
LEAST_GAP_S = 0.001
TWICE_S = 0.3  # two connections of one call at once: longer than it takes to close one
FIRST_UNSAID = 246  # numbers of the script lie below

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Words:
    lost: int = 0
    doubled: int = 0

    def __add__(self, other: Words) -> Words:
        return Words(self.lost + other.lost, self.doubled + other.doubled)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One call. `why`: what ended it, where it was lost. `broken`: streams that ended without a close frame. `twice_s`:
    how long two connections served it at once."""

    call_sid: str
    kept: bool
    why: str
    streams: int
    broken: int
    sessions: int
    moves: int
    greeted: int
    agent: Words
    caller: Words
    gaps_s: tuple[float, ...]
    twice_s: float
    faults: tuple[str, ...]

    @property
    def moved(self) -> bool:
        return self.moves > 0

    @property
    def same(self) -> bool:
        return self.sessions == 1


def outcome(call: Call, connections: Sequence[Connection], fault_at: float | None) -> Outcome:
    """`fault_at`: when an instance was killed or frozen, if one was."""
    spoken = _spoken(call.streams)
    kept, why = _kept(call, spoken)
    return Outcome(
        call_sid=call.dialled.call_sid,
        kept=kept,
        why=why,
        streams=len(call.streams),
        broken=sum(not stream.orderly for stream in call.streams),
        sessions=len({connection.session for connection in connections}),
        moves=max(len(call.streams), len(connections)) - 1,
        greeted=sum(connection.greeted for connection in connections),
        agent=_agent(spoken, connections) if kept else Words(),
        caller=_caller(call, connections) if kept else Words(),
        gaps_s=gaps(call.streams, connections, fault_at) if kept else (),
        twice_s=twice(connections),
        faults=tuple(call.faults),
    )


def gaps(streams: Sequence[Streamed], connections: Sequence[Connection], fault_at: float | None) -> tuple[float, ...]:
    """The times without a line or without a mind, in seconds, between the first moment with both and the last."""
    lines = [(stream.began, _until(stream, fault_at)) for stream in streams if stream.began is not None]
    minds = [(one.opened, float("inf") if one.closed is None else one.closed) for one in connections]
    both = _union([common for line in lines for mind in minds if (common := _common(line, mind))])
    holes = (after[0] - before[1] for before, after in pairwise(both))
    return tuple(hole for hole in holes if hole >= LEAST_GAP_S)


def twice(connections: Sequence[Connection]) -> float:
    """How long two connections were open at once, beyond what closing takes."""
    spans = sorted((one.opened, float("inf") if one.closed is None else one.closed) for one in connections)
    shared = (min(a[1], b[1]) - b[0] for a, b in pairwise(spans))
    return sum(span for span in shared if span > TWICE_S)


def p50(values: Sequence[float]) -> float | None:
    return median(values) if values else None


def _until(stream: Streamed, fault_at: float | None) -> float:
    if fault_at is None or stream.orderly or stream.began is None or not stream.began < fault_at < stream.ended:
        return stream.ended
    return fault_at


def _common(one: Span, other: Span) -> Span | None:
    begin, end = max(one[0], other[0]), min(one[1], other[1])
    return (begin, end) if begin < end else None


def _union(spans: Sequence[Span]) -> list[Span]:
    joined: list[Span] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((begin, end))
    return joined


def _spoken(streams: Sequence[Streamed]) -> list[tuple[int, float]]:
    """The agent's whole words and when they were heard."""
    found = []
    for stream in streams:
        if stream.began is not None:
            heard = counting.words(mulaw.decode(stream.agent), RATE)
            found += [(word.number, stream.began + word.at_ms / 1000) for word in heard if word.whole]
    return found


def _kept(call: Call, spoken: Sequence[tuple[int, float]]) -> tuple[bool, str]:
    if call.end != "caller":
        return False, call.end or "still up at the end of the rehearsal"
    if not spoken or call.streams[-1].ended - spoken[-1][1] > ALIVE_S:
        return False, "dead air"
    return True, ""


def _agent(spoken: Sequence[tuple[int, float]], connections: Sequence[Connection]) -> Words:
    """Each session counts from 0; one that was resumed goes on."""
    by_session: dict[str, list[int]] = {}
    for number, at in spoken:
        before = [one.session for one in connections if one.opened <= at]
        if before and number < FIRST_UNSAID:
            by_session.setdefault(before[-1], []).append(number)
    return sum((_row(numbers) for numbers in by_session.values()), Words())


def _row(numbers: Sequence[int]) -> Words:
    known = set(numbers)
    return Words(max(known) + 1 - len(known), len(numbers) - len(known))


def _caller(call: Call, connections: Sequence[Connection]) -> Words:
    heard = Counter(number for connection in connections for number in connection.heard)
    said = {word.number for word in call.caller.said}
    return Words(len(said - set(heard)), sum(times - 1 for times in heard.values()))
