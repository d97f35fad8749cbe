"""The locks are complete, name no host, agree with each other, and have not slid back years in silence."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.ops.tools import ROOT

LOCKS = ("requirements.lock", "requirements-demo.lock", "requirements-dev.lock")
# A cap somewhere upstream makes a resolver choose an old release rather than complain.
OLDEST_AGREED = {
    "django": "6.1.3",
    "celery": "5.7.0",
    "kombu": "5.7.0",
    "redis": "8.1.0",
    "psycopg": "3.3.0",
    "requests": "2.34.0",
    "urllib3": "2.6.0",
    "msgspec": "0.22.0",
    "django-allauth": "65.21.0",
    "django-htmx": "1.29.0",
    "cryptography": "45.0.0",
    "gunicorn": "27.0.0",
    "whitenoise": "6.12.0",
    "argon2-cffi": "25.1.0",
    "nh3": "0.3.8",
}


def versions(lock: str) -> dict[str, str]:
    pins = re.findall(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==(\S+)", (ROOT / lock).read_text(), re.MULTILINE)
    return dict(pins)


@pytest.mark.parametrize("lock", [*LOCKS, "requirements-build.lock"])
def test_lock_names_no_host_and_hashes_every_package(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    blocks = re.split(r"^(?=\S)", text, flags=re.MULTILINE)
    assert all("--hash=sha256:" in block for block in blocks if block.strip())


def test_smaller_locks_are_parts_of_the_larger_ones() -> None:
    production, demo, development = map(versions, LOCKS)
    assert production.items() <= demo.items() <= development.items()
    assert versions("requirements-build.lock").items() <= demo.items()


def test_lock_satisfies_every_dependency_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = versions("requirements.lock")
    for line in project["dependencies"]:
        wanted = Requirement(line)
        assert locked[wanted.name.lower()] in wanted.specifier, line


def test_no_locked_package_is_older_than_required() -> None:
    locked = versions("requirements.lock")
    assert {
        name: locked[name] for name, oldest in OLDEST_AGREED.items() if Version(locked[name]) < Version(oldest)
    } == {}
