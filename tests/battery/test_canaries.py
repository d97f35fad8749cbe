"""The list of canaries is whole: 31 of them, each with tests that exist and a reason by which it must be caught."""

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.battery.canaries import seeds_doubts, seeds_money, seeds_sending
from tests.battery.canaries.__main__ import escaped, is_refused
from tests.battery.canaries.arena import Ended
from tests.battery.canaries.canary import Trial
from tests.battery.canaries.registry import CANARIES

ROOT = Path(__file__).resolve().parents[2]
INVARIANT = re.compile(r"\b[FILNS]\d\b")


def test_there_are_31_and_each_has_its_bug_and_its_tests() -> None:
    assert [canary.number for canary in CANARIES] == list(range(1, 32))
    for canary in CANARIES:
        assert canary.seed or canary.unguarded, canary.name
        assert canary.trials, canary.name
        assert canary.name
        assert canary.seeded
        assert not canary.guard or canary.unguarded, canary.name


def test_each_is_caught_by_an_invariant_or_a_word_of_its_own() -> None:
    for canary in CANARIES:
        named = any(INVARIANT.search(trial.shows) for trial in canary.trials)
        assert named or canary.number in (22, 23), canary.name  # these two break no invariant, but a promise
        assert all(len(trial.shows) > 8 for trial in canary.trials), canary.name


def test_every_bug_is_on_the_list() -> None:
    written = {
        seed
        for module in (seeds_doubts, seeds_money, seeds_sending)
        for _name, seed in inspect.getmembers(module, inspect.isfunction)
        if seed.__module__ == module.__name__
    }
    assert written == {canary.seed for canary in CANARIES} - {None}


def test_every_named_test_exists() -> None:
    tests = {trial.test for canary in CANARIES for trial in canary.trials}
    files = sorted({test.partition("::")[0] for test in tests})
    found = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:randomly", *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert tests <= set(found.stdout.splitlines()), found.stdout[-2000:] + found.stderr[-2000:]


def ended(*outcomes: str, failure: str = "") -> Ended:
    when = ("setup", "call", "teardown")
    reports = [
        {"test": "t", "when": w, "outcome": o, "failure": failure if o == "failed" else "", "said": ""}
        for w, o in zip(when, outcomes, strict=False)
    ]
    return Ended(tuple(reports), 0, "", 0.0)


TRIAL = Trial("t", "F1 is broken")
CAUGHT = ended("passed", "failed", "passed", failure="AssertionError: F1 is broken (...)")


@pytest.mark.parametrize(
    "missed",
    [
        ended("passed", "passed", "passed"),
        ended("passed", "failed", "passed", failure="ImportError: no module of that name"),
        ended("failed", "passed", failure="F1 is broken"),
        ended("passed", "skipped", "passed"),
        ended(),
    ],
)
def test_only_red_for_the_right_reason_counts(missed: Ended) -> None:
    assert escaped(CAUGHT, TRIAL) == ""
    assert escaped(missed, TRIAL)


def test_a_guard_that_lets_the_bug_in_is_noticed() -> None:
    assert not is_refused(CAUGHT, TRIAL, "one_live")
    assert not is_refused(ended("passed", "failed", "passed", failure="one_live, but F1 is broken"), TRIAL, "one_live")
    assert is_refused(ended("passed", "failed", "passed", failure="violates one_live"), TRIAL, "one_live")
    assert is_refused(ended("passed", "passed", "passed"), TRIAL, "one_live")


def test_every_bug_still_finds_what_it_changes() -> None:
    """In a process of its own, since nothing puts the shop right again after it."""
    each = (
        "import django; django.setup()\n"
        "from tests.battery.canaries.registry import CANARIES\n"
        "for canary in CANARIES:\n"
        "    canary.seed and canary.seed()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", each],
        cwd=ROOT, env={**os.environ, "DJANGO_SETTINGS_MODULE": "storefront.settings"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
