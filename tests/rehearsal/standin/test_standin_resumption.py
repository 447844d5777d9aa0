"""Handles: what they restore, and when they are refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.live.messages import LiveProtocolError
from gateway.rehearsal.standin import resumption
from gateway.rehearsal.standin.resumption import VALID_S, Resumption, Saved

MODEL = "gemini-3.8-live"


def refused(house: Resumption, handle: str, model: str = MODEL, now: float = 0.0) -> int:
    with pytest.raises(LiveProtocolError) as caught:
        house.begin(handle, model, now)
    return caught.value.close_code


def test_every_new_session_has_its_own_name() -> None:
    house = Resumption()
    assert [house.begin("", MODEL, 0.0) for _ in range(2)] == [Saved("session-1", MODEL), Saved("session-2", MODEL)]


def test_a_handle_restores_the_state_that_it_was_issued_for() -> None:
    house = Resumption()
    saved = house.begin("", MODEL, 0.0)
    early, late = house.issue(saved, 0.0), house.issue(replace(saved, turns=3), 1.0)
    for handle, turns in ((early, 0), (late, 3), (early, 0)):
        house.end(saved.session)
        assert house.begin(handle, MODEL, 2.0) == Saved("session-1", MODEL, turns)


def test_while_a_session_is_open_it_is_not_resumed() -> None:
    house = Resumption()
    handle = house.issue(house.begin("", MODEL, 0.0), 0.0)
    assert refused(house, handle) == 1011
    house.end("session-1")
    house.end("session-1")
    assert house.begin(handle, MODEL, 0.0).session == "session-1"


def test_handles_that_are_refused() -> None:
    house = Resumption()
    handle = house.issue(house.begin("", MODEL, 0.0), 10.0)
    house.end("session-1")
    assert refused(house, "session-1.99") == 1007
    assert refused(house, handle, "gemini-3.1-flash-live-preview") == 1007
    assert refused(house, handle, now=10.1 + VALID_S) == 1007
    assert house.begin(handle, MODEL, 10.0 + VALID_S).session == "session-1"


def test_the_oldest_handles_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resumption, "MAX_HANDLES", 2)
    house = Resumption()
    saved = house.begin("", MODEL, 0.0)
    first, second, _third = (house.issue(saved, 0.0) for _ in range(3))
    house.end(saved.session)
    assert refused(house, first) == 1007
    assert house.begin(second, MODEL, 0.0) == saved
