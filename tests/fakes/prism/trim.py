"""Twilio's OpenAPI description, cut down to the paths that we call: `python -m tests.fakes.prism.trim SPEC > api.json`.

SPEC is spec/yaml/twilio_api_v2010.yaml of github.com/twilio/twilio-oai. Descriptions and examples are
left out, for a validator doesn't read them. Of a form Prism validates only the fields that the description names, and
of a query too: `judge.js` itself looks for names that it doesn't have.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml

ACCOUNT = "/2010-04-01/Accounts/{AccountSid}"
PATHS = (
    f"{ACCOUNT}/AvailablePhoneNumbers/{{CountryCode}}/Local.json",
    f"{ACCOUNT}/AvailablePhoneNumbers/{{CountryCode}}/Mobile.json",
    f"{ACCOUNT}/AvailablePhoneNumbers/{{CountryCode}}/TollFree.json",
    f"{ACCOUNT}/IncomingPhoneNumbers.json",
    f"{ACCOUNT}/IncomingPhoneNumbers/{{Sid}}.json",
)
METHODS = ("get", "post")  # we delete nothing


def trim(spec: dict[str, Any]) -> dict[str, Any]:
    """The same document with these paths alone, and the schemas that they need."""
    known = spec["paths"]
    bare = _bare({path: {method: known[path][method] for method in METHODS if method in known[path]} for path in PATHS})
    schemas: dict[str, Any] = {}
    _collect(bare, spec["components"]["schemas"], schemas)
    info = {key: spec["info"][key] for key in ("title", "version", "license")}
    components = {"schemas": dict(sorted(schemas.items())), "securitySchemes": spec["components"]["securitySchemes"]}
    return {"openapi": spec["openapi"], "info": info, "paths": bare, "components": components}


def _bare(node: Any, *, names: bool = False) -> Any:
    """Without what only people read. `names`: the keys are names of properties, and all stay."""
    if isinstance(node, list):
        return [_bare(one) for one in node]
    if not isinstance(node, dict):
        return node
    kept = {key: one for key, one in node.items() if names or not _is_prose(key)}
    if "content" in kept and "headers" in kept:
        del kept["headers"]
    return {key: _bare(one, names=key == "properties") for key, one in kept.items()}


def _is_prose(key: str) -> bool:
    return key in ("description", "summary", "examples", "example", "tags") or key.startswith("x-")


def _collect(node: Any, known: dict[str, Any], into: dict[str, Any]) -> None:
    """Puts every schema that `node` refers to into `into`, and those that they refer to."""
    for one in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _collect(one, known, into)
    name = str(node.get("$ref", "")).rpartition("/")[2] if isinstance(node, dict) else ""
    if name and name not in into:
        into[name] = _bare(known[name])
        _collect(into[name], known, into)


if __name__ == "__main__":
    with Path(sys.argv[1]).open(encoding="utf-8") as file:
        sys.stdout.write(json.dumps(trim(yaml.safe_load(file)), indent=1) + "\n")
