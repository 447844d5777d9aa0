"""The kinds of tools, by their `type` in a flow file. A kind is a module with one function, and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from gateway.tools import hangup
from gateway.tools.outcome import Outcome


class Kind(Protocol):
    async def run(self, args: Mapping[str, object]) -> Outcome:
        """Carry out one call of the model. It may be cancelled at its deadline."""


KINDS: Mapping[str, Kind] = {"hangup": hangup}
