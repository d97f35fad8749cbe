"""Codes that a provider's row names for fields of an order, in data or in prose."""

from typing import Any

import pytest

from core.countries import COUNTRIES
from upstream.coded_fields import codes_of

DESKTOP = {"1": "Desktop", "2": "Mobile"}


def read(description: str = "", **row: Any) -> dict[str, dict[str, str]]:
    return codes_of("web_traffic", row, description, COUNTRIES)


@pytest.mark.parametrize(
    ("text", "field", "codes"),
    [
        (
            "Source 1 is a search keyword, 2 a referring page, 3 direct.",
            "type_of_traffic",
            {"1": "search keyword", "2": "referring page", "3": "direct"},
        ),
        (
            "<p>Start in 2 hours</p><p>Device: 1 = Desktop<br>2 = Mobile (iOS, Android)<br>3 = Mixed</p>",
            "device",
            {"1": "Desktop", "2": "Mobile (iOS, Android)", "3": "Mixed"},
        ),
        (
            "Traffic sources: 0) any 1) Google 2) YouTube",
            "type_of_traffic",
            {"0": "any", "1": "Google", "2": "YouTube"},
        ),
        ("1: Google\n2: Facebook", "type_of_traffic", {"1": "Google", "2": "Facebook"}),
        ("device 1 - Desktop, 2 - Mobile", "device", DESKTOP),
        ("Device: 1. Desktop 2. Mobile Traffic type: 1. Direct 2. Social", "device", DESKTOP),
        (
            "Device: 1. Desktop 2. Mobile Traffic type: 1. Direct 2. Social",
            "type_of_traffic",
            {"1": "Direct", "2": "Social"},
        ),
        ("US = United States, DE = Germany", "country", {"US": "United States", "DE": "Germany"}),
        ("Countries: US, GB, DE. Starts at once", "country", {"US": "US", "GB": "GB", "DE": "DE"}),
    ],
)
def test_codes_are_read_from_a_description(text: str, field: str, codes: dict[str, str]) -> None:
    assert read(text)[field] == codes


@pytest.mark.parametrize(
    "text",
    [
        "", "Device: 1-5 min start", "2 devices per source, 3 days", "HQ = high quality, LQ = low quality",
        "1: send the link 2: wait", "Source: Google", "Speed 1k a day, 2 a minute", "Device: 1: " + "x" * 80,
        "1 " * 20_000, "<" * 20_000, "Source " * 3_000,
    ],
)  # fmt: skip
def test_prose_is_no_code(text: str) -> None:
    assert read(text) == {}


@pytest.mark.parametrize(
    "given",
    [
        {"Device": {"1": "Desktop", "2": "Mobile"}},
        {"devices": [{"id": 1, "name": "Desktop"}, {"id": 2, "name": "Mobile"}]},
        {"device": [{"code": "1", "label": "Desktop"}, {"code": "2", "label": "Mobile"}]},
    ],
)
def test_codes_are_read_from_the_row(given: dict[str, Any]) -> None:
    assert read("Device: 1: Other 2: Words", **given)["device"] == DESKTOP


@pytest.mark.parametrize("value", ["Worldwide", 3, None, [], ["US"], [[1], [2]], {"": "x", "a": "b"}, {"a": None}])
def test_other_values_are_no_codes(value: Any) -> None:
    assert read(country=value) == {}


def test_other_types_have_no_coded_fields() -> None:
    assert codes_of("default", {"device": DESKTOP}, "Device: 1: Desktop 2: Mobile", COUNTRIES) == {}
