"""What `gateway doctor` says of this machine, and of all that it saw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.doctor import Check, counts, summary
from gateway.doctor.check import Health
from gateway.doctor.shared import shared
from gateway.flow.compile import text
from gateway.flow.load import FlowError, load
from tests.doctor.ward import compiled, patient, said, service, told
from tests.server.world import FLOW

DOMAIN = "https://127.0.0.1"  # nobody answers there, and its numbers can be asked for
PLAN, STATUS = "run: gateway numbers plan", "run: gateway numbers status"


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """An npm whose numbers' script ends with a code. It tells everybody so, and keeps what flows it was given."""
    (tmp_path / "twilio-functions" / "node_modules").mkdir(parents=True)
    (tmp_path / "twilio-functions" / "package.json").write_text("{}")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.chdir(tmp_path)

    def ends_with(code: int) -> None:
        script = (
            f'echo noise; echo noise >&2; [ "$4 $5 $6" = "-- status --flows" ] && cp "$7" {tmp_path}/given; exit {code}'
        )
        (tmp_path / "npm").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "npm").chmod(0o755)

    return ends_with


@pytest.mark.parametrize(
    ("code", "health", "advice"), [(0, "well", ""), (1, "wrong", PLAN), (2, "wrong", STATUS), (3, "wrong", STATUS)]
)
def test_numbers(
    tmp_path: Path,
    npm: Callable[[int], None],
    capfd: pytest.CaptureFixture[str],
    code: int,
    health: str,
    advice: str,
) -> None:
    compiled(tmp_path)
    npm(code)
    found = told(patient(tmp_path, FUNCTIONS_URL=DOMAIN))["numbers"]
    assert (found.health, found.advice) == (health, advice)
    assert "noise" not in "".join(capfd.readouterr())


def test_numbers_are_held_against_the_flows_that_were_named(tmp_path: Path, npm: Callable[[int], None]) -> None:
    """And against the artefact that was named, where the flows have faults."""
    named, artefact = tmp_path / "named", tmp_path / "other.json"
    named.mkdir()
    compiled(named, FLOW.replace("+14155550100", "+14155550142"))
    artefact.write_text(text(load(named, {})).replace("\n", " "))
    npm(0)
    seen = replace(patient(tmp_path, FUNCTIONS_URL=DOMAIN), flows=named, artefact=artefact)
    assert told(seen)["numbers"].health == "well"
    assert (tmp_path / "given").read_text() == text(load(named, {}))
    (named / "broken.yaml").write_text("version: 1\nnumbrs: []\n", encoding="utf-8")
    assert told(replace(seen, artefact=Path("other.json")))["numbers"].health == "well"
    assert (tmp_path / "given").read_text() == artefact.read_text()


@pytest.mark.parametrize("of", ["", "/below"])
def test_numbers_are_not_looked_at_of_functions_that_twilio_cannot_ask(
    tmp_path: Path, npm: Callable[[int], None], of: str
) -> None:
    """Those of `twilio-run` on this machine."""
    compiled(tmp_path)
    npm(2)
    with service(200, '{"ok": true}') as url:
        found = told(patient(tmp_path, FUNCTIONS_URL=url + of))
    assert found["functions"].health == "well"
    takes = "https:// and the Domain that the deploy printed, without a port or path"
    assert said(found["numbers"]) == ("skipped", f"they can lead only to a FUNCTIONS_URL that is {takes}", "")
    assert not (tmp_path / "given").exists()
    assert told(patient(tmp_path, FUNCTIONS_URL=DOMAIN + ":1"))["numbers"].health == "skipped"


def test_a_machine_with_shared_keys_only(tmp_path: Path, npm: Callable[[int], None]) -> None:
    """The core takes what they sign; Twilio's account can't be asked with them."""
    compiled(tmp_path)
    npm(2)
    env = {"TWILIO_AUTH_TOKEN": "", "TWILIO_SHARED_KEYS": "id=MARK", "FUNCTIONS_URL": DOMAIN}
    found = told(patient(tmp_path, "", 0, **env))
    note = "on Cloud Run a core needs both"
    assert said(found["TWILIO_AUTH_TOKEN"]) == ("skipped", "is not set, TWILIO_SHARED_KEYS is", note)
    assert found["numbers"].health == "skipped"
    assert found["numbers"].text.startswith("TWILIO_AUTH_TOKEN, or TWILIO_API_KEY and TWILIO_API_SECRET, are needed")
    for lame in ({"TWILIO_API_KEY": "SK" + "1" * 32}, {"TWILIO_API_SECRET": "a" * 32}):
        assert told(patient(tmp_path, "", 0, **env, **lame))["numbers"].health == "skipped"
    npm(0)
    with_key = patient(tmp_path, "", 0, **env, TWILIO_API_KEY="SK" + "1" * 32, TWILIO_API_SECRET="a" * 32)
    assert told(with_key)["numbers"].health == "well"
    broken = told(patient(tmp_path, "", 0, **{**env, "TWILIO_SHARED_KEYS": "MARK"}))
    assert (broken["TWILIO_AUTH_TOKEN"].health, broken["settings"].health) == ("wrong", "wrong")
    assert "MARK" not in " ".join(str(check) for check in [*found.values(), *broken.values()])


@pytest.mark.parametrize("around", ["{}\n", " {}", "{}\r\n"])
def test_a_line_end_that_a_secret_store_keeps_is_no_fault(tmp_path: Path, around: str) -> None:
    """The core strips it."""
    compiled(tmp_path)
    well = {
        "TWILIO_ACCOUNT_SID": "AC" + "a" * 32,
        "TWILIO_AUTH_TOKEN": "b" * 32,
        "TWILIO_AUTH_TOKEN_PREVIOUS": "b" * 32,
        "TWILIO_API_KEY": "SK" + "1" * 32,
        "TWILIO_API_SECRET": "c" * 32,
    }
    found = told(patient(tmp_path, "", 0, **{name: around.format(value) for name, value in well.items()}))
    assert {found[name].health for name in well} == {"well"}
    assert shared({"TWILIO_ACCOUNT_SID": around.format("AC1")}).account_sid == "AC1"
    assert "TWILIO_API_KEY" not in told(patient(tmp_path, TWILIO_API_KEY=around.format("")))


def test_what_is_missing_or_has_the_wrong_shape(tmp_path: Path) -> None:
    compiled(tmp_path)
    (tmp_path / "flows.private.json").unlink()
    (tmp_path / "broken.yaml").write_text("version: 1\nnumbrs: []\n", encoding="utf-8")
    env = {"TWILIO_ACCOUNT_SID": "", "TWILIO_AUTH_TOKEN": "'MARK'", "STREAM_SECRET": "MARK", "PORT": "x"}
    found = told(patient(tmp_path, "", 0, **env))
    assert said(found["TWILIO_ACCOUNT_SID"]) == ("wrong", "is not set", "copy it from the Twilio console")
    assert said(found["TWILIO_AUTH_TOKEN"])[1:] == (
        "hasn't the shape that Twilio's have",
        "copy it again, without spaces or quotes",
    )
    assert said(found["STREAM_SECRET"])[1:] == ("is shorter than 16 characters", "set a long random text")
    assert found["settings"].text.startswith("PORT: ")
    assert found["flows"].advice == "run: gateway validate"
    assert found["artefact"].text.endswith("flows.private.json is not there")
    assert "MARK" not in " ".join(str(check) for check in found.values())
    assert all(check.advice for check in found.values() if check.health == "wrong")


def test_credentials_that_need_not_be_there_have_a_shape_too(tmp_path: Path) -> None:
    compiled(tmp_path)
    good = {
        "TWILIO_AUTH_TOKEN_PREVIOUS": "b" * 32,
        "TWILIO_API_KEY": "SK" + "1" * 32,
        "TWILIO_API_SECRET": "aB3" + "c" * 29,
    }
    for name, value in good.items():
        assert name not in told(patient(tmp_path))
        assert told(patient(tmp_path, "", 0, **{name: value}))[name].health == "well"
        for wrong in (f'"{value}"', value[:-1], "MARK"):
            found = told(patient(tmp_path, "", 0, **{name: wrong}))
            assert found[name].health == "wrong"
            assert "MARK" not in " ".join(str(check) for check in found.values())


@pytest.mark.parametrize(
    ("name", "value", "health"),
    [
        ("TWILIO_ACCOUNT_SID", "AC" + "1" * 31, "wrong"),
        ("TWILIO_ACCOUNT_SID", "AC" + "1" * 33, "wrong"),
        ("TWILIO_ACCOUNT_SID", "AC" + "g" * 32, "wrong"),
        ("TWILIO_ACCOUNT_SID", "SK" + "1" * 32, "wrong"),
        ("TWILIO_ACCOUNT_SID", "AC" + "1" * 32, "well"),
        ("TWILIO_AUTH_TOKEN", "a" * 31, "wrong"),
        ("TWILIO_AUTH_TOKEN", "a" * 33, "wrong"),
        ("TWILIO_AUTH_TOKEN", "a" * 32, "well"),
        ("STREAM_SECRET", "a" * 15, "wrong"),
        ("STREAM_SECRET", "a" * 16, "well"),
        ("STREAM_SECRET", "a" * 15 + " \n", "wrong"),
        ("STREAM_SECRET", " " * 20, "wrong"),
    ],
)
def test_the_shape_of_a_credential(tmp_path: Path, name: str, value: str, health: str) -> None:
    compiled(tmp_path)
    assert told(patient(tmp_path, "", 0, **{name: value}))[name].health == health


def test_a_secret_of_spaces_is_none(tmp_path: Path) -> None:
    """Core and Functions strip it."""
    compiled(tmp_path)
    assert told(patient(tmp_path, STREAM_SECRET=" " * 20))["STREAM_SECRET"].text == "is not set"


def test_flows_with_faults(tmp_path: Path) -> None:
    compiled(tmp_path)
    (tmp_path / "broken.yaml").write_text("version: 1\nnumbrs: []\npersonnas: {}\n", encoding="utf-8")
    found = told(patient(tmp_path))
    with pytest.raises(FlowError) as faults:
        load(tmp_path, {})
    count = sum(problem.severity == "error" for problem in faults.value.problems)
    assert count > 1
    assert found["flows"].text == f"{count} faults in {tmp_path}"
    assert said(found["artefact"]) == ("skipped", "the flows have faults", "")


@pytest.mark.parametrize(
    ("healths", "words"),
    [
        (("well", "well"), "all 2 well"),
        (("well", "skipped", "skipped"), "1 well, 2 not checked (b, c)"),
        (("well", "wrong", "skipped"), "1 well, 1 wrong, 1 not checked (c)"),
        (("wrong",), "0 well, 1 wrong"),
    ],
)
def test_the_summary_says_nothing_good_of_what_was_not_looked_at(healths: tuple[Health, ...], words: str) -> None:
    checks = [Check(name, health, "") for name, health in zip("abc", healths, strict=False)]
    assert summary(checks) == words
    assert sum(counts(checks).values()) == len(checks)
