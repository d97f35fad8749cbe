from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orders.models import Order
from orders.states import Forward

IN_DOUBT = Q(forward_state__in=[Forward.IN_DOUBT, Forward.REVIEW])
NEEDS_LOOK = ~Q(needs_review="")


class AttentionFilter(admin.SimpleListFilter):
    """What waits for a person."""

    title = _("needs you")
    parameter_name = "needs"
    conditions: dict[str, tuple[str | Promise, Q]] = {
        "doubt": (_("In doubt"), IN_DOUBT),
        "look": (_("Needs a look"), NEEDS_LOOK),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(name, words) for name, (words, _condition) in self.conditions.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        chosen = self.conditions.get(self.value() or "")
        return queryset.filter(chosen[1]) if chosen else queryset


def search_condition(term: str) -> Q:
    """One word of the search box: a number (ours, perhaps with #, or the provider's), a link, or an e-mail address."""
    number = term.removeprefix("#")
    found = Q(upstream_id=term) | Q(link__icontains=term) | Q(customer__email__icontains=term)
    if number.isascii() and number.isdigit():
        found = Q(pk=number) | Q(upstream_id=number)
    return found
