"""What a session is told that goes on by a handle from before its last turn: all that was said since, and nothing that
it will hear itself."""

from __future__ import annotations

import pytest

from gateway.call.context import before_the_agent, context
from gateway.call.facts import Draining, ModelGone, OpenModel, Order
from gateway.call.transcript import Line
from gateway.live import cues
from gateway.live import messages as live
from tests.call.script import GREETING, STARTED, Script, is_for_model, pcm, plan
from tests.call.test_handover import crashed, taken_up, talking
from tests.call.test_recovery import HANDLE, LOST, opened, opens, sound_ms, texts

ASKED, ANSWERED = Line("caller", "What time is it?"), Line("agent", "It is four o'clock.")
BACK_OFF_MS = 1_000  # twice as much for the third loss in a row
ANSWER = "It is four o'clock."
INVALID = ModelGone(1007, "Request contains an invalid argument.")


def told(orders: list[Order]) -> list[list[tuple[str, str]]]:
    """The histories that were sent, as roles and words."""
    sent = [order for order in orders if isinstance(order, live.SendContent)]
    assert not any(content.complete for content in sent)
    return [[(turn.role, turn.text) for turn in content.turns] for content in sent]


def asked(**changes: object) -> Script:
    """The caller has asked something since the handle; there is no answer yet."""
    call = opened(**changes).silent(300).speaks(600)(live.InputTranscript("What time is it?"))
    return call.silent(300)


def answered(call: Script, ms: int = 300, words: str = ANSWER) -> Script:
    """The whole answer was sent; no handle knows of it."""
    return call(live.OutputTranscript(words))(live.ModelAudio(pcm(ms)))(live.GenerationComplete())(live.TurnComplete())


# the message


def test_lines_are_turns_each_sides_in_a_row_one() -> None:
    lines = [ASKED, Line("agent", "It is"), Line("agent", "four."), Line("caller", "Thanks.")]
    assert context(lines) == live.SendContent(
        (
            live.ContentTurn("user", "What time is it?"),
            live.ContentTurn("model", "It is four."),
            live.ContentTurn("user", "Thanks."),
        ),
        complete=False,
    )


@pytest.mark.parametrize(
    ("lines", "before"),
    [
        ([], ""),
        ([ANSWERED], ""),
        ([ASKED], "caller: What time is it?"),
        ([ASKED, ANSWERED, ANSWERED], "caller: What time is it?"),
        ([ANSWERED, ASKED, ANSWERED], "agent: It is four o'clock.\ncaller: What time is it?"),
    ],
)
def test_what_came_before_the_agents_last_words(lines: list[Line], before: str) -> None:
    assert before_the_agent(lines) == before


# after a loss


def test_a_session_that_is_resumed_is_told_its_last_turn_before_anything_else() -> None:
    call = answered(asked()).silent(500).heard()(LOST).silent(200)(live.Ready())
    assert told(call.last) == [[("user", "What time is it?"), ("model", ANSWER)]]
    assert [type(order).__name__ for order in call.last if is_for_model(order)][:2] == ["SendContent", "SendAudio"]
    assert call.notes("model-back")[0].fields["lacks"] == 2
    assert texts(call.all) == []  # it isn't asked to say anything


def test_a_session_whose_handle_knows_the_last_turn_is_told_nothing() -> None:
    call = answered(asked()).silent(500).heard()(live.ResumptionUpdate("h2", True))(LOST)(live.Ready())
    assert told(call.all) == []
    assert call.notes("model-back")[0].fields["lacks"] == 0


def test_what_a_handle_knows_and_is_heard_only_later_is_not_told() -> None:
    call = answered(asked(), 2000)(live.ResumptionUpdate("h2", True))(live.OutputTranscript(" I think."))
    assert told(call.silent(500)(LOST)(live.Ready()).all) == []
    call.silent(2000).heard()
    assert call.said()[-1] == ("agent", f"{ANSWER} I think.")
    assert told(call(LOST)(live.Ready()).all) == []


def test_of_an_answer_that_broke_off_the_question_and_the_beginning_are_told() -> None:
    call = asked()(live.OutputTranscript("It is"))(live.ModelAudio(pcm(1000))).silent(300)(LOST)(live.Ready())
    assert told(call.last) == [[("user", "What time is it?"), ("model", "It is")]]
    assert texts(call.last) == [cues.go_on("It is")]
    orders = [type(order).__name__ for order in call.last if is_for_model(order)]
    assert orders[:2] == ["SendContent", "SendText"]


def test_results_of_tools_come_after_the_history() -> None:
    call = asked(tools={"find": "http"})(live.OutputTranscript("One moment."))(live.ModelAudio(pcm(300)))
    call(live.ToolCall((live.FunctionCall("1", "find"),))).silent(500).heard()(LOST).silent(100)
    from gateway.call.facts import ToolDone

    call(ToolDone("1", {"status": "ok"}))(live.Ready())
    orders = [type(order).__name__ for order in call.last if is_for_model(order)]
    assert orders.index("SendContent") == 0
    assert told(call.last) == [[("user", "What time is it?"), ("model", "One moment.")]]


def test_words_whose_sound_is_sent_again_are_not_told_and_not_written_twice() -> None:
    call = asked()(LOST).silent(200)(live.Ready())
    assert told(call.last) == []
    assert sound_ms(call.last) > 600
    answered(call(live.InputTranscript("What time is it?"))).silent(500).heard()
    assert call.said() == [("caller", "What time is it?"), ("agent", ANSWER)]


def test_words_that_are_not_told_anew_stay() -> None:
    call = answered(asked()(LOST).silent(200)(live.Ready())).silent(500).heard()
    assert call.said() == [("caller", "What time is it?"), ("agent", ANSWER)]
    assert told(call(LOST).silent(BACK_OFF_MS)(live.Ready()).all) == [[("user", "What time is it?"), ("model", ANSWER)]]


def test_what_is_said_since_the_handle_is_said_again_after_a_move_that_cut_it() -> None:
    """High time to leave a connection in the middle of what the caller says: nobody but this session has heard it."""
    call = opened()(live.GoingAway(8.0)).speaks(2000)(live.InputTranscript("I would like")).speaks(1200)
    assert opens(call.all) == [None, "h1"]
    assert told(call(live.Ready()).last) == []
    assert 3200 <= sound_ms(call.last) <= 3600  # all of it, and a little before


def test_a_short_answer_of_which_no_word_came_is_not_lost_by_a_move() -> None:
    call = opened()(live.GoingAway(6.0)).silent(400).speaks(500).silent(400)
    assert opens(call.all) == [None, "h1"]
    assert 900 <= sound_ms(call(live.Ready()).last) <= 1300


def test_what_began_before_the_handle_is_told_in_words_and_not_said_again() -> None:
    call = opened().speaks(1400)(live.ResumptionUpdate("h2", True))(live.GoingAway(8.0))
    call.speaks(1600)(live.InputTranscript("I would like")).speaks(1600)
    assert opens(call.all) == [None, "h2"]
    assert told(call(live.Ready()).last) == [[("user", "I would like")]]
    assert sound_ms(call.all) == call.chunk * 20  # none of it twice


def test_it_is_told_again_where_the_connection_is_lost_before_another_handle() -> None:
    call = answered(asked()).silent(500).heard()(LOST)(live.Ready())(LOST).silent(BACK_OFF_MS)(live.Ready())
    assert told(call.all) == [[("user", "What time is it?"), ("model", ANSWER)]] * 2
    call(live.ResumptionUpdate("h2", True)).silent(6000)(LOST)(live.Ready())
    assert opens(call.all) == [None, "h1", "h1", "h2"]
    assert len(told(call.all)) == 2


def test_a_fresh_session_is_told_in_its_instructions_alone() -> None:
    call = Script(plan())(STARTED)(live.Ready()).silent(300).speaks(600)(live.InputTranscript("Hello?"))
    answered(call).silent(500).heard()(LOST)(live.Ready())
    assert told(call.all) == []


# a model that doesn't take it


def test_without_the_ability_a_cue_that_is_owed_tells_it() -> None:
    call = asked(takes_content=False)(live.OutputTranscript("It is"))(live.ModelAudio(pcm(1000)))
    call.silent(300)(LOST)(live.Ready())
    assert told(call.all) == []
    assert texts(call.last) == [cues.go_on("It is", "caller: What time is it?")]
    assert call.notes("model-back")[0].fields["lacks"] == 2


def test_without_the_ability_and_without_a_cue_nothing_is_told() -> None:
    call = answered(asked(takes_content=False)).silent(500).heard()(LOST)(live.Ready())
    assert (told(call.all), texts(call.all)) == ([], [])


def test_a_model_that_refuses_it_is_not_told_so_again() -> None:
    """The session is gone with it: a fresh one is told in its instructions."""
    call = answered(asked()).silent(500).heard()(LOST)(live.Ready())(INVALID).silent(BACK_OFF_MS)
    assert opens(call.all) == [None, "h1", None]
    (fresh,) = [order for order in call.last if isinstance(order, OpenModel)]
    assert ANSWER in fresh.setup.setup["systemInstruction"]["parts"][0]["text"]
    call(live.Ready())(HANDLE).silent(300).speaks(600)(live.InputTranscript("And now?")).silent(300)
    answered(call).silent(500).heard()(LOST).silent(2 * BACK_OFF_MS)(live.Ready())
    assert [note.fields["how"] for note in call.notes("model-back")] == ["resumed", "fresh", "resumed"]
    assert len(told(call.all)) == 1


@pytest.mark.parametrize("sign", [live.InputTranscript("Hello"), live.ModelAudio(pcm(20)), live.TurnComplete()])
def test_a_session_that_ends_later_is_no_refusal(sign: live.ServerMessage) -> None:
    call = answered(asked()).silent(500).heard()(LOST)(live.Ready())(sign)(INVALID)
    call.silent(BACK_OFF_MS)(live.Ready())(HANDLE).speaks(600)(live.InputTranscript("And now?")).silent(300)
    answered(call).silent(500).heard()(LOST).silent(2 * BACK_OFF_MS)(live.Ready())
    assert len(told(call.all)) == 2


# from stream to stream


def test_the_next_stream_tells_it_and_what_is_still_to_be_heard() -> None:
    before = answered(asked(), 3000).silent(1000)(Draining())
    assert [speaker for speaker, _ in before.said()] == ["caller", "agent"]
    call = taken_up(before)(live.Ready())
    assert told(call.all) == [[("user", "What time is it?"), ("model", ANSWER)]]
    assert texts(call.all) == []
    assert call.played_ms() > 0


def test_the_next_stream_does_not_tell_what_the_handle_knows() -> None:
    before = answered(asked(), 3000)(live.ResumptionUpdate("h2", True)).silent(1000)(Draining())
    call = taken_up(before)(live.Ready())
    assert told(call.all) == []
    call.silent(2500).heard()
    assert told(call(LOST)(live.Ready()).all) == []


def test_of_a_turn_that_a_handle_knows_half_the_rest_is_told() -> None:
    before = opened()(live.OutputTranscript("One two three"))(live.ModelAudio(pcm(1500)))
    before(live.ResumptionUpdate("h2", True))(live.ModelAudio(pcm(1500)))
    before(live.OutputTranscript(" four five six."))(live.GenerationComplete()).silent(600)(Draining())
    assert before.carry is not None
    assert before.carry.missed == ()
    call = taken_up(before)(live.Ready())
    (turns,) = told(call.all)
    assert turns == [("model", "four five six.")]


def test_a_question_that_the_next_stream_sends_again_is_not_told() -> None:
    before = asked()(Draining())
    call = taken_up(before)(live.Ready())
    assert sound_ms(call.all) > 600
    assert told(call.all) == []


def test_streams_in_a_row_tell_it_all() -> None:
    call = answered(asked()).silent(500).heard()(Draining())
    call = taken_up(call)(Draining())
    call = taken_up(call)(live.Ready())
    assert told(call.all) == [[("user", "What time is it?"), ("model", ANSWER)]]


def test_after_a_crash_the_question_is_told_and_the_cue_tells_the_answer() -> None:
    before = talking(opened(greeting=GREETING), 500, "Good day.").silent(600).heard()
    before.speaks(300)(live.InputTranscript("What time is it?")).silent(400)
    before(live.OutputTranscript(ANSWER))(live.ModelAudio(pcm(3000)))
    call = taken_up(crashed(before), greeting=GREETING)(live.Ready())
    assert told(call.all) == [[("user", "What time is it?")]]
    (cue,) = texts(call.all)
    assert f"agent: {ANSWER}" in cue


def test_after_a_crash_before_the_answer_the_words_are_all_that_is_left() -> None:
    call = taken_up(crashed(asked()))(live.Ready())
    assert told(call.all) == [[("user", "What time is it?")]]
