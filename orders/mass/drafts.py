"""The lines of a mass order that a customer has typed, kept until they are placed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from accounts.models import User
from orders.mass.reading import joined, tidy
from orders.models import MassDraft

KEPT = timedelta(days=7)


@dataclass(frozen=True)
class Kept:
    """The text, and for services whose price rose before their lines were placed, the price that was shown before."""

    text: str = ""
    risen: dict[int, Decimal] = field(default_factory=dict)


def keep(customer: User, text: str, *, now: datetime, risen: Mapping[int, Decimal] | None = None) -> None:
    """Keep the text in place of what was kept before; an empty one is forgotten."""
    text = tidy(text)
    if not text.strip():
        MassDraft.objects.filter(customer=customer).delete()
        return
    prices = {str(service): str(price) for service, price in (risen or {}).items()}
    values = {"text": text, "risen": prices, "kept_at": now, "expires_at": now + KEPT}
    MassDraft.objects.update_or_create(customer=customer, defaults=values)


def keep_left(customer: User, text: str, *, of: str | None, now: datetime, risen: Mapping[int, Decimal]) -> None:
    """Keep what was not placed of the text ``of``, None if that is not known, in place of that text.

    What another page has kept meanwhile stays, before what is left of this one. Part of the caller's transaction.
    """
    found = MassDraft.objects.select_for_update().filter(customer=customer, expires_at__gt=now).first()
    if found is None or of is None or found.text == tidy(of):
        keep(customer, text, now=now, risen=risen)
    elif text:
        before = {int(service): Decimal(price) for service, price in found.risen.items()}
        keep(customer, joined(found.text, text), now=now, risen={**risen, **before})


def kept_for(customer: User, *, now: datetime) -> Kept:
    """Return what is kept for this customer."""
    found = MassDraft.objects.filter(customer=customer, expires_at__gt=now).first()
    if found is None:
        return Kept()
    return Kept(found.text, {int(service): Decimal(price) for service, price in found.risen.items()})


def forget_expired(*, now: datetime) -> int:
    """Delete what was kept for too long; return how many there were."""
    return MassDraft.objects.filter(expires_at__lte=now).delete()[0]
