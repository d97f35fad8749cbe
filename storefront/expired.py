"""Delete rows that have no use any more: expired counters and sessions, old mails, accounts that nobody verified."""

from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef

from accounts.models import User
from core import counters
from notices import outbox

#: Rows deleted by one statement, so that none holds locks for long.
BATCH = 1_000
#: How long an account may wait for somebody to verify its address.
UNVERIFIED_DAYS = 7
#: What every account gets at its sign-up, and what therefore does not keep it.
_OF_SIGN_UP = {"account.emailaddress", "usersessions.usersession"}


def delete_expired(*, now: datetime) -> int:
    """Delete in batches whatever has expired; return how many rows."""
    deleted = counters.delete_expired(now=now) + _sessions(now)
    return deleted + _never_verified(now) + outbox.delete_old(now=now)


def _sessions(now: datetime) -> int:
    deleted = 0
    while keys := list(Session.objects.filter(expire_date__lt=now).values_list("pk", flat=True)[:BATCH]):
        UserSession.objects.filter(session_key__in=keys).delete()
        deleted += Session.objects.filter(pk__in=keys).delete()[0]
    return deleted


def _never_verified(now: datetime) -> int:
    """Delete customers who never verified an address nor signed in, and to whom no other row belongs."""
    since = now - timedelta(days=UNVERIFIED_DAYS)
    unused = User.objects.filter(last_login=None, is_staff=False, date_joined__lt=since).exclude(
        Exists(EmailAddress.objects.filter(user=OuterRef("pk"), verified=True))
    )
    for relation in User._meta.related_objects:
        rows = relation.related_model._default_manager
        if rows.model._meta.label_lower not in _OF_SIGN_UP:
            unused = unused.exclude(Exists(rows.filter(**{relation.field.name: OuterRef("pk")})))
    deleted = 0
    while accounts := list(unused.values_list("pk", flat=True)[:BATCH]):
        unused.filter(pk__in=accounts).delete()
        deleted += len(accounts)
    return deleted
