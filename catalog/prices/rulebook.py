"""Which rule makes a price, and the price it makes."""

from collections.abc import Iterable
from copy import copy
from decimal import Decimal
from typing import NamedTuple

from accounts.models import CustomerGroup
from catalog.models import MarkupRule, Provider
from catalog.models.rule import SCOPES
from catalog.pricing import Markup, cost_of_unit, price_from
from core.money import LIMIT


class Facts(NamedTuple):
    """What the price of one service depends on, beside its provider and the rules."""

    service_id: int
    category_id: int
    service_type: str
    provider_id: int
    rate: Decimal | None
    own_price: Decimal | None = None


class Priced(NamedTuple):
    """A price, None where none can be shown, and the rule that made it, None where the provider's markup did."""

    price: Decimal | None
    rule_id: int | None


class RuleBook:
    """All active rules. ``providers`` are those whose exchange rate and markup the prices are made with."""

    def __init__(self, rules: Iterable[MarkupRule], providers: Iterable[Provider]) -> None:
        self._rules: dict[tuple[int | None, str, object], tuple[int | None, Markup]] = {
            (rule.group_id, rule.scope, rule.about): (rule.pk, rule.terms) for rule in rules if rule.is_active
        }
        self._scopes = [s for s in (*SCOPES, "everything") if any(s == scope for _g, scope, _a in self._rules)]
        self._groups = {group for group, _scope, _about in self._rules}
        self._know(providers)

    @classmethod
    def now(cls, providers: Iterable[Provider]) -> "RuleBook":
        """The rules as they stand in the database."""
        return cls(MarkupRule.objects.filter(is_active=True), providers)

    def at(self, providers: Iterable[Provider]) -> "RuleBook":
        """The same rules with other providers' exchange rates and markups."""
        book = copy(self)
        book._know(providers)
        return book

    def _know(self, providers: Iterable[Provider]) -> None:
        known = list(providers)
        self._exchange = {provider.pk: provider.exchange_rate for provider in known}
        self._usual = {provider.pk: (None, Markup(percent=provider.markup_percent)) for provider in known}

    def price(self, facts: Facts, group: CustomerGroup | None = None) -> Priced:
        if facts.rate is None or facts.rate <= 0:
            return Priced(None, None)
        rule_id, terms, percent = self._terms(facts, group)
        cost = cost_of_unit(facts.rate, self._exchange[facts.provider_id])
        price = price_from(cost, terms, group_percent=percent, own_price=facts.own_price)
        return Priced(price if price < LIMIT else None, rule_id)

    def _terms(self, facts: Facts, group: CustomerGroup | None) -> tuple[int | None, Markup, Decimal]:
        """The rule that fits best, and what the group adds to it: nothing, if the rule is the group's own."""
        if group is None:
            return *self._narrowest(facts, None), Decimal(0)
        if group.pk in self._groups and (found := self._fitting(facts, group.pk)):
            return *found, Decimal(0)
        return *self._narrowest(facts, None), group.percent

    def _narrowest(self, facts: Facts, group_id: int | None) -> tuple[int | None, Markup]:
        return self._fitting(facts, group_id) or self._usual[facts.provider_id]

    def _fitting(self, facts: Facts, group_id: int | None) -> tuple[int | None, Markup] | None:
        for scope in self._scopes:
            about = (
                None if scope == "everything" else getattr(facts, scope if scope == "service_type" else f"{scope}_id")
            )
            if found := self._rules.get((group_id, scope, about)):
                return found
        return None
