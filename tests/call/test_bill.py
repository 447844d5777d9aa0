"""What a call costs, by the usage messages that the field has seen."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gateway.call.bill import MAX_TOKENS, REPEAT_MS, Bill
from gateway.live.messages import Usage
from gateway.live.prices import PRICES, Price

MODEL = "gemini-3.8-live"
# Some model whose cached tokens are priced, in round numbers.
CACHING = Price(
    of="2026-10",
    source="a test",
    into={"TEXT": Decimal(1), "AUDIO": Decimal(10)},
    out={"TEXT": Decimal(2), "AUDIO": Decimal(20), "THOUGHTS": Decimal(3)},
    cached={"AUDIO": Decimal(1)},
)


def audio(prompt: int = 0, response: int = 0) -> Usage:
    return Usage(prompt, response, by_modality={"prompt/AUDIO": prompt, "response/AUDIO": response})


def billed(*usages: Usage, model: str = MODEL) -> Bill:
    bill = Bill(model, {**PRICES, "caching": CACHING})
    for n, usage in enumerate(usages):
        bill.count(usage, n * 15_000)
    return bill


def test_nothing_said_costs_nothing() -> None:
    assert billed().fields() == {
        "cost_usd": 0.0,
        "prices_of": "2026-10",
        "tokens": {},
        "tokens_assumed_audio": 0,
        "turns_billed": 0,
        "turns_assumed": 0,
    }


def test_one_turn_by_modality() -> None:
    """A message as the Developer API sent it for gemini-3.8-live, thoughts beside: 25 tokens have no modality."""
    usage = Usage(
        prompt=522,
        response=42,
        total=564,
        thoughts=136,
        by_modality={"prompt/TEXT": 332, "prompt/AUDIO": 165, "response/AUDIO": 42},
    )
    assert billed(usage).fields() == {
        # 332 x 0.75 + 190 x 3 + 42 x 12 + 136 x 4.50 millionths
        "cost_usd": 0.0019,
        "prices_of": "2026-10",
        "tokens": {"prompt/AUDIO": 190, "prompt/TEXT": 332, "response/AUDIO": 42, "thoughts/TEXT": 136},
        "tokens_assumed_audio": 25,
        "turns_billed": 1,
        "turns_assumed": 0,
    }


def test_five_minutes_in_twenty_turns() -> None:
    """The field's estimate: 37 tokens a second, and each turn bills its whole context: 112,000 tokens, about $0.34."""
    seconds = [15 * n - 7.35 for n in range(1, 21)]  # in the middle of each turn
    bill = billed(*[audio(prompt=round(37 * second)) for second in seconds])
    tokens = bill.fields()["tokens"]
    assert tokens == {"prompt/AUDIO": pytest.approx(112_000, rel=0.02)}
    assert bill.cost_usd == pytest.approx(0.34, abs=0.01)
    assert bill.turns == 20


def test_the_agents_words_come_on_top() -> None:
    assert billed(audio(response=25 * 60)).cost_usd == 0.018  # a minute


def test_without_any_details_all_counts_as_sound() -> None:
    bill = billed(Usage(prompt=1_000_000, response=100_000))
    assert bill.cost_usd == 3 + 1.2
    assert bill.fields()["tokens_assumed_audio"] == 1_100_000


@pytest.mark.parametrize("modality", ["VIDEO", "MODALITY_UNSPECIFIED", "x" * 1000])
def test_a_modality_that_has_no_price_counts_as_sound(modality: str) -> None:
    bill = billed(Usage(prompt=1000, by_modality={f"prompt/{modality}": 1000}))
    assert bill.fields()["tokens"] == {"prompt/AUDIO": 1000}


def test_details_without_a_total_count() -> None:
    assert billed(Usage(by_modality={"response/TEXT": 1_000_000})).cost_usd == 4.5


def test_what_tools_handed_in_is_text() -> None:
    bill = billed(Usage(tool_use=1_000_000))
    assert bill.cost_usd == 0.75
    assert bill.fields()["tokens"] == {"tool_use/TEXT": 1_000_000}
    assert bill.fields()["tokens_assumed_audio"] == 0


CACHED = Usage(
    prompt=1_000_000,
    cached=600_000,
    by_modality={"prompt/AUDIO": 800_000, "prompt/TEXT": 200_000, "cached/AUDIO": 500_000, "cached/TEXT": 100_000},
)


def test_cached_tokens_cost_what_the_table_says() -> None:
    bill = billed(CACHED, model="caching")
    assert bill.cost_usd == 3 + 0.5 + 0.1 + 0.1  # no price for cached text: that of other text
    assert bill.fields()["tokens"] == {
        "cached/AUDIO": 500_000,
        "cached/TEXT": 100_000,
        "prompt/AUDIO": 300_000,
        "prompt/TEXT": 100_000,
    }


def test_and_as_much_as_others_where_it_says_nothing() -> None:
    assert billed(CACHED).cost_usd == 2.55


def test_no_more_is_cached_than_there_is() -> None:
    usage = Usage(prompt=100_000, by_modality={"prompt/AUDIO": 100_000, "cached/AUDIO": 900_000})
    assert billed(usage, model="caching").cost_usd == 0.1


def test_the_same_message_twice_is_billed_once() -> None:
    bill = Bill(MODEL, PRICES)
    for now_ms in (0, 10, REPEAT_MS):
        bill.count(audio(1000, 50), now_ms)
    assert bill.turns == 1


def test_the_same_counts_later_are_another_turn() -> None:
    bill = Bill(MODEL, PRICES)
    bill.count(audio(1000, 50), 0)
    bill.count(audio(1000, 50), REPEAT_MS + 1)
    assert bill.turns == 2


def test_other_counts_at_once_are_another_turn() -> None:
    bill = Bill(MODEL, PRICES)
    bill.count(audio(1000, 50), 0)
    bill.count(audio(1050, 20), 1)
    assert bill.turns == 2


def test_a_message_that_counts_nothing_is_no_turn() -> None:
    assert billed(Usage()).turns == 0


def test_a_total_beyond_what_is_named_is_billed_as_sound() -> None:
    fields = billed(Usage(prompt=10, response=5, total=100, by_modality={"prompt/TEXT": 10})).fields()
    assert fields["tokens"] == {"prompt/AUDIO": 85, "prompt/TEXT": 10, "response/AUDIO": 5}
    assert billed(Usage(total=9_000)).fields()["tokens"] == {"prompt/AUDIO": 9_000}


def test_counts_that_can_not_be_are_bounded() -> None:
    bill = billed(audio(-5, 2**63 - 1), Usage(prompt=-1, thoughts=-1))
    assert bill.fields()["tokens"] == {"response/AUDIO": MAX_TOKENS}


def test_a_model_without_a_price_has_no_cost_rather_than_none_to_pay() -> None:
    bill = billed(audio(1000, 50), model="gemini-9-live")
    assert bill.cost_usd is None
    assert bill.fields() == {
        "cost_usd": None,
        "prices_of": None,
        "tokens": {"prompt/AUDIO": 1000, "response/AUDIO": 50},
        "tokens_assumed_audio": 0,
        "turns_billed": 1,
        "turns_assumed": 0,
    }


def test_a_limit() -> None:
    bill = billed(audio(100_000))  # $0.30
    assert [bill.exceeds(limit) for limit in (0.299, 0.3, 0.301, None)] == [True, False, False, False]


def test_what_has_no_price_is_held_to_no_limit() -> None:
    assert not billed(audio(MAX_TOKENS), model="gemini-9-live").exceeds(0.01)


def test_cents_add_up_exactly() -> None:
    assert billed(*[audio(prompt=100_000 + n) for n in range(10)]).cost_usd == 3.0001  # 135 millionths, rounded


def test_a_turn_that_nothing_tells_of_is_taken_for_one_like_the_last() -> None:
    bill = Bill(MODEL, PRICES)
    bill.complete()
    bill.count(audio(1000, 50), 0)  # after the turn's end
    bill.complete()  # nothing tells of this one
    bill.complete()
    bill.count(audio(1200, 50), 30_000)
    assert (bill.turns, bill.turns_assumed) == (2, 1)
    assert bill.cost_usd == pytest.approx((2 * 1000 * 3 + 1200 * 3 + 3 * 50 * 12) / 1e6, abs=1e-4)
    assert bill.fields()["tokens"] == {"prompt/AUDIO": 2200, "response/AUDIO": 100}


def test_a_message_before_the_turns_end_is_that_turns() -> None:
    bill = Bill(MODEL, PRICES)
    for nth in range(3):
        bill.count(audio(1000 + nth, 50), nth * 15_000)
        bill.complete()
    assert bill.turns_assumed == 0


def test_messages_that_come_now_before_and_now_after_the_turns_end_are_all_there() -> None:
    bill = Bill(MODEL, PRICES)
    bill.begun()
    bill.count(audio(1000, 50), 0)
    bill.complete()
    bill.begun()
    bill.complete()
    bill.count(audio(1001, 50), 15_000)
    bill.begun()
    bill.count(audio(1002, 50), 30_000)
    bill.complete()
    bill.begun()
    assert (bill.turns, bill.turns_assumed) == (3, 0)


@pytest.mark.parametrize("told_first", [True, False])
def test_a_turn_without_a_message_is_known_whichever_way_the_others_come(told_first: bool) -> None:
    bill = Bill(MODEL, PRICES)
    for nth in range(4):
        told, now_ms = audio(1000 + nth, 50), nth * 15_000
        bill.begun()
        if told_first and nth != 2:
            bill.count(told, now_ms)
        bill.complete()
        if not told_first and nth != 2:
            bill.count(told, now_ms)
    bill.begun()
    assert (bill.turns, bill.turns_assumed) == (3, 1)


def test_a_message_for_what_made_no_sound_hides_no_turn() -> None:
    """The model called a tool, and that was billed."""
    bill = Bill(MODEL, PRICES)
    bill.count(audio(1000, 50), 0)
    bill.begun()
    bill.complete()
    bill.begun()
    assert bill.turns_assumed == 1


def test_a_turn_that_nothing_told_of_before_a_handover_is_known_after_it() -> None:
    bill, later = Bill(MODEL, PRICES), Bill(MODEL, PRICES)
    bill.count(audio(1000, 50), 0)
    bill.begun()
    bill.complete()
    later.goes_on(bill.kept())
    later.begun()
    assert later.turns_assumed == 1


def test_a_turn_that_was_told_of_before_its_end_is_not_billed_again_after_a_handover() -> None:
    bill, later = Bill(MODEL, PRICES), Bill(MODEL, PRICES)
    bill.begun()
    bill.count(audio(1000, 50), 0)
    later.goes_on(bill.kept())
    later.complete()
    later.begun()
    assert (later.turns_assumed, later.cost_usd) == (0, bill.cost_usd)


def test_the_last_turn_is_what_an_untold_one_costs_and_not_all_before_it() -> None:
    bill = Bill(MODEL, PRICES)
    for nth, tokens in enumerate((200_000, 100_000)):  # $0.60, $0.30
        bill.complete()
        bill.count(audio(tokens), nth * 15_000)
    bill.complete()
    bill.begun()
    assert (bill.turns_assumed, bill.cost_usd) == (1, 1.2)


def test_what_is_never_told_of_costs_nothing() -> None:
    bill = Bill(MODEL, PRICES)
    for _ in range(3):
        bill.complete()
    assert (bill.turns_assumed, bill.cost_usd) == (0, 0.0)


def test_what_was_assumed_goes_on_in_another_stream() -> None:
    bill = Bill(MODEL, PRICES)
    bill.count(audio(1000, 50), 0)
    for _ in range(3):
        bill.complete()
    later = Bill(MODEL, PRICES)
    later.goes_on(bill.kept())
    assert later.fields() == bill.fields()
    for _ in range(2):
        later.complete()
    assert later.turns_assumed == bill.turns_assumed + 2  # the last one of before, and the first of two
