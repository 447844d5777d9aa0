"""What a session lacks that goes on by a handle: the turns since, as its own history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Literal

from gateway.call.transcript import Line, Speaker
from gateway.live.messages import ContentTurn, SendContent

ROLES: Mapping[Speaker, Literal["user", "model"]] = {"caller": "user", "agent": "model"}


def context(lines: Iterable[Line]) -> SendContent:
    """The message that tells a session these lines, each side's in a row as one turn, and asks for no answer."""
    rows = groupby(lines, key=lambda line: line.speaker)
    turns = (ContentTurn(ROLES[speaker], " ".join(line.text for line in row)) for speaker, row in rows)
    return SendContent(tuple(turns), complete=False)


def before_the_agent(lines: Sequence[Line]) -> str:
    """A line a turn; without the agent's last words, which stand elsewhere."""
    last = max((at for at, line in enumerate(lines, start=1) if line.speaker == "caller"), default=0)
    return "\n".join(f"{line.speaker}: {line.text}" for line in lines[:last])
