"""The commands as a person types them: words, exit codes, and never a traceback."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.catalog import load
from gateway.cli import main
from gateway.flow.compile import fingerprint
from gateway.flow.environment import SECRETS
from gateway.flow.reference import reference
from gateway.settings import child_environment

ROOT = Path(__file__).parent.parent
GOOD = """version: 1
numbers: [{ label: a, number: "+14155550100", persona: ava }]
personas: { ava: { instructions: Hi. } }
"""
BAD = GOOD.replace("instructions", "instrutions")


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gateway", *arguments],
        capture_output=True,
        text=True,
        env=child_environment(**env),
        cwd=ROOT,
        timeout=60,
        check=False,
    )


def test_validate_a_clean_folder() -> None:
    done = run("validate")
    assert (done.returncode, done.stdout, done.stderr) == (0, "2 flows, no faults\n", "")


def test_validate_names_the_fault_and_its_place(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(BAD, encoding="utf-8")
    done = run("validate", str(file))
    assert done.returncode == 1
    assert f"{file}:3:20: personas.ava.instrutions: unknown key (did you mean 'instructions'?)" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("form", ["json", "sarif"])
def test_validate_for_programs(tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.yaml").write_text(BAD, encoding="utf-8")
    assert main(["validate", str(tmp_path), "--format", form]) == 1
    json.loads(capsys.readouterr().out)
    (tmp_path / "bad.yaml").write_text(GOOD, encoding="utf-8")
    assert main(["validate", str(tmp_path), "--format", form]) == 0
    json.loads(capsys.readouterr().out)


def test_json_is_short_for_the_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "good.yaml").write_text(GOOD, encoding="utf-8")
    assert main(["validate", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"problems": []}


@pytest.mark.parametrize(
    ("arguments", "env", "code", "words"),
    [
        (
            ["validate", "/no/such/folder"],
            {},
            1,
            "/no/such/folder:1:1: there is no such file or folder (check the path)\n"
            "gateway: set FLOWS_DIR, or name a file or a folder of flows",
        ),
        (["validate"], {"FLOWS_DIR": "docs"}, 1, "gateway: set FLOWS_DIR, or name a file or a folder of flows"),
        (["compile", "flows", "--out", "docs"], {}, 2, "gateway: docs can't be written: Is a directory"),
        (["compile", "--check"], {"FLOWS_DIR": "/no/such/folder"}, 1, "/no/such/folder:1:1: there is no such file"),
        (["explain", "front-desk", "--flows", "docs"], {}, 1, "gateway: set FLOWS_DIR, or name a file or a folder"),
        (["explain", "frnt-desk"], {}, 2, "gateway explain: "),
        (["explain", "front-desk", "--at", "teatime"], {}, 2, "gateway explain: "),
        (["show", "flows"], {}, 2, "gateway show: flows is no flow file: name one that ends in .yaml"),
        (["show", "no.json"], {}, 2, "gateway show: no.json is no flow file: name one that ends in .yaml"),
        (["show", "/no/such/file"], {}, 1, "/no/such/file:1:1: there is no such file or folder"),
        (
            ["show", "flows/restaurant.yaml", "--line", "reservation"],
            {},
            2,
            "gateway show: flows/restaurant.yaml has no line of that label (did you mean 'reservations'?)",
        ),
        (
            ["new", "Harbour Dental"],
            {},
            2,
            "gateway new: a name takes lower-case letters, digits and '-' between them, such as harbour-dental",
        ),
        (["new", "歯"], {}, 2, "such as front-desk"),
        (["new", "restaurant"], {}, 2, "gateway new: flows/restaurant.yaml is there already: take another name"),
        (["new", "desk", "--flows", "README.md"], {}, 2, "gateway new: README.md/desk.yaml can't be written: "),
        (["serve", "--port", "http"], {}, 2, "gateway: PORT: takes a whole number from 0 to 65535, not 'http'"),
        (["serve"], {"LIVE_BACKEND": "nothing"}, 2, "gateway: LIVE_BACKEND: takes one of rehearsal, developer, vertex"),
        (["serve", "--flows", "/no/such/folder"], {}, 1, "there is no such file or folder"),
        (["call"], {"LIVE_BACKEND": "rehearsal"}, 2, "gateway call: LIVE_BACKEND=rehearsal is a script, not a model: "),
        (["call", "--backend", "rehearsal"], {}, 2, "argument --backend: invalid choice: 'rehearsal'"),
        (["call", "--mic", "--say", "a.wav"], {}, 2, "argument --say: not allowed with argument --mic"),
        (["call"], {"GOOGLE_API_KEY": "a key"}, 2, "gateway call: GOOGLE_API_KEY holds a space, "),
        (["sing"], {}, 2, "invalid choice: 'sing'"),
        ([], {}, 2, "the following arguments are required: COMMAND"),
    ],
)
def test_wrong_use_is_one_clear_line(arguments: list[str], env: dict[str, str], code: int, words: str) -> None:
    done = run(*arguments, **env)
    said = done.stdout + done.stderr
    assert done.returncode == code
    assert words in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "command", ["demo", "call", "new", "validate", "show", "explain", "compile", "schema", "serve"]
)
def test_each_command_helps_with_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert "example:\n  " in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [["validate"], ["show", "flows/restaurant.yaml"], ["explain", "front-desk"], ["schema", "--markdown"]],
    ids=lambda arguments: arguments[0],
)
def test_what_is_quick_loads_neither_numpy_nor_google(arguments: list[str]) -> None:
    script = (
        f"import sys; from gateway.cli import main; code = main({arguments!r}); "
        "heavy = {'numpy', 'scipy', 'google', 'quart', 'hypercorn', 'asyncio', 'twilio'} & set(sys.modules); "
        "sys.exit(f'{code} {sorted(heavy)}' if code or heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_one_file_is_checked_at_once() -> None:
    """0.25 s of processor time with the interpreter's start (bench/start.py measures); shared cores take twice that."""
    took = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert run("validate", "flows/dental-clinic.yaml").returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(took) <= 1.0


def test_compile_writes_and_checks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "good.yaml").write_text(GOOD, encoding="utf-8")
    out = tmp_path / "new" / "assets" / "flows.private.json"
    compile_it = ["compile", str(tmp_path), "--out", str(out)]

    def say(*more: str) -> tuple[int, str, str]:
        code = main([*compile_it, *more])
        return (code, *capsys.readouterr())

    mark = fingerprint(load(tmp_path, {}))[:12]
    advice = f"(run: gateway compile {tmp_path} --out {out})\n"
    told = f"hash {mark}, 1 flow, 1 line\n"
    assert say("--check") == (1, f"{out}: missing, {told}", f"gateway: {out} is missing {advice}")
    assert not out.parent.exists()
    assert say() == (0, f"{out}: written, {told}", "")
    assert say("--check") == (0, f"{out}: current, {told}", "")
    assert say() == (0, f"{out}: current, {told}", "")
    assert [file.name for file in out.parent.iterdir()] == [out.name]
    (tmp_path / "good.yaml").write_text(GOOD.replace("Hi.", "Hello."), encoding="utf-8")
    code, _, wrong = say("--check")
    assert (code, wrong) == (1, f"gateway: {out} is stale {advice}")
    assert say()[1].startswith(f"{out}: written, ")
    (tmp_path / "good.yaml").write_text(BAD, encoding="utf-8")
    kept = out.read_bytes()
    code, words, _ = say()
    assert (code, out.read_bytes()) == (1, kept)
    assert "unknown key (did you mean 'instructions'?)" in words


def test_compile_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "good.yaml").write_text(GOOD + "description: A\n", encoding="utf-8")
    out = tmp_path / "flows.private.json"
    assert main(["compile", str(tmp_path), "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "file": str(out),
        "hash": json.loads(out.read_text())["hash"],
        "flows": 1,
        "lines": 1,
        "state": "written",
        "problems": [],
    }
    (tmp_path / "good.yaml").write_text(BAD, encoding="utf-8")
    assert main(["compile", str(tmp_path), "--out", str(out), "--json"]) == 1
    assert len(json.loads(capsys.readouterr().out)["problems"]) == 2


def test_warnings_do_not_stop_a_compilation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "odd.yaml").write_text(GOOD + "variables: { a: b }\n", encoding="utf-8")
    assert main(["compile", str(tmp_path), "--out", str(tmp_path / "o.json")]) == 0
    assert "no text names this variable" in capsys.readouterr().out


def test_what_was_compiled_is_served_from_as_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "flows.private.json"
    assert main(["compile", str(ROOT / "flows"), "--out", str(out)]) == 0
    assert main(["validate", str(out)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "2 flows, no faults"
    assert main(["explain", "front-desk", "--flows", str(out), "--json"]) == 0
    compiled = json.loads(capsys.readouterr().out)
    assert main(["explain", "front-desk", "--flows", str(ROOT / "flows"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out).keys() == compiled.keys()


def test_explain_says_who_answers(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["explain", "front-desk", "--flows", str(ROOT / "flows"), "--at", "2026-12-25T10:00"]
    assert main([*asked, "--from", "+14155550199"]) == 0
    assert "ava" in capsys.readouterr().out
    assert main([*asked, "--json"]) == 0
    assert isinstance(json.loads(capsys.readouterr().out), dict)


def test_show_says_where_values_come_from(capsys: pytest.CaptureFixture[str]) -> None:
    file = str(ROOT / "flows" / "restaurant.yaml")
    assert main(["show", file]) == 0
    everything = capsys.readouterr().out
    assert main(["show", file, "--line", "reservations"]) == 0
    assert 0 < len(capsys.readouterr().out) < len(everything)
    assert main(["show", file, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["file"] == file


def test_show_of_a_faulty_file_names_the_faults(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.yaml").write_text(BAD, encoding="utf-8")
    assert main(["show", str(tmp_path / "bad.yaml")]) == 1
    told = capsys.readouterr()
    assert "unknown key" in told.out
    assert told.err == ""


def test_new_writes_a_flow_that_is_in_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWS_DIR", str(tmp_path / "a" / "flows"))
    file = tmp_path / "a" / "flows" / "harbour-dental.yaml"
    assert main(["new", "harbour-dental"]) == 0
    words = f"{file} is written: change its words to your own, then run: gateway validate {file}\n"
    assert capsys.readouterr().out == words
    assert main(["validate"]) == 0
    assert capsys.readouterr().out == "1 flow, no faults\n"
    kept = file.read_bytes()
    assert main(["new", "harbour-dental"]) == 2
    assert file.read_bytes() == kept


def test_schema_prints_the_schema_and_the_reference(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    printed = capsys.readouterr().out
    assert json.loads(printed) == json.loads((ROOT / "schemas" / "flow.schema.json").read_text(encoding="utf-8"))
    assert printed.isascii()
    assert main(["schema", "--markdown"]) == 0
    assert capsys.readouterr().out == reference()


def test_ctrl_c_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gateway.catalog.load", interrupted)
    assert main(["validate"]) == 130


def test_a_terminal_without_the_character_shows_its_code(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(BAD + "# 🦷\nnmae: 🦷\n", encoding="utf-8")
    done = run("validate", str(tmp_path), PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (1, "")
    assert "    nmae: \\U0001f9b7\n    ^" in done.stdout


@pytest.mark.parametrize("form", ["text", "json", "sarif", "github"])
def test_a_file_whose_name_is_no_text(tmp_path: Path, form: str) -> None:
    name = os.fsencode(tmp_path) + b"/\xff.yaml"
    try:
        Path(os.fsdecode(name)).write_text(BAD, encoding="utf-8")
    except OSError:  # a file system that takes text only
        return
    done = run("validate", str(tmp_path), "--format", form)
    assert (done.returncode, done.stderr) == (1, "")
    assert "unknown key" in done.stdout


MARK = "marker-7/+ü'\\x"


def marked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*SECRETS, "OWN_TOKEN"):
        monkeypatch.setenv(name, f"{name} {MARK}")


def secretless(written: str) -> bool:
    return "marker-7" not in written.lower()


SECRET_TEXTS = ("${secret:OWN_TOKEN}", *(f"${{{name}}}" for name in sorted(SECRETS)), "${GOOGLE_API_KEY:-x}")


@pytest.mark.parametrize("text", SECRET_TEXTS)
def test_a_flow_that_asks_for_a_secret_is_told_so_without_it(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    marked(monkeypatch)
    file = tmp_path / "flows" / "one.yaml"
    file.parent.mkdir()
    file.write_text(GOOD.replace("Hi.", f'"{text}"') + f'description: "{text}"\n', encoding="utf-8")
    out = tmp_path / "out.json"
    for arguments in (
        *(["validate", str(file), "--format", form] for form in ("text", "json", "sarif", "github")),
        ["compile", str(file), "--out", str(out)],
        ["show", str(file)],
        ["explain", "a", "--flows", str(file)],
    ):
        assert main(arguments) == 1
        told = capsys.readouterr()
        assert "can't stand here" in told.out
        assert secretless(told.out + told.err)
    assert not out.exists()


def test_no_command_writes_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    marked(monkeypatch)
    flows, out = tmp_path / "flows", tmp_path / "out.json"
    for arguments in (
        ["new", "desk", "--flows", str(flows)],
        ["validate", str(flows)],
        ["compile", str(flows), "--out", str(out)],
        ["compile", str(flows), "--out", str(out), "--check", "--json"],
        ["show", str(flows / "desk.yaml")],
        ["show", str(flows / "desk.yaml"), "--json"],
        ["explain", "desk", "--flows", str(flows)],
        ["explain", "desk", "--flows", str(flows), "--json"],
        ["schema"],
        ["schema", "--markdown"],
    ):
        assert main(arguments) == 0, arguments
    told = capsys.readouterr()
    assert secretless(told.out + told.err)
    assert secretless(out.read_text(encoding="utf-8"))
    assert secretless((flows / "desk.yaml").read_text(encoding="utf-8"))


def test_numbers_are_not_applied_by_an_artefact_that_the_flows_have_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FLOWS_DIR", raising=False)
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "one.yaml").write_text(GOOD)
    assert main(["compile"]) == 0
    (tmp_path / "flows" / "one.yaml").write_text(GOOD.replace("Hi.", "Hello."))
    capsys.readouterr()
    assert main(["numbers", "apply", "--yes"]) == 1
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith("gateway numbers: flows has changed since twilio-functions/assets/flows.private.json")
    assert main(["numbers", "plan"]) == 2  # it goes on, and there are no Functions here
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_numbers_hands_each_word_on_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, list[str]]] = []

    def run(action: str, options: list[str]) -> int:
        asked.append((action, options))
        return 1

    monkeypatch.setattr("gateway.catalog.behind", lambda *_: "")
    monkeypatch.setattr("gateway.numbers.run", run)
    for words in ([], ["--yes"], ["--buy"], ["--take-over"], ["--json"], ["--domain", "gw.twil.io"], ["--core", "x"]):
        assert main(["numbers", "apply", *words]) == 1
        assert asked.pop() == ("apply", words)


def test_the_doctor_calls_nothing_well_that_it_did_not_look_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With no more than credentials and flows there is nothing wrong (0), and the last line says what wasn't asked."""
    monkeypatch.chdir(tmp_path)
    for name in ("PUBLIC_URL", "FUNCTIONS_URL", "FLOWS_DIR", "LIVE_BACKEND"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"ACCOUNT_SID": "AC" + "1" * 32, "AUTH_TOKEN": "a" * 32}.items():
        monkeypatch.setenv(f"TWILIO_{name}", value)
    monkeypatch.setenv("STREAM_SECRET", "x" * 20)
    (tmp_path / "one.yaml").write_text(GOOD)
    assert main(["compile", "one.yaml", "--out", "one.json"]) == 0
    capsys.readouterr()
    words = ["doctor", "--flows", "one.yaml", "--artefact", "one.json"]
    assert main(words) == 0
    *checks, last = capsys.readouterr().out.splitlines()
    assert last == "6 well, 3 not checked (core, functions, numbers)"
    assert "ok    artefact: " in "\n".join(checks)
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["well"], told["wrong"], told["skipped"]) == (6, 0, 3)
    monkeypatch.setenv("LOG_LEVEL", "loud")
    assert main(words) == 1
    assert capsys.readouterr().out.splitlines()[-1].startswith("5 well, 1 wrong, 3 not checked (")
