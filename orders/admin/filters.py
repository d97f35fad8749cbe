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
from orders.pages import stuck
from orders.states import Forward

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
        "waiting": (_("Wait too long"), stuck.waiting),
        "failed": (_("Failed at the provider"), lambda _now: stuck.FAILED),
        "still": (_("No progress for a day"), stuck.without_progress),
        "cancel": (_("Cancellation unanswered"), stuck.not_canceled),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(name, label) for name, (label, _condition) in self.conditions.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        chosen = self.conditions.get(self.value() or "")
        return queryset.filter(chosen[1](database_now())) if chosen else queryset


class CustomerFilter(admin.SimpleListFilter):
    """Orders of one customer: links lead here, and the filter shows only while it is in use."""

    title = _("customer")
    parameter_name = "customer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        number = request.GET.get(self.parameter_name, "")
        if not (number.isascii() and number.isdigit() and len(number) < 18):
            return []
        return [(number, str(person)) for person in User.objects.filter(pk=int(number))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        known = [number for number, _person in self.lookup_choices]
        return queryset.filter(customer_id=int(self.value() or 0)) if self.value() in known else queryset


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
