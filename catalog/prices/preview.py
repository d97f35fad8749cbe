"""What a rule would change, before it is saved. Writes nothing."""

from copy import copy
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from catalog.models import MarkupRule, Provider, Service
from catalog.prices.reprice import stored_prices
from catalog.prices.rulebook import Priced, RuleBook
from catalog.pricing import cost_of_unit
from core.money import divide, multiply

MOST_SHOWN = 100


class Effect(NamedTuple):
    """A price that would change, with the service's cost and the new margin, in percent of the price."""

    service_id: int
    old: Decimal | None
    new: Decimal | None
    cost: Decimal
    margin: Decimal | None
    name: str = ""


@dataclass
class Preview:
    """``covered`` counts the services priced by the rule; ``shown`` holds the changes with the lowest margin."""

    covered: int = 0
    changed: int = 0
    dearer: int = 0
    cheaper: int = 0
    unchanged: int = 0
    lowest_margin: Decimal | None = None
    shown: list[Effect] = field(default_factory=list)


def preview(candidate: MarkupRule) -> Preview:
    """Return the effect of saving ``candidate``, a new rule or an existing one with other values."""
    # 1. The rules before and after.
    providers = list(Provider.objects.all())
    active = list(MarkupRule.objects.filter(is_active=True))
    before = RuleBook(active, providers)
    trial = copy(candidate)
    trial.pk = candidate.pk or 0  # None would mean that a provider's own markup made the price
    after = RuleBook([*(rule for rule in active if rule.pk != candidate.pk), trial], providers)
    # 2. Every price under both. Prices for everybody are stored; a group's are made by the rules.
    exchange_rates = {provider.pk: provider.exchange_rate for provider in providers}
    group = trial.group
    found, effects = Preview(), []
    for stored in stored_prices():
        facts = stored.facts
        old = before.price(facts, group) if group else Priced(stored.price, stored.rule_id)
        new = after.price(facts, group)
        found.covered += new.rule_id == trial.pk and new.price is not None
        if old.price == new.price:
            found.unchanged += 1
            continue
        cost = cost_of_unit(facts.rate or Decimal(0), exchange_rates[facts.provider_id])
        margin = divide(multiply(new.price - cost, 100), new.price) if new.price else None
        effects.append(Effect(facts.service_id, old.price, new.price, cost, margin))
    # 3. Counts, and the changes of the lowest margin with the names of their services.
    found.changed = len(effects)
    found.dearer = sum(e.old is not None and e.new is not None and e.new > e.old for e in effects)
    found.cheaper = sum(e.old is not None and e.new is not None and e.new < e.old for e in effects)
    found.lowest_margin = min((e.margin for e in effects if e.margin is not None), default=None)
    effects.sort(key=lambda e: (e.margin if e.margin is not None else Decimal(-1), e.service_id))
    shown = effects[:MOST_SHOWN]
    names = dict(Service.objects.filter(pk__in=[e.service_id for e in shown]).values_list("pk", "name"))
    found.shown = [effect._replace(name=names[effect.service_id]) for effect in shown]
    return found
