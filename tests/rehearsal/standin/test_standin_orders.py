"""Orders are values: equal where they say the same, never changed."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import get_args

import pytest

from gateway.live.messages import Interrupted, TurnComplete
from gateway.rehearsal.standin.orders import Close, Cut, Order, Raw, Recognise, Send, Synthesise, Told
from gateway.rehearsal.standin.turns import Ended

ORDERS = (
    Send((Interrupted(), TurnComplete())),
    Raw("{"),
    Close(1008, "over"),
    Cut(),
    Recognise(Ended(0.0, 20.0, bytes(640), 16_000)),
    Synthesise(1, "Hello.", "Kore", "en-US"),
    Told("heard", {"text": "hello"}),
)


def test_every_order_is_here() -> None:
    assert tuple(type(order) for order in ORDERS) == get_args(Order)


def test_equal_orders_are_equal_and_a_frame_keeps_its_order() -> None:
    assert Send((Interrupted(), TurnComplete())) == ORDERS[0]
    assert Send((TurnComplete(), Interrupted())) != ORDERS[0]
    assert Told("x") == Told("x", {})
    assert Told("x").fields is not Told("x").fields


@pytest.mark.parametrize("order", [order for order in ORDERS if order != Cut()])
def test_an_order_cannot_be_changed(order: Order) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(order, next(iter(order.__dataclass_fields__)), None)
