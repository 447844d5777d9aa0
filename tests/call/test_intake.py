"""Intake: gathering, keeping, filling."""

from __future__ import annotations

import pytest

from gateway.audio.line import Uplink
from gateway.call.intake import FILL_FRAMES, KEEP_MS, Intake
from gateway.live.messages import SendAudio
from gateway.twilio.media import CallerAudio

FRAME = bytes(range(160))


def audio(chunk: int, frame: bytes = FRAME) -> CallerAudio:
    return CallerAudio(frame, chunk, chunk * 20)


@pytest.mark.parametrize("message_ms", [20, 40, 60, 100])
def test_frames_are_gathered_into_messages(message_ms: int) -> None:
    intake = Intake(message_ms)
    assert intake.open() == []
    sent = [message for chunk in range(1, 31) for message in intake.push(audio(chunk))]
    assert [len(message.pcm) for message in sent] == [message_ms * 32] * (600 // message_ms)


def test_the_sound_is_the_uplinks_whatever_the_frames() -> None:
    intake = Intake(40)
    intake.open()
    whole = Uplink().push(FRAME * 9)
    sizes = [160, 80, 40, 200, 320, 160, 160, 160, 160]
    stream, sent = FRAME * 9, b""
    for chunk, size in enumerate(sizes, 1):
        frame, stream = stream[:size], stream[size:]
        sent += b"".join(message.pcm for message in intake.push(audio(chunk, frame)))
    assert sent == whole[: len(sent)]
    assert len(sent) == len(whole) - len(whole) % (40 * 32)


def test_sound_from_before_the_model_is_kept_and_comes_first() -> None:
    intake = Intake(20)
    assert [message for chunk in range(1, 6) for message in intake.push(audio(chunk))] == []
    kept = intake.open()
    assert b"".join(message.pcm for message in kept) == Uplink().push(FRAME * 5)
    assert not intake.open()


def test_kept_sound_is_bounded_and_the_oldest_goes() -> None:
    intake = Intake(20)
    for chunk in range(1, KEEP_MS // 20 + 11):
        intake.push(audio(chunk))
    assert intake.dropped_ms == 200
    assert sum(len(message.pcm) for message in intake.open()) == KEEP_MS * 32


def test_a_part_of_a_message_waits_for_its_rest() -> None:
    intake = Intake(40)
    intake.push(audio(1))
    assert intake.open() == []
    assert [len(message.pcm) for message in intake.push(audio(2))] == [40 * 32]


def test_frames_that_were_skipped_become_silence() -> None:
    intake = Intake(20)
    intake.open()
    intake.push(audio(1))
    (sent,) = intake.push(audio(4))
    straight = Uplink()
    straight.push(FRAME)
    assert sent == SendAudio(straight.push(b"\xff" * 320 + FRAME))


def test_a_long_hole_is_not_filled() -> None:
    intake = Intake(20)
    intake.open()
    intake.push(audio(1))
    (sent,) = intake.push(audio(FILL_FRAMES + 3))
    assert len(sent.pcm) == 20 * 32


def test_whether_it_is_open() -> None:
    intake = Intake(20)
    assert not intake.is_open
    intake.open()
    assert intake.is_open


# kept back while a tool runs


def three_frames_and_a_hush() -> Intake:
    """Messages of two frames: the third waits for its rest; the fourth is kept."""
    intake = Intake(40)
    intake.open()
    for chunk in (1, 2, 3):
        intake.push(audio(chunk, bytes([chunk]) * 160))
    intake.hush()
    assert intake.push(audio(4, bytes([4]) * 160)) == []
    return intake


def after_two(*frames: int) -> bytes:
    """These frames, as the model hears them after the first two."""
    uplink = Uplink()
    uplink.push(bytes([1]) * 160 + bytes([2]) * 160)
    return uplink.push(b"".join(bytes([frame]) * 160 for frame in frames))


def test_the_part_of_a_message_from_before_comes_first_when_it_is_over() -> None:
    assert b"".join(message.pcm for message in three_frames_and_a_hush().open()) == after_two(3, 4)


@pytest.mark.parametrize(("again", "heard"), [(False, (3, 4, 5, 6)), (True, (1, 2, 3, 4, 5, 6))])
@pytest.mark.parametrize("another_tool", [False, True])
def test_a_connection_that_breaks_meanwhile_leaves_all_of_it_in_its_order(
    again: bool, heard: tuple[int, ...], another_tool: bool
) -> None:
    intake = three_frames_and_a_hush()
    if another_tool:
        intake.hush()
    intake.shut(again=again)
    assert [message for chunk in (5, 6) for message in intake.push(audio(chunk, bytes([chunk]) * 160))] == []
    sent = b"".join(message.pcm for message in intake.open())
    assert sent == after_two(*heard)
