"""deploy/render.py: what it fills in, and all that it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.render import RenderError, main, render


def test_names_are_filled_in_and_comments_fall_away() -> None:
    template = "# ${NEVER}\nname: '${SERVICE}' # the service\n  # ${NEVER}\ncount: ${CONCURRENCY}\n"
    filled = render(template, {"SERVICE": "desk", "CONCURRENCY": "40"})
    assert filled == "name: 'desk' # the service\ncount: 40\n"


def test_a_secret_a_line() -> None:
    filled = render("env:\n  - ${SECRETS}\n", {"SECRETS": "TOKEN=twilio-token:3  KEY=a:1"})
    assert filled.splitlines() == [
        "env:",
        "  - {name: TOKEN, valueFrom: {secretKeyRef: {name: twilio-token, key: '3'}}}",
        "  - {name: KEY, valueFrom: {secretKeyRef: {name: a, key: '1'}}}",
    ]


def test_a_line_whose_value_is_empty_falls_away() -> None:
    assert render("a: 1\nb: '${REDIS_URL}'\n", {"REDIS_URL": ""}) == "a: 1\n"


def faults(template: str, **given: str) -> tuple[str, ...]:
    with pytest.raises(RenderError) as refused:
        render(template, given)
    return refused.value.faults


def test_every_fault_of_the_names_is_told_at_once() -> None:
    assert faults("a: ${A} ${B} $C\n", B="1", D="2") == (
        "A stands in the template, and is not given",
        "D is given, and stands nowhere in the template",
        "a $ stands in the template that begins no ${NAME}",
    )


@pytest.mark.parametrize("value", ["it's", "two words", "a\nb: c", 'a"b', "a#b", "{a}", "[a]", "$A", "a;b", "*a", "é"])
def test_a_value_can_not_change_the_document(value: str) -> None:
    assert faults("a: '${A}'\n", A=value) == ("A holds a quote, a space or another character that no value here needs",)


def test_a_value_that_is_refused_is_not_repeated() -> None:
    assert "MARK" not in "".join(faults("a: '${A}'\n", A="MARK it"))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("", ("SECRETS takes VARIABLE=secret:version, several with spaces between them",)),
        ("TOKEN", ("SECRETS takes VARIABLE=secret:version, several with spaces between them",)),
        ("token=a:1", ("SECRETS takes VARIABLE=secret:version, several with spaces between them",)),
        ("TOKEN=a:latest", ("SECRETS: TOKEN takes a version's number: 'latest' changes under running instances",)),
        ("TOKEN=a:", ("SECRETS: TOKEN takes a version's number: 'latest' changes under running instances",)),
        ("TOKEN=a:1 TOKEN=b:1", ("SECRETS names TOKEN twice",)),
    ],
)
def test_secrets_that_are_none(value: str, words: tuple[str, ...]) -> None:
    assert faults("- ${SECRETS}\n", SECRETS=value) == words


def test_secrets_stand_alone_on_their_line() -> None:
    assert faults("a: ${SECRETS}\n", SECRETS="A=a:1") == ("SECRETS takes a line of its own: - ${SECRETS}",)


SCALE = "${MIN_INSTANCES} ${MAX_INSTANCES} ${MAX_CALLS} ${CONCURRENCY}\n${REDIS_URL}\n- ${SECRETS}\n"
WELL = {
    "MIN_INSTANCES": "1",
    "MAX_INSTANCES": "3",
    "MAX_CALLS": "36",
    "CONCURRENCY": "40",
    "REDIS_URL": "redis://10.0.0.3:6379",
    "SECRETS": "TOKEN=a:1",
}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"MIN_INSTANCES": "4"}, "MIN_INSTANCES is above MAX_INSTANCES"),
        ({"MAX_CALLS": "41"}, "MAX_CALLS is above CONCURRENCY: Cloud Run would never let so many streams in"),
        ({"REDIS_URL": ""}, "REDIS_URL is empty: without it there can be one instance, so MAX_INSTANCES takes 1"),
        ({"SECRETS": "REDIS_URL=redis:1"}, "REDIS_URL is given twice: as a value and in SECRETS"),
        ({"MAX_CALLS": "many"}, "MAX_CALLS takes a whole number"),
        ({"MAX_CALLS": ""}, "MAX_CALLS is empty"),
    ],
)
def test_values_that_can_not_work_together(changes: dict[str, str], words: str) -> None:
    assert faults(SCALE, **{**WELL, **changes}) == (words,)


@pytest.mark.parametrize(
    "changes",
    [{}, {"REDIS_URL": "", "MAX_INSTANCES": "1"}, {"REDIS_URL": "", "SECRETS": "REDIS_URL=redis:1"}],
    ids=["redis", "one instance", "a redis whose address is secret"],
)
def test_values_that_work_together(changes: dict[str, str]) -> None:
    assert render(SCALE, {**WELL, **changes})


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    template = tmp_path / "a.yaml"
    template.write_text("a: ${A}\n", encoding="utf-8")
    assert main([str(template), "A=x=y"]) == 0
    assert capsys.readouterr().out == "a: x=y\n"
    assert main([str(template), "B=1"]) == 1
    assert f"{template}: A stands in the template, and is not given\n" in capsys.readouterr().err
    assert main([str(tmp_path / "none.yaml"), "B=1"]) == 1
    for wrong in ([], [str(template), "A"], [str(template), "A=1", "A=2"]):
        assert main(wrong) == 2
