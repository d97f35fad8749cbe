"""A month of finished orders for the demo, so that its services have measured times from the first minute.

The orders are of customers of their own and went to an earlier provider that is switched off: nobody asks about them,
and the account of the simulated provider stays its own. Each goes through the states, guards and transfers that every
order goes through, many at once; only the times are made up. One transaction: all of it or nothing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from accounts.models import User
from billing import ledger
from billing.models import AccountKind, Code, Hold
from catalog.models import Provider, Service
from catalog.prices.terms import Terms
from core.clock import database_now
from core.rowset import rowset
from notices.models import News
from orders import lifecycle, settlement
from orders.checkout.fields import BadFields
from orders.checkout.offers import read_offer
from orders.checkout.quotes import Quote, quote_of
from orders.facts import upkeep
from orders.models import EventKind, ForwardAttempt, Order, OwnId, Refill
from orders.profit import upkeep as profit
from orders.states import Explanation, Forward, Outcome, Progress, RefillState

PROVIDER = "Earlier provider"
ORDERS, DAYS, CUSTOMERS = 2_000, 30, 8
#: Where orders of each platform lead.
_LINKS = {
    "instagram": ("https://www.instagram.com/{}/", "https://www.instagram.com/p/{}/"),
    "tiktok": ("https://www.tiktok.com/@{}",),
    "youtube": ("https://www.youtube.com/@{}", "https://www.youtube.com/watch?v={}"),
    "telegram": ("https://t.me/{}",),
    "facebook": ("https://www.facebook.com/{}",),
    "x": ("https://x.com/{}",),
    "traffic": ("https://{}.example/",),
}
_ENDS = (Progress.COMPLETED, Progress.PARTIAL, Progress.CANCELED)
_SHARES = (92, 5, 3)

_POST = """
    INSERT INTO billing_transfer (key, code, source_id, target_id, amount, reference, memo, actor, created_at)
    SELECT p.key, p.code, p.source_id, p.target_id, p.amount, p.reference, p.memo, p.actor, p.at
    FROM ROWS FROM (json_to_recordset(%s) AS (
            key text, code text, source_id bigint, target_id bigint, amount numeric, reference text, memo text,
            actor text, at timestamptz
        )) WITH ORDINALITY AS p(key, code, source_id, target_id, amount, reference, memo, actor, at, place)
    ORDER BY p.place
"""


@dataclass(frozen=True)
class Pace:
    """How quickly one service starts and delivers, and how much of all orders is for it."""

    terms: Terms
    links: tuple[str, ...]
    start: float
    thousand: float
    weight: float


def add_history() -> int:
    """Add the orders and count their facts; return how many there are, 0 where they were added before."""
    if Provider.objects.filter(name=PROVIDER).exists():
        return 0
    dice, now = Random(20261122), database_now()  # noqa: S311  # the same history in every demo
    with transaction.atomic():
        provider = Provider(name=PROVIDER, url="https://earlier.example/api/v2", currency="USD", is_active=False)
        provider.set_key("an account that was closed")
        provider.save()
        customers = [User.objects.create_user(f"shopper-{n}@example.com") for n in range(1, CUSTOMERS + 1)]
        orders = _place(list(_orders(dice, provider, customers, now)), customers, now)
        _forward(orders, dice)
        _settle(orders)
        _ask_for_refills(orders, dice, now)
        News.objects.filter(customer__in=customers).delete()  # nobody gets a mail about history
    while upkeep.keep_up(now=database_now(), days=DAYS + 2, wait=True):
        pass
    # The shop may have counted these days already, while nothing had happened on them.
    profit.rebuild(now=now)
    while profit.keep_up(now=database_now(), days=DAYS + 2, wait=True):
        pass
    return len(orders)


def _paces(dice: Random) -> list[Pace]:
    """Services of the usual type: some start in minutes and some in hours; the first of the list sell most."""
    services = Service.objects.on_sale().filter(source__type="default", platform__in=_LINKS)
    rows = services.select_related("source").order_by("category__position", "position", "id")
    return [
        Pace(
            terms, _LINKS[service.platform], 60 * 10 ** dice.uniform(0.3, 2.0), 60 * 10 ** dice.uniform(0.9, 2.4),
            1.0 / (n + 8),
        )
        for n, service in enumerate(rows)
        if (terms := read_offer(customer_id=None, service_id=service.pk).terms)
    ]  # fmt: skip


def _quote(pace: Pace, dice: Random, n: int) -> Quote | None:
    """What an order of some usual quantity costs; None where the service takes none of the links."""
    low, high = pace.terms.service.min, pace.terms.service.max
    quantity = min(high, max(low, dice.choice((100, 200, 250, 500, 1000, 1000, 2000))))
    for link in pace.links:
        fields = {"link": link.format(f"harborcoffee{n % 97}"), "quantity": str(quantity)}
        try:
            return quote_of(pace.terms, fields, now=None)
        except BadFields:
            continue
    return None


def _orders(dice: Random, provider: Provider, customers: list[User], now: datetime) -> Iterator[Order]:
    """Orders as they ended, but queued still."""
    paces = _paces(dice)
    chosen = dice.choices(paces, [pace.weight for pace in paces], k=ORDERS) if paces else []
    moments = sorted(dice.uniform(0.05, DAYS) for _n in chosen)
    for n, (pace, days) in enumerate(zip(chosen, reversed(moments), strict=True)):
        quote = _quote(pace, dice, n)
        if quote is None:
            continue
        total, end = quote.fields.total, dice.choices(_ENDS, _SHARES)[0]
        wait = pace.start * 10 ** dice.gauss(0, 0.25)
        work = pace.thousand * total / 1000 * 10 ** dice.gauss(0, 0.2)
        # Placed so long ago that all of it is over.
        created = now - max(timedelta(days=days), timedelta(seconds=wait + work + 300))
        started = created + timedelta(seconds=wait)
        finished = started + timedelta(seconds=work)
        remains = {Progress.COMPLETED: 0, Progress.PARTIAL: dice.randrange(1, total), Progress.CANCELED: total}[end]
        order = Order(
            customer=dice.choice(customers),
            service=quote.service,
            provider=provider,
            external_service_id=quote.origin.external_id,
            service_name=quote.service.name,
            service_type=quote.origin.type,
            unit=quote.origin.unit,
            link=quote.fields.link,
            link_key=quote.fields.link_key,
            quantity=quote.fields.quantity,
            total=total,
            fields=quote.fields.sent,
            price=quote.price,
            charge=quote.charge,
            expected_cost=quote.cost,
            expected_charge=quote.provider_charge,
            provider_currency=provider.currency,
            created_at=created,
            progress=end,
            raw_state=str(end.label),
            remains=remains,
            start_count=dice.randrange(20, 20_000),
            provider_charge=Decimal(0) if end is Progress.CANCELED else quote.provider_charge,
            sent_at=created + timedelta(seconds=2),
            placed_at=created + timedelta(seconds=3),
            started_at=None if end is Progress.CANCELED else started,
            finished_at=finished,
            state_since=finished,
            answered_at=finished,
        )
        order.refunded = settlement.due_for(order, remains)
        yield order


def _place(orders: list[Order], customers: list[User], now: datetime) -> list[Order]:
    """Insert the orders, the money that pays for them, and their holds."""
    placed = Order.objects.bulk_create(orders, batch_size=500)
    wallets = {customer.pk: ledger.wallet_of(customer).pk for customer in customers}
    owner, held = ledger.own_account_id(AccountKind.OWNER), ledger.own_account_id(AccountKind.HELD)
    spent = dict.fromkeys(wallets, Decimal(20))
    for order in placed:
        spent[order.customer_id] += order.charge
    before = now - timedelta(days=DAYS + 1)
    credits = [
        (_credit(owner, wallets[pk], amount, f"history-{wallets[pk]}"), before) for pk, amount in sorted(spent.items())
    ]
    holds = [(_hold(order, wallets[order.customer_id], held), order.created_at) for order in placed]
    _post([*credits, *holds])
    return placed


def _credit(owner: int, wallet: int, amount: Decimal, reference: str) -> ledger.Posting:
    key = f"credit:{reference}"
    return ledger.Posting(key, Code.CREDIT, owner, wallet, amount, key, "For the history of the demo", "demo")


def _hold(order: Order, wallet: int, held: int) -> ledger.Posting:
    return ledger.Posting(f"{order.reference}:hold", Code.HOLD, wallet, held, order.charge, order.reference)


def _post(postings: Iterable[tuple[ledger.Posting, datetime]]) -> None:
    """Post transfers dated in the past, which the ledger's own operations never do."""
    rows = [{**vars(posting), "at": at} for posting, at in postings]
    with connection.cursor() as cursor:
        cursor.execute(_POST, [rowset(rows)])


def _forward(orders: list[Order], dice: Random) -> None:
    """Claim, send and place each order, as its provider took it."""
    now = database_now()
    ids = [order.pk for order in orders]
    attempts = ForwardAttempt.objects.bulk_create(
        [
            ForwardAttempt(
                order=order,
                n=1,
                provider_id=order.provider_id,
                token=UUID(int=dice.getrandbits(128)),
                lane=0,
                lane_pid=0,
                lane_started=now,
                claimed_at=order.created_at,
                leased_until=order.created_at + timedelta(minutes=1),
                sent_at=order.sent_at,
                answered_at=order.placed_at,
                send_calls=1,
                expected_cost=order.expected_cost,
            )
            for order in orders
        ],
        batch_size=500,
    )
    rows, tries = Order.objects.filter(pk__in=ids), ForwardAttempt.objects.filter(pk__in=[a.pk for a in attempts])
    rows.update(forward_state=Forward.CLAIMED)
    rows.update(forward_state=Forward.SENDING)
    tries.update(outcome=Outcome.SENDING)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE orders_forwardattempt SET outcome = %s, upstream_id = order_id::text"
            " WHERE outcome = %s AND order_id = ANY(%s)",
            [Outcome.PLACED.value, Outcome.SENDING.value, ids],
        )
        cursor.execute(
            "UPDATE orders_order SET forward_state = %s, upstream_id = id::text WHERE id = ANY(%s)",
            [Forward.PLACED.value, ids],
        )
    OwnId.objects.bulk_create(
        [
            OwnId(
                provider_id=attempt.provider_id,
                upstream_id=str(attempt.order_id),
                number=attempt.order_id,
                first_seen_at=attempt.claimed_at,
                explained=Explanation.ATTEMPT,
                attempt=attempt,
            )
            for attempt in attempts
        ],
        batch_size=500,
    )
    lifecycle.note_all([line for order in orders for line in _story(order)])


def _story(order: Order) -> Iterator[dict[str, Any]]:
    moments: list[tuple[EventKind, datetime | None, dict[str, Any]]] = [
        (EventKind.ACCEPTED, order.created_at, {"source": "web"}),
        (EventKind.SENT, order.sent_at, {"try": 1}),
        (EventKind.PLACED, order.placed_at, {"upstream_id": str(order.pk)}),
        (EventKind.STARTED, order.started_at, {"start_count": order.start_count}),
        (EventKind.FINISHED, order.finished_at, {"state": order.progress, "remains": order.remains}),
        (EventKind.REFUND, order.finished_at if order.refunded else None, {"amount": str(order.refunded)}),
    ]
    return (lifecycle.line(order.pk, kind, at, detail) for kind, at, detail in moments if at is not None)


def _settle(orders: list[Order]) -> None:
    """Bring the money of each order to where its end leaves it, in the order in which they ended."""
    holds = Hold.objects.in_bulk([order.reference for order in orders])
    accounts = {kind: ledger.own_account_id(kind) for kind in (AccountKind.HELD, AccountKind.REVENUE)}
    ended = sorted(((order.finished_at, order) for order in orders if order.finished_at), key=lambda pair: pair[0])
    _post(
        (posting, at)
        for at, order in ended
        for posting in ledger.settlement_postings(
            holds[order.reference], order.refunded, close=True, account_of=accounts.__getitem__
        )
    )


def _ask_for_refills(orders: list[Order], dice: Random, now: datetime) -> None:
    """A few of the completed orders dropped and were asked to be refilled; most of them were."""
    completed = [o for o in orders if o.progress == Progress.COMPLETED and o.service.source.refill]
    ended = [(o, o.finished_at) for o in completed if o.finished_at and o.finished_at < now - timedelta(hours=8)]
    refills = []
    for order, ended_at in dice.sample(ended, len(ended) // 20):
        asked = ended_at + timedelta(hours=dice.uniform(0, 1))
        state = dice.choices((RefillState.COMPLETED, RefillState.REJECTED), (9, 1))[0]
        refills.append(
            Refill(
                order=order,
                provider_id=order.provider_id,
                state=state,
                upstream_id=str(order.pk),
                raw_state=str(state.label),
                created_at=asked,
                finished_at=asked + timedelta(minutes=10 ** dice.uniform(1, 2.5)),
            )
        )
    Refill.objects.bulk_create(refills)
