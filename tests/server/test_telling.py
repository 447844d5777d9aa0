"""A call's notes as operators get them: a line each with its figures, and what they add up to."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gateway.call.facts import Note
from gateway.live import messages as live
from gateway.server.telling import Telling
from gateway.telemetry.log import LABELS, SAMPLED, SPAN, TRACE, configure
from gateway.telemetry.metrics import Metrics
from gateway.twilio import media
from tests.server.world import Model, Phone, World, http, play

SPEECH = bytes(np.tile(np.array([0x00, 0x80], dtype=np.uint8), 80))  # full scale, both signs
LABEL = {"call_sid": "CA1", "stream_sid": "MZ1"}
TRACED = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
AGENT = {
    "speaker": "agent",
    "start_ms": 420,
    "end_ms": 1500,
    "heard_ms": 900,
    "response_ms": None,
    "interrupted": False,
}


def told(*notes: Note, first: bool = True) -> tuple[Metrics, list[dict[str, Any]]]:
    out, metrics = io.StringIO(), Metrics()
    telling = Telling(configure("json", "info", out), metrics, LABEL, first=first)
    for note in notes:
        telling.tell(note)
    return metrics, [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_note_is_a_line() -> None:
    _, (line,) = told(Note("turn", 1500, AGENT, {"text": "Good day."}, "warning"))
    assert (line["message"], line["severity"], line["at_ms"]) == ("turn", "WARNING", 1500)
    assert line[LABELS] == LABEL
    assert line["private"] == {"text": "Good day."}


def test_turns_tell_how_fast_the_agent_answers() -> None:
    caller = {"speaker": "caller", "start_ms": 2000, "end_ms": 2500, "heard_ms": 500}
    answer = {**AGENT, "start_ms": 3140, "response_ms": 640}
    metrics, lines = told(Note("turn", 1, AGENT), Note("turn", 2, caller), Note("turn", 3, answer))
    assert [line["speaker"] for line in lines] == ["agent", "caller", "agent"]
    assert metrics.get("gateway_turns_total", speaker="agent") == 2
    assert metrics.get("gateway_turns_total", speaker="caller") == 1
    assert metrics.get("gateway_turn_response_latency_seconds") == 1
    (_, latency) = next(metrics.histograms("gateway_turn_response_latency_seconds"))
    assert latency.sum == pytest.approx(0.64)


@pytest.mark.parametrize(
    ("turns", "first", "sums"),
    [
        ([AGENT, {**AGENT, "start_ms": 9000}], True, [0.42]),
        ([{**AGENT, "heard_ms": 0, "start_ms": 0}, AGENT], True, [0.42]),
        ([{"speaker": "caller", "start_ms": 1, "end_ms": 2, "heard_ms": 1}], True, [0]),
        ([AGENT], False, [0]),
    ],
    ids=["once a call", "a turn that nobody heard", "the caller's", "a stream that goes on with a call"],
)
def test_the_first_sound(turns: list[dict[str, Any]], first: bool, sums: list[float]) -> None:
    metrics, _ = told(*(Note("turn", 1, turn) for turn in turns), first=first)
    found = [counted.sum for _, counted in metrics.histograms("gateway_call_time_to_first_audio_seconds")]
    assert found == pytest.approx(sums)


def test_reconnections_and_among_them_those_that_were_announced() -> None:
    metrics, _ = told(
        Note("model-back", 1, {"how": "resumed", "gap_ms": 250, "why": "going-away"}),
        Note("model-back", 2, {"how": "fresh", "gap_ms": 4000, "why": "transient"}),
    )
    assert metrics.get("gateway_model_reconnects_total", how="resumed") == 1
    assert metrics.get("gateway_model_reconnects_total", how="fresh") == 1
    assert metrics.get("gateway_handover_total", reason="goaway", resumed="true") == 1
    assert metrics.get("gateway_handover_gap_seconds", reason="goaway") == 1
    assert sum(number for _, number in metrics.samples("gateway_handover_total")) == 1


def test_a_hand_over_is_a_line_and_a_number() -> None:
    out, metrics = io.StringIO(), Metrics()
    telling = Telling(configure("json", "info", out), metrics, LABEL, first=False)
    telling.handed_over("sigterm", resumed=True, gap_s=0.3121)
    telling.handed_over("crash", resumed=False)
    first, second = (json.loads(line) for line in out.getvalue().splitlines())
    assert (first["message"], first["reason"], first["resumed"], first["gap_ms"]) == (
        "handed-over",
        "sigterm",
        True,
        312,
    )
    assert (second["reason"], second["resumed"]) == ("crash", False)
    assert first[LABELS] == second[LABELS] == LABEL
    assert metrics.get("gateway_handover_total", reason="sigterm", resumed="true") == 1
    assert metrics.get("gateway_handover_gap_seconds", reason="sigterm") == 1
    assert metrics.get("gateway_handover_gap_seconds", reason="crash") == 0


# real calls


def sound(ms: int) -> live.ModelAudio:
    time = np.arange(24 * ms) / 24_000
    return live.ModelAudio((9000 * np.sin(2 * np.pi * 440 * time)).astype(np.int16).tobytes())


async def heard(phone: Phone, ms: int) -> None:
    """Twilio plays so much of the agent's sound."""
    played = 0
    while played < ms:
        played += len((await phone.expect(media.Play)).mulaw) // 8


async def conversation(world: World) -> tuple[Phone, Model]:
    """A greeting that is interrupted, a connection that ends, another one, and a caller who hangs up."""
    phone = await world.phone(TRACED)
    await phone.start()
    model = await world.model()
    await model.expect(live.Setup)
    await model.say(live.Ready())
    await model.expect(live.SendText)
    await model.say(live.ResumptionUpdate("h1", True), live.OutputTranscript("Good day to you."), *[sound(240)] * 4)
    await heard(phone, 300)
    for _ in range(20):
        await phone.say(SPEECH)
    await model.say(live.InputTranscript("Wait please."), live.Interrupted(), live.Usage(50, 20))
    await phone.expect(media.Clear)
    await model.close(1011, "Internal error")
    again = await world.model()
    await again.expect(live.Setup)
    await again.say(live.Ready())
    await world.note("model-back")
    return phone, again


def test_a_call_is_told_from_its_start_to_its_end_with_figures(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        phone, _ = await conversation(world)
        await phone.stop()
        await world.note("call-ended")
        wanted = {
            "call-started": ("flow", "line", "persona", "model"),
            "model-ready": ("after_ms",),
            "barge-in": ("heard_ms",),
            "turn": ("speaker", "start_ms", "end_ms", "heard_ms"),
            "model-gone": ("code", "kind"),
            "model-back": ("how", "why", "gap_ms"),
            "call-ended": ("ended", "duration_ms", "turns", "barge_ins", "reconnects", "response_ms", "prompt_tokens"),
        }
        for name, figures in wanted.items():
            (line, *_) = world.notes(name)
            assert [key for key in figures if key not in line] == [], name
            assert line[LABELS] == {"call_sid": "CA1", "stream_sid": "MZ1"}
            assert line[TRACE] == "projects/my-project/traces/0af7651916cd43dd8448eb211c80319c"
            assert line[SPAN] == "b7ad6b7169203331"

    play(tmp_path, scenario, GOOGLE_CLOUD_PROJECT="my-project")


def test_a_webhooks_lines_belong_to_its_request(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        trace = {"X-Cloud-Trace-Context": "0af7651916cd43dd8448eb211c80319c/255;o=1"}
        assert (await http(world.url + "/twiml", b"From=a", trace))[0] == 403
        assert (await http(world.url + "/twiml", b"From=a"))[0] == 403
        first, second = world.notes("webhook-refused")
        assert first[TRACE] == "projects/my-project/traces/0af7651916cd43dd8448eb211c80319c"
        assert (first[SPAN], first[SAMPLED]) == ("00000000000000ff", True)
        assert TRACE not in second

    play(tmp_path, scenario, GOOGLE_CLOUD_PROJECT="my-project", AUTH="required", TWILIO_AUTH_TOKEN="t" * 32)


def test_a_drained_calls_lines_belong_to_its_own_request(tmp_path: Path) -> None:
    """What ends it happens elsewhere: in the drain."""

    async def scenario(world: World) -> None:
        phone = await world.phone(TRACED)
        await phone.start(line="quiet")
        await world.model()
        world.exchange.drain()
        assert (await world.note("call-ended"))[TRACE].endswith("/0af7651916cd43dd8448eb211c80319c")

    play(tmp_path, scenario, GOOGLE_CLOUD_PROJECT="my-project")


def test_a_call_is_counted(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        phone, _ = await conversation(world)
        await phone.stop()
        await world.note("call-ended")
        metrics = world.exchange.metrics
        assert metrics.get("gateway_barge_in_total") == 1
        assert metrics.get("gateway_call_time_to_first_audio_seconds") == 1
        assert metrics.get("gateway_model_reconnects_total", how="resumed") == 1
        assert metrics.get("gateway_calls_ended_total", reason="caller-hung-up") == 1
        assert metrics.get("gateway_call_duration_seconds") == 1
        assert metrics.get("gateway_turns_total", speaker="agent") == 1
        assert metrics.get("gateway_tokens_total", kind="prompt") == 50
        assert metrics.get("gateway_tokens_total", kind="response") == 20

    play(tmp_path, scenario)
