"""The script: what is answered to what, and the faults of its file."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.rehearsal import process
from gateway.rehearsal.ears import normal
from gateway.rehearsal.standin.hostile import HOSTILE
from gateway.rehearsal.standin.script import DEFAULT, Reply, Script, ScriptError, Tool, fill, load
from gateway.rehearsal.standin.trouble import Part
from gateway.rehearsal.voice import choose

DEMO = Path(process.__file__).parent / "standin" / "scripts" / "demo.yaml"
SCRIPT = Script((Reply("Ten of clubs.", "Yes."), Reply("…", "never")), ("One.", "Two."))


def test_a_known_line_is_answered_however_it_is_written() -> None:
    assert SCRIPT.answer(" ten OF clubs!", 7) == Reply("Ten of clubs.", "Yes.")
    assert SCRIPT.lines == ("Ten of clubs.", "…")


def test_other_words_are_answered_in_turn() -> None:
    assert [SCRIPT.answer("hm", turn).say for turn in range(3)] == ["One.", "Two.", "One."]
    assert SCRIPT.answer(" … ", 0) == Reply(" … ", "One.")


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("I heard {{heard}}.", "I heard so {{result}}."),
        ("{{ seconds }} s, {{result}}", "1.2 s, {{heard}}"),
        ("{{other}} {heard}", "{{other}} {heard}"),
    ],
)
def test_marks_are_filled_once(text: str, filled: str) -> None:
    assert fill(text, "so {{result}}?! ", 1.24, "{{heard}}") == filled


def loaded(tmp_path: Path, text: str) -> Script:
    file = tmp_path / "s.yaml"
    file.write_text(text)
    return load(file)


def test_troubles(tmp_path: Path) -> None:
    cut = HOSTILE["cut"]
    assert loaded(tmp_path, "hostile: [cut@2+#5, cut]").hostile == (Part(cut, 2, 0, 5), Part(cut))


def test_a_whole_file(tmp_path: Path) -> None:
    text = """
replies:
  - {hear: " book it ", say: "Done: {{result}}", tool: {name: book, args: {day: 2026-12-24, tags: [a, 1]}}}
  - {hear: bye, say: Bye, go_away: 1.5m}
  - {hear: hi, say: Hi, go_away: 250ms, tool: {name: greet}}
"""
    assert loaded(tmp_path, text) == Script(
        (
            Reply("book it", "Done: {{result}}", Tool("book", {"day": "2026-12-24", "tags": ["a", 1]})),
            Reply("bye", "Bye", go_away_s=90.0),
            Reply("hi", "Hi", Tool("greet"), 0.25),
        ),
        DEFAULT.otherwise,
    )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[", "is neither YAML nor JSON"),
        ("otherwise: [2026-13-01]", "is neither YAML nor JSON"),
        ("1", "must be a mapping"),
        ("reply: []", "unknown key 'reply' (known: hostile, otherwise, replies)"),
        ("otherwise: []", "otherwise: must hold at least one text"),
        ("hostile: cut", "hostile: must be a list"),
        ("hostile: [cut, smoke]", "hostile[1]: no such trouble (known: "),
        ("hostile: ['cut@0']", "hostile[0]: takes NAME, NAME@CONNECTION or "),
        ("otherwise: [on, no]", "otherwise[0]: must be a text"),
        ("replies: [{hear: x}]", "replies[0].say: must be a text"),
        ("replies: [{hear: a, say: ' '}]", "replies[0].say: must be a text"),
        ("replies: [{hear: a, say: b, go_away: 5}]", "replies[0].go_away: must be a duration with a unit"),
        ("replies: [{hear: a, say: b, go_away: 5 s}]", "replies[0].go_away: must be a duration with a unit"),
        ("replies: [{hear: a, say: b, tool: {}}]", "replies[0].tool.name: must be a text"),
        ("replies: [{hear: a, say: b, tool: x}]", "replies[0].tool: must be a mapping"),
        ("replies: [{hear: a, say: b, tool: {name: x, args: 1}}]", "replies[0].tool.args: must be a mapping"),
        ("replies: [{hear: a, say: b, tool: {name: x, args: &a {x: *a}}}]", "tool.args: is nothing that JSON can hold"),
        ("replies: [{hear: a, say: b, tool: {name: x, args: {2026-12-24: 1}}}]", "is nothing that JSON can hold"),
        ("replies: [{hear: a, say: b, tool: {name: x, args: {x: .nan}}}]", "is nothing that JSON can hold"),
        ("replies: 1", "replies: must be a list"),
    ],
)
def test_faults_in_a_file(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(ScriptError) as caught:
        loaded(tmp_path, text)
    assert fault in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "s.yaml"))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match="can't be read"):
        load(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"otherwise: [\xff]")
    with pytest.raises(ScriptError, match="can't be read"):
        load(tmp_path / "latin.yaml")


def test_the_demo_s_answers_are_as_long_as_a_turn() -> None:
    script, speech = load(DEMO), choose(("pico",))
    assert len(script.replies) == 5
    for reply in script.replies:
        assert 5 <= len(speech.speak(reply.say)) / 48_000 <= 8.5
        assert normal(reply.hear) == reply.hear


def test_the_default_answers_are_honest_and_long_enough_to_interrupt() -> None:
    speech = choose(("pico",))
    for words in DEFAULT.otherwise:
        assert "script" in words
        assert len(speech.speak(words)) / 48_000 > 5
