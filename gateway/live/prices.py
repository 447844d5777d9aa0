"""What the models' tokens cost: prices.json, dated, with its source. A model that is not in it has no price here.

    {"unit": …, "models": {name: {"of": the month or day of the price, "source": page,
        "in": {modality: price}, "out": {modality: price; THOUGHTS for thinking}, "cached": {modality: price}}}}

Prices are USD per million tokens, so tokens times price are millionths of a dollar. `cached` is left out where no price
for it is published: then such tokens cost as much as others. The table holds the Developer API's prices; Vertex AI is
taken to cost the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from importlib import resources
from typing import Any

MODALITIES = ("TEXT", "AUDIO")  # of a phone call; each needs a price both ways


@dataclass(frozen=True, slots=True)
class Price:
    """`of` is the month or day of the price. The keys of `into` and `cached` are modalities, those of `out` too, with
    THOUGHTS beside."""

    of: str
    source: str
    into: Mapping[str, Decimal]
    out: Mapping[str, Decimal]
    cached: Mapping[str, Decimal]


Prices = Mapping[str, Price]


def read(text: str) -> dict[str, Price]:
    """The table in `text`. Raises ValueError or KeyError where it is not one: a table is checked by tests."""
    table = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    return {name: _price(name, row) for name, row in table["models"].items()}


def _price(name: str, row: Mapping[str, Any]) -> Price:
    price = Price(row["of"], row["source"], row["in"], row["out"], row.get("cached", {}))
    missing = {*MODALITIES} - price.into.keys() | {*MODALITIES, "THOUGHTS"} - price.out.keys()
    below = [kind for prices in (price.into, price.out, price.cached) for kind in prices if prices[kind] < 0]
    if missing or below:
        raise ValueError(f"{name}: no price for {sorted(missing)}, or one below zero for {below}")
    return price


PRICES: Prices = read(resources.files("gateway.live").joinpath("prices.json").read_text(encoding="utf-8"))
