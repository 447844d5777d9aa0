"""How a call goes on after its stream."""

from __future__ import annotations

import typing

import pytest

from gateway.call.facts import EndReason
from gateway.server import afterwards
from gateway.server.afterwards import KEPT_S, NEXT, Afterwards, Ending, Served, Step

AVA = Served("clinic", "desk", "ava")


def ended(ending: Ending) -> Afterwards:
    calls = Afterwards()
    calls.began("CA1", AVA, 0)
    calls.ended("CA1", ending, 1)
    return calls


def test_every_ending_has_its_next_step() -> None:
    assert set(NEXT) == {*typing.get_args(EndReason), "refused"}


@pytest.mark.parametrize(("ending", "wanted"), NEXT.items())
def test_the_ending_decides(ending: Ending, wanted: str) -> None:
    assert ended(ending).step("CA1", 1, 2) == Step(wanted, 2, AVA)  # type: ignore[arg-type]


def test_a_call_whose_broken_stream_was_not_noticed_goes_on() -> None:
    calls = Afterwards()
    calls.began("CA1", AVA, 0)
    assert calls.step("CA1", 1, 1) == Step("stream", 2, AVA)


def test_a_line_that_keeps_breaking_is_given_to_the_fallback() -> None:
    calls = ended("phone-gone")
    assert [calls.step("CA1", attempt, 2).next for attempt in (1, 2, 3, 9)] == [  # type: ignore[union-attr]
        "stream",
        "stream",
        "fallback",
        "fallback",
    ]


def test_what_it_says_as_json() -> None:
    assert Step("hangup", 2, AVA).plain() == {"next": "hangup"}
    assert Step("stream", 2, AVA).plain() == {
        "next": "stream",
        "attempt": 2,
        "flow": "clinic",
        "line": "desk",
        "persona": "ava",
    }


def test_unknown_and_old_calls_are_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(afterwards, "CAPACITY", 2)
    calls = ended("idle")
    assert calls.step("CA2", 1, 2) is None
    assert calls.step("CA1", 1, KEPT_S + 2) is None
    for sid in ("CA1", "CA2", "CA3"):
        calls.began(sid, AVA, 3)
    assert calls.step("CA1", 1, 4) is None
    calls.ended("CA9", "idle", 5)
    assert calls.step("CA9", 1, 5) is None
