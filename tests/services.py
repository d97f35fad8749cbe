"""Pytest plugin: a Postgres and a Redis for this run, and settings that do not depend on the developer's shell.

Not a conftest, because pytest-django reads the settings before the first conftest. The Postgres is always one of our
own: tests need its superuser, and roles with rights that no other cluster should have (`tests.roles`).
"""

import os

import pytest

from storefront.embedded.errors import EmbeddedError
from storefront.embedded.folders import FolderLock
from storefront.embedded.place import ServerPlace, temporary_place
from storefront.embedded.services import Services, start_missing
from tests.roles import prepare_cluster

SETTINGS = {
    "SECRET_KEY": "only-for-tests-and-long-enough-to-satisfy-the-deployment-check-0123456789",
    "SEALING_KEY": "another-for-tests-and-long-enough-to-satisfy-the-settings-9876543210-zyxw",
    "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
    "HTTPS": "false",
    "EMAIL_URL": "smtp://127.0.0.1:9",  # Django's test runner keeps mails in memory instead.
    "ALLOW_PRIVATE_PROVIDER_HOSTS": "true",
    "DJANGO_ALLOW_ASYNC_UNSAFE": "1",  # Playwright runs its event loop in the thread that also uses the database.
}

_run: tuple[ServerPlace, FolderLock, Services] | None = None


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker:
        os.environ["REDIS_URL"] = _own_database(os.environ["REDIS_URL"], int(worker.removeprefix("gw")))
        return
    os.environ.update(SETTINGS)
    _start()


def _start() -> None:
    global _run
    place, lock = temporary_place()
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL"):
        os.environ.pop(name, None)
    try:
        services = start_missing(place, durable=False)
    except EmbeddedError as problem:
        place.delete()
        pytest.exit(str(problem), returncode=3)
    _run = place, lock, services
    prepare_cluster(services)
    # Empty, so that the tests do not use files that were collected earlier in this clone.
    (place.home / "static").mkdir()
    os.environ["STATIC_ROOT"] = str(place.home / "static")
    os.environ["DATABASE_URL"] = services.database_url
    os.environ["DATABASE_OWNER_URL"] = services.database_owner_url
    os.environ["REDIS_URL"] = services.redis_url


def _own_database(redis_url: str, number: int) -> str:
    """The same Redis with another database number, so that workers do not share doorbells and limits."""
    return redis_url.replace("?db=0", f"?db={number + 1}")


def pytest_unconfigure(config: pytest.Config) -> None:
    global _run
    if _run:
        place, lock, services = _run
        _run = None
        services.stop()
        place.delete()
        lock.close()
