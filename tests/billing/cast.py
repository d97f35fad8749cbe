"""The cast of the stories about money: customers with a wallet, and orders whose rows fit their money."""

import uuid
from decimal import Decimal
from typing import Any

from accounts.models import User
from billing import ledger
from billing.models import Account, AccountKind, Code, Hold
from catalog.models import Category, Provider, ProviderService, Service
from core.clock import database_now
from orders.models import (
    EventKind,
    ForwardAttempt,
    Order,
    OrderEvent,
    Refill,
    RefillAttempt,
    RepeatAttempt,
    RequestIdTest,
)
from orders.states import Forward, Outcome

ONE = Decimal("1.00000")


def money(text: str) -> Decimal:
    return Decimal(text).quantize(Decimal("0.00001"))


def customer(email: str = "alice@example.com", has: str = "100") -> User:
    user = User.objects.create_user(email)
    if Decimal(has):
        ledger.credit(
            customer=user, amount=money(has), reason="Bank transfer", reference=f"start:{email}", actor="owner"
        )
    return user


def balance(user: User) -> Decimal:
    return Account.objects.get(customer=user).balance


def hold(user: User, reference: str, amount: Decimal) -> None:
    """Hold the charge of an order; the shop does it in the statement that writes the order."""
    wallet, held = ledger.wallet_of(user), ledger.own_account_id(AccountKind.HELD)
    ledger.post([ledger.Posting(f"{reference}:hold", Code.HOLD, wallet.pk, held, amount, reference)])


def own(kind: AccountKind) -> int:
    return ledger.own_account_id(kind)


def provider(name: str = "Gulf", key: str = "a-key-nobody-may-see") -> Provider:
    row = Provider(name=name, url="http://127.0.0.1:9/api/v2", markup_percent=Decimal(30))
    row.set_key(key)
    row.save()
    return row


def service(of: Provider | None = None, external_id: str = "1") -> Service:
    source = ProviderService.objects.create(
        provider=of or provider(), external_id=external_id, name="Followers", type="Default", rate=Decimal("0.5"),
        min=1, max=100_000, refill=True,
    )  # fmt: skip
    category, _made = Category.objects.get_or_create(name="Instagram")
    return Service.objects.create(source=source, category=category, name="Followers", min=1, max=100_000, price=ONE)


def order_row(user: User, sold: Service, charge: str = "1", **columns: Any) -> Order:
    """The row alone, as no deed of the shop would leave it: its money is missing."""
    return Order.objects.create(
        **{
            "customer": user, "service": sold, "provider": sold.source.provider, "external_service_id": "1",
            "service_name": sold.name, "service_type": "Default", "unit": "per_1000", "link": "https://example.com/p/1",
            "quantity": 1000, "total": 1000, "fields": {"link": "https://example.com/p/1", "quantity": "1000"},
            "price": money(charge), "charge": money(charge), "expected_cost": money(charge) / 2,
            "expected_charge": money(charge) / 2, "provider_currency": "USD", "next_at": database_now(), **columns,
        }
    )  # fmt: skip


def order(user: User, sold: Service, charge: str = "1", **columns: Any) -> Order:
    """A queued order with its money held."""
    row = order_row(user, sold, charge, **columns)
    hold(user, row.reference, row.charge)
    OrderEvent.objects.create(order=row, kind=EventKind.ACCEPTED, detail={"source": "web"}, actor=user.email)
    return row


def _claim(of: Order, n: int) -> dict[str, Any]:
    now = database_now()
    return {
        "n": n, "provider": of.provider, "token": uuid.uuid4(), "lane": 1, "lane_pid": 1, "lane_started": now,
        "claimed_at": now, "leased_until": now,
    }  # fmt: skip


def attempt(of: Order, n: int = 1, **columns: Any) -> ForwardAttempt:
    return ForwardAttempt.objects.create(**{**_claim(of, n), "order": of, "expected_cost": of.expected_cost, **columns})


def refill(of: Order, **columns: Any) -> Refill:
    return Refill.objects.create(order=of, provider=of.provider, **columns)


def refill_attempt(of: Refill, n: int = 1, **columns: Any) -> RefillAttempt:
    return RefillAttempt.objects.create(**{**_claim(of.order, n), "refill": of, **columns})


def repeat(of: ForwardAttempt, n: int = 1, **columns: Any) -> RepeatAttempt:
    return RepeatAttempt.objects.create(**{**_claim(of.order, n), "attempt": of, **columns})


def request_test(provider: Provider, **columns: Any) -> RequestIdTest:
    facts = {"external_service_id": "1", "service_name": "Followers", "fields": {}, "expected_charge": money("1")}
    facts |= {"currency": "USD", "settings": "x", "actor": "owner", "actor_code": "staff:1"}
    return RequestIdTest.objects.create(**{**facts, "provider": provider, "request_id": uuid.uuid4(), **columns})


def move(of: Order, *states: Forward, **columns: Any) -> Order:
    for state in states:
        last = columns if state is states[-1] else {}
        Order.objects.filter(pk=of.pk).update(forward_state=state, **last)
    of.refresh_from_db()
    return of


def end(tried: ForwardAttempt | RefillAttempt, *outcomes: Outcome, **columns: Any) -> None:
    for outcome in outcomes:
        last = columns if outcome is outcomes[-1] else {}
        type(tried).objects.filter(pk=tried.pk).update(outcome=outcome, **last)
    tried.refresh_from_db()


def sending(of: Order) -> ForwardAttempt:
    tried = attempt(of)
    end(tried, Outcome.SENDING, sent_at=database_now())
    move(of, Forward.CLAIMED, Forward.SENDING, sent_at=database_now())
    return tried


def doubted(of: Order, **evidence: Any) -> ForwardAttempt:
    tried = sending(of)
    end(tried, Outcome.IN_DOUBT, reason="the answer was lost", evidence=evidence)
    move(of, Forward.IN_DOUBT, next_at=None)
    return tried


def placed(of: Order, upstream_id: str = "9001", **columns: Any) -> ForwardAttempt:
    tried = sending(of)
    end(tried, Outcome.PLACED, upstream_id=upstream_id, send_calls=1)
    move(of, Forward.PLACED, upstream_id=upstream_id, placed_at=database_now(), **columns)
    return tried


def settled(of: Order, due: str = "0", **columns: Any) -> None:
    """The money of an order that is over: ``due`` back, the rest earned."""
    hold = Hold.objects.get(pk=of.reference)
    ledger.post(ledger.settlement_postings(hold, money(due), close=True))
    Order.objects.filter(pk=of.pk).update(refunded=money(due), finished_at=database_now(), **columns)
    of.refresh_from_db()
