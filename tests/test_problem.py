from __future__ import annotations

import json

from gateway.problem import Place, Problem, render

PROBLEMS = [
    Problem(
        Place("flows/a b.yaml", 7, 5), "personas.ava.vioce", "unknown key", "did you mean 'voice'?", source="\t   x"
    ),
    Problem(Place("c:,.yaml"), "", "100%\nodd", severity="warning"),
]


def test_text() -> None:
    assert render(PROBLEMS, "text") == (
        "flows/a b.yaml:7:5: personas.ava.vioce: unknown key (did you mean 'voice'?)\n"
        "    \t   x\n"
        "    \t   ^\n"
        "c:,.yaml:1:1: warning: 100%\nodd"
    )


def test_json() -> None:
    first = {"file": "flows/a b.yaml", "line": 7, "column": 5, "path": "personas.ava.vioce", "message": "unknown key"}
    second = {"file": "c:,.yaml", "line": 1, "column": 1, "path": "", "message": "100%\nodd"}
    assert json.loads(render(PROBLEMS, "json")) == {
        "problems": [
            {**first, "hint": "did you mean 'voice'?", "severity": "error"},
            {**second, "hint": "", "severity": "warning"},
        ]
    }
    assert json.loads(render([], "json")) == {"problems": []}


def test_sarif() -> None:
    report = json.loads(render(PROBLEMS, "sarif"))
    (run,) = report["runs"]
    assert report["version"] == "2.1.0"
    assert run["tool"]["driver"]["name"] == "gateway"
    (rule,) = run["tool"]["driver"]["rules"]
    assert all(rule[name]["text"] for name in ("shortDescription", "fullDescription", "help"))  # GitHub asks for them
    first, second = run["results"]
    assert first == {
        "ruleId": "flow",
        "level": "error",
        "message": {"text": "personas.ava.vioce: unknown key (did you mean 'voice'?)"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "flows/a%20b.yaml"},
                    "region": {"startLine": 7, "startColumn": 5},
                }
            }
        ],
    }
    assert second["level"] == "warning"


def test_github() -> None:
    assert render(PROBLEMS, "github") == (
        "::error file=flows/a b.yaml,line=7,col=5::personas.ava.vioce: unknown key (did you mean 'voice'?)\n"
        "::warning file=c%3A%2C.yaml,line=1,col=1::100%25%0Aodd"
    )


def test_a_name_that_is_no_text_and_braces_in_the_words() -> None:
    odd = [Problem(Place("\udcff:a.yaml"), "", "write {{name}}")]
    (result,) = json.loads(render(odd, "sarif"))["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "%FF%3Aa.yaml"
    assert result["message"]["text"] == "write {{{{name}}}}"
    assert json.loads(render(odd, "json"))["problems"][0]["file"] == "\\xff:a.yaml"
    assert render(odd, "github") == "::error file=\\xff%3Aa.yaml,line=1,col=1::write {{name}}"


def test_programs_get_ascii() -> None:
    odd = [Problem(Place("é.yaml"), "", "{{…}}", source="🦷")]
    assert render(odd, "json").isascii()
    assert render(odd, "sarif").isascii()


def test_an_excerpt_begins_where_it_says() -> None:
    assert (
        Problem(Place("a", 1, 103), "", "m", source="…xyz", shown=100).with_caret() == "a:1:103: m\n    …xyz\n       ^"
    )


def test_the_caret_stands_below_what_it_means_whatever_the_script() -> None:
    """Ideographs take two columns of a terminal, marks that stand on a letter none."""
    line = "a: { 歯: 歯, e\u0301: 1 }"
    column = line.index("1") + 1
    assert Problem(Place("a", 1, column), "", "m", source=line).with_caret().endswith(f"\n    {' ' * 16}^")
