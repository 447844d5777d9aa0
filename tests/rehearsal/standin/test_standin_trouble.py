"""The player as a script: what a trouble waits for, what orders become, and where it ends."""

from __future__ import annotations

import pytest

from gateway.live.messages import GenerationComplete, Interrupted, ModelAudio, Ready, TurnComplete
from gateway.rehearsal.standin.hostile import closes, each, first, instead, silent, then
from gateway.rehearsal.standin.orders import Close, Cut, Order, Send, Told
from gateway.rehearsal.standin.trouble import CALM, At, Part, Player, Trouble, is_at, part_of, read_part

READY = Send((Ready("s"),))
SOUND = Send((ModelAudio(b"\0\0"),))
DONE = Send((GenerationComplete(),))
OVER = Send((TurnComplete(),))
CALLER = Told("heard", {"by": "speech"})
TEXT = Told("cue", {"by": "text"})
END = Close(1011, "x")


def player(trouble: Trouble, nth: int = 0) -> Player:
    return Player(Part(trouble, nth=nth))


@pytest.mark.parametrize(
    ("order", "at"),
    [
        (READY, At.READY),
        (SOUND, At.SOUND),
        (Told("setup", {"resumed": True}), At.RESUMED),
        (CALLER, At.HEARD),
        (Told("heard", {"by": "text"}), At.TEXT),
        (TEXT, At.TEXT),
        (Told("content", {"turns": 1, "complete": False}), At.CONTENT),
        (Told("tool-response", {"id": "1"}), At.RESULT),
        (Told("meanwhile", {"id": "1", "kind": "sound"}), At.MEANWHILE),
        (Told("setup", {"resumed": False}), None),
        (Told("heard", {"by": "content"}), None),
        (Told("speaking"), None),
        (OVER, None),
        (END, None),
    ],
)
def test_each_chance_is_seen_for_what_it_is(order: Order, at: At | None) -> None:
    assert [one for one in At if is_at(one, order)] == ([at] if at else [])


def test_nothing_happens_on_a_calm_connection() -> None:
    calm = Player(CALM)
    orders = (READY, CALLER, SOUND, DONE, OVER, END)
    assert calm.play(orders, 0) == orders
    assert (calm.deadline(), calm.tick(9)) == (None, ())


def test_it_comes_at_the_nth_chance_once() -> None:
    twice = player(Trouble("", At.SOUND, then(OVER), nth=2))
    assert twice.play((SOUND, SOUND, SOUND), 0) == (SOUND, SOUND, OVER, SOUND)
    later = player(Trouble("", At.SOUND, first(OVER), nth=2), nth=3)
    assert later.play((SOUND, SOUND, SOUND), 0) == (SOUND, SOUND, OVER, SOUND)


def test_after_the_end_only_what_is_told_goes_on() -> None:
    ended = player(Trouble("", At.SOUND, closes(1011, "x"), later_s=1, later=(SOUND,)))
    assert ended.play((SOUND, SOUND, CALLER, END), 0) == (SOUND, END, CALLER)
    assert ended.play((SOUND, TEXT), 0) == (TEXT,)
    assert (ended.deadline(), ended.tick(1)) == (None, ())


def test_what_comes_later_comes_once() -> None:
    short = player(Trouble("", At.READY, later_s=3, later=(Cut(),)))
    assert short.deadline() is None
    assert short.play((READY,), 10) == (READY,)
    assert (short.deadline(), short.tick(12.9)) == (13, ())
    assert (short.tick(13), short.tick(13)) == ((Cut(),), ())
    assert short.play((SOUND,), 14) == ()


def test_a_change_lasts_until_it_is_over() -> None:
    mute = player(Trouble("", At.HEARD, silent, silent, until=At.TEXT))
    assert mute.play((SOUND, CALLER, SOUND, CALLER, OVER), 0) == (SOUND, CALLER, CALLER)
    assert mute.play((TEXT, SOUND), 0) == (TEXT, SOUND)
    assert mute.play((CALLER, SOUND), 0) == (CALLER, SOUND)  # once


def test_each_message_of_a_frame_is_changed() -> None:
    change = each(lambda message: () if isinstance(message, Interrupted) else (message, message))
    assert change(Send((Interrupted(), TurnComplete()))) == (Send((TurnComplete(), TurnComplete())),)
    assert change(Send((Interrupted(),))) == ()
    assert change(CALLER) == (CALLER,)
    assert instead(OVER)(SOUND) == (OVER,)


def test_held_speech_comes_at_once() -> None:
    burst = player(Trouble("", At.SOUND, hold=True))
    assert burst.play((SOUND, SOUND, CALLER), 0) == (SOUND, CALLER)
    assert burst.play((SOUND, DONE, OVER), 1) == (SOUND, SOUND, DONE, OVER)
    assert burst.play((SOUND, DONE), 2) == (SOUND, DONE)


TROUBLES = {"cut": Trouble("a"), "http-503": Trouble("b")}


@pytest.mark.parametrize(
    ("text", "plays", "nth"),
    [
        ("cut", [1, 2, 3, 4], 0),
        ("cut@1", [1], 0),
        ("cut@2#7", [2], 7),
        ("cut@3+", [3, 4], 0),
        ("http-503#2", [1, 2, 3, 4], 2),
    ],
)
def test_a_part_names_its_connections(text: str, plays: list[int], nth: int) -> None:
    part = read_part(text, TROUBLES)
    assert ([number for number in range(1, 5) if part.plays(number)], part.nth) == (plays, nth)
    assert part.trouble is TROUBLES[text.split("@")[0].split("#")[0]]


@pytest.mark.parametrize("text", ["", "cut@", "cut@0", "cut+", "cut@1++", "cut#0", "Cut", "cut@\u0661", "cut "])
def test_what_no_part_is_is_said_in_words(text: str) -> None:
    with pytest.raises(ValueError, match="takes NAME"):
        read_part(text, TROUBLES)
    with pytest.raises(ValueError, match=r"known: cut, http-503"):
        read_part("smoke", TROUBLES)


def test_the_first_part_for_a_connection_is_played() -> None:
    parts = [read_part(text, TROUBLES) for text in ("cut@2", "http-503@2+")]
    assert [part_of(parts, number) for number in (1, 2, 3)] == [CALM, *parts]
