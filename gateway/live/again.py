"""A session's first message, said again: the same session by its handle, or another that is told what was said."""

from __future__ import annotations

from gateway.live import cues
from gateway.live.events import Setup


def resumed(setup: Setup, handle: str) -> Setup:
    """The setup that goes on with the session of `handle`."""
    return Setup({**setup.setup, "sessionResumption": {"handle": handle}})


def seeded(setup: Setup, history: str) -> Setup:
    """The setup of another session that is to go on with the same call. `history` is the transcript, a line a turn.

    It stands in the instructions: initial history (`historyConfig`) is not taken by every model and backend, and a turn
    that is sent as complete would be answered (facts of the field).
    """
    if not history:
        return setup
    told = setup.setup["systemInstruction"]["parts"][0]["text"]
    instruction = {"role": "user", "parts": [{"text": f"{told}\n\n{cues.seed(history)}"}]}
    return Setup({**setup.setup, "systemInstruction": instruction})
