"""The runs of a scenario added up, judged against what was expected, in words and as JSON. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.rehearsal.failure.measure import Words, p50
from gateway.rehearsal.failure.rehearse import Run
from gateway.rehearsal.failure.scenarios import LOOSE_GAP_S, Scenario

EXIT_S = 10.0  # what Cloud Run gives
HEAD = (
    f"{'scenario':<26}{'kept':>8}{'moved':>7}{'same':>8}  {'greeted':>7}  {'agent':>7}{'caller':>8}"
    f"  {'gap p50':>8}{'max ms':>8}  {'keys':>5}  "
)
LEGEND = """\
kept: its caller hung up, and the agent was still there · moved: another stream, or another connection to the model
same: of those that moved, the same session with the model · greeted: calls that were greeted again
agent, caller: words lost/doubled · gap: no open stream, or no session behind it · keys: left in the store, to expire"""


@dataclass(frozen=True, slots=True)
class Result:
    """A scenario after its runs."""

    scenario: Scenario
    runs: tuple[Run, ...]

    @property
    def calls(self) -> int:
        return sum(len(run.outcomes) for run in self.runs)

    @property
    def kept(self) -> int:
        return sum(outcome.kept for run in self.runs for outcome in run.outcomes)

    @property
    def moved(self) -> int:
        return sum(outcome.moved and outcome.kept for run in self.runs for outcome in run.outcomes)

    @property
    def same(self) -> int:
        """Of those that moved."""
        return sum(o.moved and o.kept and o.same for run in self.runs for o in run.outcomes)

    @property
    def greeted_again(self) -> int:
        return sum(outcome.greeted > 1 for run in self.runs for outcome in run.outcomes)

    @property
    def broken(self) -> int:
        """Streams that ended without a close frame."""
        return sum(outcome.broken for run in self.runs for outcome in run.outcomes)

    @property
    def twice(self) -> int:
        """Calls that two connections served at once."""
        return sum(outcome.twice_s > 0 for run in self.runs for outcome in run.outcomes)

    @property
    def agent(self) -> Words:
        return sum((outcome.agent for run in self.runs for outcome in run.outcomes), Words())

    @property
    def caller(self) -> Words:
        return sum((outcome.caller for run in self.runs for outcome in run.outcomes), Words())

    @property
    def gaps_ms(self) -> list[float]:
        return [1000 * gap for run in self.runs for outcome in run.outcomes for gap in outcome.gaps_s]

    @property
    def keys(self) -> int | None:
        """Left in the store; None where there is none to ask."""
        found = [run.left.keys for run in self.runs if run.left is not None]
        return sum(found) if found else None

    @property
    def endless(self) -> tuple[str, ...]:
        return tuple(key for run in self.runs if run.left is not None for key in run.left.endless)

    def why(self) -> Counter[str]:
        """Why calls were lost."""
        return Counter(o.why for run in self.runs for o in run.outcomes if not o.kept)


def shortcomings(result: Result, *, strict: bool) -> list[str]:
    """Where the scenario falls below what is expected of it."""
    wanted, found = result.scenario.expected, []
    if result.kept < wanted.kept * result.calls:
        found.append(f"kept {result.kept} of {result.calls}, expected {wanted.kept:.0%}: {_listed(result.why())}")
    if result.moved < wanted.moved * result.calls:
        found.append(f"only {result.moved} of {result.calls} calls moved: nothing was rehearsed")
    if result.same < wanted.same * result.moved:
        found.append(f"the same session in {result.same} of {result.moved}, expected {wanted.same:.0%}")
    if wanted.same and result.greeted_again and result.same >= wanted.same * result.moved:
        found.append(f"{result.greeted_again} calls were greeted again")
    middle, longest = p50(result.gaps_ms), max(result.gaps_ms, default=0.0)
    if strict and middle is not None and middle > 1000 * wanted.gap_s:
        found.append(f"gap p50 {middle:.0f} ms, expected {1000 * wanted.gap_s:.0f} ms")
    if longest > 1000 * LOOSE_GAP_S:
        found.append(f"a gap of {longest:.0f} ms, more than {LOOSE_GAP_S:.0f} s")
    if wanted.orderly and result.broken:
        found.append(f"{result.broken} streams broke, where each is closed in good order")
    if result.twice and not wanted.twice:
        found.append(f"{result.twice} calls were served twice at once")
    if result.endless:
        found.append(f"keys without an end: {', '.join(result.endless[:5])}")
    slow = [exit for run in result.runs for exit in run.exits if exit.after_s >= EXIT_S or exit.code < 0]
    found += [f"{one.name} took {one.after_s:.1f} s to leave (exit code {one.code})" for one in slow]
    return found


def row(result: Result, faults: Sequence[str]) -> str:
    middle, longest = p50(result.gaps_ms), max(result.gaps_ms, default=None)
    keys = "-" if result.keys is None else str(result.keys)
    line = (
        f"{result.scenario.name:<26}{_of(result.kept, result.calls):>8}{result.moved:>7}"
        f"{_of(result.same, result.moved):>8}  {result.greeted_again:>7}  {_pair(result.agent):>7}"
        f"{_pair(result.caller):>8}  {_ms(middle):>8}{_ms(longest):>8}  {keys:>5}  "
    )
    return "\n".join([line + ("ok" if not faults else "BELOW"), *(f"    {fault}" for fault in faults)])


def plain(result: Result, faults: Sequence[str]) -> dict[str, Any]:
    """As JSON."""
    return {
        "scenario": result.scenario.name,
        "runs": len(result.runs),
        "calls": result.calls,
        "kept": result.kept,
        "moved": result.moved,
        "same_session": result.same,
        "greeted_again": result.greeted_again,
        "served_twice": result.twice,
        "broken_streams": result.broken,
        "agent_words": {"lost": result.agent.lost, "doubled": result.agent.doubled},
        "caller_words": {"lost": result.caller.lost, "doubled": result.caller.doubled},
        "gap_ms": {"p50": p50(result.gaps_ms), "max": max(result.gaps_ms, default=None), "all": result.gaps_ms},
        "keys": {"left": result.keys, "endless": list(result.endless), "longest_s": _longest(result)},
        "exits": [{"after_s": e.after_s, "code": e.code} for run in result.runs for e in run.exits],
        "lost": {o.call_sid: o.why for run in result.runs for o in run.outcomes if not o.kept},
        "faults": dict(Counter(fault for run in result.runs for o in run.outcomes for fault in o.faults)),
        "below": list(faults),
    }


def _longest(result: Result) -> float | None:
    return max((run.left.longest_s for run in result.runs if run.left is not None), default=None)


def _of(part: int, whole: int) -> str:
    return f"{part}/{whole}" if whole else "-"


def _pair(words: Words) -> str:
    return f"{words.lost}/{words.doubled}"


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def _listed(why: Counter[str]) -> str:
    return ", ".join(f"{text} ({count}x)" for text, count in why.most_common(4))
