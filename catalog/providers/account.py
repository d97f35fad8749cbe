"""Our account at a provider: its balance, and whether its currency is the one in the settings."""

from datetime import datetime

from django.conf import settings
from django.db import transaction

from catalog.locks import lock_provider
from catalog.models import Provider
from catalog.providers import health
from catalog.providers.connection import client_for
from notices import causes
from notices.alerts import close_alert, raise_alert
from upstream.errors import Unavailable
from upstream.messages import ProviderBalance

#: Prefix of the reason in ``sale_stopped``, so that this module lifts only stops of its own.
_CURRENCY_STOP = "currency: "


def read_balance(provider: Provider, *, now: datetime) -> ProviderBalance:
    """Ask for the balance, store it, check currency and funds, and return it.

    Raises upstream.errors.Unavailable and core.secrets.SecretUnreadable; the stored balance and its time are kept then.
    Must not run inside a transaction: it waits for the network.
    """
    try:
        balance = client_for(provider, deadline=settings.READ_DEADLINE_SECONDS).balance()
    except Unavailable as failure:
        health.park_if_shut_out(provider.pk, failure.error_class, now=now)
        raise
    with transaction.atomic():
        before = lock_provider(provider.pk)
        Provider.objects.filter(pk=provider.pk).update(balance=balance.amount, balance_at=now)
        _check_currency(before, balance, now)
        _check_funds(before, balance, now)
    health.note_access(provider, now=now)
    provider.refresh_from_db()
    return balance


def confirm_shut_out(provider: Provider, *, now: datetime) -> bool:
    """Ask for the balance after a call that was refused as if our key or account were to blame; return if it is so.

    Then the provider is parked. The words of one refusal prove nothing: "banned" may be the customer's channel. Must
    not run inside a transaction.
    """
    try:
        client_for(provider, deadline=settings.READ_DEADLINE_SECONDS).balance()
    except Unavailable as failure:
        return health.park_if_shut_out(provider.pk, failure.error_class, now=now)
    return False


def _check_currency(provider: Provider, balance: ProviderBalance, now: datetime) -> None:
    """Stop the provider's sale while its account is in another currency than the settings; lift the stop after."""
    if balance.currency is None:
        return
    if balance.currency == provider.currency:
        if provider.sale_stopped.startswith(_CURRENCY_STOP):
            Provider.objects.filter(pk=provider.pk).update(sale_stopped="")
        close_alert(causes.CURRENCY_CHANGED, now=now, provider=provider.pk)
        return
    stop = f"{_CURRENCY_STOP}{balance.currency}, not {provider.currency}"
    if not provider.sale_stopped:
        Provider.objects.filter(pk=provider.pk).update(sale_stopped=stop[:200])
    raise_alert(
        causes.CURRENCY_CHANGED, now=now, provider=provider.pk, name=provider.name, theirs=balance.currency,
        ours=provider.currency,
    )  # fmt: skip


def _check_funds(provider: Provider, balance: ProviderBalance, now: datetime) -> None:
    """Alert the owner to an empty or low balance; unpark a provider parked for lack of funds once it was topped up."""
    if balance.amount <= 0:
        close_alert(causes.LITTLE_MONEY_LEFT, now=now, provider=provider.pk)
        raise_alert(causes.NO_MONEY_LEFT, now=now, provider=provider.pk, name=provider.name)
        return
    close_alert(causes.NO_MONEY_LEFT, now=now, provider=provider.pk)
    if provider.parked_reason == health.NO_FUNDS:
        # More than at the last reading: it was topped up. Enough for the order that was refused counts too, but only at
        # the first reading after the refusal, and only if the balance differs from the one before it: otherwise the
        # provider refuses for another reason, and orders would be sent in vain again and again.
        last, short_of = provider.balance, provider.short_of
        was_read_since = provider.balance_at and provider.parked_at and provider.balance_at > provider.parked_at
        is_enough = short_of is not None and balance.amount != last and balance.amount >= short_of
        if last is None or balance.amount > last or (is_enough and not was_read_since):
            health.unpark(provider.pk, now=now)
    if balance.amount > provider.low_balance:
        close_alert(causes.LITTLE_MONEY_LEFT, now=now, provider=provider.pk)
        return
    raise_alert(
        causes.LITTLE_MONEY_LEFT, now=now, provider=provider.pk, name=provider.name,
        left=f"{balance.amount.normalize():f}", currency=provider.currency,
    )  # fmt: skip
