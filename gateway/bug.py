"""The report of a bug of ours: a file to send, and none of the gateway's own secrets in it."""

from __future__ import annotations

import json
import sys
import tempfile
import traceback
from urllib.parse import quote

from gateway.flow.environment import SECRETS
from gateway.settings import flow_environment


def report() -> str:
    """Write down the exception that is being handled. What to tell the user: its last line, and where the report is."""
    words = discreet(f"{traceback.format_exc()}\npython {sys.version}\ncommand {sys.argv[1:2]}\n")
    with tempfile.NamedTemporaryFile(prefix="gateway-bug-", suffix=".txt", delete=False) as file:
        file.write(words.encode("utf-8", "backslashreplace"))
    last = discreet(traceback.format_exception_only(sys.exc_info()[1])[-1].strip())
    return f"gateway: a bug of ours: {last[:200]}\nthe report is in {file.name}"


def discreet(words: str) -> str:
    """The words without the gateway's own secrets, plain, as Python or JSON quotes them, or as in a URL."""
    env = flow_environment()
    found = {name: env[name].strip() for name in sorted(SECRETS) if env.get(name, "").strip()}
    for name, secret in sorted(found.items(), key=lambda one: -len(one[1])):
        for form in (secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], quote(secret, safe="")):
            words = words.replace(form, f"<{name}>")
    return words
