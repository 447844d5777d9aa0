"""Which ports the rehearsal's parts listen at."""

from __future__ import annotations

import random
import socket
from collections.abc import Sequence

import pytest

from gateway.rehearsal.failure import ports
from gateway.rehearsal.failure.ports import OURS, free_port


def test_nobody_is_given_one_by_the_kernel() -> None:
    """Who asks for any port, or dials out, gets one from 32768 on (Linux' own setting)."""
    assert OURS.stop <= 32_768
    assert all(free_port() in OURS for _ in range(50))


def test_one_that_is_taken_is_left_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", free_port())) as other:
        taken, free = other.getsockname()[1], free_port()

        def drawn(_from: Sequence[int], _count: int) -> list[int]:
            return [taken, free]

        monkeypatch.setattr(random, "sample", drawn)
        assert free_port() == free


def test_where_none_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", free_port())) as other:
        monkeypatch.setattr(ports, "OURS", range(other.getsockname()[1], other.getsockname()[1] + 1))
        monkeypatch.setattr(ports, "TRIES", 1)
        with pytest.raises(OSError, match="none is free"):
            free_port()
