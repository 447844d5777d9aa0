"""The conversation as a script: client messages and the workers' results in, whole order lists out."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.live import cues
from gateway.live.messages import (
    ClientMessage,
    ContentTurn,
    FunctionCall,
    FunctionResult,
    GenerationComplete,
    GoingAway,
    InputTranscript,
    Interrupted,
    LiveProtocolError,
    ModelAudio,
    OutputTranscript,
    ResumptionUpdate,
    SendActivityEnd,
    SendActivityStart,
    SendAudio,
    SendAudioStreamEnd,
    SendContent,
    SendContextUpdate,
    SendText,
    SendToolResults,
    Setup,
    ToolCall,
    ToolCallCancelled,
    TurnComplete,
    Usage,
    VoiceActivity,
)
from gateway.live.models import Backend
from gateway.rehearsal.standin.lifetime import Lifetime
from gateway.rehearsal.standin.orders import Order, Recognise, Send, Synthesise, Told
from gateway.rehearsal.standin.resumption import Resumption, Saved
from gateway.rehearsal.standin.script import Reply, Script, Tool
from gateway.rehearsal.standin.setup import Detection, Wishes
from gateway.rehearsal.standin.speaker import CHUNK, CHUNK_S
from gateway.rehearsal.standin.talk import KEPT, MAX_CHARS, House, Talk
from gateway.rehearsal.standin.turns import Ended

MODEL = "gemini-3.8-live"
RATE = 12_000  # webrtcvad has no say at this rate, so tones count as speech
SCRIPT = Script(
    (
        Reply("book it", "Booked {{result}} for {{heard}}.", Tool("book", {"day": "Monday"})),
        Reply("leave", "Bye.", go_away_s=5.0),
    ),
    ("You said {{heard}}.", "Second {{seconds}}."),
)
WISHES = Wishes("developer", MODEL, "Kore", "en-US", hear=True, say=True)
MANUAL = Wishes("developer", MODEL, detection=Detection(manual=True), hear=True)
CHUNKS = bytes(CHUNK * 2)  # 0.48 s
TONE = (8_000 * np.sin(np.arange(RATE // 4) / 5)).astype("<i2").tobytes()  # 250 ms
CALL = FunctionCall("call-s-1", "book", {"day": "Monday"})
CANCELLED = (Told("tool-cancelled", {"id": CALL.id}), Send((ToolCallCancelled((CALL.id,)),)))


def talk(wishes: Wishes = WISHES, life: Lifetime | None = None) -> Talk:
    return Talk(House(SCRIPT, Resumption()), wishes, Saved("s", wishes.model), life or Lifetime(0.0, None))


def heard(text: str, by: str = "text") -> Told:
    return Told("heard", {"text": text, "by": by})


def says(text: str, work: int = 1, wishes: Wishes = WISHES) -> tuple[Order, ...]:
    return Told("speaking", {"text": text}), Synthesise(work, text, wishes.voice, wishes.language)


def over(interrupted: bool = False, seconds: float = 0.0, heard_s: float = 0.0) -> tuple[Order, ...]:
    """`heard_s`: what the turn is billed for, what the session said before included."""
    tokens = round(heard_s * 25), round(seconds * 25)
    usage = Usage(*tokens, sum(tokens), by_modality={"prompt/AUDIO": tokens[0], "response/AUDIO": tokens[1]})
    told = Told("turn-complete", {"interrupted": interrupted, "spoken_s": round(seconds, 3)})
    return told, Send((TurnComplete(), usage))


def cut(sent_s: float) -> tuple[Order, ...]:
    return Told("interrupted", {"sent_s": sent_s}), Send((Interrupted(),))


def speaking(wishes: Wishes = WISHES) -> Talk:
    """Two pieces to say, of which one was sent."""
    found = talk(wishes)
    found.handle(SendText(cues.say("Good day.")), 0.0)
    found.synthesised(1, "Good day.", CHUNKS)
    found.synthesised(1, "", b"")
    assert found.tick(0.0)
    return found


def calling(wishes: Wishes = WISHES) -> Talk:
    found = talk(wishes)
    assert found.handle(SendText("Book it!"), 0.0)[-1] == Send((ToolCall((CALL,)),))
    return found


def result(id: str = CALL.id, **more: object) -> SendToolResults:
    return SendToolResults((FunctionResult(id, "book", {"output": "nine"}, **more),))  # type: ignore[arg-type]


def told(known: bool, id: str = CALL.id) -> Told:
    return Told("tool-response", {"id": id, "name": "book", "known": known})


def speech(ms: float = 400.0) -> Ended:
    return Ended(0.0, ms, b"", RATE)


def known(text: str, ms: float = 400.0, known: bool = True) -> Told:
    return Told("heard", {"text": text, "by": "speech", "start_ms": 0.0, "end_ms": ms, "known": known})


# A turn


def test_a_cue_is_said_in_the_documented_order() -> None:
    call = talk()
    assert call.handle(SendText(cues.say("Good day.")), 0.0) == (
        Told("cue", {"text": "Good day.", "by": "text"}),
        *says("Good day."),
    )
    assert (call.deadline(), call.tick(0.0)) == (None, ())
    call.synthesised(1, "Good day.", CHUNKS)
    call.synthesised(1, "", b"")
    assert call.deadline() == 0.0
    piece = ModelAudio(bytes(CHUNK))
    assert call.tick(0.0) == (Send((piece, OutputTranscript("Good "))),)
    assert call.tick(0.1) == (Send((piece, OutputTranscript("day. "))),)
    assert call.tick(0.2) == (Told("generation-complete"), Send((GenerationComplete(),)))
    assert call.tick(0.3) == ()
    assert (call.deadline(), call.tick(0.48)) == (2 * CHUNK_S, over(seconds=0.48))
    assert call.saved.turns == 0  # a cue is no turn of the caller


def test_without_output_transcription_there_is_sound_alone() -> None:
    call = talk(Wishes("developer", MODEL))
    call.handle(SendText("hello"), 0.0)
    call.synthesised(1, "You said hello.", bytes(100))
    assert call.tick(0.0) == (Send((ModelAudio(bytes(100)),)),)


def test_a_transcript_comes_before_its_answer() -> None:
    call = talk()
    assert call.recognised(speech(), "ten of clubs", 1.0) == (
        known("ten of clubs"),
        Send((InputTranscript("ten of clubs", finished=True),)),
        *says("You said ten of clubs."),
    )
    assert call.saved == Saved("s", MODEL, 1)


def test_unknown_speech_is_named_by_its_length() -> None:
    call = talk(Wishes("developer", MODEL))
    assert call.recognised(speech(1_240.0), "", 1.0) == (
        known("(speech, 1.2 s)", 1_240.0, known=False),
        *says("You said 1.2 seconds of speech.", wishes=Wishes("developer", MODEL)),
    )


def test_what_is_no_longer_wanted_is_dropped() -> None:
    call = speaking()
    assert call.wants(1)
    call.handle(SendText("stop"), 0.1)
    assert (call.wants(1), call.wants(2)) == (False, True)
    call.synthesised(1, "late", CHUNKS)
    call.synthesised(1, "", b"")
    assert call.deadline() is None


def test_an_answer_without_end_is_cut() -> None:
    call = talk()
    [_told, _speaking, order] = call.handle(SendText(cues.say("x" * (MAX_CHARS + 1))), 0.0)
    assert order == Synthesise(1, "x" * MAX_CHARS, "Kore", "en-US")


def test_other_messages() -> None:
    call = talk()
    assert call.handle(SendContextUpdate(None, None), 0.0) == (Told("context-update"),)
    with pytest.raises(LiveProtocolError, match="setup must be the first"):
        call.handle(Setup({}), 0.0)


# Resumption


def test_while_it_generates_a_session_cannot_be_resumed_and_afterwards_it_can() -> None:
    call = talk(Wishes("vertex", MODEL, resumable=True, transparent=True))
    unsaved = Send((ResumptionUpdate(),))
    call.handle(SendContextUpdate(None, None), 0.0)
    assert call.handle(SendText("hello"), 0.0)[1] == unsaved
    call.synthesised(1, "", b"")
    assert call.tick(0.0)[-1] == Send((GenerationComplete(),))
    assert call.tick(0.0) == (*over(), Send((ResumptionUpdate("s.1", True, 2),)))
    assert call.handle(SendText("book it"), 1.0)[1] == unsaved
    assert call.handle(SendText(cues.say("x")), 2.0)[-3] == unsaved


def test_the_index_is_for_transparent_sessions_alone() -> None:
    call = talk(Wishes("developer", MODEL, resumable=True))
    call.handle(SendText("hello"), 0.0)
    assert call.handle(SendContent((), complete=False), 0.0)[-1] == Send((ResumptionUpdate("s.1", True, None),))


# Barge-in


def test_speech_interrupts_and_ends_the_turn_without_generation_complete() -> None:
    call = speaking()
    began = call.handle(SendAudio(TONE, RATE), 0.1)
    assert began == (Told("speech-started", {"at_ms": 0.0}), *cut(0.24), *over(True, 0.24, heard_s=0.24))
    assert call.deadline() is None


def test_speech_interrupts_between_generation_complete_and_the_end_of_the_play_out() -> None:
    call = speaking()
    call.tick(0.1)
    assert call.tick(0.2)[-1] == Send((GenerationComplete(),))
    began = call.handle(SendAudio(TONE, RATE), 0.3)
    assert began == (Told("speech-started", {"at_ms": 0.0}), *cut(0.48), *over(True, 0.48, heard_s=0.24))
    assert call.tick(0.48) == ()


def test_speech_before_any_sound_interrupts_as_well() -> None:
    call = talk()
    call.handle(SendText("hello"), 0.0)
    assert call.handle(SendAudio(TONE, RATE), 0.1)[1:] == (*cut(0.0), *over(True, heard_s=0.24))


def test_the_sound_of_a_turn_is_recognised_when_it_ends() -> None:
    call = talk()
    assert call.handle(SendAudio(TONE, RATE), 0.0) == (Told("speech-started", {"at_ms": 0.0}),)
    assert call.handle(SendAudioStreamEnd(), 0.0) == (Recognise(Ended(0.0, 240.0, TONE[: 240 * 24], RATE)),)


def test_who_speaks_on_is_answered_at_the_end() -> None:
    call = talk()
    call.handle(SendAudio(TONE, RATE), 0.0)
    transcript = Send((InputTranscript("first", finished=True),))
    assert call.recognised(speech(), "first", 0.0) == (known("first"), transcript)


def history(turns: int, complete: bool = True) -> Told:
    return Told("content", {"turns": turns, "complete": complete})


def test_text_and_content_interrupt() -> None:
    assert speaking().handle(SendText("so?"), 0.1) == (
        heard("so?"), *cut(0.24), *over(True, 0.24), *says("You said so.", 2),
    )  # fmt: skip
    content = SendContent((ContentTurn("model", "x"), ContentTurn("user", "so?"), ContentTurn("model", "y")))
    assert speaking().handle(content, 0.1) == (
        history(3), *cut(0.24), *over(True, 0.24), heard("so?", "content"), *says("You said so.", 2),
    )  # fmt: skip
    silent = SendContent((), complete=False)
    assert speaking().handle(silent, 0.1) == (history(0, False), *cut(0.24), *over(True, 0.24))
    seed = SendContent((ContentTurn("user", "seed"),), complete=False)
    assert talk().handle(seed, 0.0) == (history(1, False),)
    assert talk().handle(SendContent(()), 0.0) == (history(0), heard("", "content"), *says("You said ."))


EARLIER = (("developer", "gemini-3.1-flash-live-preview"), ("vertex", "gemini-live-2.5-flash-native-audio"))
FIRST: tuple[ClientMessage, ...] = (SendText(cues.say("x")), SendAudio(TONE[:480], RATE))


@pytest.mark.parametrize("first", FIRST)
@pytest.mark.parametrize(("backend", "model"), EARLIER)
def test_earlier_models_take_content_as_history_alone(backend: Backend, model: str, first: ClientMessage) -> None:
    call = talk(Wishes(backend, model))
    for _ in range(2):
        assert call.handle(SendContent((), complete=False), 0.0) == (history(0, False),)
    call.handle(first, 0.0)
    with pytest.raises(LiveProtocolError, match="Request contains an invalid argument") as refused:
        call.handle(SendContent((), complete=False), 0.0)
    assert refused.value.close_code == 1007


@pytest.mark.parametrize(("backend", "model"), EARLIER)
def test_nor_do_they_in_a_session_that_goes_on(backend: Backend, model: str) -> None:
    with pytest.raises(LiveProtocolError):
        talk(Wishes(backend, model, handle="s.1")).handle(SendContent((), complete=False), 0.0)


TOLD = SendContent((ContentTurn("user", "so?"), ContentTurn("model", "You said so.")), complete=False)


def test_3_8_takes_it_all_session_long_and_knows_what_it_said() -> None:
    call = talk(Wishes("developer", MODEL, "Kore", "en-US", hear=True, say=True, handle="s.1"))
    call.handle(SendAudio(TONE[:480], RATE), 0.0)
    assert call.handle(TOLD, 0.0) == (history(2, False),)
    assert call.saved.turns == 1
    assert call.handle(SendText("and?"), 0.0) == (heard("and?"), *says("Second 0.0."))
    assert call.saved.turns == 2


def test_an_answer_that_it_was_told_to_have_begun_goes_on() -> None:
    script = Script((), ("One two three.", "Four five six."))
    for told, said in ((True, "three."), (False, "One two three.")):
        call = Talk(House(script, Resumption()), WISHES, Saved("s", MODEL), Lifetime(0.0, None))
        if told:
            call.handle(SendContent((ContentTurn("user", "so?"), ContentTurn("model", "One two")), False), 0.0)
        text = cues.go_on("One two") if told else "so?"
        assert call.handle(SendText(text), 0.0)[-2:] == says(said)
        assert call.saved.turns == 1
    assert call.handle(SendText(cues.go_on("One two three.")), 1.0)[-2:] == over()  # there is no more of it
    assert call.saved.turns == 1
    call.handle(SendText(cues.go_on("Four")), 1.0)
    assert call.saved.turns == 2  # what was begun is not the last answer, but the next


# No interruption

PATIENT = Wishes("developer", MODEL, interruptible=False)


def test_who_must_not_interrupt_is_answered_afterwards_in_turn() -> None:
    call = speaking(PATIENT)
    assert call.handle(SendAudio(TONE, RATE), 0.1) == (Told("speech-started", {"at_ms": 0.0}),)
    assert call.recognised(speech(), "one", 0.1) == (known("one"),)
    assert call.handle(SendText("two"), 0.1) == (heard("two"),)
    call.tick(0.1)
    call.tick(0.2)
    assert call.tick(0.48) == (*over(seconds=0.48, heard_s=0.24), *says("You said one.", 2, PATIENT))
    call.synthesised(2, "", b"")
    call.tick(0.48)
    assert call.tick(0.48) == (*over(heard_s=0.72), *says("Second 0.0.", 3, PATIENT))


def test_content_interrupts_even_then_and_who_waited_is_answered() -> None:
    call = speaking(PATIENT)
    call.handle(SendText("waited"), 0.1)
    assert call.handle(SendContent((), complete=False), 0.1) == (
        history(0, False), *cut(0.24), *over(True, 0.24), *says("You said waited.", 2, PATIENT),
    )  # fmt: skip


def test_too_many_waiting_are_forgotten() -> None:
    call = speaking(PATIENT)
    for number in range(KEPT + 1):
        call.handle(SendText(f"n{number}"), 0.1)
    assert call.handle(SendContent((), complete=False), 0.1)[-2:] == says("You said n1.", 2, PATIENT)


# Manual activity, signals


def test_manual_activity() -> None:
    call = talk(MANUAL)
    assert call.handle(SendActivityStart(), 0.0) == (Told("speech-started", {"at_ms": 0.0}),)
    assert call.handle(SendAudio(TONE[: 240 * 24], RATE), 0.0) == ()
    assert call.handle(SendActivityEnd(), 0.0) == (Recognise(Ended(0.0, 240.0, TONE[: 240 * 24], RATE)),)


def test_messages_of_the_other_mode_are_refused() -> None:
    for wishes, message in ((MANUAL, SendAudioStreamEnd()), (WISHES, SendActivityStart()), (WISHES, SendActivityEnd())):
        with pytest.raises(LiveProtocolError, match="is not supported when automatic activity detection"):
            talk(wishes).handle(message, 0.0)
    with pytest.raises(LiveProtocolError, match="invalid argument"):
        talk().handle(SendAudio(b"", 8_001), 0.0)


def test_signals() -> None:
    call = talk(Wishes("vertex", MODEL, detection=Detection(manual=True), signals=True))
    assert call.handle(SendActivityStart(), 0.0)[1:] == (Send((VoiceActivity("start", 0.0),)),)
    call.handle(SendAudio(TONE[: 240 * 24], RATE), 0.0)
    assert call.handle(SendActivityEnd(), 0.0)[0] == Send((VoiceActivity("end", 0.24),))


# Tools


def test_a_tool_call_and_its_result() -> None:
    call = talk()
    assert call.handle(SendText("Book it!"), 0.0) == (
        heard("Book it!"), Told("tool-call", {"id": CALL.id, "name": "book"}), Send((ToolCall((CALL,)),)),
    )  # fmt: skip
    assert call.deadline() is None
    assert call.handle(result("other"), 1.0) == (told(False, "other"),)
    assert call.handle(result(will_continue=True), 1.0) == (told(True),)
    assert call.handle(result(), 1.0) == (told(True), *says("Booked nine for Book it."))
    assert call.handle(result(), 1.0) == (told(False),)


def test_a_silent_result_ends_the_turn() -> None:
    assert calling().handle(result(scheduling="SILENT"), 1.0) == (told(True), *over())


def test_barge_in_cancels_the_call() -> None:
    call = calling()
    began = call.handle(SendAudio(TONE, RATE), 1.0)
    came = Told("meanwhile", {"id": CALL.id, "kind": "sound"}), Told("speech-started", {"at_ms": 0.0})
    assert began == (*came, *CANCELLED, *over(True, heard_s=0.24))
    assert call.handle(result(), 2.0) == (told(False),)


def test_a_turn_without_speech_counts_none_though_the_one_before_had_some() -> None:
    call = speaking()
    call.tick(0.1)
    call.tick(0.2)
    assert call.tick(0.48) == over(seconds=0.48)
    id = call.handle(SendText("book it"), 1.0)[1].fields["id"]  # type: ignore[union-attr]
    assert call.handle(result(str(id), scheduling="SILENT"), 2.0) == (told(True, str(id)), *over(heard_s=0.48))


def test_a_result_without_its_id_is_refused_by_the_developer_api_alone() -> None:
    with pytest.raises(LiveProtocolError):
        calling().handle(result(""), 1.0)
    assert calling(Wishes("vertex", MODEL)).handle(result(""), 1.0) == (told(False, ""),)


# The end


def test_the_script_can_end_the_connection() -> None:
    life = Lifetime(0.0, None)
    call = talk(WISHES, life)
    assert call.handle(SendText("leave"), 7.0) == (heard("leave"), *says("Bye."))
    assert (life.deadline(), life.tick(7.0), life.deadline()) == (7.0, GoingAway(5.0), 12.0)
