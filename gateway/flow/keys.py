"""Keys that a flow does not take, and what to say of them: other systems' names, planned sections, misspellings."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.flow.near import did_you_mean, near

# Names in other systems -> the places of ours.
_PERSONA = "personas.<name>"
_HOURS = "hours.<name>"
FOREIGN = {
    "prompt": f"{_PERSONA}.instructions",
    "system_prompt": f"{_PERSONA}.instructions",
    "systemPrompt": f"{_PERSONA}.instructions",
    "system_instruction": f"{_PERSONA}.instructions",
    "personality": f"{_PERSONA}.instructions",
    "first_message": f"{_PERSONA}.greeting.text",
    "firstMessage": f"{_PERSONA}.greeting.text",
    "initial_message": f"{_PERSONA}.greeting.text",
    "welcome_greeting": f"{_PERSONA}.greeting.text",
    "welcomeGreeting": f"{_PERSONA}.greeting.text",
    "welcome_message": f"{_PERSONA}.greeting.text",
    "begin_message": f"{_PERSONA}.greeting.text",
    "static_greeting": f"{_PERSONA}.greeting.text",
    "voice_id": f"{_PERSONA}.voice.name",
    "voiceId": f"{_PERSONA}.voice.name",
    "llm": f"{_PERSONA}.model.name",
    "silence_duration_ms": f"{_PERSONA}.vad.silence",
    "endpointing": f"{_PERSONA}.vad.silence",
    "prefix_padding_ms": f"{_PERSONA}.vad.prefix_padding",
    "start_of_speech_sensitivity": f"{_PERSONA}.vad.start_sensitivity",
    "end_of_speech_sensitivity": f"{_PERSONA}.vad.end_sensitivity",
    "turn_detection": f"{_PERSONA}.vad.mode",
    "context_window_compression": f"{_PERSONA}.model.context",
    "trigger_tokens": f"{_PERSONA}.model.context.trigger",
    "target_tokens": f"{_PERSONA}.model.context.target",
    "functions": "tools",
    "function_declarations": "tools",
    "allow_interruptions": f"{_PERSONA}.barge_in.enabled",
    "no_input": f"{_PERSONA}.idle",
    "max_duration_seconds": "limits.max_duration",
    "maxDurationSeconds": "limits.max_duration",
    "max_call_duration": "limits.max_duration",
    "phone_number": "numbers[].number",
    "phoneNumber": "numbers[].number",
    "phone": "numbers[].number",
    "did": "numbers[].number",
    "e164": "numbers[].number",
    "friendly_name": "numbers[].label",
    "assistant": "numbers[].persona",
    "assistant_id": "numbers[].persona",
    "agent": "numbers[].persona",
    "agent_id": "numbers[].persona",
    "assistants": "personas",
    "agents": "personas",
    "fallback_message": "numbers[].fallback.say",
    "number_type": "numbers[].search.type",
    "country_code": "numbers[].search.country",
    "iso_country": "numbers[].search.country",
    "bundle": "numbers[].regulatory.bundle_sid",
    "business_hours": "hours",
    "opening_hours": "hours",
    "office_hours": "hours",
    "working_hours": "hours",
    "operating_hours": "hours",
    "schedule": "hours",
    "after_hours": "hours.<name>.closed",
    "out_of_hours": "hours.<name>.closed",
    "closed_message": "hours.<name>.closed.say",
    "tz": "defaults.timezone",
    "time_zone": "defaults.timezone",
    "timeZone": "defaults.timezone",
    "max_concurrent_calls": "limits.concurrent_calls",
    "max_concurrent": "limits.concurrent_calls",
    "concurrency": "limits.concurrent_calls",
    "concurrency_limit": "limits.concurrent_calls",
    "max_calls": "limits.concurrent_calls",
    "rate_limit": "limits.per_caller",
    "calls_per_hour": "limits.per_caller",
    "max_call_cost": "limits.max_cost",
    "cost_limit": "limits.max_cost",
    "budget": "limits.max_cost",
    "whitelist": "limits.allow",
    "allowlist": "limits.allow",
    "allow_list": "limits.allow",
    "blacklist": "limits.deny",
    "blocklist": "limits.deny",
    "denylist": "limits.deny",
    "deny_list": "limits.deny",
    "allowed_countries": "limits.countries",
    "geo_permissions": "limits.countries",
}
# The same, where a name means something only in one section.
FOREIGN_IN = {
    (f"{_PERSONA}.idle", "timeout"): f"{_PERSONA}.idle.after",
    (_PERSONA, "language"): f"{_PERSONA}.languages.primary",
    ("", "timezone"): "defaults.timezone",
    ("", "language"): "defaults.language",
    **{(place, key): f"{place}.timezone" for place in ("numbers[]", _HOURS) for key in ("tz", "time_zone", "timeZone")},
    **{(_HOURS, key): f"{_HOURS}.weekly" for key in ("schedule", "days", "week", "open")},
    **{(_HOURS, key): f"{_HOURS}.holidays" for key in ("exceptions", "closures", "special_days")},
    **{(f"{_HOURS}.holidays[]", key): f"{_HOURS}.holidays[].open" for key in ("hours", "times")},
    ("numbers[]", "country"): "numbers[].search.country",
    ("numbers[]", "area_code"): "numbers[].search.area_code",
    ("numbers[]", "areaCode"): "numbers[].search.area_code",
}
# Settings of other systems that have nothing like them here.
ABSENT = ("top_p", "top_k", "max_tokens")

# Sections of the format that are not built yet, by the section that will hold them.
PLANNED = {
    "": ("webhooks", "extract", "recording", "transcript", "privacy", "tests"),
    _PERSONA: ("handoff", "dtmf"),
}
# Types of tools that are not built yet.
PLANNED_TYPES = ("http", "transfer", "sms", "voicemail")
NOT_YET = "not built yet: planned"


def hint(key: str, section: str, known: Iterable[str], homes: dict[str, tuple[str, ...]]) -> str:
    """What to do about an unknown key. `homes` tells for each known key in which sections it stands."""
    names = tuple(known)
    if ours := FOREIGN_IN.get((section, key)) or FOREIGN.get(key, ""):
        return f"here it is called '{_seen_from(section, ours)}'"
    if key in ABSENT:
        return "there is no such setting here: remove it"
    if key in PLANNED.get(section, ()):
        return NOT_YET
    if planned := [place for place, names in PLANNED.items() if key in names]:
        return f"{NOT_YET}, {under(planned)}"
    if not near(key, names) and (places := homes.get(key)):
        return f"it belongs {under(places)}"
    return did_you_mean(key, names)


def under(places: Iterable[str]) -> str:
    """Where a key stands, in words."""
    return " or ".join(f"under {place}" if place else "at the top" for place in places)


def _seen_from(section: str, place: str) -> str:
    """A place as someone would write it in a section: without the way that leads there already."""
    return place.removeprefix(f"{section}.") if section else place
