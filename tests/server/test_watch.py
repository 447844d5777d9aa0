"""Flow files edited while calls go on: what becomes a generation, what never does, and that no call notices."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.catalog import load
from gateway.flow import compile as artefact
from gateway.server import reading, watch
from gateway.server.generations import Generations
from gateway.server.reading import Source
from gateway.server.watch import Watch, first, look
from gateway.settings import child_environment
from gateway.telemetry.log import Log
from gateway.telemetry.metrics import Metrics
from tests.server.world import FLOW

LONG = FLOW.replace("30s", "10m")
HERE = re.compile(r"You listen\.")


class Notes(Log):
    """A log that is a list."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[tuple[str, dict[str, Any]]] = []

    def write(self, name: str, fields: Any, private: Any, severity: Any = "info") -> None:
        self.written.append((name, dict(fields)))

    def bug(self, where: str) -> None:
        self.written.append(("bug", {"where": where}))

    def take(self) -> list[tuple[str, dict[str, Any]]]:
        found, self.written = self.written, []
        return found


class Desk:
    """A folder with one flow, and the watch over it."""

    def __init__(self, folder: Path, path: Path | None = None) -> None:
        self.file = folder / "clinic.yaml"
        self.file.write_text(LONG, encoding="utf-8")
        self.log, self.metrics = Notes(), Metrics()
        found = first(Source(path or folder, child_environment()))
        self.generations = Generations(found.flows)
        self.watch = Watch(found, self.generations, self.log, self.metrics)

    def write(self, text: str) -> None:
        self.file.write_text(text, encoding="utf-8")

    async def edited(self, text: str) -> list[tuple[str, dict[str, Any]]]:
        """An edit, and what is told of it: seen at one look, taken at the next."""
        self.write(text)
        await self.watch.step()
        assert self.log.take() == []
        await self.watch.step()
        return self.log.take()

    def count(self, result: str) -> float:
        return self.metrics.get("gateway_flow_reloads_total", result=result)

    @property
    def instructions(self) -> str:
        return self.generations.current.flows.flows[0].personas["mute"].instructions


def says(words: str) -> str:
    return HERE.sub(words, LONG)


def run(scenario: Callable[[Desk], Awaitable[None]], folder: Path) -> None:
    async def scene() -> None:
        await scenario(Desk(folder))

    asyncio.run(scene())


# what is taken


def test_an_edit_is_taken_once_it_has_been_the_same_for_two_looks(tmp_path: Path) -> None:
    async def scenario(desk: Desk) -> None:
        hash_before = desk.generations.current.hash
        ((name, fields),) = await desk.edited(says("You wait."))
        current = desk.generations.current
        assert name == "flows-read"
        assert fields == {"generation": 2, "hash": current.hash, "lines": 2, "added": [], "removed": []}
        assert desk.instructions == "You wait."
        assert current.hash == artefact.fingerprint(load(tmp_path, {})) != hash_before
        await desk.watch.step()
        assert desk.log.take() == []
        assert (desk.count("read"), desk.count("refused"), desk.count("unchanged")) == (1, 0, 0)

    run(scenario, tmp_path)


def test_lines_that_come_and_go_are_named(tmp_path: Path) -> None:
    async def scenario(desk: Desk) -> None:
        ((_, fields),) = await desk.edited(LONG.replace("label: quiet", "label: still"))
        assert (fields["added"], fields["removed"]) == (["clinic/still"], ["clinic/quiet"])

    run(scenario, tmp_path)


def test_a_file_that_is_still_written_never_becomes_a_generation(tmp_path: Path) -> None:
    """Cut after the first line it would be a flow without faults, and with one line less."""
    whole = says("You wait.")
    cut = whole.replace('  - { label: quiet, number: "+14155550101", persona: mute }\n', "").replace("mute:", "ava2:")
    half = cut[: cut.index("  ava2:")]

    async def scenario(desk: Desk) -> None:
        for text in ("", whole[:9], half, half + "limits: { max_duration: 30s }\n"):
            desk.write(text)
            await desk.watch.step()
        assert (await desk.edited(whole))[0][0] == "flows-read"
        assert [desk.generations.current.number, desk.instructions] == [2, "You wait."]
        assert desk.count("refused") == 0

    run(scenario, tmp_path)


def test_an_edit_during_the_reading_leads_to_one_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "clinic.yaml"
    runs: list[bytes] = []

    class Slow(reading.Child):
        def run(self) -> tuple[bytes, int]:
            said = super().run()
            runs.append(said[0])
            if len(runs) == 1:
                file.write_text(says("You stay."), encoding="utf-8")
            return said

    monkeypatch.setattr(watch, "Child", Slow)

    async def scenario(desk: Desk) -> None:
        assert await desk.edited(says("You wait.")) == []
        assert b"You wait." in runs[0]
        assert desk.generations.current.number == 1
        await desk.watch.step()
        assert [name for name, _ in desk.log.take()] == ["flows-read"]
        assert (desk.instructions, len(runs), desk.generations.current.number) == ("You stay.", 2, 2)

    run(scenario, tmp_path)


def test_links_that_are_swapped_as_kubernetes_does_are_an_edit(tmp_path: Path) -> None:
    mount = tmp_path / "mount"
    for name, text in (("..1", LONG), ("..2", says("You wait."))):
        (mount / name).mkdir(parents=True)
        (mount / name / "clinic.yaml").write_text(text, encoding="utf-8")
        os.utime(mount / name / "clinic.yaml", (1, 1))
    (mount / "..data").symlink_to("..1")
    (mount / "clinic.yaml").symlink_to("..data/clinic.yaml")
    before = look(mount)
    (mount / "..new").symlink_to("..2")
    (mount / "..new").rename(mount / "..data")
    assert [entry[0] for entry in before] == [str(mount / "clinic.yaml")]
    assert look(mount) != before


@pytest.mark.parametrize("change", ["content", "replaced", "renamed", "touched", "new", "gone", "dangling"])
def test_every_kind_of_edit_is_seen(tmp_path: Path, change: str) -> None:
    file = tmp_path / "clinic.yaml"
    file.write_text(LONG, encoding="utf-8")
    before, status = look(tmp_path), file.stat()
    if change == "content":  # of the same length and the same time
        file.write_text(LONG.replace("You listen.", "You absent."), encoding="utf-8")
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    elif change == "replaced":
        (tmp_path / "draft").write_text(LONG, encoding="utf-8")
        os.utime(tmp_path / "draft", ns=(status.st_atime_ns, status.st_mtime_ns))
        (tmp_path / "draft").rename(file)
    elif change == "renamed":
        file.rename(tmp_path / "other.YML")
    elif change == "touched":
        os.utime(file, (1, 1))
    elif change == "new":
        (tmp_path / "b.yml").write_text(LONG, encoding="utf-8")
    else:
        file.unlink()
    if change == "dangling":
        file.symlink_to("nowhere")
    assert look(tmp_path) != before


def test_what_is_no_flow_is_no_edit(tmp_path: Path) -> None:
    (tmp_path / "clinic.yaml").write_text(LONG, encoding="utf-8")
    before = look(tmp_path)
    for name in (".clinic.yaml", "clinic.yaml~", "notes.txt", ".clinic.yaml.swp"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    assert look(tmp_path) == before


@pytest.mark.parametrize("name", ["clinic.yaml", "flows.private.json"])
def test_one_file_is_watched_too(tmp_path: Path, name: str) -> None:
    (tmp_path / "clinic.yaml").write_text(LONG, encoding="utf-8")
    text = artefact.text(load(tmp_path, {}))
    (tmp_path / "flows.private.json").write_text(text, encoding="utf-8")

    async def scenario() -> None:
        desk = Desk(tmp_path, tmp_path / name)
        assert desk.generations.current.hash in text
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "clinic.yaml").write_text(says("You wait."), encoding="utf-8")
        changed = load(tmp_path / "other", {})
        desk.file = tmp_path / name
        ((note, _),) = await desk.edited(says("You wait.") if name.endswith(".yaml") else artefact.text(changed))
        assert (note, desk.generations.current.hash) == ("flows-read", artefact.fingerprint(changed))

    asyncio.run(scenario())


def test_when_asked_it_reads_at_once_and_says_so_where_nothing_changed(tmp_path: Path) -> None:
    async def scenario(desk: Desk) -> None:
        desk.watch.ask()
        await desk.watch.step()
        ((name, fields),) = desk.log.take()
        assert (name, fields["generation"], desk.count("unchanged")) == ("flows-unchanged", 1, 1)
        desk.write(says("You wait."))
        desk.watch.ask()
        await desk.watch.step()
        assert desk.log.take()[0][0] == "flows-read"

    run(scenario, tmp_path)


def test_warnings_are_told_with_the_flows_that_they_are_about(tmp_path: Path) -> None:
    async def scenario(desk: Desk) -> None:
        (warned, read) = await desk.edited(LONG + "variables: { unused: x }\n")
        assert (warned[0], read[0]) == ("flow-warning", "flows-read")
        assert f"{tmp_path}/clinic.yaml:14:14: warning: variables.unused" in warned[1]["problem"]
        assert len(desk.generations.current.flows.warnings) == 1

    run(scenario, tmp_path)


def test_flows_that_did_not_change_are_shared_between_generations(tmp_path: Path) -> None:
    other = LONG.replace("clinic", "surgery").replace("+1415555", "+1415556")
    (tmp_path / "surgery.yaml").write_text(other, encoding="utf-8")

    async def scenario(desk: Desk) -> None:
        await desk.edited(says("You wait."))
        before = desk.generations.current.flows
        await desk.edited(says("You stay."))
        after = desk.generations.current.flows
        assert after.named("surgery") is before.named("surgery")
        assert after.named("clinic") is not before.named("clinic")

    run(scenario, tmp_path)


# what is refused


def test_a_broken_edit_keeps_the_last_good_one_and_says_why(tmp_path: Path) -> None:
    async def scenario(desk: Desk) -> None:
        good = desk.generations.current
        ((name, fields),) = await desk.edited(LONG.replace("persona: mute", "persona: nobody"))
        (problem,) = desk.generations.refused
        assert (name, fields) == ("flows-refused", {"problems": [str(problem)], "generation": 1})
        assert str(problem).startswith(f"{tmp_path}/clinic.yaml:6:54: numbers[1].persona: ")
        assert desk.generations.current is good
        await desk.watch.step()
        assert desk.count("refused") == 1  # told once, not each second
        ((name, _),) = await desk.edited(LONG)
        assert (name, desk.generations.refused, desk.generations.current) == ("flows-unchanged", (), good)

    run(scenario, tmp_path)


def test_no_value_of_the_environment_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKED", "m4rk-m4rk")

    async def scenario(desk: Desk) -> None:
        told = await desk.edited(LONG.replace('"+14155550101"', '"${MARKED}"').replace("30s", "${MARKED}"))
        assert told[0][0] == "flows-refused"
        assert "m4rk" not in str(told) + str(desk.generations.refused)

    run(scenario, tmp_path)


def test_of_very_many_faults_the_first_are_told(tmp_path: Path) -> None:
    async def scenario(desk: Desk) -> None:
        ((_, fields),) = await desk.edited(LONG + "".join(f"k{n}: x\n" for n in range(150)))
        assert len(fields["problems"]) == reading.MAX_TOLD + 1
        assert re.search(r": and \d+ more \(run: gateway validate\)$", fields["problems"][-1])

    run(scenario, tmp_path)


def test_no_files_and_no_folder_are_broken_edits(tmp_path: Path) -> None:
    folder = tmp_path / "flows"
    folder.mkdir()

    async def scenario(desk: Desk) -> None:
        desk.file.unlink()
        await desk.watch.step()
        await desk.watch.step()
        assert "there is no flow in this folder" in desk.log.take()[0][1]["problems"][0]
        folder.rmdir()
        await desk.watch.step()
        await desk.watch.step()
        assert "there is no such file or folder" in desk.log.take()[0][1]["problems"][0]
        assert desk.generations.current.number == 1
        folder.mkdir()
        ((name, _),) = await desk.edited(LONG)
        assert (name, desk.generations.refused) == ("flows-unchanged", ())

    run(scenario, folder)


def test_a_name_that_is_no_utf8_is_told_readably(tmp_path: Path) -> None:
    odd = Path(os.fsdecode(bytes(tmp_path) + b"/b\xff.yaml"))

    async def scenario(desk: Desk) -> None:
        await asyncio.to_thread(odd.write_text, "version: 2\n")
        told = await desk.edited(LONG)
        assert "/b\\xff.yaml:1:" in told[0][1]["problems"][0]

    run(scenario, tmp_path)


def hindered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """The reading child runs `code` first."""
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "sitecustomize.py").write_text(
        f"import os, sys, time\nif 'gateway.server.reading' in sys.orig_argv:\n    {code}\n", encoding="utf-8"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "path"))


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("os._exit(3)", "the process that read them ended with exit code 3"),
        (
            "os.kill(os.getpid(), 9)",
            "the process that read them was ended by signal 9 (Killed): is there too little memory?",
        ),
        ("os.kill(os.getpid(), 11)", "the process that read them was ended by signal 11 (Segmentation fault)"),
        ("os._exit(0)", "the process that read them was cut off"),
        ("os.write(1, b'F{}\\n'); os._exit(0)", watch.OTHER_VERSION),
        ("os.write(1, b'P{}\\n'); os._exit(0)", watch.OTHER_VERSION),
        ("os.write(1, b'?\\n'); os._exit(0)", watch.OTHER_VERSION),
        ("time.sleep(60)", "reading took longer than 1 s"),
    ],
)
def test_a_reader_that_fails_is_a_refused_edit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, words: str
) -> None:
    hindered(tmp_path, monkeypatch, code)
    if "sleep" in code:
        monkeypatch.setattr(watch, "READ_S", 1.0)

    async def scenario(desk: Desk) -> None:
        ((name, fields),) = await desk.edited(says("You wait."))
        assert name == "flows-refused"
        assert fields["problems"][0].startswith(f"{tmp_path}:1:1: {words} (")
        assert desk.generations.current.number == 1

    run(scenario, tmp_path)


def test_a_reader_that_never_stops_talking_is_a_refused_edit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hindered(tmp_path, monkeypatch, "\n    while True: os.write(1, b'F' * 65536)")
    monkeypatch.setattr(reading, "MAX_OUTPUT", 1 << 20)
    monkeypatch.setattr(watch, "MAX_OUTPUT", 1 << 20)

    async def scenario(desk: Desk) -> None:
        ((_, fields),) = await desk.edited(says("You wait."))
        assert "the flows are larger than 1 MiB" in fields["problems"][0]

    run(scenario, tmp_path)


def test_where_no_process_can_be_started_the_edit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/no/such/python")

    async def scenario(desk: Desk) -> None:
        ((_, fields),) = await desk.edited(says("You wait."))
        assert "no process could be started to read: No such file or directory" in fields["problems"][0]

    run(scenario, tmp_path)


def test_a_bug_in_the_watch_is_told_and_the_watch_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(desk: Desk) -> None:
        monkeypatch.setattr(desk.watch, "_look", lambda: 1 / 0)
        watching = asyncio.ensure_future(desk.watch.run(poll_s=0.01))
        async with asyncio.timeout(5):
            while len(desk.log.written) < 2:  # noqa: ASYNC110  the log is a list
                await asyncio.sleep(0.005)
        monkeypatch.undo()
        desk.write(says("You wait."))
        async with asyncio.timeout(10):
            while desk.generations.current.number < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        watching.cancel()
        assert desk.log.written[0] == ("bug", {"where": "flows-watch"})

    run(scenario, tmp_path)
