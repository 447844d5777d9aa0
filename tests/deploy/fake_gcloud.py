"""gcloud, played: keeps what was made in a file, writes down each call, and refuses what Google would.

GCLOUD_STATE names the file. Knows the commands of deploy/setup.sh and no other: a word that it doesn't know is exit
code 2, as gcloud's own parser has it. A thing is not found until it was made, can't be made twice, and needs its API.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

FILE = Path(os.environ.get("GCLOUD_STATE", ""))
APIS = {
    "artifacts repositories": "artifactregistry",
    "storage buckets": "storage",
    "iam service-accounts": "iam",
    "secrets": "secretmanager",
    "secrets versions": "secretmanager",
    "compute networks": "compute",
    "compute networks subnets": "compute",
    "network-connectivity service-connection-policies": "networkconnectivity",
    "memorystore instances": "memorystore",
    "run services": "run",
    "projects": "",
    "services": "",
}
VERBS = ("describe", "create", "list", "enable", "add", "get-iam-policy", "add-iam-policy-binding")


def fail(words: str, code: int = 1) -> NoReturn:
    sys.stderr.write(f"ERROR: (gcloud) {words}\n")
    sys.exit(code)


def main() -> None:
    state = json.loads(FILE.read_text())
    words = [word for word in sys.argv[1:] if not word.startswith("--")]
    flags = dict(word[2:].partition("=")[::2] for word in sys.argv[1:] if word.startswith("--"))
    verb = next((word for word in words if word in VERBS), None)
    if verb is None:
        fail(f"Invalid choice: {words}", 2)
    group, names = " ".join(words[: words.index(verb)]), words[words.index(verb) + 1 :]
    if group not in APIS:
        fail(f"Invalid choice: {group}", 2)
    if group != "projects" and flags.get("project") != "harbour-dental":
        fail("The required property [project] is not currently set", 1)
    changes = verb in ("create", "enable", "add", "add-iam-policy-binding")
    state["calls"].append([*sys.argv[1:]])
    state["changes"] += changes
    try:
        answer(state, group, verb, names, flags)
    finally:
        FILE.write_text(json.dumps(state))


def answer(state: dict[str, Any], group: str, verb: str, names: list[str], flags: dict[str, str]) -> None:
    api = APIS[group]
    if api and f"{api}.googleapis.com" not in state["enabled"]:
        fail(f"{api} API has not been used in project before or it is disabled. SERVICE_DISABLED")
    if group == "services":
        services(state, verb, names)
        return
    (name,) = names
    if group == "secrets versions":
        versions(state, verb, name, flags)
        return
    if group == "iam service-accounts" and "@" not in name:
        name += "@harbour-dental.iam.gserviceaccount.com"
    things(state, verb, f"{group} {name}", flags)


def services(state: dict[str, Any], verb: str, names: list[str]) -> None:
    if verb == "enable":
        state["enabled"] += names
    else:
        say("\n".join(state["enabled"]))


def versions(state: dict[str, Any], verb: str, name: str, flags: dict[str, str]) -> None:
    if f"secrets {name}" not in state["things"]:
        fail(f"NOT_FOUND: Secret [{name}] not found.")
    if verb == "add":
        state["values"][name] = sys.stdin.read()
    elif name in state["values"] and flags["format"] != "none":
        say("1")


def things(state: dict[str, Any], verb: str, key: str, flags: dict[str, str]) -> None:
    if verb == "create":
        if key in state["things"]:
            fail(f"ALREADY_EXISTS: {key}")
        state["things"].append(key)
    elif key not in state["things"]:
        fail(f"NOT_FOUND: {key} was not found")
    elif verb == "add-iam-policy-binding":
        state["bound"].append([flags["member"], flags["role"], key])
    elif verb == "get-iam-policy" and flags["format"] != "none":
        role, _, member = flags["filter"].removeprefix("bindings.role=").partition(" AND bindings.members=")
        if [member.strip('"'), role, key] in state["bound"]:
            say(role)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    main()
