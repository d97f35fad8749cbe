"""Makes mails of the news that is due, one customer after another.

A customer's news, its mail and its end are one transaction: a killed worker leaves either the news or the mail. Of
two passes at once, each takes the rows that the other has not locked.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import batched, islice

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone, translation

from accounts.customer_mails import MailText, queue_news
from accounts.languages import mail_language
from accounts.mail_choices import (
    BULK,
    DAILY_AT,
    MANY,
    MANY_WITHIN,
    ORDERS,
    REFILL,
    TOP_UP,
    choices_of,
    is_wanted,
)
from accounts.models import MailChoices, Pace, User
from billing.models import TopUp
from billing.topups.mail_texts import topup_mail
from core.clock import elapsed_clock
from core.owner_texts import attach
from notices.containment import contained
from notices.models import News
from orders.mails.texts import MOST_ROWS, ManyNews, OrderNews, many_mail, order_mail, refill_mail
from orders.models import FROZEN, EventKind, Order, OrderEvent, Refill
from orders.pages.situations import situations_of
from orders.states import COMPLETED, REFILL_OPEN, Face, face_of

#: More than that at once are named in one mail.
MOST_SINGLE = 5
#: What is older is deleted: it comes from a shop that stood still, or from another one.
TOO_OLD = timedelta(days=2)
#: At most this many rows of a customer that do not wait for the daily mail, and this many customers in a pass; the next
#: one goes on.
ROWS, CUSTOMERS = 1_000, 1_000
#: Orders that are counted at a time.
BATCH = 5_000


@dataclass(frozen=True)
class Mail:
    """One mail to queue; ``rows`` are what has to wait for another one if its key was queued before."""

    key: str
    switches: list[str]
    text: MailText
    rows: Sequence[News] = ()


def due_news(now: datetime) -> QuerySet[News]:
    """Return the news to make mails of; none in a frozen shop."""
    return News.objects.filter(~FROZEN, due_at__lte=now)


def mail_news(*, now: datetime, seconds: float = 15.0) -> int:
    """Queue mails about the news that is due, for about ``seconds``; return how many. Must not run in a transaction."""
    until, queued = elapsed_clock() + seconds, 0
    waiting = due_news(now).order_by().values_list("customer_id", flat=True).distinct()
    for customer in User.objects.filter(pk__in=list(waiting[:CUSTOMERS])):
        if elapsed_clock() > until:
            break
        with contained(f"mails to customer {customer.pk}"), transaction.atomic():
            queued += _mail_customer(customer, now)
    return queued


def next_daily(now: datetime) -> datetime:
    """Return when the next daily mail leaves."""
    zone = timezone.get_default_timezone()
    day = now.astimezone(zone).date()
    today = datetime.combine(day, DAILY_AT, zone)
    return today if now < today else datetime.combine(day + timedelta(days=1), DAILY_AT, zone)


def _mail_customer(customer: User, now: datetime) -> int:
    """Queue one customer's mails and put off what waits for the daily one; return how many were queued."""
    due = due_news(now).select_for_update(skip_locked=True).filter(customer=customer).order_by("id")
    # All that waited goes into one mail, however much it is: no second one is sent on the same day.
    rows = [*due.filter(at_digest=True), *due.filter(at_digest=False)[:ROWS]]
    choices = choices_of(customer)
    wanted = [row for row in rows if now - row.at < TOO_OLD and is_wanted(choices, row.kind, is_quiet=row.is_quiet)]
    # 1. What is put off until the daily mail, what has waited for it, and what is sent at once.
    fresh = [row for row in wanted if not row.at_digest]
    is_daily = any(row.kind != TOP_UP for row in fresh) and _comes_daily(choices, customer, now)
    put_off = [row for row in fresh if row.kind != TOP_UP and (row.is_quiet or is_daily)]
    waited = [row for row in wanted if row.at_digest]
    at_once = [row for row in fresh if row.kind == TOP_UP or not (row.is_quiet or is_daily)]
    # 2. The mails. Where today's daily mail was queued before, its rows wait for tomorrow's.
    language, queued = mail_language(customer), 0
    with translation.override(language):
        mails = [*_topup_mails(customer, at_once), *_order_mails(customer, at_once, now)]
        if (about := _many(customer, waited)).count:
            key, switches = f"daily:{customer.pk}:{timezone.localtime(now):%Y-%m-%d}", _switches(waited)
            mails.append(Mail(key, switches, many_mail(about, is_daily=True), waited))
        for mail in mails:
            is_new = queue_news(
                customer, mail.text, key=mail.key, switches=mail.switches, language=language, now=now
            )  # fmt: skip
            queued += is_new
            put_off += [] if is_new else mail.rows
    # 3. Every row is either put off or done.
    kept = [row.pk for row in put_off]
    News.objects.filter(pk__in=kept).update(due_at=next_daily(now), at_digest=True)
    News.objects.filter(pk__in={row.pk for row in rows}.difference(kept)).delete()
    return queued


def _comes_daily(choices: MailChoices, customer: User, now: datetime) -> bool:
    """Return True if mails about orders placed on the pages come once a day."""
    if choices.pace != Pace.AUTO:
        return choices.pace == Pace.DAILY
    latest = Order.objects.filter(customer=customer).order_by("-id").values_list("created_at", flat=True)
    return any(created_at > now - MANY_WITHIN for created_at in latest[MANY : MANY + 1])


def _switches(rows: Sequence[News]) -> list[str]:
    """Return what the link of a mail about many orders switches off."""
    return [BULK if is_quiet else ORDERS for is_quiet in sorted({row.is_quiet for row in rows})]


def _topup_mails(customer: User, rows: Sequence[News]) -> Iterator[Mail]:
    """Yield a mail for each top-up, as it stands now."""
    newest = {row.reference: row.pk for row in rows if row.kind == TOP_UP}
    found = TopUp.objects.filter(customer=customer, pk__in=_numbers(newest)).select_related("method")
    for topup in found.order_by("pk"):
        if (text := topup_mail(topup)) is not None:
            yield Mail(f"news:{newest[f'topup:{topup.pk}']}", [TOP_UP], text)


def _order_mails(customer: User, rows: Sequence[News], now: datetime) -> Iterator[Mail]:
    """Yield a mail for each order, or one for all of them if they are many."""
    many = _many(customer, rows)
    if many.count > MOST_SINGLE:
        yield Mail(f"news:{max(each.row for each in many.shown)}", [ORDERS], many_mail(many, is_daily=False))
        return
    situations = situations_of([each.order for each in many.shown], now=now)
    for each in many.shown:
        text = each.refill and refill_mail(each.order, each.refill, now=now)
        yield Mail(f"news:{each.row}", [each.kind], text or order_mail(each.order, situations[each.order.pk], now=now))


#: The subject of a mail: an order, or a refill of it, with its rows of news.
type _Subjects = dict[tuple[int, bool], list[News]]


def _many(customer: User, rows: Sequence[News]) -> ManyNews:
    """Count the news about orders and load those that a mail names. What did not end after all is left out."""
    subjects: _Subjects = {}
    for row in rows:
        if row.kind != TOP_UP:
            [number] = _numbers([row.reference])
            subjects.setdefault((number, row.kind == REFILL), []).append(row)
    named: _Subjects = {}
    counts, refunded = Counter[str](), Decimal(0)
    for part in batched(subjects.items(), BATCH):
        faces, refilled = _ended(customer, [number for (number, _is_refill), _rows in part])
        counted = {
            (number, is_refill): listed
            for (number, is_refill), listed in part
            if number in (refilled if is_refill else faces)
        }
        counts += Counter(
            "refills" if is_refill else "completed" if faces[number] is COMPLETED else "other"
            for number, is_refill in counted
        )
        refunded += _refunded(counted)
        named |= dict(islice(counted.items(), MOST_ROWS - len(named)))
    return ManyNews(_orders(customer, named), counts["completed"], counts["other"], counts["refills"], refunded)


def _ended(customer: User, numbers: Sequence[int]) -> tuple[dict[int, Face], set[int]]:
    """Return how each of the orders ended that did, and the numbers of those of which a refill ended."""
    own = Order.objects.filter(customer=customer, pk__in=numbers).order_by()
    faces = {pk: face_of(state, progress) for pk, state, progress in own.values_list("pk", "forward_state", "progress")}
    refills = Refill.objects.filter(order__in=faces).exclude(state__in=REFILL_OPEN).values_list("order_id", flat=True)
    return {pk: face for pk, face in faces.items() if face.is_final}, set(refills)


def _refunded(subjects: _Subjects) -> Decimal:
    """Return what these news brought back: without what an earlier mail said of the same orders."""
    news = {(number, row.at) for (number, is_refill), rows in subjects.items() if not is_refill for row in rows}
    refunds = OrderEvent.objects.filter(kind=EventKind.REFUND, order__in={number for number, _at in news})
    amounts = refunds.order_by().values_list("order_id", "at", "detail__amount")
    return sum((Decimal(amount) for number, at, amount in amounts if amount and (number, at) in news), Decimal(0))


def _orders(customer: User, subjects: _Subjects) -> list[OrderNews]:
    """Return what there is to say about each of these orders and refills, which have ended."""
    found = Order.objects.filter(customer=customer, pk__in={number for number, _is_refill in subjects})
    orders = found.select_related("service").prefetch_related("cancellations", "refills").in_bulk()
    attach(*(order.service for order in orders.values()))
    about = []
    for (number, is_refill), listed in subjects.items():
        order = orders[number]
        ended = [refill for refill in order.refills.all() if not refill.is_open]
        # Of an order that ended and was refunded, the refund is the news: its name comes later, too.
        kind = max(row.kind for row in listed)
        refill = max(ended, key=lambda each: each.pk) if is_refill else None
        about.append(OrderNews(order, kind, listed[-1].pk, refill))
    return about


def _numbers(references: Iterable[str]) -> list[int]:
    """The numbers of references such as "order:1042"."""
    return [int(reference.partition(":")[2]) for reference in references]
