"""Whether a resumed session remembers: as counts and verdicts, and in a whole call."""

from __future__ import annotations

import pytest

from gateway.call.facts import ModelGone, OpenModel, Order, PrepareModel
from gateway.call.memory import LEAST, Memory
from gateway.live import messages as live
from tests.call.script import Script
from tests.call.test_context import BACK_OFF_MS, answered, asked
from tests.call.test_handover import crashed, taken_up
from tests.call.test_recovery import LOST, opens, sound_ms, texts

TARGET = 12_800
FIRST = 3_000  # long instructions, and the greeting
GROWN = (3_000, 3_500, 4_100, 5_000)


def told(*prompts: int) -> Memory:
    memory = Memory(TARGET)
    assert not any(memory.billed(prompt) for prompt in prompts)
    return memory


@pytest.mark.parametrize(
    ("before", "after", "forgot"),
    [
        (GROWN, 5_200, False),  # it goes on
        (GROWN, 4_100, False),  # resumed without its last turn
        (GROWN, FIRST + 500, False),  # a quarter is no proof
        (GROWN, FIRST + 499, True),
        (GROWN, 2_900, True),  # the instructions, and a shorter turn than the first
        (GROWN, 0, False),  # not told
        (GROWN[:2], 100, False),  # one rise may be chance
        ((), 100, False),
        ((900, 1_600, 500, 2_000), 100, False),  # counts that fall and rise are each turn's own
        ((100, 900, 500, 700, 900), 100, True),
        ((100, 200, 99 + LEAST), 100, False),  # too little to be sure
        ((100, 200, 100 + LEAST), 100, True),
        ((3_000, 20_000, 25_000), TARGET, False),  # compressed in the same turn
        ((3_000, 20_000, 25_000), FIRST + (TARGET - FIRST) // 4 - 1, True),
    ],
)
def test_a_context_that_shrinks_to_a_fraction_is_another_sessions(
    before: tuple[int, ...], after: int, forgot: bool
) -> None:
    memory = told(*before)
    memory.resumed()
    assert memory.billed(after) is forgot


def test_only_the_first_turn_after_a_resumption_tells() -> None:
    memory = told(*GROWN)
    assert not memory.billed(100)
    memory = told(*GROWN)
    memory.resumed()
    assert not memory.billed(5_200)
    assert not memory.billed(100)


def test_a_fresh_session_is_not_measured_by_the_last_one() -> None:
    memory = told(*GROWN)
    memory.fresh()
    memory.resumed()
    assert not memory.billed(100)


def test_another_stream_of_the_call_knows_what_the_session_knew() -> None:
    elsewhere = Memory(TARGET)
    elsewhere.goes_on(told(*GROWN).kept)
    elsewhere.resumed()
    assert elsewhere.billed(FIRST)


def test_what_is_not_sure_does_not_go_over() -> None:
    elsewhere = Memory(TARGET)
    elsewhere.goes_on(told(*GROWN[:2]).kept)
    elsewhere.resumed()
    assert not elsewhere.billed(100)


# in a call


def grown(**changes: object) -> Script:
    """A call of some turns, each with its bill and its handle; nobody speaks."""
    call = asked(**changes)
    for nth, prompt in enumerate(GROWN, start=2):
        billed(answered(call), prompt)(live.ResumptionUpdate(f"h{nth}", True))
        call.silent(500).heard().silent(100)
    return call


def billed(call: Script, prompt: int) -> Script:
    return call(live.Usage(prompt, 40, prompt + 40))


def resumed(call: Script) -> Script:
    """The connection broke, and another took its place by the handle."""
    call(LOST).silent(100)(live.Ready())
    assert call.notes("model-back")[-1].fields["how"] == "resumed"
    return call


def seeds(orders: list[Order]) -> list[str]:
    """The instructions of the connections that were asked for."""
    setups = [order.setup.setup for order in orders if isinstance(order, OpenModel)]
    return [str(setup["systemInstruction"]["parts"][0]["text"]) for setup in setups]


def test_a_session_that_remembers_is_kept() -> None:
    call = billed(answered(resumed(grown())), 5_200).silent(500).heard().silent(500)
    assert not call.notes("session-forgot")
    assert opens(call.all) == [None, "h5"]


def test_one_that_forgot_is_left_for_another_when_nobody_speaks() -> None:
    call = answered(resumed(grown()), 2_000, "Good day! How can I help?")
    billed(call, FIRST + 60)
    (note,) = call.notes("session-forgot")
    assert (note.fields, note.severity) == ({"known": 2_000, "knows": 60}, "warning")
    assert PrepareModel() in call.last
    assert opens(call.silent(500).last) == []  # the agent is heard to its end
    call.heard().silent(1_700).heard().silent(100)
    assert opens(call.all) == [None, "h5", None]
    assert "It is four o'clock." in seeds(call.all)[-1]
    assert "Good day! How can I help?" in seeds(call.all)[-1]  # the caller has heard it
    call(live.Ready())
    back = call.notes("model-back")[-1].fields
    assert (back["how"], back["why"], back["lacks"]) == ("fresh", "forgot", 0)
    assert texts(call.all) == []  # nobody is greeted, nothing is said again


def test_what_the_caller_says_meanwhile_goes_to_the_next_session() -> None:
    call = billed(answered(resumed(grown())), FIRST + 60).silent(500).heard().silent(20)
    assert opens(call.all) == [None, "h5", None]
    call.speaks(600)
    assert sound_ms(call.last) == 0
    assert sound_ms(call(live.Ready()).last) == 600


def test_nobody_who_speaks_is_left() -> None:
    call = billed(answered(resumed(grown()), 2_000), FIRST + 60).silent(300)(live.Interrupted()).speaks(1_000)
    assert opens(call.all) == [None, "h5"]
    call.silent(400)(live.InputTranscript("And tomorrow?"))
    billed(answered(call), FIRST + 90).silent(600).heard().silent(100)
    assert opens(call.all) == [None, "h5", None]
    assert "And tomorrow?" in seeds(call.all)[-1]


def test_after_that_no_handle_is_used_in_this_call() -> None:
    call = billed(answered(resumed(grown())), FIRST + 60).silent(500).heard().silent(200)(live.Ready())
    call(live.ResumptionUpdate("h9", True))
    assert call.carry is not None
    assert call.carry.handle == ""
    call(LOST).silent(BACK_OFF_MS)
    assert opens(call.all) == [None, "h5", None, None]
    call(live.Ready())
    billed(answered(call), FIRST + 30).silent(500).heard().silent(500)
    assert len(call.notes("session-forgot")) == 1


def test_nor_in_its_next_stream() -> None:
    call = billed(answered(resumed(grown())), FIRST + 60).silent(500).heard().silent(200)(live.Ready())
    elsewhere = taken_up(crashed(call))(live.Ready())(live.ResumptionUpdate("h9", True)).silent(6_000)(LOST)
    assert opens(elsewhere.silent(BACK_OFF_MS).all) == [None, None]
    assert elsewhere.carry is not None
    assert elsewhere.carry.distrusts


def test_a_connection_that_is_lost_before_is_followed_by_a_fresh_session_at_once() -> None:
    call = billed(answered(resumed(grown()), 2_000), FIRST + 60)(LOST).silent(BACK_OFF_MS)
    assert opens(call.all) == [None, "h5", None]


def test_another_instance_notices_as_well() -> None:
    call = taken_up(crashed(grown()))
    call(live.Ready()).silent(100)
    assert call.notes("model-back")[-1].fields["how"] == "resumed"
    billed(answered(call), FIRST + 60)
    assert call.notes("session-forgot")


def test_a_session_that_was_told_the_call_is_told_again_when_it_is_resumed() -> None:
    """A resumption may change all but the model, and its instructions count (facts): without the transcript
    the session would lose it."""
    call = grown()(ModelGone(1007, "Request contains an invalid argument.")).silent(BACK_OFF_MS)(live.Ready())
    assert call.notes("model-back")[-1].fields["how"] == "fresh"
    call(live.ResumptionUpdate("again", True)).silent(6_000)(LOST).silent(100)
    assert opens(call.all)[-1] == "again"
    told, again = seeds(call.all)[-2:]
    assert "It is four o'clock." in told
    assert again == told
    call(live.Ready()).silent(100)
    elsewhere = taken_up(crashed(call))
    assert seeds(elsewhere.all)[-1] == told
