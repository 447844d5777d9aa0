"""The way past sosfilt's questions: the same bits, and there in the scipy that is locked."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.audio import cascade, resample


def test_the_compiled_loop_is_found() -> None:
    assert cascade.compiled is not None
    assert cascade.cascade is cascade.compiled


@pytest.mark.parametrize("sections", [resample._UP, resample._DOWN], ids=["up", "down"])
def test_sosfilt_itself_gives_the_same_bits(sections: cascade.Floats) -> None:
    """Over a stream, cut as it comes: samples and state."""
    random = np.random.default_rng(1)
    states = [np.zeros((1, len(sections), 2)) for _ in range(2)]
    for size in (1, 2, 159, 160, 320, 960, 5760):
        sound = random.integers(-32_768, 32_768, (1, size)).astype(np.float64)
        mine, theirs = sound.copy(), sound.copy()
        cascade.cascade(sections, mine, states[0])
        cascade.public(sections, theirs, states[1])
        assert np.array_equal(mine, theirs)
        assert np.array_equal(states[0], states[1])


def test_a_function_that_filters_otherwise_is_not_taken() -> None:
    def idle(sections: cascade.Floats, samples: cascade.Floats, state: cascade.Floats) -> None:
        """It leaves the samples alone."""

    with pytest.raises(TypeError, match="another function"):
        cascade._probe(idle)
