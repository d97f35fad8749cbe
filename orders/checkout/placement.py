"""Places an order with its money held: one statement reads what it is made of, one writes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts import key_use
from accounts.models import User
from billing import ledger
from billing.models import AccountKind
from catalog.models import SameLink
from catalog.prices.terms import last_terms
from core.prepared import Part
from core.refusals import Refusal
from notices import causes
from notices.alerts import raise_alert
from orders.checkout.insert import write_order
from orders.checkout.offers import Offer, Purse, read_offer
from orders.checkout.quotes import Quote, SaleBelowCost, quote_of
from orders.checkout.same_link import LinkHasOpenOrder, one_at_a_time, open_order_for
from orders.checkout.subscriptions import is_subscription
from orders.doorbell import FORWARD, ring_soon_on_commit
from orders.models import Order

#: How often an offer is read in all, when it keeps changing before the order is written.
_TRIES = 3


class PriceMoved(Refusal):
    """The charge is higher than the one the customer saw; nothing was bought. ``quote`` holds the new one."""

    code = "price_moved"

    def __init__(self, quote: "Quote") -> None:
        self.quote = quote
        super().__init__(_("The price changed while you were typing. Check the new price and place the order again."))


class PriceUnsteady(Refusal):
    """What the order was computed from changed before each try to write it; nothing was bought."""

    code = "price_unsteady"


@dataclass(frozen=True)
class Placement:
    """``is_repeat`` when the nonce had been used: the order is then the first one, and nothing was charged again."""

    number: int
    is_repeat: bool = False

    @cached_property
    def order(self) -> Order:
        return Order.objects.get(pk=self.number)


def quote(
    *, service_id: int, fields: Mapping[str, str], customer: User | None = None, now: datetime | None = None
) -> Quote:
    """Return what this order would cost now, for ``customer`` at the prices of their group. Writes nothing.

    ``now`` is only needed to check dates among the fields. Raises ServiceUnavailable, BadFields, SaleBelowCost.
    """
    offer = read_offer(customer_id=customer.pk if customer else None, service_id=service_id)
    return quote_of(offer.terms, fields, now=now)


def place_order(
    *,
    customer: User,
    service_id: int,
    fields: Mapping[str, str],
    shown_charge: Decimal | None = None,
    nonce: str | None = None,
    source: str = "web",
    now: datetime,
    offer: Offer | None = None,
    also: Part | None = None,
    api_key_id: int | None = None,
) -> Placement:
    """Price, check and write an order and its hold, all or nothing; wake a worker once it is committed.

    ``fields`` are the provider API's own names (link, quantity, comments, …). A repeated ``nonce`` of the same customer
    returns the first order. With ``shown_charge`` a higher charge buys nothing. ``offer`` spares reading it, where the
    caller read it a moment ago; ``also`` is written in the same statement (`orders.checkout.insert`). An order through
    an API key counts towards its daily limit.

    Raises ServiceUnavailable, BadFields, PriceMoved, PriceUnsteady, SaleBelowCost, NotEnoughMoney, DepositHeld,
    WalletFrozen, DailyLimitReached, LinkHasOpenOrder; each leaves nothing behind.
    """
    for _try in range(_TRIES):
        # 1. What the order is made of, and whether it was placed before.
        offer = offer or read_offer(customer_id=customer.pk, service_id=service_id, nonce=nonce)
        if offer.first_id is not None:
            return Placement(offer.first_id, is_repeat=True)

        # 2. The price, and whether there is money for it.
        try:
            q = quote_of(offer.terms, fields, now=now)
        except SaleBelowCost:
            alert_sale_below_cost(service_id, now=now)
            raise
        if shown_charge is not None and q.charge > shown_charge:
            raise PriceMoved(q)
        demand_money(offer.purse, q.charge)

        # 3. The order, unless something of the offer has changed since: then once more from the start.
        write = _write_in_turn if _is_one_at_a_time(q) else _write
        try:
            placement = write(customer, q, nonce, source, now, also, api_key_id)
        except IntegrityError as problem:
            if (refusal := ledger.refusal_of(problem) or key_use.refusal_of(problem)) is None:
                raise
            raise refusal from problem
        if placement is not None:
            return placement
        offer = None
    raise PriceUnsteady(_("Prices are changing at this moment. Nothing was charged; please try again."))


def place_from_memory(
    *,
    customer: User,
    service_id: int,
    fields: Mapping[str, str],
    nonce: str | None,
    source: str,
    only_while: Part,
    also: Part | None = None,
    api_key_id: int | None = None,
) -> Placement | None:
    """Place an order from terms that an earlier offer read; None, and nothing is bought, wherever that cannot be done.

    Then :func:`place_order` finds out why. Nothing remembered is trusted: the statement that writes compares the
    catalog, checks the wallet, and requires ``only_while``, the condition under which ``customer`` is known.
    """
    terms = last_terms(service_id, customer.group_id, customer.pk)
    # The date of a subscription is checked against the time, and no time has been read here.
    if terms is None or is_subscription(terms.service):
        return None
    try:
        q = quote_of(terms, fields, now=None)
        if _is_one_at_a_time(q):
            return None
        number = write_order(
            customer_id=customer.pk,
            actor=customer.email,
            quote=q,
            nonce=nonce,
            source=source,
            now=None,
            also=also,
            only_while=only_while,
            api_key_id=api_key_id,
        )
    except (Refusal, IntegrityError):
        return None
    if number is None:
        return None
    ring_soon_on_commit(FORWARD)
    return Placement(number)


def _is_one_at_a_time(q: Quote) -> bool:
    """Whether earlier orders for the same link have to be looked for; False costs no query."""
    return bool(q.fields.link_key) and q.service.same_link is not SameLink.WARN


def _write(
    customer: User,
    q: Quote,
    nonce: str | None,
    source: str,
    now: datetime,
    also: Part | None,
    api_key_id: int | None,
    waits_for: int | None = None,
) -> Placement | None:
    number = write_order(
        customer_id=customer.pk, actor=customer.email, quote=q, nonce=nonce, source=source, now=now, also=also,
        waits_for=waits_for, api_key_id=api_key_id,
    )  # fmt: skip
    if number is None:
        return None
    if waits_for is None:
        ring_soon_on_commit(FORWARD)
    return Placement(number)


def _write_in_turn(
    customer: User,
    q: Quote,
    nonce: str | None,
    source: str,
    now: datetime,
    also: Part | None,
    api_key_id: int | None,
) -> Placement | None:
    """Write the order unless an earlier one for its link is open: then it waits for that one, or is refused."""
    with transaction.atomic():
        one_at_a_time(customer.pk)
        key, service = q.fields.link_key, q.service
        earlier = open_order_for(customer_id=customer.pk, service_id=service.pk, link_key=key)
        if earlier is not None and nonce is not None and earlier.nonce == nonce:
            return Placement(earlier.pk, is_repeat=True)
        if earlier is not None and service.same_link is SameLink.REFUSE:
            raise LinkHasOpenOrder(earlier)
        waits_for = earlier.pk if earlier else None
        return _write(customer, q, nonce, source, now, also, api_key_id, waits_for=waits_for)


def demand_money(purse: Purse | None, charge: Decimal) -> None:
    """See that a wallet can pay ``charge`` now. Raises NotEnoughMoney, DepositHeld, WalletFrozen."""
    if purse is None:
        raise ledger.too_little_money()
    if purse.is_frozen:
        raise ledger.wallet_is_frozen()
    if purse.balance < charge:
        raise ledger.too_little_money()
    if purse.spendable < charge:
        raise ledger.deposit_is_held()
    if purse.held_id is None:
        # Only before the shop's very first order: this makes the account, and the statement that places finds it.
        ledger.own_account_id(AccountKind.HELD)


def alert_sale_below_cost(service_id: int, *, now: datetime) -> None:
    """Alert the owner that somebody tried to order a service that would be sold below its cost."""
    raise_alert(causes.SOLD_BELOW_COST, now=now, service=service_id)
