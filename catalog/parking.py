"""Is a provider answering, and may we send to it? Parked means: nothing is sent, everything waits, the owner knows."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from catalog.connection import client_for
from catalog.models import Provider
from core.clock import database_now
from notices.alerts import close_alert, raise_alert
from notices.models import Severity
from upstream.errors import Unavailable
from upstream.messages import Balance

log = logging.getLogger(__name__)

OUTAGE = "outage"
NO_FUNDS = "not_enough_funds"
_OUTAGES_TO_PARK = 3
_FIRST_PROBE = timedelta(seconds=30)
_LONGEST_PROBE = timedelta(minutes=10)


def park(provider_id: int, *, reason: str, now: datetime) -> None:
    """Stop sending to a provider until a look at it says that it takes orders again."""
    parked = Provider.objects.filter(pk=provider_id, parked_at=None).update(
        parked_at=now, parked_reason=reason[:40], next_probe_at=now + _FIRST_PROBE
    )
    if not parked:
        return
    provider = Provider.objects.get(pk=provider_id)
    raise_alert(
        cause=f"provider:{provider_id}:parked",
        severity=Severity.MONEY,
        title=_("%(provider)s is parked: %(reason)s") % {"provider": provider.name, "reason": words_for(reason)},
        body=_("Orders for it are accepted and wait. Nothing is sent until it answers again."),
        path=f"/admin/catalog/provider/{provider_id}/change/",
        now=now,
    )


def words_for(reason: str) -> str:
    """The owner's words for a machine reason."""
    words = {
        OUTAGE: _("it does not answer"),
        NO_FUNDS: _("our account there is empty"),
        "invalid_key": _("it does not accept our API key"),
        "account_blocked": _("our account there is blocked"),
    }
    return words.get(reason, reason)


def unpark(provider_id: int, *, now: datetime) -> bool:
    """Send to it again; whether it was parked."""
    freed = Provider.objects.filter(pk=provider_id, parked_at__isnull=False).update(
        parked_at=None, parked_reason="", next_probe_at=None, outages=0
    )
    if freed:
        close_alert(cause=f"provider:{provider_id}:parked", now=now)
    return bool(freed)


def note_answer(provider_id: int, *, now: datetime) -> None:
    """The provider answered something sensible: it is up, and one that was parked for not answering is freed."""
    Provider.objects.filter(pk=provider_id).update(last_answer_at=now, outages=0)
    if Provider.objects.filter(pk=provider_id, parked_reason=OUTAGE).exists():
        unpark(provider_id, now=now)


def note_outage(provider_id: int, *, now: datetime) -> None:
    """It did not answer, or a proxy answered for it; several times in a row park it."""
    Provider.objects.filter(pk=provider_id).update(outages=F("outages") + 1)
    if Provider.objects.filter(pk=provider_id, outages__gte=_OUTAGES_TO_PARK, parked_at=None).exists():
        park(provider_id, reason=OUTAGE, now=now)


def capability_off(provider_id: int, capability: str, *, now: datetime) -> None:
    """The provider says it does not know an action: stop offering it (``can_refill``, ``can_cancel``, …)."""
    if Provider.objects.filter(pk=provider_id, **{capability: True}).update(**{capability: False}):
        raise_alert(
            cause=f"provider:{provider_id}:{capability}",
            title=_("A provider does not know an action it was asked for"),
            body=_("%(capability)s was switched off for it.") % {"capability": capability},
            path=f"/admin/catalog/provider/{provider_id}/change/",
            now=now,
        )


def read_balance(provider: Provider) -> Balance:
    """Ask for the balance, in no transaction. Raises upstream.errors.Unavailable."""
    return client_for(provider, deadline=settings.READ_DEADLINE_SECONDS).balance()


def note_balance(provider: Provider, balance: Balance, *, now: datetime) -> None:
    """Keep a balance; a currency other than the settings' stops the sale, because every cost would be wrong."""
    Provider.objects.filter(pk=provider.pk).update(balance=balance.amount, balance_at=now, last_answer_at=now)
    if balance.currency and balance.currency != provider.currency:
        stopped = _("its account is in %(heard)s, not in %(set)s") % {"heard": balance.currency, "set": provider.currency}
        Provider.objects.filter(pk=provider.pk).update(sale_stopped=stopped[:200])
        _alert(provider, "currency", _("%(provider)s: sale stopped, %(why)s"), {"why": stopped}, now)
    if balance.amount <= 0:
        _alert(provider, "balance", _("%(provider)s: our account there is empty"), {}, now)
    else:
        close_alert(cause=f"provider:{provider.pk}:balance", now=now)


def _alert(provider: Provider, what: str, title: str, words: dict[str, str], now: datetime) -> None:
    raise_alert(
        cause=f"provider:{provider.pk}:{what}",
        severity=Severity.MONEY,
        title=title % {"provider": provider.name, **words},
        path=f"/admin/catalog/provider/{provider.pk}/change/",
        now=now,
    )


def probe_parked(*, now: datetime) -> int:
    """Look at the parked providers whose turn it is; how many were looked at. The pause doubles up to ten minutes."""
    with transaction.atomic():
        due = list(
            Provider.objects.select_for_update(skip_locked=True).filter(
                is_active=True, parked_at__isnull=False, next_probe_at__lte=now
            )
        )
        for provider in due:
            pause = min(max(now - (provider.parked_at or now), _FIRST_PROBE), _LONGEST_PROBE)
            Provider.objects.filter(pk=provider.pk).update(next_probe_at=now + pause)
    for provider in due:
        _probe(provider)
    return len(due)


def _probe(provider: Provider) -> None:
    try:
        balance = read_balance(provider)
    except Unavailable as failure:
        log.info("provider %s is still parked: %s", provider.pk, failure.reason)
        return
    now = database_now()
    note_balance(provider, balance, now=now)
    if provider.parked_reason == NO_FUNDS and (
        balance.amount <= 0 or (provider.balance is not None and balance.amount <= provider.balance)
    ):
        return  # sending again before money came in would only be refused again
    unpark(provider.pk, now=now)
