"""How a provider is doing: notes answers, outages and refusals, parks a provider that cannot be used and unparks it.

Orders for a parked provider stay queued, and it is asked for its balance at growing intervals. Reasons are error
classes of the provider API ("invalid_key", "not_enough_funds", ...) or "outage".
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import blake2b
from itertools import combinations

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from catalog.models import Provider
from notices import causes
from notices.alerts import close_alert, raise_alert
from upstream.errors import SHUT_OUT, ErrorClass

OUTAGES_TO_PARK = 3
OUTAGE = "outage"
#: Lifted only when the account was topped up; an answer alone proves nothing.
NO_FUNDS = "not_enough_funds"
#: Parkings for these reasons are lifted only by the owner or by what set them: an answer to `balance` does not show
#: whether it is safe to send again.
UNKNOWN_TEXT = "unknown_text"
HELD = ("in_doubt", UNKNOWN_TEXT)
#: Refused orders remembered for one reason, and reasons for one provider. 24 have 42,504 choices of five.
_REFUSED_KEPT, _REASONS_KEPT = 24, 8
_LONGEST_WAIT = timedelta(minutes=10)
#: ``last_answer_at`` may be this much behind, so that it is not written for every answer.
ANSWER_NEWS = timedelta(seconds=10)

_NOTE_ANSWER = """
    UPDATE catalog_provider SET last_answer_at = %(now)s, outages = 0
    WHERE id = %(id)s
        AND (last_answer_at IS NULL OR last_answer_at < %(old)s OR outages > 0 OR parked_reason = %(outage)s)
    RETURNING parked_reason
"""


def park(provider_id: int, *, reason: str, now: datetime, detail: str = "", short_of: Decimal | None = None) -> bool:
    """Send nothing more to this provider until it is unparked; return whether it was not parked before.

    ``short_of`` is the charge of an order that the provider refused for lack of funds, in the provider's currency.
    """
    with transaction.atomic():
        fresh = Provider.objects.filter(pk=provider_id, parked_at=None)
        if not fresh.update(
            parked_at=now, parked_reason=reason[:40], short_of=short_of, next_probe_at=now + _probe_wait(0)
        ):
            return False
        raise_alert(
            causes.PARKED, now=now, provider=provider_id, name=_name(provider_id), reason=parked_reason_text(reason),
            detail=detail,
        )  # fmt: skip
    return True


def park_if_shut_out(provider_id: int, error_class: ErrorClass | None, *, now: datetime, detail: str = "") -> bool:
    """Park a provider that rejects our key or has blocked our account; return whether the error was one of these."""
    if error_class is None or error_class not in SHUT_OUT:
        return False
    park(provider_id, reason=error_class.value, now=now, detail=detail)
    return True


def parked_reason_text(reason: str) -> str:
    """Return the sentence part that explains a reason to the owner."""
    words = {
        OUTAGE: _("it does not answer"),
        NO_FUNDS: _("our account there is empty"),
        "invalid_key": _("it does not accept our API key"),
        "account_blocked": _("our account there is blocked"),
        "key_unreadable": _("its API key was sealed under another SEALING_KEY"),
        "maintenance": _("it is under maintenance"),
        "in_doubt": _("too many of its answers were lost or unclear"),
        UNKNOWN_TEXT: _("it refuses orders with a text that is in no table"),
    }
    return words.get(reason, reason)


def unpark(provider_id: int, *, now: datetime, actor: str = "") -> bool:
    """Send orders to it again; return whether it was parked."""
    with transaction.atomic():
        parked = Provider.objects.filter(pk=provider_id, parked_at__isnull=False)
        if not parked.update(
            parked_at=None, parked_reason="", next_probe_at=None, outages=0, refusals=0, refused_orders={}
        ):
            return False
        close_alert(causes.PARKED, now=now, actor=actor, provider=provider_id)
    return True


def note_answer(provider_id: int, *, now: datetime) -> None:
    """Note that the provider gave a usable answer. Cheap enough for every order: the row is rarely written."""
    with connection.cursor() as cursor:
        cursor.execute(_NOTE_ANSWER, {"id": provider_id, "now": now, "old": now - ANSWER_NEWS, "outage": OUTAGE})
        row = cursor.fetchone()
    if row is not None and row[0] == OUTAGE:
        unpark(provider_id, now=now)


@dataclass(frozen=True)
class RefusedOrder:
    """What refused orders have to differ in, so that they prove something together."""

    customer_id: int
    service_id: str
    link: str

    def mark(self) -> list[str]:
        return [str(self.customer_id), self.service_id, _digest(self.link)]


def count_refusal(provider_id: int, reason: str, order: RefusedOrder) -> bool:
    """Count an order refused with ``reason``, an error class or an unknown text; return whether that proves it true.

    It does once REFUSAL_STREAK orders were refused alike that differ, each from each, in customer, service and link:
    one customer's bad link, tried ten times, proves nothing about the provider. Part of the caller's transaction. An
    accepted order ends the count.
    """
    provider = Provider.objects.select_for_update(no_key=True).only("refused_orders").get(pk=provider_id)
    key = reason if len(reason) <= 40 else f"{reason[:30]} {_digest(reason)}"
    kept: dict[str, list[list[str]]] = provider.refused_orders
    alike = kept.pop(key, [])
    if order.mark() not in alike:
        alike = [*alike, order.mark()][-_REFUSED_KEPT:]
    # The newest reason is the last; the oldest ones are forgotten.
    kept = dict([*kept.items(), (key, alike)][-_REASONS_KEPT:])
    Provider.objects.filter(pk=provider_id).update(refused_orders=kept, refusals=F("refusals") + 1)
    wanted = settings.REFUSAL_STREAK
    return wanted > 0 and any(
        all(len(set(part)) == wanted for part in zip(*some, strict=True)) for some in combinations(alike, wanted)
    )


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=8).hexdigest()


def end_refusals(provider_id: int) -> None:
    """Forget the refusals: an order was accepted."""
    Provider.objects.filter(pk=provider_id, refusals__gt=0).update(refusals=0, refused_orders={})


def note_outage(provider_id: int, *, now: datetime, detail: str = "") -> None:
    """Count a missing answer, or one that means the provider is down; park it at the third in a row."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE catalog_provider SET outages = outages + 1 WHERE id = %s RETURNING outages, parked_at",
                [provider_id],
            )
            row = cursor.fetchone()
        if row is None:
            return
        outages, parked_at = row
        if parked_at is None and outages >= OUTAGES_TO_PARK:
            park(provider_id, reason=OUTAGE, now=now, detail=detail)
        elif parked_at is not None:
            Provider.objects.filter(pk=provider_id).update(next_probe_at=now + _probe_wait(outages))


def note_access(provider: Provider, *, now: datetime) -> None:
    """Note that the provider accepted our key and answered; unpark it if that disproves the reason."""
    note_answer(provider.pk, now=now)
    reason = Provider.objects.filter(pk=provider.pk).values_list("parked_reason", flat=True).first()
    if reason and reason != NO_FUNDS and reason not in HELD:
        unpark(provider.pk, now=now)


def capability_off(provider_id: int, capability: str, *, now: datetime) -> None:
    """Switch off a capability ("can_refill", "can_cancel", ...) after the provider said it does not know the action."""
    with transaction.atomic():
        if not Provider.objects.filter(pk=provider_id, **{capability: True}).update(**{capability: False}):
            return
        raise_alert(
            causes.ACTION_UNKNOWN, now=now, provider=provider_id, name=_name(provider_id), capability=capability
        )


def _probe_wait(failures: int) -> timedelta:
    first = timedelta(seconds=2 * settings.SWEEP_SECONDS)
    return min(first * 2 ** min(failures, 10), _LONGEST_WAIT)


def _name(provider_id: int) -> str:
    return Provider.objects.values_list("name", flat=True).get(pk=provider_id)
