"""What goes over to the stream that goes on with a call, as plain data."""

from __future__ import annotations

import orjson
import pytest

from gateway.call.carry import Carry, Errand, Left, Unheard, read
from gateway.call.transcript import Line

CARRY = Carry(
    state="SPEAKING",
    handle="a-handle",
    handle_s=2.0,
    prompts=1,
    left=Left("max-duration", 100.0, 40.0),
    ledger={"ms": 5_000, "said": ["caller: Hello."], "tally": {}, "bill": {}},
    agent=Unheard("Good day. How are you?", "How are you?", b"\x00\xff" * 80, complete=True, known=3),
    caller=b"\xff" * 160,
    errands=(
        Errand("1", "find", "ab", 3.0, None, {"status": "ok"}, False),
        Errand("2", "x", "cd", 9.0, 1.0, None, True),
    ),
    closing=False,
    whole=True,
    spoken="wait",
    missed=(Line("caller", "Hello."), Line("agent", "Good day.")),
)


def test_it_goes_through_json_and_comes_back() -> None:
    assert read(orjson.loads(orjson.dumps(CARRY.plain()))) == CARRY


def test_without_anything_under_way() -> None:
    carry = Carry("LISTENING", "", 0.0, 0, Left("max-cost", 9.0, None), {})
    assert read(orjson.loads(orjson.dumps(carry.plain()))) == carry


def test_time_passes() -> None:
    later = CARRY.aged(10)
    assert (later.handle_s, later.left) == (12.0, Left("max-duration", 90.0, 30.0))
    assert [(one.asked_s, one.answered_s) for one in later.errands] == [(13.0, None), (19.0, 11.0)]
    assert CARRY.aged(0) == CARRY
    assert Carry("LISTENING", "", 0.0, 0, Left("max-cost", 9.0, None), {}).aged(5).left == Left("max-cost", 4.0, None)


@pytest.mark.parametrize("missing", [*CARRY.plain()][:8])
def test_what_lacks_something_is_refused(missing: str) -> None:
    said = CARRY.plain()
    del said[missing]
    with pytest.raises((KeyError, TypeError)):
        read(said)


def test_the_release_before_told_of_nothing_missed() -> None:
    said = CARRY.plain()
    del said["missed"], said["agent"]["known"]
    assert read(said).missed == ()


@pytest.mark.parametrize(
    "line", [{"speaker": "caller"}, {"speaker": "nobody", "text": "x"}, {"speaker": "agent", "text": 1}, {}, "agent"]
)
def test_a_line_that_is_none_is_refused(line: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        read({**CARRY.plain(), "missed": [line]})
