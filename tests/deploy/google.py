"""Google's own descriptions of its APIs, as google-api-python-client brings them, as judges of what we deploy.

A discovery document is nearly JSON Schema. What differs is turned here: names of types, no key but those described, and
numbers of 64 bits, which JSON carries as text and YAML as numbers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

import yaml
from jsonschema import Draft202012Validator

OF_TRIGGERS = frozenset(  # empty where `gcloud builds submit` starts a build
    ("TRIGGER_NAME", "COMMIT_SHA", "REVISION_ID", "SHORT_SHA", "REPO_NAME", "BRANCH_NAME", "TAG_NAME", "REF_NAME")
)
BUILT_IN = OF_TRIGGERS | {
    "PROJECT_ID",
    "PROJECT_NUMBER",
    "BUILD_ID",
    "LOCATION",
    "SERVICE_ACCOUNT",
    "SERVICE_ACCOUNT_EMAIL",
}
DURATION = r"^[0-9]+(\.[0-9]{1,9})?s$"

_KEY = re.compile(r"\* `([^`]+)`: ([A-Za-z, ]+)")
_USED = re.compile(r"\$(?:(\$)|\{([A-Za-z0-9_]+)\}|([A-Z_][A-Z0-9_]*))")
_OURS = re.compile(r"(run\.googleapis\.com|autoscaling\.knative\.dev)/")


def faults_of(document: Any) -> list[str]:
    """What Google would refuse of a Cloud Run service (it has `kind`) or of a Cloud Build file."""
    if isinstance(document, dict) and "kind" in document:
        return [*_judged(document, "run.v1", "Service"), *_annotations(document)]
    return [*_judged(document, "cloudbuild.v1", "Build"), *_substitutions(document)]


def _judged(document: Any, api: str, kind: str) -> Iterator[str]:
    for error in _validator(api, kind).iter_errors(document):
        yield f"{'.'.join(map(str, error.absolute_path))}: {error.message}"


@cache
def _discovery(api: str) -> Mapping[str, Any]:
    folder = resources.files("googleapiclient.discovery_cache.documents")
    found: Mapping[str, Any] = json.loads((folder / f"{api}.json").read_text(encoding="utf-8"))["schemas"]
    return found


@cache
def _validator(api: str, kind: str) -> Draft202012Validator:
    kinds = {name: _schema(told) for name, told in _discovery(api).items()}
    return Draft202012Validator({"$ref": f"#/$defs/{kind}", "$defs": kinds})


def _schema(told: Mapping[str, Any]) -> dict[str, Any]:
    if "$ref" in told:
        return {"$ref": f"#/$defs/{told['$ref']}"}
    match told.get("type"):
        case "object":
            rest = _schema(told["additionalProperties"]) if "additionalProperties" in told else False
            properties = {name: _schema(inner) for name, inner in told.get("properties", {}).items()}
            return {"type": "object", "properties": properties, "additionalProperties": rest}
        case "array":
            return {"type": "array", "items": _schema(told["items"])}
        case "string" if told.get("format") == "int64":
            return {"type": ["string", "integer"]}
        case "string" if told.get("format") == "google-duration":
            return {"type": "string", "pattern": DURATION}
        case "any":
            return {}
        case kind:
            return {"type": kind, **({"enum": told["enum"]} if "enum" in told else {})}


@cache
def _keys() -> Mapping[str, frozenset[str]]:
    """Cloud Run's annotations, and what may bear each."""
    text = _discovery("run.v1")["ObjectMeta"]["properties"]["annotations"]["description"]
    return {key: frozenset(re.split(r", ?", kinds.strip(" ,"))) for key, kinds in _KEY.findall(text)}


def _annotations(service: Mapping[str, Any]) -> Iterator[str]:
    template = service.get("spec", {}).get("template", {})
    for bearer, metadata in (("Service", service.get("metadata", {})), ("Revision", template.get("metadata", {}))):
        for key in metadata.get("annotations", {}):
            if _OURS.match(key) and bearer not in (borne := _keys().get(key, frozenset())):
                where = f"it goes to {', '.join(sorted(borne))}" if borne else "unknown annotation"
                yield f"annotation {key} of the {bearer}: {where}"


def _substitutions(build: Mapping[str, Any]) -> Iterator[str]:
    """Names that nobody defines, that nobody uses, or that stay empty where no trigger starts the build."""
    defined = dict(build.get("substitutions", {}))
    used = _named({key: value for key, value in build.items() if key != "substitutions"}) | _named(defined)
    for name in sorted(used - set(defined) - BUILT_IN):
        yield f"${name} is not defined"
    for name in sorted(set(defined) - used):
        yield f"{name} is defined and not used"
    for name in sorted(used & OF_TRIGGERS):
        yield f"${name} is empty where no trigger starts the build"
    for name in sorted(name for name in defined if not re.fullmatch(r"_[A-Z0-9_]+", name)):
        yield f"{name}: a substitution's name begins with _"
    if _named(defined) and not build.get("options", {}).get("dynamicSubstitutions"):
        yield "substitutions name others, and options.dynamicSubstitutions is not true"


def _named(value: Any) -> set[str]:
    text = value if isinstance(value, str) else yaml.safe_dump(value, width=10**6)
    return {braced or bare for escaped, braced, bare in _USED.findall(text) if not escaped}


def substituted(text: str, values: Mapping[str, str]) -> str:
    """A text as Cloud Build hands it to a step. Raises KeyError of a name without a value."""
    return _USED.sub(lambda found: "$" if found[1] else values[found[2] or found[3]], text)


def defaults(build: Mapping[str, Any], built_in: Mapping[str, str]) -> dict[str, str]:
    """The values of a build's substitutions, those that name others resolved."""
    values = {**built_in, **build["substitutions"]}
    while any("$" in value for value in values.values()):
        values = {name: substituted(value, values) for name, value in values.items()}
    return values
