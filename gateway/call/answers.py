"""What the model is answered when it calls a tool: always the same shape, plain JSON, and small.

    {"status": "ok" | "error" | "timeout" | "duplicate", …, "retryable": whether the same call may be made again}

A tool hands back `{"status": "ok" | "error", …, "retryable": …}`; anything else is taken for the `result` of one that
went well. The model reads all of it, so every answer says in words what to make of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any, TypeVar

import orjson

Answer = Mapping[str, Any]
T = TypeVar("T")

MAX_BYTES = 8_000  # of an answer as JSON; with `duplicate` around it still less than 8 kB (8,192)
CUT_BYTES = 3_800  # of the JSON text in an answer that was too long: quoting it doubles it at most
MAX_ARGUMENTS = 32_768  # bytes as JSON: what a caller says in a turn is a hundredth of it
MAX_DEPTH = 12
MAX_VALUES = 2_000
MAX_DIGITS_BITS = 256  # of a whole number; JSON's own are exact to 53 bits, longer ones go as text
EXACT = 2**53

_MAYBE_DONE = "it may have been done all the same: don't call it again, tell the caller"


def written(name: str, arguments: Mapping[str, Any]) -> bytes:
    """A call as canonical JSON: equal for equal calls. Empty where its arguments can't be written, or are too long."""
    try:
        text = orjson.dumps([name, arguments], option=orjson.OPT_SORT_KEYS)
    except TypeError:  # nested too deeply, no JSON, or a number beyond 64 bits
        return b""
    return text if len(text) <= MAX_ARGUMENTS else b""


def answer(result: Mapping[str, Any]) -> Answer:
    """What a tool handed back, as the model gets it. Any value is safe; what is left out is said by `cut`."""
    ours = result.get("status") in ("ok", "error")
    told = {**result} if ours else {"result": result}
    head = {"status": result["status"] if ours else "ok"}
    tail = {"retryable": ours and result.get("retryable") is True}
    reader = _Reader()
    body = {name: value for name, value in reader.read(told).items() if name not in ("status", "retryable")}
    answer = {**head, **body, **({"cut": True} if reader.cut else {}), **tail}
    text = orjson.dumps(answer)
    if len(text) <= MAX_BYTES:
        return answer
    return {**head, "cut": True, "text": orjson.dumps(body)[:CUT_BYTES].decode(errors="ignore"), **tail}


def unknown(name: str, names: Iterable[str]) -> Answer:
    known = sorted(names)
    return _error(f"there is no tool {name[:64]!r}; there are: {', '.join(known) or 'none'}")


def ill_arguments() -> Answer:
    return _error("the arguments are too long or too deeply nested; call again with less")


def too_many(limit: int) -> Answer:
    return {**_error(f"{limit} calls are waiting already; wait for their results first"), "retryable": True}


def timed_out(after_s: float) -> Answer:
    """Whether the tool did its work is not known, so that the model must not simply try again."""
    return {"status": "timeout", "error": f"no result within {after_s:g} s; {_MAYBE_DONE}", "retryable": False}


def stopped() -> Answer:
    """Of a tool that ran until its deadline and was stopped there, in the middle of whatever it did."""
    return _error(f"it took too long; {_MAYBE_DONE}")


def cut_off() -> Answer:
    """Of a tool that ran where the call was before, and of whose end nothing is known here."""
    return {"status": "timeout", "error": f"a technical fault came in between; {_MAYBE_DONE}", "retryable": False}


def duplicate(answer: Answer) -> Answer:
    """`answer`, which the model has had already."""
    note = "you made this call a moment ago and have its result: don't tell the caller twice"
    return {"status": "duplicate", "note": note, "result": answer, "retryable": False}


def _error(words: str) -> dict[str, Any]:
    return {"status": "error", "error": _text(words), "retryable": False}


def _text(value: str) -> str:
    """Without lone surrogates, which are no UTF-8."""
    return value.encode(errors="replace").decode()


class _Reader:
    """Any value as plain JSON, so much of it as is useful: cycles end at MAX_DEPTH, crowds at MAX_VALUES."""

    def __init__(self) -> None:
        self.left = MAX_VALUES
        self.cut = False

    def read(self, value: object, depth: int = 0) -> Any:
        self.left -= 1
        match value:
            case Mapping() if depth < MAX_DEPTH:
                items = self._first(list(value.items()))
                return {str(self.read(key, MAX_DEPTH)): self.read(item, depth + 1) for key, item in items}
            case list() | tuple() if depth < MAX_DEPTH:
                return [self.read(item, depth + 1) for item in self._first(value)]
            case _:
                return self._scalar(value)

    def _scalar(self, value: object) -> str | int | float | bool | None:
        match value:
            case None | bool():
                return value
            case str():
                self.cut = self.cut or len(value) > MAX_BYTES
                return _text(value[:MAX_BYTES])
            case int() if value.bit_length() <= MAX_DIGITS_BITS:
                return int(value) if -EXACT <= value <= EXACT else str(int(value))
            case float():
                return float(value) if isfinite(value) else None
            case _:
                self.cut = True
                return f"({type(value).__name__})"

    def _first(self, items: Sequence[T]) -> Sequence[T]:
        room = max(0, self.left)
        self.cut = self.cut or len(items) > room
        return items[:room]
