"""The call on a terminal, as it happens, and its figures at the end.

Plain ANSI. Where the output is no terminal nothing is redrawn; no colour there either, nor where NO_COLOR is set.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

from gateway.rehearsal.board import Board, Row
from gateway.rehearsal.lanes import lanes
from gateway.rehearsal.report import HONEST, Files, Model, Report, Setting, clock

INDENT = " " * 20  # where the words begin: "  00:00.0  caller   "

BOLD, DIM, CYAN, GREEN, YELLOW = "1", "2", "36", "32", "33"
COLOUR = {"caller": CYAN, "agent": GREEN}


@dataclass(frozen=True, slots=True)
class Style:
    """What the terminal can do. `live`: rows may be redrawn."""

    width: int = 80
    colour: bool = False
    live: bool = False
    unicode: bool = True

    def paint(self, text: str, *codes: str) -> str:
        return f"\x1b[{';'.join(codes)}m{text}\x1b[0m" if self.colour and text else text

    def plain(self, text: str) -> str:
        """The text in what the terminal's encoding can show."""
        return text if self.unicode else text.translate(ASCII)


ASCII = str.maketrans("─…└▁▂▃▄▅▆▇█", "-~`_.-:=+*#")


class Show:
    """Writes to `out`. `update` may be called at any pace."""

    def __init__(self, out: TextIO, style: Style, board: Board) -> None:
        self._out = out
        self._style = style
        self._board = board
        self._printed = 0  # rows that stand for good
        self._drawn = 0  # lines below them that will be redrawn

    def open(self, setting: Setting, caller: str, model: Model | None = None) -> None:
        """The head: what is called, and who speaks (None: a rehearsal)."""
        paint = self._style.paint
        honest = paint(HONEST, BOLD, YELLOW)
        head = f"{paint('gateway call', BOLD)}   {model}" if model else f"{paint('gateway demo', BOLD)}   {honest}"
        self._write(
            [
                "",
                f"  {head}",
                f"  {paint('─' * (self._style.width - 4), DIM)}",
                f"  {paint('flow', DIM)}    {setting.flow}",
                f"  {paint('line', DIM)}    {setting.line} {setting.number}, answered by {setting.persona}",
                f"  {paint('caller', DIM)}  {caller}",
                "",
            ]
        )

    def update(self, caller: bytes | bytearray, agent: bytes | bytearray) -> None:
        """Rows that are settled stand for good; on a terminal the others and the sound so far are drawn below."""
        settled = self._board.settled()
        lines = self._rows(self._board.rows[self._printed : settled])
        self._printed = max(self._printed, settled)
        below = self._rows(self._board.rows[settled:]) + self._sound(caller, agent) if self._style.live else []
        if lines or below:
            self._write(lines, below)

    def close(self, report: Report, files: Files, tracks: tuple[bytes, bytes]) -> None:
        """The rest of the rows, the whole call as a picture, the figures and where the files are."""
        lines = self._rows(self._board.rows[self._printed :])
        self._printed = len(self._board.rows)
        over = f"  {clock(report.duration_ms)}  {self._style.paint(str(report.ending), DIM)}"
        numbers, places = self._pairs(figures(report)), self._pairs(where(files))
        self._write([*lines, over, "", *self._sound(*tracks), "", *numbers, "", *places, ""])

    def say(self, text: str) -> None:
        """One line of progress."""
        self._write([f"  {self._style.paint(text, DIM)}", ""])

    def _rows(self, rows: Sequence[Row]) -> list[str]:
        return [line for row in rows for line in self._row(row)]

    def _row(self, row: Row) -> list[str]:
        paint = self._style.paint
        words = "…" if row.words is None else row.words or "(nothing of it was heard)"
        broken = " …" if row.interrupted else ""
        wrapped = textwrap.wrap(words + broken, self._style.width - len(INDENT) - 2) or [""]
        head = f"  {paint(clock(row.start_ms), DIM)}  {paint(f'{row.speaker:<6}', BOLD, COLOUR[row.speaker])}   "
        lines = [head + wrapped[0], *(INDENT + more for more in wrapped[1:])]
        return lines + [f"{INDENT}{paint('└ ' + note, YELLOW)}" for note in _notes(row)] + [""]

    def _sound(self, caller: bytes | bytearray, agent: bytes | bytearray) -> list[str]:
        paint, columns = self._style.paint, self._style.width - 13
        upper, lower, scale = lanes(caller, agent, columns)
        return [
            f"  {paint('caller', DIM)}   {paint(upper, CYAN)}",
            f"  {paint('agent', DIM)}    {paint(lower, GREEN)}",
            f"           {paint(scale, DIM)}",
        ]

    def _pairs(self, pairs: Sequence[tuple[str, str]]) -> list[str]:
        return [f"  {self._style.paint(name.ljust(14), DIM)} {value}" for name, value in pairs]

    def _write(self, lines: Sequence[str], below: Sequence[str] = ()) -> None:
        back = f"\x1b[{self._drawn}A\x1b[J" if self._drawn else ""
        text = "".join(line + "\n" for line in (*lines, *below))
        self._drawn = len(below)
        self._out.write(back + self._style.plain(text))
        self._out.flush()


def figures(report: Report) -> list[tuple[str, str]]:
    """The small table: what was measured at the phone, in words."""
    times, barge, clear = report.responses_ms, report.barge_in_ms, report.clear_ms
    response = (
        f"p50 {seconds(report.response_p50)}, longest {seconds(report.response_max)} ({len(times)} answers)"
        if times
        else "no answer could be timed"
    )
    lines = [("response time", response)]
    if barge is not None:
        lines.append(("interruption", f"agent silent {seconds(barge)} after the caller's first sound"))
    if clear is not None:
        lines.append(("clear", f"{clear} ms from the model's `interrupted` to `clear` at the phone"))
    lines += _costs(report)
    lines += [(f"Twilio {c.code}", f"{c.message} (at {clock(c.at_ms)})") for c in report.complaints]
    if not report.complaints and report.well:
        lines.append(("Twilio", "would have had nothing to complain of"))
    return lines


def _costs(report: Report) -> list[tuple[str, str]]:
    """What a model's words cost; a rehearsal costs nothing."""
    if report.model is None or report.bill is None:
        return []
    bill, tokens = report.bill, f"{sum(report.bill.tokens.values()):,} tokens"
    if bill.cost_usd is None:
        return [("cost", f"not known: there is no price for {report.model.name} here ({tokens})")]
    return [("cost", f"about {bill.cost_usd:.4f} USD by the prices of {bill.prices_of} ({tokens})")]


def where(files: Files) -> list[tuple[str, str]]:
    """Where the files are."""
    recording = f"{files.recording}  (stereo: caller left, agent right)"
    return [("recording", recording), ("transcript", files.transcript), ("summary", files.summary)]


def seconds(ms: float | None) -> str:
    """0.81 s; 43 ms where hundredths would say too little."""
    if ms is None:
        return "-"
    return f"{ms / 1000:.2f} s" if ms >= 100 else f"{ms:.0f} ms"


def _notes(row: Row) -> list[str]:
    notes = []
    if row.response_ms is not None:
        notes.append(f"answered {seconds(row.response_ms)} after the caller's last sound")
    if row.silenced_ms is not None:
        notes.append(f"interrupts: the agent fell silent after {seconds(row.silenced_ms)}")
    elif row.over_agent:
        notes.append("speaks while the agent does")
    return notes
