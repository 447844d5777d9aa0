"""`gateway rehearse-failure`: the quick scenarios, whole, and what stays behind (nothing)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.rehearsal.failure.scenarios import QUICK, SCENARIOS
from gateway.settings import child_environment

COMMAND = (sys.executable, "-m", "gateway", "rehearse-failure")
PATIENCE_S = 90.0


@pytest.fixture(scope="module")
def quick() -> dict[str, dict[str, Any]]:
    """The quick scenarios as JSON, by name. Their exit code is 1 as long as one falls below what is expected."""
    done = subprocess.run([*COMMAND, "--quick", "--json"], capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode in (0, 1), done.stderr
    told = {one["scenario"]: one for one in json.loads(done.stdout)["scenarios"]}
    assert done.returncode == any(one["below"] for one in told.values())
    return told


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
def test_no_call_is_lost(quick: dict[str, dict[str, Any]], name: str) -> None:
    told = quick[name]
    assert (told["kept"], told["calls"], told["served_twice"], told["keys"]["endless"]) == (4, 4, 0, [])
    assert told["moved"] >= 1
    assert told["gap_ms"]["max"] < 5_000
    assert all(left["after_s"] < 10 and left["code"] == 0 for left in told["exits"])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sigterm", "sigkill-continue"])
def test_the_session_moves_with_the_call(quick: dict[str, dict[str, Any]], name: str) -> None:
    assert (quick[name]["same_session"], quick[name]["greeted_again"]) == (quick[name]["moved"], 0)


@pytest.mark.slow
def test_nothing_is_said_twice_where_the_connections_to_the_model_break() -> None:
    """Of four calls at least one is in mid-answer then: without what it lacks, its session says the answer again."""
    command = [*COMMAND, "--scenario", "live-cut", "--calls", "4", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    (told,) = json.loads(done.stdout)["scenarios"]
    assert (told["moved"], told["same_session"]) == (4, 4)
    assert told["agent_words"]["doubled"] <= 1  # a word on the edge


@pytest.mark.slow
def test_nothing_stays_behind_when_it_is_interrupted(tmp_path: Path) -> None:
    process = subprocess.Popen([*COMMAND, "--scenario", "none", "--logs", str(tmp_path)], env=child_environment())
    until(lambda: _listening(tmp_path) == 2)
    children = _descendants(process.pid)
    assert len(children) >= 4  # two gateways, the store, the stand-in
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE_S) == 130
    until(lambda: not any(map(_is_alive, children)))


def test_the_scenarios_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rehearse-failure", "--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [one.name for one in SCENARIOS]


def test_a_scenario_that_nobody_knows(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rehearse-failure", "--scenario", "sunspots"]) == 2
    assert "no scenario 'sunspots'" in capsys.readouterr().err


def until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _listening(logs: Path) -> int:
    return sum('"listening"' in log.read_text() for log in logs.glob("run-*/gateway-*.log"))


def _descendants(pid: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout.split()
    return [*map(int, found), *(below for child in found for below in _descendants(int(child)))]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
