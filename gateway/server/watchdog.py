"""Ends a process whose event loop stands still: its calls hear nothing, and only its end lets them go on elsewhere.

A probe of `/healthz` finds that out too, but later (Cloud Run's every 10 s, three in a row). faulthandler's own thread
keeps the time; it writes where every thread stands, and exits.
"""

from __future__ import annotations

import asyncio
import faulthandler

LOOK_S = 1.0


async def guard(stall_s: int) -> None:
    """Until cancelled: the process ends with code 1 when the loop has not come round for `stall_s`. 0: never."""
    if not stall_s:
        return
    try:
        while True:
            faulthandler.dump_traceback_later(stall_s, exit=True)
            await asyncio.sleep(LOOK_S)
    finally:
        faulthandler.cancel_dump_traceback_later()
