"""Search over everything: what one text may stand for, by kind, each kind found by an index of its own.

Only services and providers are read whole: there are thousands of them, not millions.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.finding import people_with
from accounts.models import User
from billing.models import Document, TopUp
from billing.topups.finding import ids_at_gateways
from catalog.models import Provider, Service
from core.numbers import ascii_digits
from core.templatetags.money import money_text
from orders.link_search import nth_newest, with_link
from orders.models import ChildOrder, Order
from support.models import Ticket

#: Rows shown of a kind.
SHOWN = 6
LONGEST = 200
_SHORTEST_NAME = 2
_DOCUMENT = re.compile(r"([A-Z]{1,4}-[0-9]{4})-0*([1-9][0-9]{0,8})")


@dataclass(frozen=True)
class Hit:
    """One thing that was found. ``is_exact``: the text is its whole number or address."""

    url: str
    title: str
    detail: str
    is_exact: bool = False


@dataclass(frozen=True)
class Group:
    """The hits of one kind; ``more`` is the list that shows all, "" where no list is needed."""

    name: str | Promise
    hits: list[Hit]
    more: str = ""


@dataclass(frozen=True)
class Typed:
    """What was typed: ``number`` is what it says as a number of ours, None if it says none.

    ``mark`` is what stood before the number: "#" for orders and tickets, "T-" for payments.
    """

    text: str
    number: int | None = None
    mark: str = ""

    @classmethod
    def read(cls, text: str) -> "Typed":
        text = " ".join(text.replace("\0", "").split())[:LONGEST]
        mark = next((mark for mark in ("#", "T-") if text.upper().startswith(mark)), "")
        digits = ascii_digits(text[len(mark) :])
        is_number = digits.isascii() and digits.isdigit() and len(digits) <= 18
        return cls(text, int(digits), mark) if is_number else cls(text)

    def number_of(self, *marks: str) -> int | None:
        """Return the number unless its mark says that it is one of something else."""
        return self.number if self.mark in ("", *marks) else None


@dataclass(frozen=True)
class Found:
    """What a text may stand for: exact hits first, then those of each kind."""

    exact: list[Hit] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)

    @property
    def only(self) -> Hit | None:
        """The exact hit, if there is exactly one."""
        return self.exact[0] if len(self.exact) == 1 else None


def find(request: HttpRequest, typed: Typed) -> Found:
    """Return what was found, of the kinds that who asks may see."""
    makers: Iterable[tuple[str, Callable[[Typed], Group]]] = (
        ("orders.view_order", _orders),
        ("accounts.view_user", _people),
        ("catalog.view_service", _services),
        ("billing.view_topup", _payments),
        ("billing.view_document", _documents),
        ("support.view_ticket", _tickets),
        ("catalog.view_provider", _providers),
    )
    if not typed.text:
        return Found()
    groups = [make(typed) for right, make in makers if request.user.has_perm(right)]
    exact = [hit for group in groups for hit in group.hits if hit.is_exact]
    others = [Group(g.name, [hit for hit in g.hits if not hit.is_exact][:SHOWN], g.more) for g in groups]
    return Found(exact, [group for group in others if group.hits])


def _page(name: str, pk: int) -> str:
    return reverse(f"admin:{name}_change", args=[pk])


def _list(name: str, text: str) -> str:
    return f"{reverse(f'admin:{name}_changelist')}?{urlencode({'q': text})}"


def _orders(typed: Typed) -> Group:
    """Orders by number, by the number at a provider, of runs and posts too, and by link in any spelling.

    A part of a link is looked for among the newest orders alone, as in their list.
    """
    providers = list(Provider.objects.values_list("pk", flat=True))
    orders, theirs = Order.objects.all(), typed.text.removeprefix("#")
    exact = set(orders.filter(provider__in=providers, upstream_id=theirs).values_list("pk", flat=True))
    children = ChildOrder.objects.filter(provider__in=providers, upstream_id=theirs)
    exact |= set(children.values_list("parent_id", flat=True))
    number = typed.number_of("#")
    exact |= set() if number is None else {number}
    linked: set[int] = set()
    if typed.number is None:
        linked = with_link(orders, typed.text)
        part = orders.filter(pk__gte=nth_newest(orders), link__icontains=typed.text).order_by()
        linked |= set(part.values_list("pk", flat=True))
    wanted = [*exact, *sorted(linked - exact, reverse=True)[: SHOWN + 1]]
    rows = orders.filter(pk__in=wanted).select_related("customer").order_by("-id")
    hits = [
        Hit(_page("orders_order", o.pk), f"{o} {o.service_name}", f"{o.face.word} · {o.customer}", o.pk in exact)
        for o in rows
    ]
    return Group(gettext_lazy("Orders"), hits, _list("orders_order", typed.text) if len(linked) > SHOWN else "")


def _people(typed: Typed) -> Group:
    """People by their number, their whole address or a part of it."""
    number = typed.number_of()
    by_number = list(User.objects.filter(pk=number)) if number is not None else []
    people = people_with(typed.text, most=SHOWN + 1) if typed.number is None else []
    hits = [
        Hit(_page("accounts_user", p.pk), str(p), _person(p), p.email.lower() == typed.text.lower())
        for p in [*by_number, *people]
    ]
    return Group(gettext_lazy("Customers"), hits, _list("accounts_user", typed.text) if len(people) > SHOWN else "")


def _person(person: User) -> str:
    if person.is_staff:
        return _("Staff")
    words = _("Customer %(n)s") if person.is_active else _("Customer %(n)s, frozen")
    return words % {"n": person.pk}


def _services(typed: Typed) -> Group:
    """Services by number, by the number at the provider, and by words of the name."""
    services = Service.objects.select_related("category", "source__provider")
    number = typed.number_of()
    exact = set() if number is None else {number}
    wanted = Q(pk__in=exact) | Q(source__external_id=typed.text)
    if typed.number is None and len(typed.text) >= _SHORTEST_NAME:
        words = Q()
        for word in typed.text.split()[:8]:
            words &= Q(name__icontains=word)
        wanted |= words
    rows = list(services.filter(wanted).order_by("pk")[: SHOWN + 1])
    hits = [
        Hit(
            _page("catalog_service", s.pk),
            f"{s.pk} {s.name}",
            f"{s.category} · {s.source.provider} {s.source.external_id}",
            s.pk in exact,
        )
        for s in rows
    ]
    return Group(gettext_lazy("Services"), hits, _list("catalog_service", typed.text) if len(rows) > SHOWN else "")


def _payments(typed: Typed) -> Group:
    """Top-ups by number, by the reference that the gateway got, and by the gateway's own numbers."""
    number = typed.number_of("T-")
    wanted = ids_at_gateways(typed.text) | (set() if number is None else {number})
    rows = TopUp.objects.filter(pk__in=wanted).select_related("customer", "method").order_by("-pk")
    hits = [
        Hit(_page("billing_topup", t.pk), f"{t} {money_text(t.credit_amount)}", f"{t.method} · {t.customer}", True)
        for t in rows
    ]
    return Group(gettext_lazy("Top-ups"), hits)


def _documents(typed: Typed) -> Group:
    """Receipts and credit notes by their number, such as R-2026-000417."""
    parts = _DOCUMENT.fullmatch(typed.text.upper())
    if parts is None:
        return Group(gettext_lazy("Receipts"), [])
    rows = Document.objects.filter(series=parts[1], ordinal=int(parts[2])).select_related("customer").defer("html")
    return Group(
        gettext_lazy("Receipts"),
        [Hit(_page("billing_document", d.pk), f"{d} {money_text(d.amount)}", str(d.customer), True) for d in rows],
    )


def _tickets(typed: Typed) -> Group:
    """Tickets by their number."""
    number = typed.number_of("#")
    rows = Ticket.objects.filter(pk=number).select_related("customer") if number is not None else []
    return Group(
        gettext_lazy("Tickets"),
        [Hit(_page("support_ticket", t.pk), _("Ticket %(t)s") % {"t": t}, str(t.customer), True) for t in rows],
    )


def _providers(typed: Typed) -> Group:
    """Providers by a part of their name."""
    is_word = typed.number is None and len(typed.text) >= _SHORTEST_NAME
    rows = Provider.objects.filter(name__icontains=typed.text).order_by("name")[:SHOWN] if is_word else []
    return Group(gettext_lazy("Providers"), [Hit(_page("catalog_provider", p.pk), p.name, "") for p in rows])
