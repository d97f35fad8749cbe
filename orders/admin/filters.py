from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orders.models import Order
from orders.states import Forward

IN_DOUBT = Q(forward_state__in=[Forward.IN_DOUBT, Forward.REVIEW])
NEEDS_REVIEW = ~Q(needs_review="")


class AttentionFilter(admin.SimpleListFilter):
    """Orders that wait for a person."""

    title = _("waits for you")
    parameter_name = "needs"
    conditions: dict[str, tuple[str | Promise, Q]] = {
        "doubt": (_("In doubt"), IN_DOUBT),
        "look": (_("Needs review"), NEEDS_REVIEW),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(name, label) for name, (label, _condition) in self.conditions.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        chosen = self.conditions.get(self.value() or "")
        return queryset.filter(chosen[1]) if chosen else queryset


def search_condition(term: str) -> Q:
    """What one word of the search box finds: a number, ours or the provider's, a link, or an e-mail address."""
    number = term.removeprefix("#")
    found = Q(upstream_id=term) | Q(link__icontains=term) | Q(customer__email__icontains=term)
    if number.isascii() and number.isdigit():
        found = Q(pk=number) | Q(upstream_id=number)
    return found
