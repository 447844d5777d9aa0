"""HAProxy as a child: what it says when it can't begin, and when it has ended. What it does as a balancer stands in
test_balancer.py."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.rehearsal.failure.balancer import BalancerFailed, Rules
from gateway.rehearsal.failure.haproxy import Haproxy, NoHaproxy
from tests.rehearsal.failure.balancers import needs_haproxy

PATIENCE_S = 30.0


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where its own folder is made; `tmp_path` may be too long for the path of a socket."""
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


def nothing(_: int) -> None:
    pass


@needs_haproxy
def test_its_address_is_taken(tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And so is any other that it tries."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        haproxy = Haproxy(tmp_path, Rules(), nothing)
        haproxy.port = other.getsockname()[1]
        monkeypatch.setattr("gateway.rehearsal.failure.haproxy.free_port", lambda: other.getsockname()[1])
        with pytest.raises(BalancerFailed, match=r"HAProxy has ended\n(.|\n)*[Aa]ddress already in use"):
            asyncio.run(haproxy.start())
    assert list(temporary.iterdir()) == []


@needs_haproxy
def test_where_temporary_files_have_a_long_path(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket's path has less than a hundred characters."""
    long = temporary / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))

    async def scenario() -> None:
        haproxy = Haproxy(long, Rules(), nothing)
        await haproxy.start()
        await haproxy.stop()

    asyncio.run(scenario())
    assert [path.name for path in long.iterdir()] == ["haproxy.log"]


@needs_haproxy
def test_it_ends_unasked(tmp_path: Path, temporary: Path) -> None:
    async def run() -> None:
        haproxy = Haproxy(tmp_path, Rules(), nothing)
        await haproxy.start()
        try:
            os.kill(haproxy.pid, signal.SIGKILL)
            async with asyncio.timeout(PATIENCE_S):
                await haproxy.watch()
        finally:
            await haproxy.stop()

    with pytest.raises(BalancerFailed, match="HAProxy has ended"):
        asyncio.run(run())
    assert list(temporary.iterdir()) == []


@needs_haproxy
def test_a_restart_leaves_one_process(tmp_path: Path, temporary: Path) -> None:
    async def run() -> None:
        haproxy = Haproxy(tmp_path, Rules(), nothing)
        await haproxy.start()
        try:
            old = haproxy.pid
            await haproxy.restart()
            assert haproxy.pid != old
            with pytest.raises(ProcessLookupError):
                os.kill(old, 0)
            os.kill(haproxy.pid, 0)
        finally:
            await haproxy.stop()

    asyncio.run(run())


def test_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, temporary: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoHaproxy, match="apt-get install haproxy"):
        asyncio.run(Haproxy(tmp_path, Rules(), nothing).start())
    assert list(temporary.iterdir()) == []


@needs_haproxy
def test_a_port_that_was_taken_meanwhile_is_left_for_another(tmp_path: Path) -> None:
    async def scenario() -> None:
        haproxy = Haproxy(tmp_path, Rules(), nothing)
        with socket.create_server(("127.0.0.1", haproxy.port)):
            taken = haproxy.port
            await haproxy.start()
        try:
            assert haproxy.port != taken
        finally:
            await haproxy.stop()

    asyncio.run(scenario())
