"""The price table: dated, sourced, whole, and of models that exist."""

from __future__ import annotations

import json
import re
from decimal import Decimal

import pytest

from gateway.live.abilities import DEFAULT_MODEL, MODELS
from gateway.live.prices import PRICES, read

ROW = {
    "of": "2026-10",
    "source": "a page",
    "in": {"TEXT": 1, "AUDIO": 2.5},
    "out": {"TEXT": 3, "AUDIO": 4, "THOUGHTS": 3},
}


def test_the_default_model_has_a_price() -> None:
    price = PRICES[DEFAULT_MODEL]
    assert (price.into["AUDIO"], price.out["AUDIO"]) == (Decimal(3), Decimal(12))
    assert (price.into["TEXT"], price.out["TEXT"], price.out["THOUGHTS"]) == (
        Decimal("0.75"),
        Decimal("4.5"),
        Decimal("4.5"),
    )
    assert price.cached == {}


@pytest.mark.parametrize("name", PRICES)
def test_each_is_of_a_model_that_there_is_and_says_when_and_where_from(name: str) -> None:
    assert name in MODELS
    assert re.fullmatch(r"20\d\d-\d\d(-\d\d)?", PRICES[name].of)
    assert PRICES[name].source


def test_prices_are_read_exactly() -> None:
    price = read(json.dumps({"models": {"a": {**ROW, "cached": {"AUDIO": 0.1}}}}))["a"]
    assert price.into["AUDIO"] == Decimal("2.5")
    assert price.cached["AUDIO"] == Decimal("0.1")


@pytest.mark.parametrize(
    "change",
    [{"in": {"TEXT": 1}}, {"out": {"TEXT": 1, "AUDIO": 1}}, {"cached": {"AUDIO": -1}}],
    ids=["in", "out", "below"],
)
def test_half_a_row_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="a: no price for"):
        read(json.dumps({"models": {"a": {**ROW, **change}}}))


def test_a_row_without_its_date_is_refused() -> None:
    with pytest.raises(KeyError, match="of"):
        read(json.dumps({"models": {"a": {"source": "a page"}}}))
