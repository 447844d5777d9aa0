"""Children of the rehearsal: started with an environment of their own, and ended by their process id; where the system
can (Linux), also by the end of the rehearsal itself, however it comes."""

from __future__ import annotations

import asyncio
import ctypes
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway.settings import child_environment

# Nothing else of the operator's environment: a key, a project or a Redis of theirs has no place in a rehearsal.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
ROOT = str(Path(__file__).parents[3])
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
PR_SET_PDEATHSIG = 1  # prctl(2)


async def spawn(command: Sequence[str], env: Mapping[str, str], log: Path) -> asyncio.subprocess.Process:
    """Both outputs are added to `log`. Its stdin is a pipe that ends with us."""
    ours = child_environment(PYTHONPATH=ROOT)
    kept = {name: ours[name] for name in INHERITED if name in ours}
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            *command,
            env={**kept, **env},
            stdin=asyncio.subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is the rehearsal's: it ends its children in its own order
            preexec_fn=die_with_us,
        )


def die_with_us() -> None:
    """In a child, before it becomes its program: SIGKILL ends it when the thread that started it has gone."""
    if LIBC is not None:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
