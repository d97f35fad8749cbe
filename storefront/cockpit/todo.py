"""The to-do list: what needs a person, counted; each line leads to a page with the same count."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from django.db.models import Count, F, Min, Q, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from billing.models import TopUp
from billing.topups.deciding import waits_for_staff
from billing.topups.uncredited import is_uncredited
from catalog.models import Provider, ProviderService
from core.money import AmountField
from core.templatetags.money import money_text
from core.templatetags.shop import duration_text
from notices.heartbeats import last_beats, silent_after
from notices.models import Alert, Severity
from orders.models import BreakKind, BreakState, ForwardAttempt, Order, ReconciliationBreak
from orders.pages.stuck import Group, Running, running_orders, stuck
from orders.states import Forward, Outcome
from support.models import Ticket

MONEY, PEOPLE, LATER = (
    gettext_lazy("Money is at stake"),
    gettext_lazy("People wait"),
    gettext_lazy("When you have a minute"),
)
#: Causes of alerts that other lines of the list count: paused providers, doubts, differences, tickets, top-ups.
#: Not losses: an order that was found after its refund is on no other line.
HAS_A_LINE = (
    r"^(provider:\d+:(parked|doubt|review|breaker|restored|break:.*)|ticket:\d+|topup:\d+:(decide|sent|surplus)"
    r"|queue:.*)$"
)
#: Who is shown a line has all of them.
Rights = tuple[str, ...]
_DOUBT = Q(forward_state__in=[Forward.IN_DOUBT, Forward.REVIEW])


@dataclass(frozen=True)
class Line:
    """``what`` is a noun after the count, ``detail`` the money or the age; ``url`` shows ``count`` rows."""

    group: Promise
    area: str
    icon: str
    css: str
    count: int
    what: str
    detail: str
    url: str


@dataclass(frozen=True)
class ToDo:
    """``lines`` have a count each; ``closing`` says what lives, and whether something does not."""

    lines: list[Line]
    closing: str
    is_alive: bool

    @property
    def groups(self) -> list[tuple[Promise, list[Line]]]:
        """The lines by group, in the order of urgency; groups without a line are left out."""
        found = [(group, [line for line in self.lines if line.group is group]) for group in (MONEY, PEOPLE, LATER)]
        return [(group, lines) for group, lines in found if lines]

    @property
    def total(self) -> int:
        return sum(line.count for line in self.lines)

    @property
    def due(self) -> dict[str, int]:
        """How much is to do in each area of the menu."""
        counts: dict[str, int] = {}
        for line in self.lines:
            counts[line.area] = counts.get(line.area, 0) + line.count
        return counts


def makers_of(running: Iterable[Running]) -> list[tuple[Rights, Callable[[datetime], Iterable[Line]]]]:
    """Return what makes the lines of each set of rights; ``running`` are the open orders of the providers.

    A line is for those who may open its page and do what it asks for.
    """
    orders = ("orders.view_order", "orders.view_doubtfulorder", "orders.change_doubtfulorder")
    return [
        (("notices.view_heartbeat",), _of_heartbeats),
        (orders, partial(_of_orders, running)),
        (("orders.view_reconciliationbreak", "orders.change_reconciliationbreak"), _of_books),
        (("catalog.view_provider", "catalog.change_provider"), _of_providers),
        (("support.view_ticket", "support.change_ticket"), _of_tickets),
        (("billing.view_topup", "billing.change_topup"), _of_topups),
        (("catalog.view_providerservice", "catalog.change_providerservice"), _of_services),
        (("notices.view_alert", "notices.change_alert"), _of_alerts),
    ]


def todo_of(request: HttpRequest, running: Iterable[Running], *, now: datetime) -> ToDo:
    """Return what who asks can do something about; ``running`` are the open orders of the providers."""
    may = request.user.has_perms
    lines = [line for rights, make in makers_of(running) if may(rights) for line in make(now) if line.count]
    beats = last_beats()
    silent = sum(now - at > silent_after() for at in beats.values())
    return ToDo(lines, _closing(len(beats), silent), bool(beats) and not silent)


def due_by_rights(*, now: datetime) -> dict[str, dict[str, int]]:
    """Return for each set of rights, joined by spaces, how much is to do in each area of the menu."""
    due: dict[str, dict[str, int]] = {}
    for rights, make in makers_of(running_orders(now=now).values()):
        for line in make(now):
            areas = due.setdefault(" ".join(rights), {})
            areas[line.area] = areas.get(line.area, 0) + line.count
    return due


def _closing(parts: int, silent: int) -> str:
    if not parts:
        return _("No background job has run yet.")
    if silent:
        return _("Orders wait while a part of the shop is not seen.")
    return ngettext(
        "The one part of the shop was seen just now.", "All %(n)d parts of the shop were seen just now.", parts
    ) % {"n": parts}


def _age(since: datetime | None, now: datetime) -> str:
    return duration_text(max(now - since, timedelta(0))) if since else ""


def _of_orders(running: Iterable[Running], now: datetime) -> Iterable[Line]:
    """Orders in doubt, refunded while in doubt, to review, failed, waiting, slow, without progress, not canceled."""
    page = reverse("admin:orders_order_changelist")
    doubt = Order.objects.filter(_DOUBT).aggregate(
        n=Count("pk"),
        money=Coalesce(Sum(F("charge") - F("refunded")), Decimal(0), output_field=AmountField()),
        since=Min(Coalesce("sent_at", "created_at")),
    )
    held = {"money": money_text(doubt["money"]), "age": _age(doubt["since"], now)}
    what = ngettext("order in doubt", "orders in doubt", doubt["n"])
    detail = _("%(money)s reserved, the oldest for %(age)s") % held
    doubtful = reverse("admin:orders_doubtfulorder_changelist")
    url = f"{doubtful}?forward_state__in={Forward.IN_DOUBT.value},{Forward.REVIEW.value}"
    yield Line(MONEY, "orders", "hourglass", "is-confirming", doubt["n"], what, detail, url)

    refunded = ForwardAttempt.objects.filter(outcome=Outcome.IN_DOUBT, order__forward_state=Forward.REFUNDED).aggregate(
        n=Count("order_id", distinct=True), since=Min(Coalesce("order__sent_at", "order__created_at"))
    )
    what = ngettext(
        "refunded order that may have been placed", "refunded orders that may have been placed", refunded["n"]
    )
    detail = _("The oldest for %(age)s") % {"age": _age(refunded["since"], now)}
    url = f"{doubtful}?forward_state__exact={Forward.REFUNDED.value}"
    yield Line(MONEY, "orders", "hourglass", "is-partial", refunded["n"], what, detail, url)

    review = Order.objects.exclude(needs_review="").count()
    what = ngettext("order to review", "orders to review", review)
    detail = _("Its provider's answer cannot be read exactly")
    yield Line(MONEY, "orders", "eye", "is-partial", review, what, detail, f"{page}?needs=look")

    seen = stuck(running, now=now)
    yield _group(
        seen.failed, "circle-alert", "is-failed", f"{page}?needs=failed", _("The oldest for %(age)s"),
        ngettext("order failed at its provider", "orders failed at their providers", seen.failed.count),
    )  # fmt: skip
    yield _group(
        seen.waiting, "lock", "is-pending", f"{page}?needs=waiting", _("The oldest was placed %(age)s ago"),
        ngettext("order waiting too long", "orders waiting too long", seen.waiting.count),
    )  # fmt: skip
    yield _group(
        seen.slow, "clock", "is-partial", f"{page}?needs=slow", _("The oldest was accepted %(age)s ago"),
        ngettext("order slower than usual", "orders slower than usual", seen.slow.count),
    )  # fmt: skip
    yield _group(
        seen.still, "circle-dot-dashed", "is-partial", f"{page}?needs=still", _("The oldest for %(age)s"),
        ngettext("order without progress for a day", "orders without progress for a day", seen.still.count),
    )  # fmt: skip
    what = ngettext("request to cancel unanswered", "requests to cancel unanswered", seen.not_canceled.count)
    oldest = _("The oldest for %(age)s")
    yield _group(seen.not_canceled, "ban", "is-progress", f"{page}?needs=cancel", oldest, what, PEOPLE)


def _group(found: Group, icon: str, css: str, url: str, detail: str, what: str, group: Promise = MONEY) -> Line:
    age = duration_text(found.age) if found.age is not None else ""
    return Line(group, "orders", icon, css, found.count, what, detail % {"age": age}, url)


def _of_books(now: datetime) -> Iterable[Line]:
    """Differences between providers' accounts and ours, and orders that cost more than they earned."""
    is_loss = Q(kind=BreakKind.MARGIN)
    found = ReconciliationBreak.objects.filter(state=BreakState.OPEN).aggregate(
        n=Count("pk", filter=~is_loss),
        since=Min("first_seen", filter=~is_loss),
        losses=Count("pk", filter=is_loss),
        lost=Coalesce(Sum("amount", filter=is_loss), Decimal(0), output_field=AmountField()),
    )
    page = f"{reverse('admin:orders_reconciliationbreak_changelist')}?state__exact={BreakState.OPEN.value}"
    kinds = ",".join(kind.value for kind in BreakKind if kind is not BreakKind.MARGIN)
    what = ngettext("difference of accounts", "differences of accounts", found["n"])
    detail = _("The oldest for %(age)s") % {"age": _age(found["since"], now)}
    yield Line(MONEY, "providers", "contrast", "is-failed", found["n"], what, detail, f"{page}&kind__in={kinds}")
    what = ngettext("order below cost", "orders below cost", found["losses"])
    detail = _("%(money)s together") % {"money": money_text(found["lost"])}
    url = f"{page}&kind__exact={BreakKind.MARGIN.value}"
    yield Line(MONEY, "providers", "tag", "is-partial", found["losses"], what, detail, url)


def _of_providers(now: datetime) -> Iterable[Line]:
    parked = list(Provider.objects.filter(parked_at__isnull=False, is_active=True).order_by("parked_at"))
    names = ", ".join(provider.name for provider in parked[:3])
    what = ngettext("provider paused", "providers paused", len(parked))
    page = f"{reverse('admin:catalog_provider_changelist')}?is_active__exact=1&parked_at__isempty=0"
    detail = _("Nothing is sent to %(names)s") % {"names": names}
    yield Line(MONEY, "providers", "ban", "is-failed", len(parked), what, detail, page)


def _of_tickets(now: datetime) -> Iterable[Line]:
    found = Ticket.objects.filter(waits_since__isnull=False).aggregate(n=Count("pk"), since=Min("waits_since"))
    what = ngettext("ticket to answer", "tickets to answer", found["n"])
    detail = _("The oldest for %(age)s") % {"age": _age(found["since"], now)}
    page = reverse("admin:support_ticket_next")
    yield Line(PEOPLE, "tickets", "message-square", "is-progress", found["n"], what, detail, page)


def _of_topups(now: datetime) -> Iterable[Line]:
    found = TopUp.objects.filter(waits_for_staff()).aggregate(
        n=Count("pk"),
        since=Min("created_at"),
        money=Coalesce(Sum("credit_amount"), Decimal(0), output_field=AmountField()),
    )
    what = ngettext("top-up to decide", "top-ups to decide", found["n"])
    held = {"money": money_text(found["money"]), "age": _age(found["since"], now)}
    detail = _("%(money)s, the oldest for %(age)s") % held
    page = f"{reverse('admin:billing_topup_changelist')}?decide="
    yield Line(PEOPLE, "money", "landmark", "is-progress", found["n"], what, detail, f"{page}1")
    found = TopUp.objects.filter(is_uncredited()).aggregate(n=Count("pk"), since=Min("created_at"))
    what = ngettext("payment not credited", "payments not credited", found["n"])
    detail = _("The oldest for %(age)s") % {"age": _age(found["since"], now)}
    yield Line(PEOPLE, "money", "landmark", "is-progress", found["n"], what, detail, f"{page}uncredited")


def _of_services(now: datetime) -> Iterable[Line]:
    count = ProviderService.objects.filter(vanished_at=None).exclude(quarantine=[]).count()
    what = ngettext("service changed and set aside", "services changed and set aside", count)
    detail = _("Not sold until you have looked")
    page = f"{reverse('admin:catalog_providerservice_changelist')}?sale=quarantine"
    yield Line(LATER, "services", "tag", "is-pending", count, what, detail, page)


def _of_heartbeats(now: datetime) -> Iterable[Line]:
    beats = last_beats()
    silent = sum(now - at > silent_after() for at in beats.values())
    if silent:
        what = ngettext("part of the shop not seen", "parts of the shop not seen", silent)
        oldest = _("the first for %(age)s") % {"age": _age(min(beats.values()), now)}
        page = f"{reverse('admin:notices_heartbeat_changelist')}?seen=0"
        yield Line(MONEY, "heartbeats", "wifi-off", "is-failed", silent, what, capfirst(oldest), page)


def _of_alerts(now: datetime) -> Iterable[Line]:
    others = Alert.objects.filter(closed_at=None).exclude(cause__regex=HAS_A_LINE)
    found: dict[str, Any] = others.aggregate(n=Count("pk"), costly=Count("pk", filter=Q(severity=Severity.MONEY)))
    what = ngettext("other alert", "other alerts", found["n"])
    detail = ngettext("%(n)d costs money", "%(n)d cost money", found["costly"]) % {"n": found["costly"]}
    group = MONEY if found["costly"] else LATER
    css = "is-failed" if found["costly"] else "is-pending"
    shown = detail if found["costly"] else ""
    yield Line(group, "alerts", "bell", css, found["n"], what, shown, f"{reverse('admin:alerts')}?others=1")
