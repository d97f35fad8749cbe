"""Our account at a provider: its balance, and whether it is in the currency we reckon with."""

from datetime import datetime
from decimal import Decimal

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

#: Stands before the reason in ``sale_stopped``, so that only a stop of ours is lifted by us.
_CURRENCY_STOP = "currency: "


def read_balance(provider: Provider, *, now: datetime) -> ProviderBalance:
    """Ask for the balance and act on it: keep it, compare the currency, tell the owner when it is used up.

    Raises upstream.errors.Unavailable and core.secrets.SecretUnreadable; the last value and its time are kept then.
    Must not run inside a transaction: it waits for the network.
    """
    try:
        heard = client_for(provider, deadline=settings.READ_DEADLINE_SECONDS).balance()
    except Unavailable as failure:
        health.park_if_shut_out(provider.pk, failure.error_class, now=now)
        raise
    with transaction.atomic():
        before = lock_provider(provider.pk)
        Provider.objects.filter(pk=provider.pk).update(balance=heard.amount, balance_at=now)
        _compare_currency(before, heard, now)
        _watch_funds(before, heard, now)
    health.note_access(provider, now=now)
    provider.refresh_from_db()
    return heard


def _compare_currency(provider: Provider, heard: ProviderBalance, now: datetime) -> None:
    cause = f"provider:{provider.pk}:currency"
    if heard.currency is None:
        return
    if heard.currency == provider.currency:
        if provider.sale_stopped.startswith(_CURRENCY_STOP):
            Provider.objects.filter(pk=provider.pk).update(sale_stopped="")
        close_alert(cause=cause, now=now)
        return
    facts = {"name": provider.name, "heard": heard.currency, "ours": provider.currency}
    stop = f"{_CURRENCY_STOP}{heard.currency}, not {provider.currency}"
    if not provider.sale_stopped:
        Provider.objects.filter(pk=provider.pk).update(sale_stopped=stop[:200])
    raise_alert(
        cause=cause,
        severity=Severity.MONEY,
        title=_("%(name)s has changed its currency: sale stopped") % facts,
        body=_(
            "The account is in %(heard)s, its settings here say %(ours)s. Its services are off sale until they agree."
        )
        % facts,
        path=health.provider_admin_path(provider.pk),
        now=now,
    )


def _watch_funds(provider: Provider, heard: ProviderBalance, now: datetime) -> None:
    empty, low = f"provider:{provider.pk}:balance", f"provider:{provider.pk}:low_balance"
    facts = {"name": provider.name, "left": f"{heard.amount.normalize():f}", "currency": provider.currency}
    if heard.amount <= 0:
        close_alert(cause=low, now=now)
        told = _("Orders to this provider cannot be paid. Please add funds in its own panel.")
        _alert(provider, empty, _("No money left at %(name)s") % facts, told, now)
        return
    close_alert(cause=empty, now=now)
    if provider.parked_reason == health.NO_FUNDS and _has_funds_again(provider, heard.amount):
        health.unpark(provider.pk, now=now)
    if heard.amount > provider.low_balance:
        close_alert(cause=low, now=now)
        return
    told = _("%(left)s %(currency)s are left. Please add funds in its own panel before orders have to wait.") % facts
    _alert(provider, low, _("Little money left at %(name)s") % facts, told, now)


def _has_funds_again(before: Provider, amount: Decimal) -> bool:
    """Whether the account was topped up: there is more than at the last look, or enough for the order that was refused.

    The second only at the first look after the refusal, and when that is not what was seen before it: otherwise the
    provider refuses for a reason of its own, and would be asked in vain again and again.
    """
    if before.balance is None or amount > before.balance:
        return True
    was_seen_since = before.balance_at and before.parked_at and before.balance_at > before.parked_at
    return not was_seen_since and amount != before.balance and before.short_of is not None and amount >= before.short_of


def _alert(provider: Provider, cause: str, title: str, body: str, now: datetime) -> None:
    path = health.provider_admin_path(provider.pk)
    raise_alert(cause=cause, severity=Severity.MONEY, title=title, body=body, path=path, now=now)
