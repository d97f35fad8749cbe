"""Delete rows without use: expired counters, sessions and drafts, old mails and webhooks, unverified accounts."""

from datetime import datetime, timedelta

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.cache import cache

from accounts.sign_up import never_verified
from billing.topups import events
from core import counters
from core.clock import elapsed_clock
from notices import outbox
from orders import drafts
from orders.mass import drafts as mass_drafts

#: Rows deleted by one statement, so that none holds locks for long.
BATCH = 1_000
#: How long an account may wait for somebody to verify its address.
UNVERIFIED_DAYS = 7
_LOOKED = "expired:never-verified"
#: Sweeps come far more often than rows expire.
EVERY_SECONDS = 60.0
#: When this process deleted last, by its own clock.
_deleted: list[float] = []


def delete_now_and_then(*, now: datetime) -> int:
    """Delete whatever has expired unless this process did so within the last minute; return how many rows."""
    if _deleted and elapsed_clock() - _deleted[-1] < EVERY_SECONDS:
        return 0
    _deleted[:] = [elapsed_clock()]
    return delete_expired(now=now)


def delete_expired(*, now: datetime) -> int:
    """Delete in batches whatever has expired; return how many rows."""
    deleted = counters.delete_expired(now=now) + _sessions(now) + drafts.forget_expired(now=now)
    deleted += mass_drafts.forget_expired(now=now)
    deleted += _never_verified(now) + events.delete_old(now=now)
    return deleted + outbox.delete_old(now=now)


def _sessions(now: datetime) -> int:
    deleted = 0
    while keys := list(Session.objects.filter(expire_date__lt=now).values_list("pk", flat=True)[:BATCH]):
        UserSession.objects.filter(session_key__in=keys).delete()
        deleted += Session.objects.filter(pk__in=keys).delete()[0]
    return deleted


def _never_verified(now: datetime) -> int:
    """Delete customers who never verified an address nor signed in, and to whom no other row belongs.

    Once an hour, because it looks at everybody who never signed in, such as resellers who only use the API.
    """
    if not cache.add(_LOOKED, True, 3600):
        return 0
    unused = never_verified().filter(date_joined__lt=now - timedelta(days=UNVERIFIED_DAYS))
    deleted = 0
    while accounts := list(unused.values_list("pk", flat=True)[:BATCH]):
        unused.filter(pk__in=accounts).delete()
        deleted += len(accounts)
    return deleted
