"""What mails about orders say, in the language that is active."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.customer_mails import MailRow, MailText, Sum, bounded
from core.templatetags.money import money_text
from core.templatetags.shop import duration_text, num
from orders.models import Order, Refill
from orders.pages.sentences import end_in_text
from orders.pages.situations import Situation
from orders.refill_window import refill_window
from orders.refills import refusal_to_refill
from orders.states import COMPLETED, PARTIAL, RefillState
from orders.templatetags.order_words import ordered, short_link

#: Orders that one mail names; the page has the others. As many as the data of a mail has room for in any script.
MOST_ROWS = 20
_SHORT = 50


@dataclass(frozen=True)
class OrderNews:
    """What there is to say about one order: of which kind, by which row of news, and the refill that it is about."""

    order: Order
    kind: str
    row: int
    refill: Refill | None = None


@dataclass(frozen=True)
class ManyNews:
    """The news of one mail about many: how many orders ended in full, otherwise, and refills, and what came back by it.

    ``shown`` are the first MOST_ROWS of them, which the mail names.
    """

    shown: Sequence[OrderNews]
    completed: int = 0
    other: int = 0
    refills: int = 0
    refunded: Decimal = Decimal(0)

    @property
    def count(self) -> int:
        return self.completed + self.other + self.refills


def order_mail(order: Order, situation: Situation, *, now: datetime) -> MailText:
    """Return the mail about the end of one order, or about a refund after it. It must be final."""
    title = _title(order)
    refunded = money_text(order.refunded)
    lines = [end_in_text(order, situation)]
    if order.face is COMPLETED and order.placed_at and order.finished_at:
        lines[0] += " " + _("It took %(span)s.") % {"span": duration_text(order.finished_at - order.created_at)}
    about = _about(order)
    window = refill_window(order, now=now)
    if order.can_be_refilled and window.ends is not None and not window.is_late:
        lines.append(_("If the count falls, ask for a refill on the order page. It costs nothing."))
        about.append((_("Refill"), window.text))
    return MailText(
        title=title,
        subject=_("%(title)s: %(refunded)s is back") % {"title": title, "refunded": refunded} if order.refunded else "",
        lines=lines,
        about=about,
        sums=_sums(order),
        button=_("See the order"),
        path=_page(order),
    )


def refill_mail(order: Order, refill: Refill, *, now: datetime) -> MailText:
    """Return the mail about the end of a refill."""
    words = {"number": order.pk}
    match refill.state:
        case RefillState.COMPLETED:
            title, line = _("Order #%(number)s is refilled"), _("The supplier has refilled what was missing.")
        case RefillState.REJECTED:
            title = _("The refill of order #%(number)s was declined")
            line = _("The supplier did not take the refill. The order page says whether you can ask again.")
        case _:
            title = _("The refill of order #%(number)s was not answered")
            if refusal_to_refill(order, now=now) is None:
                line = _("The supplier never answered. You can ask again on the order page.")
            else:
                line = _("The supplier never answered. The order page says whether you can ask again.")
    return MailText(
        title=title % words, lines=[line], about=_about(order), button=_("See the order"), path=_page(order)
    )


def many_mail(news: ManyNews, *, is_daily: bool) -> MailText:
    """Return one mail about several orders; the daily one says so."""
    count = news.count
    if is_daily:
        title = ngettext("Your day: news of %(count)s order", "Your day: news of %(count)s orders", count)
    else:
        title = ngettext("News of %(count)s order", "News of %(count)s orders", count)
    lines = []
    if whole := news.completed:
        lines.append(
            ngettext("%(count)s order completed.", "%(count)s orders completed.", whole) % {"count": num(whole)}
        )
    if other := news.other:
        text = ngettext(
            "%(count)s order ended partial, canceled or refunded.",
            "%(count)s orders ended partial, canceled or refunded.",
            other,
        )
        lines.append(text % {"count": num(other)})
    if refills := news.refills:
        text = ngettext("%(count)s refill ended.", "%(count)s refills ended.", refills)
        lines.append(text % {"count": num(refills)})
    if news.refunded:
        lines.append(_("%(refunded)s is back in your wallet.") % {"refunded": money_text(news.refunded)})
    left = count - len(news.shown)
    more = ngettext("%(count)s more is in your list of orders.", "%(count)s more are in your list of orders.", left)
    return MailText(
        title=title % {"count": num(count)},
        lines=lines,
        rows=[_row(each) for each in news.shown],
        more=more % {"count": num(left)} if left else "",
        button=_("See all orders"),
        path=reverse("orders:list"),
    )


def _title(order: Order) -> str:
    words = {"number": order.pk, "done": num(order.delivered), "all": num(order.total)}
    if order.face is COMPLETED:
        return _("Order #%(number)s is completed") % words
    if order.face is PARTIAL:
        return _("Order #%(number)s stopped at %(done)s of %(all)s") % words
    return _("Order #%(number)s is canceled") % words


def _about(order: Order) -> list[tuple[str, str]]:
    about = [(_("Service"), bounded(ordered(order)))]
    if order.target:
        # Without the scheme, so that no mail program makes a link of it: what leads out of a mail leads to the shop.
        about.append((_("Link"), bounded(short_link(order.target))))
    if order.start_count is not None:
        about.append((_("Count at the start"), num(order.start_count)))
    words = {"done": num(order.delivered), "all": num(order.total)}
    return [*about, (_("Delivered"), _("%(done)s of %(all)s") % words)]


def _sums(order: Order) -> list[Sum]:
    sums = [Sum(_("Reserved"), money_text(order.charge))]
    if order.refunded:
        sums.append(Sum(_("Refund"), money_text(-order.refunded)))
    return [*sums, Sum(_("Paid"), money_text(order.net_charge), is_total=True)]


def _row(news: OrderNews) -> MailRow:
    order, amount = news.order, money_text(news.order.net_charge)
    if news.refill is not None:
        # A refill costs nothing: the price of the order would read as the price of the refill.
        amount = ""
        state = _("Refill: %(state)s") % {"state": RefillState(news.refill.state).label}
    elif order.face is PARTIAL:
        words = {"state": order.face.word, "done": num(order.delivered), "all": num(order.total)}
        state = _("%(state)s, %(done)s of %(all)s") % words
    else:
        state = str(order.face.word)
    title = _("Order #%(number)s: %(state)s") % {"number": order.pk, "state": state}
    return MailRow(title, bounded(ordered(order), _SHORT), amount)


def _page(order: Order) -> str:
    return reverse("orders:order", args=[order.pk])
