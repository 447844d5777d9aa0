"""Random calls keep every law of `random_judge`; and each law can be broken."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.call import bill, intake, lapse, playback, recovery, speech, transcript
from gateway.call.agent import Agent
from gateway.call.due import Due
from gateway.call.hearing import Hearing
from gateway.call.requests import Book
from gateway.call.span import Span
from tests.call.random_calls import run

SEEDS = 16  # in the ordinary suite
MORE = 400
BLOCK = 40  # seeds in one test
TRIES = 60  # calls until a fault in the gateway shows


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_random_call_keeps_every_law(seed: int) -> None:
    call = run(seed)
    assert not call.faults, str(call)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(SEEDS, SEEDS + MORE, BLOCK))
def test_many_random_calls_keep_every_law(first: int) -> None:
    for seed in range(first, first + BLOCK):
        call = run(seed)
        assert not call.faults, str(call)


def nothing(*_: object, **__: object) -> None:
    return None


BROKEN: dict[str, Callable[[pytest.MonkeyPatch], None]] = {}


def broken(law: str) -> Callable[[Callable[[pytest.MonkeyPatch], None]], None]:
    def keep(breaks: Callable[[pytest.MonkeyPatch], None]) -> None:
        BROKEN[f"{law}: {breaks.__name__.replace('_', ' ')}"] = breaks

    return keep


@broken("replay")
def what_has_no_answer_is_not_said_again(patch: pytest.MonkeyPatch) -> None:
    shut = Hearing.shut
    patch.setattr(Hearing, "shut", lambda self, *, again: shut(self, again=False))


@broken("frames")
def what_has_its_answer_is_said_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(intake.Intake, "answered", nothing)


@broken("replay")
def what_was_kept_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(intake, "KEEP_MS", 100)


@broken("frames")
def what_was_kept_is_lost(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(intake._Reel, "take", lambda _: b"")


@broken("silence")
def who_was_cut_short_owes_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Due, "owes", nothing)


@broken("silence")
def a_question_owes_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Hearing, "owed", lambda *_: False)


@broken("silence")
def a_broken_sentence_is_not_asked_for(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(lapse.Lapse, "_owed_cue", nothing)


@broken("silence")
def no_filler(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(recovery, "FILLER_AFTER_S", 60.0)


@broken("sessions")
def a_session_that_is_gone_is_told_things(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(recovery.Recovery, "live", True)


@broken("greeting")
def each_session_is_asked_to_greet(patch: pytest.MonkeyPatch) -> None:
    from gateway.live import cues, messages

    patch.setattr(Agent, "_greet_again", lambda self, _: [messages.SendText(cues.say(self._plan.greeting))])


@broken("tools")
def a_wish_that_comes_again_is_another(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Book, "same", nothing)


@broken("tools")
def an_id_that_comes_again_is_another(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Book, "find", nothing)


@broken("tools")
def what_takes_long_has_no_answer(patch: pytest.MonkeyPatch) -> None:
    from gateway.call import toolbox

    patch.setattr(toolbox, "LIMIT_S", 60.0)


@broken("transcript")
def words_that_are_heard_again_stand(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(transcript.CallerTurn, "again", transcript.CallerTurn.keep)


@broken("transcript")
def a_turn_ends_tomorrow(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(transcript.CallerTurn, "ended", lambda self, at_ms: setattr(self, "_end_ms", at_ms + 60_000))


@broken("heard")
def all_was_heard(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(transcript, "heard_words", lambda text, *_: text)


@broken("heard")
def what_was_cleared_was_heard(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(playback.Playback, "position", lambda self, _: self._queued)


@broken("bill")
def what_is_told_twice_is_billed_twice(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(bill, "REPEAT_MS", -1)


@broken("ends")
def no_time_is_too_long(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Span, "over", lambda *_: False)
    patch.setattr(Span, "deadline", lambda *_, **__: float("inf"))


@broken("exception")
def a_sound_that_is_none(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(speech.Speech, "stall", nothing)
    patch.setattr(speech, "CUSHION_MS", None)


@pytest.mark.slow
@pytest.mark.parametrize("fault", BROKEN)
def test_each_law_can_be_broken(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    BROKEN[fault](monkeypatch)
    law = fault.split(":")[0]
    assert any(one.name == law for seed in range(TRIES) for one in run(seed).faults)
