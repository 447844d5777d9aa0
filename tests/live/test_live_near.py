"""The nearest known name."""

from __future__ import annotations

import pytest

from gateway.live.near import MAX_NAME, near


@pytest.mark.parametrize(
    ("name", "likeness", "found"),
    [("kore", 0.6, "Kore"), ("Kor", 0.6, "Kore"), ("Kor", 0.99, ""), ("alloy", 0.6, ""), ("", 0.6, "")],
)
def test_near(name: str, likeness: float, found: str) -> None:
    assert near(name, ("Puck", "Kore"), likeness) == found


def test_a_long_word_is_like_none() -> None:
    known = "a" * (MAX_NAME + 1)
    assert near(known, (known,)) == ""
    assert near(known[1:], (known[1:],)) == known[1:]
