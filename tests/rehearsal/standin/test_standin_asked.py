"""A tool's result in words."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gateway.live.messages import FunctionResult
from gateway.rehearsal.standin.asked import result_text


@pytest.mark.parametrize(
    ("response", "words"),
    [
        ({"output": "at nine", "result": "no"}, "at nine"),
        ({"result": "at ten"}, "at ten"),
        ({"output": 9, "result": "at ten"}, "at ten"),
        ({"output": 9}, '{"output": 9}'),
        ({"error": "zu spät"}, '{"error": "zu spät"}'),
        ({}, "{}"),
    ],
)
def test_result_text(response: Mapping[str, object], words: str) -> None:
    assert result_text(FunctionResult("1", "book", response)) == words
