"""The container files, checked without an engine: their form, and that what they name exists."""

import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from django.apps import apps
from django.core.management import get_commands
from django.urls import resolve

from storefront.celery import app as celery_app
from tests.ops.tools import ROOT, tool

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()
OURS = ("migrate", "web", "worker", "beat")


def test_compose_file_follows_the_specification() -> None:
    checker = [tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"]
    done = subprocess.run(checker, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_dockerfile_has_no_known_mistakes() -> None:
    done = subprocess.run([tool("hadolint"), "Dockerfile"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_every_part_of_the_shop_is_a_service() -> None:
    assert set(COMPOSE["services"]) == {*OURS, "postgres", "redis", "proxy"}


@pytest.mark.parametrize("name", OURS)
def test_command_of_a_service_can_be_started(name: str) -> None:
    program, *arguments = COMPOSE["services"][name]["command"]
    if program == "python":
        assert arguments[0] == "manage.py"
        assert arguments[1] in get_commands()
    elif program == "celery":
        assert arguments[:2] == ["-A", "storefront"]
        assert celery_app.main == "storefront"
        assert arguments[2] in {"worker", "beat"}
    else:
        assert (program, arguments[0]) == ("gunicorn", "storefront.wsgi")
    if program != "python":
        assert re.search(rf"^{program}(\[.*\])?==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", [name for name in OURS if name != "migrate"])
def test_health_check_of_a_service_requests_an_existing_url(name: str) -> None:
    kind, *command = COMPOSE["services"][name]["healthcheck"]["test"]
    assert (kind, command[:3]) == ("CMD", ["python", "-m", "storefront.probe"])
    address = urlsplit(command[3])
    assert address.hostname in {"127.0.0.1", "web"}
    assert address.port == 8000
    assert resolve(address.path).view_name in {"healthz", "readyz"}
    named = {"web": set(), "worker": {"redis", "sweep", "queues"}}
    assert set(command[4:]) == named.get(name, {"redis", "sweep"})


def test_nothing_serves_before_the_migrations_are_done() -> None:
    for name in ("web", "worker", "beat"):
        waits_for = COMPOSE["services"][name]["depends_on"]
        assert waits_for["migrate"] == {"condition": "service_completed_successfully"}
        assert waits_for["postgres"] == {"condition": "service_healthy"}


def test_every_lasting_service_restarts_and_has_a_health_check() -> None:
    for name, service in COMPOSE["services"].items():
        assert service["restart"] == ("on-failure" if name == "migrate" else "unless-stopped"), name
        assert "test" in service["healthcheck"] or name == "migrate", name


def test_only_the_proxy_is_reachable_from_outside() -> None:
    assert [name for name, service in COMPOSE["services"].items() if "ports" in service] == ["proxy"]


def test_redis_keeps_doorbells_and_never_evicts() -> None:
    command = " ".join(COMPOSE["services"]["redis"]["command"])
    for demanded in ("--requirepass", "--maxmemory-policy noeviction", "--appendonly yes"):
        assert demanded in command


def test_every_volume_is_declared_and_every_mounted_file_exists() -> None:
    for service in COMPOSE["services"].values():
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            assert source in COMPOSE["volumes"] or (ROOT / source).is_file(), mount


#: The newest of each when it was last looked at. Raise them with the tags, never lower them.
OLDEST = {"python": (3, 13, 14), "postgres": (18, 6), "redis": (8, 10, 2), "caddy": (2, 11, 7)}
PINNED = re.compile(r"(?P<name>[a-z]+):(?P<version>\d+\.\d+(\.\d+)?)(-[\w.-]+)?(@sha256:[0-9a-f]{64})?")


def images() -> list[str]:
    found = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    return found + [COMPOSE["services"][name]["image"] for name in ("postgres", "redis", "proxy")]


def test_images_are_pinned_to_a_version_that_is_not_older_than_agreed() -> None:
    for image in images():
        pinned = PINNED.fullmatch(image)
        assert pinned, image
        assert tuple(map(int, pinned["version"].split("."))) >= OLDEST[pinned["name"]], image


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_a_container_has_no_more_rights_memory_and_processes_than_it_needs(name: str) -> None:
    service = COMPOSE["services"][name]
    needed = {
        "postgres": {"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"},
        "redis": {"CHOWN", "DAC_READ_SEARCH", "SETGID", "SETPCAP", "SETUID"},
        "proxy": {"NET_BIND_SERVICE"},
    }
    assert service["cap_drop"] == ["ALL"]
    assert set(service.get("cap_add", [])) == needed.get(name, set())
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert "/tmp" in service["tmpfs"]
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"])
    assert 0 < service["pids_limit"] <= 512
    assert not service.get("privileged")


def test_the_database_and_redis_have_no_way_out_and_the_proxy_none_to_them() -> None:
    networks = {name: set(service["networks"]) for name, service in COMPOSE["services"].items()}
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert networks == {
        "migrate": {"inside"},
        "web": {"edge", "inside"},
        "worker": {"inside", "outward"},
        "beat": {"inside"},
        "postgres": {"inside"},
        "redis": {"inside"},
        "proxy": {"edge"},
    }


def test_no_process_of_the_shop_knows_the_password_of_the_superuser_or_the_owner() -> None:
    for name in OURS:
        environment = COMPOSE["services"][name]["environment"]
        assert environment["POSTGRES_PASSWORD"] == environment["POSTGRES_OWNER_PASSWORD"] == ""
        assert environment["DATABASE_URL"].startswith("postgres://permille:")
        assert ("DATABASE_OWNER_URL" in environment) == (name == "migrate")


def test_the_shop_runs_as_an_ordinary_user_from_a_locked_list_of_packages() -> None:
    assert re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE)[-1] not in {"root", "0"}
    assert "--require-hashes" in DOCKERFILE


def test_image_holds_every_room_and_nothing_private() -> None:
    lines = re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE)
    copied = {word for line in lines for word in line.split()[:-1]}
    ours = [Path(config.path) for config in apps.get_app_configs() if Path(config.path).parent == ROOT]
    assert {path.name for path in ours} | {"upstream", "templates", "static", "manage.py"} <= copied
    assert all((ROOT / name).exists() for name in copied)
    # .dockerignore lets through exactly what is copied, so no .env and no history can slip into a layer.
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignore[1] == "*"
    assert {line[1:] for line in ignore if line.startswith("!")} == copied
