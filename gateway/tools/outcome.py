"""What a tool hands back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """`result` is for the model: `{"status": "ok" | "error", …}`, with `"retryable": true` where the same call may be
    made again. `closes`: the line is to close once the agent's last words were heard."""

    result: Mapping[str, object]
    closes: bool = False
