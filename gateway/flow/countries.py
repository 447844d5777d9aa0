"""Which country a phone number belongs to, by its first digits: ITU-T E.164's country codes, and the numbering plans of
those that several countries share (`countries.json`, beside this file).

Where a plan doesn't part countries, the number belongs to the one that runs the plan: North America's toll-free,
premium and personal numbers (+1800, +1900, +1500 …) to the US, what islands share of +590 to GP, +500 to FK. What
belongs to no country (+800, +808, +870, +878, +881, +882, +883, +888, +979) has none. Besides ISO 3166's assigned
codes stand those that it keeps free for them: AC, TA, XK.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

# Twilio's stand-ins for a caller who shows no number: ANONYMOUS, RESTRICTED, BLOCKED, UNKNOWN and UNAVAILABLE, dialled.
STAND_INS = frozenset({"+266696687", "+7378742833", "+2562533", "+8566696", "+86282452253"})
_NUMBER = re.compile(r"\+[0-9]+")


@cache
def calling_codes() -> Mapping[str, str]:
    """Digits after the '+' -> ISO 3166 alpha-2. Of several that a number begins with the longest counts."""
    plan = json.loads(files("gateway.flow").joinpath("countries.json").read_text(encoding="utf-8"))
    return MappingProxyType({digits: country for country, prefixes in plan.items() for digits in prefixes})


def withheld(number: str) -> bool:
    """Whether a caller shows no number: anything but '+' and digits, and Twilio's stand-ins for one."""
    return number in STAND_INS or not _NUMBER.fullmatch(number)


def country(number: str) -> str:
    """ISO 3166 alpha-2 of an E.164 number's country; empty for a withheld number and for one of no country."""
    if withheld(number):
        return ""
    codes = calling_codes()
    digits = number[1 : 1 + _longest()]
    prefixes = (digits[:length] for length in range(len(digits), 0, -1))
    return next((codes[prefix] for prefix in prefixes if prefix in codes), "")


@cache
def _longest() -> int:
    return max(map(len, calling_codes()))
