"""The judge of a run: what must hold is looked at now and then under fire, and whole when everything is at rest."""

import json
import time
from contextlib import suppress
from io import StringIO
from typing import Any

import psycopg
from django.core.management import CommandError, call_command

from tests.battery.chaos import quiet, selling
from tests.battery.chaos.cast import Cast
from tests.battery.chaos.reporting import Report
from tests.battery.chaos.times import SCALED
from tests.battery.chaos.world import World
from tests.battery.judge import Judge, Truth

_EVERY = 10.0
_LEASES = "SELECT DISTINCT extract(epoch FROM leased_until - claimed_at)::float FROM orders_forwardattempt"
_OPENINGS = "SELECT count(DISTINCT provider_id) FROM orders_providerentry WHERE kind = 'opening'"


class Bench:
    """``steps`` are the looks that were due, ``checks`` those that were made; one that Postgres cut is made again."""

    def __init__(self, world: World, cast: Cast, **truth: Any) -> None:
        self.world = world
        self.cast = cast
        self.truth = Truth(credits=dict(cast.credits), **truth)
        self.steps = 0
        self.checks = 0
        self.broken: list[str] = []
        self._next = time.monotonic() + _EVERY

    def wait_for_opening(self, limit: float = 60.0) -> None:
        """Each account's books begin before the first sale, as they do where a provider is connected."""
        end = time.monotonic() + limit
        while True:
            with self.world.connect() as c:
                row = c.execute(_OPENINGS).fetchone()
            if row is not None and row[0] == len(self.world.shop_ids):
                return
            if time.monotonic() > end:
                raise quiet.NeverQuiet("the accounts' books were never opened")
            time.sleep(0.1)

    def each_step_now_and_then(self) -> None:
        if time.monotonic() >= self._next:
            began = time.monotonic()
            self.each_step()
            # A look at tens of thousands of orders takes seconds; then they are as much rarer.
            self._next = time.monotonic() + max(_EVERY, _EVERY * (time.monotonic() - began))

    def each_step(self) -> None:
        self._look(lambda judge: judge.each_step())

    def _look(self, how: Any) -> None:
        self.steps += 1
        end = time.monotonic() + 30
        while time.monotonic() < end:
            with suppress(psycopg.Error), self.world.connect() as c:
                found = how(Judge(c, self.world.logs, self.truth))
                self.checks += 1
                self.broken += [str(one) for one in found if str(one) not in self.broken]
                return
            time.sleep(0.2)

    def at_rest(self, receipts: selling.Receipts, report: Report) -> None:
        """Every equation, once nothing moves any more, and the shop's own audit."""
        self.truth.acknowledged = selling.acknowledged(receipts)
        self.broken += selling.parted(receipts)
        with self.world.connect() as c:
            now = c.execute("SELECT statement_timestamp()").fetchone()
            leases = {lease for (lease,) in c.execute(_LEASES).fetchall()}
        assert now is not None
        assert leases == {float(SCALED["FORWARD_LEASE_SECONDS"])}, (
            f"the shop's processes ran with other times than the run's: leases of {leases} s"
        )
        reconciled = quiet.reconciled_after(self.world, now[0], limit=60)
        self._look(lambda judge: judge.at_rest())
        out = StringIO()
        try:
            call_command("audit", "--json", stdout=out)
            audit = json.loads(out.getvalue())
        except CommandError as problem:
            audit = {"ok": False, "problem": str(problem), "said": out.getvalue()[-2000:]}
        report.tell(steps=self.steps, checks=self.checks, broken=self.broken, audit=audit, reconciled=reconciled)
