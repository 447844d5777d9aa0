"""Who answers: from the stream's parameters to the plan of its call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from gateway.call.plan import Plan
from gateway.call.turn import Patience
from gateway.flow.countries import withheld
from gateway.flow.load import Flows
from gateway.flow.model import Flow, Languages, Number, Persona
from gateway.flow.template import render
from gateway.live.models import Backend, refusal
from gateway.live.setup import Session, setup_message, takes_content, talks_on
from gateway.settings import Settings


class NoSuchLine(Exception):
    """The stream names a flow or a line that isn't served here."""


@dataclass(frozen=True, slots=True)
class Caller:
    """What Twilio told of the call: E.164 numbers, empty where it withheld them."""

    number: str
    dialled: str


def find(flows: Flows, flow_name: str, label: str) -> tuple[Flow, Number]:
    """The line `label` of the flow. Raises NoSuchLine."""
    if found := flows.labelled(flow_name, label):
        return found
    raise NoSuchLine(f"no line {label!r} in flow {flow_name!r}")


def persona_of(flow: Flow, line: Number, name: str) -> Persona:
    """The persona that the call was routed to (empty: the line's own), in the line's language. Raises NoSuchLine."""
    persona = flow.personas.get(name or line.persona)
    if persona is None:
        raise NoSuchLine(f"no persona {name!r} in flow {flow.name!r}")
    spoken = persona.languages
    if not line.language or line.language == spoken.primary:
        return persona
    others = tuple(code for code in spoken.allowed if code != line.language)
    return replace(persona, languages=Languages(line.language, (line.language, *others)))


def plan_call(flow: Flow, line: Number, persona: Persona, caller: Caller, settings: Settings) -> Plan:
    """Everything the call is set up with."""
    values = _values(flow, line, caller, datetime.now(UTC))
    google = settings.google
    session = Session(backend_for(persona, settings), project=google.project, location=google.location)
    idle = persona.idle
    tools = [flow.tools[name] for name in persona.tools]
    return Plan(
        flow=flow.name,
        line=line.label,
        persona=persona,
        setup=setup_message(persona, render(persona.instructions, values), session, tools),
        greeting=render(persona.greeting.text, values) if persona.greeting else "",
        idle=replace(idle, say=render(idle.say, values)) if idle else None,
        max_duration_s=flow.limits.max_duration_s,
        warn_at_s=flow.limits.warn_at_s,
        tools={tool.name: tool.type for tool in tools},
        asynchronous=talks_on(persona.model, session.backend),
        takes_content=takes_content(persona.model, session.backend),
        max_cost_usd=flow.limits.max_cost_usd,
        message_ms=settings.live_frame_ms,
        lead_ms=settings.playout_lead_ms,
        patience=_patience(persona),
    )


def _values(flow: Flow, line: Number, caller: Caller, at: datetime) -> Mapping[str, str]:
    local = at.astimezone(ZoneInfo(line.timezone))
    return {
        **flow.variables,
        "call.from": "withheld" if withheld(caller.number) else caller.number,
        "call.to": caller.dialled or line.number,
        "call.line": line.label,
        "call.date": local.strftime("%A, %Y-%m-%d"),
        "call.time": local.strftime("%H:%M"),
    }


def _patience(persona: Persona) -> Patience:
    return Patience(listening=persona.idle.after_ms / 1000) if persona.idle else Patience()


def backend_for(persona: Persona, settings: Settings) -> Backend:
    """The API that the persona's model is on. The stand-in speaks both."""
    if settings.backend != "rehearsal":
        return settings.backend
    return "vertex" if refusal(persona.model.name, "developer") else "developer"
