"""The world of the machine: two providers at the end of the wire, a few services and customers, and what happened.

Everything the shop does here it does by its own functions. What customers were told and providers said goes to the
model, and the judge looks at rows and logs.
"""

import json
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import User
from billing import ledger
from catalog.models import Category, Provider, ProviderService, Service
from core.clock import database_now
from core.refusals import Refusal
from orders import doorbell, freezing
from orders.checkout.placement import place_order
from orders.models import ForwardAttempt, Order
from orders.thawing import thaw
from storefront import rounds
from tests.battery.crashing import Boundaries
from tests.battery.fresh import Fresh
from tests.battery.judge import Broken, Judge, Truth
from tests.battery.judge_rows import read_rows, target_of
from tests.battery.model import Model, Sold
from tests.battery.shop_time import ShopTime, turned_clock
from tests.battery.wire_seam import Account, Wire
from tests.prices import marked_up
from upstream.simulator import Catalog, Simulator

#: How long an order takes at the provider, in seconds of the shop.
LIFE = 900.0
BALANCE = Decimal(10_000)
RATES = {"1": "0.91337", "2": "8.3", "4": "1.370001"}
ROWS = [
    {"service": 1, "name": "Followers", "type": "Default", "category": "One", "min": "1", "max": "100000",
     "refill": True, "cancel": True, "dripfeed": True},
    {"service": 2, "name": "Comments", "type": "Custom Comments", "category": "One", "min": "1", "max": "100",
     "refill": False, "cancel": True},
    {"service": 4, "name": "Bundle", "type": "Package", "category": "One", "min": "1", "max": "1", "refill": True,
     "cancel": False},
]  # fmt: skip
TYPES = {"1": "default", "2": "custom_comments", "4": "package"}
KEY = "a-key/of+ours"


@dataclass(frozen=True)
class Panel:
    """One provider as the shop has it, and its account at the end of the wire."""

    pk: int
    account: Account
    services: dict[str, int]
    sold: dict[str, Sold]

    @property
    def books(self) -> Any:
        return self.account.provider.books


class Bells:
    """Takes what would be published, and nothing else of a broker."""

    def __init__(self) -> None:
        self.rung: deque[str] = deque()

    def publish(self, name: str, **_options: Any) -> bool:
        self.rung.append(name)
        return True


class Stage:
    """One for a whole run: :meth:`begin` starts an example on it."""

    def __init__(self, session: "psycopg.Connection[Any]", time: ShopTime) -> None:
        self.session, self.time = session, time
        self.edges = Boundaries(session)
        self.wire = Wire(time, self.edges.reached)
        self.bells = Bells()
        self.panels: list[Panel] = []
        self.customers: list[User] = []
        self.fresh = Fresh(session)
        self._furnish()

    def _furnish(self) -> None:
        for number in range(3):
            user = User(email=f"customer{number}@example.com", password="!")
            user.save()
            ledger.wallet_of(user)
            self.customers.append(user)
        category = Category.objects.create(name="One")
        for place, (currency, rate) in enumerate((("USD", "1"), ("EUR", "1.0837"))):
            self.panels.append(self._panel(place, currency, Decimal(rate), category))
        for kind in (ledger.AccountKind.HELD, ledger.AccountKind.REVENUE, ledger.AccountKind.OWNER):
            ledger.own_account_id(kind)
        freezing.check(now=database_now())
        self.fresh.keep("start")

    def _panel(self, place: int, currency: str, rate: Decimal, category: Category) -> Panel:
        account = Account(7001 + place, self._simulator(currency))
        provider = Provider(
            name=f"Panel {place}", url=account.url, currency=currency, exchange_rate=rate, markup_percent=Decimal(30),
            can_cancel=True,
        )  # fmt: skip
        provider.next_sync_at = datetime(2100, 1, 1, tzinfo=UTC)  # what is sold keeps its price for a whole example
        provider.set_key(KEY)
        provider.save()
        services, sold = {}, {}
        for row in ROWS:
            external = str(row["service"])
            asked = Decimal(RATES[external])
            by_package = TYPES[external] == "package"
            source = ProviderService.objects.create(
                provider=provider, external_id=external, name=row["name"], type=TYPES[external], rate=asked,
                unit="per_package" if by_package else "per_1000", min=row["min"], max=row["max"],
                refill=row["refill"], cancel=row["cancel"], dripfeed=bool(row.get("dripfeed")),
            )  # fmt: skip
            service = Service.objects.create(
                source=source, category=category, name=row["name"], min=row["min"], max=row["max"],
                price=marked_up(asked, rate, provider.markup_percent),
            )  # fmt: skip
            services[external] = service.pk
            sold[external] = Sold(Fraction(asked), Fraction(rate), Fraction(30), by_package)
        self.wire.accounts[account.port] = account
        return Panel(provider.pk, account, services, sold)

    def _simulator(self, currency: str) -> Simulator:
        rows = [{**row, "rate": RATES[str(row["service"])]} for row in ROWS]
        return Simulator(Catalog.from_rows(rows), key=KEY, currency=currency, balance=BALANCE, seconds=LIFE)

    # One example.

    def begin(self, *, seed: int = 1) -> None:
        """Nothing has happened yet."""
        self.time.back_to_now()
        self.fresh.put_back("start")
        # A shop of another name: the marks outside of the one before are not ours.
        self.session.execute("UPDATE public.orders_shopstate SET shop = gen_random_uuid()")
        self.time.providers.clear()
        for panel in self.panels:
            panel.account.provider = self._simulator("USD" if panel is self.panels[0] else "EUR")
            panel.account.provider.plan.set_rates({}, None, seed)
            panel.account.unreachable.clear()
            panel.books.foreign_rate = 0.2
            self.time.providers.append(panel.account.provider)
        self.bells.rung.clear()

        self.model = Model()
        self.number = 0
        self.wrong_by = 0
        self.was_restored = False
        self.refill_replies: Counter[tuple[int, str]] = Counter()
        self.truth = Truth(lanes=1, said={}, answers={}, credits={}, opening={p.pk: BALANCE for p in self.panels})
        self.judge = Judge(self.session, self.logs, self.truth)
        self.wire.answered, self.wire.returned = self._hear, self._count_answer

    def logs(self) -> dict[int, list[dict[str, Any]]]:
        now = {p.pk: p.account.provider.now() for p in self.panels}
        for panel in self.panels:
            panel.books.tick(now[panel.pk])
        return {p.pk: [o.as_record(now[p.pk]) for o in p.books.orders.values()] for p in self.panels}

    def look(self, *, at_rest: bool = False) -> list[Broken]:
        """Everything the judge and the model have to say now."""
        self.truth.said = self.model.said()
        self.truth.credits = {reference: amount for reference, (_who, amount) in self.model.paid.items()}
        self.truth.answers = dict(self.model.answers)
        self.truth.refills = None if self.was_restored else self._refills_taken()
        broken = self.judge.at_rest() if at_rest else self.judge.each_step()
        assert self.judge.rows is not None
        return [*broken, *self.model.broken_by(self.judge.rows)]

    def _refills_taken(self) -> dict[tuple[int, str], int]:
        taken: Counter[tuple[int, str]] = Counter()
        for panel in self.panels:
            for refill in panel.books.refills.values():
                taken[panel.pk, refill.order] += 1
        for place, twice in self.refill_replies.items():
            taken[place] -= twice
        return dict(taken)

    def _hear(self, port: int, fields: dict[str, str], body: bytes) -> None:
        panel = next(p for p in self.panels if p.account.port == port)
        if fields.get("action") == "status":
            links = {number: order.link for number, order in panel.books.orders.items() if order.parent is None}
            self.model.hears(links, fields, body)
        elif fields.get("action") == "refill" and panel.account.provider.record.requests[-1]["fault"] == "refill_twice":
            with suppress(ValueError, TypeError):
                self.refill_replies[panel.pk, fields["order"]] += "refill" in json.loads(body)

    def _count_answer(self, action: str, fields: dict[str, str]) -> None:
        if action == "add":
            self.model.answers[fields.get("link", "")] += 1

    # What customers do.

    def pays(self, who: User, amount: Decimal, *, reference: str, claimed: Decimal | None = None) -> None:
        """The owner enters a payment; a second time under one reference it is the same one, or refused."""
        with suppress(ledger.KeyReused, ValueError):
            ledger.credit(customer=who, amount=claimed or amount, reason="paid", reference=reference, actor="owner")
            self.model.pays(who.pk, reference, claimed or amount)

    def buys(self, who: User, panel: Panel, service: str, wish: dict[str, str], *, units: int, fate: str = "",
             nonce: str | None = None) -> Order | None:  # fmt: skip
        """The order as acknowledged, or None when it was refused."""
        self.number += 1
        link = f"https://example.com/o/{self.number}" + (f"?fate={fate}" if fate else "")
        self.model.orders(who.pk, link, panel.sold[service], units)
        fields = {**wish, "link": link}
        try:
            placed = place_order(
                customer=who, service_id=panel.services[service], fields=fields, nonce=nonce, now=database_now()
            )
        except Refusal:
            return None
        self.edges.reached("placed")
        if not placed.is_repeat:
            self.model.is_told(placed.order.pk, link)
        return placed.order

    def sells_one(self, panel: Panel) -> Order | None:
        """One more honest sale there, whatever it takes."""
        who = self.customers[0]
        self.pays(who, Decimal(5), reference=f"more:{self.number}")
        return self.buys(who, panel, "1", {"quantity": "1000"}, units=1000, fate="completed")

    def knows_the_newest(self) -> bool:
        """Whether the shop has taken in what each panel accepted last."""
        known = set(ForwardAttempt.objects.values_list("provider_id", "upstream_id"))
        return all((p.pk, next(reversed(p.books.orders), None)) in known for p in self.panels)

    # What happens at the providers, and to the machines.

    def reprices(self, panel: Panel, factor: Decimal) -> None:
        """The panel's list has other rates from now on; what we sell, and for how much, stays as it is."""
        provider = panel.account.provider
        provider.catalog = provider.catalog.repriced({"1": str(Decimal(RATES["1"]) * factor)})

    def somebody_else_orders(self, panel: Panel) -> None:
        """Something that is not this shop orders with our key."""
        self.number += 1
        link = f"https://elsewhere.example/{self.number}?fate=completed"
        self.truth.foreign.add(link)
        panel.account.provider.handle({"key": KEY, "action": "add", "service": "1", "link": link, "quantity": "777"})

    def restores(self) -> None:
        """The database as it was dumped, in another place; what was acknowledged since is lost, and known as lost."""
        decided = self._decisions()
        self.fresh.put_back("dump")
        self.truth.decided += decided - self._decisions()
        self.session.execute("UPDATE public.orders_shopstate SET home = '1/2/3/4'")
        kept = {row[0]: row[1] for row in self.session.execute("SELECT link, id FROM public.orders_order").fetchall()}
        keys = {row[0] for row in self.session.execute("SELECT key FROM public.billing_transfer").fetchall()}
        self.model.acknowledged = {n: link for n, link in self.model.acknowledged.items() if kept.get(link) == n}
        self.model.paid = {r: paid for r, paid in self.model.paid.items() if f"credit:{r}" in keys}
        self.model.answers.clear()
        self.truth.foreign |= self.model.bought.keys() - kept.keys()
        self.judge.forget()
        self.was_restored = True

    def _decisions(self) -> Counter[str]:
        rows = read_rows(self.session)
        return Counter({target_of(order): rows.was_decided(order) for order in rows.orders})

    # What the shop does by itself.

    def sweeps(self) -> None:
        rounds.ring_round()

    def works(self) -> None:
        """A whole round without any broker."""
        rounds.work_round(seconds=5)


@contextmanager
def the_stage() -> Iterator[Stage]:
    """The stage with everything installed that a shop must not have: a turned clock, a wire without sockets."""
    with turned_clock() as time, pytest.MonkeyPatch.context() as patch:
        stage = Stage(time.session, time)
        patch.setattr(doorbell, "broker", stage.bells)
        patch.setattr(thaw, "time", SimpleNamespace(sleep=lambda _seconds: time.advance(60)))
        own_clock = timezone.now
        patch.setattr(timezone, "now", lambda: own_clock() + timedelta(seconds=stage.wrong_by))
        with stage.wire.installed(), stage.edges.installed():
            yield stage
        stage.begin()
        connection.close()
