"""What the model is answered: one shape, plain JSON, small."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.call import answers


@pytest.mark.parametrize(
    ("result", "answer"),
    [
        ({"status": "ok", "date": 1}, {"status": "ok", "date": 1, "retryable": False}),
        ({"status": "error", "error": "no"}, {"status": "error", "error": "no", "retryable": False}),
        ({"status": "error", "retryable": True}, {"status": "error", "retryable": True}),
        ({"status": "error", "retryable": "yes"}, {"status": "error", "retryable": False}),
        ({}, {"status": "ok", "result": {}, "retryable": False}),
        # a peer's own words for status don't become ours
        ({"status": "booked"}, {"status": "ok", "result": {"status": "booked"}, "retryable": False}),
        (
            {"status": ["ok"], "retryable": True},
            {"status": "ok", "result": {"status": ["ok"], "retryable": True}, "retryable": False},
        ),
    ],
)
def test_the_shape(result: dict[str, Any], answer: dict[str, Any]) -> None:
    assert answers.answer(result) == answer


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (None, None),
        (True, True),
        (1.5, 1.5),
        (float("nan"), None),
        (float("-inf"), None),
        (2**53, 2**53),
        (2**53 + 1, "9007199254740993"),
        ((1, [2]), [1, [2]]),
        ({1: "a", None: "b"}, {"1": "a", "None": "b"}),
        ("a\ud800b", "a?b"),
        ("Grüße", "Grüße"),
    ],
)
def test_values_become_plain(value: object, plain: object) -> None:
    assert answers.answer({"status": "ok", "value": value}) == {"status": "ok", "value": plain, "retryable": False}


@pytest.mark.parametrize("value", [2**300, {1, 2}, b"raw", object()], ids=["number", "set", "bytes", "object"])
def test_what_is_no_json_is_named_and_said_to_be_cut(value: object) -> None:
    answer = answers.answer({"status": "ok", "value": value})
    assert answer == {"status": "ok", "value": f"({type(value).__name__})", "cut": True, "retryable": False}


def looped() -> dict[str, Any]:
    loop: dict[str, Any] = {}
    loop["again"] = [loop, loop]
    return loop


HUGE: list[dict[str, Any]] = [
    {"status": "ok", "text": "x" * 10_000_000},
    {"status": "error", "text": '\\"\n' * 5_000},
    {"status": "ok", "rows": [{"name": "Robin", "n": n} for n in range(100_000)]},
    {"status": "ok", "names": {f"key {n}": n for n in range(50_000)}},
    {"status": "ok", "k" * 100_000: 1},
    {"status": "ok", "text": "\x00" * 8_000},
    {"status": "ok", "text": "\U0001f600" * 3_000},
    {"whatever": [["x" * 1000] * 50] * 50},
    looped(),
]


@pytest.mark.parametrize("result", HUGE, ids=range(len(HUGE)))
def test_long_ones_are_cut_and_say_so(result: dict[str, Any]) -> None:
    answer = answers.answer(result)
    assert len(orjson.dumps(answer)) <= 8192
    assert len(orjson.dumps(answers.duplicate(answer))) <= 8192
    assert (answer["status"], answer["cut"], answer["retryable"]) == (result.get("status", "ok"), True, False)


def test_calls_are_written_alike_whatever_the_order_of_their_arguments() -> None:
    assert answers.written("a", {"x": 1, "y": {"p": 1, "q": 2}}) == answers.written(
        "a", {"y": {"q": 2, "p": 1}, "x": 1}
    )
    assert answers.written("a", {"x": 1}) != answers.written("b", {"x": 1})


def test_a_box_without_tools_says_so() -> None:
    assert answers.unknown("x" * 1000, ())["error"] == f"there is no tool '{'x' * 64}'; there are: none"
