"""Browser fixtures, servers that a test may stop, what makes tests quick, and no skipped tests in CI."""

import gc
import os
import shutil
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test import TransactionTestCase, override_settings
from hypothesis import HealthCheck, settings
from playwright.sync_api import expect

from storefront.embedded.place import ServerPlace, temporary_place
from storefront.embedded.postgres import OWNER_ROLE, SHOP_ROLE
from tests.empty_tables import delete_rows, remember_settings
from tests.roles import log_in_as, unguarded
from tools.messages import compile_all

#: The longest tests start first, or one process is still busy with them when the others are done.
LONGEST = (
    "test_wire_faults.py",
    "test_machine.py",
    "test_bracket_machine.py",
    "test_faults_in_turn.py",
    "test_demo.py",
    "test_looks.py",
    "test_chain.py",
    "test_lost_answers.py",
)

# What a page does takes a moment; on a busy machine several seconds.
expect.set_options(timeout=20_000)
# Nor does slowness say anything about a property. All else stays as Hypothesis chose it for this machine or for CI.
settings.register_profile("busy", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def pytest_configure(config: pytest.Config) -> None:
    """Compile the translations where they changed, also for a test that was not started by make."""
    if not hasattr(config, "workerinput"):
        compile_all()


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
def admin_client(admin_user: Any, client: Any) -> Any:
    """pytest-django's, signed in with a second factor."""
    from tests.sign_in import sign_in_staff  # models can be imported only now

    return sign_in_staff(admin_user, client)


@pytest.fixture
def as_in_a_new_database(db: None) -> None:
    """Forget, until the test is over, what Postgres knows of rows that other tests left to be counted."""
    tables = "SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname ~ '^(orders|billing)_'"
    with unguarded(), connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM pg_statistic WHERE starelid IN ({tables})")
        cursor.execute(f"UPDATE pg_class SET reltuples = -1, relpages = 0 WHERE oid IN ({tables})")


@pytest.fixture
def own_place() -> Iterator[ServerPlace]:
    """A place for servers of one test, which can stop and start them: `own_place.redis(durable=False)`."""
    place, lock = temporary_place()
    yield place
    place.redis(durable=False).end_left_over()  # in case the test left it running
    place.delete()
    lock.close()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """The owner makes and migrates the test's database; `django_db_setup` goes on as the shop's own role."""
    log_in_as(OWNER_ROLE)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """A shop that is open to customers, as most tests expect it, and logged in as it is in production."""
    log_in_as(SHOP_ROLE)
    with django_db_blocker.unblock():
        from core.models import ShopSettings  # models can be imported only now

        ShopSettings.objects.filter(pk=1).update(opened_at=Now())
        remember_settings()
    yield
    log_in_as(OWNER_ROLE)  # who alone can drop the database


@pytest.fixture(autouse=True, scope="session")
def quick_passwords() -> Iterator[None]:
    """Hash passwords with MD5: Argon2 is slow on purpose, a tenth of a second for each customer of each test."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture(autouse=True, scope="session")
def quick_emptying() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda case: delete_rows())
        yield


@pytest.fixture(autouse=True)
def no_lane_is_kept() -> Iterator[None]:
    """Close the session that a process keeps for its next lane: it would keep the test's database in use."""
    yield
    if (lanes := sys.modules.get("orders.forwarding.lanes")) is not None:
        lanes.end_kept()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Move the longest tests to the front, after the shuffle."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Exclude what was imported and collected from garbage collection, which otherwise takes a tenth of a run."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """With REQUIRE_ALL=1 (CI), a skipped test fails the run."""
    reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("REQUIRE_ALL") == "1" and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter.write_line("")
        for report in reporter.stats["skipped"]:
            reporter.write_line(f"REQUIRE_ALL: {report.nodeid} was skipped: {report.longrepr[-1]}")
