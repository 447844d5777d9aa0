"""The commands. Each returns an exit code: 0 well, 1 faults found, 2 used wrongly, 130 interrupted, 3 a bug.

Rooms are imported inside the commands: `validate` must not wait for numpy, nor `--help` for anything.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from gateway.settings import SettingsError, flow_environment, flows_folder

OK, FAULTS, USAGE, INTERRUPTED, BUG = 0, 1, 2, 130, 3


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    _speak_any_language()
    arguments = _parser().parse_args(argv)
    command: Callable[[argparse.Namespace], int] = arguments.command
    try:
        return command(arguments)
    except SettingsError as wrong:
        return _say(f"gateway: {wrong}", USAGE)
    except KeyboardInterrupt:
        return _say("gateway: interrupted", INTERRUPTED)
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except Exception:  # noqa: BLE001  the outermost shell: a bug becomes a report, not a wall of text
        return _report()


def validate(arguments: argparse.Namespace) -> int:
    from gateway.catalog import load
    from gateway.flow.load import FlowError
    from gateway.problem import Form, render

    form: Form = "json" if arguments.json else arguments.format
    try:
        flows = load(arguments.path or flows_folder(), flow_environment())
    except FlowError as faults:
        print(render(faults.problems, form))
        return FAULTS
    problems = list(flows.warnings)
    if problems or form != "text":
        print(render(problems, form))
    if form == "text":
        print(f"{len(flows.flows)} {'flow' if len(flows.flows) == 1 else 'flows'}, no faults")
    return OK


def serve(arguments: argparse.Namespace) -> int:
    from gateway.flow.load import FlowError
    from gateway.rehearsal.process import StandinError
    from gateway.run import run_server

    try:
        return run_server({"HOST": arguments.host, "PORT": arguments.port, "FLOWS_DIR": arguments.flows})
    except FlowError as faults:
        return _say("\n".join(problem.with_caret() for problem in faults.problems), FAULTS)
    except StandinError as failed:
        return _say(f"gateway: {failed}", FAULTS)


def demo(arguments: argparse.Namespace) -> int:
    from gateway.rehearsal.demo import DemoOptions, run_demo

    return run_demo(DemoOptions(arguments.flow, tuple(arguments.say), arguments.json, arguments.out, arguments.to))


def _parser() -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("gateway", description="Phone agents described in YAML.", formatter_class=form)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(run: Callable[[argparse.Namespace], int], text: str, example: str) -> argparse.ArgumentParser:
        command = commands.add_parser(
            run.__name__, help=text, description=text, epilog=f"example:\n  {example}", formatter_class=form
        )
        command.set_defaults(command=run)
        return command

    one = add(demo, "place a rehearsed call and hear it", "gateway demo --flow flows/restaurant.yaml --say hello.wav")
    one.add_argument("--flow", type=Path, help="the flow file that answers (default: the sample dental clinic)")
    one.add_argument(
        "--say",
        type=Path,
        action="append",
        default=[],
        metavar="WAV",
        help="what the caller says (may repeat; one.txt beside one.wav gives its words)",
    )
    one.add_argument("--to", metavar="LINE", help="the label or number to dial (default: the flow's first)")
    one.add_argument("--out", type=Path, metavar="DIR", help="where recording, transcript and summary go")
    one.add_argument("--json", action="store_true", help="print one JSON object and nothing else")

    two = add(validate, "check flow files", "gateway validate flows --format github")
    two.add_argument("path", type=Path, nargs="?", help="a folder or one file (default: FLOWS_DIR, or flows)")
    two.add_argument("--format", choices=("text", "json", "sarif", "github"), default="text")
    two.add_argument("--json", action="store_true", help="the same as --format json")

    three = add(serve, "answer calls (settings come from the environment)", "PORT=8080 FLOWS_DIR=flows gateway serve")
    three.add_argument("--host", help="where to listen (HOST)")
    three.add_argument("--port", help="0 takes a free one and prints it (PORT)")
    three.add_argument("--flows", help="the folder of flow files (FLOWS_DIR)")
    return parser


def _speak_any_language() -> None:
    """A terminal that can't show a character shows its code. Streams that somebody put in their place stay."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _say(text: str, code: int) -> int:
    print(text, file=sys.stderr)
    return code


def _report() -> int:
    words = f"{traceback.format_exc()}\npython {sys.version}\ncommand {sys.argv[1:2]}\n"
    with tempfile.NamedTemporaryFile(prefix="gateway-bug-", suffix=".txt", delete=False) as report:
        report.write(words.encode("utf-8", "backslashreplace"))
    last = traceback.format_exception_only(sys.exc_info()[1])[-1].strip()
    return _say(f"gateway: a bug of ours: {last[:200]}\nthe report is in {report.name}", BUG)
