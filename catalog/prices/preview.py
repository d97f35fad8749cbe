"""What a rule would do, before it is saved. Writes nothing."""

from copy import copy
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from accounts.models import CustomerGroup
from catalog.models import MarkupRule, Provider, Service
from catalog.prices.reprice import Known, known_prices
from catalog.prices.rulebook import Priced, RuleBook
from catalog.pricing import cost_of_unit
from core.money import divide, multiply

MOST_SHOWN = 100


class Effect(NamedTuple):
    """One price that would change, with its cost and the share of the new price that stays, in percent."""

    service_id: int
    old: Decimal | None
    new: Decimal | None
    cost: Decimal
    margin: Decimal | None
    name: str = ""


@dataclass
class Preview:
    """``covered`` services would get their price from the rule; ``shown`` holds the changes of worst margin."""

    covered: int = 0
    changed: int = 0
    dearer: int = 0
    cheaper: int = 0
    unchanged: int = 0
    lowest_margin: Decimal | None = None
    shown: list[Effect] = field(default_factory=list)


def preview(candidate: MarkupRule) -> Preview:
    """The effect of saving ``candidate``, whether it is new or stands already with other terms."""
    providers = list(Provider.objects.all())
    standing = list(MarkupRule.objects.filter(is_active=True))
    others = [rule for rule in standing if rule.pk != candidate.pk]
    before = RuleBook(standing, providers)
    trial = copy(candidate)
    trial.pk = candidate.pk or 0  # None would say that a provider's own markup made the price
    after = RuleBook([*others, trial], providers)
    return _effects(before, after, trial, {provider.pk: provider.exchange_rate for provider in providers})


def _effects(before: RuleBook, after: RuleBook, rule: MarkupRule, exchange: dict[int, Decimal]) -> Preview:
    found, effects = Preview(), []
    for known in known_prices():
        old, new = _prices(known, before, rule.group), after.price(known.facts, rule.group)
        found.covered += new.rule_id == rule.pk and new.price is not None
        if old.price == new.price:
            found.unchanged += 1
            continue
        cost = cost_of_unit(known.facts.rate or Decimal(0), exchange[known.facts.provider_id])
        effects.append(Effect(known.facts.service_id, old.price, new.price, cost, _margin(new.price, cost)))
    found.changed = len(effects)
    found.dearer = sum(e.old is not None and e.new is not None and e.new > e.old for e in effects)
    found.cheaper = sum(e.old is not None and e.new is not None and e.new < e.old for e in effects)
    found.lowest_margin = min((e.margin for e in effects if e.margin is not None), default=None)
    found.shown = _named(sorted(effects, key=_worst_first)[:MOST_SHOWN])
    return found


def _prices(known: Known, before: RuleBook, group: CustomerGroup | None) -> Priced:
    """The price now: stored for everybody, made of the rules for a group."""
    return before.price(known.facts, group) if group else Priced(known.price, known.rule_id)


def _margin(price: Decimal | None, cost: Decimal) -> Decimal | None:
    return divide(multiply(price - cost, 100), price) if price else None


def _worst_first(effect: Effect) -> tuple[Decimal, int]:
    return (effect.margin if effect.margin is not None else Decimal(-1), effect.service_id)


def _named(effects: list[Effect]) -> list[Effect]:
    names = dict(Service.objects.filter(pk__in=[e.service_id for e in effects]).values_list("pk", "name"))
    return [effect._replace(name=names[effect.service_id]) for effect in effects]
