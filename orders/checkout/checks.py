"""What a customer typed, checked against the service, and turned into what is sent to the provider."""

import re
from collections.abc import Mapping
from datetime import date

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from catalog.models import Service
from orders.checkout.fields import CONTROL, WHOLE, BadFields, Problem, Wish
from orders.checkout.subscriptions import check_subscription
from upstream.service_types import QuantitySource, ServiceType, lines_of, service_type

__all__ = ["BadFields", "Problem", "Wish", "check"]

_LONGEST = {"link": 1000, "comments": 200_000, "usernames": 200_000, "groups": 20_000}
_LONGEST_OTHER = 2_000
_LISTS = frozenset({"comments", "usernames", "hashtags", "groups", "keywords"})


def check(service: Service, given: Mapping[str, str], *, today: date | None = None) -> Wish:
    """Check what was typed for ``service``. Unknown fields are dropped. Raises BadFields with every problem at once.

    ``today`` lets a date of the past be refused here rather than by the provider.
    """
    kind = service_type(service.type)
    if kind is None:
        raise BadFields({"service": Problem(_("This kind of service cannot be ordered here yet."))})
    if kind.quantity_from is QuantitySource.NONE:
        return check_subscription(service, given, today=today)
    problems: dict[str, Problem] = {}
    sent = _texts(kind, given, problems)
    quantity = _quantity(service, kind, {**given, **sent}, problems)
    runs, interval = _dripfeed(service, kind, given, problems)
    total = quantity * (runs or 1)
    if "quantity" not in problems and runs and total > service.max:
        most = service.max // runs
        problems["runs"] = Problem(
            _("%(runs)s runs of %(quantity)s are more than %(max)s in all.")
            % {"runs": runs, "quantity": quantity, "max": service.max},
            str(most) if most >= service.min else "",
        )
    if problems:
        raise BadFields(problems)
    if runs:
        sent |= {"runs": str(runs), "interval": str(interval)}
    if "quantity" in kind.required:
        sent["quantity"] = str(quantity)
    return Wish(sent.get("link", ""), quantity, total, runs, interval, sent)


def _texts(kind: ServiceType, given: Mapping[str, str], problems: dict[str, Problem]) -> dict[str, str]:
    """Every text field of the type, trimmed and bounded. Numbers of the order itself are read elsewhere."""
    sent: dict[str, str] = {}
    for name in kind.fields:
        if name in ("quantity", "runs", "interval"):
            continue
        value = _clean(name, str(given.get(name) or ""))
        if not value and name in kind.required:
            problems[name] = Problem(_("Please fill this in."))
        elif len(value) > _LONGEST.get(name, _LONGEST_OTHER):
            problems[name] = Problem(_("This is too long."))
        elif name == "link" and any(c.isspace() for c in value):
            problems[name] = Problem(_("A link has no spaces in it."))
        elif value:
            sent[name] = value
    return sent


def _clean(name: str, value: str) -> str:
    if name in _LISTS:
        return "\n".join(CONTROL.sub("", line) for line in lines_of(value))
    return CONTROL.sub("", value).strip()


def _quantity(service: Service, kind: ServiceType, given: Mapping[str, str], problems: dict[str, Problem]) -> int:
    if kind.quantity_from is QuantitySource.ONE:
        return 1
    place = "quantity" if kind.quantity_from is QuantitySource.FIELD else kind.quantity_from.value
    if kind.quantity_from is QuantitySource.FIELD:
        typed = re.sub(r"[\s,'\u00a0\u202f]", "", str(given.get("quantity") or ""))
        if not WHOLE.match(typed):
            problems[place] = Problem(_("Please enter a whole number."))
            return 1
        quantity = int(typed)
    else:
        quantity = len(lines_of(given.get(place, "")))
        if place in problems:
            return max(quantity, 1)
    _bound(service, place, quantity, problems, by_lines=place != "quantity")
    return max(quantity, 1)


def _bound(service: Service, place: str, quantity: int, problems: dict[str, Problem], *, by_lines: bool) -> None:
    limit = service.min if quantity < service.min else service.max if quantity > service.max else None
    if limit is None:
        return
    if by_lines:
        text = (
            ngettext("At least %(limit)s line.", "At least %(limit)s lines.", limit)
            if quantity < service.min
            else ngettext("At most %(limit)s line.", "At most %(limit)s lines.", limit)
        )
        problems[place] = Problem(text % {"limit": limit})
        return
    text = _("At least %(limit)s.") if quantity < service.min else _("At most %(limit)s.")
    problems[place] = Problem(text % {"limit": limit}, str(limit))


def _dripfeed(
    service: Service, kind: ServiceType, given: Mapping[str, str], problems: dict[str, Problem]
) -> tuple[int | None, int | None]:
    wanted = {name: str(given.get(name) or "").strip() for name in ("runs", "interval")}
    if not any(wanted.values()):
        return None, None
    if not (kind.allows_dripfeed and service.allows_dripfeed):
        problems["runs"] = Problem(_("This service has no drip-feed."))
        return None, None
    numbers: dict[str, int] = {}
    for name, least, most in (("runs", 2, 1000), ("interval", 1, 10_080)):
        if not WHOLE.match(wanted[name]) or not least <= int(wanted[name]) <= most:
            problems[name] = Problem(_("A whole number from %(least)s to %(most)s.") % {"least": least, "most": most})
        else:
            numbers[name] = int(wanted[name])
    return numbers.get("runs"), numbers.get("interval")
