"""What must be, reckoned in fractions from what customers did and providers said; it shares no line with the shop.

Prices: a rate in the provider's currency per 1,000 (or a package), times the exchange rate, plus the markup, rounded up
to the quantum; a charge is price times what is delivered, rounded up. An answer that ends an order says what is due
back: nothing when completed, the missing share when partial, all when canceled or refunded. Nothing else is due.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Any

from tests.battery.judge import Broken, Said
from tests.battery.judge_rows import Rows, target_of

QUANTUM = Fraction(1, 100_000)
_ENDS = ("completed", "partial", "canceled", "cancelled", "refunded")


def rounded_up(amount: Fraction) -> Fraction:
    return ceil(amount / QUANTUM) * QUANTUM


@dataclass(frozen=True)
class Sold:
    """One service as it is on sale now: what the provider asks, and what we add."""

    rate: Fraction
    exchange: Fraction
    markup: Fraction
    by_package: bool = False

    def charge(self, units: int) -> Fraction:
        price = rounded_up(self.rate * self.exchange * (1 + self.markup / 100))
        return price if self.by_package else rounded_up(price * units / 1000)


@dataclass
class Bought:
    """An order as its customer knows it. ``answers`` are the words and the dues heard of it, in order."""

    link: str
    customer: int
    charge: Fraction
    units: int
    dues: list[Fraction] = field(default_factory=list)
    last: Fraction | None = None
    oddities: set[str] = field(default_factory=set)
    ended: bool = False


@dataclass
class Model:
    paid: dict[str, tuple[int, Decimal]] = field(default_factory=dict)
    bought: dict[str, Bought] = field(default_factory=dict)
    acknowledged: dict[int, str] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)

    def pays(self, customer: int, reference: str, amount: Decimal) -> None:
        self.paid.setdefault(reference, (customer, amount))

    def orders(self, customer: int, link: str, sold: Sold, units: int) -> None:
        """Somebody tries to buy; whether it was bought the rows will tell, and an acknowledgement binds them."""
        self.bought[link] = Bought(link, customer, sold.charge(units), units)

    def is_told(self, order_id: int, link: str) -> None:
        self.acknowledged[order_id] = link

    def hears(self, links: dict[str, str], fields: dict[str, str], body: bytes) -> None:
        """An answer to ``status`` that came whole. ``links`` are the links by order number there."""
        try:
            value = json.loads(body.decode("utf-8-sig"))
        except ValueError:
            return
        several = "orders" in fields
        if not isinstance(value, dict):
            return
        asked = fields.get("orders", fields.get("order", "")).split(",")
        items = value if several else {asked[0]: value}
        for number, item in items.items():
            order = self.bought.get(links.get(str(number).lstrip("0"), ""))
            if order is not None and str(number).lstrip("0") in asked and isinstance(item, dict):
                self._heard(order, item)

    def _heard(self, order: Bought, item: dict[str, Any]) -> None:
        if "error" in item:
            order.oddities.add("S5")
            return
        word = str(item.get("status", "")).lower()
        word = word.replace(" ", "").replace("_", "").replace("-", "")
        if word == "failed":
            order.dues.append(order.charge)  # after a day of it, and not before
        if word not in _ENDS:
            if order.ended:
                order.oddities.add("S3")
            return
        due = self._due(order, word, item)
        if due is not None:
            order.ended = True
            order.last = due
            order.dues.append(due)

    def _due(self, order: Bought, word: str, item: dict[str, Any]) -> Fraction | None:
        remains = _whole(item.get("remains"))
        if word == "completed":
            return Fraction(0)
        if word == "partial":
            if remains is None:
                order.oddities.add("S4")
                return None
            if not 0 <= remains <= order.units:
                order.oddities.add("S4")
            return order.charge * max(0, min(remains, order.units)) / order.units
        delivered_in_part = remains is not None and 0 < remains < order.units
        return None if delivered_in_part and _charged(item.get("charge")) else order.charge

    def said(self) -> dict[str, Said]:
        return {o.link: Said(tuple(o.dues), o.last, frozenset(o.oddities)) for o in self.bought.values()}

    def broken_by(self, rows: Rows) -> Iterator[Broken]:
        """What the rows say otherwise."""
        spent: dict[int, Fraction] = defaultdict(Fraction)
        for order in rows.orders:
            bought = self.bought.get(target_of(order))
            if bought is None or bought.customer != order.customer_id:
                yield Broken("N1", "an order was ordered by its customer", (f"order {order.id}",))
                continue
            if Fraction(order.charge) != bought.charge:
                row = f"order {order.id}: {order.charge}, not {float(bought.charge):.5f}"
                yield Broken("I3", "a charge is exact, rounded up", (row,))
            spent[order.customer_id] += bought.charge - Fraction(rows.hold_of[order.id].refunded)
        for customer, amount in self.paid.values():
            spent[customer] -= Fraction(amount)
        for account in rows.accounts:
            if account.customer_id is not None and Fraction(account.balance) != -spent[account.customer_id]:
                row = f"customer {account.customer_id}: {account.balance}, not {float(-spent[account.customer_id]):.5f}"
                yield Broken("I3", "a wallet holds what was paid less what was bought", (row,))
        ids = {order.id: target_of(order) for order in rows.orders}
        for number, link in self.acknowledged.items():
            if ids.get(number) != link:
                yield Broken("N1", "an acknowledged order is there", (f"order {number}",))


def _whole(value: Any) -> int | None:
    text = str(value).strip() if value is not None and not isinstance(value, float) else ""
    return int(text) if text.lstrip("-").isdigit() else None


def _charged(value: Any) -> bool:
    try:
        return Decimal(str(value).replace(",", ".")) > 0
    except ArithmeticError:
        return False
