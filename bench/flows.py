"""Flow files in great number: how long a folder takes to check, how much memory, and how fast a line is found.

    python -m bench.flows

Each folder is checked by a fresh `gateway validate`, after one that warms the disk's cache; time and memory are that
process's own. Lookups are timed in this
process, against a dictionary's own.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from bench.peers import clock
from bench.table import verdict
from gateway.flow.load import Flows, load
from gateway.flow.route import route

REPO = Path(__file__).resolve().parent.parent
SIZES = (125, 250, 500, 1000)
LINES = 50  # of one file
ALL_S, ALL_MB, ONE_S, LOOKUP_US = 10.0, 300.0, 0.4, 20.0  # the targets
NUMBERS = 10_000
ROUNDS = 5


@dataclass(frozen=True)
class Run:
    """One `gateway validate`: wall-clock and processor seconds, peak memory in MB."""

    seconds: float
    cpu: float
    mb: float


def flow(nth: int) -> str:
    """A file of LINES lines with hours, limits, two personas and a number of its own."""
    text = (REPO / "bench" / "flow.yaml").read_text("utf-8").replace("+14155550000", f"+1415{5_550_000 + nth}")
    return text + "# …\n" * (LINES - text.count("\n"))


@contextmanager
def folder(files: int) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as place:
        for nth in range(files):
            (Path(place) / f"flow-{nth:04}.yaml").write_text(flow(nth), "utf-8")
        yield Path(place)


def validated(path: Path) -> Run:
    """`gateway validate` of a folder, on one core."""
    command = [sys.executable, "-m", "gateway", "validate", str(path)]
    begun = clock()
    child = subprocess.Popen(command, cwd=REPO, env=_env(), stdout=subprocess.DEVNULL, preexec_fn=_on_one_core)
    _, status, used = os.wait4(child.pid, 0)
    if status:
        raise RuntimeError(f"gateway validate ended with {status}")
    return Run(clock() - begun, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def _env() -> dict[str, str]:
    """As an installed command has it: modules are compiled once, not at each start."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _on_one_core() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    resource.setrlimit(resource.RLIMIT_CPU, (120, 120))


def numbered(count: int) -> Flows:
    """Flows with so many numbers, a hundred in each."""
    with folder(1) as place:
        sample = load(place, {}).flows[0]
    lines = [replace(sample.numbers[0], number=f"+1{4_155_000_000 + n}", label=f"line-{n}") for n in range(count)]
    parts = (tuple(lines[at : at + 100]) for at in range(0, count, 100))
    return Flows(tuple(replace(sample, name=f"flow-{n}", numbers=part) for n, part in enumerate(parts)))


def micro(action: Callable[[int], object], times: int = 20_000) -> float:
    """Microseconds of one, the median of ROUNDS rounds."""

    def once() -> float:
        begun = clock()
        for nth in range(times):
            action(nth)
        return (clock() - begun) / times * 1e6

    return median(once() for _ in range(ROUNDS))


def lookups() -> list[tuple[str, float]]:
    flows = numbered(NUMBERS)
    few = numbered(100)
    at = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)
    found = flows.line("+14155000000")
    if found is None:
        raise RuntimeError("the benchmark's own number is not there")
    flow_, line = found
    keys = [f"+1{4_155_000_000 + n % NUMBERS}" for n in range(20_000)]
    low = [f"+1{4_155_000_000 + n % 100}" for n in range(20_000)]
    return [
        ("find one of 100 lines", micro(lambda nth: few.line(low[nth]))),
        (f"find one of {NUMBERS} lines", micro(lambda nth: flows.line(keys[nth]))),
        ("decide who answers (hours, holidays, limits)", micro(lambda nth: route(flow_, line, at, keys[nth]), 5_000)),
    ]


def main() -> int:
    print(f"{'files':>6}{'lines':>8}{'s':>7}{'cpu s':>7}{'MB':>7}{'ms a file':>11}")
    runs: dict[int, Run] = {}
    with folder(1) as place:
        validated(place)  # warms the disk's cache, and compiles
    for size in SIZES:
        with folder(size) as place:
            run = runs[size] = validated(place)
        print(f"{size:6}{size * LINES:8}{run.seconds:7.2f}{run.cpu:7.2f}{run.mb:7.0f}{run.cpu / size * 1000:11.2f}")
    with folder(1) as place:
        single = [validated(place) for _ in range(ROUNDS)]
    one, cpu = median(run.seconds for run in single), median(run.cpu for run in single)
    print(f"\n{one * 1000:8.0f}  ms: one file, from the shell ({cpu * 1000:.0f} ms of the processor's)")
    found = lookups()
    for text, us in found:
        print(f"{us:8.2f}  us: {text}")
    last, growth = runs[SIZES[-1]], runs[SIZES[-1]].cpu / runs[SIZES[0]].cpu / (SIZES[-1] / SIZES[0])
    lines = [
        verdict(last.cpu <= ALL_S, f"{SIZES[-1]} files <= {ALL_S:.0f} s of one core: {last.cpu:.1f}"),
        verdict(last.mb <= ALL_MB, f"<= {ALL_MB:.0f} MB: {last.mb:.0f}"),
        verdict(growth <= 1.2, f"linear: {SIZES[-1]} files take {growth:.2f} times what {SIZES[0]} foretell"),
        verdict(one <= ONE_S, f"one file <= {ONE_S} s: {one:.2f}"),
        verdict(found[1][1] <= LOOKUP_US, f"a line <= {LOOKUP_US:.0f} us: {found[1][1]:.2f}"),
    ]
    print("\n" + "\n".join(lines))
    return 0 if all(line.startswith("ok") for line in lines) else 1


if __name__ == "__main__":
    raise SystemExit(main())
