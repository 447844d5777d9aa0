"""An exception for operators: where it came from and what kind it is. Its words stand apart: they may be a caller's."""

from __future__ import annotations

import traceback
from collections.abc import Iterator

FRAMES = 40  # of each stack, the innermost
FAULTS = 10  # of one exception: what it was caused by, and what a group holds
WORDS = 2_000  # characters of an exception's own words


def stack(error: BaseException) -> str:
    """Tracebacks as `traceback.format_exc` writes them (Error Reporting's condition), without the words."""
    return "\n\n".join(_traceback(one) for one in _all(error))


def words(error: BaseException) -> str:
    """What the exceptions say themselves, a line each. Private."""
    return "\n".join(f"{_kind(one)}: {_said(one)}" for one in _all(error))


def _traceback(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__, limit=-FRAMES).format()
    return "Traceback (most recent call last):\n" + "".join(frames) + _kind(error)


def _kind(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _said(error: BaseException) -> str:
    try:
        return str(error)[:WORDS]
    except Exception:  # noqa: BLE001  a log line may not fail for an exception that can't be written
        return "(can't be written)"


def _all(error: BaseException) -> list[BaseException]:
    """The exception and what it stands for, what came first first."""
    seen: dict[int, BaseException] = {}
    for one in _walk(error, seen):
        seen[id(one)] = one
        if len(seen) == FAULTS:
            break
    return list(seen.values())


def _walk(error: BaseException, seen: dict[int, BaseException], depth: int = 0) -> Iterator[BaseException]:
    if id(error) in seen or depth == FAULTS:
        return
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        yield from _walk(before, seen, depth + 1)
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield from _walk(member, seen, depth + 1)
    yield error
