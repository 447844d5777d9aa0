"""Whether a resumed session remembers: as counts and verdicts, and in a whole call."""

from __future__ import annotations

import pytest

from gateway.call.facts import OpenModel, Order, PrepareModel
from gateway.call.memory import LEAST, Memory
from gateway.live import messages as live
from tests.call.script import Script
from tests.call.test_context import BACK_OFF_MS, answered, asked
from tests.call.test_handover import crashed, taken_up
from tests.call.test_recovery import LOST, opens, sound_ms, texts

TARGET = 12_800
GROWN = (900, 1_200, 1_600)


def told(*prompts: int) -> Memory:
    memory = Memory(TARGET)
    assert not any(memory.billed(prompt) for prompt in prompts)
    return memory


@pytest.mark.parametrize(
    ("before", "after", "forgot"),
    [
        (GROWN, 1_900, False),  # it goes on
        (GROWN, 1_500, False),  # resumed without its last turn
        (GROWN, 400, False),  # a quarter is no proof
        (GROWN, 399, True),
        (GROWN, 0, False),  # not told
        ((900, 1_200), 100, False),  # one rise may be chance
        ((), 100, False),
        ((1_600, 500, 700), 100, False),  # counts that fall and rise are each turn's own
        ((1_600, 500, 700, 900), 100, True),
        ((100, 200, LEAST - 1), 50, False),  # too little to tell from instructions
        ((100, 200, LEAST), 50, True),
        ((20_000, 22_000, 25_000), TARGET, False),  # compressed in the same turn
        ((20_000, 22_000, 25_000), TARGET // 4 - 1, True),
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
    assert not memory.billed(1_900)
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
    assert elsewhere.billed(100)


def test_what_is_not_sure_does_not_go_over() -> None:
    elsewhere = Memory(TARGET)
    elsewhere.goes_on(told(900, 1_200).kept)
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
    call = billed(answered(resumed(grown())), 1_900).silent(500).heard().silent(500)
    assert not call.notes("session-forgot")
    assert opens(call.all) == [None, "h4"]


def test_one_that_forgot_is_left_for_another_when_nobody_speaks() -> None:
    call = answered(resumed(grown()), 2_000, "Good day! How can I help?")
    billed(call, 60)
    (note,) = call.notes("session-forgot")
    assert (note.fields, note.severity) == ({"known": 1_600, "billed": 60}, "warning")
    assert PrepareModel() in call.last
    assert opens(call.silent(500).last) == []  # the agent is heard to its end
    call.heard().silent(1_700).heard().silent(100)
    assert opens(call.all) == [None, "h4", None]
    assert "It is four o'clock." in seeds(call.all)[-1]
    assert "Good day! How can I help?" in seeds(call.all)[-1]  # the caller has heard it
    call(live.Ready())
    back = call.notes("model-back")[-1].fields
    assert (back["how"], back["why"], back["lacks"]) == ("fresh", "forgot", 0)
    assert texts(call.all) == []  # nobody is greeted, nothing is said again


def test_what_the_caller_says_meanwhile_goes_to_the_next_session() -> None:
    call = billed(answered(resumed(grown())), 60).silent(500).heard().silent(20)
    assert opens(call.all) == [None, "h4", None]
    call.speaks(600)
    assert sound_ms(call.last) == 0
    assert sound_ms(call(live.Ready()).last) == 600


def test_nobody_who_speaks_is_left() -> None:
    call = billed(answered(resumed(grown()), 2_000), 60).silent(300)(live.Interrupted()).speaks(1_000)
    assert opens(call.all) == [None, "h4"]
    call.silent(400)(live.InputTranscript("And tomorrow?"))
    billed(answered(call), 90).silent(600).heard().silent(100)
    assert opens(call.all) == [None, "h4", None]
    assert "And tomorrow?" in seeds(call.all)[-1]


def test_after_that_no_handle_is_used_in_this_call() -> None:
    call = billed(answered(resumed(grown())), 60).silent(500).heard().silent(200)(live.Ready())
    call(live.ResumptionUpdate("h9", True))
    assert call.carry is not None
    assert call.carry.handle == ""
    call(LOST).silent(BACK_OFF_MS)
    assert opens(call.all) == [None, "h4", None, None]
    call(live.Ready())
    billed(answered(call), 30).silent(500).heard().silent(500)
    assert len(call.notes("session-forgot")) == 1


def test_a_connection_that_is_lost_before_is_followed_by_a_fresh_session_at_once() -> None:
    call = billed(answered(resumed(grown()), 2_000), 60)(LOST).silent(BACK_OFF_MS)
    assert opens(call.all) == [None, "h4", None]


def test_another_instance_notices_as_well() -> None:
    call = taken_up(crashed(grown()))
    call(live.Ready()).silent(100)
    assert call.notes("model-back")[-1].fields["how"] == "resumed"
    billed(answered(call), 60)
    assert call.notes("session-forgot")
