"""The table of hostile mode: what goes wrong in each call, and what becomes of the call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from gateway.live.models import Backend
from tests.server.hostile_caller import Turn

THREE_EIGHT, THREE_ONE, TWO_FIVE = "3.8-live", "3.1-flash-live-preview", "2.5-flash-native-audio-preview-12-2025"
ON_VERTEX = "live-2.5-flash-native-audio"  # and nowhere else
MODELS = (THREE_EIGHT, THREE_ONE, TWO_FIVE)
NEVER_S = 60.0  # a tool that takes so long never answers, for all that the call knows
SLOW_S = 2.5


@dataclass(frozen=True)
class Row:
    """`play`: the troubles, by connection. `then`: what becomes of the call. `knocks`: connections at most. `model`:
    its name after `gemini-`. `turns`: what the caller does, `rounds` turns of speech if nothing else is said. `line`:
    which of the flow's is called. `tool_s`: a tool is called at the caller's words, and takes so long. `vad`: who hears
    the caller begin and end."""

    play: str
    then: Literal["on", "fallback", "either"]
    knocks: int = 1
    rounds: int = 2
    model: str = THREE_EIGHT
    turns: tuple[Turn, ...] = ()
    line: Literal["hostile", "idle"] = "hostile"
    tool_s: float | None = None
    vad: Literal["model", "gateway"] = "model"

    @property
    def backend(self) -> Backend:
        return "vertex" if self.model == ON_VERTEX else "developer"

    @property
    def name(self) -> str:
        what = "" if self.tool_s is None else "tool-never" if self.tool_s == NEVER_S else "tool-slow"
        model = "" if self.model == THREE_EIGHT else self.model
        vad = "" if self.vad == "model" else "gateway-vad"
        parts = (self.play, what, "idle" if self.line == "idle" else "", vad, model)
        return " ".join(part for part in parts if part)

    @property
    def does(self) -> tuple[Turn, ...]:
        spoken: tuple[Turn, ...] = ("speaks",)
        return self.turns or spoken * self.rounds


# fmt: off
ROWS = (
    # Silence; these rows take longest, and so do the next ones
    Row("lost-answer", "on"), Row("no-answer@1", "on", 2), Row("no-answer@1 no-answer@2", "on", 3),
    Row("no-answer", "fallback", 3), Row("mute@1", "on", 2), Row("mute", "fallback", 3),
    Row("stall@1#5", "on", 2), Row("stall", "either", 12),
    Row("phantom@1#5", "on", 2), Row("mute-after-tool@1", "on", 2), Row("mute-after-word", "on"),
    # A tool takes its time, or never answers, and the caller talks meanwhile
    *(Row(play, "on", knocks, model=model, turns=("meddles", "speaks"), tool_s=tool_s)
        for model in MODELS
        for tool_s in (SLOW_S, NEVER_S)
        for play, knocks in (("", 1), ("talk-at-tool", 2))),
    # A caller who says nothing is asked, and at last left
    *(Row(play, "on", knocks, model=model, line="idle", turns=("waits", "drawls", "waits", "stays"))
        for model in MODELS
        for play, knocks in (("", 1), ("cut@1#5", 2))),
    *(Row("", "on", model=model, line="idle", turns=("speaks", "stays"), tool_s=SLOW_S) for model in MODELS),
    Row("lost-prompt@1", "on", 2, line="idle", turns=("waits", "speaks")),
    # Sound
    Row("bursts", "on"), Row("wrong-rate@1", "on", 2), Row("wrong-rate", "fallback", 5), Row("odd", "on"),
    Row("empty", "on"), Row("thrash", "on"), Row("burst-cut@1#5", "on"),
    # The upgrade: what may pass is tried again, the rest is not
    Row("http-503@1", "on", 2), Row("http-500@1", "on", 2), Row("http-503", "fallback", 9),
    Row("http-429", "fallback"), Row("http-401", "fallback"), Row("http-403", "fallback"), Row("http-404", "fallback"),
    Row("slow-upgrade", "on"), Row("no-pong", "on"), Row("no-upgrade@1", "on", 2), Row("no-upgrade", "fallback", 9),
    # The setup
    Row("no-ready@1", "on", 2), Row("no-ready", "fallback", 9), Row("garbage-first", "fallback"),
    Row("sound-first", "on"), Row("bad-key", "fallback"), Row("bad-setup", "fallback"), Row("no-model", "fallback"),
    Row("quota", "fallback"), Row("cut-at-setup@1", "on", 2), Row("cut-at-setup", "fallback", 9),
    # Resumption
    Row("cut@1#5 handle-refused@2", "on", 3), Row("cut@1#5 handle-refused@2+", "on", 3),
    Row("cut@1#5 in-use@2", "on", 3), Row("never-resumable@1", "on", 2, rounds=4),
    Row("cut@1#5 greets-again@2", "on", 2),
    Row("cut@1#2", "on", 2), Row("cut@1#5 http-503@2", "on", 3), Row("cut@1#5 http-503@2+", "fallback", 12),
    Row("cut@1#5 quota@2+", "fallback", 2), Row("cut@1#5 no-ready@2", "on", 3),
    Row("cut@1#5 history-refused@2+", "on", 3), Row("cut@1#11 forgets@2", "on", 3, rounds=5),
    # On the models that take no history in mid-call, and texts otherwise
    *(Row(play, "on", knocks, model=model)
        for model in (THREE_ONE, TWO_FIVE)
        for play, knocks in (("lost-answer", 1), ("stall@1#5", 2), ("cut@1#5", 2), ("cut@1#5 handle-refused@2", 3))),
    # The gateway says when the caller begins and ends
    *(Row(play, "on", knocks, model=model, vad="gateway")
        for model in MODELS
        for play, knocks in (("lost-answer", 1), ("stall@1#5", 2), ("cut@1#5", 2), ("cut@1#5 handle-refused@2", 3))),
    Row("no-answer@1", "on", 2, vad="gateway"), Row("phantom@1#5", "on", 2, vad="gateway"),
    Row("burst-cut@1#5", "on", vad="gateway"), Row("thrash", "on", vad="gateway"),
    Row("going-away@1#5", "on", 3, vad="gateway"), Row("short-life", "on", 3, vad="gateway"),
    Row("cut@1#5", "on", 2, vad="gateway", line="idle", turns=("waits", "drawls", "waits", "stays")),
    Row("talk-at-tool", "on", 2, vad="gateway", turns=("meddles", "speaks"), tool_s=SLOW_S),
    # On Vertex
    *(Row(play, "on", knocks, model=ON_VERTEX) for play, knocks in (
        ("lost-answer", 1), ("no-answer@1", 2), ("stall@1#5", 2), ("cut@1#5", 2), ("cut@1#5 handle-refused@2", 3),
        ("internal-error@1#5", 2), ("going-away@1#5", 3), ("short-life", 3), ("error-object", 1), ("tool-twice", 1),
    )),
    Row("talk-at-tool", "on", 2, model=ON_VERTEX, turns=("meddles", "speaks"), tool_s=SLOW_S),
    *(Row(play, "fallback", model=ON_VERTEX) for play in ("http-401", "http-403", "http-429", "quota", "bad-setup")),
    # The end, in mid-call
    *(Row(f"{name}@1#5", "on", 2) for name in (
        "internal-error", "deadline-expired", "unavailable", "keepalive", "aborted", "closed", "restart",
        "context-full", "cut", "after-close", "gone-away",
    )),
    Row("not-implemented@1", "on", 2), Row("going-away@1#2", "on", 3), Row("going-away@1#5", "on", 3),
    Row("quota-later@1#5", "fallback"),
    Row("short-life", "on", 3),
    Row("internal-error", "either", 12),
    # Messages
    *(Row(name, "on") for name in (
        "error-object", "novel", "flood", "huge", "contradicting", "no-end", "no-usage", "odd-usage", "thoughts",
        "foreign", "phantom-words",
    )),
    *(Row(f"{name}@1#5", "on", 2) for name in ("garbage", "garbage-bytes", "no-object", "wrong-shape", "too-huge")),
    # Tools
    *(Row(name, "on") for name in ("tool-twice", "tool-again", "tool-swept", "tool-cancelled")),
    Row("tool-nameless@1", "on", 2),
)
# fmt: on

# The nineteen problems that are known from the field, and the troubles that play them.
FIELD: Mapping[str, str] = {
    "1 server faults in mid-call": "internal-error deadline-expired unavailable",
    "2 keepalive": "no-pong keepalive no-upgrade",
    "3 operation not implemented": "not-implemented talk-at-tool",
    "4 ten minutes": "going-away gone-away aborted short-life restart closed",
    "5 resumption fails": "handle-refused never-resumable in-use forgets",
    "6 second greeting": "greets-again",
    "7 reading stops after a turn": "no-end contradicting",
    "8 silence, phantom interruption": "phantom no-answer lost-answer mute lost-prompt",
    "9 slow barge-in": "burst-cut",
    "10 thrash": "thrash",
    "11 wrong transcripts": "foreign phantom-words",
    "12 repeated tool calls": "tool-twice tool-again tool-swept",
    "13 tool results": "mute-after-tool mute-after-word tool-cancelled",
    "14 history in mid-call": "history-refused context-full",
    "15 model and setup": "no-model bad-setup",
    "16 stalls, bursts": "stall bursts",
    "17 quota": "quota quota-later http-429",
    "18 thoughts spoken": "thoughts",
    "19 usage": "no-usage odd-usage",
}
