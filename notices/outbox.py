"""The outbox: every mail is a row first, written in the transaction of what it is about, and sent afterwards.

The row is the queue: a doorbell rings for it on commit, and the sweep rings again for whatever is due. A sender claims
a row (commit), talks to the mail server outside any transaction, and records the outcome (commit). If it is killed
after the server took the mail and before the record, the mail goes out once more under the same Message-ID, by which
mail programs recognise the two as one; none is lost.
"""

import json
import logging
import secrets
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.utils import parseaddr
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import connection, transaction
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from core import broker
from core.clock import SteadyClock, elapsed_clock
from core.languages import in_language
from core.secrets import seal, unseal
from core.shop_settings import shop_settings
from notices import causes
from notices.alerts import close_alert, raise_alert
from notices.containment import contained
from notices.models import Alert, News, Outbox, SendState
from notices.transport import (
    AddressRefused,
    MailFailed,
    NotNow,
    RefusedByPolicy,
    ServerFailed,
    Transport,
    is_missing,
    transport,
)

log = logging.getLogger(__name__)

SEND = "storefront.tasks.send_mails"

#: Longer than a server can take over every step of one mail, at the transport's ten seconds for each.
LEASE = timedelta(minutes=3)
#: How long a server that failed is not asked again; less than SHORTEST_WAIT, so that every mail finds it over.
PAUSE = timedelta(seconds=20)
SHORTEST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=15)
GIVE_UP_AFTER = timedelta(days=3)
#: From this age on a mail that is put off counts as a failing server, unless other mails get through.
LATE_AFTER = timedelta(hours=1)
#: Different recipients that a server refuses by policy, one after another and none taken, before that is about us.
REFUSALS = 3
#: How long a mail that was taken shows that the server takes mails from us.
FRESH = timedelta(minutes=10)
KEEP = timedelta(days=14)
BATCH = 1_000
#: The most characters of a row's data, as JSON.
MOST_DATA = 16_000

_QUEUE = """
    INSERT INTO notices_outbox (channel, key, "to", template, language, data, has_secret, sealed, is_alert, is_news,
        message_id, state, queued_at, next_at, good_until, tries, error)
    VALUES ('mail', %(key)s, %(to)s, %(template)s, %(language)s, %(data)s::jsonb, %(has_secret)s, %(sealed)s,
        %(is_alert)s, %(is_news)s, %(message_id)s, 'waiting', %(now)s, %(now)s, %(good_until)s, 0, '')
    ON CONFLICT (key) DO NOTHING RETURNING id
"""

_CLAIM = """
    UPDATE notices_outbox SET tries = tries + 1, next_at = %(lease_end)s
    WHERE id = (
        SELECT id FROM notices_outbox
        WHERE state = 'waiting' AND next_at <= %(now)s AND (is_alert OR NOT %(only_alerts)s)
        ORDER BY tries > 0, is_news, next_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    RETURNING *
"""


def queue_mail(
    *,
    key: str,
    to: str,
    template: str,
    data: Mapping[str, Any],
    language: str,
    now: datetime,
    secret: Mapping[str, Any] | None = None,
    good_until: datetime | None = None,
    is_alert: bool = False,
    is_news: bool = False,
) -> bool:
    """Queue one mail in the caller's transaction; return False if ``key`` was queued before.

    ``template`` is the beginning of ``…_subject.txt`` and ``…_message.txt``. They are filled with ``data`` and
    ``secret`` when the mail is sent. Whatever opens an account, such as a code or a link, belongs into ``secret``: it
    is stored encrypted and wiped once the mail is sent or given up. The row outlives a code by days, and a copy of the
    database must not open accounts. Both hold plain JSON; ValueError if they are too long.

    News has an HTML form too, ``…_message.html``, and in ``data["off"]`` the path that switches such mails off.
    """
    # Not escaped: a letter beyond the basic plane would count twelve times, and a long mail of them never leave.
    plain, hidden = json.dumps(dict(data), ensure_ascii=False), json.dumps(dict(secret or {}))
    if len(plain) + len(hidden) > MOST_DATA:
        raise ValueError(f"the data of a mail may have {MOST_DATA} characters as JSON")
    values: dict[str, Any] = {
        "key": key,
        "to": to,
        "template": template,
        "language": language,
        "data": plain,
        "has_secret": bool(secret),
        "sealed": seal(hidden) if secret else "",
        "is_alert": is_alert,
        "is_news": is_news,
        "message_id": message_id(),
        "now": now,
        "good_until": good_until,
    }
    with connection.cursor() as cursor:
        cursor.execute(_QUEUE, values)
        is_new = cursor.fetchone() is not None
    if is_new:
        transaction.on_commit(ring, robust=True)
    return is_new


def message_id() -> str:
    """Return a new Message-ID under the shop's host name."""
    return f"<{secrets.token_hex(16)}@{urlsplit(settings.SHOP_URL).hostname}>"


def ring() -> None:
    """Ring for a sender; if the broker is away, only log that, since the sweep finds the rows."""
    try:
        broker.publish(SEND)
    except Exception as problem:  # every transport raises classes of its own, and none may break what is committed
        log.warning("no bell for waiting mails (%s); the sweep finds them", type(problem).__name__)


def is_due(*, now: datetime, only_alerts: bool) -> bool:
    """Return True if :func:`send_due` would find a mail to send."""
    due = Outbox.objects.filter(state=SendState.WAITING, next_at__lte=now)
    return not is_missing() and (due.filter(is_alert=True) if only_alerts else due).exists()


def send_due(*, now: datetime, only_alerts: bool, seconds: float = 30.0) -> int:
    """Send the mails that are due for about ``seconds``; return how many were sent. Must not run in a transaction.

    With ``only_alerts``, as in a frozen shop, nothing but alerts to the owner leaves. A server that fails ends the run,
    and is left alone for a moment: the other mails stay due, and a later run tries it with one of them. A recipient
    that it refuses ends nothing, whatever the words: anybody may sign up with an address that our server refuses.
    """
    clock, began, sent, refused = SteadyClock(now), elapsed_clock(), 0, dict[str, MailFailed]()
    # Again after each run, for mails that came when its sender had seen no more, and whose bell found it still at work.
    while elapsed_clock() - began < seconds and is_due(now=clock.now(), only_alerts=only_alerts):
        with _only_sender() as is_mine, transport() as server:
            if not is_mine or _failed_just_now(clock.now()):
                break
            while elapsed_clock() - began < seconds and (row := _claim(clock.now(), only_alerts)):
                try:
                    sent += _send(row, server, clock)
                except RefusedByPolicy as problem:
                    refused[row.to] = problem
                except ServerFailed as problem:
                    _put_off(row, problem, now=clock.now())
                    raise_alert(causes.MAIL_FAILS, now=clock.now(), problem=problem)
                    break
    if sent:
        close_alert(causes.MAIL_FAILS, now=clock.now())
    elif len(refused) >= REFUSALS and not Outbox.objects.filter(sent_at__gt=clock.now() - FRESH).exists():
        raise_alert(causes.MAIL_FAILS, now=clock.now(), problem=list(refused.values())[-1])
    return sent


@contextmanager
def _only_sender() -> Iterator[bool]:
    """Yield True unless another process sends mails now: a server that hangs keeps one worker busy and not all.

    Postgres ends the lock with the session, so that one who was killed keeps nobody out. That no mail is sent by two
    does not rest on it, but on the claim.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext('notices.outbox'))")
        [is_mine] = cursor.fetchone()
        try:
            yield is_mine
        finally:
            if is_mine:
                cursor.execute("SELECT pg_advisory_unlock(hashtext('notices.outbox'))")


def _failed_just_now(now: datetime) -> bool:
    """Return True while the server is left alone after a failure: each new mail rings, and need not try it as well."""
    return Alert.objects.filter(cause=causes.MAIL_FAILS.key, closed_at=None, last_at__gt=now - PAUSE).exists()


def _claim(now: datetime, only_alerts: bool) -> Outbox | None:
    """Claim a mail until the end of a lease, and return it: the one that has been due for longest, new ones first.

    Mails that failed before come after them, and news after all others, so that no number of those keeps a code back.
    """
    values = {"now": now, "lease_end": now + LEASE, "only_alerts": only_alerts}
    return next(iter(Outbox.objects.raw(_CLAIM, values)), None)


def _send(row: Outbox, server: Transport, clock: SteadyClock) -> bool:
    """Send a claimed mail and record what became of it; return True if it was sent.

    Raises ServerFailed, with the mail still claimed, and RefusedByPolicy, with the mail put off.
    """
    now = clock.now()
    if row.good_until is not None and row.good_until <= now:
        if row.error and _nothing_sent_since(row):
            raise_alert(causes.MAIL_FAILS, now=now, problem=row.error)
        why = _("Not sent within a day.") if row.is_news else _("Not sent in time: its code or link no longer works.")
        _end(row, SendState.GIVEN_UP, now=now, error=why)
        return False
    if now - row.queued_at > GIVE_UP_AFTER:
        _end(row, SendState.GIVEN_UP, now=now, error=row.error or _("Not sent within three days."))
        return False
    made = []
    with contained("rendering mails"):
        made.append(render(row))
    if not made:
        _put_off(row, _("The mail could not be made; the log says why."), now=now)
        return False
    try:
        server.deliver(made[0])
    except AddressRefused as problem:
        _end(row, SendState.REFUSED, now=clock.now(), error=str(problem))
        return False
    except NotNow as problem:
        _put_off(row, problem, now=clock.now())
        if now - row.queued_at > LATE_AFTER and _nothing_sent_since(row):
            raise_alert(causes.MAIL_FAILS, now=clock.now(), problem=problem)
        if isinstance(problem, RefusedByPolicy):
            raise
        return False
    _mine(row).update(state=SendState.SENT, sent_at=clock.now(), next_at=None, sealed="", error="")
    return True


def _nothing_sent_since(row: Outbox) -> bool:
    return not Outbox.objects.filter(sent_at__gte=row.queued_at).exists()


def _mine(row: Outbox) -> Any:
    """The row, as long as no other sender has claimed it after the end of our lease."""
    return Outbox.objects.filter(pk=row.pk, state=SendState.WAITING, tries=row.tries)


def _put_off(row: Outbox, problem: object, *, now: datetime) -> None:
    """Make the mail due again after half the time that it has waited: often at first, then ever more rarely."""
    wait = min(max((now - row.queued_at) / 2, SHORTEST_WAIT), LONGEST_WAIT)
    log.warning("mail %s was not taken at try %s; the outbox says why", row.pk, row.tries)
    _mine(row).update(next_at=now + wait, error=str(problem)[:500])


def _end(row: Outbox, state: SendState, *, now: datetime, error: str) -> None:
    """Send the mail no more. The owner is alerted, unless an address of a customer's was refused or a code is old."""
    with transaction.atomic():
        ended = _mine(row).update(state=state, gave_up_at=now, next_at=None, sealed="", error=error[:500])
        is_late = state == SendState.GIVEN_UP and row.good_until is None
        if ended and (is_late or row.is_alert):
            raise_alert(causes.MAIL_UNDELIVERED, now=now, error=error)


def render(row: Outbox) -> EmailMultiAlternatives:
    """Return the mail of a row, in its language and with the shop's name as it is now."""
    shop = shop_settings()
    hidden = json.loads(unseal(row.sealed)) if row.sealed else {}
    words = {**row.data, **hidden, "email": row.to, "shop": shop, "shop_url": settings.SHOP_URL}
    with translation.override(row.language):
        subject = " ".join(render_to_string(f"{row.template}_subject.txt", words).split())
        text = render_to_string(f"{row.template}_message.txt", words).strip()
    name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    sender = Address(display_name=shop.sender_name or name or shop.name, addr_spec=address)
    headers = {"Message-ID": row.message_id, "Auto-Submitted": "auto-generated", "Content-Language": row.language}
    if not row.is_news:
        return EmailMultiAlternatives(f"[{shop.name}] {subject}", f"{text}\n", str(sender), [row.to], headers=headers)
    # RFC 8058: the mail program posts there, without a cookie and without following a redirect.
    off = settings.SHOP_URL + in_language(row.data.get("off", "/"), settings.LANGUAGE_CODE)
    headers |= {"List-Unsubscribe": f"<{off}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    mail = EmailMultiAlternatives(subject, f"{text}\n", str(sender), [row.to], headers=headers)
    with translation.override(row.language):
        mail.attach_alternative(render_to_string(f"{row.template}_message.html", words), "text/html")
    return mail


def send_again(rows: Collection[Outbox], *, now: datetime) -> list[Outbox]:
    """Queue mails anew that were sent or given up, each under its old Message-ID; return those that are.

    Mails that held a code or link are left out: it was wiped. Part of the caller's transaction.
    """
    ended = Outbox.objects.select_for_update().filter(pk__in=[row.pk for row in rows], has_secret=False)
    again = list(ended.exclude(state=SendState.WAITING))
    Outbox.objects.filter(pk__in=[row.pk for row in again]).update(
        state=SendState.WAITING, queued_at=now, next_at=now, gave_up_at=None, good_until=None, error=""
    )
    if again:
        transaction.on_commit(ring, robust=True)
    return again


def end_news(*, now: datetime) -> int:
    """Give up all news that waits, as old as it may be after a thaw; return how many mails. In one transaction.

    News that has no mail yet is deleted with it.
    """
    News.objects.filter(at__lte=now).delete()
    waiting = Outbox.objects.filter(is_news=True, state=SendState.WAITING, queued_at__lte=now)
    why = _("Not sent: the shop was frozen.")
    return waiting.update(state=SendState.GIVEN_UP, gave_up_at=now, next_at=None, sealed="", error=why)


def delete_old(*, now: datetime) -> int:
    """Delete in batches the mails of more than two weeks ago that wait no longer; return how many."""
    old = Outbox.objects.filter(queued_at__lt=now - KEEP).exclude(state=SendState.WAITING)
    deleted = 0
    while ids := list(old.values_list("pk", flat=True)[:BATCH]):
        deleted += Outbox.objects.filter(pk__in=ids).delete()[0]
    return deleted


def check_set_up(*, now: datetime) -> None:
    """Alert the owner while EMAIL_URL is not set: every mail waits."""
    if is_missing():
        raise_alert(causes.MAIL_NOT_SET_UP, now=now)
    else:
        close_alert(causes.MAIL_NOT_SET_UP, now=now)
