"""What a session was asked, and the tool call that an answer waits for. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass

from gateway.live.messages import FunctionResult
from gateway.rehearsal.standin.script import Reply


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be answered. `exact`: said as it stands."""

    words: str
    seconds: float = 0.0
    exact: bool = False


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
