"""How a call goes on after its stream."""

from __future__ import annotations

import typing
from dataclasses import replace

import orjson
import pytest

from gateway.call.facts import EndReason
from gateway.server.afterwards import (
    FENCES,
    MAX_STREAMS,
    NEXT,
    PLANNED,
    Carried,
    Ending,
    Served,
    Step,
    Tries,
    read,
    step,
)
from gateway.store import Kept
from tests.call.test_carry import CARRY

AVA = Served("clinic", "desk", "ava")
BEGAN = 1_800_000_000_000
STREAM = Carried(AVA, BEGAN, BEGAN, carry=CARRY, attempt=MAX_STREAMS)
CHANGED: list[dict[str, object]] = [
    {"ending": "of-another-release"},
    {"ending": []},
    {"began": None},
    {"call": {}},
    {"call": {**CARRY.plain(), "of-another-release": 1}},
    {"call": {**CARRY.plain(), "caller": 7}},
]
FENCE = MAX_STREAMS * FENCES + 3
SOON, LATER = BEGAN + 3_000, BEGAN + 60_000


def test_every_ending_has_its_next_step() -> None:
    assert set(NEXT) == {*typing.get_args(EndReason), "refused"}


@pytest.mark.parametrize(("ending", "wanted"), NEXT.items())
def test_the_ending_decides(ending: Ending, wanted: typing.Any) -> None:
    after = step(STREAM.ended(ending, SOON), Tries(1), SOON)
    failed = 0 if ending in PLANNED else 1
    assert after == (Step("stream", Tries(2, failed), AVA) if wanted == "stream" else Step(wanted))


def test_a_call_whose_broken_stream_was_not_noticed_goes_on() -> None:
    assert step(STREAM, Tries(1), SOON) == Step("stream", Tries(2, 1), AVA)


def test_a_line_that_keeps_breaking_is_given_to_the_fallback() -> None:
    broken = STREAM.ended("phone-gone", SOON)
    found = [step(broken, Tries(1 + failed, failed), SOON).next for failed in (0, 1, 2)]
    assert found == ["stream", "stream", "fallback"]


def test_a_stream_that_lasted_is_no_sign_of_a_broken_line() -> None:
    assert step(STREAM.ended("phone-gone", LATER), Tries(7, 2), LATER) == Step("stream", Tries(8, 1), AVA)


def test_a_planned_end_is_no_failure() -> None:
    for ending in PLANNED:
        assert step(STREAM.ended(ending, SOON), Tries(3, 2), SOON) == Step("stream", Tries(4, 2), AVA)


@pytest.mark.parametrize("ending", [None, "draining", "stream-limit", "phone-gone"])
def test_streams_that_come_to_no_instance_are_failures_whatever_the_last_that_did_says(ending: Ending | None) -> None:
    """Their handshake was refused, or nobody was there: that the stream before them was left as planned, or lasted,
    says nothing of them."""
    first = replace(STREAM, ending=ending, attempt=1)
    tries = step(first, Tries(1), LATER).tries
    found = []
    while tries is not None:
        found.append(tries)
        tries = step(first, tries, LATER + 60_000 * len(found)).tries
    failed = 0 if ending in PLANNED else 1
    assert found == [Tries(2 + more, failed + more) for more in range(3 - failed)]


def test_nothing_goes_round_for_ever() -> None:
    for carried in (None, STREAM, STREAM.ended("draining", LATER), STREAM.ended("phone-gone", LATER)):
        assert step(carried, Tries(MAX_STREAMS), LATER) == Step("fallback")


def test_a_call_that_nobody_knows_is_tried_again() -> None:
    found = [step(None, Tries(1 + failed, failed), SOON) for failed in (0, 1, 2)]
    assert found == [Step("stream", Tries(2, 1)), Step("stream", Tries(3, 2)), Step("fallback")]


def test_what_it_says_as_json() -> None:
    assert Step("hangup").plain() == {"next": "hangup"}
    served = {"flow": "clinic", "line": "desk", "persona": "ava"}
    assert Step("stream", Tries(2, 1), AVA).plain() == {"next": "stream", "attempt": 2, "failed": 1, **served}
    assert Step("stream", Tries(2)).plain() == {"next": "stream", "attempt": 2, "failed": 0}


@pytest.mark.parametrize("carried", [STREAM, STREAM.ended("draining", SOON), replace(STREAM, carry=None)])
def test_what_was_written_is_read(carried: Carried) -> None:
    assert read(Kept(FENCE, 1, carried.state())) == carried


@pytest.mark.parametrize("ending", [ending for ending, after in NEXT.items() if after != "stream"])
def test_of_a_call_that_is_over_nothing_is_kept(ending: Ending) -> None:
    state = STREAM.ended(ending, SOON).state()
    assert CARRY.handle.encode() not in state
    assert b'"call":null' in state


@pytest.mark.parametrize(
    "state",
    [
        *(b"", b"\xff", b"[]", b"null", b"7", b"{}"),
        b'{"flow":"f","line":"l","persona":"p"}',
        *(orjson.dumps({**orjson.loads(STREAM.state()), **changed}) for changed in CHANGED),
    ],
)
def test_what_cannot_be_read_is_not_known(state: bytes) -> None:
    assert read(Kept(1, 1, state)) is None


def test_nothing_known_is_nothing_read() -> None:
    assert read(None) is None


def test_what_a_later_release_adds_does_not_disturb() -> None:
    said = {**orjson.loads(STREAM.state()), "more": "h"}
    assert read(Kept(FENCE, 1, orjson.dumps(said))) == STREAM
