"""SECURITY.md and docs/security.md: what they name exists, and the table leaves no requirement of ASVS out."""

import re
from functools import cache

import pytest
from django.core.management import get_commands

from tests.ops.tools import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text()
REQUIRED = (ROOT / "tests" / "ops" / "asvs-5.0.0.txt").read_text().split()
STATES = {"met", "partly", "not", "not applicable"}
IN_TICKS = re.compile(r"`([^`\n]+)`")
FILE = re.compile(
    r"[\w.-]+(/[\w.-]+)*(/|\.(py|md|yml|yaml|toml|lock|json|js|sh|txt|html))|Dockerfile|deploy/Caddyfile|\.dockerignore"
)


@cache
def rows() -> list[tuple[list[str], str, str, str]]:
    """The rows of the table: numbers of requirements, what they ask, state, evidence."""
    lines = re.findall(r"^\| (\d.*) \|$", PAGE.partition("## OWASP ASVS")[2], re.MULTILINE)
    cells = [line.split(" | ") for line in lines]
    return [(numbers.split(", "), asks, state, evidence) for numbers, asks, state, evidence in cells]


def named_files(text: str) -> list[tuple[str, str]]:
    """The files and folders that a text names in backticks, each with a test in it or an empty word."""
    parts = [word.partition("::") for word in IN_TICKS.findall(text)]
    return [(path, test) for path, _colons, test in parts if FILE.fullmatch(path) or test]


def test_every_requirement_of_levels_1_and_2_has_exactly_one_row() -> None:
    named = [number for numbers, *_rest in rows() for number in numbers]
    assert sorted(named) == sorted(REQUIRED)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0][0])
def test_a_row_has_a_known_state_and_names_its_evidence(row: tuple[list[str], str, str, str]) -> None:
    _numbers, asks, state, evidence = row
    assert state in STATES
    assert asks
    assert evidence
    if state in {"met", "partly"}:
        assert named_files(evidence) or "](#" in evidence, evidence


@pytest.mark.parametrize("text", [PAGE, (ROOT / "SECURITY.md").read_text()], ids=["docs/security.md", "SECURITY.md"])
def test_files_tests_commands_and_headings_that_are_named_exist(text: str) -> None:
    for path, test in named_files(text):
        assert (ROOT / path).exists(), path
        assert not test or f"def {test}(" in (ROOT / path).read_text(), f"{path}::{test}"
    for command in re.findall(r"manage\.py ([a-z_]+)", text):
        assert command in get_commands(), command
    for page, heading in re.findall(r"\]\((?:\.\./|docs/)?(\w+\.md)?#([^)]+)\)", text):
        assert heading in headings((ROOT / "docs" / page).read_text() if page else text), f"{page}#{heading}"


def headings(text: str) -> set[str]:
    """The headings of a page, as links to them are written."""
    lines = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", line.lower()).replace(" ", "-") for line in lines}
