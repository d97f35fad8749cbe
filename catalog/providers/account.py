"""Our account at a provider: its balance, and whether its currency is the one in the settings."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from catalog.locks import lock_provider
from catalog.models import Provider
from catalog.providers import health
from catalog.providers.connection import client_for
from notices.alerts import close_alert, raise_alert
from notices.models import Severity
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


def _check_currency(provider: Provider, balance: ProviderBalance, now: datetime) -> None:
    """Stop the provider's sale while its account is in another currency than the settings; lift the stop after."""
    cause = f"provider:{provider.pk}:currency"
    if balance.currency is None:
        return
    if balance.currency == provider.currency:
        if provider.sale_stopped.startswith(_CURRENCY_STOP):
            Provider.objects.filter(pk=provider.pk).update(sale_stopped="")
        close_alert(cause=cause, now=now)
        return
    facts = {"name": provider.name, "theirs": balance.currency, "ours": provider.currency}
    stop = f"{_CURRENCY_STOP}{balance.currency}, not {provider.currency}"
    if not provider.sale_stopped:
        Provider.objects.filter(pk=provider.pk).update(sale_stopped=stop[:200])
    raise_alert(
        cause=cause,
        severity=Severity.MONEY,
        title=_("%(name)s has changed its currency: sale stopped") % facts,
        body=_(
            "The account is in %(theirs)s, its settings here say %(ours)s. Its services are off sale until they agree."
        )
        % facts,
        path=health.provider_admin_path(provider.pk),
        now=now,
    )


def _check_funds(provider: Provider, balance: ProviderBalance, now: datetime) -> None:
    """Alert the owner to an empty or low balance; unpark a provider parked for lack of funds once it was topped up."""
    empty, low = f"provider:{provider.pk}:balance", f"provider:{provider.pk}:low_balance"
    facts = {"name": provider.name, "left": f"{balance.amount.normalize():f}", "currency": provider.currency}
    if balance.amount <= 0:
        close_alert(cause=low, now=now)
        body = _("Orders to this provider cannot be paid. Please add funds on the provider's own site.")
        _alert(provider, empty, _("No money left at %(name)s") % facts, body, now)
        return
    close_alert(cause=empty, now=now)
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
        close_alert(cause=low, now=now)
        return
    body = _("%(left)s %(currency)s left. Please add funds on the provider's own site before orders have to wait.")
    _alert(provider, low, _("Little money left at %(name)s") % facts, body % facts, now)


def _alert(provider: Provider, cause: str, title: str, body: str, now: datetime) -> None:
    path = health.provider_admin_path(provider.pk)
    raise_alert(cause=cause, severity=Severity.MONEY, title=title, body=body, path=path, now=now)
