"""Checked data -> Flow. It constructs and judges nothing; what is not written was filled in by `inherit.complete`.

Numbers have the type that the model says (`temperature: 1` is 1.0), so that the artefact and what is read of it agree.
"""

from __future__ import annotations

from typing import Any, cast

from gateway.flow import hours as times
from gateway.flow.durations import UNITS, milliseconds
from gateway.flow.model import (
    Announcement,
    BargeIn,
    Closed,
    Context,
    Flow,
    Greeting,
    Holiday,
    Hours,
    Idle,
    Languages,
    Limits,
    Model,
    Number,
    Persona,
    Rate,
    Regulatory,
    Search,
    Tool,
    Vad,
    Voice,
)
from gateway.flow.source import Data
from gateway.flow.template import names, render

Section = dict[str, Any]
ALWAYS = "always"  # the hours of a number that is never closed


def build(data: Data, file: str) -> Flow:
    """The flow of `complete` data that the schema and the rules found nothing wrong with, or of what is left of data
    once all that is wrong was taken out (`schema.repaired`)."""
    flow = cast(Section, data)
    variables = flow["variables"]
    return Flow(
        name=flow["name"],
        file=file,
        description=flow["description"],
        timezone=flow["defaults"]["timezone"],
        variables=variables,
        numbers=tuple(_number(number, variables) for number in flow["numbers"]),
        personas={name: _persona(name, persona) for name, persona in flow["personas"].items()},
        limits=_limits(flow["limits"]),
        hours={name: _hours(name, hours, variables) for name, hours in flow["hours"].items()},
        language=flow["defaults"]["language"],
        model=flow["defaults"]["model"],
        tools={name: Tool(name, tool["type"], tool["description"]) for name, tool in flow["tools"].items()},
    )


def _number(number: Section, variables: Section) -> Number:
    search, fallback = number.get("search"), number.get("fallback")
    named = number.get("hours", ALWAYS)
    return Number(
        label=number["label"],
        number=number.get("number", ""),
        persona=number["persona"],
        search=Search(**search) if search else None,
        hours="" if named == ALWAYS else named,
        fallback=_announcement(fallback, variables) if fallback else None,
        timezone=number["timezone"],
        language=number.get("language", ""),
        regulatory=Regulatory(**number["regulatory"]),
    )


def _announcement(section: Section, variables: Section) -> Announcement:
    say = section["say"]
    left_out = dict.fromkeys(names(say), "")  # a variable that was at fault
    return Announcement(render(say, {**left_out, **variables}), section["then"], section.get("to", ""))


def _hours(name: str, hours: Section, variables: Section) -> Hours:
    return Hours(
        name=name,
        timezone=hours["timezone"],
        weekly=times.week(hours["weekly"]),
        closed=_closed(hours["closed"], variables),
        holidays=tuple(_holiday(holiday) for holiday in hours["holidays"]),
    )


def _closed(closed: Section, variables: Section) -> Closed:
    return Closed(closed.get("persona", ""), _announcement(closed, variables) if "say" in closed else None)


def _holiday(holiday: str | Section) -> Holiday:
    if isinstance(holiday, str):
        return Holiday(*times.days(holiday))
    first, last = times.days(holiday["date"])
    return Holiday(first, last, holiday.get("name", ""), times.ranges(holiday["open"]))


def _limits(limits: Section) -> Limits:
    warn_at, rate, calls = limits.get("warn_at"), limits.get("per_caller"), limits.get("concurrent_calls")
    cost = limits.get("max_cost")
    return Limits(
        max_duration_s=_ms(limits["max_duration"]) / 1000,
        warn_at_s=_ms(warn_at) / 1000 if warn_at else None,
        concurrent_calls=None if calls is None else int(calls),
        per_caller=_rate(rate) if rate else None,
        allow=tuple(limits["allow"]),
        deny=tuple(limits["deny"]),
        countries=tuple(limits["countries"]),
        max_cost_usd=None if cost is None else float(cost),
    )


def _rate(rate: str) -> Rate:
    count, unit = rate.split("/")
    return Rate(int(count), UNITS[unit] // 1000)


def _persona(name: str, persona: Section) -> Persona:
    greeting, idle, languages = persona.get("greeting"), persona.get("idle"), persona["languages"]
    others = [code for code in languages["allowed"] if code != languages["primary"]]
    return Persona(
        name=name,
        instructions=persona["instructions"],
        greeting=Greeting(**greeting) if greeting else None,
        languages=Languages(languages["primary"], (languages["primary"], *others)),
        voice=Voice(**persona["voice"]),
        model=_model(persona["model"]),
        vad=_vad(persona["vad"]),
        barge_in=BargeIn(**persona["barge_in"]),
        idle=_idle(idle) if idle else None,
        tools=tuple(persona["tools"]),
    )


def _model(model: Section) -> Model:
    temperature, context = model.get("temperature"), model["context"]
    return Model(
        name=model["name"],
        temperature=None if temperature is None else float(temperature),
        gemini=model["gemini"],
        context=Context(int(context["trigger"]), int(context["target"])),
    )


def _vad(vad: Section) -> Vad:
    return Vad(
        start_sensitivity=vad["start_sensitivity"],
        end_sensitivity=vad["end_sensitivity"],
        prefix_padding_ms=_ms(vad["prefix_padding"]),
        silence_ms=_ms(vad["silence"]),
        mode=vad["mode"],
    )


def _idle(idle: Section) -> Idle:
    return Idle(after_ms=_ms(idle["after"]), say=idle["say"], times=int(idle["times"]), then=idle["then"])


def _ms(duration: str) -> int:
    length = milliseconds(duration)
    if length is None:
        raise ValueError("a duration passed the schema and is none")
    return length
