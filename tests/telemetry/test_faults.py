"""What operators see of an exception: the way it came, in the form that Error Reporting reads; its words apart."""

from __future__ import annotations

import traceback
from collections.abc import Callable

import pytest

from gateway.telemetry.faults import FAULTS, FRAMES, WORDS, stack, words

SECRET = "+14155550199"


def caught(raises: Callable[[], object]) -> Exception:
    with pytest.raises(Exception) as found:  # noqa: PT011  of any kind
        raises()
    return found.value


def plain() -> None:
    raise KeyError(SECRET)


def caused() -> None:
    try:
        plain()
    except KeyError as error:
        raise ValueError(f"no caller {SECRET}") from error


def in_passing() -> None:
    try:
        plain()
    except KeyError:
        raise ValueError(SECRET)  # noqa: B904  that is the case


def hidden() -> None:
    try:
        plain()
    except KeyError:
        raise ValueError(SECRET) from None


def together() -> None:
    raise ExceptionGroup(SECRET, [caught(plain), ExceptionGroup("inner", [caught(hidden)])])


@pytest.mark.parametrize(
    ("raises", "kinds"),
    [
        (plain, ["KeyError"]),
        (caused, ["KeyError", "ValueError"]),
        (in_passing, ["KeyError", "ValueError"]),
        (hidden, ["ValueError"]),
        (together, ["KeyError", "ValueError", "ExceptionGroup", "ExceptionGroup"]),
    ],
)
def test_the_stack_holds_no_words_and_the_words_no_stack(raises: Callable[[], None], kinds: list[str]) -> None:
    error = caught(raises)
    assert SECRET not in stack(error)
    blocks = stack(error).split("\n\n")
    assert all(block.startswith("Traceback (most recent call last):\n") for block in blocks)
    assert blocks[0].splitlines()[1].startswith("  File ")
    assert [block.splitlines()[-1] for block in blocks] == kinds
    assert [line.partition(":")[0] for line in words(error).splitlines()] == kinds
    assert SECRET in words(error)


def test_of_an_exception_without_words_it_is_what_python_writes() -> None:
    def silent() -> None:
        raise LookupError

    error = caught(silent)
    assert stack(error) == "".join(traceback.format_exception(error)).rstrip()


def test_a_kind_of_ours_is_named_with_its_module() -> None:
    class Odd(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no")

    error = Odd()
    assert stack(error).endswith(".Odd")
    assert words(error).endswith("Odd: (can't be written)")


def test_what_has_no_end_is_cut() -> None:
    def deep(left: int) -> None:
        if left == 0:
            raise RuntimeError("x" * 10 * WORDS)
        deep(left - 1)

    error = caught(lambda: deep(500))
    assert stack(error).count("\n") <= 3 * FRAMES
    assert len(words(error)) < WORDS + 100
    many = ExceptionGroup("many", [KeyError(nth) for nth in range(1000)])
    assert len(words(many).splitlines()) == FAULTS


def test_what_causes_itself_is_told_once() -> None:
    first, second = KeyError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first
    assert len(words(first).splitlines()) == 2
