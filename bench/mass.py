"""Mass orders through the shop's own page, compared with bare rows written in one transaction."""

import json
import re
import time
import uuid
from collections.abc import Iterator
from functools import partial
from html import unescape
from typing import TYPE_CHECKING, Any

from bench.harness import Figure, take
from bench.placing import shop
from bench.stage import Stage

if TYPE_CHECKING:
    from django.test import Client

    from catalog.models import Service

SIZES = (1_000, 10_000)
#: As many rows as the shop writes for an order: itself, its event, transfer, hold and line of the wallet.
_BARE = """
    CREATE TEMP TABLE bare ON COMMIT DROP AS
    SELECT n AS id, now() AS at, repeat('x', 300) AS row FROM generate_series(1, %s) n, generate_series(1, 5)
"""


def figures(stage: Stage, *, repeats: int) -> Iterator[Figure]:
    from django.test import Client

    service, customers = shop("Mass")
    client = Client(headers={"host": "localhost"})
    client.force_login(customers[0])
    first = [0]
    for size in SIZES:
        figure = Figure(f"seconds to check and place {size:,} lines of a mass order", "s")
        checks: list[float] = []
        ours = partial(_place, client, service, size, first, checks)
        take(figure, ours, partial(_bare, stage, size), repeats=repeats)
        figure.notes = {
            "floor": f"{5 * size:,} bare rows in one statement",
            "seconds of the page that shows them checked": round(sorted(checks)[len(checks) // 2], 3),
        }
        yield figure


def _place(client: "Client", service: "Service", size: int, first: list[int], checks: list[float]) -> float:
    """Send new lines to be checked, read the page, and return the seconds of placing them."""
    text = "\n".join(f"{service.pk} | https://example.com/m/{first[0] + n} | 1000" for n in range(size))
    first[0] += size
    client.post("/orders/mass/", {"lines": text, "check": "1"})
    began = time.perf_counter()
    page: Any = client.get("/orders/mass/")
    checks.append(time.perf_counter() - began)
    html = page.content.decode()
    form = {"lines": text, "checked": _value(html, "checked"), "shown": _value(html, "shown")}
    assert json.loads(form["shown"]), "nothing is ready"
    began = time.perf_counter()
    answer = client.post("/orders/mass/", {**form, "nonce": uuid.uuid4().hex, "place": "1"})
    took = time.perf_counter() - began
    assert answer.status_code == 302, answer.content[:500]
    assert answer["Location"] != "/orders/mass/", "nothing was placed"
    return took


def _value(html: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found is not None, html[:500]
    return unescape(found[1])


def _bare(stage: Stage, size: int) -> float:
    with stage.connect("shop") as c:
        began = time.perf_counter()
        c.execute(_BARE, [size])
        c.commit()
        return time.perf_counter() - began
