"""The order of a whole run: first what waits, beside other stages, then what takes long, or one process ends alone."""

import os

import pytest

FIRST = ("test_wire_faults.py", "test_machine.py", "test_bracket_machine.py", "test_faults_in_turn.py")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("BATTERY"):
        items.sort(key=lambda item: FIRST.index(item.path.name) if item.path.name in FIRST else len(FIRST))
