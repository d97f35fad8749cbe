"""Saves and deletes markup rules together with the prices that follow from them."""

from datetime import datetime

from django.db import transaction

from catalog.locks import lock_all_providers
from catalog.models import MarkupRule
from catalog.prices.reprice import reprice_all


def save_rule(rule: MarkupRule, *, now: datetime) -> int:
    """Save ``rule``; how many prices changed with it. Raises IntegrityError if another active rule is for the same."""
    with transaction.atomic():
        # Before the rule is written: a sync that holds a provider would otherwise finish with the old rules after us.
        lock_all_providers()
        rule.save()
        return reprice_all(now=now)


def delete_rule(rule: MarkupRule, *, now: datetime) -> int:
    """Delete ``rule``; how many prices changed without it."""
    with transaction.atomic():
        lock_all_providers()
        rule.delete()
        return reprice_all(now=now)
