"""The words in which the gateway speaks to the model: cues to say something, and what follows the persona's text."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from gateway.flow.model import Languages, Persona

_SAY = "Say exactly this, and nothing else: "

# Live models read tool results and markup aloud when nothing tells them not to.
_ON_THE_PHONE = (
    "You are on a phone call. Speak in plain sentences. "
    "Never read data aloud: no JSON, code, markup, field names or tool results word for word."
)

# The 70 languages of the Live API (ai.google.dev, Live API capabilities, supported languages, 18 February 2026), with
# the codes in use today for Hebrew and Norwegian beside Google's; any other goes by its code.
LANGUAGES = {
    "af": "Afrikaans",
    "am": "Amharic",
    "ar": "Arabic",
    "as": "Assamese",
    "az": "Azerbaijani",
    "be": "Belarusian",
    "bg": "Bulgarian",
    "bn": "Bengali",
    "bs": "Bosnian",
    "ca": "Catalan",
    "cs": "Czech",
    "da": "Danish",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "es": "Spanish",
    "et": "Estonian",
    "eu": "Basque",
    "fi": "Finnish",
    "fil": "Filipino",
    "fr": "French",
    "gl": "Galician",
    "gu": "Gujarati",
    "he": "Hebrew",
    "hi": "Hindi",
    "hr": "Croatian",
    "hu": "Hungarian",
    "hy": "Armenian",
    "id": "Indonesian",
    "is": "Icelandic",
    "it": "Italian",
    "iw": "Hebrew",
    "ja": "Japanese",
    "ka": "Georgian",
    "kk": "Kazakh",
    "km": "Khmer",
    "kn": "Kannada",
    "ko": "Korean",
    "lo": "Lao",
    "lt": "Lithuanian",
    "lv": "Latvian",
    "mk": "Macedonian",
    "ml": "Malayalam",
    "mn": "Mongolian",
    "mr": "Marathi",
    "ms": "Malay",
    "nb": "Norwegian",
    "ne": "Nepali",
    "nl": "Dutch",
    "no": "Norwegian",
    "or": "Odia",
    "pa": "Punjabi",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "ru": "Russian",
    "sk": "Slovak",
    "sl": "Slovenian",
    "sq": "Albanian",
    "sr": "Serbian",
    "sv": "Swedish",
    "sw": "Swahili",
    "ta": "Tamil",
    "te": "Telugu",
    "th": "Thai",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "ur": "Urdu",
    "uz": "Uzbek",
    "vi": "Vietnamese",
    "zh": "Chinese",
    "zu": "Zulu",
}


def say(text: str) -> str:
    """The cue that makes the model say `text`. Quoted as JSON, so that no text can end the quotation."""
    return _SAY + orjson.dumps(text).decode()


def wind_up(left_s: int) -> str:
    """The cue that tells the agent how long the call may still last. It is not the caller who speaks."""
    return (
        f"This is not the caller: the call ends in {left_s} seconds. "
        "Tell the caller so in one short sentence, in the language you are speaking, and come to an end."
    )


def nudge() -> str:
    """The cue for a model that owes an answer and says nothing."""
    return (
        "This is not the caller: the caller is waiting. Answer now; if you did not understand, ask them to repeat it."
    )


def go_on(said: str, before: str = "") -> str:
    """The cue after a break in mid-sentence. `said` is what the caller heard of the answer so far; `before`: what the
    session may not know of what came before it, a line a turn."""
    cue = (
        "This is not the caller: the line was interrupted for a moment while you spoke. The caller heard you say: "
        f"{orjson.dumps(said).decode()}. Go on from there; repeat nothing, and don't mention the interruption."
    )
    return f"{cue} Before that was said:\n{before}" if before else cue


def interrupted(last: str) -> str:
    """The cue after a break of which it isn't known what the caller heard. `last`: the last words before it, a line a
    turn."""
    return (
        "This is not the caller: the line was interrupted for a moment. The last words before that, as far as they "
        f"are known:\n{last}\nGo on from there: say again in short what the caller may not have heard, or ask them to "
        "repeat what you missed. Don't greet again, and don't introduce yourself again."
    )


def forgotten() -> str:
    """The cue for a session that takes a call over of which nothing is known any more."""
    return (
        "This is not the caller: you are in the middle of a call with them, and a technical fault made you forget what "
        "was said. Say in one short sentence that the line was interrupted, and ask the caller to tell you again what "
        "it is about. Don't greet, and don't introduce yourself."
    )


def untold(results: Mapping[str, object]) -> str:
    """The cue that tells what tools brought whose calls the session doesn't know. `results`: by the tools' names."""
    return (
        "This is not the caller: before an interruption of the line you had asked for this, and it was done. "
        f"The results: {orjson.dumps(results, default=str).decode()}. Go on with them; don't ask for them again."
    )


def seed(history: str) -> str:
    """What a session is told that takes a call over in the middle."""
    return (
        "You are in the middle of this call: the line to you was interrupted by a technical fault. It went so far:\n"
        f"{history}\n"
        "Go on from there. Don't greet again, don't introduce yourself again, and don't mention the fault."
    )


def parse_say(cue: str) -> str | None:
    """The stand-in's side: the text of a cue by `say`; None for any other words."""
    if not cue.startswith(_SAY):
        return None
    try:
        text = orjson.loads(cue[len(_SAY) :])
    except orjson.JSONDecodeError:
        return None
    return text if isinstance(text, str) else None


def instructions(persona: Persona, rendered: str) -> str:
    """The system instruction: the persona's instructions (`rendered`, without {{…}}), its languages, the phone."""
    return "\n\n".join((rendered.strip(), _languages(persona.languages), _ON_THE_PHONE)).strip()


def _languages(languages: Languages) -> str:
    primary = _name(languages.primary)
    others = [_name(code) for code in languages.allowed if code != languages.primary]
    if not others:
        return f"Speak only {primary}, whatever language the caller speaks."
    choice = " or ".join((", ".join(others[:-1]), others[-1])) if len(others) > 1 else others[0]
    return f"Begin in {primary}. When the caller speaks {choice}, answer in that language. Speak no other language."


def _name(code: str) -> str:
    name = LANGUAGES.get(code.split("-")[0].lower())
    return f"{name} ({code})" if name else code
