"""`gateway rehearse-failure`: the quick scenarios, whole, with both balancers, and what stays behind (nothing)."""

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
from gateway.rehearsal.failure.run import balancer
from gateway.rehearsal.failure.scenarios import QUICK, SCENARIOS
from gateway.settings import child_environment
from tests.rehearsal.failure.balancers import BALANCERS

COMMAND = (sys.executable, "-m", "gateway", "rehearse-failure")
PATIENCE_S = 90.0
NAMES = {"own": "one of our own", "haproxy": "HAProxy "}


@pytest.fixture(scope="module", params=BALANCERS)
def quick(request: pytest.FixtureRequest) -> dict[str, dict[str, Any]]:
    """The quick scenarios as JSON, by name. Their exit code is 1 as long as one falls below what is expected."""
    command = [*COMMAND, "--quick", "--json", "--balancer", request.param]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode in (0, 1), done.stderr
    whole = json.loads(done.stdout)
    assert whole["balancer"].startswith(NAMES[request.param])
    told = {one["scenario"]: one for one in whole["scenarios"]}
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
@pytest.mark.parametrize("balancer", BALANCERS)
def test_nothing_stays_behind_when_it_is_interrupted(tmp_path: Path, balancer: str) -> None:
    command = [*COMMAND, "--scenario", "none", "--logs", str(tmp_path / "logs"), "--balancer", balancer]
    folders = tmp_path / "tmp"
    folders.mkdir()
    with subprocess.Popen(command, env=child_environment(TMPDIR=str(folders))) as process:
        try:
            until(lambda: _listening(tmp_path / "logs") == 2)
            children = _descendants(process.pid)
            assert len(children) >= 4 + (balancer == "haproxy")  # two gateways, the store, the stand-in
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE_S) == 130
        finally:
            process.kill()  # where it is still there: else another test is told of it
    until(lambda: not any(map(_is_alive, children)))
    assert list(folders.iterdir()) == []


def test_the_scenarios_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rehearse-failure", "--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [one.name for one in SCENARIOS]


def test_a_scenario_that_nobody_knows(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rehearse-failure", "--scenario", "sunspots"]) == 2
    assert "no scenario 'sunspots'" in capsys.readouterr().err


def test_haproxy_is_asked_for_and_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["rehearse-failure", "--balancer", "haproxy"]) == 1
    assert capsys.readouterr().err.startswith("gateway rehearse-failure: no haproxy on the PATH (Debian: ")


def test_which_balancer_stands_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (balancer("auto"), balancer("own")) == (("own", "one of our own"),) * 2
    program = tmp_path / "haproxy"
    program.write_text("#!/bin/sh\necho 'HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/'\n")
    program.chmod(0o755)
    assert (balancer("auto"), balancer("haproxy")) == (("haproxy", "HAProxy 2.6.12"),) * 2
    assert balancer("own") == ("own", "one of our own")


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
