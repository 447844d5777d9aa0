"""What a call costs: told with each turn, summed up at the end, and held to a limit."""

from __future__ import annotations

from gateway.call.facts import ModelGone
from gateway.call.span import COST_S
from gateway.live import messages as live
from gateway.live.cues import wind_up
from gateway.twilio.media import Stopped
from tests.call.script import STARTED, Script, pcm, plan

# A turn of gemini-3.8-live: 1,000 tokens of sound in at 3 USD a million, 100 out at 12.
TURN = live.Usage(1000, 100, 1100, by_modality={"prompt/AUDIO": 1000, "response/AUDIO": 100})
TURN_USD = 0.0042


def opened(**changes: object) -> Script:
    return Script(plan(**changes))(STARTED).at(0.1)(live.Ready())  # type: ignore[arg-type]


def texts(call: Script) -> list[str]:
    return [order.text for order in call.all if isinstance(order, live.SendText)]


def test_each_turn_tells_its_tokens_by_modality_and_the_estimate_so_far() -> None:
    call = opened()(TURN).silent(4000)(live.Usage(500, 0, 500, by_modality={"prompt/TEXT": 500}))
    first, second = call.notes("turn-billed")
    assert first.fields == {"tokens": {"prompt/AUDIO": 1000, "response/AUDIO": 100}, "cost_usd": TURN_USD}
    assert second.fields["tokens"] == {"prompt/TEXT": 500}
    assert second.fields["cost_usd"] > TURN_USD


def test_a_message_that_comes_again_or_counts_nothing_is_no_turn() -> None:
    call = opened()(TURN)(TURN)(live.Usage())
    assert len(call.notes("turn-billed")) == 1


def test_the_summary_has_the_sum() -> None:
    call = opened()(TURN).silent(3000)(TURN).wait(60)
    fields = call.notes("call-ended")[0].fields
    assert (fields["cost_usd"], fields["turns_billed"]) == (2 * TURN_USD, 2)
    assert fields["tokens"] == {"prompt/AUDIO": 2000, "response/AUDIO": 200}
    assert fields["prices_of"]


def test_a_call_that_has_cost_what_it_may_is_told_and_ends() -> None:
    call = opened(max_cost_usd=0.005)(TURN).silent(3000)
    assert call.notes("cost-reached") == []
    call(TURN).silent(100)
    assert len(call.notes("cost-reached")) == 1
    assert texts(call) == [wind_up(round(COST_S))]
    call(live.Usage(9000)).silent(round(1000 * COST_S) - 1000)
    assert (call.ended, len(call.notes("cost-reached"))) == (None, 1)
    assert call.silent(1000).ended == "max-cost"


def test_turns_that_nothing_tells_of_cost_like_the_last() -> None:
    call = opened(max_cost_usd=0.005)(TURN)
    for _ in range(2):
        assert call.notes("cost-reached") == []
        call(live.ModelAudio(pcm(100)))(live.GenerationComplete())(live.TurnComplete()).silent(1000).heard()
    assert len(call.notes("cost-reached")) == 1
    ended = call.silent(round(1000 * COST_S)).notes("call-ended")[0].fields
    assert (ended["turns_billed"], ended["turns_assumed"]) == (1, 2)


def test_what_is_said_before_thinking_is_no_turn_of_its_own() -> None:
    call = opened(max_cost_usd=9.0)
    for nth in range(3):
        for status in ("IN_PROGRESS", "IDLE"):
            call(live.ModelAudio(pcm(100)))(live.GenerationComplete())(live.TurnComplete("", status)).silent(
                500
            ).heard()
        call(live.Usage(1000 + nth))
    ended = call.wait(60).notes("call-ended")[0].fields
    assert (ended["turns_billed"], ended["turns_assumed"]) == (3, 0)


def test_a_turn_that_a_loss_cut_short_is_billed_too() -> None:
    call = opened(max_cost_usd=9.0)(live.ModelAudio(pcm(100)))(live.GenerationComplete())(live.TurnComplete())(TURN)
    call.silent(500).heard()(live.ModelAudio(pcm(2_000))).silent(300)(ModelGone(1011, "Internal error"))
    ended = call.silent(100)(live.Ready()).wait(600).notes("call-ended")[0].fields
    assert (ended["turns_billed"], ended["turns_assumed"]) == (1, 1)


def test_a_turn_that_the_end_of_the_call_cut_short_is_no_other() -> None:
    call = opened(max_cost_usd=9.0)(live.ModelAudio(pcm(100)))(live.GenerationComplete())(live.TurnComplete())(TURN)
    ended = call.silent(500).heard()(live.ModelAudio(pcm(2_000)))(Stopped("CA1")).notes("call-ended")[0].fields
    assert (ended["turns_billed"], ended["turns_assumed"]) == (1, 1)


def test_without_a_limit_nothing_ends_a_call_that_is_dear() -> None:
    assert opened()(live.Usage(1_000_000)).silent(25_000).ended is None
