"""The shop against a model of it: real database, real sends, every fault and crash, judged after every step.

`BATTERY=gate` runs six times 4 examples of 50 steps, always the same; `BATTERY=long` six times 16 of 100, new ones each
time, keeping what failed. Without either a few suffice to notice a broken rule. `BATTERY_COUNTS=path` writes, for each
part, how often each rule and fault fired; `BATTERY_SHRINK=1` looks for a shorter story of a failure.
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from pytest_django import DjangoDbBlocker

from tests.battery.machine import ShopMachine
from tests.battery.stage import Stage, the_stage

pytestmark = pytest.mark.django_db(transaction=True)

#: A shorter story of the same failure takes minutes to find; the one that failed is printed whole anyway.
_PHASES = tuple(Phase) if os.environ.get("BATTERY_SHRINK") else (Phase.explicit, Phase.reuse, Phase.generate)
_COMMON: dict[str, Any] = {
    "deadline": None,
    "phases": _PHASES,
    "suppress_health_check": list(HealthCheck),
    "print_blob": True,
}
PROFILES = {
    "": settings(max_examples=1, stateful_step_count=25, database=None, **_COMMON),
    "gate": settings(max_examples=4, stateful_step_count=50, database=None, **_COMMON),
    "long": settings(max_examples=16, stateful_step_count=100, **_COMMON),
}


@pytest.fixture
def stage(db: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Stage]:
    with the_stage() as stage:
        yield stage


MODE = os.environ.get("BATTERY", "")
#: Parts of equal size with seeds of their own, for as many processes.
PARTS = 6 if MODE else 1


@pytest.mark.parametrize("part", range(PARTS))
def test_the_shop_is_what_the_model_says(part: int, stage: Stage) -> None:
    steps = PROFILES[MODE].stateful_step_count
    machine = type("ShopMachine", (ShopMachine,), {"stage": stage, "length": steps})
    if MODE != "long":
        machine = seed(part)(machine)
    run_state_machine_as_test(machine, settings=PROFILES[MODE])
