"""Servers, providers and the shop's database of one run, and Django told of them. All of it ends with the ``with``."""

import json
import logging
import os
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from storefront.embedded.place import ServerPlace, temporary_place
from storefront.embedded.postgres import OWNER_ROLE, SHOP_ROLE, SUPERUSER, Postgres
from storefront.embedded.redis import Redis
from tests.battery.chaos.times import SCALE, SCALED
from tests.services import SETTINGS
from upstream.simulator.running import RunningSimulator, running_simulator

CATALOG = Path(__file__).with_name("catalog.json")
BALANCE = "1000000"


@dataclass
class World:
    """``providers`` and ``shop_ids`` go together: the simulators, and the shop's ids of them."""

    place: ServerPlace
    postgres: Postgres
    redis: Redis
    folder: Path
    #: How long an order takes at the providers.
    seconds: float
    providers: list[RunningSimulator] = field(default_factory=list)
    shop_ids: list[int] = field(default_factory=list)
    #: The same at providers where it is another time, by the shop's ids.
    lives: dict[int, float] = field(default_factory=dict)

    def database_url(self, name: str = "shop") -> str:
        return self.postgres.url_of(name, SHOP_ROLE)

    def connect(self, name: str = "shop") -> "psycopg.Connection[Any]":
        """A session of the superuser."""
        return psycopg.connect(self.postgres.url_of(name, SUPERUSER), autocommit=True)

    def logs(self) -> dict[int, list[dict[str, Any]]]:
        """What each provider accepted, by the shop's id of it."""
        return {pk: sim.orders() for pk, sim in zip(self.shop_ids, self.providers, strict=True)}

    def add_requests(self) -> dict[int, Counter[str]]:
        """How often each provider read an ``add`` about each link."""
        journals = [self.folder / f"provider-{n}.jsonl" for n in range(len(self.providers))]
        return {pk: Counter(add_requests(path)) for pk, path in zip(self.shop_ids, journals, strict=True)}

    def tool(self, name: str, *arguments: str) -> None:
        """Run a program of Postgres' as the owner of the tables. Raises AssertionError with what it complains of."""
        command = [
            str(self.postgres.program.path.parent / name),
            f"--host={self.postgres.run}",
            f"--username={OWNER_ROLE}",
        ]
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr

    def control(self, **settings: Any) -> None:
        for sim in self.providers:
            sim.control(**settings)


#: BATTERY_SCHEMA names a file: the first world keeps its empty shop there, the others spare themselves the migrations.
@contextmanager
def set_up(env: Mapping[str, str], *, providers: int, seconds: float = 2.0) -> Iterator[World]:
    """Start it all and migrate. Other customers place one order a second of the shop's own time at each provider."""
    place, lock = temporary_place()
    with ExitStack() as ends:
        ends.callback(lock.close)
        ends.callback(place.delete)
        postgres, redis = place.postgres(durable=False), place.redis(durable=False)
        for server in (postgres, redis):
            ends.callback(server.stop)
            server.start()
        world = World(place, postgres, redis, place.home / "run", seconds)
        world.folder.mkdir()
        for number in range(providers):
            journal = world.folder / f"provider-{number}.jsonl"
            options = {"catalog": CATALOG, "seconds": seconds, "balance": BALANCE, "journal": journal, "seed": number}
            sim = ends.enter_context(running_simulator(process=True, **options))
            sim.control(foreign_rate=SCALE, late_seconds=[5 / SCALE, 120 / SCALE])
            world.providers.append(sim)
        _load_shop(world, env)
        yield world


@contextmanager
def forgiving() -> Iterator[None]:
    """What the database cuts short is done again some other time, over a connection of its own."""
    from django.db import Error, connection

    try:
        yield
    except Error:
        connection.close()


def _load_shop(world: World, env: Mapping[str, str]) -> None:
    with world.connect("postgres") as c:
        c.execute(f"CREATE DATABASE shop OWNER {OWNER_ROLE}")
    static = world.place.home / "static"
    static.mkdir()
    os.environ.update(
        {**SETTINGS, **SCALED, **env, "STATIC_ROOT": str(static), "DJANGO_SETTINGS_MODULE": "storefront.settings"}
        | {"DATABASE_URL": world.database_url(), "REDIS_URL": world.redis.url}
        | {"DATABASE_OWNER_URL": world.postgres.url_of("shop", OWNER_ROLE)}
    )
    import django
    from django.core.management import call_command

    django.setup()
    logging.getLogger().setLevel(logging.ERROR)
    kept = os.environ.get("BATTERY_SCHEMA")
    if kept and Path(kept).exists():
        world.tool("psql", "--quiet", "--set=ON_ERROR_STOP=1", f"--file={kept}", "shop")
        return
    call_command("migrate", verbosity=0)
    if kept:
        mine = f"{kept}.{os.getpid()}"
        world.tool("pg_dump", "--no-owner", f"--file={mine}", "shop")
        os.replace(mine, kept)


def add_requests(journal: Path) -> Iterator[str]:
    """The link of each ``add`` that a provider read to its end, whatever became of it."""
    with journal.open(encoding="utf-8") as lines:
        for line in lines:
            event = json.loads(line)
            if event["event"] == "request" and event["action"] == "add":
                yield event["link"]
