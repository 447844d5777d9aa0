"""What a demo is made of, and every way in which it can be asked for wrongly."""

from datetime import datetime
from pathlib import Path

import pytest

from gateway.rehearsal import prepare
from gateway.rehearsal.prepare import DemoFault, DemoOptions
from gateway.rehearsal.report import Setting

NOW = datetime(2026, 11, 23, 20, 15, 7)


def fault_of(options: DemoOptions) -> DemoFault:
    with pytest.raises(DemoFault) as caught:
        prepare.prepare(options, {}, NOW)
    return caught.value


def test_without_options_the_sample_is_called_by_recorded_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    prepared = prepare.prepare(DemoOptions(), {}, NOW)
    assert prepared.setting == Setting("dental-clinic", "front-desk", "+14155550100", "ava")
    assert [clip.name for clip in prepared.clips] == ["librivox-0880", "librivox-0890", "librivox-0930"]
    assert prepared.caller == "3 recordings of human speech"
    assert prepared.built_in
    assert prepared.out == Path("recordings/2026-11-23-201507")
    assert prepared.out.is_dir()


def test_the_line_is_picked_by_label_or_number(tmp_path: Path) -> None:
    for to in ("front-desk", "+14155550177"):
        env = {"FRONT_DESK_NUMBER": "+14155550177"}
        prepared = prepare.prepare(DemoOptions(out=tmp_path, to=to), env, NOW)
        assert prepared.setting.number == "+14155550177"


def test_an_unknown_line_names_its_neighbour(tmp_path: Path) -> None:
    fault = fault_of(DemoOptions(out=tmp_path, to="frontdesk"))
    assert (fault.code, str(fault)) == (2, "--to frontdesk: no such line (did you mean 'front-desk'?)")
    assert str(fault_of(DemoOptions(out=tmp_path, to="x"))) == "--to x: no such line (lines: front-desk)"


def test_a_missing_recording_and_a_missing_flow_are_named(tmp_path: Path) -> None:
    fault = fault_of(DemoOptions(out=tmp_path, say=(tmp_path / "none.wav",)))
    assert fault.code == 2
    assert str(fault).startswith(f"{tmp_path / 'none.wav'}: no such file (")
    fault = fault_of(DemoOptions(out=tmp_path, flow=tmp_path / "none.yaml"))
    assert fault.code == 2
    assert str(fault).startswith(f"{tmp_path / 'none.yaml'}: no such flow file (")


def test_a_broken_flow_shows_its_faults_with_their_places(tmp_path: Path) -> None:
    flow = tmp_path / "broken.yaml"
    flow.write_text(prepare.sample().read_text("utf-8").replace("persona: ava", "persona: avo"), "utf-8")
    fault = fault_of(DemoOptions(out=tmp_path, flow=flow))
    assert fault.code == 1
    assert str(fault).startswith(f"{flow}:")
    assert "avo" in str(fault)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    fault = fault_of(DemoOptions(out=tmp_path / "file" / "below"))
    assert fault.code == 2
    assert "can't be written" in str(fault)
    assert "--out" in str(fault)
