"""The languages in which Twilio's <Say> reads, and the lines whose words it can't. Pure. Twilio Functions choose the
same (`twilio-functions/assets/say.private.js`), and `tests/contract/say.json` holds the two together."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.flow.model import Finding, Flow, Number

# <Say language> of twilio.com/docs/voice/twiml/say/text-speech, as Twilio's own libraries list them: it takes a locale,
# never a language alone, and another one may end the call.
_LOCALES = """
    af-ZA am-ET ar-AE ar-XA arb bg-BG bn-IN ca-ES cmn-CN cmn-TW cs-CZ cy-GB da-DK de-AT de-DE el-GR en-AU en-CA en-GB
    en-GB-WLS en-IE en-IN en-NZ en-US en-ZA es-ES es-MX es-US fi-FI fil-PH fr-BE fr-CA fr-FR gu-IN he-IL hi-IN hu-HU
    id-ID is-IS it-IT ja-JP kn-IN ko-KR lv-LV ml-IN mr-IN ms-MY nb-NO nl-BE nl-NL pa-IN pl-PL pt-BR pt-PT ro-RO ru-RU
    sk-SK sr-RS sv-SE ta-IN te-IN th-TH tr-TR uk-UA vi-VN yue-HK zh-CN zh-HK zh-TW
"""
LOCALES = frozenset(_LOCALES.split())
# The locale of a language without a region, and of a region that Twilio hasn't. Not here: languages with one locale.
USUAL = {
    "ar": "ar-XA",
    "cmn": "cmn-CN",
    "de": "de-DE",
    "en": "en-US",
    "es": "es-ES",
    "fr": "fr-FR",
    "in": "id-ID",
    "iw": "he-IL",
    "nl": "nl-NL",
    "nn": "nb-NO",
    "no": "nb-NO",
    "pt": "pt-BR",
    "tl": "fil-PH",
    "zh": "cmn-CN",
}
# Spanish outside Spain is spoken as in Mexico, English outside America and Portuguese outside Brazil as in Europe.
ELSEWHERE = {"en": "en-GB", "es": "es-MX", "pt": "pt-PT"}

_BY_CODE = {locale.lower(): locale for locale in LOCALES}
_ALONE = {locale.split("-")[0]: locale for locale in sorted(LOCALES, reverse=True)}


def locale(code: str) -> str:
    """The locale in which Twilio reads a language code (BCP 47, any case): itself, else the nearest of its language;
    empty where Twilio doesn't speak it. A script is left out: `zh-Hant-TW` is `zh-TW`."""
    base, *rest = code.lower().split("-")
    region = next((part for part in rest if len(part) in (2, 3)), "")
    nearest = _BY_CODE.get(code.lower()) or _BY_CODE.get(f"{base}-{region}")
    return nearest or (region and ELSEWHERE.get(base)) or USUAL.get(base) or _ALONE.get(base, "")


def judge(flow: Flow) -> Iterator[Finding]:
    """The lines whose words Twilio would read in another language than the line's."""
    for at, line in enumerate(flow.numbers):
        persona = flow.personas.get(line.persona)
        code = line.language or (persona.languages.primary if persona else "")
        if code and _is_read(flow, line) and not locale(code):
            place = ("numbers", at, "language") if line.language else ("personas", line.persona, "languages", "primary")
            message = "Twilio has no voice for this language: it would read this line's announcement as English"
            hint = "let `closed` name a persona, and keep `fallback.say` in a language that Twilio speaks"
            yield Finding(place, message, hint, "warning", piece=code)


def _is_read(flow: Flow, line: Number) -> bool:
    hours = flow.hours.get(line.hours)
    return line.fallback is not None or (hours is not None and hours.closed.announcement is not None)
