"""What a rule would change, before it is saved. Writes nothing."""

from copy import copy
from decimal import Decimal

from catalog.models import MarkupRule, Provider, Service
from catalog.prices.comparison import Effect, Preview, digest_of, margin_of, summed
from catalog.prices.reprice import stored_prices
from catalog.prices.rulebook import Priced, RuleBook
from catalog.pricing import cost_of_unit


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
    covered, unchanged, effects = 0, 0, []
    for stored in stored_prices():
        facts = stored.facts
        old = before.price(facts, group) if group else Priced(stored.price, stored.rule_id)
        new = after.price(facts, group)
        covered += new.rule_id == trial.pk and new.price is not None
        if old.price == new.price:
            unchanged += 1
            continue
        cost = cost_of_unit(facts.rate or Decimal(0), exchange_rates[facts.provider_id])
        margins = margin_of(new.price, cost), margin_of(old.price, cost)
        effects.append(Effect(facts.service_id, old.price, new.price, cost, *margins))
    # 3. Counts, and the changes of the lowest margin with the names of their services.
    found = summed(effects, unchanged=unchanged)
    found.covered, found.digest = covered, digest_of(effects)
    rows = Service.objects.filter(pk__in=[e.service_id for e in found.shown]).values_list("pk", "name", "source__unit")
    about = {pk: (name, unit == "per_package") for pk, name, unit in rows}
    found.shown = [e._replace(name=about[e.service_id][0], is_per_package=about[e.service_id][1]) for e in found.shown]
    return found
