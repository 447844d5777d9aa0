"""`gateway rehearse-failure`: the scenarios one after the other, a table or JSON, and an exit code."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gateway.rehearsal.failure import haproxy
from gateway.rehearsal.failure.balancer import BalancerFailed, Kind
from gateway.rehearsal.failure.instance import InstanceFailed
from gateway.rehearsal.failure.rehearse import rehearse
from gateway.rehearsal.failure.report import HEAD, LEGEND, Result, plain, row, shortcomings
from gateway.rehearsal.failure.scenarios import ALL, BY_NAME, QUICK, SCENARIOS, SOAK_CALLS, Scenario
from gateway.rehearsal.failure.valkey import NoServer
from gateway.rehearsal.process import StandinError

OK, FAULTS, USAGE = 0, 1, 2
CALLS, QUICK_CALLS = 8, 4
NOTE = "rehearsal on this machine: scripted, not a model; Twilio's behaviour after a broken stream is a switch"
OWN = "one of our own"

Asked = Literal["auto", "haproxy", "own"]
Write = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class FailureOptions:
    scenarios: tuple[str, ...] = ()
    calls: int | None = None
    runs: int = 1
    quick: bool = False
    strict: bool = False
    json: bool = False
    list: bool = False
    logs: Path | None = None
    balancer: Asked = "auto"


def _out(text: str) -> None:
    sys.stdout.write(text)  # as it is at that moment


def run_failure(options: FailureOptions, write: Write = _out) -> int:
    """Exit code 0 where everything is as expected, 1 where not, 2 for a scenario that isn't known."""
    if options.list:
        write("".join(f"{scenario.name:<26}{scenario.about}\n" for scenario in SCENARIOS))
        return OK
    unknown = [name for name in options.scenarios if name not in BY_NAME]
    if unknown:
        sys.stderr.write(f"gateway rehearse-failure: no scenario {unknown[0]!r} (see --list)\n")
        return USAGE
    try:
        return asyncio.run(_all(options, *balancer(options.balancer), write))
    except* (InstanceFailed, NoServer, StandinError, BalancerFailed) as failed:
        sys.stderr.write(f"gateway rehearse-failure: {_first(failed)}\n")
    return FAULTS


def _chosen(options: FailureOptions) -> Sequence[Scenario]:
    names = options.scenarios or (QUICK if options.quick else ALL)
    return [BY_NAME[name] for name in names]


def balancer(asked: Asked) -> tuple[Kind, str]:
    """Which one will stand there, and its name. Raises NoHaproxy."""
    if asked == "own" or (asked == "auto" and not haproxy.found()):
        return "own", OWN
    return "haproxy", haproxy.version()


async def _all(options: FailureOptions, kind: Kind, called: str, write: Write) -> int:
    told: list[dict[str, Any]] = []
    if not options.json:
        write(f"{NOTE}\nload balancer: {called}\n\n{HEAD}\n")
    for scenario in _chosen(options):
        calls = _calls(options, scenario)
        runs = [await rehearse(scenario, calls, kind, options.logs) for _ in range(options.runs)]
        result = Result(scenario, tuple(runs))
        faults = shortcomings(result, strict=options.strict)
        told.append(plain(result, faults))
        if not options.json:
            write(row(result, faults) + "\n")
            sys.stdout.flush()
    below = any(one["below"] for one in told)
    whole = {"note": NOTE, "balancer": called, "scenarios": told}
    write(json.dumps(whole, indent=2) + "\n" if options.json else f"\n{LEGEND}\n")
    return FAULTS if below else OK


def _calls(options: FailureOptions, scenario: Scenario) -> int:
    if options.calls is not None:
        return options.calls
    if scenario.play is None:
        return SOAK_CALLS
    return QUICK_CALLS if options.quick else CALLS


def _first(faults: BaseExceptionGroup[BaseException]) -> BaseException:
    inner = faults.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner
