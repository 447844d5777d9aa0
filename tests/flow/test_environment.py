from __future__ import annotations

import pytest

from gateway.flow.environment import fill
from gateway.flow.model import Finding
from gateway.flow.source import Data

ENV = {"NUMBER": "+14155550100", "EMPTY": "", "TWICE": "${NUMBER}", "SAMPLE": "REPLACEME"}


@pytest.mark.parametrize(
    ("written", "filled"),
    [
        ("${NUMBER}", "+14155550100"),
        ("call ${NUMBER} or ${OTHER:-nobody}.", "call +14155550100 or nobody."),
        ("${NUMBER:-+1}", "+14155550100"),
        ("${EMPTY:-+1}", "+1"),
        ("${MISSING:-}", ""),
        ("${MISSING:-a:-b}", "a:-b"),
        ("$NUMBER $5 {NUMBER} {{call.from}}", "$NUMBER $5 {NUMBER} {{call.from}}"),
    ],
)
def test_fills(written: str, filled: str) -> None:
    assert fill({"a": [written]}, ENV) == ({"a": [filled]}, [])


@pytest.mark.parametrize(
    ("written", "message", "piece"),
    [
        ("${MISSING}", "the environment variable MISSING is not set", "${MISSING}"),
        ("a ${EMPTY}", "the environment variable EMPTY is empty", "${EMPTY}"),
        ("${TWICE}", "the environment variable TWICE holds '${' itself", "${TWICE}"),
        ("${A:-${B}}", "not the name of an environment variable", "${A:-${B}"),
        ("${}", "not the name of an environment variable", "${}"),
        ("${1A}", "not the name of an environment variable", "${1A}"),
        ("a\n${A\nb", "'${' is never closed", "${A"),
        ("${secret:TOKEN}", "a secret can't stand here", "${secret:TOKEN}"),
        ("REPLACEME", "REPLACEME was left from a sample", "REPLACEME"),
        ("${SAMPLE}", "REPLACEME was left from a sample", "REPLACEME"),
    ],
)
def test_refuses(written: str, message: str, piece: str) -> None:
    _, findings = fill({"a": {"b": written}}, ENV)
    assert [(f.path, f.message, f.piece) for f in findings] == [(("a", "b"), message, piece)]


def test_each_missing_one_is_named() -> None:
    _, findings = fill("${A} ${B}", {})
    assert [f.piece for f in findings] == ["${A}", "${B}"]


def test_leaves_keys_and_what_is_no_text_alone() -> None:
    data: Data = {"${NUMBER}": [1, 0.5, True, None]}
    assert fill(data, ENV) == (data, [])


def test_a_finding_never_holds_a_value() -> None:
    _, findings = fill("${TWICE} ${secret:NUMBER}", {**ENV, "TWICE": "${hush"})
    assert not [f for f in findings if "hush" in f.message + f.hint or "4155550100" in f.message + f.hint]
    assert all(isinstance(f, Finding) for f in findings)
