"""Money on a provider's account that no order moved: the opening balance, the owner's deposits, corrections."""

from datetime import datetime
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from catalog.models import Provider
from core.money import LIMIT
from core.refusals import Refusal
from orders.models import EntryKind, ProviderEntry

PLACES = 18


class BadEntry(Refusal):
    """Not an amount that can be entered, or a second opening balance."""

    code = "bad_entry"


class EntryKeyReused(Exception):
    """The same key with other figures: a bug in the caller, or a form that was edited after it was sent."""


def enter(
    provider: Provider,
    kind: EntryKind,
    amount: Decimal,
    *,
    key: str,
    memo: str,
    actor: str,
    now: datetime,
    reference: str = "",
) -> bool:
    """Write one entry in the provider's currency; False if it was there. Raises BadEntry and EntryKeyReused."""
    exponent = amount.as_tuple().exponent if amount.is_finite() else None
    if not isinstance(exponent, int) or not -LIMIT < amount < LIMIT or -exponent > PLACES:
        raise BadEntry(_("This is not an amount that a provider's account can hold."))
    if kind is EntryKind.DEPOSIT and amount <= 0:
        raise BadEntry(_("A deposit must be more than 0."))
    if kind is EntryKind.CORRECTION and amount == 0:
        raise BadEntry(_("A correction must not be 0."))
    entry = ProviderEntry(
        provider=provider,
        kind=kind,
        amount=amount,
        currency=provider.currency,
        key=key[:80],
        reference=reference[:120],
        memo=memo[:300],
        actor=actor[:254],
        at=now,
    )
    try:
        with transaction.atomic():
            entry.save(force_insert=True)
    except IntegrityError:
        first = ProviderEntry.objects.filter(key=entry.key).first()
        if first is None:
            raise BadEntry(_("This account already has an opening balance; a correction changes it.")) from None
        facts = ("provider_id", "kind", "amount", "reference", "memo")
        if any(getattr(first, name) != getattr(entry, name) for name in facts):
            raise EntryKeyReused(entry.key) from None
        return False
    return True


def opening_of(provider_id: int) -> Decimal | None:
    """The opening balance, None until there is one."""
    openings = ProviderEntry.objects.filter(provider=provider_id, kind=EntryKind.OPENING)
    return openings.values_list("amount", flat=True).first()
