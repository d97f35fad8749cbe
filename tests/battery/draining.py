"""Liveness: faults end, time goes by, and the shop comes to rest by itself, but for what only a person can decide."""

from contextlib import suppress
from datetime import timedelta

from django.db.models import Max, Min, Q

from catalog.models import Provider
from catalog.providers import health
from core.clock import database_now
from core.refusals import Refusal
from orders import decisions, freezing, sweep
from orders.books import reconciliation
from orders.doubt import resolve
from orders.models import Cancellation, ChildOrder, ForwardAttempt, Order, Refill
from orders.states import CANCEL_OPEN, FINAL, REFILL_OPEN, Forward, Outcome, RefillState
from orders.thawing.scan import ScanFailed
from orders.thawing.thaw import known_ids, thaw_provider
from orders.thawing.thaw import thaw as thaw_shop
from tests.actors import OWNER
from tests.battery.stage import LIFE, Panel, Stage

ROUNDS = 40
_UNSENT = (Forward.QUEUED, Forward.CLAIMED, Forward.SENDING)
_DOUBTFUL = (Forward.IN_DOUBT, Forward.REVIEW)


class NotAtRest(AssertionError):
    """The shop did not come to rest: stuck orders, and so a failure, never a pass."""


def drain(stage: Stage) -> None:
    """Until nothing moves any more; raises NotAtRest after ROUNDS."""
    _calm(stage)
    thaw(stage)
    for _ in range(ROUNDS):
        _one_round(stage)
        _let_lives_end(stage)
        if not _is_moving():
            _last_words(stage)
            if not _is_moving():
                return
        stage.time.advance(_pause())
        _poll_all()
    raise NotAtRest(f"L1 is broken (the shop comes to rest): {_what_moves()}")


def _calm(stage: Stage) -> None:
    for panel in stage.panels:
        provider = panel.account.provider
        provider.plan.clear()
        provider.calm = True
        provider.switches["one_order_per_link"] = False
        panel.account.unreachable.clear()
        provider.books.adjust(max(-provider.books.balance, 0) + 1000)
    stage.time.advance(130)  # what a panel places late is placed by now
    stage.works()


def _let_lives_end(stage: Stage) -> None:
    """What would never end at a panel ends well, also what is sent only now."""
    for panel in stage.panels:
        books, now = panel.books, panel.account.provider.now()
        for order in books.orders.values():
            if order.kind == "plain" and order.steps[-1].status in ("Pending", "In progress", "Paused", "Failed"):
                books.refate(order, "completed", now=now, after=60)
        for refill in books.refills.values():
            refill.fate = refill.fate if refill.fate == "rejected" else "completed"


def thaw(stage: Stage) -> None:
    """The owner compares a restored shop with each panel once nothing can arrive there any more, and lets it go on."""
    if not freezing.check(now=database_now()):
        return
    stage.time.advance(601)
    for panel in stage.panels:
        there = sorted(int(number) for number in panel.books.orders)
        known = known_ids(panel.pk)
        with suppress(Refusal, ScanFailed):
            thaw_provider(
                Provider.objects.get(pk=panel.pk),
                recent_id=str(there[-1]) if there else None,
                first_id=str(there[0]) if there and not known else None,
                actor=OWNER,
                reason="looked",
                now=database_now(),
            )
    with suppress(Refusal):
        thaw_shop(actor=OWNER, reason="compared", now=database_now())


def _one_round(stage: Stage) -> None:
    now = database_now()
    for provider in Provider.objects.filter(parked_at__isnull=False):
        health.unpark(provider.pk, now=now, actor="owner")
    sweep.do_due(now=now, seconds=5)
    if ForwardAttempt.objects.filter(outcome=Outcome.IN_DOUBT).exists():
        _sell_what_ends_a_search(stage)
        resolve.resolve_due(now=database_now(), seconds=5)
    # What is in review the shop has given to a person, after T_settle and T_review, or at once where ids prove nothing.
    if not Order.objects.filter(forward_state=Forward.IN_DOUBT).exists():
        _decide(stage)


def _sell_what_ends_a_search(stage: Stage) -> None:
    """The next sale, T_settle after the last doubt, which supplies the search with its upper end."""
    settled = database_now() - timedelta(seconds=601)
    for panel in stage.panels:
        at = ForwardAttempt.objects.filter(provider=panel.pk)
        doubts = at.filter(outcome=Outcome.IN_DOUBT).order_by("-sent_at").values_list("sent_at", flat=True)
        if not doubts or doubts[0] is None or doubts[0] > settled:
            continue
        later = Q(sent_at__gt=doubts[0] + timedelta(seconds=600)) & Q(outcome=Outcome.PLACED)
        waiting = Order.objects.filter(provider=panel.pk, forward_state__in=_UNSENT).exists()
        if not waiting and not at.filter(later).exists():
            stage.sells_one(panel)


def _decide(stage: Stage) -> None:
    """A person who looks into the panel, and knows."""
    for order in Order.objects.filter(forward_state=Forward.REVIEW):
        decide_rightly(stage, order)


def decide_rightly(stage: Stage, order: Order, *, refund: bool = True) -> None:
    panel = next(p for p in stage.panels if p.pk == order.provider_id)
    there = _ids_there(panel, order)
    with suppress(Refusal):
        if there:
            decisions.decide_placed(
                order_id=order.pk, upstream_id=there[-1], actor=OWNER, reason="seen there", now=database_now()
            )
        else:
            decisions.decide_not_placed(
                order_id=order.pk, refund=refund, actor=OWNER, reason="not there", now=database_now()
            )


def _ids_there(panel: Panel, order: Order) -> list[str]:
    known = set(
        ForwardAttempt.objects.filter(provider=panel.pk, upstream_id__isnull=False).values_list(
            "upstream_id", flat=True
        )
    )
    return [n for n, o in panel.books.orders.items() if o.link == order.link and not o.parent and n not in known]


def _moving() -> dict[str, bool]:
    heard_all = Q(progress__in=FINAL)
    return {
        "orders on their way": Order.objects.filter(forward_state__in=[*_UNSENT, *_DOUBTFUL]).exists(),
        "orders running": Order.objects.filter(forward_state=Forward.PLACED).exclude(heard_all).exists(),
        "attempts": ForwardAttempt.objects.filter(outcome__in=[Outcome.CLAIMED, Outcome.SENDING]).exists(),
        "refills": Refill.objects.filter(state__in=REFILL_OPEN).exists(),
        "cancellations": Cancellation.objects.filter(state__in=CANCEL_OPEN).exists(),
    }


def _is_moving() -> bool:
    return any(_moving().values())


def _what_moves() -> str:
    orders = Order.objects.filter(Q(forward_state__in=[*_UNSENT, *_DOUBTFUL]) | ~Q(progress__in=FINAL))
    rows = orders.exclude(forward_state__in=[Forward.REFUSED, Forward.REFUNDED])
    named = [f"order {o.pk} {o.forward_state}/{o.progress}/{o.raw_state}/{o.needs_review}" for o in rows[:5]]
    return f"{[name for name, moves in _moving().items() if moves]}: {'; '.join(named)}"


def _pause() -> float:
    """Until the next thing of each kind that still moves is due, as seldom as that allows: a round costs time."""
    now = database_now()
    doubts = Order.objects.filter(forward_state=Forward.IN_DOUBT)
    newest = doubts.aggregate(at=Max("sent_at"))["at"]
    if newest is not None:
        since = (now - newest).total_seconds()
        # Until it has settled; then two searches a minute apart; then until the owner is asked.
        return 605 - since if since < 600 else 62 if since < 900 else max(2_410 - since, 62)
    moments = [
        Order.objects.filter(next_at__gt=now).aggregate(at=Min("next_at"))["at"],
        Cancellation.objects.filter(next_at__gt=now).aggregate(at=Min("next_at"))["at"],
        Refill.objects.filter(next_at__gt=now).aggregate(at=Min("next_at"))["at"],
        Refill.objects.filter(next_poll_at__gt=now).aggregate(at=Min("next_poll_at"))["at"],
    ]
    waits = [(moment - now).total_seconds() + 1 for moment in moments if moment is not None]
    if not waits and Refill.objects.filter(state=RefillState.IN_DOUBT).exists():
        return 90_000
    return max([LIFE, *waits])


def _poll_all() -> None:
    """Whatever the timetable says: it is tried elsewhere, and here it would only cost rounds."""
    for rows in (Order.objects, ChildOrder.objects):
        rows.filter(next_poll_at__isnull=False).update(next_poll_at=database_now())


def _last_words(stage: Stage) -> None:
    """Lives end at the panel, every order is asked about once more, and the accounts are compared."""
    stage.time.advance(4 * LIFE)
    _poll_all()
    sweep.do_due(now=database_now(), seconds=5)
    for _ in range(2):
        stage.time.advance(3700)
        reconciliation.reconcile_due(now=database_now())
