"""Ten thousand strangers at the door while twenty calls talk: what a busy machine can't blur. `python -m bench.flood`
has the delays."""

from __future__ import annotations

import asyncio

import pytest

from bench import flood


@pytest.mark.slow
def test_no_stranger_gets_in_and_no_call_loses_sound() -> None:
    alone, _ = asyncio.run(flood.measure(strangers=False))
    among, answers = asyncio.run(flood.measure(strangers=True))
    assert answers == {"403": flood.STRANGERS}
    assert among.load.calls == 20
    assert not among.faults  # none of the sound lost or doubled, no call ended
    assert flood.share(alone, among) <= flood.SHARE  # whatever the machine: both figures are of one run
