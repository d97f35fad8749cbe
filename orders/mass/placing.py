"""Place the good lines of a mass order: all of them in one transaction, once for a nonce, or none."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from billing import ledger
from catalog.bulk import gc_disabled
from catalog.models import SameLink
from core.refusals import Refusal
from orders.checkout.insert_many import NewOrder, new_numbers, write_orders
from orders.checkout.offers import read_purse
from orders.checkout.placement import PriceUnsteady, alert_sale_below_cost, demand_money
from orders.checkout.same_link import one_at_a_time
from orders.doorbell import FORWARD, ring_soon_on_commit
from orders.mass.checking import Checked, Fault, check_lines, same_links, total_of
from orders.mass.drafts import keep_left
from orders.mass.reading import Line, text_of
from orders.models import MassOrder
from orders.models.order import Source

#: How often the lines are checked in all, when something keeps changing before they are written.
_TRIES = 3


class NothingToPlace(Refusal):
    """No line can be placed. What is wrong with each is kept with it."""

    code = "nothing_to_place"


@dataclass(frozen=True)
class MassPlacement:
    """``is_repeat`` when the nonce had been used: the orders are then those of the first time."""

    mass: MassOrder
    is_repeat: bool = False


class _Changed(Exception):
    """Something that the orders were computed from changed before they were written."""


def place_lines(
    *,
    customer: User,
    lines: Sequence[Line],
    shown: Mapping[int, Decimal],
    nonce: str,
    now: datetime,
    text: str | None = None,
) -> MassPlacement:
    """Place every line that is good and costs no more than was ``shown`` (service -> price); keep the others.

    ``text`` is what the lines were read from: what is kept of another text stays kept.
    The orders, their holds and what is kept are one transaction. Raises NotEnoughMoney, DepositHeld,
    WalletFrozen, NothingToPlace and PriceUnsteady; each leaves nothing behind, and what was kept as it was.
    """
    try:
        with gc_disabled():
            return _place(customer, lines, shown, nonce, now, text)
    except Refusal:
        # The first one with this nonce may have taken the money, or the links, while this one was being checked.
        if (first := _first(customer, nonce)) is not None:
            return first
        raise


def _first(customer: User, nonce: str) -> MassPlacement | None:
    found = MassOrder.objects.filter(customer=customer, nonce=nonce).first()
    return None if found is None else MassPlacement(found, is_repeat=True)


def _place(
    customer: User, lines: Sequence[Line], shown: Mapping[int, Decimal], nonce: str, now: datetime, text: str | None
) -> MassPlacement:
    for _try in range(_TRIES):
        if (first := _first(customer, nonce)) is not None:
            return first
        # 1. What can be placed at the prices that were shown.
        checked = check_lines(lines, customer_id=customer.pk, now=now)
        is_shown = [c for c in checked if c.quote and c.quote.price <= shown.get(c.quote.service.pk, Decimal(-1))]
        if not is_shown:
            raise NothingToPlace(_("Nothing was placed: no line can be placed as it is."))
        for service in {c.line.service for c in checked if c.fault is Fault.BELOW_COST and c.line.service}:
            alert_sale_below_cost(service, now=now)
        # 2. The money for all of it.
        demand_money(read_purse(customer.pk), total_of(is_shown))
        # 3. All of them, unless something has changed since: then once more from the start.
        try:
            with transaction.atomic():
                return _write(customer, lines, is_shown, shown, nonce, now, text)
        except _Changed:
            continue
        except IntegrityError as problem:
            if (refusal := ledger.refusal_of(problem)) is None:
                raise
            raise refusal from problem
    raise PriceUnsteady(_("Prices are changing at this moment. Nothing was charged; please try again."))


def _write(
    customer: User,
    lines: Sequence[Line],
    placed: list[Checked],
    shown: Mapping[int, Decimal],
    nonce: str,
    now: datetime,
    text: str | None,
) -> MassPlacement:
    # 1. Where a service takes one order at a time for a link, what is open is asked under the lock for that.
    if any(c.quote and c.quote.service.same_link is not SameLink.WARN for c in placed):
        one_at_a_time(customer.pk)
        placed = [c for c in same_links(placed, customer_id=customer.pk) if c.quote]
        if not placed:
            raise NothingToPlace(_("Nothing was placed: no line can be placed as it is."))
    numbers = new_numbers(len(placed))
    number_of = {c.line.number: number for c, number in zip(placed, numbers, strict=True)}

    # 2. The mass order itself. A second one with the same nonce waits here for the end of the first.
    mass, is_new = MassOrder.objects.get_or_create(
        customer=customer,
        nonce=nonce,
        defaults={
            "numbers": numbers,
            "lines": [c.line.number for c in placed],
            "charge": total_of(placed),
            "left": len(lines) - len(placed),
            "created_at": now,
        },
    )
    if not is_new:
        return MassPlacement(mass, is_repeat=True)

    # 3. Its orders.
    digest = hashlib.sha256(nonce.encode()).hexdigest()[:40]
    orders = [
        NewOrder(number_of[c.line.number], c.quote, f"{digest}:{c.line.number}", _waits_for(c, number_of))
        for c in placed
        if c.quote
    ]
    if not write_orders(customer_id=customer.pk, actor=customer.email, orders=orders, source=Source.MASS, now=now):
        raise _Changed

    # 4. What is left stays where it was typed.
    left = [line for line in lines if line.number not in number_of]
    services = {line.service for line in left}
    risen = {service: price for service, price in shown.items() if service in services}
    keep_left(customer, text_of(left), of=text, now=now, risen=risen)
    ring_soon_on_commit(FORWARD)
    return MassPlacement(mass)


def _waits_for(c: Checked, number_of: Mapping[int, int]) -> int | None:
    if c.quote is None or c.quote.service.same_link is not SameLink.WAIT:
        return None
    return number_of[c.earlier_line] if c.earlier_line is not None else c.open_order
