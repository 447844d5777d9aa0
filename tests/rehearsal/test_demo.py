"""`gateway demo` from its door: the wrong ways quickly, the right way from end to end (slow: a call in real time)."""

import json
import os
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gateway.audio import mulaw
from gateway.rehearsal import wav
from gateway.rehearsal.demo import run_demo
from gateway.rehearsal.prepare import SPEECH, DemoOptions

ROOT = Path(__file__).parents[2]


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "gateway", "demo", *map(str, arguments)]


def environment(**changes: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **changes}


def run(*arguments: str | Path, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), cwd=cwd, env=environment(**env), capture_output=True, text=True, timeout=150, check=False
    )


def test_bad_input_is_one_line_and_no_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_demo(DemoOptions(say=(tmp_path / "none.wav",), out=tmp_path)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        f"gateway demo: {tmp_path / 'none.wav'}: no such file "
        "(name a recording, or leave --say out for the built-in ones)\n"
    )


@pytest.mark.slow
def test_a_gateway_that_does_not_start_is_quoted_with_its_exit_code(tmp_path: Path) -> None:
    done = run("--out", tmp_path, cwd=tmp_path, MAX_CALLS="many")
    assert done.returncode == 2
    assert done.stderr == "gateway: MAX_CALLS: takes a whole number from 1 to 10000, not 'many'\n"
    assert "Traceback" not in done.stdout


@pytest.mark.slow
def test_ctrl_c_while_everything_starts_leaves_nobody_behind(tmp_path: Path) -> None:
    interrupt_when(tmp_path, lambda process: len(children_of(process.pid)) == 2)


@pytest.mark.slow
def test_ctrl_c_in_the_middle_of_the_call_leaves_nobody_behind(tmp_path: Path) -> None:
    def greeted(process: subprocess.Popen[str]) -> bool:
        assert process.stdout is not None
        return "How can I help you?" in process.stdout.readline()

    interrupt_when(tmp_path, greeted)


def interrupt_when(folder: Path, ready: Callable[[subprocess.Popen[str]], bool]) -> None:
    """Starts the demo, sends it SIGINT when `ready`, and looks whether its two children are gone."""
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        command("--out", folder), cwd=folder, env=environment(), stdout=pipe, stderr=pipe, text=True
    )
    deadline = time.monotonic() + 30
    while not ready(process) and time.monotonic() < deadline:
        time.sleep(0.02)
    children = children_of(process.pid)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert err == "gateway demo: interrupted\n"
    assert len(children) == 2
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]


def children_of(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


@pytest.mark.slow
def test_the_demo_from_end_to_end(tmp_path: Path) -> None:
    done = run("--out", tmp_path / "out", cwd=tmp_path)
    assert done.stderr == ""
    assert done.returncode == 0
    assert "Rehearsal: scripted, not a model" in done.stdout
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    check_summary(summary)
    assert [turn["speaker"] for turn in summary["turns"]] == ["agent", "caller"] * 3 + ["agent"]
    assert summary["turns"][0]["text"] == "Good day, this is Ava at Harbour Dental. How can I help you?"
    assert 0 < summary["barge_in_ms"] < 1000
    assert 0 <= summary["clear_ms"] < 100
    transcript = (tmp_path / "out" / "transcript.txt").read_text()
    assert transcript.startswith("Rehearsal: scripted, not a model\n")
    check_recording(tmp_path / "out" / "call.wav", summary)


@pytest.mark.slow
def test_own_flow_and_own_sound_as_json(tmp_path: Path) -> None:
    (tmp_path / "one.wav").write_bytes((SPEECH / "cards-001.wav").read_bytes())
    (tmp_path / "one.txt").write_text("ten of clubs\n")
    done = run("--flow", ROOT / "flows" / "restaurant.yaml", "--say", "one.wav", "--json", cwd=tmp_path)
    assert done.stderr == ""
    assert done.returncode == 0
    summary = json.loads(done.stdout)
    check_summary(summary)
    assert summary["barge_in_ms"] is None
    assert summary["line"]["flow"] == "restaurant"
    assert any("ten of clubs" in turn["text"] for turn in summary["turns"] if turn["speaker"] == "agent")
    assert (tmp_path / summary["recording"]).is_file()


def check_summary(summary: dict[str, object]) -> None:
    assert summary["ended"] == "caller-hung-up"
    assert summary["rehearsal"] == "Rehearsal: scripted, not a model"
    assert summary["twilio_errors"] == []
    response = summary["response_ms"]
    assert isinstance(response, dict)
    assert 0 < response["p50"] <= response["max"] < 5000


def check_recording(path: Path, summary: dict[str, object]) -> None:
    """Both sides are on the tape, each on its own side: the caller's is sample by sample what the clips are."""
    with wave.open(str(path)) as file:
        assert file.getparams()[:3] == (2, 2, 8000)
        tracks = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    assert len(tracks) / 8 == pytest.approx(summary["duration_ms"], abs=40)
    clip = wav.read_clip(SPEECH / "librivox-0880.wav")
    assert mulaw.decode(clip.mulaw).tobytes() in tracks[:, 0].tobytes()
    assert np.abs(tracks[:8000, 1]).max() > 3000
    assert np.abs(tracks[:8000, 0]).max() == 0
