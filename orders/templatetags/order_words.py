"""Orders in the words of the page: badges, names for references of the ledger, short links."""

from datetime import timedelta

from django import template
from django.forms import BoundField
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from catalog.models import Service
from core.owner_texts import texts_in
from core.templatetags.shop import state_html
from orders.models import ChildOrder, Order, Refill
from orders.pages.forms import LINES
from orders.pages.line_counts import LineCount, count_lines
from orders.pages.sentences import note
from orders.pages.situations import Situation
from orders.states import PENDING, SENDING, Forward, RefillState, face_of

register = template.Library()

#: Sending lasts for seconds; a list that flickered between two words would say less, not more.
QUIET = timedelta(seconds=5)


@register.simple_tag
def order_state(order: Order, *, listed: bool = False) -> SafeString:
    """The badge; in a list "Sending" is shown only once it lasts."""
    face = order.face
    is_brief = order.sent_at is None or timezone.now() - order.sent_at <= QUIET
    if listed and face is SENDING and is_brief:
        face = PENDING
    return state_html(face.css, face.icon, str(face.word))


@register.simple_tag
def situation_note(situations: dict[int, Situation], order: Order) -> str:
    """The line under the state of one order in a list, "" if there is nothing to add."""
    return note(situations[order.pk])


@register.simple_tag
def child_state(child: ChildOrder) -> SafeString:
    """The badge of one run or post."""
    face = face_of(Forward.PLACED, child.progress)
    return state_html(face.css, face.icon, str(face.word))


@register.simple_tag
def refill_state(refill: Refill) -> SafeString:
    if refill.is_open:
        return state_html("is-progress", "rotate-cw", _("Refill in progress"))
    if refill.state == RefillState.COMPLETED:
        return state_html("is-completed", "rotate-cw", _("Refilled"))
    if refill.state == RefillState.UNANSWERED:
        return state_html("is-canceled", "rotate-cw", _("Refill never answered"))
    return state_html("is-canceled", "rotate-cw", _("Refill declined"))


@register.simple_tag
def line_count(field: BoundField) -> LineCount | None:
    """What stands in a field that takes one entry a line; None for another field, and while it is empty."""
    text = str(field.value() or "")
    return count_lines(field.name, text) if field.name in LINES and text.strip() else None


@register.filter
def order_number(reference: str) -> str:
    """``1042`` of the ledger's ``order:1042``; empty for a reference to anything else."""
    return reference.removeprefix("order:") if reference.startswith("order:") else ""


@register.simple_tag
def service_names(references: list[str]) -> dict[str, str]:
    """What was ordered, for every ``order:…`` among the references of a statement: one query."""
    numbers = [int(n) for r in references if (n := order_number(r)).isdigit()]
    rows = list(Order.objects.filter(pk__in=numbers).values_list("pk", "service_id", "service_name"))
    shown = texts_in(get_language() or "", Service, "name", {service for _number, service, _name in rows})
    return {f"order:{number}": shown.get(service, name) for number, service, name in rows}


@register.filter
def ordered(order: Order) -> str:
    """The name of the service that was ordered: in the language of the page, else as it was called then."""
    texts: dict[str, str] = getattr(order.service, "owner_texts", {})
    return texts.get("name", order.service_name)


@register.filter
def lookup(names: dict[str, str], key: str) -> str:
    return names.get(key, "")


@register.filter
def short_link(link: str) -> str:
    """A link without the prefix that every link has."""
    return link.removeprefix("https://").removeprefix("http://").removeprefix("www.").rstrip("/")


@register.filter
def is_web(link: str) -> bool:
    """True if a link is safe to follow: a customer may type anything, and ``javascript:`` is also an address."""
    return link.startswith(("https://", "http://"))
