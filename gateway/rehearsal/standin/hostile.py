"""The hostile mode: what goes wrong with the Live API in the field, and what never should, by name. Pure.

A word in brackets names a public thread where it was seen. `--hostile NAME` or the script's `hostile` plays it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import orjson

from gateway.live.messages import (
    FunctionCall,
    GenerationComplete,
    GoingAway,
    InputTranscript,
    Interrupted,
    ModelAudio,
    ModelText,
    OutputTranscript,
    ResumptionUpdate,
    ServerMessage,
    ToolCall,
    ToolCallCancelled,
    TurnComplete,
    Usage,
    WaitingForInput,
    build_server,
)
from gateway.rehearsal.standin.orders import Change, Close, Cut, Order, Orders, Raw, Send
from gateway.rehearsal.standin.trouble import At, Trouble

LIFE_S = 3.0  # of a connection that doesn't live
AWAY_S = 2.0  # from goAway to the end
MEGABYTE = 1024 * 1024
INVALID = "Request contains an invalid argument."
ABORTED = "The operation was aborted"
NO_OPERATION = "Operation is not implemented, or supported, or enabled."
EXHAUSTED = "RESOURCE_EXHAUSTED: You exceeded your current quota, please check your plan and billing details."
JSON_SPOKEN = '{"name": "lookup", "arguments": {"day": "Monday"}}'
CALL = FunctionCall("hostile-1", "lookup", {"day": "Monday"})

_WAVE = (b"\x00\x10" * 24 + b"\x00\xf0" * 24) * 500  # a second of 500 Hz


# What an order becomes


def instead(*orders: Order) -> Change:
    return lambda _order: orders


def first(*orders: Order) -> Change:
    return lambda order: (*orders, order)


def then(*orders: Order) -> Change:
    return lambda order: (order, *orders)


def silent(order: Order) -> Orders:
    """Nothing is sent."""
    return () if isinstance(order, Send | Raw) else (order,)


def each(rewrite: Callable[[ServerMessage], tuple[ServerMessage, ...]]) -> Change:
    """Every message of a frame, rewritten."""

    def change(order: Order) -> Orders:
        if not isinstance(order, Send):
            return (order,)
        messages = tuple(new for message in order.messages for new in rewrite(message))
        return (Send(messages),) if messages else ()

    return change


def without(*kinds: type[ServerMessage]) -> Change:
    return each(lambda message: () if isinstance(message, kinds) else (message,))


def written(rewrite: Callable[[dict[str, Any]], object]) -> Change:
    """Every frame as JSON, rewritten."""

    def change(order: Order) -> Orders:
        if not isinstance(order, Send):
            return (order,)
        frame = orjson.loads(build_server(*order.messages))
        rewrite(frame)
        return (Raw(orjson.dumps(frame)),)

    return change


def closes(code: int, reason: str = "") -> Change:
    return then(Close(code, reason))


def refuses(code: int, reason: str) -> Trouble:
    """The setup is refused."""
    return Trouble(f"setup -> {code} {reason}", At.READY, instead(Close(code, reason)))


def ends(code: int, reason: str = "") -> Trouble:
    """The connection ends in mid-sentence."""
    return Trouble(f"mid-sentence -> {code} {reason}", act=closes(code, reason), nth=2)


def status(code: int) -> Trouble:
    return Trouble(f"upgrade -> HTTP {code}", At.UPGRADE, status=code)


def unasked(words: str, seconds: int) -> Orders:
    """A turn that nobody asked for."""
    turn = (OutputTranscript(words), ModelAudio(_WAVE * seconds)), (GenerationComplete(),), (TurnComplete(),)
    return tuple(Send(messages) for messages in turn)


hearing = each(lambda message: (message,) if isinstance(message, InputTranscript) else ())  # no answer is sent


def call(id: str, day: str = "Monday") -> Send:
    return Send((ToolCall((FunctionCall(id, CALL.name, {"day": day}),)),))


# Rewritten messages


def _odd(message: ServerMessage) -> tuple[ServerMessage, ...]:
    return (ModelAudio(message.pcm[:-1]),) if isinstance(message, ModelAudio) else (message,)


def _empty_between(message: ServerMessage) -> tuple[ServerMessage, ...]:
    return (ModelAudio(b""), message, ModelAudio(b"")) if isinstance(message, ModelAudio) else (message,)


def _no_handle(message: ServerMessage) -> tuple[ServerMessage, ...]:
    return (ResumptionUpdate(),) if isinstance(message, ResumptionUpdate) else (message,)


def _foreign(message: ServerMessage) -> tuple[ServerMessage, ...]:
    return (InputTranscript("चलो ठीक है", language="hi-IN"),) if isinstance(message, InputTranscript) else (message,)


def _forgets(message: ServerMessage) -> tuple[ServerMessage, ...]:
    return (replace(message, prompt=1, total=1, by_modality={}),) if isinstance(message, Usage) else (message,)


def _novel(frame: dict[str, Any]) -> None:
    frame["novelty"] = {"depth": [1, {"x": None}]}
    if "serverContent" in frame:
        frame["serverContent"]["mood"] = "COLOUR_UNSPECIFIED"
        for part in frame["serverContent"].get("modelTurn", {}).get("parts", []):
            part["perfume"] = 4711


def _rated(rate: int) -> Change:
    def rewrite(frame: dict[str, Any]) -> None:
        for part in frame.get("serverContent", {}).get("modelTurn", {}).get("parts", []):
            part["inlineData"]["mimeType"] = f"audio/pcm;rate={rate}"

    return written(rewrite)


def _contradicting(order: Order) -> Orders:
    """Interrupted, and speech, and the end of a turn, all in one."""
    sound = order.messages if isinstance(order, Send) else ()
    return (Send((Interrupted(), *sound, GenerationComplete(), WaitingForInput(), TurnComplete())),)


def _huge(megabytes: int) -> Change:
    return lambda order: (Raw(b'{"novelty":"' + b"x" * (megabytes * MEGABYTE) + b'"}'), order)


def _afterlife(order: Order) -> Orders:
    late = build_server(ModelAudio(_WAVE), OutputTranscript("I am not here any more"))
    return (order, Close(1011, "Internal error encountered.", after=(late, late)))


HOSTILE: Mapping[str, Trouble] = {
    # The upgrade
    **{f"http-{code}": status(code) for code in (401, 403, 404, 429, 500, 503)},
    "slow-upgrade": Trouble("the upgrade takes a second", At.UPGRADE, wait_s=1.0),
    "no-pong": Trouble("pings are never answered [sip-to-ai#14]", At.READY, pong=False),
    "no-upgrade": Trouble("the upgrade takes longer than anybody waits", At.UPGRADE, wait_s=60.0),
    # The setup
    "no-ready": Trouble("setupComplete never comes [python-genai: connect() has no timeout]", At.READY, silent, silent),
    "garbage-first": Trouble("no JSON instead of setupComplete", At.READY, instead(Raw("<html>502</html>"))),
    "sound-first": Trouble("speech before setupComplete", At.READY, first(*unasked("Too early", 1))),
    "bad-key": refuses(1007, "API key not valid. Please pass a valid API key."),
    "bad-setup": refuses(1007, INVALID),
    "no-model": refuses(1008, "models/x is not found for API version v1beta, or is not supported for bidiGenerate"),
    "quota": refuses(1011, EXHAUSTED),
    "cut-at-setup": Trouble("the connection breaks before setupComplete", At.READY, instead(Cut())),
    # Resumption
    "handle-refused": Trouble("a handle -> 1007 [discuss 186392]", At.RESUMED, closes(1007, INVALID)),
    "in-use": Trouble("a handle -> 1011 [sip-to-ai#14]", At.RESUMED, closes(1011, "The session is already in use.")),
    "forgets": Trouble("a handle is taken, and nothing known [cookbook#1197]", At.RESUMED, change=each(_forgets)),
    "never-resumable": Trouble(
        "handles never come, and the connection breaks after 3 s [mastra#18190]",
        At.READY,
        change=each(_no_handle),
        later_s=LIFE_S,
        later=(Cut(),),
    ),
    "greets-again": Trouble(
        "a greeting that nobody asked for [sutando#67]", At.READY, then(*unasked("Good day! How can I help?", 1))
    ),
    "history-refused": Trouble("history -> 1007 [pipecat#4403]", At.CONTENT, closes(1007, INVALID)),
    # The end, in mid-call
    "internal-error": ends(1011, "Internal error encountered."),  # python-genai#985
    "deadline-expired": ends(1011, "Deadline expired before operation could complete."),  # sokuji#179
    "unavailable": ends(1011, "The service is currently unavailable."),
    "keepalive": ends(1011, "keepalive ping timeout"),
    "quota-later": ends(1011, EXHAUSTED),
    "aborted": ends(1008, ABORTED),  # autonomous-os#238
    "closed": ends(1000),
    "restart": ends(1012),
    "context-full": ends(1007, INVALID),
    "not-implemented": Trouble(
        "a tool call -> 1008 [js-genai#1236]", At.HEARD, then(Send((ToolCall((CALL,)),)), Close(1008, NO_OPERATION))
    ),
    "cut": Trouble("the connection breaks in mid-sentence", act=then(Cut()), nth=2),
    "short-life": Trouble("the connection breaks after 3 s", At.READY, later_s=LIFE_S, later=(Cut(),)),
    "after-close": Trouble("messages after the close frame", act=_afterlife, nth=2),
    "going-away": Trouble(
        "goAway, and 1008 in time", act=first(Send((GoingAway(AWAY_S),))), later_s=AWAY_S, later=(Close(1008, ABORTED),)
    ),
    "gone-away": Trouble("goAway with 0 s, and 1008", act=then(Send((GoingAway(0.0),)), Close(1008, ABORTED)), nth=2),
    # Silence
    "mute": Trouble("nothing at all for ever after the caller's turn [python-genai#2333]", At.HEARD, silent, silent),
    "no-answer": Trouble("the caller's words come, and never an answer", At.HEARD, change=hearing),
    "lost-answer": Trouble("the same, until a text comes", At.HEARD, change=hearing, until=At.TEXT),
    "lost-prompt": Trouble("the greeting, and no word after the next text", At.TEXT, silent, silent, nth=2),
    "stall": Trouble("mid-sentence: nothing more [live-api-examples#57]", change=silent, nth=2),
    "phantom": Trouble(
        "interrupted by nobody, and no answer until a text comes [live-api-examples#52]",
        act=instead(Send((Interrupted(),)), Send((TurnComplete(),))),
        change=hearing,
        nth=2,
        until=At.TEXT,
    ),
    "mute-after-tool": Trouble(
        "a tool call, and no word after its result [pipecat#4366]", At.HEARD, then(call("w-1")), hearing
    ),
    "mute-after-word": Trouble(
        "'one moment', a tool call, and no word after its result until a text comes [livekit/agents#4699]",
        At.HEARD,
        then(Send((InputTranscript("Find it."),)), *unasked("One moment.", 1), call("w-2")),
        silent,
        until=At.TEXT,
    ),
    # Sound
    "bursts": Trouble("after the first piece all speech at once [pipecat#4633]", hold=True),
    "burst-cut": Trouble(
        "twelve seconds of speech at once, and interrupted [pipecat#3381]",
        act=then(Send((ModelAudio(_WAVE * 12),)), Send((Interrupted(),)), Send((TurnComplete(),))),
        nth=2,
    ),
    "wrong-rate": Trouble("speech marked as 16 kHz", At.READY, change=_rated(16_000)),
    "odd": Trouble("speech of odd length", At.READY, change=each(_odd)),
    "empty": Trouble("empty speech", At.READY, change=each(_empty_between)),
    "thrash": Trouble("interrupts itself at once [cookbook#1263]", act=then(Send((Interrupted(),)))),
    # Messages
    "garbage": Trouble("no JSON in mid-sentence", act=then(Raw('{"serverContent": {"modelTurn": ')), nth=2),
    "garbage-bytes": Trouble("bytes in mid-sentence", act=then(Raw(bytes(range(256)))), nth=2),
    "no-object": Trouble("a list, where an object is due", act=then(Raw("[1, 2]")), nth=2),
    "wrong-shape": Trouble("a known field of another type", act=then(Raw('{"serverContent": 5}')), nth=2),
    "error-object": Trouble("an error as a message", act=then(Raw('{"error": {"code": 500, "status": "INTERNAL"}}'))),
    "novel": Trouble("unknown fields everywhere", At.READY, change=written(_novel)),
    "flood": Trouble("2000 unknown messages", act=then(*(Raw(f'{{"kind{at}": {{}}}}') for at in range(2_000)))),
    "huge": Trouble("a message of 10 MB", act=_huge(10)),
    "too-huge": Trouble("a message of 20 MB", act=_huge(20), nth=2),
    "contradicting": Trouble("interrupted, speech and the turn's end in one", act=_contradicting),
    "no-end": Trouble("turns never end", At.READY, change=without(TurnComplete, GenerationComplete)),
    "no-usage": Trouble("usage never comes [pipecat]", At.READY, change=without(Usage)),
    "odd-usage": Trouble("usage below zero", act=then(Send((Usage(-5, -7, 1, by_modality={"response/AUDIO": -7}),)))),
    "thoughts": Trouble(
        "thoughts and JSON as text [mastra#17434]",
        act=first(Send((ModelText("The caller seems sad.", thought=True), ModelText(JSON_SPOKEN)))),
    ),
    "foreign": Trouble("transcripts in another language [livekit/agents#3551]", At.READY, change=each(_foreign)),
    "phantom-words": Trouble("words that nobody said", act=then(Send((InputTranscript("Thanks for watching!"),)))),
    # Tools
    "tool-twice": Trouble("one call, twice [mastra#22969]", At.HEARD, then(call("d-1"), call("d-1"))),
    "tool-again": Trouble("the same call by another id", At.HEARD, then(call("d-1"), call("d-2"))),
    "tool-swept": Trouble("five calls [pipecat#4118]", At.HEARD, then(*(call(f"s-{n}", f"{n} May") for n in range(5)))),
    "tool-cancelled": Trouble("cancelled at once", At.HEARD, then(call("c-1"), Send((ToolCallCancelled(("c-1",)),)))),
    "talk-at-tool": Trouble(
        "sound or words while a tool call waits -> 1008 [autonomous-os#237]",
        At.MEANWHILE,
        closes(1008, NO_OPERATION),
    ),
    "tool-nameless": Trouble(
        "no id, no name", At.HEARD, then(Raw('{"toolCall": {"functionCalls": [{"args": null}]}}'))
    ),
}
