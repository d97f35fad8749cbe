"""Which rule makes a price, and the price it makes."""

from collections.abc import Iterable
from copy import copy
from decimal import Decimal
from typing import NamedTuple

from accounts.models import CustomerGroup
from catalog.models import MarkupRule, Provider
from catalog.models.rule import SCOPES
from catalog.pricing import Markup, cost_of_unit, marked_up, price_from
from core.money import LIMIT

_NO_PERCENT, _UNCHANGED = Decimal(0), Decimal(1)


class Facts(NamedTuple):
    """What the price of a service depends on, apart from its provider and the rules."""

    service_id: int
    category_id: int
    service_type: str
    provider_id: int
    rate: Decimal | None
    own_price: Decimal | None = None
    factor: Decimal = _UNCHANGED


class Priced(NamedTuple):
    """A price, None if it cannot be computed, and the rule that made it, None for the provider's markup."""

    price: Decimal | None
    rule_id: int | None


class RuleBook:
    """All active rules. ``providers`` are those whose exchange rate and markup the prices are made with."""

    def __init__(self, rules: Iterable[MarkupRule], providers: Iterable[Provider]) -> None:
        self._rules: dict[tuple[int | None, str, object], tuple[int | None, Markup]] = {
            (rule.group_id, rule.scope, rule.about): (rule.pk, rule.markup) for rule in rules if rule.is_active
        }
        self._scopes = [s for s in (*SCOPES, "everything") if any(s == scope for _g, scope, _a in self._rules)]
        self._groups = {group for group, _scope, _about in self._rules}
        self._set_providers(providers)

    @classmethod
    def now(cls, providers: Iterable[Provider]) -> "RuleBook":
        """The rules as they are in the database now."""
        return cls(MarkupRule.objects.filter(is_active=True), providers)

    def at(self, providers: Iterable[Provider]) -> "RuleBook":
        """The same rules with other providers' exchange rates and markups."""
        book = copy(self)
        book._set_providers(providers)
        return book

    def _set_providers(self, providers: Iterable[Provider]) -> None:
        known = list(providers)
        self._exchange = {provider.pk: provider.exchange_rate for provider in known}
        self._usual = {provider.pk: (None, Markup(percent=provider.markup_percent)) for provider in known}

    def price(self, facts: Facts, group: CustomerGroup | None = None) -> Priced:
        """Return the price by the narrowest rule that fits.

        A rule of the group's own comes first; under any other rule the group's percentage is added.
        """
        if facts.rate is None or facts.rate <= 0:
            return Priced(None, None)
        found, percent = None, _NO_PERCENT
        if group is not None:
            found = self._narrowest(facts, group.pk) if group.pk in self._groups else None
            percent = _NO_PERCENT if found else group.percent
        rule_id, markup = found or self._narrowest(facts, None) or self._usual[facts.provider_id]
        cost = cost_of_unit(facts.rate, self._exchange[facts.provider_id])
        price = price_from(cost, markup, factor=facts.factor, group_percent=percent, own_price=facts.own_price)
        return Priced(price if price < LIMIT else None, rule_id)

    def unadjusted(self, facts: Facts) -> Decimal | None:
        """Return what the markup makes of the cost, without adjustments, bounds and rounding; None without a rate."""
        if facts.rate is None or facts.rate <= 0:
            return None
        _rule_id, markup = self._narrowest(facts, None) or self._usual[facts.provider_id]
        return marked_up(cost_of_unit(facts.rate, self._exchange[facts.provider_id]), markup)

    def _narrowest(self, facts: Facts, group_id: int | None) -> tuple[int | None, Markup] | None:
        """The narrowest rule for the group, or for everybody, that fits; its id and markup."""
        for scope in self._scopes:
            about = (
                None if scope == "everything" else getattr(facts, scope if scope == "service_type" else f"{scope}_id")
            )
            if found := self._rules.get((group_id, scope, about)):
                return found
        return None
