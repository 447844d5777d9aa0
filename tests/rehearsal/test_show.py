"""What stands on the terminal."""

import io

import numpy as np

from gateway.audio import mulaw
from gateway.rehearsal.board import Board
from gateway.rehearsal.lanes import lanes
from gateway.rehearsal.line import Complaint
from gateway.rehearsal.phone import Ending
from gateway.rehearsal.report import Bill, Files, Model, Report, Setting, Turn
from gateway.rehearsal.scene import AgentBegan, AgentEnded, AgentSilenced, CallerBegan, CallerEnded, HungUp
from gateway.rehearsal.show import Show, Style, seconds
from gateway.rehearsal.wav import Clip

SETTING = Setting("dental-clinic", "front-desk", "+14155550100", "ava")
LOUD = mulaw.encode((np.sin(np.arange(8000) / 3) * 20_000).astype(np.int16))  # a second
QUIET = b"\xff" * 8000


def report(**changes: object) -> Report:
    fields: dict[str, object] = {
        "setting": SETTING,
        "ending": Ending("caller"),
        "ended": "caller-hung-up",
        "call_sid": "CA1",
        "duration_ms": 36_200,
        "turns": (),
        "responses_ms": (790, 910),
        "barge_in_ms": 312,
        "clear_ms": 4,
        "complaints": (),
    }
    return Report(**(fields | changes))  # type: ignore[arg-type]


def a_call(board: Board) -> None:
    board.happen(AgentBegan(500, None))
    board.happen(AgentEnded(2000))
    board.tell(Turn("agent", "Good day.", 490, 2010, 1500))
    board.happen(CallerBegan(2900, 0, False))
    board.happen(CallerEnded(4000, 0))
    board.happen(AgentBegan(4812, 812.0))
    board.happen(CallerBegan(6000, 1, True))
    board.happen(AgentSilenced(6312, 312.0))
    board.tell(Turn("agent", "Thank you", 4800, 6300, 1500, interrupted=True))
    board.happen(CallerEnded(7000, 1))
    board.happen(HungUp(8000))


def clips() -> list[Clip]:
    return [Clip("one", b"", 0, 0, "ten of clubs"), Clip("two", b"", 0, 0, "wait a moment")]


def test_a_call_reads_as_a_conversation_where_nothing_can_be_redrawn() -> None:
    out, board = io.StringIO(), Board(clips())
    show = Show(out, Style(width=80), board)
    show.open(SETTING, "2 recordings")
    a_call(board)
    show.update(LOUD, QUIET)
    show.close(report(), Files("o/call.wav", "o/transcript.txt", "o/summary.json"), (QUIET + LOUD, LOUD * 2))
    text = out.getvalue()
    assert "\x1b" not in text
    assert text.splitlines()[1] == "  gateway demo   Rehearsal: scripted, not a model"
    begin = text.index("  00:00.5")
    assert text[begin:].splitlines() == [
        "  00:00.5  agent    Good day.",
        "",
        "  00:02.9  caller   ten of clubs",
        "",
        "  00:04.8  agent    Thank you …",
        "                    └ answered 0.81 s after the caller's last sound",
        "",
        "  00:06.0  caller   wait a moment",
        "                    └ interrupts: the agent fell silent after 0.31 s",
        "",
        "  00:36.2  the caller hung up",
        "",
        "  caller   ▁▁██",
        "  agent    ████",
        "           0:00",
        "",
        "  response time  p50 0.85 s, longest 0.91 s (2 answers)",
        "  interruption   agent silent 0.31 s after the caller's first sound",
        "  clear          4 ms from the model's `interrupted` to `clear` at the phone",
        "  Twilio         would have had nothing to complain of",
        "",
        "  recording      o/call.wav  (stereo: caller left, agent right)",
        "  transcript     o/transcript.txt",
        "  summary        o/summary.json",
        "",
    ]


def test_on_a_terminal_open_rows_and_sound_are_redrawn_and_settled_rows_stay() -> None:
    out, board = io.StringIO(), Board(clips())
    show = Show(out, Style(width=80, live=True), board)
    board.happen(AgentBegan(500, None))
    show.update(QUIET, LOUD)
    assert out.getvalue().splitlines()[0] == "  00:00.5  agent    …"
    drawn = len(out.getvalue().splitlines())
    board.happen(AgentEnded(2000))
    board.tell(Turn("agent", "Good day.", 490, 2010, 1500))
    out.truncate(0)
    out.seek(0)
    show.update(QUIET, LOUD)
    assert out.getvalue().startswith(f"\x1b[{drawn}A\x1b[J  00:00.5  agent    Good day.\n")
    out.truncate(0)
    out.seek(0)
    show.update(QUIET, LOUD)
    assert out.getvalue().startswith("\x1b[3A\x1b[J  caller   ▁▁\n")


def test_colour_only_where_it_is_wanted() -> None:
    assert Style(colour=True).paint("words", "1", "36") == "\x1b[1;36mwords\x1b[0m"
    assert Style(colour=False).paint("words", "1") == "words"


def test_a_terminal_without_unicode_gets_ascii() -> None:
    out, board = io.StringIO(), Board(clips())
    a_call(board)
    show = Show(out, Style(unicode=False), board)
    show.close(report(), Files("a", "b", "c"), (LOUD, QUIET))
    assert out.getvalue().isascii()


def test_what_was_not_measured_is_not_in_the_table() -> None:
    out = io.StringIO()
    bare = report(responses_ms=(), barge_in_ms=None, clear_ms=None, complaints=(Complaint(31951, "bad mark", 61_000),))
    Show(out, Style(), Board([])).close(bare, Files("a", "b", "c"), (b"", b""))
    text = out.getvalue()
    assert "no answer could be timed" in text
    assert "interruption" not in text
    assert "Twilio 31951   bad mark (at 01:01.0)" in text
    assert "nothing to complain" not in text


def test_a_call_with_a_model_says_who_speaks_and_what_it_cost() -> None:
    out, model = io.StringIO(), Model("gemini-3.8-live", "Vertex AI")
    show = Show(out, Style(), Board([]))
    show.open(SETTING, "you", model)
    show.close(report(model=model, bill=Bill(0.01234, "2026-09", {"a": 1000, "b": 234})), Files(*"abc"), (b"", b""))
    show.close(report(model=model, bill=Bill(None, None, {})), Files(*"abc"), (b"", b""))
    text = out.getvalue()
    assert text.splitlines()[1] == "  gateway call   gemini-3.8-live, Vertex AI"
    assert "  cost           about 0.0123 USD by the prices of 2026-09 (1,234 tokens)\n" in text
    assert "  cost           not known: there is no price for gemini-3.8-live here (0 tokens)\n" in text
    assert "ehears" not in text


def test_short_times_are_told_in_milliseconds() -> None:
    assert [seconds(ms) for ms in (None, 43.4, 100, 812.4)] == ["-", "43 ms", "0.10 s", "0.81 s"]


def test_long_words_are_broken_at_the_width() -> None:
    out, board = io.StringIO(), Board([Clip("one", b"", 0, 0, "word " * 60)])
    board.happen(CallerBegan(0, 0, False))
    board.happen(CallerEnded(1, 0))
    Show(out, Style(width=60), board).update(b"", b"")
    assert max(len(line) for line in out.getvalue().splitlines()) <= 60


def test_lanes_show_who_sounds_when_and_the_scale_fits() -> None:
    upper, lower, scale = lanes(QUIET * 10 + LOUD * 10, LOUD * 10, 80)
    assert upper == "▁" * 20 + "█" * 20
    assert lower == "█" * 20
    assert scale == "0:00      0:05      0:10      0:15      0:20"


def test_a_long_call_is_squeezed_into_the_width() -> None:
    upper, lower, scale = lanes(LOUD * 600, QUIET * 599, 60)
    assert (len(upper), len(lower)) == (60, 60)
    assert scale.startswith("0:00")
    assert len(scale) <= 60
