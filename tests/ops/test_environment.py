"""Settings come from the environment: all are documented, and invalid ones stop the start with one clear line."""

import os
import re
import runpy
import subprocess
import sys
from collections.abc import Mapping
from unittest import mock

import pytest

from storefront.settings import env as read
from tests.ops.tools import ROOT

EXAMPLE = (ROOT / ".env.example").read_text()
REQUIRED = ("SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL", "REDIS_URL")
# Read by gunicorn.conf.py and docker-compose.yml instead of the settings.
#: Settings only so that the battery can scale them.
NOT_FOR_OPERATORS = {"PROBE_INTERVAL_SECONDS", "PROBE_PASS_GAP_SECONDS", "RECONCILE_SECONDS"}
PASSWORDS = {"POSTGRES_PASSWORD", "POSTGRES_OWNER_PASSWORD", "POSTGRES_SHOP_PASSWORD", "REDIS_PASSWORD"}
READ_ELSEWHERE = {"WEB_CONCURRENCY", *PASSWORDS, "SHOP_DOMAIN", "ACME_EMAIL"}


def read_settings(changes: Mapping[str, str | None]) -> str:
    """Read the settings anew, with these changes to the tests' own environment; return why they stop the start."""
    given = {name: os.environ[name] for name in (*REQUIRED, "PATH")} | changes
    kept = {name: value for name, value in given.items() if value is not None}
    with mock.patch.dict(os.environ, kept, clear=True), pytest.raises(SystemExit) as stopped:
        runpy.run_path(str(ROOT / "storefront/settings.py"))
    return str(stopped.value)


def start(changes: Mapping[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    """Run a module in a process whose environment is the tests' own with these changes."""
    given = {name: os.environ[name] for name in (*REQUIRED, "PATH")} | changes
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=given, capture_output=True, text=True, timeout=60
    )  # fmt: skip


def test_example_names_exactly_the_variables_that_are_read() -> None:
    documented = re.findall(r"^#?([A-Z][A-Z0-9_]+)=", EXAMPLE, re.MULTILINE)
    assert len(documented) == len(set(documented))
    assert set(documented) == (set(read.names) - NOT_FOR_OPERATORS) | READ_ELSEWHERE


def test_compose_variables_are_in_the_example() -> None:
    used = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))
    used |= set(re.findall(r"\{\$([A-Z_]+)\}", (ROOT / "deploy/Caddyfile").read_text()))
    assert used == {*PASSWORDS, "SHOP_DOMAIN", "ACME_EMAIL"}
    assert all(re.search(rf"^{name}=", EXAMPLE, re.MULTILINE) for name in used)


def test_what_must_be_set_is_not_commented_out_in_the_example() -> None:
    assert all(re.search(rf"^{name}=", EXAMPLE, re.MULTILINE) for name in REQUIRED)


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_variable_stops_the_start_with_one_line_that_names_it(name: str) -> None:
    lines = read_settings({name: None}).splitlines()
    assert [line for line in lines if name in line] == [f"permille cannot start: {name} is missing"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://shop@db/shop"),
        ("DATABASE_OWNER_URL", "postgres://permille_owner@db/another"),
        ("REDIS_URL", "ftp://cache"),
        ("ALLOWED_HOSTS", " , "),
        ("HTTPS", "maybe"),
        ("SWEEP_SECONDS", "soon"),
        ("POLL_SECONDS", "-3"),
        ("WORKER_CONCURRENCY", "0"),
        ("FORWARD_LEASE_SECONDS", "31"),
        ("EMAIL_URL", "pigeon://roof"),
        ("LOG_FORMAT", "xml"),
        ("HSTS", "yes"),
        ("ALLOWED_HOSTS", "shop.example.com,*"),
        ("DEBUG", "true"),
    ],
)
def test_an_invalid_variable_stops_the_start_with_one_line_that_names_it(name: str, value: str) -> None:
    lines = [line for line in read_settings({name: value}).splitlines() if line.startswith("permille cannot start:")]
    assert len(lines) == 1
    assert name in lines[0]


@pytest.mark.parametrize(
    ("command", "name", "value"),
    [
        ("manage.py check", "SWEEP_SECONDS", "soon"),
        ("-m gunicorn storefront.wsgi --bind 127.0.0.1:0", "FORWARD_LEASE_SECONDS", "69"),
        ("-m celery -A storefront worker", "DOUBT_SETTLE_SECONDS", "119"),
        ("-m celery -A storefront beat", "POLL_LANES", "nan"),
    ],
)
def test_an_invalid_variable_stops_every_process_with_one_line(command: str, name: str, value: str) -> None:
    stopped = start({name: value}, *command.split())
    assert stopped.returncode == 1
    lines = [line for line in stopped.stderr.splitlines() if line.startswith("permille cannot start:")]
    assert len(lines) == 1
    assert name in lines[0]
    assert "Traceback" not in stopped.stderr


def test_cookies_are_bound_to_the_host_and_subdomains_are_the_owners_decision() -> None:
    given = {name: os.environ[name] for name in (*REQUIRED, "PATH")}
    by_choice = {
        "domain": (False, False),
        "subdomains": (True, False),
        "preload": (True, True),
    }
    for choice, demanded in by_choice.items():
        with mock.patch.dict(os.environ, {**given, "HSTS": choice}, clear=True):
            read = runpy.run_path(str(ROOT / "storefront/settings.py"))
        assert (read["SECURE_HSTS_INCLUDE_SUBDOMAINS"], read["SECURE_HSTS_PRELOAD"]) == demanded
        names = [read[f"{name}_COOKIE_NAME"] for name in ("SESSION", "CSRF", "DEVICE", "LANGUAGE")]
        assert all(name.startswith("__Host-") for name in names)


def test_four_variables_are_enough() -> None:
    done = start({}, "manage.py", "check")
    assert done.returncode == 0, done.stderr


def test_production_settings_pass_the_deployment_check() -> None:
    production = {"ALLOWED_HOSTS": "shop.example.com", "EMAIL_URL": "smtp+tls://shop:password@mail.example.com"}
    done = start(production, "manage.py", "check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALLOWED_HOSTS", '"a.example.com,b.example.com"'),
        ("ALLOWED_HOSTS", '"a.example.com",b.example.com'),
        ("ALLOWED_HOSTS", "https://a.example.com"),
        ("ALLOWED_HOSTS", "a.example.com:8443"),
        ("ALLOWED_HOSTS", "a.example.com/"),
        ("ALLOWED_HOSTS", "a.example.com b.example.com"),
        ("ALLOWED_HOSTS", "a.example.com."),
        ("ALLOWED_HOSTS", "bücher.example"),
        ("CSRF_TRUSTED_ORIGINS", "a.example.com"),
        ("CSRF_TRUSTED_ORIGINS", "https://a.example.com/"),
        ("CSRF_TRUSTED_ORIGINS", "'https://a.example.com'"),
        ("CSRF_TRUSTED_ORIGINS", "https://a.example.com,https://b.example.com/shop"),
        ("SHOP_URL", '"https://a.example.com"'),
        ("SHOP_URL", "https://https://a.example.com"),
        ("SHOP_URL", "https://me:hush@a.example.com"),
        ("SHOP_NAME", '"My shop"'),
        ("HTTPS", "'true'"),
        ("WORKER_CONCURRENCY", '"4"'),
        ("OWNER_EMAILS", "'owner@example.com'"),
        ("OWNER_EMAILS", "'owner@example.com,other@example.com'"),
        ("EMAIL_URL", '"smtp://me:hush@mail.example.com"'),
    ],
)
def test_quotes_schemes_and_ports_where_none_belong_stop_the_start_with_one_line(name: str, value: str) -> None:
    lines = [line for line in read_settings({name: value}).splitlines() if line.startswith("permille cannot start:")]
    assert len(lines) == 1, lines
    assert lines[0].startswith(f"permille cannot start: {name} is invalid: ")
    assert "hush" not in lines[0]


@pytest.mark.parametrize(
    "given",
    [
        {"ALLOWED_HOSTS": "shop.example.com,.example.com, [::1] ,192.0.2.1,xn--bcher-kva.example,localhost"},
        {"CSRF_TRUSTED_ORIGINS": "https://a.example.com,https://*.example.com:8443,http://localhost:8000"},
        {"SHOP_URL": "https://shop.example.com:8443/shop/"},
        {"SECRET_KEY": "$" + os.environ["SECRET_KEY"]},
        {"EMAIL_URL": "smtp+tls://me%40example.com:hu%2Fsh@mail.example.com:2525"},
        {"SHOP_NAME": 'Joe\'s "Best" shop'},
    ],
)
def test_what_is_right_starts(given: dict[str, str]) -> None:
    whole = {name: os.environ[name] for name in (*REQUIRED, "PATH")} | given
    with mock.patch.dict(os.environ, whole, clear=True):
        found = runpy.run_path(str(ROOT / "storefront/settings.py"))
    assert found["SECRET_KEY"] == whole["SECRET_KEY"]


@pytest.mark.parametrize(
    ("name", "nonsense"),
    [
        ("TIME_ZONE", "Mars/Base"),
        ("LANGUAGE_CODE", "xx"),
        ("SHOP_CURRENCY", 'A"B'),
        ("SHOP_NAME", "two\nlines"),
        ("SHOP_URL", "javascript:1"),
        ("OWNER_EMAILS", "nobody"),
        ("REDIS_URL", "redis://localhost:abc/0"),
        ("REDIS_URL", "redis://localhost/x"),
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "postgres://localhost"),
        ("DATABASE_URL", "postgres://me:hush/hush@localhost/shop"),
        ("DATABASE_URL", "postgres://me:12/hush@localhost/shop"),
        ("DATABASE_URL", "postgres://me:hush@localhost:hush/shop"),
        ("DATABASE_URL", '"postgres://me:hush@localhost/shop"'),
        ("DATABASE_URL", "postgres://me:hush@localhost\uff1a/shop"),
        ("REDIS_URL", "redis://:hush@localhost:hush/0"),
        ("REDIS_URL", "redis://:hu/hush@localhost/0"),
        ("REDIS_URL", "redis://:hush@[localhost/0"),
        ("REDIS_URL", "http://:hush@localhost/0"),
        ("EMAIL_URL", "smtp://me:hush/hush@mail.example.com"),
        ("EMAIL_URL", "smtp://me:12#hush@mail.example.com"),
        ("EMAIL_URL", "smtp://me:hush@mail.example.com:hush"),
        ("EMAIL_URL", "mail://me:hush@mail.example.com"),
        ("SHOP_CURRENCY", "hush hush"),
        ("TIME_ZONE", "hush"),
        ("LOG_LEVEL", "hush"),
        ("HTTPS", "hush"),
        ("SWEEP_SECONDS", "hush"),
        ("WORKER_CONCURRENCY", "hush"),
        ("OWNER_EMAILS", "smtp://me:hush@mail.example.com"),
        ("ALLOWED_HOSTS", "https://me:hush@a.example.com"),
        ("CSRF_TRUSTED_ORIGINS", "https://me:hush@a.example.com"),
    ],
)
def test_an_invalid_variable_is_named_without_its_secret(name: str, nonsense: str) -> None:
    complaint = read_settings({name: nonsense})
    assert complaint.startswith(f"permille cannot start: {name} is invalid: ")
    assert "hush" not in complaint
