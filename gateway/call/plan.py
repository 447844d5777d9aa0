"""What one call was set up with: everything that the flow, the line and the settings decide before the first sound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.call.turn import Patience
from gateway.flow.model import Idle, Persona
from gateway.live.messages import Setup


@dataclass(frozen=True, slots=True)
class Plan:
    """`greeting` and `idle.say` are rendered texts; `patience.listening` is the idle policy's wait.

    `setup` is the Live session's first message.
    """

    flow: str
    line: str
    persona: Persona
    setup: Setup
    greeting: str
    idle: Idle | None
    max_duration_s: float
    warn_at_s: float | None  # when the agent is told that the call ends soon
    tools: Mapping[str, str]  # what the model may call: name -> type
    asynchronous: bool  # the model talks on while a tool runs
    takes_content: bool  # the model takes history in mid-session
    max_cost_usd: float | None
    message_ms: int
    lead_ms: int
    patience: Patience
