"""Where an order stands, for staff: one sentence, what to know about it, and the note of the list."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import prefetch_related_objects
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from catalog.facts.figures import ENOUGH
from catalog.models import ServiceFigures
from catalog.providers.health import parked_reason_text
from core.moments import moment_text
from core.templatetags.money import money_text
from core.templatetags.shop import duration_text, num
from orders.admin.standing_words import FIRST, NOTES, SENTENCES, SLOW
from orders.books.margins import margin_of
from orders.models import Order
from orders.pages.situations import Situation, situation_of, situations_of
from orders.settlement import money_of
from orders.states import Face, Forward, Progress

IN_DOUBT = Face("doubt", gettext_lazy("In doubt"), "is-confirming", "hourglass")
FAILED = Face("failed", gettext_lazy("Failed"), "is-failed", "circle-alert")


@dataclass(frozen=True)
class Standing:
    """``sentence`` says why the order stands where it stands; ``lines`` what is usual, the money and what comes next.

    ``decide`` is the address of the page on which a doubt is decided, empty for any other order.
    """

    face: Face
    sentence: str
    lines: list[str] = field(default_factory=list)
    decide: str = ""


@dataclass(frozen=True)
class Note:
    """The state of an order in the words of staff, and why, in a few words."""

    face: Face
    text: str


def face_of_staff(order: Order) -> Face:
    """Return the state as staff read it: in doubt and failed have names that customers do not see."""
    if order.is_in_doubt:
        return IN_DOUBT
    return FAILED if order.forward_state == Forward.PLACED and order.progress == Progress.FAILED else order.face


def notes_of(orders: Iterable[Order], *, now: datetime, sees_money: bool = True) -> dict[int, Note]:
    """Return the note of each order of a list; of costs only for who ``sees_money``. Three queries for all orders."""
    listed = list(orders)
    prefetch_related_objects(listed, "cancellations")
    situations = situations_of(listed, now=now)
    figures = ServiceFigures.objects.in_bulk({order.service_id for order in listed})
    return {o.pk: _note(o, situations[o.pk], figures.get(o.service_id), now, sees_money) for o in listed}


def _note(order: Order, situation: Situation, figures: ServiceFigures | None, now: datetime, sees_money: bool) -> Note:
    words = _words(order, situation, now)
    text = str(NOTES.get(situation, "")) % words
    if situation in (Situation.ACCEPTED, Situation.RUNNING) and is_slow(order, figures, now=now):
        text = _("Slow: %(done)s of %(all)s") % words
    elif situation is Situation.COMPLETED and sees_money and margin_of(order) < 0:
        text = _("Below cost")
    elif order.cancel_is_open and not order.is_final:
        text = _("Cancellation asked for")
    return Note(face_of_staff(order), text)


def is_slow(order: Order, figures: ServiceFigures | None, *, now: datetime) -> bool:
    """True if it runs for over twice the measured time and an hour, with or without progress."""
    usual = _usual(order, figures)
    return usual is not None and order.placed_at is not None and now - order.placed_at > usual * 2 + timedelta(hours=1)


def _usual(order: Order, figures: ServiceFigures | None) -> timedelta | None:
    """How long half of such orders take at most; None where too few were measured."""
    if figures is None or figures.starts_in is None or figures.takes is None or order.may_have_children:
        return None
    return timedelta(seconds=figures.starts_in + figures.takes * order.total / 1000)


def standing_of(order: Order, *, now: datetime) -> Standing:
    """Return where ``order`` stands."""
    situation = situation_of(order, now=now)
    figures = ServiceFigures.objects.filter(pk=order.service_id).first()
    words = {**_words(order, situation, now), **_more_words(order)}
    is_open = situation in (Situation.ACCEPTED, Situation.RUNNING)
    late = is_open and is_slow(order, figures, now=now)
    sentence = str(SLOW if late else SENTENCES[situation]) % words
    lines = [_usual_line(order, figures), _money_line(order), _next_line(order, now)]
    first = _("Ask %(provider)s, or cancel the rest before you refund it.") if late else FIRST.get(situation, "")
    if first:
        lines.append(_("What to do first: %(what)s") % {"what": str(first) % words})
    decide = reverse("admin:orders_doubtfulorder_change", args=[order.pk]) if order.is_in_doubt else ""
    return Standing(face_of_staff(order), sentence, [line for line in lines if line], decide)


def _words(order: Order, situation: Situation, now: datetime) -> dict[str, object]:
    """What the sentences name: counts, the provider, since when, and in which words it was refused or failed."""
    provider = order.provider
    began = {
        Situation.CONFIRMING: order.sent_at, Situation.BY_HAND: order.sent_at, Situation.SILENT: order.answered_at,
        Situation.FAILED: order.state_since, Situation.PAUSED: order.state_since, Situation.ACCEPTED: order.placed_at,
        Situation.RUNNING: order.placed_at, Situation.UNCLEAR: order.answered_at,
    }.get(situation) or order.created_at  # fmt: skip
    return {
        "provider": provider.name, "since": duration_text(max(now - began, timedelta(0))),
        "done": num(order.delivered), "all": num(order.total), "raw": order.raw_state or order.get_progress_display(),
        "tries": num(order.tries), "review": order.needs_review,
        "refusal": order.last_refusal.replace("_", " ") or _("no reason named"),
        "other": f"#{order.waits_for_id}" if order.waits_for_id else _("another of the customer"),
    }  # fmt: skip


def _more_words(order: Order) -> dict[str, object]:
    """What only the sentences of a page name: when it ended, why its provider is paused, how long doubts take."""
    provider = order.provider
    return {
        "at": moment_text(order.finished_at or order.created_at),
        "why": parked_reason_text(provider.parked_reason) if provider.parked_at else _("it is set to inactive"),
        "usual_doubt": duration_text(timedelta(seconds=1.5 * settings.DOUBT_SETTLE_SECONDS)),
    }


def _usual_line(order: Order, figures: ServiceFigures | None) -> str:
    usual = _usual(order, figures)
    if usual is None or figures is None or figures.starts_in is None:
        return "" if order.is_final else _("Fewer than %(n)s such orders were measured.") % {"n": ENOUGH}
    words = {
        "starts": duration_text(timedelta(seconds=figures.starts_in)), "ends": duration_text(usual),
        "n": num(min(figures.starts_orders, figures.takes_orders)),
    }  # fmt: skip
    return _("Half of such orders start within %(starts)s and end within %(ends)s (%(n)s orders measured).") % words


def counts_of(order: Order) -> str:
    """Return where the count of the link started, where it is now and where it should end; empty if that is not known.

    The start is what the provider reports: the shop itself opens nobody's pages.
    """
    if order.start_count is None or order.may_have_children:
        return ""
    return _("Started at %(start)s · now %(now)s · target %(target)s") % {
        "start": num(order.start_count), "now": num(order.start_count + order.delivered),
        "target": num(order.start_count + order.total),
    }  # fmt: skip


def _money_line(order: Order) -> str:
    money = money_of(order)
    words = {name: money_text(getattr(money, name)) for name in ("charged", "earned", "refunded", "held")}
    if money.held:
        if money.earned or money.refunded:
            return _("Of %(charged)s, %(held)s is held, %(earned)s earned and %(refunded)s refunded.") % words
        return _("The money is safe: %(held)s is held, and nothing is charged twice.") % words
    return _("Of %(charged)s, %(earned)s is earned and %(refunded)s refunded.") % words


def _next_line(order: Order, now: datetime) -> str:
    """When the shop looks again by itself."""
    if order.is_in_doubt:
        if order.sent_at is None or not settings.DOUBT_REFUND_SECONDS:
            return _("The shop looks for it at the provider by itself.")
        ends_at = order.sent_at + timedelta(seconds=settings.DOUBT_REFUND_SECONDS)
        return _("The shop looks for it by itself; if it is still in doubt at %(at)s, the customer is refunded.") % {
            "at": moment_text(ends_at)
        }
    at = order.next_at if order.forward_state == Forward.QUEUED else order.next_poll_at
    if at is None:
        return ""
    if order.finished_at is not None and at > now:
        return _("The shop asks once more at %(at)s, in case something has changed.") % {"at": moment_text(at)}
    if at <= now:
        return _("The shop asks again within seconds.")
    if order.forward_state == Forward.QUEUED:
        return _("The shop tries again at %(at)s.") % {"at": moment_text(at)}
    return _("The shop asks again at %(at)s.") % {"at": moment_text(at)}
