"""How a call goes on after its stream."""

from __future__ import annotations

import typing

import orjson
import pytest

from gateway.call.facts import EndReason
from gateway.server.afterwards import NEXT, Carried, Ending, Served, Step, step
from gateway.store import Kept

AVA = Served("clinic", "desk", "ava")
FIRST = Carried(AVA, 1, 1_800_000_000_000)


def test_every_ending_has_its_next_step() -> None:
    assert set(NEXT) == {*typing.get_args(EndReason), "refused"}


@pytest.mark.parametrize(("ending", "wanted"), NEXT.items())
def test_the_ending_decides(ending: Ending, wanted: typing.Any) -> None:
    assert step(FIRST.ended(ending).kept(), 1) == Step(wanted, 2, AVA)


def test_a_call_whose_broken_stream_was_not_noticed_goes_on() -> None:
    assert step(FIRST.kept(), 1) == Step("stream", 2, AVA)


def test_a_line_that_keeps_breaking_is_given_to_the_fallback() -> None:
    kept = FIRST.ended("phone-gone").kept()
    found = [step(kept, attempt) for attempt in (1, 2, 3, 9)]
    assert [after.next for after in found if after] == ["stream", "stream", "fallback", "fallback"]


def test_what_it_says_as_json() -> None:
    assert Step("hangup", 2, AVA).plain() == {"next": "hangup"}
    served = {"flow": "clinic", "line": "desk", "persona": "ava"}
    assert Step("stream", 2, AVA).plain() == {"next": "stream", "attempt": 2, **served}


def test_of_a_call_that_nobody_knows_nothing_follows() -> None:
    assert step(None, 1) is None


@pytest.mark.parametrize(
    "state",
    [
        *(b"", b"\xff", b"[]", b"null", b"7", b"{}"),
        b'{"flow":"f","line":"l","persona":"p"}',
        b'{"flow":"f","line":"l","persona":"p","ending":"of-another-release"}',
        b'{"flow":"f","line":"l","persona":"p","ending":[]}',
    ],
)
def test_what_cannot_be_read_is_not_known(state: bytes) -> None:
    assert step(Kept(1, state), 1) is None


def test_what_a_later_release_adds_does_not_disturb() -> None:
    said = {**orjson.loads(FIRST.kept().state), "handle": "h"}
    assert step(Kept(1, orjson.dumps(said)), 1) == Step("stream", 2, AVA)


def test_the_later_stream_counts_and_of_one_stream_its_ending() -> None:
    other = Carried(AVA, 1, FIRST.at_ms + 1)  # a webhook delivered twice
    second = Carried(AVA, 2, FIRST.at_ms - 5_000)  # an instance whose clock is late
    in_order = [FIRST, FIRST.ended("idle"), other, other.ended("phone-gone"), second, second.ended("idle")]
    versions = [carried.kept().version for carried in in_order]
    assert versions == sorted(set(versions))
    assert Carried(AVA, 3, 4_000_000_000_000, "idle").kept().version < 2**53  # what Lua's numbers hold, beyond 2090
