from __future__ import annotations

import random
import re
from collections.abc import Iterator
from itertools import product

import pytest

from gateway.flow.countries import STAND_INS, calling_codes, country, withheld

phonenumbers = pytest.importorskip("phonenumbers")

# Where libphonenumber says something else, and why that stays.
OTHERWISE = {
    "1310": "seven digits within Canada alone: nobody calls from them",
    "18001": "the Dominican Republic's share of +1800",
    "447924": "the Isle of Man's by the plan; libphonenumber meets Great Britain first",
    "44980": "a range that is not in use",
    "212528": "Western Sahara's 5288 and 5289; libphonenumber meets Morocco first",
    "590590": "blocks that Guadeloupe, Saint Martin and Saint Barthélemy share",
    "6721": "Australia's Antarctic stations; there they count as Norfolk Island",
}


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("+14155550199", "US"),
        ("+16045550199", "CA"),
        ("+12635550199", "CA"),
        ("+18765550199", "JM"),
        ("+16585550199", "JM"),
        ("+17875550199", "PR"),
        ("+13405550199", "VI"),
        ("+16715550199", "GU"),
        ("+16845550199", "AS"),
        ("+16705550199", "MP"),
        ("+74951234567", "RU"),
        ("+77271234567", "KZ"),
        ("+442079460000", "GB"),
        ("+441481960000", "GG"),
        ("+441534960000", "JE"),
        ("+441624960000", "IM"),
        ("+4779021234", "SJ"),
        ("+4721234567", "NO"),
        ("+390669812345", "VA"),
        ("+390612345678", "IT"),
        ("+61891621234", "CC"),
        ("+61891641234", "CX"),
        ("+61255501234", "AU"),
        ("+212528812345", "EH"),
        ("+212522123456", "MA"),
        ("+262269601234", "YT"),
        ("+262262161234", "RE"),
        ("+3581812345", "AX"),
        ("+358401234567", "FI"),
        ("+590590271234", "BL"),
        ("+590590871234", "MF"),
        ("+590590201234", "GP"),
        ("+59993012345", "CW"),
        ("+5997171234", "BQ"),
        ("+2908123", "TA"),
        ("+29022158", "SH"),
        ("+672106123", "AQ"),
        ("+383281234567", "XK"),
    ],
)
def test_countries_of_numbers(number: str, expected: str) -> None:
    assert country(number) == expected


@pytest.mark.parametrize("number", ["+18005550199", "+18885550199", "+19005550199", "+15005550199"])
def test_north_american_numbers_of_no_place_count_as_the_us(number: str) -> None:
    assert country(number) == "US"


@pytest.mark.parametrize("code", ["800", "808", "870", "878", "881", "882", "883", "888", "979", "999", "210"])
def test_numbers_of_the_whole_world_have_no_country(code: str) -> None:
    assert country(f"+{code}123456789") == ""


@pytest.mark.parametrize(
    "number",
    [
        "",
        "+",
        "anonymous",
        "4155550199",
        "sip:ann@example.com",
        "+1415555019x",
        "+1 415",
        "+1\n",
        "+١٤",
        *sorted(STAND_INS),
    ],
)
def test_a_withheld_number_has_no_country(number: str) -> None:
    assert withheld(number)
    assert country(number) == ""


def test_every_calling_code_is_there() -> None:
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE
    missing = [code for code, names in regions.items() if "001" not in names and not country(f"+{code}00000000")]
    assert missing == []


def alike() -> Iterator[str]:
    """Numbers that look like libphonenumber's example of each kind and region: a beginning of it, then any digits."""
    dice = random.Random(7)
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        for region, kind in product(regions, range(11)):
            if example := phonenumbers.example_number_for_type(region, kind):
                number = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
                for _ in range(20):
                    kept = dice.randrange(len(str(code)) + 1, len(number))
                    yield number[:kept] + "".join(dice.choice("0123456789") for _ in number[kept:])


def test_valid_numbers_belong_where_libphonenumber_has_them() -> None:
    judged = {number: phonenumbers.region_code_for_number(phonenumbers.parse(number)) for number in alike()}
    valid = {number: region for number, region in judged.items() if region}
    assert len(valid) > 10_000
    assert len(set(valid.values())) > 240
    plain = {number: region for number, region in valid.items() if not number[1:].startswith(tuple(OTHERWISE))}
    assert {number: (country(number), region) for number, region in plain.items() if country(number) != region} == {}


def test_every_north_american_area_code_is_where_libphonenumber_has_it() -> None:
    numbers = [f"+1{area}2345678" for area in range(200, 1000)]
    regions = {number: phonenumbers.region_code_for_number(phonenumbers.parse(number)) for number in numbers}
    assert sum(region == "CA" for region in regions.values()) > 40
    assert {number: country(number) for number, region in regions.items() if region} == {
        number: region for number, region in regions.items() if region
    }


def test_no_prefix_repeats_what_a_shorter_one_says() -> None:
    codes = calling_codes()
    for digits, name in codes.items():
        shorter = next((codes[digits[:n]] for n in range(len(digits) - 1, 0, -1) if digits[:n] in codes), "")
        assert shorter != name, digits


def test_codes_are_digits_and_countries_two_capitals() -> None:
    assert all(re.fullmatch("[1-9][0-9]*", digits) for digits in calling_codes())
    assert all(re.fullmatch("[A-Z]{2}", name) for name in calling_codes().values())
