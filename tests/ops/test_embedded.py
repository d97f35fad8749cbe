"""Servers of the demo and of the tests: private, started once, stopped even after their run was killed."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis

from storefront.embedded.errors import EmbeddedError
from storefront.embedded.folders import FolderLock, private_folder, traversable_folder
from storefront.embedded.owner import postgres_owner
from storefront.embedded.place import ServerPlace, temporary_place
from storefront.embedded.postgres import OWNER_ROLE, Postgres
from storefront.embedded.programs import find_postgres
from storefront.embedded.services import start_missing


@pytest.fixture(autouse=True)
def _nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.delenv("DATABASE_OWNER_URL")
    monkeypatch.delenv("REDIS_URL")


@pytest.fixture(params=["installed", "wheels"])
def _programs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "wheels":
        monkeypatch.setenv("DEMO_USE_WHEELS", "true")


def ask(postgres: Postgres, statement: str) -> object:
    with psycopg.connect(host=str(postgres.run), user=OWNER_ROLE, dbname="postgres", autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchone() if cursor.description else None


@pytest.mark.usefixtures("_programs")
def test_servers_start_keep_their_data_and_leave_nothing_running(own_place: ServerPlace) -> None:
    for written in (False, True):
        services = start_missing(own_place, durable=True)
        postgres, shop_redis = services.started
        assert isinstance(postgres, Postgres)
        with redis.Redis.from_url(services.redis_url) as client:
            if not written:
                ask(postgres, "CREATE TABLE kept AS SELECT 42 AS answer")
                client.set("kept", "42")
            assert ask(postgres, "SELECT answer FROM kept") == (42,)
            assert client.get("kept") == b"42"
        pids = [server.pid for server in services.started]
        services.stop()
        assert not any(pid and Path(f"/proc/{pid}").exists() for pid in pids)
        assert not shop_redis.alive


def test_only_its_owner_can_reach_the_sockets(own_place: ServerPlace) -> None:
    services = start_missing(own_place, durable=False)
    try:
        for folder in (own_place.sockets / "pg", own_place.sockets / "redis"):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    finally:
        services.stop()


def test_named_services_are_used_and_nothing_is_started(
    own_place: ServerPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://shop@db/shop")
    monkeypatch.setenv("REDIS_URL", "redis://cache/0")
    services = start_missing(own_place, durable=False)
    assert (services.database_url, services.redis_url) == ("postgres://shop@db/shop", "redis://cache/0")
    assert services.started == []


def test_commits_survive_an_immediate_stop_even_without_fsync(own_place: ServerPlace) -> None:
    postgres = own_place.postgres(durable=False)
    postgres.start()
    ask(postgres, "CREATE TABLE kept (n int)")
    for n in range(50):
        ask(postgres, f"INSERT INTO kept VALUES ({n})")
    assert postgres.pid
    os.kill(postgres.pid, signal.SIGQUIT)
    postgres.stop()
    postgres.start()
    try:
        assert ask(postgres, "SELECT count(*) FROM kept") == (50,)
    finally:
        postgres.stop()


def test_servers_of_a_killed_run_are_stopped_by_the_next_one() -> None:
    script = (
        "from storefront.embedded.place import temporary_place as t; from storefront.embedded.services import *\n"
        "import os, signal; place, lock = t(); s = start_missing(place, durable=False)\n"
        "print(place.home, *(server.pid for server in s.started), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    home, *pids = killed.stdout.split()
    assert killed.returncode == -signal.SIGKILL
    assert all(_runs(pid) for pid in pids)

    place, lock = temporary_place()
    assert not any(_runs(pid) for pid in pids)
    assert not Path(home).exists()
    place.delete()
    lock.close()


def _runs(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_error_of_a_program_that_cannot_be_loaded_is_shown(
    own_place: ServerPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = traversable_folder(own_place.home) / "postgres"
    broken.write_text("#!/bin/sh\necho 'libxml2.so.2: cannot open shared object file' >&2\nexit 127\n")
    broken.chmod(0o755)
    monkeypatch.setattr("storefront.embedded.programs._postgres_paths", lambda: iter([broken]))
    with pytest.raises(EmbeddedError, match=r"(?s)install postgresql.*DATABASE_URL.*libxml2\.so\.2"):
        find_postgres(postgres_owner())


def test_another_major_version_than_the_kept_data_is_refused(own_place: ServerPlace) -> None:
    kept = own_place.postgres_home / "pg-9"
    kept.mkdir()
    (kept / "PG_VERSION").write_text("9\n")
    with pytest.raises(EmbeddedError, match="the data here is of version 9"):
        own_place.postgres(durable=False)


def test_a_link_instead_of_a_private_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "trap").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EmbeddedError, match="not a folder of ours"):
        private_folder(tmp_path / "trap")


def test_a_lock_is_held_by_one_run_and_released(tmp_path: Path) -> None:
    first, second = FolderLock(tmp_path / "lock"), FolderLock(tmp_path / "lock")
    assert first.take()
    assert not second.take()
    first.close()
    assert second.take()
    second.close()


def test_a_run_that_ends_during_the_start_of_another_does_no_harm(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The other run lists its folder, which is gone when it is opened."""
    monkeypatch.setattr(Path, "glob", lambda _folder, _pattern: iter([tmp_path / "gone"]))
    place, lock = temporary_place()
    assert place.home.is_dir()
    place.delete()
    lock.close()
