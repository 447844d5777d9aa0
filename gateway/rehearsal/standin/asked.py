"""What a session was asked, and the tool call that an answer waits for. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from gateway.live import cues
from gateway.live.messages import ContentTurn, FunctionResult
from gateway.rehearsal.standin.script import Reply, Script, fill

_BEFORE, _AFTER = cues.go_on("|").split('"|"')
_JSON = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be answered. `exact`: said as it stands. `said`: what of the answer was heard before a break."""

    words: str
    seconds: float = 0.0
    exact: bool = False
    said: str = ""


def said_before(cue: str) -> str | None:
    """What the caller heard before the line broke; None for any cue but `cues.go_on`."""
    if not cue.startswith(_BEFORE):
        return None
    try:
        said, end = _JSON.raw_decode(cue, len(_BEFORE))
    except ValueError:
        return None
    return said if isinstance(said, str) and cue.startswith(_AFTER, end) else None


def answered(history: Sequence[ContentTurn]) -> int:
    """How many turns of the caller's have their answer in it."""
    return sum((one.role, next.role) == ("user", "model") for one, next in pairwise(history))


def rest(answer: str, said: str) -> str:
    """What is left to say of an answer that was begun; all of it where it began otherwise."""
    words, heard = answer.split(), said.split()
    return " ".join(words[len(heard) :]) if words[: len(heard)] == heard else answer


def left(script: Script, asked: Asked, turns: int) -> str | None:
    """What is left of the last of `turns` answers, where that is the one that broke off: the session was told so. None
    where it is another one."""
    if not asked.said or not turns:
        return None
    last = fill(script.answer(asked.words, turns - 1).say, asked.words, asked.seconds)
    more = rest(last, asked.said)
    return more if more != last else None


@dataclass(frozen=True, slots=True)
class Pending:
    """A tool call that waits for its result."""

    id: str
    reply: Reply
    asked: Asked


def result_text(result: FunctionResult) -> str:
    """The result in words: `output` or `result` where that is a text, else the whole as JSON."""
    for name in ("output", "result"):
        value = result.response.get(name)
        if isinstance(value, str):
            return value
    return json.dumps(dict(result.response), ensure_ascii=False)
