"""The commands' names, options and help: what `gateway --help` shows. What they do is in `cli`."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

Command = Callable[[argparse.Namespace], int]
ARTEFACT = Path("twilio-functions/assets/flows.private.json")
_FORM = argparse.RawDescriptionHelpFormatter
_PATH = "a folder, one file, or a compiled artefact (default: FLOWS_DIR, or flows)"


def parser(commands: Mapping[str, Command]) -> argparse.ArgumentParser:
    """Parses a command line into its options and `command`, the function to run."""
    whole = argparse.ArgumentParser("gateway", description="Phone agents described in YAML.", formatter_class=_FORM)
    below = whole.add_subparsers(metavar="COMMAND", required=True)
    for name, (text, example, options) in _TABLE.items():
        epilog = f"example:\n  {example}"
        one = below.add_parser(name, help=text, description=text, epilog=epilog, formatter_class=_FORM)
        options(one)
        one.set_defaults(command=commands[name])
    return whole


def _demo(one: argparse.ArgumentParser) -> None:
    _placed(one)
    _say(one)


def _call(one: argparse.ArgumentParser) -> None:
    one.add_argument(
        "--backend",
        choices=("developer", "vertex"),
        help="the Gemini Developer API, or Vertex AI (default: LIVE_BACKEND, or developer)",
    )
    _placed(one)
    either = one.add_mutually_exclusive_group()
    _say(either)
    either.add_argument("--mic", action="store_true", help="talk by this machine's microphone and loudspeaker")


def _placed(one: argparse.ArgumentParser) -> None:
    one.add_argument("--flow", type=Path, help="the flow file that answers (default: the sample dental clinic)")
    one.add_argument("--to", metavar="LINE", help="the label or number to dial (default: the flow's first)")
    one.add_argument("--from", dest="caller", metavar="NUMBER", help="who calls (default: a fictitious number)")
    one.add_argument("--out", type=Path, metavar="DIR", help="where recording, transcript and summary go")
    _json(one)


def _say(one: argparse._ActionsContainer) -> None:
    one.add_argument(
        "--say",
        type=Path,
        action="append",
        default=[],
        metavar="WAV",
        help="what the caller says (may repeat; one.txt beside one.wav gives its words)",
    )


def _new(one: argparse.ArgumentParser) -> None:
    one.add_argument("name", metavar="NAME", help="the flow's name: lower-case letters, digits and '-'")
    one.add_argument("--flows", type=Path, metavar="DIR", help="where it is written (default: FLOWS_DIR, or flows)")


def _validate(one: argparse.ArgumentParser) -> None:
    one.add_argument("path", type=Path, nargs="?", help=_PATH)
    one.add_argument("--format", choices=("text", "json", "sarif", "github"), default="text")
    one.add_argument("--json", action="store_true", help="the same as --format json")


def _show(one: argparse.ArgumentParser) -> None:
    one.add_argument("file", type=Path, metavar="FILE", help="a flow file")
    one.add_argument("--line", metavar="LABEL", default="", help="only what concerns this line")
    _json(one)


def _explain(one: argparse.ArgumentParser) -> None:
    one.add_argument("line", metavar="LINE", help="a line's label, or its number")
    one.add_argument("--at", metavar="TIME", default="now", help="when, such as 2026-12-25T10:00 (default: now)")
    one.add_argument("--from", dest="caller", metavar="NUMBER", default="", help="who calls (default: number withheld)")
    one.add_argument("--flows", type=Path, metavar="PATH", help=_PATH)
    _json(one)


def _compile(one: argparse.ArgumentParser) -> None:
    one.add_argument("path", type=Path, nargs="?", help=_PATH)
    one.add_argument("--out", type=Path, metavar="FILE", default=ARTEFACT, help=f"where to (default: {ARTEFACT})")
    one.add_argument("--check", action="store_true", help="write nothing; fail where FILE is missing or stale")
    _json(one)


def _schema(one: argparse.ArgumentParser) -> None:
    one.add_argument("--markdown", action="store_true", help="the reference for people, docs/flow-reference.md")


def _serve(one: argparse.ArgumentParser) -> None:
    one.add_argument("--host", help="where to listen (HOST)")
    one.add_argument("--port", help="0 takes a free one and prints it (PORT)")
    one.add_argument("--flows", help="the folder of flow files, or a compiled artefact (FLOWS_DIR)")


def _numbers(one: argparse.ArgumentParser) -> None:
    one.add_argument("action", choices=("plan", "apply", "status"), help="plan and status change nothing")
    one.add_argument("--yes", action="store_true", help="apply: do it")
    one.add_argument("--buy", action="store_true", help="apply: buy numbers for lines that search (costs money)")
    one.add_argument("--take-over", action="store_true", help="apply: also what another system or deployment answers")
    one.add_argument("--domain", metavar="HOST", help="of Twilio Functions (FUNCTIONS_URL, or found at Twilio)")
    one.add_argument("--core", metavar="URL", help="of the core (CORE_URL, or PUBLIC_URL)")
    _json(one)


def _doctor(one: argparse.ArgumentParser) -> None:
    one.description = (
        "Check what stands between a caller and an answer. Nothing is changed.\n"
        "Exit code: 1 if anything is wrong, else 0. What could not be checked is named in the last line\n"
        "(with --json: counted as skipped), and says nothing of its health."
    )
    one.add_argument("--flows", type=Path, metavar="PATH", help=_PATH)
    one.add_argument("--artefact", type=Path, metavar="FILE", default=ARTEFACT, help=f"(default: {ARTEFACT})")
    _json(one)


def _rehearse_failure(one: argparse.ArgumentParser) -> None:
    one.add_argument("--scenario", action="append", default=[], metavar="NAME", help="only this one (may repeat)")
    one.add_argument("--calls", type=_count, metavar="N", help="calls at once (default: 8, with --quick 4)")
    one.add_argument("--runs", type=_count, default=1, metavar="N", help="of each scenario, added up (default: 1)")
    one.add_argument("--quick", action="store_true", help="three scenarios and four calls, in a minute")
    one.add_argument("--strict", action="store_true", help="hold the gaps to the figures for an idle machine as well")
    one.add_argument(
        "--balancer",
        choices=("auto", "haproxy", "own"),
        default="auto",
        help="what stands before the gateways (default: auto, HAProxy where it is on the PATH)",
    )
    one.add_argument("--logs", type=Path, metavar="DIR", help="keep what everybody wrote")
    one.add_argument("--list", action="store_true", help="the scenarios, and what happens in each")
    _json(one)


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def _json(one: argparse.ArgumentParser) -> None:
    one.add_argument("--json", action="store_true", help="print one JSON object and nothing else")


_TABLE: dict[str, tuple[str, str, Callable[[argparse.ArgumentParser], None]]] = {
    "demo": (
        "place a rehearsed call and hear it",
        "gateway demo --flow flows/restaurant.yaml --say hello.wav",
        _demo,
    ),
    "call": (
        "place a call with the real model, by your own key (costs money)",
        "gateway call --backend developer --flow flows/restaurant.yaml --mic",
        _call,
    ),
    "new": ("write a flow file to begin with", "gateway new harbour-dental", _new),
    "validate": ("check flow files", "gateway validate flows --format github", _validate),
    "show": (
        "list everything that holds in a flow, and where each value comes from",
        "gateway show flows/restaurant.yaml --line reservations",
        _show,
    ),
    "explain": (
        "say who answers a call, and why",
        "gateway explain front-desk --at 2026-12-25T10:00 --from +14155550199",
        _explain,
    ),
    "compile": ("write the flows as the one file that Twilio Functions read", "gateway compile --check", _compile),
    "schema": ("print the schema of flow files", "gateway schema > flow.schema.json", _schema),
    "serve": (
        "answer calls (settings come from the environment)",
        "PORT=8080 FLOWS_DIR=flows gateway serve",
        _serve,
    ),
    "numbers": ("plan, apply or check the phone numbers of the Twilio account", "gateway numbers plan", _numbers),
    "doctor": ("check what stands between a caller and an answer", "gateway doctor", _doctor),
    "rehearse-failure": (
        "let an instance, the store or the model fail under calls, on this machine",
        "gateway rehearse-failure --scenario sigterm --calls 8",
        _rehearse_failure,
    ),
}
