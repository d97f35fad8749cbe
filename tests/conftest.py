"""Browser fixtures, servers that a test may break, and the rule that CI accepts no skipped test."""

import gc
import os
import shutil
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from storefront.embedded.place import ServerPlace, temporary_place

#: What waits for a minute or takes one: begun first, or one process is left with it while the others have ended.
LONGEST = (
    "test_wire_faults.py",
    "test_machine.py",
    "test_bracket_machine.py",
    "test_faults_in_turn.py",
    "test_whole_job.py",
    "test_demo.py",
    "test_looks.py",
    "test_chain.py",
    "test_lost_answers.py",
)

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The system's Chromium: nothing is downloaded, and without one the test is skipped."""
    chromium = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if chromium is None:
        pytest.skip("no Chromium on this machine")
    quiet = ["--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    # Chromium's sandbox refuses to start as root.
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    return {**browser_type_launch_args, "executable_path": chromium, "args": [*quiet, *sandbox]}


@pytest.fixture
def own_place() -> Iterator[ServerPlace]:
    """A place for servers of this test alone: `own_place.redis(durable=False)` may be stopped and started at will."""
    place, lock = temporary_place()
    yield place
    place.redis(durable=False).end_left_over()  # a test that left it running would leave it to the machine
    place.delete()
    lock.close()


@pytest.fixture(autouse=True)
def no_lane_is_kept() -> Iterator[None]:
    """The session that a process keeps for its next lane would keep the test's database in use."""
    yield
    if (lanes := sys.modules.get("orders.forwarding.lanes")) is not None:
        lanes.end_kept()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """After the shuffle, which holds within the longest and within the others."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


def pytest_collection_finish(session: pytest.Session) -> None:
    """What was imported and collected stays to the end: looking through it again and again is a tenth of a run."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """REQUIRE_ALL=1 (CI): a skipped test is a test that nobody ran, and fails the run."""
    reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("REQUIRE_ALL") == "1" and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter.write_line("")
        for report in reporter.stats["skipped"]:
            reporter.write_line(f"REQUIRE_ALL: {report.nodeid} was skipped: {report.longrepr[-1]}")
