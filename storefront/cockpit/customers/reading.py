"""What the page of a customer shows. Each part is read only for those who may see it, and by an index."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.freezing import FREEZE
from accounts.models import ApiKey, User
from billing.models import TopUp
from billing.queries import statement
from billing.topups.words import topup_state
from catalog.models import CustomerPrice
from catalog.prices.customer_prices import HAS_ENDED
from core.capped_count import MOST_COUNTED
from core.models import StaffAction
from core.staff_rights import SEES_MONEY
from orders.models import Order
from storefront.cockpit.customers.money import money_of_customer, profit_of_customer
from support.models import CustomerNote, Ticket

ORDERS_SHOWN, LINES_SHOWN, ROWS_SHOWN, NOTES_SHOWN = 10, 8, 5, 20


@dataclass(frozen=True)
class Rows:
    """The newest rows of a kind, and how many there are: at most MOST_COUNTED, more if ``is_more``."""

    rows: list[Any]
    total: int
    is_more: bool


@dataclass(frozen=True)
class Frozen:
    """Since when a customer is frozen, and by whom and why; empty if that was before reasons were kept."""

    at: datetime | None = None
    name: str = ""
    reason: str = ""


def part_of(rows: QuerySet[Any], shown: int) -> Rows:
    """Return the first rows of a query, counted up to MOST_COUNTED as the lists of the admin count."""
    found = list(rows[:shown])
    counted = len(found) if len(found) < shown else rows[: MOST_COUNTED + 1].values("pk").count()
    return Rows(found, min(counted, MOST_COUNTED), counted > MOST_COUNTED)


def frozen_state(customer: User) -> Frozen | None:
    """Return how it came that the customer is frozen, None for one who is not."""
    if customer.is_active:
        return None
    row = StaffAction.objects.filter(
        object_type=User._meta.label_lower, object_id=str(customer.pk), action=FREEZE
    ).first()
    if row is None:
        return Frozen()
    number = row.actor.removeprefix("staff:")
    who = User.objects.filter(pk=number).first() if number.isascii() and number.isdigit() else None
    return Frozen(row.at, str(who) if who else row.actor, row.reason)


def about_customer(request: HttpRequest, customer: User, *, now: datetime) -> dict[str, Any]:
    """Return the parts of the page, by name; a part that who asks may not see is missing."""
    may = request.user.has_perm
    makers: dict[str, tuple[str, Callable[[], Any]]] = {
        "money": ("billing.view_wallet", lambda: money_of_customer(customer)),
        "profit": (SEES_MONEY, lambda: profit_of_customer(customer, now=now)),
        "lines": ("billing.view_wallet", lambda: statement(customer, per_page=LINES_SHOWN).entries),
        "orders": (
            "orders.view_order",
            lambda: part_of(Order.objects.filter(customer=customer).order_by("-id"), ORDERS_SHOWN),
        ),
        "topups": ("billing.view_topup", lambda: _topups(customer)),
        "tickets": (
            "support.view_ticket",
            lambda: part_of(Ticket.objects.filter(customer=customer).order_by("-last_at", "-id"), ROWS_SHOWN),
        ),
        "keys": ("accounts.view_apikey", lambda: list(ApiKey.objects.filter(customer=customer, revoked_at=None))),
        "prices": (
            "catalog.view_customerprice",
            lambda: part_of(
                CustomerPrice.objects.filter(customer=customer)
                .select_related("service", "category")
                .annotate(has_ended=HAS_ENDED)
                .order_by("-pk"),
                ROWS_SHOWN,
            ),
        ),
        "notes": (
            "support.view_customernote",
            lambda: list(CustomerNote.objects.filter(customer=customer)[:NOTES_SHOWN]),
        ),
        "signs_in": ("accounts.view_user", lambda: _signs_in(customer)),
        "frozen_account": ("accounts.view_user", lambda: frozen_state(customer)),
    }
    return {name: make() for name, (right, make) in makers.items() if may(right)}


def _topups(customer: User) -> Rows:
    found = part_of(TopUp.objects.filter(customer=customer).select_related("method").order_by("-id"), ROWS_SHOWN)
    return Rows([(topup, topup_state(topup)) for topup in found.rows], found.total, found.is_more)


def _signs_in(customer: User) -> dict[str, Any]:
    sessions = UserSession.objects.filter(user=customer)
    return {
        "is_verified": EmailAddress.objects.filter(user=customer, email__iexact=customer.email, verified=True).exists(),
        "has_second_step": Authenticator.objects.filter(user=customer)
        .exclude(type=Authenticator.Type.RECOVERY_CODES)
        .exists(),
        "sessions": sessions.count(),
        "last": sessions.order_by("-last_seen_at").first(),
    }
