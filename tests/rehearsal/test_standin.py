"""The stand-in over real sockets: turns, barge-in, manual activity, tools, resumption, goAway and every refusal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

import pytest
from websockets.exceptions import InvalidStatus

from gateway.live import cues
from gateway.live.messages import (
    ContentTurn,
    FunctionResult,
    GenerationComplete,
    GoingAway,
    InputTranscript,
    Interrupted,
    ModelAudio,
    OutputTranscript,
    Ready,
    ResumptionUpdate,
    SendActivityEnd,
    SendActivityStart,
    SendAudioStreamEnd,
    SendContent,
    SendText,
    SendToolResults,
    ServerMessage,
    ToolCall,
    ToolCallCancelled,
    TurnComplete,
    Usage,
    VoiceActivity,
)
from gateway.rehearsal.rates import resample
from gateway.rehearsal.voice import Speaker, Voice, VoiceError, tones
from tests.rehearsal.standin.house import (
    BEARER,
    DEVELOPER,
    KEY,
    LINE,
    LONG,
    SETUP,
    SILENCE,
    VERTEX,
    VERTEX_MODEL,
    WORD_MS,
    Rehearsal,
    audio,
    heard,
    kinds,
    quick,
    realtime,
    recorded,
    rehearse,
    said,
)

# Turns


def test_a_cue_is_said_exactly_in_the_documented_order() -> None:
    async def test(house: Rehearsal) -> None:
        async with house.session() as client:
            await client.send(SendText(cues.say("Good day, this is Ava.")))
            start = time.monotonic()
            messages = await client.until(TurnComplete, ResumptionUpdate)
            took = time.monotonic() - start
        assert kinds(messages) == [
            ResumptionUpdate, OutputTranscript, ModelAudio, GenerationComplete, TurnComplete, Usage, ResumptionUpdate,
        ]  # fmt: skip
        assert said(messages) == "Good day, this is Ava."
        seconds = len(audio(messages)) / 48_000
        assert seconds <= took < seconds + 0.3  # turnComplete waits until it was played
        first, last = [message for message in messages if isinstance(message, ResumptionUpdate)]
        assert (first.handle, first.resumable) == ("", False)
        assert last.handle
        assert last.resumable

    rehearse(test)


def test_speech_comes_in_messages_of_240_ms_faster_than_real_time() -> None:
    async def test(house: Rehearsal) -> None:
        async with house.session() as client:
            await client.send(SendText(cues.say("one two three four five")))
            start = time.monotonic()
            messages = await client.until(GenerationComplete)
            took = time.monotonic() - start
        sizes = [len(message.pcm) for message in messages if isinstance(message, ModelAudio)]
        assert set(sizes[:-1]) == {11_520}
        assert sum(sizes) / 48_000 > 2.5 * took

    rehearse(test, voice=Voice("tones", tones))


@pytest.mark.parametrize("rate", [8_000, 16_000])
def test_a_person_s_line_in_a_burst_is_heard_and_answered(rate: int) -> None:
    async def test(house: Rehearsal) -> None:
        async with house.session() as client:
            await client.speak(resample(SILENCE + recorded() + SILENCE, 16_000, rate), rate)
            messages = await client.until(TurnComplete)
        assert heard(messages) == LINE
        assert said(messages) == "Yes, ten of clubs."
        assert kinds(messages)[:2] == [InputTranscript, ResumptionUpdate]
        [fields] = house.told("heard")
        assert fields["known"] is True
        assert 950 <= float(fields["start_ms"] or 0) <= 1_250
        assert 1_600 <= float(fields["end_ms"] or 0) <= 2_150

    rehearse(test)


def test_unknown_speech_is_transcribed_as_what_it_is() -> None:
    async def test(house: Rehearsal) -> None:
        async with house.session() as client:
            await client.speak(recorded("librivox-0930") + SILENCE)
            messages = await client.until(TurnComplete)
        seconds = heard(messages).removeprefix("(speech, ").removesuffix(" s)")
        assert 1.5 < float(seconds) < 3.3
        assert said(messages) == f"First answer to {seconds} seconds of speech."

    rehearse(test)


def test_the_end_of_the_stream_ends_the_turn() -> None:
    async def test(house: Rehearsal) -> None:
        async with house.session() as client:
            await client.speak(recorded())
            await client.send(SendAudioStreamEnd())
            assert heard(await client.until(TurnComplete)) == LINE
            await client.speak(SILENCE + recorded() + SILENCE)
            assert heard(await client.until(TurnComplete)) == LINE

    rehearse(test)


def test_silence_starts_nothing() -> None:
    async def test(house: Rehearsal) -> None:
        async with house.session() as client:
            await client.speak(SILENCE * 3)
            await client.send(SendText("hello"))
            await client.until(TurnComplete)
        assert house.told("speech-started") == []

    rehearse(test)


def test_a_long_silence_duration_joins_two_utterances() -> None:
    detection = {"automaticActivityDetection": {"silenceDurationMs": 2_000, "prefixPaddingMs": 20}}

    async def test(house: Rehearsal) -> None:
        async with house.session(realtime(**detection)) as client:
            await client.speak(recorded() + SILENCE + recorded() + SILENCE * 3)
            await client.until(TurnComplete)
        assert len(house.told("speech-started")) == 1

    rehearse(test)


def test_text_and_content_are_answered() -> None:
    async def test(house: Rehearsal) -> None:
        async with house.session() as client:
            await client.send(SendText("Ten of clubs!"))
            assert said(await client.until(TurnComplete)) == "Yes, Ten of clubs."
            await client.send(SendContent((ContentTurn("user", "seed"), ContentTurn("model", "ok")), complete=False))
            await client.send(SendContent((ContentTurn("user", "so?"),)))  # the one before was answered: it was told so
            assert said(await client.until(TurnComplete)) == "Third answer."

    rehearse(test)


def test_a_voice_that_fails_in_mid_call_goes_on_as_tones_and_says_so_once_a_text() -> None:
    def hoarse(text: str, speaker: Speaker) -> tuple[bytes, int]:
        if "o" in text.lower():
            raise VoiceError("hoarse can't speak: out of breath")
        return quick(text, speaker)

    async def test(house: Rehearsal) -> None:
        async with house.session() as client:
            await client.send(SendText(cues.say("Three. Two. One.")))
            failed = await client.until(TurnComplete)
            await client.send(SendText(cues.say("Three six.")))
            assert len(audio(await client.until(TurnComplete))) == 2 * WORD_MS * 48
        assert said(failed) == "Three. Two. One."
        assert len(audio(failed)) > 600 * 48
        [told] = house.told("voice-failed")
        assert (told["voice"], told["why"]) == ("hoarse", "hoarse can't speak: out of breath")

    rehearse(test, voice=Voice("hoarse", hoarse, pause_ms=0))


# Barge-in


def test_barge_in_interrupts_at_once() -> None:
    async def test(house: Rehearsal) -> None:
        async with house.session() as client:
            await client.send(SendText(LONG))
            await client.until(ModelAudio)
            sent = time.monotonic()
            await client.speak(recorded() + SILENCE)
            messages = await client.until(Interrupted)
            took = time.monotonic() - sent
            rest = await client.until(TurnComplete)
            assert kinds(rest) == [TurnComplete, Usage]
            answer = await client.until(TurnComplete)
        assert GenerationComplete not in kinds(messages)
        assert took < 0.3
        assert said(answer) == "Yes, ten of clubs."
        [fields] = house.told("interrupted")
        assert sent <= float(fields["t"] or 0) <= sent + took

    rehearse(test)


def test_barge_in_works_between_the_last_sound_sent_and_the_last_sound_played() -> None:
    async def test(house: Rehearsal) -> None:
        async with house.session() as client:
            await client.send(SendText(LONG))
            await client.until(GenerationComplete)
            await client.speak(recorded())
            assert kinds(await client.until(TurnComplete)) == [Interrupted, TurnComplete, Usage]

    rehearse(test)


def test_no_interruption_answers_afterwards() -> None:
    async def test(house: Rehearsal) -> None:
        async with house.session(realtime(activityHandling="NO_INTERRUPTION")) as client:
            await client.send(SendText(cues.say("This must be heard.")))
            await client.until(ModelAudio)
            await client.speak(recorded() + SILENCE)
            first = await client.until(TurnComplete)
            second = await client.until(TurnComplete)
        assert Interrupted not in kinds(client.came)
        assert GenerationComplete in kinds(first)
        assert said(second) == "Yes, ten of clubs."

    rehearse(test)


def test_content_interrupts() -> None:
    async def test(house: Rehearsal) -> None:
        async with house.session() as client:
            await client.send(SendText(LONG))
            await client.until(ModelAudio)
            await client.send(SendContent((), complete=False))
            assert Interrupted in kinds(await client.until(TurnComplete))

    rehearse(test)


# Manual activity, signals


def test_manual_activity() -> None:
    async def test(house: Rehearsal) -> None:
        async with house.session(realtime(automaticActivityDetection={"disabled": True})) as client:
            await client.speak(recorded("cards-005") + SILENCE)  # outside a pair: not heard
            await client.send(SendActivityStart())
            await client.speak(recorded())
            await client.send(SendActivityEnd())
            assert heard(await client.until(TurnComplete)) == LINE
            await client.send(SendText(LONG))
            await client.until(ModelAudio)
            await client.send(SendActivityStart())
            await client.until(Interrupted)

    rehearse(test)


def test_vertex_signals_voice_activity_and_spells_its_usage() -> None:
    setup = {"model": VERTEX_MODEL, "explicitVadSignal": True, "sessionResumption": {"transparent": True}}

    async def test(house: Rehearsal) -> None:
        async with house.session(setup, VERTEX, BEARER) as client:
            await client.speak(SILENCE + recorded() + SILENCE * 2)
            messages = await client.until(TurnComplete, ResumptionUpdate)
        signals = [message for message in messages if isinstance(message, VoiceActivity)]
        assert [signal.kind for signal in signals] == ["start", "end"]
        assert 0.9 < signals[0].offset_s < signals[1].offset_s < 2.2
        update = messages[-1]
        assert isinstance(update, ResumptionUpdate)
        assert update.last_index is not None
        assert update.last_index > 50
        assert not heard(messages) + said(messages)  # not asked for

    rehearse(test)


# Tools


def test_a_tool_round_trip() -> None:
    async def test(house: Rehearsal) -> None:
        async with house.session() as client:
            await client.send(SendText("book it"))
            call = (await client.until(ToolCall))[-1]
            assert isinstance(call, ToolCall)
            [function] = call.calls
            assert (function.name, function.args) == ("book", {"day": "Monday"})
            await client.send(SendToolResults((FunctionResult("other", "book", {}),)))
            await client.send(SendToolResults((FunctionResult(function.id, "book", {"result": "nine"}),)))
            assert said(await client.until(TurnComplete)) == "Booked: nine."
        assert [fields["known"] for fields in house.told("tool-response")] == [False, True]

    rehearse(test)


def test_an_unanswered_tool_call_keeps_silent_until_the_caller_cancels_it() -> None:
    async def test(house: Rehearsal) -> None:
        async with house.session() as client:
            await client.send(SendText("book it"))
            await client.until(ToolCall)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.socket.recv(), 0.3)
            await client.speak(recorded() + SILENCE)
            messages = await client.until(ToolCallCancelled, TurnComplete, TurnComplete)
        assert said(messages) == "Yes, ten of clubs."
        assert Interrupted not in kinds(messages)

    rehearse(test)


def test_a_silent_result_ends_the_turn() -> None:
    async def test(house: Rehearsal) -> None:
        async with house.session() as client:
            await client.send(SendText("book it"))
            call = (await client.until(ToolCall))[-1]
            assert isinstance(call, ToolCall)
            await client.send(SendToolResults((FunctionResult(call.calls[0].id, "book", {}, "SILENT"),)))
            assert kinds(await client.until(TurnComplete)) == [TurnComplete, Usage]

    rehearse(test)


# The end of a connection


def test_resumption_restores_the_state_as_of_the_handle() -> None:
    def handle(messages: list[ServerMessage]) -> str:
        return [message.handle for message in messages if isinstance(message, ResumptionUpdate)][-1]

    async def test(house: Rehearsal) -> None:
        async with house.session() as client:
            await client.send(SendText("one"))
            early = handle(await client.until(TurnComplete, ResumptionUpdate))
            await client.send(SendText("two"))
            late = handle(await client.until(TurnComplete, ResumptionUpdate))
            again = {"setup": {**SETUP, "sessionResumption": {"handle": late}}}
            assert (await house.refusal(again))[0] == 1011
        for kept, expected in ((late, "Third answer."), (early, "Second answer.")):
            async with house.session({**SETUP, "sessionResumption": {"handle": kept}}) as client:
                await client.send(SendText("and now?"))
                assert said(await client.until(TurnComplete)) == expected
        assert [fields["resumed"] for fields in house.told("setup")] == [False, True, True]

    rehearse(test)


def test_a_connection_ends_after_its_time_with_a_warning() -> None:
    async def test(house: Rehearsal) -> None:
        async with house.session() as client:
            start = time.monotonic()
            away = (await client.until(GoingAway))[-1]
            assert isinstance(away, GoingAway)
            assert away.time_left_s == pytest.approx(0.2, abs=0.05)
            assert await client.closed() == (1008, "The operation was aborted")
            assert time.monotonic() - start < 0.6

    rehearse(test, connection_s=0.4)


def test_the_script_can_send_go_away() -> None:
    async def test(house: Rehearsal) -> None:
        async with house.session() as client:
            await client.send(SendText("leave"))
            away = (await client.until(GoingAway))[-1]
            assert isinstance(away, GoingAway)
            assert away.time_left_s == pytest.approx(0.3, abs=0.05)  # what is left when it goes out
            assert await client.closed() == (1008, "The operation was aborted")
        assert house.told("closing")[0]["code"] == 1008

    rehearse(test)


# Refusals

INVALID = "Request contains an invalid argument."
ONLY_FIRST = "setup must be the first message and only the first"
NOT_FOUND = "is not found for API version v1beta, or is not supported for bidiGenerateContent"


def altered(**changes: object) -> dict[str, object]:
    return {"setup": {"model": "models/gemini-3.8-live", **changes}}


def vad(**changes: object) -> dict[str, object]:
    return altered(realtimeInputConfig={"automaticActivityDetection": changes})


@pytest.mark.parametrize(
    ("frames", "code", "reason"),
    [
        ([{"realtimeInput": {"text": "hi"}}], 1007, ONLY_FIRST),
        ([altered(), altered()], 1007, ONLY_FIRST),
        (["{"], 1007, "Invalid JSON payload received"),
        ([altered(modle=1)], 1007, 'Unknown name "modle" at \'setup\''),
        ([{"realtime": {}}], 1007, 'Unknown name "realtime"'),
        ([{"setup": {"model": "models/gemini-2.5-flash"}}], 1008, f"models/gemini-2.5-flash {NOT_FOUND}"),
        ([{"setup": {"model": "gemini-3.8-live"}}], 1008, NOT_FOUND),
        ([{"setup": {"model": "models/gemini-live-2.5-flash-native-audio"}}], 1008, NOT_FOUND),
        ([{"setup": {}}], 1008, NOT_FOUND),
        ([altered(generationConfig={"thinkingConfig": {"thinkingLevel": "LOW"}})], 1007, "not supported"),
        ([altered(model="models/gemini-3.8-live-extended-thinking")], 1007, "Exactly one of thinking_level"),
        ([altered(generationConfig={"responseModalities": ["TEXT"]})], 1007, INVALID),
        ([altered(generationConfig={"enableAffectiveDialog": True})], 1007, INVALID),
        ([altered(proactivity={"proactiveAudio": False})], 1007, INVALID),
        ([altered(sessionResumption={"handle": None})], 1007, INVALID),
        ([altered(sessionResumption={"handle": "unknown"})], 1007, INVALID),
        ([altered(sessionResumption={"transparent": True})], 1007, INVALID),
        ([altered(explicitVadSignal=True)], 1007, INVALID),
        ([vad(startOfSpeechSensitivity="VERY")], 1007, "startOfSpeechSensitivity"),
        ([vad(endOfSpeechSensitivity="START_SENSITIVITY_HIGH")], 1007, "endOfSpeechSensitivity"),
        ([vad(prefixPaddingMs=-1)], 1007, INVALID),
        ([vad(silenceDurationMs=60_001)], 1007, INVALID),
        ([vad(disabled="yes")], 1007, "expected a boolean"),
        ([altered(realtimeInputConfig={"activityHandling": "SOME"})], 1007, "activityHandling"),
        ([altered(), {"realtimeInput": {"activityStart": {}}}], 1007, "Explicit activity control"),
        ([vad(disabled=True), {"realtimeInput": {"audioStreamEnd": True}}], 1007, "Audio stream end"),
        ([altered(), {"realtimeInput": {"audio": {"mimeType": "audio/pcm;rate=8001", "data": ""}}}], 1007, INVALID),
        ([altered(), {"toolResponse": {"functionResponses": [{"name": "x", "response": {}}]}}], 1007, INVALID),
    ],
)  # fmt: skip
def test_refusals(frames: list[object], code: int, reason: str) -> None:
    async def test(house: Rehearsal) -> None:
        closed = await house.refusal(*frames)
        assert closed[0] == code
        assert reason in closed[1]

    rehearse(test)


def test_content_in_mid_call_is_refused_by_3_1() -> None:
    async def test(house: Rehearsal) -> None:
        async with house.session({"model": "models/gemini-3.1-flash-live-preview"}) as client:
            await client.speak(SILENCE)
            await client.send(SendContent(()))
            assert (await client.closed())[0] == 1007

    rehearse(test)


@pytest.mark.parametrize("headers", [{"x-goog-api-key": "bad"}, {}])
@pytest.mark.parametrize("slash", ["", "/"])
def test_a_bad_key_is_refused_after_the_upgrade(headers: Mapping[str, str], slash: str) -> None:
    async def test(house: Rehearsal) -> None:
        code, reason = await house.refusal(path=slash + DEVELOPER, headers=headers)
        assert (code, reason) == (1007, "API key not valid. Please pass a valid API key.")

    rehearse(test)


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [("/", KEY, 404), (DEVELOPER + "s", KEY, 404), (VERTEX, {}, 401), (VERTEX, {"Authorization": "Bearer "}, 401)],
)
def test_other_doors_stay_shut(path: str, headers: Mapping[str, str], status: int) -> None:
    async def test(house: Rehearsal) -> None:
        with pytest.raises(InvalidStatus) as caught:
            await house.refusal(path=path, headers=headers)
        assert caught.value.response.status_code == status

    rehearse(test)


@pytest.mark.parametrize(
    ("path", "headers", "model"),
    [
        ("/" + DEVELOPER, KEY, "models/gemini-3.8-live"),
        (DEVELOPER + "?key=any", {}, "models/gemini-3.8-live"),
        ("/" + VERTEX, BEARER, VERTEX_MODEL),
        (VERTEX, KEY, "publishers/google/models/gemini-3.8-live"),
    ],
)
def test_every_way_in(path: str, headers: Mapping[str, str], model: str) -> None:
    async def test(house: Rehearsal) -> None:
        async with house.session({"model": model}, path, headers) as client:
            assert kinds(client.came) == [Ready]

    rehearse(test)
