"""`gateway demo`: a rehearsed call, shown as it happens, and its files. This is the door that the command uses."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime
from pathlib import Path
from typing import TextIO

from gateway.rehearsal.board import Board
from gateway.rehearsal.core import CoreFailed
from gateway.rehearsal.prepare import DemoFault, DemoOptions, Prepared, prepare
from gateway.rehearsal.process import StandinError
from gateway.rehearsal.rehearse import Rehearsal
from gateway.rehearsal.report import Evidence, Files, Report, as_object, as_transcript, report_of
from gateway.rehearsal.show import Show, Style
from gateway.rehearsal.wav import write_call
from gateway.settings import child_environment

__all__ = ["DemoOptions", "run_demo"]

WIDEST, NARROWEST = 100, 60  # columns: longer lines are hard to read; in narrower terminals nothing is redrawn
OK, FAULTS, INTERRUPTED, TERMINATED = 0, 1, 130, 143


def run_demo(options: DemoOptions) -> int:
    """Runs one demo. Returns the exit code."""
    return conduct("gateway demo", lambda: _demo(options))


def conduct(command: str, work: Callable[[], Coroutine[None, None, int]]) -> int:
    """Runs a call from its beginning to its files. Returns the exit code: 0 well, 1 faults, 2 used wrongly, 130
    interrupted; a gateway that didn't start gives its own."""
    try:
        return asyncio.run(work())
    except DemoFault as fault:
        return say(str(fault) if "\n" in str(fault) else f"{command}: {fault}", fault.code)
    except CoreFailed as failed:
        return say(str(failed).rstrip("\n"), failed.code)
    except StandinError as failed:
        return say(f"{command}: {failed}", FAULTS)
    except KeyboardInterrupt:
        return say(f"{command}: interrupted", INTERRUPTED)
    except asyncio.CancelledError:
        return say(f"{command}: terminated", TERMINATED)


async def _demo(options: DemoOptions) -> int:
    end_on_sigterm()
    env = child_environment()
    prepared = prepare(options, env, datetime.now().astimezone())
    board = Board(prepared.clips)
    show = None if options.json else Show(sys.stdout, style(sys.stdout, env), board)
    if show:
        show.open(prepared.setting, prepared.caller)
    report = finish(prepared, show, await Rehearsal(prepared, board, show).run())
    return OK if report.well else say(f"gateway demo: {went_wrong(report)}", FAULTS)


def finish(prepared: Prepared, show: Show | None, evidence: Evidence) -> Report:
    """Writes the files, and tells the figures: on the terminal, or as one JSON object. Raises DemoFault."""
    report = report_of(evidence)
    files = save(prepared.out, report, evidence)
    if show:
        show.close(report, files, (evidence.record.caller, evidence.record.agent))
    else:
        sys.stdout.write(json.dumps(as_object(report, files), ensure_ascii=False) + "\n")
    return report


def went_wrong(report: Report) -> str:
    return f"the call went wrong: {report.ended}: {report.ending}"


def save(out: Path, report: Report, evidence: Evidence) -> Files:
    """Writes call.wav, transcript.txt and summary.json. Raises DemoFault."""
    files = Files(*(str(out / name) for name in ("call.wav", "transcript.txt", "summary.json")))
    summary = json.dumps(as_object(report, files), indent=2, ensure_ascii=False) + "\n"
    try:
        write_call(Path(files.recording), evidence.record.caller, evidence.record.agent)
        Path(files.transcript).write_text(as_transcript(report), encoding="utf-8")
        Path(files.summary).write_text(summary, encoding="utf-8")
    except OSError as error:
        hint = "name another folder with --out"
        raise DemoFault(FAULTS, f"{out}: can't be written: {error.strerror or error} ({hint})") from error
    return files


def style(out: TextIO, env: Mapping[str, str]) -> Style:
    """What the output can show: colour and redrawing on a terminal only, and NO_COLOR (no-color.org) is obeyed."""
    terminal = out.isatty() and env.get("TERM") != "dumb"
    columns = shutil.get_terminal_size().columns if terminal else WIDEST
    width = min(WIDEST, max(NARROWEST, columns))
    unicode = (getattr(out, "encoding", "") or "").lower().replace("-", "").startswith("utf")
    return Style(
        width=width,
        colour=terminal and not env.get("NO_COLOR"),
        live=terminal and columns >= NARROWEST,
        unicode=unicode,
    )


def end_on_sigterm() -> None:
    """SIGTERM, and the terminal's end, end this task as Ctrl-C does: the children first."""
    task = asyncio.current_task()
    if task is not None:
        for name in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(name, task.cancel)


def say(text: str, code: int) -> int:
    """The last words, on stderr. Returns the code."""
    sys.stderr.write(text + "\n")
    return code
