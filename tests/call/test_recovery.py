"""A call whose model goes away, breaks or says nothing: the caller goes on talking, and nothing is heard twice."""

from __future__ import annotations

import pytest

from gateway.audio.filler import FILLER
from gateway.call.facts import ModelGone, OpenModel, Order, PrepareModel
from gateway.live import cues
from gateway.live import messages as live
from gateway.twilio.media import CallerAudio, Play
from tests.call.script import GREETING, IDLE, PROTECTED, STARTED, Script, pcm, plan

HANDLE = live.ResumptionUpdate("h1", True)
LOST = ModelGone(1011, "Internal error")


def opened(**changes: object) -> Script:
    """A call whose model is ready, with a handle."""
    return Script(plan(**changes))(STARTED).at(0.1)(live.Ready())(HANDLE)  # type: ignore[arg-type]


def opens(orders: list[Order]) -> list[object]:
    """The handles of the connections asked for; None where none is named."""
    asked = [order.setup.setup["sessionResumption"] for order in orders if isinstance(order, OpenModel)]
    return [resumption.get("handle") for resumption in asked]


def texts(orders: list[Order]) -> list[str]:
    return [order.text for order in orders if isinstance(order, live.SendText)]


def sound_ms(orders: list[Order]) -> float:
    """Length of the caller's sound sent to the model."""
    return sum(len(order.pcm) for order in orders if isinstance(order, live.SendAudio)) / 32


# goAway


def test_go_away_prepares_a_socket_and_moves_when_nobody_speaks() -> None:
    call = opened()(live.GoingAway(50.0))
    assert PrepareModel() in call.last
    assert opens(call.last) == []
    assert opens(call.silent(1200).last) == ["h1"]
    call.silent(200)(live.Ready())
    (back,) = call.notes("model-back")
    assert back.fields["how"] == "resumed"
    assert texts(call.all) == []


def test_nobody_is_cut_short_by_a_move() -> None:
    call = opened()(live.GoingAway(50.0))
    call(live.OutputTranscript("One two three."))(live.ModelAudio(pcm(3000))).silent(2000)
    assert opens(call.all) == [None]
    call(live.GenerationComplete())(live.TurnComplete()).silent(1200).heard().silent(100)
    assert opens(call.all) == [None]  # by its old handle the session would not know what it said
    call(live.ResumptionUpdate("h2", True))
    assert opens(call.all) == [None, "h2"]


def test_a_handle_that_never_comes_does_not_hold_up_a_move_for_ever() -> None:
    call = opened()(live.ResumptionUpdate("", False))(live.GoingAway(10.0)).silent(4800)
    assert opens(call.all) == [None]
    assert opens(call.silent(400).all) == [None, "h1"]


def test_in_the_end_the_move_waits_for_nobody() -> None:
    call = opened()(live.GoingAway(8.0)).speaks(2900)
    assert opens(call.all) == [None]
    assert opens(call.speaks(200).last) == ["h1"]


def test_no_frame_of_the_caller_is_lost_or_doubled_by_moves() -> None:
    call = opened()
    for _ in range(50):
        call.silent(200)(live.GoingAway(50.0)).silent(1300)(live.Ready())(HANDLE)
    call.silent(100)
    assert len(opens(call.all)) == 51
    assert sound_ms(call.all) == call.chunk * 20


# loss


def test_a_lost_model_is_asked_for_at_once_by_its_handle() -> None:
    call = opened()(LOST)
    assert opens(call.last) == ["h1"]
    assert call.ended is None
    assert call.notes("model-gone")[0].fields == {"code": 1011, "kind": "transient"}


def test_the_callers_sound_of_the_gap_comes_first() -> None:
    call = opened().silent(400)(LOST).silent(600)(live.Ready())
    assert sound_ms(call.last) == 600
    assert sound_ms(call.all) == 1000


def test_what_the_caller_said_without_an_answer_is_said_again() -> None:
    """The handle is older than the caller's turn: the session that it leads to has not heard it."""
    call = opened().silent(400).speaks(1000).silent(400)(LOST).silent(200)(live.Ready())
    assert 1600 <= sound_ms(call.last) <= 2000  # the turn with a little before it, and the gap


def test_of_what_is_kept_too_long_the_oldest_goes_and_not_all() -> None:
    call = opened().silent(400).speaks(4_000).silent(400)(LOST)
    for _ in range(3):
        call.silent(3_600)(ModelGone(0, "cannot connect"))
    assert sound_ms(call.silent(2_100)(live.Ready()).last) == 15_000


def test_an_answered_turn_is_not_said_again() -> None:
    call = opened().speaks(1000).silent(400)(live.ModelAudio(pcm(200)))(live.GenerationComplete())
    call(live.TurnComplete()).silent(300).heard()(LOST).silent(200)(live.Ready())
    assert sound_ms(call.last) == 200


def test_a_sentence_that_broke_off_goes_on_and_does_not_begin_again() -> None:
    call = opened()(live.OutputTranscript("One two three"))(live.ModelAudio(pcm(1000)))(LOST).silent(300)(live.Ready())
    assert texts(call.last) == [cues.go_on("One two three")]


def test_a_sentence_that_was_sent_whole_is_heard_to_its_end() -> None:
    call = opened()(live.OutputTranscript("One two three."))(live.ModelAudio(pcm(1000)))(live.GenerationComplete())
    call(LOST).silent(300)(live.Ready()).silent(1200).heard()
    assert texts(call.all) == []
    assert call.said() == [("agent", "One two three.")]


def test_nobody_is_greeted_twice() -> None:
    call = Script(plan(greeting=GREETING))(STARTED)(live.Ready())(HANDLE)(live.ModelAudio(pcm(500)))
    call(live.GenerationComplete())(live.TurnComplete()).silent(700).heard()(LOST)(live.Ready())
    assert texts(call.all) == [cues.say("Good day.")]


def test_a_greeting_that_was_never_heard_is_asked_for_again() -> None:
    call = Script(plan(greeting=PROTECTED))(STARTED)(live.Ready())(LOST)(live.Ready())
    assert texts(call.all) == [cues.say("Good day.")] * 2


def test_a_fresh_session_is_told_what_was_said() -> None:
    call = Script(plan())(STARTED)(live.Ready()).speaks(400).silent(400)(live.InputTranscript("My name is Robin."))
    call(live.OutputTranscript("Hello Robin."))(live.ModelAudio(pcm(300)))(live.GenerationComplete())
    call(live.TurnComplete()).silent(500).heard()(LOST)
    (opening,) = [order for order in call.last if isinstance(order, OpenModel)]
    told = opening.setup.setup["systemInstruction"]["parts"][0]["text"]
    assert told.startswith("Answer.")
    assert "caller: My name is Robin.\nagent: Hello Robin." in told
    call(live.Ready())
    assert call.notes("model-back")[0].fields["how"] == "fresh"


def test_a_refused_handle_leads_to_a_fresh_session() -> None:
    call = opened()(LOST)(ModelGone(1007, "Request contains an invalid argument.")).wait(0.6)
    assert opens(call.all) == [None, "h1", None]


def test_a_long_gap_is_filled_and_a_short_one_is_not() -> None:
    call = opened()(LOST).silent(1400)
    assert not [order for order in call.all if isinstance(order, Play)]
    call.silent(400)
    assert b"".join(order.mulaw for order in call.all if isinstance(order, Play)) == FILLER


def test_a_model_that_stays_away_ends_the_call() -> None:
    call = opened()(LOST)
    while call.ended is None:
        call.silent(200)
        if opens(call.last):
            call(ModelGone(0, "cannot connect"))
    assert call.ended == "model-gone"
    assert call.chunk * 20 < 32_000


def test_the_idle_policy_waits_while_the_model_is_away() -> None:
    call = opened(idle=IDLE)(LOST)
    for _ in range(5):
        call.silent(1000)(ModelGone(0, "cannot connect"))
    assert texts(call.all) == []


def test_connections_are_added_up() -> None:
    call = opened()(LOST)(live.Ready())(HANDLE)(live.GoingAway(50)).silent(1200)(live.Ready())
    call(ModelGone(1011, "quota"))
    assert call.notes("call-ended")[0].fields["reconnects"] == {"resumed": 2}


# what a fresh session is told


def instructions(call: Script) -> str:
    """Of the last connection that was asked for."""
    opening = [order for order in call.all if isinstance(order, OpenModel)][-1]
    return str(opening.setup.setup["systemInstruction"])


REFUSED = ModelGone(1007, "Request contains an invalid argument.")


def test_the_sentence_that_is_being_heard() -> None:
    call = opened().speaks(600).silent(400)(live.InputTranscript("When?"))
    call(live.OutputTranscript("At nine. Shall I book?"))(live.ModelAudio(pcm(5_000)))(live.GenerationComplete())
    call.silent(1_000)(LOST)(REFUSED).silent(700)
    assert "caller: When?\\nagent: At nine. Shall I book?" in instructions(call)


def test_the_greeting_that_is_being_heard() -> None:
    call = Script(plan(greeting=GREETING))(STARTED).at(0.1)(live.Ready())(live.OutputTranscript("Good day."))
    call(live.ModelAudio(pcm(2_000)))(live.GenerationComplete()).silent(300)(LOST)
    assert "agent: Good day." in instructions(call)


def test_what_the_caller_was_saying_where_it_is_not_heard_again() -> None:
    call = opened().speaks(1_400)(live.ResumptionUpdate("h2", True))(live.GoingAway(8.0))
    call.speaks(1_600)(live.InputTranscript("I would like")).speaks(1_600)(REFUSED).silent(600)
    assert opens(call.all) == [None, "h2", None]
    assert "caller: I would like" in instructions(call)


def test_nothing_of_what_is_heard_again() -> None:
    call = opened().silent(400).speaks(1_000).silent(400)(live.InputTranscript("When?"))(LOST)(REFUSED).silent(600)
    assert "When?" not in instructions(call)
    assert sound_ms(call(live.Ready()).last) >= 1_000


@pytest.mark.parametrize(("before_ms", "again"), [(700, True), (1_400, False)])
def test_what_began_shortly_before_the_handle_is_said_again_by_a_move_that_cuts_it(before_ms: int, again: bool) -> None:
    call = opened().silent(200).speaks(before_ms)(live.ResumptionUpdate("h2", True))(live.GoingAway(8.0)).speaks(3_200)
    assert opens(call.all) == [None, "h2"]
    sent_ms = sound_ms(call(live.Ready()).last)
    assert (sent_ms >= before_ms + 3_000) == again


# and again


def test_an_hour_goes_by_in_connections_of_ten_minutes() -> None:
    """goAway 50 s before each end, as the API announces it; the caller's line goes on all the time."""
    call = opened(max_duration_s=3600.0)
    for chunk in range(1, 17_000):
        asked = opens(call.wait(0.2).last)
        asked += opens(call(CallerAudio(b"\xff" * 1600, chunk, chunk * 200)).last)
        if asked:
            call(live.Ready())(live.ResumptionUpdate(f"h{chunk}", True))
        if chunk % 3000 == 2750:
            call(live.GoingAway(50.0))
    assert call.ended is None
    assert call.notes("call-ended") == []
    assert [note.fields["how"] for note in call.notes("model-back")] == ["resumed"] * 5
    assert sound_ms(call.all) == 16_999 * 200


def test_go_away_told_again_and_again_puts_nothing_off() -> None:
    call = opened()
    for _ in range(4):
        call(live.GoingAway(50.0)).silent(400)
    assert opens(call.all) == [None, "h1"]


def test_a_session_that_ends_before_it_could_go_on_leaves_that_to_the_next() -> None:
    call = opened()(live.OutputTranscript("One two three"))(live.ModelAudio(pcm(1000)))(LOST).silent(300)(live.Ready())
    call(LOST).silent(1_000)(live.Ready())
    assert texts(call.all) == [cues.go_on("One two three")] * 2
    call(live.OutputTranscript("four"))(live.ModelAudio(pcm(200)))(live.GenerationComplete())(live.TurnComplete())
    call.silent(1_500).heard().silent(6_000)(LOST).silent(300)(live.Ready())
    assert len(texts(call.all)) == 2
