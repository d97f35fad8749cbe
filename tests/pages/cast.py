"""A small shop with every kind of service, and orders brought into every state through the shop's own operations."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from allauth.account.models import EmailAddress

from accounts.models import User
from billing import ledger
from catalog.models import Category, Provider, ProviderService, Service
from catalog.shop.platforms import platform_of
from catalog.shop.search_text import searchable
from core.clock import database_now
from core.staff_actions import shell_actor
from orders import lifecycle, settlement
from orders.checkout.placement import place_order
from orders.following import order_answers
from orders.jobs.of_orders import REFILL, start_for_orders
from orders.mass.checking import check_lines
from orders.mass.placing import place_lines
from orders.mass.reading import read_lines
from orders.models import EventKind, Job, MassOrder, Order
from orders.states import Forward
from support.models import CannedAnswer
from support.tickets import add_note, answer, open_ticket
from tests.prices import marked_up
from upstream.messages import OrderStatus
from upstream.states import ProviderOrderState

PASSWORD = "correct horse battery"

#: name, category, type, rate, min, max, and what it allows.
SERVICES: list[tuple[str, str, str, str, int, int, str]] = [
    ("Instagram Followers · 30-day refill", "Instagram · Followers", "Default", "1.43", 100, 50_000, "refill dripfeed"),
    ("Instagram Followers · no refill", "Instagram · Followers", "Default", "0.57", 50, 100_000, "dripfeed"),
    ("Instagram Followers [ Max 500K ] [ R30 ]", "Instagram · Followers", "Default", "0.8612", 10, 500_000, ""),
    ("Instagram Likes · instant start", "Instagram · Likes", "Default", "0.073", 10, 300_000, "cancel"),
    ("Instagram Custom Comments", "Instagram · Comments", "Custom Comments", "6.5", 1, 1_000, ""),
    ("TikTok Followers · older profiles", "TikTok · Followers", "Default", "3.46", 100, 20_000, "refill"),
    ("TikTok Views <b>instant</b>", "TikTok · Views", "Default", "0.0032", 100, 10_000_000, ""),
    ("YouTube Views · watched 2 to 4 min", "YouTube · Views", "Default", "0.86", 500, 1_000_000, "refill"),
    ("Telegram Channel Members · 60-day refill", "Telegram · Members", "Default", "1.0153", 50, 100_000, "refill"),
    ("Monthly package, 30 posts", "Instagram · Packages", "Package", "24", 1, 1, ""),
    ("Poll votes", "X · Polls", "Poll", "2.2", 10, 5_000, ""),
    ("Posts for subscribers", "Instagram · Subscriptions", "Subscriptions", "1.9", 10, 5_000, ""),
]


def provider_of(name: str = "Alpha supply") -> Provider:
    provider = Provider(name=name, url="http://127.0.0.1:9/api/v2", markup_percent=Decimal(30))
    provider.set_key("secret")
    provider.save()
    return provider


def stock(provider: Provider | None = None, rows: list[Any] | None = None) -> list[Service]:
    """Put services on sale; ids follow the order of ``rows``."""
    provider = provider or provider_of()
    return [_sell(provider, n, *row) for n, row in enumerate(rows or SERVICES)]


def _sell(provider: Provider, n: int, *row: Any) -> Service:
    name, category, kind, rate, low, high, allows = row
    unit = "per_package" if "ackage" in kind else "per_1000"
    source = ProviderService.objects.create(
        provider=provider,
        external_id=str(n + 1),
        name=name,
        type=kind,
        unit=unit,
        category=category,
        rate=Decimal(rate),
        min=low,
        max=high,
        position=n,
        **{allowed: allowed in allows for allowed in ("refill", "cancel", "dripfeed")},
    )
    heading, _made = Category.objects.get_or_create(name=category, defaults={"position": n})
    service = Service.objects.create(
        source=source,
        category=heading,
        name=name,
        platform=platform_of(category, name),
        description="The profile must be public.<br>Do not change its name while the order is running.",
        min=low,
        max=high,
        price=marked_up(Decimal(rate), Decimal(1), Decimal(30)),
        position=n,
    )
    service.search_text = f"{searchable(f'{name} {category}')} {service.pk}"
    service.save()
    return service


def customer(email: str = "alice@example.com", money: str = "100") -> User:
    """Somebody who signs in with PASSWORD and has ``money`` in the wallet."""
    user = User.objects.create_user(email, PASSWORD)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    if Decimal(money):
        amount, reference = Decimal(money), f"start:{email}"
        ledger.credit(customer=user, amount=amount, reason="Bank transfer", reference=reference, actor="owner")
    return user


def refill_of_all(user: User) -> Job:
    """A job that asks for a refill of each order of ``user``, not begun yet."""
    numbers = Order.objects.filter(customer=user).values_list("pk", flat=True)
    return start_for_orders(customer=user, kind=REFILL, numbers=numbers, nonce="all", now=database_now())


def mass_order_of(user: User, service: Service, name: str = "mass") -> MassOrder:
    """Two orders placed together, with a third line that could not be placed and is kept."""
    text = "\n".join(f"{service.pk} | https://instagram.com/{name}.{n} | {100 * n}" for n in range(3))
    [shown] = {c.quote.price for c in check_lines(read_lines(text), customer_id=user.pk, now=database_now()) if c.quote}
    placed = place_lines(
        customer=user, lines=read_lines(text), shown={service.pk: shown}, nonce=name, now=database_now()
    )
    return placed.mass


@dataclass
class Orders:
    """Orders of one customer, each verb bringing one into a state as its name says."""

    who: User
    service: Service
    _upstream: int = 0

    def queued(self, quantity: int = 1000, link: str = "https://instagram.com/atelier.nord", **fields: str) -> Order:
        order_fields = {"link": link, "quantity": str(quantity), **fields}
        return place_order(customer=self.who, service_id=self.service.pk, fields=order_fields, now=database_now()).order

    def sending(self, **order_fields: Any) -> Order:
        return self._sent(self.queued(**order_fields))

    def _sent(self, order: Order) -> Order:
        now = database_now()
        lifecycle.move(order_id=order.pk, old=Forward.QUEUED, new=Forward.CLAIMED, now=now)
        lifecycle.move(
            order_id=order.pk, old=Forward.CLAIMED, new=Forward.SENDING, now=now, kind=EventKind.SENT,
            sent_at=now - timedelta(seconds=30),
        )  # fmt: skip
        return Order.objects.get(pk=order.pk)

    def in_doubt(self, **order_fields: Any) -> Order:
        return self._moved(self.sending(**order_fields), Forward.IN_DOUBT, EventKind.DOUBTED)

    def refused(self, **order_fields: Any) -> Order:
        order = self.sending(**order_fields)
        refused = self._moved(
            order, Forward.REFUSED, EventKind.REFUSED, finished_at=database_now(), last_refusal="bad_link",
            detail={"class": "bad_link"},
        )  # fmt: skip
        settlement.refund_everything(refused, now=database_now())
        return Order.objects.get(pk=order.pk)

    def placed(self, **order_fields: Any) -> Order:
        return self._taken(self.sending(**order_fields))

    def forwarded(self, order: Order) -> Order:
        """An order of a page, placed at the provider."""
        return self._taken(self._sent(order))

    def _taken(self, order: Order) -> Order:
        self._upstream += 1
        known_as = f"{self.who.pk}-{self.service.pk}-{self._upstream}"
        return self._moved(order, Forward.PLACED, EventKind.PLACED, upstream_id=known_as, placed_at=database_now())

    def running(self, *, remains: int, **order_fields: Any) -> Order:
        return self.hears(self.placed(**order_fields), ProviderOrderState.IN_PROGRESS, remains)

    def completed(self, **order_fields: Any) -> Order:
        return self.hears(self.placed(**order_fields), ProviderOrderState.COMPLETED, 0)

    def partial(self, *, remains: int, **order_fields: Any) -> Order:
        return self.hears(self.placed(**order_fields), ProviderOrderState.PARTIAL, remains)

    def canceled(self, **order_fields: Any) -> Order:
        return self.hears(self.placed(**order_fields), ProviderOrderState.CANCELED, None)

    def hears(self, order: Order, state: ProviderOrderState, remains: int | None, start_count: int = 12_480) -> Order:
        """What the provider says of ``order`` next."""
        now = database_now()
        said = OrderStatus(state=state, raw_state=state.value, start_count=start_count, remains=remains)
        order_answers.apply_answers({order.pk: said}, provider=order.provider, asked_at=now, now=now)
        return Order.objects.get(pk=order.pk)

    def _moved(self, order: Order, new: Forward, kind: EventKind, **columns: Any) -> Order:
        now = database_now()
        old = Forward(order.forward_state)
        assert lifecycle.move(order_id=order.pk, old=old, new=new, now=now, kind=kind, **columns)
        return Order.objects.get(pk=order.pk)

    def one_of_each(self) -> list[Order]:
        return [
            self.queued(),
            self.sending(),
            self.in_doubt(),
            self.placed(),
            self.running(remains=940, quantity=2500),
            self.completed(),
            self.partial(remains=157),
            self.canceled(),
            self.refused(),
        ]


def tickets_of(who: User, order: Order) -> list[int]:
    """A ticket with an answer, a note and long words, and one that waits; return their numbers."""
    now, subject = database_now(), f"Dropped {'x' * 90}"
    answered = open_ticket(customer=who, subject=subject, message="long" * 60, order=order, now=now)
    answer(ticket_id=answered, text="One line.\n\nAnother line.", actor=shell_actor(), close=False, now=now)
    add_note(ticket_id=answered, text="For staff", actor=shell_actor(), now=now)
    CannedAnswer.objects.create(title="We look at it " * 6, text="We look at {order}.")
    return [answered, open_ticket(customer=who, subject="Slow", message="When?", order=order, now=now)]
