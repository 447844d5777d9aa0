"""What an editor makes of the schema: a YAML language server completes, explains and flags as the gateway does."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import catalog
from gateway.cli import main
from gateway.flow.load import FlowError
from gateway.flow.schema import at
from gateway.flow.starter import starter
from tests.editor.language_server import LanguageServer

HERE = Path(__file__).parent
SERVER = HERE / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(
    NODE is None or not SERVER.is_file(),
    reason="needs Node.js and yaml-language-server: run  npm ci --prefix tests/editor",
)

# What somebody types: the end of each line is where the cursor stands.
TYPED = """
version: 1
personas:
  ava:
    instructions: Answer.
    barge_
"""
WRONG = """
version: 1
numbers:
  - { label: desk, number: "+14155550100", persona: ava }
personas:
  ava:
    instructions: Answer.
    greting: { text: Hello. }
"""


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A folder of flows with the schema beside it, as `gateway schema` prints it."""
    assert main(["schema"]) == 0
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "flow.schema.json").write_text(capsys.readouterr().out, encoding="utf-8")
    (tmp_path / "flows").mkdir()
    return tmp_path


@pytest.fixture
def server(folder: Path) -> Iterator[LanguageServer]:
    with LanguageServer([NODE or "", str(SERVER), "--stdio"], folder) as running:
        yield running


def write(folder: Path, text: str) -> Path:
    """The text under the first line of a flow that `gateway new` writes here."""
    file = folder / "flows" / "desk.yaml"
    first = starter("desk", file).splitlines()[0]
    assert first == "# yaml-language-server: $schema=../schemas/flow.schema.json"
    file.write_text(first + text, encoding="utf-8")
    return file


def test_it_completes_a_key_and_says_what_it_is(folder: Path, server: LanguageServer) -> None:
    uri = server.open(write(folder, TYPED))
    offered = server.at("completion", uri, 6, 11)["items"]
    (barge_in,) = [item for item in offered if item["label"] == "barge_in"]
    assert at(("personas", "ava", "barge_in"))["description"] in str(barge_in["documentation"])


def test_it_explains_a_key(folder: Path, server: LanguageServer) -> None:
    uri = server.open(write(folder, TYPED.replace("barge_", "vad: { silence: 500ms }")))
    said = str(server.at("hover", uri, 6, 12)["contents"])
    assert at(("personas", "ava", "vad", "silence"))["description"].split(".")[0] in said


def test_it_flags_an_unknown_key_on_the_line_that_we_name(folder: Path, server: LanguageServer) -> None:
    file = write(folder, WRONG)
    with pytest.raises(FlowError) as raised:
        catalog.load(file, {})
    (ours,) = raised.value.problems
    (theirs,) = server.diagnostics[server.open(file)]
    assert (theirs["range"]["start"]["line"] + 1, theirs["range"]["start"]["character"] + 1) == (
        ours.place.line,
        ours.place.column,
    )
    assert "greting" in theirs["message"]


def test_it_has_nothing_against_a_starter(folder: Path, server: LanguageServer) -> None:
    file = folder / "flows" / "new-desk.yaml"
    file.write_text(starter("new-desk", file), encoding="utf-8")
    assert server.diagnostics[server.open(file)] == []


def test_it_shows_our_words_for_a_wrong_form(folder: Path, server: LanguageServer) -> None:
    file = write(folder, WRONG.replace("greting: { text: Hello. }", "vad: { silence: 500 ms }"))
    (theirs,) = server.diagnostics[server.open(file)]
    assert theirs["message"] == "not a duration"
