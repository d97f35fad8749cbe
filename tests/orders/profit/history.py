"""A random history of orders and payments at random moments, and its figures added up transfer by transfer."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil
from random import Random
from typing import Any

from django.db import connection

from accounts.models import User
from billing import ledger
from billing.models import AccountKind, Code, Hold, Transfer
from core.clock import database_now
from core.money import round_down
from core.staff_actions import shell_actor
from orders import refund_by_hand, settling_by_hand
from orders.models import Order
from orders.profit.reading import Figures
from orders.states import Progress
from tests.pages.cast import Orders, customer, provider_of, stock
from tests.roles import unguarded
from upstream.states import ProviderOrderState

#: What the second provider sells.
ROWS = [("Instagram Story Views", "Instagram · Stories", "Default", "0.9", 10, 50_000, "")]
#: Codes between a gateway and the shop's own accounts, or a wallet.
OUTSIDE: list[tuple[Code, AccountKind, AccountKind]] = [
    (Code.TOPUP, AccountKind.GATEWAY, AccountKind.WALLET),
    (Code.TOPUP_FEE, AccountKind.GATEWAY, AccountKind.FEES),
    (Code.FEE, AccountKind.FEES, AccountKind.GATEWAY),
    (Code.BONUS, AccountKind.BONUS, AccountKind.WALLET),
    (Code.BONUS_BACK, AccountKind.WALLET, AccountKind.BONUS),
    (Code.CHARGEBACK, AccountKind.WALLET, AccountKind.GATEWAY),
    (Code.CHARGEBACK_LOSS, AccountKind.LOSS, AccountKind.GATEWAY),
    (Code.LOSS_BACK, AccountKind.GATEWAY, AccountKind.LOSS),
]


def outside(dice: Random, who: User, n: int) -> None:
    """A movement of a payment: money in, a fee, a bonus, a chargeback."""
    code, source, target = dice.choice(OUTSIDE)
    wallet = ledger.wallet_of(who).pk
    gives, takes = (
        wallet
        if kind is AccountKind.WALLET
        else ledger.own_account_id(kind, "x" if kind is AccountKind.GATEWAY else "")
        for kind in (source, target)
    )
    amount = Decimal(dice.randrange(1, 200_000)).scaleb(-5)
    ledger.post([ledger.Posting(f"topup:{n}:{code}", code, gives, takes, amount, f"topup:{n}")])


def live(dice: Random, cast: list[Orders]) -> None:
    """One order with a random end, and sometimes an end after its end."""
    of = dice.choice(cast)
    order = of.placed(quantity=1000)
    ends: list[Callable[[], Any]] = [
        lambda: of.hears(order, ProviderOrderState.COMPLETED, 0),
        lambda: of.hears(order, ProviderOrderState.PARTIAL, dice.randrange(1, 1000)),
        lambda: of.hears(order, ProviderOrderState.CANCELED, None),
        lambda: None,
    ]
    dice.choices(ends, (6, 2, 1, 1))[0]()
    charge = None if dice.random() < 0.3 else Decimal(dice.randrange(0, 2_000_000)).scaleb(-6)
    Order.objects.filter(pk=order.pk).update(provider_charge=charge)


def change_later(dice: Random, cast: list[Orders]) -> None:
    """Late refunds, refunds by hand, and charges that are named after the end."""
    for order in Order.objects.filter(progress=Progress.COMPLETED).order_by("id"):
        of = next(o for o in cast if o.who.pk == order.customer_id and o.service.pk == order.service_id)
        if dice.random() < 0.3:
            of.hears(order, ProviderOrderState.PARTIAL, dice.randrange(1, 1000))
    for order in Order.objects.filter(progress__in=[Progress.COMPLETED, Progress.PARTIAL]).order_by("-id")[:4]:
        Order.objects.filter(pk=order.pk).update(needs_review="odd")
        seen = settling_by_hand.choice_of(Order.objects.get(pk=order.pk)).seen
        missing = dice.randrange(500, 1000)
        with suppress(settling_by_hand.MovesNothing):
            settling_by_hand.settle_by_hand(
                order_id=order.pk, missing=missing, seen=seen, actor=shell_actor(), reason="by hand", now=database_now()
            )
    for order in Order.objects.exclude(upstream_id=None).order_by("id")[:6]:
        left = refund_by_hand.refundable(order)
        if left.most and dice.random() < 0.7:
            amount = round_down(left.most * Decimal(dice.randrange(1, 101)) / 100) or left.most
            refund_by_hand.refund_by_hand(
                order_id=order.pk, amount=amount, seen=left.seen, actor=shell_actor(), reason="late", now=database_now()
            )


def spread(dice: Random, first: datetime, seconds: int) -> None:
    """Move every transfer to a moment of its own, in the order in which they were made."""
    ids = list(Transfer.objects.order_by("id").values_list("id", flat=True))
    moments = sorted(dice.uniform(0, seconds) for _id in ids)
    with unguarded(), connection.cursor() as cursor:
        for pk, at in zip(ids, moments, strict=True):
            cursor.execute(
                "UPDATE billing_transfer SET created_at = %s WHERE id = %s", [first + timedelta(seconds=at), pk]
            )


def cost_of(order: Order) -> Decimal:
    """The cost of an order that ended, computed with fractions."""
    expected = Fraction(order.expected_cost)
    if order.provider_charge is not None and order.expected_charge > 0:
        exact = expected * Fraction(order.provider_charge) / Fraction(order.expected_charge)
    else:
        exact = expected * Fraction(order.charge - order.refunded) / Fraction(order.charge)
    return Decimal(ceil(exact * 100_000)).scaleb(-5)


def ends_between(order: Order, begins: datetime, ends: datetime) -> bool:
    """True if the last transfer that took from the order's hold lies between, and nothing is held any more."""
    hold = Hold.objects.get(pk=order.reference)
    last = Transfer.objects.filter(reference=order.reference, code__in=[Code.SETTLE, Code.REFUND]).first()
    return bool(hold.charged == hold.earned + hold.refunded and last and begins <= last.created_at < ends)


def plain(begins: datetime, ends: datetime) -> Figures:
    """The figures of a stretch, added up transfer by transfer."""
    found: dict[str, Decimal] = {}

    def add(name: str, amount: Decimal) -> None:
        found[name] = found.get(name, Decimal(0)) + amount

    of_kind = {AccountKind.FEES: "fees", AccountKind.BONUS: "bonuses", AccountKind.LOSS: "losses"}
    of_code = {Code.SETTLE: "earned", Code.REFUND: "refunded", Code.LATE_REFUND: "late_refunds", Code.TOPUP: "topups"}
    orders = 0
    for t in Transfer.objects.filter(created_at__gte=begins, created_at__lt=ends).select_related("source", "target"):
        orders += t.code == Code.HOLD
        if t.code in of_code:
            add(of_code[Code(t.code)], t.amount)
        for account, sign in ((t.source, 1), (t.target, -1)):
            if account.kind in of_kind:
                add(of_kind[AccountKind(account.kind)], sign * t.amount)
    for order in Order.objects.all():
        if ends_between(order, begins, ends):
            add("cost", cost_of(order))
    users = User.objects.filter(date_joined__gte=begins, date_joined__lt=ends, is_staff=False).count()
    return Figures(orders=orders, customers=users, **found)


def random_history(dice: Random) -> tuple[list[Orders], datetime, datetime]:
    """Make it; return the cast, when it began, and now."""
    services = [*stock(provider_of())[:2], *stock(provider_of("Second source"), ROWS)]
    cast = [Orders(who, s) for who in (customer(), customer("bob@example.com")) for s in services]
    for n in range(25):
        live(dice, cast)
        outside(dice, dice.choice(cast).who, n)
    change_later(dice, cast)
    now = database_now()
    first = now - timedelta(days=6, seconds=dice.uniform(0, 80_000))
    spread(dice, first, int((now - first).total_seconds()) - 5)
    User.objects.update(date_joined=first + timedelta(seconds=dice.uniform(0, 400_000)))
    return cast, first, now
