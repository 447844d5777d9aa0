"""A process whose event loop stands still is ended."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import asyncio, time
from gateway.server.watchdog import guard

async def main():
    guarding = asyncio.ensure_future(guard({stall_s}))
    await asyncio.sleep(0.2)
    {work}
    guarding.cancel()

asyncio.run(main())
print("well")
"""


def run(stall_s: int, work: str) -> subprocess.CompletedProcess[str]:
    script = SCRIPT.format(stall_s=stall_s, work=work)
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)


def test_a_loop_that_stands_still_ends_the_process_and_says_where() -> None:
    done = run(1, "time.sleep(30)")
    assert done.returncode == 1
    assert "Timeout (0:00:01)!" in done.stderr
    assert 'File "<string>", line 8 in main' in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("stall_s", "work"), [(3, "await asyncio.sleep(4)"), (0, "time.sleep(2)")])
def test_a_loop_that_comes_round_is_left_alone(stall_s: int, work: str) -> None:
    assert run(stall_s, work).stdout == "well\n"
