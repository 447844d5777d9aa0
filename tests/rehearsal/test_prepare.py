"""What a demo is made of, and every way in which it can be asked for wrongly."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.rehearsal import prepare
from gateway.rehearsal.prepare import DemoFault, DemoOptions
from gateway.rehearsal.report import Setting

NOW = datetime(2026, 11, 23, 20, 15, 7, tzinfo=UTC)


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


HOURS = """
version: 1
name: branch
numbers:
  - { label: town, number: "+41445550100", persona: day, hours: office }
  - { label: lake, number: "+41445550101", persona: day, hours: lake }
  - { label: to-buy, search: { country: CH }, persona: day }
personas:
  day: { instructions: You answer the phone. }
  night: { instructions: You take messages. }
hours:
  office: { weekly: { mon-fri: "09:00-18:00" }, closed: { persona: night } }
  lake: { weekly: { tue: "09:00-18:00" }, closed: { say: We are closed. } }
limits: { countries: [CH] }
"""


def test_who_answers_at_this_hour_is_named(tmp_path: Path) -> None:
    (tmp_path / "branch.yaml").write_text(HOURS)
    options = DemoOptions(tmp_path / "branch.yaml", out=tmp_path, dials_from="+41791234567")
    prepared = prepare.prepare(options, {}, NOW)
    assert prepared.setting == Setting("branch", "town", "+41445550100", "night")
    assert prepared.number == "+41791234567"


def test_a_call_that_nobody_would_answer_is_not_placed(tmp_path: Path) -> None:
    flow = tmp_path / "branch.yaml"
    flow.write_text(HOURS)
    foreign = str(fault_of(DemoOptions(flow, out=tmp_path)))
    assert "The caller's country is not in limits.countries." in foreign
    assert foreign.endswith("To hear the agent, call from a number that may call, with --from.")
    closed = str(fault_of(DemoOptions(flow, out=tmp_path, to="lake", dials_from="+41791234567")))
    assert 'Twilio says "We are closed." and hangs up.' in closed
    assert closed.endswith("or write hours: always for as long as you try it.")
    assert str(fault_of(DemoOptions(flow, out=tmp_path, to="to-buy"))) == (
        "the line to-buy has no number yet: it is to be bought (name another with --to)"
    )
