"""The commands. Each returns an exit code: 0 well, 1 faults found, 2 used wrongly, 130 interrupted, 3 a bug.

Rooms are imported inside the commands: `validate` must not wait for numpy, nor `--help` for anything.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.addresses import SettingsError
from gateway.commands import ARTEFACT, Command, parser
from gateway.settings import flow_environment, flows_folder

if TYPE_CHECKING:
    from gateway.flow.load import FlowError, Flows
    from gateway.problem import Form
    from gateway.rehearsal.prepare import DemoOptions

OK, FAULTS, USAGE, INTERRUPTED, BUG = 0, 1, 2, 130, 3


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    _speak_any_language()
    arguments = parser(_COMMANDS).parse_args(argv)
    command: Command = arguments.command
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
        from gateway.bug import report

        return _say(report(), BUG)


def validate(arguments: argparse.Namespace) -> int:
    from gateway.flow.load import FlowError
    from gateway.problem import render

    form: Form = "json" if arguments.json else arguments.format
    try:
        flows = _flows(arguments.path)
    except FlowError as faults:
        return _faults(faults, arguments.path, form)
    if flows.warnings or form != "text":
        print(render(flows.warnings, form))
    if form == "text":
        print(f"{_count(len(flows.flows), 'flow')}, no faults")
    return OK


def compile_(arguments: argparse.Namespace) -> int:
    from gateway import files
    from gateway.flow import compile as artefact
    from gateway.flow.load import FlowError

    try:
        flows = _flows(arguments.path)
    except FlowError as faults:
        return _faults(faults, arguments.path, "json" if arguments.json else "text")
    text, out = artefact.text(flows), arguments.out
    try:
        state: str = files.compare(out, text)
        if state != "current" and not arguments.check:
            files.replace(out, text)
            state = "written"
    except OSError as error:
        return _say(f"gateway: {out} can't be {'read' if arguments.check else 'written'}: {error.strerror}", USAGE)
    return _compiled(arguments, flows, state)


def explain(arguments: argparse.Namespace) -> int:
    from gateway.flow.explain import LineError, MomentError, answer
    from gateway.flow.load import FlowError

    try:
        flows = _flows(arguments.flows)
    except FlowError as faults:
        return _faults(faults, arguments.flows, "json" if arguments.json else "text")
    try:
        explanation = answer(flows, arguments.line, arguments.at, arguments.caller, datetime.now(UTC))
    except (LineError, MomentError) as wrong:
        return _say(f"gateway explain: {wrong}", USAGE)
    print(json.dumps(explanation.plain(), indent=2) if arguments.json else explanation.words())
    return OK


def show(arguments: argparse.Namespace) -> int:
    from gateway.catalog import is_artefact
    from gateway.flow.load import FlowError
    from gateway.flow.show import NoSuchLine
    from gateway.flow.show import show as shown

    file: Path = arguments.file
    if file.is_dir() or is_artefact(file):
        return _say(f"gateway show: {file} is no flow file: name one that ends in .yaml", USAGE)
    try:
        _flows(file)
        sheet = shown(file.read_bytes(), str(file), flow_environment(), arguments.line)
    except FlowError as faults:
        return _faults(faults, file, "json" if arguments.json else "text")
    except NoSuchLine as wrong:
        return _say(f"gateway show: {wrong}", USAGE)
    print(json.dumps(sheet.plain(), indent=2) if arguments.json else sheet.words())
    return OK


def new(arguments: argparse.Namespace) -> int:
    from gateway import files
    from gateway.flow.starter import is_name, slug, starter

    name, folder = arguments.name, arguments.flows or flows_folder()
    if not is_name(name):
        better = slug(name) or "front-desk"
        words = f"a name takes lower-case letters, digits and '-' between them, such as {better}"
        return _say(f"gateway new: {words}", USAGE)
    file = folder / f"{name}.yaml"
    try:
        files.create(file, starter(name, file))
    except FileExistsError:
        return _say(f"gateway new: {file} is there already: take another name", USAGE)
    except OSError as error:
        return _say(f"gateway new: {file} can't be written: {error.strerror}", USAGE)
    print(f"{file} is written: change its words to your own, then run: gateway validate {file}")
    return OK


def schema(arguments: argparse.Namespace) -> int:
    from gateway.flow.reference import reference
    from gateway.flow.schema import document

    print(reference().rstrip("\n") if arguments.markdown else json.dumps(document(), indent=2))
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


def numbers(arguments: argparse.Namespace) -> int:
    from gateway.catalog import behind
    from gateway.numbers import NumbersError, run

    given = vars(arguments)
    if why := behind(ARTEFACT, flows_folder(), flow_environment()):
        _say(f"gateway numbers: {why}", FAULTS)
        if arguments.action == "apply":
            return FAULTS
    options = [f"--{name}" for name in ("yes", "buy", "take-over", "json") if given[name.replace("-", "_")]]
    for name in ("domain", "core"):
        options += [f"--{name}", given[name]] if given[name] else []
    try:
        return run(arguments.action, options)
    except NumbersError as failed:
        return _say(f"gateway numbers: {failed}", USAGE)


def doctor(arguments: argparse.Namespace) -> int:
    from gateway.doctor import Patient, counts, examine, summary

    flows = arguments.flows or flows_folder()
    patient = Patient(flow_environment(), flows, arguments.artefact, lambda: datetime.now(UTC).timestamp())
    checks = []
    for check in examine(patient):
        checks.append(check)
        if not arguments.json:
            print(check, flush=True)
    if arguments.json:
        print(json.dumps({"checks": [check.plain() for check in checks], **counts(checks)}, indent=2))
    else:
        print(summary(checks))
    return FAULTS if any(check.health == "wrong" for check in checks) else OK


def demo(arguments: argparse.Namespace) -> int:
    from gateway.rehearsal.demo import run_demo

    return run_demo(_asked(arguments))


def call(arguments: argparse.Namespace) -> int:
    from gateway.rehearsal.call import CallOptions, run_call

    return run_call(CallOptions(_asked(arguments), arguments.backend, arguments.mic))


def rehearse_failure(arguments: argparse.Namespace) -> int:
    from gateway.rehearsal.failure.run import FailureOptions, run_failure

    given = {name: value for name, value in vars(arguments).items() if name not in ("command", "scenario")}
    return run_failure(FailureOptions(scenarios=tuple(arguments.scenario), **given))


_COMMANDS: dict[str, Command] = {
    "demo": demo,
    "call": call,
    "new": new,
    "validate": validate,
    "show": show,
    "explain": explain,
    "compile": compile_,
    "schema": schema,
    "serve": serve,
    "numbers": numbers,
    "doctor": doctor,
    "rehearse-failure": rehearse_failure,
}


def _asked(arguments: argparse.Namespace) -> DemoOptions:
    from gateway.rehearsal.prepare import DemoOptions

    say, caller = tuple(arguments.say), arguments.caller
    return DemoOptions(arguments.flow, say, arguments.json, arguments.out, arguments.to, caller)


def _flows(path: Path | None) -> Flows:
    from gateway.catalog import load

    return load(path or flows_folder(), flow_environment())


def _faults(faults: FlowError, path: Path | None, form: Form) -> int:
    """Says what is wrong; where there is nothing at all to read, how to name the flows."""
    from gateway.problem import render

    print(render(faults.problems, form))
    folder = path or flows_folder()
    if not folder.is_file() and any(problem.place.file == str(folder) for problem in faults.problems):
        return _say("gateway: set FLOWS_DIR, or name a file or a folder of flows", FAULTS)
    return FAULTS


def _compiled(arguments: argparse.Namespace, flows: Flows, state: str) -> int:
    """Says what was written, or with --check whether it had to be."""
    from gateway.flow.compile import fingerprint
    from gateway.problem import render

    out, mark = arguments.out, fingerprint(flows)
    lines = sum(len(flow.numbers) for flow in flows.flows)
    if arguments.json:
        told = {"file": str(out), "hash": mark, "flows": len(flows.flows), "lines": lines, "state": state}
        print(json.dumps({**told, **json.loads(render(flows.warnings, "json"))}, indent=2))
    else:
        words = [render(flows.warnings, "text")] if flows.warnings else []
        found = f"{_count(len(flows.flows), 'flow')}, {_count(lines, 'line')}"
        print(*words, f"{out}: {state}, hash {mark[:12]}, {found}", sep="\n")
    if state in ("current", "written"):
        return OK
    where = "" if out == ARTEFACT else f" --out {out}"
    path = f" {arguments.path}" if arguments.path else ""
    return _say(f"gateway: {out} is {state} (run: gateway compile{path}{where})", FAULTS)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _speak_any_language() -> None:
    """A terminal that can't show a character shows its code. Streams that somebody put in their place stay."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _say(text: str, code: int) -> int:
    print(text, file=sys.stderr)
    return code
