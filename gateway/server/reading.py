"""Flows read in a process of its own: parsing in a thread would hold this process's lock against all its calls.

The child (`python -m gateway.server.reading PATH`) writes lines of one letter and JSON: `F` and its artefact for each
flow, `P` and a problem for each problem, and last of all `H` and the hash of all flows, empty where they can't be
served. What doesn't end with that line was cut, and counts for nothing.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TextIO

from gateway.catalog import load
from gateway.flow.compile import compile_flows, fingerprint
from gateway.flow.load import FlowError, Flows
from gateway.problem import Place, Problem
from gateway.settings import flow_environment

READ_S = 30.0  # 1,000 files take 10 s of one core; the calls come first
ORPHAN_S = 40  # a child whose parent was killed ends by itself
MAX_OUTPUT = 1 << 26  # bytes: ten times what 10,000 lines take
MAX_TOLD = 50  # problems: they stand in a note and in /readyz
LOWEST = 19  # of all priorities
WHAT_TO_DO = "the flows before it are still served; change a file, or send SIGHUP, to have it tried again"


@dataclass(frozen=True, slots=True)
class Source:
    """Where the flows are: a folder, a file or an artefact, and the environment that fills them in."""

    path: Path
    env: Mapping[str, str] = field(repr=False)

    def problem(self, message: str, hint: str = WHAT_TO_DO) -> Problem:
        """A fault of the reading itself, not of a line in a file."""
        return Problem(Place(str(self.path)), "", message, hint)


class Child:
    """One reading. `run` blocks, so it has a thread; `stop`, from any other, ends it at once."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._stopped = False
        self._process: subprocess.Popen[bytes] | None = None

    def run(self) -> tuple[bytes, int]:
        """What the child wrote, and its exit code (negative: the signal that ended it)."""
        with self._lock:
            if self._stopped:
                return b"", -signal.SIGKILL
            process = self._process = _start(self._source)
        with process:
            assert process.stdout is not None
            said = process.stdout.read(MAX_OUTPUT + 1)
            if len(said) > MAX_OUTPUT:
                process.kill()
        return said, process.returncode

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            if self._process is not None:
                self._process.kill()


def _start(source: Source) -> subprocess.Popen[bytes]:
    root = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, (root, source.env.get("PYTHONPATH", ""))))
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "gateway.server.reading", str(source.path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env={**source.env, "PYTHONPATH": path},
        start_new_session=True,  # Ctrl-C at the terminal goes to us, and we end it
    )
    with suppress(OSError):  # gone already, or a sandbox without priorities: it reads all the same
        os.setpriority(os.PRIO_PROCESS, process.pid, LOWEST)
    return process


def main(path: Path, env: Mapping[str, str], out: TextIO) -> None:
    """The child's work. Of a bug it tells the place and the kind, never the words, which may hold a value."""
    source = Source(path, env)
    try:
        flows = load(path, env)
    except FlowError as faults:
        _write(out, _told(problem for problem in faults.problems if problem.severity == "error"), "")
        return
    except Exception as bug:  # noqa: BLE001  the outermost shell of a process
        _write(out, [source.problem(f"a bug of ours: {type(bug).__name__} {_where(bug)}")], "")
        return
    for flow in flows.flows:
        out.write(f"F{json.dumps(compile_flows(Flows((flow,))))}\n")
    _write(out, _told(flows.warnings), fingerprint(flows))


def _write(out: TextIO, problems: list[Problem], digest: str) -> None:
    for problem in problems:
        out.write(f"P{json.dumps(_printable(asdict(replace(problem, source=''))))}\n")
    out.write(f"H{json.dumps(digest)}\n")


def _told(problems: Iterable[Problem]) -> list[Problem]:
    found = list(problems)
    if len(found) <= MAX_TOLD:
        return found
    rest = Problem(found[MAX_TOLD].place, "", f"and {len(found) - MAX_TOLD} more", "run: gateway validate")
    return [*found[:MAX_TOLD], replace(rest, severity=found[MAX_TOLD].severity)]


def _printable(value: Any) -> Any:
    """Names of files may hold bytes that are no UTF-8: they stand as `\\xff`."""
    if isinstance(value, dict):
        return {key: _printable(inner) for key, inner in value.items()}
    return (
        value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        if isinstance(value, str)
        else value
    )


def _where(bug: BaseException) -> str:
    frames = traceback.extract_tb(bug.__traceback__)
    return f"in {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


def problem_of(plain: Mapping[str, Any]) -> Problem:
    """A problem as the child wrote it."""
    return Problem(**{**plain, "place": Place(**plain["place"])})


if __name__ == "__main__":
    signal.alarm(ORPHAN_S)
    main(Path(sys.argv[1]), flow_environment(), sys.stdout)
