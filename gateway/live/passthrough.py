"""`model.gemini`: fields of the SDK's LiveConnectConfig as a flow writes them, in snake_case or camelCase, and as they
go into the first message. What may not stand there is told here; what the SDK's types say of the rest, in `live.sdk`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from typing import Any

from gateway.flow.model import Finding
from gateway.live.fields import camel

Object = Mapping[str, Any]
Path = tuple[str | int, ...]

# LiveConnectConfig's fields that stand under generationConfig on the wire.
GENERATION = frozenset(
    {
        *("responseModalities", "temperature", "topP", "topK", "maxOutputTokens", "mediaResolution", "seed"),
        *("speechConfig", "thinkingConfig", "enableAffectiveDialog", "translationConfig"),
    }
)
_FREE = frozenset({("labels",)})  # below these, keys are the owner's own words

# What the flow or the gateway sets itself, and what no phone call has -> what is wrong, what to do.
_OWN = "the flow has a key of its own for this"
_SET = "the gateway sets this itself"
_PHONE = "a phone call has no picture"
_OLD = "the Live API is giving this up"
_REMOVE = "remove it"
REFUSED: Mapping[Path, tuple[str, str]] = {
    ("temperature",): (_OWN, "write model.temperature"),
    ("systemInstruction",): (_OWN, "write instructions"),
    ("speechConfig", "voiceConfig"): (_OWN, "write voice.name"),
    ("speechConfig", "multiSpeakerVoiceConfig"): ("a persona has one voice", "write voice.name"),
    ("inputAudioTranscription", "languageCodes"): (_OWN, "write languages.allowed"),
    ("outputAudioTranscription", "languageCodes"): (_OWN, "write languages.allowed"),
    ("realtimeInputConfig", "activityHandling"): (_OWN, "write barge_in.enabled"),
    **{
        ("realtimeInputConfig", "automaticActivityDetection", field): (_OWN, f"write vad.{key}")
        for field, key in (
            ("startOfSpeechSensitivity", "start_sensitivity"),
            ("endOfSpeechSensitivity", "end_sensitivity"),
            ("prefixPaddingMs", "prefix_padding"),
            ("silenceDurationMs", "silence"),
        )
    },
    ("realtimeInputConfig", "automaticActivityDetection", "disabled"): (_OWN, "write vad.mode"),
    ("tools",): ("tools can't be passed through", "write them under tools, and list them under the persona's tools"),
    ("responseModalities",): (_SET, _REMOVE),
    ("sessionResumption",): (_SET, _REMOVE),
    ("contextWindowCompression",): (_OWN, "write model.context"),
    ("historyConfig",): (_SET, _REMOVE),
    ("httpOptions",): ("how to reach the Live API is no matter of a flow", _REMOVE),
    ("generationConfig",): (_OLD, "write its fields directly under gemini"),
    ("translationConfig",): ("only models that translate take this, and they can't hold a call", _REMOVE),
    ("avatarConfig",): (_PHONE, _REMOVE),
    ("mediaResolution",): (_PHONE, _REMOVE),
    ("proactivity", "proactiveVideo"): (_PHONE, _REMOVE),
    **{
        (direction, field): refusal
        for direction in ("inputAudioTranscription", "outputAudioTranscription")
        for field, refusal in (
            ("languageAuto", (_OLD, "write languages.allowed")),
            ("languageHints", (_OLD, "write languages.allowed")),
            ("adaptationPhrases", (_OLD, "write custom_vocabulary")),
            ("sourceText", ("a phone call has no text to rewrite", _REMOVE)),
        )
    },
}

_HALF = re.compile("[\ud800-\udfff]")  # which JSON can't carry
_INT32 = 2**31 - 1  # proto's int32, as the Live API reads it
_RANGES: Mapping[Path, tuple[int, int]] = {
    ("topP",): (0, 1),
    ("topK",): (1, _INT32),
    ("maxOutputTokens",): (1, _INT32),
    ("seed",): (-_INT32, _INT32),
    ("thinkingConfig", "thinkingBudget"): (-1, _INT32),
}


def nodes(written: object, path: Path = (), named: Path = ()) -> Iterator[tuple[Path, Path, object]]:
    """Every value below: its path on the wire (camelCase), its path as written, and itself."""
    pairs = written.items() if isinstance(written, Mapping) else enumerate(written) if isinstance(written, list) else ()
    for key, value in pairs:
        name = camel(key) if isinstance(key, str) and path not in _FREE else key
        yield (*path, name), (*named, key), value
        yield from nodes(value, (*path, name), (*named, key))


def refused(gemini: Object) -> Iterator[Finding]:
    """What may not stand there whatever the model, at paths as written; of a section that may not, only itself."""
    seen: set[Path] = set()
    wrong: set[Path] = set()
    for path, written, value in nodes(gemini):
        if any(written[:length] in wrong for length in range(1, len(written))):
            continue
        why = _why_not(path, value, seen)
        if why:
            wrong.add(written)
            yield Finding(written, *why, at="key")
        seen.add(path)


def _why_not(path: Path, value: object, seen: Set[Path]) -> tuple[str, str] | None:
    if path in seen:
        return "written twice, in two spellings", "remove one"
    if value is None and isinstance(path[-1], str):
        return "has no value", "write one, or remove the key"
    if any(isinstance(text, str) and _HALF.search(text) for text in (path[-1], value)):
        return "holds half of a character", "write the character itself, not its escapes"
    return REFUSED.get(path)


def unfit(gemini: Object) -> Iterator[Finding]:
    """Values that the SDK's types take and the Live API doesn't, at paths as written."""
    found = {path: (written, value) for path, written, value in nodes(gemini)}
    for path, (least, most) in _RANGES.items():
        written, value = found.get(path, ((), None))
        if isinstance(value, int | float) and not isinstance(value, bool) and not least <= value <= most:
            yield Finding(written, f"takes {least} to {most}")
    for direction in ("inputAudioTranscription", "outputAudioTranscription"):
        if found.get((direction, "mode"), ((), ""))[1] != "SMART":
            continue
        for field in ("wordTimestamp", "diarization"):
            written, value = found.get((direction, field), ((), False))
            if value is True:
                yield Finding(written, "mode SMART has none", "remove it, or write mode: VERBATIM", at="key")


def without(value: Any, wrong: Set[Path], path: Path = ()) -> Any:
    """The block without the keys at these paths, as written. An item of a list becomes an empty text: others keep
    their places."""
    if isinstance(value, list):
        return ["" if (*path, n) in wrong else without(item, wrong, (*path, n)) for n, item in enumerate(value)]
    if not isinstance(value, Mapping):
        return value
    return {key: without(inner, wrong, (*path, key)) for key, inner in value.items() if (*path, key) not in wrong}


def camelled(gemini: Object) -> dict[str, Any]:
    """The block with LiveConnectConfig's aliases as names."""
    return {camel(key): value if (camel(key),) in _FREE else _camelled(value) for key, value in gemini.items()}


def _camelled(value: Any) -> Any:
    if isinstance(value, list):
        return [_camelled(item) for item in value]
    return {camel(key): _camelled(inner) for key, inner in value.items()} if isinstance(value, Mapping) else value


def wire(gemini: Object) -> dict[str, Any]:
    """The block as it stands in the first message."""
    fields = camelled(gemini)
    generation = {name: fields.pop(name) for name in tuple(fields) if name in GENERATION}
    return {**fields, "generationConfig": generation} if generation else fields


def merged(ours: Object, more: Object) -> dict[str, Any]:
    """Both, one within the other. They share no leaf: `refused` sees to it."""
    both = dict(ours)
    for key, value in more.items():
        own = both.get(key)
        both[key] = merged(own, value) if isinstance(own, Mapping) and isinstance(value, Mapping) else value
    return both
