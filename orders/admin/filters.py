from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from catalog.models import Provider
from core.clock import database_now
from core.numbers import ascii_digits
from orders.link_search import MOST_FOUND, nth_newest, with_link
from orders.models import Order
from orders.models.order import NOT_OVER
from orders.pages import stuck
from orders.states import Forward, Progress

IN_DOUBT = Q(forward_state__in=[Forward.IN_DOUBT, Forward.REVIEW])
NEEDS_REVIEW = ~Q(needs_review="")

#: A longer number is none of ours.
_MOST_DIGITS = 18
#: The most customers whose orders one search shows.
_MOST_PEOPLE = 200


class AttentionFilter(admin.SimpleListFilter):
    """Orders that wait for a person."""

    title = _("waits for you")
    parameter_name = "needs"
    conditions: dict[str, tuple[str | Promise, Callable[[datetime], Q]]] = {
        "doubt": (_("In doubt"), lambda _now: IN_DOUBT),
        "look": (_("Needs review"), lambda _now: NEEDS_REVIEW),
        "waiting": (_("Waiting too long"), stuck.waiting),
        "failed": (_("Failed at the provider"), lambda _now: stuck.FAILED),
        "slow": (_("Slower than usual"), stuck.slower_than_usual),
        "still": (_("No progress for a day"), stuck.without_progress),
        "cancel": (_("Cancellation unanswered"), stuck.not_canceled),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(name, label) for name, (label, _condition) in self.conditions.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        chosen = self.conditions.get(self.value() or "")
        return queryset.filter(chosen[1](database_now())) if chosen else queryset


class StateFilter(admin.SimpleListFilter):
    """Orders by how they stand, in four words."""

    title = _("state")
    parameter_name = "state"
    conditions: dict[str, tuple[str | Promise, Callable[[], Q]]] = {
        "open": (_("Open"), lambda: NOT_OVER),
        "completed": (_("Completed"), lambda: Q(progress__in=[Progress.COMPLETED, Progress.EXPIRED])),
        "partial": (_("Partial"), lambda: Q(progress=Progress.PARTIAL)),
        "canceled": (
            _("Canceled"),
            lambda: (
                Q(progress__in=[Progress.CANCELED, Progress.REFUNDED])
                | Q(forward_state__in=[Forward.REFUSED, Forward.REFUNDED])
            ),
        ),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(name, label) for name, (label, _condition) in self.conditions.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        chosen = self.conditions.get(self.value() or "")
        return queryset.filter(chosen[1]()) if chosen else queryset


class WayFilter(admin.ChoicesFieldListFilter):
    """Through what an order was placed."""

    def __init__(self, *where: Any, **named: Any) -> None:
        super().__init__(*where, **named)
        self.title = _("way of ordering")


def search_condition(term: str) -> Q:
    """What one word of the search box finds: a number, ours or the provider's, a link, or an e-mail address.

    Each is looked up by an index of its own; joined by OR in one query, Postgres would walk through all orders.
    """
    number = ascii_digits(term.removeprefix("#"))
    providers = list(Provider.objects.values_list("pk", flat=True))
    if number.isascii() and number.isdigit() and len(number) > _MOST_DIGITS:
        return Q(provider_id__in=providers, upstream_id=number)
    if number.isascii() and number.isdigit():
        return Q(pk=number) | Q(provider_id__in=providers, upstream_id=number)
    people = list(
        User.objects.filter(email__icontains=term).order_by("-pk").values_list("pk", flat=True)[:_MOST_PEOPLE]
    )
    orders = Order.objects.all()
    newest = orders.filter(pk__gte=nth_newest(orders), link__icontains=term).order_by()
    found = with_link(orders, term) | set(newest.values_list("pk", flat=True))
    found |= set(orders.filter(provider_id__in=providers, upstream_id=term).values_list("pk", flat=True))
    # A customer may have any number of orders, so these are no list of ids, unless something else was found as well.
    if not people or not found:
        return Q(customer_id__in=people) if people else Q(pk__in=found)
    for person in people:
        theirs = orders.filter(customer=person).order_by("-id").values_list("pk", flat=True)
        found |= set(theirs[:MOST_FOUND])
    return Q(pk__in=found)
