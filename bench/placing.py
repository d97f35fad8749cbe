"""Placing orders, compared with pgbench's TPC-B-like script with as many clients on the same server."""

import re
import shutil
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from bench.harness import Figure, Skipped, take
from bench.stage import Stage

if TYPE_CHECKING:
    from accounts.models import User
    from catalog.models import Service

CLIENTS = 12
_TPS = re.compile(r"tps = ([0-9.]+)")


def figures(stage: Stage, *, length: float, repeats: int) -> Iterator[Figure]:
    """``length`` is the seconds of one run."""
    figure = Figure(f"orders placed a second by {CLIENTS} customers at once", "a second")
    try:
        program = pgbench(stage)
    except Skipped as reason:
        figure.skipped = str(reason)
        yield figure
        return
    figure.notes = {"floor": f"pgbench, TPC-B-like, {CLIENTS} clients, scale {CLIENTS}", "seconds of one run": length}
    service, customers = shop("Placing")
    yield take(
        figure,
        lambda: _place(service, customers, length),
        lambda: run_pgbench(program, stage, length),
        repeats=repeats,
    )


def pgbench(stage: Stage) -> Path:
    """Find pgbench and create its tables. Raises Skipped."""
    bundled = stage.programs / "pgbench"
    found = bundled if bundled.exists() else shutil.which("pgbench")
    if not found:
        raise Skipped(f"there is no pgbench in {stage.programs} or on the PATH (Debian: postgresql-contrib)")
    name = stage.database("pgbench")
    done = subprocess.run(
        [found, "-i", "-q", "-s", str(CLIENTS), *_where(stage), name], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Skipped(f"pgbench cannot create its tables: {done.stderr.strip()[-200:]}")
    return Path(found)


def _where(stage: Stage) -> list[str]:
    return ["-h", str(stage.postgres.run), "-U", "app"]


def run_pgbench(program: Path, stage: Stage, length: float) -> float:
    # pgbench takes whole seconds only.
    options = ["-n", "-c", str(CLIENTS), "-j", "2", "-T", str(max(1, round(length)))]
    done = subprocess.run([program, *options, *_where(stage), "pgbench"], capture_output=True, text=True, check=True)
    found = _TPS.search(done.stdout)
    assert found is not None, done.stdout
    return float(found[1])


def shop(name: str) -> tuple["Service", list["User"]]:
    from accounts.models import User
    from billing import ledger
    from catalog.models import Category, Provider, ProviderService, Service

    provider = Provider(name=name, url="http://127.0.0.1:9/api/v2", new_services="shown")
    provider.set_key("unused")
    provider.save()
    source = ProviderService.objects.create(
        provider=provider, external_id="1", name="Followers", type="Default", rate=Decimal("0.9"), min=1, max=100_000
    )
    heading, _made = Category.objects.get_or_create(name=name)
    service = Service.objects.create(
        source=source, category=heading, name="Followers", min=1, max=100_000, price=Decimal("1.17")
    )
    customers = [User.objects.create_user(f"c{n}@{name.lower()}.example") for n in range(CLIENTS)]
    for customer in customers:
        ledger.credit(
            customer=customer,
            amount=Decimal(1_000_000),
            reason="bench",
            reference=f"bench:{customer.pk}",
            actor="bench",
        )
    return service, customers


def _place(service: "Service", customers: list["User"], length: float) -> float:
    """Return the orders per second over all customers; each has a thread that places orders as fast as it can."""
    from django.db import connection

    barrier = threading.Barrier(len(customers))

    def buy(customer: "User") -> tuple[int, float, float]:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=30)
            began, bought = time.perf_counter(), 0
            while time.perf_counter() - began < length:
                place_one(customer, service)
                bought += 1
            return bought, began, time.perf_counter()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(customers)) as pool:
        shares = list(pool.map(buy, customers))
    return sum(s[0] for s in shares) / (max(s[2] for s in shares) - min(s[1] for s in shares))


def place_one(customer: "User", service: "Service") -> None:
    from core.clock import database_now
    from orders.checkout.placement import place_order

    place_order(
        customer=customer,
        service_id=service.pk,
        fields={"link": "https://example.com/p/1", "quantity": "1000"},
        shown_charge=Decimal("1.17"),
        nonce=uuid.uuid4().hex,
        now=database_now(),
    )
