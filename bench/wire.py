"""Microseconds per message on the two wires, against json and base64 in the same run: python -m bench.wire

Each figure is the fastest of ROUNDS rounds of about ROUND_S seconds: what the code costs when nothing disturbs it.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from functools import partial
from time import perf_counter

from gateway.live import messages as live
from gateway.twilio import media

ROUNDS = 7
ROUND_S = 0.05

SID = "MZ" + "0123456789abcdef" * 2
Case = tuple[str, Callable[[], object], Callable[[], object]]


def measure(run: Callable[[], object]) -> float:
    """Microseconds per call."""
    count = 1
    while (taken := spend(run, count)) < ROUND_S:
        count = max(count * 2, int(count * ROUND_S / max(taken, 1e-6)))
    return min(spend(run, count) for _ in range(ROUNDS)) / count * 1e6


def spend(run: Callable[[], object], count: int) -> float:
    begun = perf_counter()
    for _ in range(count):
        run()
    return perf_counter() - begun


def cases() -> list[Case]:
    sound = random.Random(8).randbytes
    mulaw, up20, up40, down = sound(160), sound(640), sound(1280), sound(11_520)
    frame = media.build_from_twilio(media.CallerAudio(mulaw, 1234, 24_680, 1235), SID)
    reply = live.build_server(live.ModelAudio(down))
    return [
        ("twilio parse media, 20 ms", partial(media.parse, frame), partial(plain_caller_audio, frame)),
        ("twilio build media, 20 ms", partial(media.build, media.Play(mulaw), SID), partial(plain_play, mulaw)),
        ("live build SendAudio, 20 ms", partial(live.build, live.SendAudio(up20)), partial(plain_send_audio, up20)),
        ("live build SendAudio, 40 ms", partial(live.build, live.SendAudio(up40)), partial(plain_send_audio, up40)),
        ("live parse ModelAudio, 240 ms", partial(live.parse, reply), partial(plain_model_audio, reply)),
    ]


def plain_caller_audio(frame: str) -> media.CallerAudio:
    message = json.loads(frame)
    sent = message["media"]
    mulaw = base64.b64decode(sent["payload"], validate=True)
    return media.CallerAudio(mulaw, int(sent["chunk"]), int(sent["timestamp"]), int(message["sequenceNumber"]))


def plain_play(mulaw: bytes) -> str:
    payload = base64.b64encode(mulaw).decode()
    return json.dumps({"event": "media", "streamSid": SID, "media": {"payload": payload}})


def plain_send_audio(pcm: bytes) -> str:
    data = base64.b64encode(pcm).decode()
    return json.dumps({"realtimeInput": {"audio": {"mimeType": "audio/pcm;rate=16000", "data": data}}})


def plain_model_audio(reply: bytes) -> live.ModelAudio:
    parts = json.loads(reply)["serverContent"]["modelTurn"]["parts"]
    return live.ModelAudio(base64.b64decode(parts[0]["inlineData"]["data"], validate=True))


def main() -> None:
    print(f"{'µs per message':32}{'ours':>8}{'json+base64':>14}{'ratio':>8}")
    for name, ours, plain in cases():
        mine, theirs = measure(ours), measure(plain)
        print(f"{name:32}{mine:8.2f}{theirs:14.2f}{theirs / mine:8.1f}")


if __name__ == "__main__":
    main()
