"""The TwiML of each step, and the sound of question six. Pure."""

from __future__ import annotations

import numpy as np
from twilio.twiml import voice_response  # type: ignore[import-untyped]

from deploy.probe.questions import QUESTIONS
from gateway.audio import mulaw

RATE = 8_000
BEEP_MS = 70  # and as long a pause: five and their pauses fit into a second
RECORD_S = 5


def streaming(public_url: str, number: int) -> str:
    """Says the question and opens its stream. `<Connect action>` and the verb after it lead to different URLs, so that
    one can tell which of them Twilio asks."""
    document = voice_response.VoiceResponse()
    document.say(QUESTIONS[number].says)
    connect = voice_response.Connect(action=f"{public_url}/action/{number}", method="POST")
    connect.stream(
        url=f"{stream_url(public_url, number)}",
        name=f"question-{number}",
        status_callback=f"{public_url}/stream-status/{number}",
        status_callback_method="POST",
    )
    document.append(connect)
    document.redirect(f"{public_url}/verb/{number}", method="POST")
    return str(document)


def recording(public_url: str, number: int) -> str:
    """Records what the tester's phone picks up: no beep of its own, nothing trimmed. A recording without any sound has
    no `action`, so the next verb leads to the same place (twilio.com/docs/voice/twiml/record)."""
    document = voice_response.VoiceResponse()
    done = f"{public_url}/recorded/{number}"
    document.record(max_length=RECORD_S, play_beep=False, trim="do-not-trim", action=done, method="POST")
    document.redirect(done, method="POST")
    return str(document)


def goodbye() -> str:
    document = voice_response.VoiceResponse()
    document.say("That is all. Goodbye.")
    document.hangup()
    return str(document)


def stream_url(public_url: str, number: int) -> str:
    return f"wss://{public_url.removeprefix('https://')}/stream/{number}"


def counted(second: int) -> bytes:
    """A second of mu-law: so many beeps as its number (at most seven), each second higher than the one before."""
    beep = np.sin(2 * np.pi * (350 + 100 * second) / RATE * np.arange(BEEP_MS * RATE // 1000))
    pcm = np.zeros(RATE)
    for count in range(second):
        at = 2 * count * len(beep)
        pcm[at : at + len(beep)] = 8_000 * beep
    return mulaw.encode(pcm.astype(np.int16))
