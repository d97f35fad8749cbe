"""Pytest plugin: puts one bug into the process of a test, and writes down what became of the test.

`CANARY` is the number of the bug, empty for none; `CANARY_UNGUARDED` says whether the database's guard is taken away;
`CANARY_REPORT` is the file to write. The database named by DATABASE_URL is used as it is: the runner has made it from a
migrated template, for this process alone.
"""

import json
import os
from pathlib import Path
from typing import Any

import django.test.utils
import pytest
from django.db import connection

from storefront.embedded.postgres import SHOP_ROLE, SUPERUSER
from tests.battery.canaries.canary import Canary
from tests.battery.canaries.registry import CANARIES
from tests.roles import as_role, log_in_as

_reports: list[dict[str, str]] = []


def chosen() -> Canary | None:
    number = os.environ.get("CANARY", "")
    return next(canary for canary in CANARIES if canary.number == int(number)) if number else None


def pytest_configure(config: pytest.Config) -> None:
    django.test.utils.setup_databases = _take_the_database_as_it_is
    django.test.utils.teardown_databases = _leave_it


def _take_the_database_as_it_is(*_args: Any, **_options: Any) -> list[Any]:
    canary = chosen()
    if canary and canary.unguarded and os.environ.get("CANARY_UNGUARDED"):
        log_in_as(SHOP_ROLE)
        with as_role(SUPERUSER), connection.cursor() as cursor:
            cursor.execute(canary.unguarded)
    return []


def _leave_it(*_args: Any, **_options: Any) -> None:
    connection.close()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Only now: every module that could hold a name of the product has been imported."""
    canary = chosen()
    if canary and canary.seed:
        canary.seed()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    said = "\n".join(text for _title, text in report.sections)
    _reports.append(
        {
            "test": report.nodeid,
            "when": report.when or "",
            "outcome": report.outcome,
            "failure": report.longreprtext,
            "said": said,
        }
    )


def pytest_unconfigure(config: pytest.Config) -> None:
    Path(os.environ["CANARY_REPORT"]).write_text(json.dumps(_reports))
