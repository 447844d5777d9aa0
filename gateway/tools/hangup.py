"""`type: hangup`: the agent ends the call. It takes no arguments and needs nobody: what follows is up to the call."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.tools.outcome import Outcome

NOTE = (
    "say goodbye now, unless you have just said it; the line closes after your words were heard. "
    "If the caller speaks before that, the line stays open: answer, and call this again when you are done"
)


async def run(args: Mapping[str, object]) -> Outcome:
    return Outcome({"status": "ok", "note": NOTE}, closes=True)
