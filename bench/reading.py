"""The most frequent API calls: the states of a hundred orders among a million, and a list of 5,000 services.

Both measure a whole call (key, rate limit, JSON) inside this process, without a network. The floor of each is one bare
statement for the same rows on the same server.
"""

import gzip
import random
from collections.abc import Callable, Iterator
from typing import Any

from bench.buying import with_keys
from bench.harness import Figure, seconds
from bench.stage import Stage

ORDERS, SERVICES, IDS = 1_000_000, 5_000, 100
_CALLS = 200
#: Milliseconds that 95 of 100 calls may take.
_STATUS_GOAL, _SERVICES_GOAL = 25, 15


def figures(stage: Stage, *, repeats: int) -> Iterator[Figure]:
    from django.conf import settings
    from django.test import Client

    settings.ALLOWED_HOSTS = ["testserver"]
    settings.API_RATE_PER_MINUTE = 1_000_000
    service, [key, *_others] = with_keys("Reading")
    _many_orders(service)
    _many_services(service)
    client = Client(headers={"Accept-Encoding": "gzip"})

    def call(**fields: Any) -> bytes:
        answer = client.post("/api/v2", {"key": key, **fields})
        assert answer.status_code == 200
        body: bytes = answer.content
        return body

    yield _status(call, repeats)
    yield _services(call, repeats)


def _status(call: Callable[..., bytes], repeats: int) -> Figure:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM orders_order WHERE customer_id = "
            "(SELECT min(id) FROM accounts_user WHERE email LIKE '%%@reading.example')"
        )
        mine = [row[0] for row in cursor.fetchall()]
    chance = random.Random(1)  # noqa: S311 - not for secrets

    def ask() -> None:
        answer = call(action="status", orders=",".join(map(str, chance.sample(mine, IDS))))
        assert answer.count(b'"status":"Pending"') == IDS, answer[:200]

    def bare() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM orders_order WHERE id = ANY(%s)", [chance.sample(mine, IDS)])
            cursor.fetchall()

    figure = Figure(f"status of {IDS} orders of {ORDERS:,}, 95th of 100 calls", "s")
    return _taken(figure, ask, bare, repeats, _STATUS_GOAL)


def _services(call: Callable[..., bytes], repeats: int) -> Figure:
    from django.db import connection

    packed = call(action="services")

    def ask() -> None:
        assert call(action="services") == packed

    def bare() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT id, name, description, price, min, max FROM catalog_service")
            cursor.fetchall()

    plain = gzip.decompress(packed)
    figure = Figure(f"list of {plain.count(b'"service":'):,} services, 95th of 100 calls", "s")
    figure.notes = {"kB of JSON, packed": f"{len(plain) / 1000:.0f}, {len(packed) / 1000:.0f}"}
    return _taken(figure, ask, bare, repeats, _SERVICES_GOAL)


def _taken(figure: Figure, ask: Callable[[], None], bare: Callable[[], None], repeats: int, goal: int) -> Figure:
    for times, action in ((figure.ours, ask), (figure.floor, bare)):
        for _n in range(10):
            action()
        for _n in range(repeats):
            times.append(sorted(seconds(action) for _call in range(_CALLS))[int(_CALLS * 0.95)])
    figure.notes["goal, ms"] = goal
    return figure


def _many_orders(service: int) -> None:
    """Copy one order a million times, spread over the customers."""
    from django.db import connection

    from accounts.models import User
    from bench.placing import place_one
    from catalog.models import Service
    from orders.models import Order

    customers = User.objects.filter(email__endswith="@reading.example").order_by("pk")
    place_one(customers[0], Service.objects.get(pk=service))
    names = [f.column for f in Order._meta.concrete_fields if f.column not in ("id", "customer_id", "nonce")]
    columns = ", ".join(f'"{name}"' for name in names)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO orders_order (customer_id, {columns})
            SELECT c.id, {columns} FROM orders_order o, generate_series(1, %s), unnest(%s::bigint[]) AS c(id)
            WHERE o.id = (SELECT max(id) FROM orders_order)
            """,  # noqa: S608 - names of our own columns
            [ORDERS // len(customers) + 1, [customer.pk for customer in customers]],
        )
        cursor.execute("ANALYZE orders_order")


def _many_services(service: int) -> None:
    from catalog.models import ProviderService, Service

    first = Service.objects.select_related("source").get(pk=service)
    words = "A description of some length, as providers write them. " * 4
    sources = ProviderService.objects.bulk_create(
        ProviderService(
            provider_id=first.source.provider_id, external_id=f"many{n}", name=f"Followers {n}", type="Default",
            rate=first.source.rate, min=1, max=100_000, description=words, raw={"desc": words},
        )
        for n in range(1, SERVICES)
    )  # fmt: skip
    Service.objects.bulk_create(
        Service(
            source=source, category_id=first.category_id, name=source.name, description=words, min=1, max=100_000,
            price=first.price,
        )
        for source in sources
    )  # fmt: skip
