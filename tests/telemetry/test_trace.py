"""Which request a line belongs to: two headers, and nothing taken that is of another form."""

from __future__ import annotations

import pytest

from gateway.telemetry.trace import CLOUD, TRACEPARENT, Trace, read

ID, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def of(**headers: str) -> Trace | None:
    names = {"w3c": TRACEPARENT, "cloud": CLOUD}
    given = {names[name]: value for name, value in headers.items()}
    return read(lambda name: given.get(name, ""))


@pytest.mark.parametrize(
    ("headers", "trace"),
    [
        ({"w3c": f"00-{ID}-{SPAN}-01"}, Trace(ID, SPAN, True)),
        ({"w3c": f"00-{ID}-{SPAN}-00"}, Trace(ID, SPAN, False)),
        ({"w3c": f"cc-{ID}-{SPAN}-03-what the future brings"}, Trace(ID, SPAN, True)),
        ({"cloud": f"{ID}/1;o=1"}, Trace(ID, "0000000000000001", True)),
        ({"cloud": f"{ID.upper()}/13235353014750950193"}, Trace(ID, SPAN, False)),
        ({"cloud": ID}, Trace(ID)),
        ({"cloud": f"{ID}/0;o=0"}, Trace(ID)),
        ({"cloud": f"{ID}/99999999999999999999;o=1"}, Trace(ID, "", True)),
        ({"w3c": f"00-{ID}-{SPAN}-01", "cloud": f"{'1' * 32}/1;o=0"}, Trace(ID, SPAN, True)),
        ({"w3c": "nonsense", "cloud": f"{ID}/1;o=1"}, Trace(ID, "0000000000000001", True)),
    ],
)
def test_what_is_read(headers: dict[str, str], trace: Trace) -> None:
    assert of(**headers) == trace


@pytest.mark.parametrize(
    "headers",
    [
        {},
        *({"w3c": text} for text in (ID, f"00-{ID}-{SPAN}", f"ff-{ID}-{SPAN}-01", f"00-{ID.upper()}-{SPAN}-01")),
        *({"w3c": text} for text in (f"00-{'0' * 32}-{SPAN}-01", f"00-{ID}-{'0' * 16}-01", f"00-{ID}-{SPAN}-01\n")),
        *({"cloud": text} for text in ("0" * 32, "+14155550199", f"{ID}/x", f'{ID}"', f"{ID}/1;o=1 x", f"{ID} ")),
    ],
)
def test_what_is_not(headers: dict[str, str]) -> None:
    assert of(**headers) is None
