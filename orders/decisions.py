"""The owner's decisions about orders whose answer was lost: each has a name and a reason, and counts once."""

from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from accounts.staff_limits import take_from_limit, within_limits
from catalog.providers.connection import client_for
from core.clock import database_now
from core.refusals import Refusal, demand_reason
from core.secrets import SecretUnreadable
from core.staff_actions import Actor, record_staff_action
from orders import id_search, lifecycle, own_ids
from orders.books import orphans
from orders.doubt import conclude
from orders.doubt.intervals import settle_time
from orders.forwarding.outcomes import is_ours_already
from orders.models import UNEXPLAINED, EventKind, ForwardAttempt, Order, OwnId
from orders.models.repeat import number_named
from orders.settlement import money_of
from orders.states import Explanation, Outcome
from upstream.errors import Unavailable
from upstream.ids import canonical_id
from upstream.messages import OrderStatus


class NotInDoubt(Refusal):
    """Somebody, or the evidence, decided before."""

    code = "not_in_doubt"


class TooEarly(Refusal):
    """What was sent may still be carried out."""

    code = "too_early"


class NumberNamed(Refusal):
    """The provider answered the order's repeated request with a number, so it was placed."""

    code = "number_named"


class NotThatId(Refusal):
    """The provider does not know this id as ours, another order has it, or it could not be asked."""

    code = "not_that_id"


def decide_placed(
    *, order_id: int, upstream_id: str, actor: Actor, reason: str, now: datetime, attempt_id: int | None = None
) -> bool:
    """Record that the order was placed as ``upstream_id``; False if exactly that was decided before.

    ``attempt_id`` is the attempt that the owner saw, if known: a decision about it is none about a later one. The
    provider is asked for the id first. Must not run inside a transaction. Raises NoReason, NotThatId, NotInDoubt.
    """
    demand_reason(reason)
    wanted = canonical_id(upstream_id)
    if wanted is None:
        raise NotThatId(_("This is not an order number of a provider."))
    order = Order.objects.select_related("provider").get(pk=order_id)
    if order.attempts.filter(outcome=Outcome.PLACED, upstream_id=wanted).exists():
        return False
    attempt = _demand_doubt(order, attempt_id)
    if is_ours_already(order.provider_id, wanted):
        raise NotThatId(_("Another order has this number already."))
    try:
        item = client_for(order.provider, deadline=settings.READ_DEADLINE_SECONDS).status(wanted)
    except (Unavailable, SecretUnreadable) as problem:
        raise NotThatId(_("The provider could not be asked for this number. Please try again.")) from problem
    if id_search.is_refused(item):
        raise NotThatId(_("The provider knows no order of ours with this number."))
    if not isinstance(item, OrderStatus):
        raise NotThatId(_("The provider's answer about this number makes no sense. Please try again."))
    own_ids.note_seen(order.provider_id, wanted, item, now=database_now())
    with transaction.atomic():
        done = conclude.placed(attempt.pk, wanted, how="person", now=database_now(), actor=actor.name, reason=reason)
        if done:
            _note(order, actor, reason, now, {"decision": "placed", "id": wanted})
    if not done:
        raise NotInDoubt(_("Meanwhile this order was decided, or another order got the number."))
    return True


def decide_not_placed(
    *, order_id: int, refund: bool, actor: Actor, reason: str, now: datetime, attempt_id: int | None = None
) -> bool:
    """Record that the order was not placed, and send it again or refund it; False if that was decided before.

    ``attempt_id`` is the attempt that the owner saw, as for :func:`decide_placed`. The search remembers that this is
    an opinion: the attempt may still turn out to own an id. Raises NoReason, TooEarly, NumberNamed, NotInDoubt,
    OverLimit.
    """
    demand_reason(reason)
    order = Order.objects.select_related("provider").get(pk=order_id)
    decided = order.attempts.filter(outcome=Outcome.NOT_PLACED, decided_by__isnull=False)
    if attempt_id is not None and decided.filter(pk=attempt_id).exists():
        return False
    if doubtful_attempt(order) is None and decided.exists():
        return False
    attempt = _demand_doubt(order, attempt_id)
    if refusal := refusal_to_not_placed(attempt, now=now):
        raise refusal
    person = {"reason": reason, "refund": refund}
    with within_limits():
        held = money_of(order).held
        done = conclude.not_placed(attempt.pk, how="person", now=now, actor=actor.name, refund=refund, person=person)
        if done:
            _note(order, actor, reason, now, {"decision": "not placed", "then": "refund" if refund else "send again"})
            take_from_limit(actor, held if refund else Decimal(0), action="doubt.not_placed", target=order)
    if not done:
        raise NotInDoubt(_("This order was decided meanwhile."))
    return True


def refusal_to_not_placed(attempt: ForwardAttempt, *, now: datetime) -> TooEarly | NumberNamed | None:
    """Return why nobody can decide now that ``attempt``, which is in doubt, was not placed; None if they can."""
    if now < earliest_not_placed(attempt):
        return TooEarly(_("The provider may still carry it out. Please wait until the time shown."))
    if number := number_named(attempt):
        text = _(
            "The provider answered this order's repeated request with %(number)s. Record that it was placed as that "
            "one, or mark that number as not ours first."
        )
        return NumberNamed(text % {"number": number})
    return None


def mark_foreign(*, own_id: int, actor: Actor, reason: str) -> bool:
    """Record that something else placed this order with our key; False if the id is explained already.

    Its charge left our account all the same, so the books keep it, whether or not a scan listed it before. Raises
    NoReason.
    """
    demand_reason(reason)
    with transaction.atomic():
        unexplained = OwnId.objects.filter(pk=own_id, explained__in=UNEXPLAINED)
        if not unexplained.update(explained=Explanation.FOREIGN, decided_by=actor.name):
            return False
        own = OwnId.objects.select_related("provider").get(pk=own_id)
        orphan = orphans.Orphan(own.upstream_id, own.charge, own.state)
        orphans.explain_orphan(own.provider, orphan, reason=reason, actor=actor.name, now=database_now())
        record_staff_action(actor, "own_id.foreign", own, reason=reason)
    return True


def earliest_not_placed(attempt: ForwardAttempt) -> datetime:
    """The moment from which nothing of the send can still take effect."""
    repeated_at = attempt.repeats.aggregate(last=Max("sent_at"))["last"]
    return (repeated_at or attempt.sent_at or attempt.claimed_at) + settle_time()


def doubtful_attempt(order: Order) -> ForwardAttempt | None:
    """The attempt to decide about; an order that was refunded meanwhile may still have one."""
    return order.attempts.filter(outcome=Outcome.IN_DOUBT).first()


def _demand_doubt(order: Order, attempt_id: int | None) -> ForwardAttempt:
    """The attempt to decide about. Raises NotInDoubt if there is none, or it is another one than the owner saw."""
    attempt = doubtful_attempt(order)
    if attempt is None:
        raise NotInDoubt(_("This order is not in doubt any more."))
    if attempt_id not in (None, attempt.pk):
        raise NotInDoubt(_("This order was decided meanwhile."))
    return attempt


def _note(order: Order, actor: Actor, reason: str, now: datetime, detail: dict[str, str]) -> None:
    lifecycle.note(
        order_id=order.pk, kind=EventKind.DECIDED, now=now, detail={**detail, "reason": reason[:500]}, actor=actor.name
    )
    action = f"doubt.{detail['decision'].replace(' ', '_')}"
    record_staff_action(actor, action, order, reason=reason, after=detail)
