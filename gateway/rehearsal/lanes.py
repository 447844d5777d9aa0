"""The sound of a call as two lines of text: caller above, agent below, time from left to right. Pure."""

from __future__ import annotations

import numpy as np

from gateway.audio import mulaw

STEP_S = 0.5  # a column, while the call is short enough for the width
MARK_S = (5, 10, 20, 30, 60, 120, 300, 600)  # what the scale may count in
LEVELS = "▁▂▃▄▅▆▇█"
QUIET_DB, LOUD_DB = -46.0, -14.0  # of full scale, RMS: the lowest and the highest bar
MIN_MARK = 8  # columns between marks


def lanes(caller: bytes | bytearray, agent: bytes | bytearray, columns: int) -> tuple[str, str, str]:
    """Two tracks (mu-law, 8 kHz) and a scale, each at most `columns` wide."""
    longest = max(len(caller), len(agent))
    step = max(int(STEP_S * 8000), -(-longest // columns))
    return _lane(caller, step), _lane(agent, step), _scale(longest, step)[:columns]


def _lane(track: bytes | bytearray, step: int) -> str:
    if not track:
        return ""
    padded = bytes(track) + b"\xff" * (-len(track) % step)
    squares = (mulaw.decode(padded).astype(np.float32) / 32_768).reshape(-1, step) ** 2
    levels = 10 * np.log10(squares.mean(axis=1) + 1e-10)
    bars = np.clip((levels - QUIET_DB) / (LOUD_DB - QUIET_DB) * len(LEVELS), 0, len(LEVELS) - 1).astype(int)
    return "".join(LEVELS[bar] for bar in bars)


def _scale(length: int, step: int) -> str:
    mark = next((s for s in MARK_S if s * 8000 / step >= MIN_MARK), MARK_S[-1])
    text = ""
    for second in range(0, length // 8000 + 1, mark):
        text = text.ljust(round(second * 8000 / step)) + f"{second // 60}:{second % 60:02}"
    return text
