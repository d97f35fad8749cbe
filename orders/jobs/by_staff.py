"""Jobs of staff about orders: each order by the same operation as on its own page, with the same reason."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import User
from core.refusals import Refusal
from core.staff_actions import Actor
from core.templatetags.money import money_text
from orders import decisions
from orders.cancel_by_hand import cancel_by_hand
from orders.jobs import plans
from orders.jobs.kinds import JobKind, register
from orders.jobs.of_orders import title_of_cancel, title_of_refill
from orders.jobs.starting import ByStaff, start_job
from orders.models import Job, JobItem, Order
from orders.note_by_hand import note_by_hand
from orders.refill_by_hand import refill_by_hand
from orders.refund_by_hand import refund_by_hand, refundable

#: Who decides about one order does so about many.
RIGHT = "orders.change_doubtfulorder"
WHOLE = Decimal(100)


class NoRight(Refusal):
    """The person who started the job may not do this any more."""

    code = "no_right"


@dataclass(frozen=True)
class StaffKind(JobKind):
    """A kind of job of staff. ``verb`` stands in the menu of the list, ``ask`` on the button for so many orders.

    ``plan`` says what it does to an order.
    """

    verb: str | Promise
    ask: Callable[[int], str]
    plan: plans.Planner
    moves_money: bool = True


def start_by_staff(
    *,
    person: User,
    actor: Actor,
    kind: StaffKind,
    seen: Mapping[int, str],
    reason: str,
    percent: Decimal | None,
    nonce: str,
    now: datetime,
) -> Job:
    """Start a job about the orders that are the keys of ``seen``, and return it; with the same nonce, the first one.

    The values of ``seen`` are those of the :class:`orders.jobs.plans.Plan` that the person saw. Raises NoReason,
    NothingToDo, TooMany.
    """
    terms = {} if percent is None else {"percent": f"{percent:f}"}
    return start_job(
        kind=kind, object_ids=sorted(seen), seen=seen, nonce=nonce, now=now,
        staff=ByStaff(person, actor, reason, terms),
    )  # fmt: skip


def _actor_of(job: Job) -> Actor:
    """Return who asked, as the operation on one order wants it. Raises NoRight if they may not do it any more."""
    person = User.objects.filter(pk=job.staff_id or 0, is_active=True, is_staff=True).first()
    if person is None or not person.has_perm(RIGHT):
        raise NoRight(_("The person who started this is not allowed to do it any more."))
    return Actor(
        code=f"staff:{person.pk}",
        name=job.actor,
        address=job.terms.get("address"),
        request_id=job.terms.get("request_id", ""),
        job=job.pk,
    )


def _cancel(job: Job, item: JobItem, now: datetime) -> str:
    order = Order(pk=item.object_id)
    if cancel_by_hand(order=order, actor=_actor_of(job), reason=job.reason, now=now) is None:
        return _("Canceled and refunded.")
    return _("The provider is asked to cancel it.")


def _refund(job: Job, item: JobItem, now: datetime) -> str:
    percent = Decimal(job.terms.get("percent", WHOLE))
    amount = plans.share_of(refundable(Order.objects.get(pk=item.object_id)).most, percent)
    refund_by_hand(
        order_id=item.object_id, amount=amount, seen=item.seen, actor=_actor_of(job), reason=job.reason, now=now
    )
    return _("%(amount)s refunded.") % {"amount": money_text(amount)}


def _resend(job: Job, item: JobItem, now: datetime) -> str:
    # Without an attempt that was seen there is none to decide about: 0 is none.
    is_new = decisions.decide_not_placed(
        order_id=item.object_id, refund=False, actor=_actor_of(job), reason=job.reason, now=now,
        attempt_id=int(item.seen) if item.seen.isdecimal() else 0,
    )  # fmt: skip
    if not is_new:
        raise decisions.NotInDoubt(_("This was already decided; nothing changed."))
    return _("It is sent again.")


def _refill(job: Job, item: JobItem, now: datetime) -> str:
    refill_by_hand(order=Order(pk=item.object_id), actor=_actor_of(job), reason=job.reason, now=now)
    return _("A refill was requested.")


def _note(job: Job, item: JobItem, now: datetime) -> str:
    note_by_hand(order=Order(pk=item.object_id), text=job.reason, actor=_actor_of(job), now=now)
    return _("The note was added to its history.")


def _titles(one: str, many: str) -> Callable[[int], str]:
    """Return what names so many orders by one of two texts."""
    return lambda count: ngettext(one, many, count) % {"count": f"{count:,}"}


CANCEL = StaffKind(
    "staff_cancel", title_of_cancel, _cancel, gettext_lazy("Cancel"),
    _titles("Cancel %(count)s order", "Cancel %(count)s orders"), plans.cancel,
)  # fmt: skip
REFUND = StaffKind(
    "staff_refund", _titles("Refund of %(count)s order", "Refund of %(count)s orders"), _refund,
    gettext_lazy("Refund"), _titles("Refund %(count)s order", "Refund %(count)s orders"), plans.refund,
)  # fmt: skip
PART = StaffKind(
    "staff_part", _titles("Refund of a part of %(count)s order", "Refund of a part of %(count)s orders"), _refund,
    gettext_lazy("Refund a part"),
    _titles("Refund a part of %(count)s order", "Refund a part of %(count)s orders"), plans.refund,
)  # fmt: skip
RESEND = StaffKind(
    "staff_resend", _titles("%(count)s order sent again", "%(count)s orders sent again"), _resend,
    gettext_lazy("Send again"), _titles("Send %(count)s order again", "Send %(count)s orders again"), plans.resend,
)  # fmt: skip
REFILL = StaffKind(
    "staff_refill", title_of_refill, _refill, gettext_lazy("Refill"),
    _titles("Refill %(count)s order", "Refill %(count)s orders"), plans.refill, moves_money=False,
)  # fmt: skip
NOTE = StaffKind(
    "staff_note", _titles("Note on %(count)s order", "Note on %(count)s orders"), _note, gettext_lazy("Add a note"),
    _titles("Add a note to %(count)s order", "Add a note to %(count)s orders"), plans.note, moves_money=False,
)  # fmt: skip
#: What staff may ask about many orders, by name, in the sequence of the menu.
OF_STAFF = {kind.name: kind for kind in (CANCEL, REFUND, PART, RESEND, REFILL, NOTE)}
for _kind in OF_STAFF.values():
    register(_kind)
