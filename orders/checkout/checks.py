"""Checks what a customer typed against the service, and turns it into what is sent to the provider."""

from collections.abc import Mapping
from datetime import date

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from catalog.links.cleaning import LONGEST, LONGEST_TYPED, cleaned
from catalog.links.reader import Link, read_link
from catalog.links.refusals import BadLink, OtherPlatform
from catalog.links.same_name import same_name
from catalog.models import Service
from catalog.shop.platforms import platforms_named
from core.numbers import ascii_digits, read_whole
from orders.checkout.coded_fields import choices_of, code_of, needed_by_source, not_a_choice
from orders.checkout.fields import CONTROL, WHOLE, BadFields, CheckedFields, FieldProblem
from orders.checkout.subscriptions import check_subscription
from upstream.service_types import QuantitySource, ServiceType, lines_of, service_type

_LONGEST = {"link": LONGEST, "comments": 200_000, "usernames": 200_000, "groups": 20_000}
_LONGEST_OTHER = 2_000
#: More answers than any poll has.
_MOST_ANSWERS = 100
_ADDRESSES = frozenset({"link", "media", "referring_url"})
_LISTS = frozenset({"comments", "usernames", "hashtags", "groups", "keywords"})


def check(service: Service, given: Mapping[str, str], *, today: date | None = None) -> CheckedFields:
    """Return the checked fields of an order for ``service``. Unknown fields are dropped.

    Raises BadFields with every problem at once. ``today`` lets a date of the past be refused here rather than by the
    provider.
    """
    kind = service_type(service.type)
    if kind is None:
        raise BadFields({"service": FieldProblem(_("This kind of service cannot be ordered here yet."))})
    if kind.quantity_from is QuantitySource.NONE:
        return check_subscription(service, given, today=today)
    problems: dict[str, FieldProblem] = {}
    link: Link | None = None

    # 1. Every text field of the type, trimmed and bounded.
    sent: dict[str, str] = {}
    for name in kind.fields:
        if name in ("quantity", "runs", "interval"):
            continue
        value = str(given.get(name) or "")
        if name in _LISTS:
            value = "\n".join(CONTROL.sub("", line) for line in lines_of(value))
        elif name in _ADDRESSES:
            value = cleaned(value) if len(value) <= LONGEST_TYPED else value
        else:
            value = CONTROL.sub("", value).strip()
        if not value and name in kind.required:
            problems[name] = FieldProblem(_("Please fill this in."))
        elif len(value) > _LONGEST.get(name, _LONGEST_OTHER):
            problems[name] = FieldProblem(_("This is too long."))
        elif name == "answer_number" and value and not (WHOLE.match(value) and 1 <= int(value) <= _MOST_ANSWERS):
            bounds = {"least": 1, "most": _MOST_ANSWERS}
            problems[name] = FieldProblem(_("Enter a whole number from %(least)s to %(most)s.") % bounds)
        elif name == "link" and value:
            try:
                link = read_link(value, platforms=service_platforms(service))
                sent[name] = link.text
            except BadLink as refusal:
                problems[name] = _link_problem(refusal)
        elif value and (choices := choices_of(service, name)) is not None:
            if code := code_of(choices, value):
                sent[name] = code
            else:
                problems[name] = FieldProblem(not_a_choice(choices))
        elif value:
            sent[name] = value
    _check_source(service, sent, problems)

    # 2. How much, how often, and all of it together.
    quantity = _quantity(service, kind, {**given, **sent}, problems)
    runs, interval = _dripfeed(service, kind, given, problems)
    total = quantity * (runs or 1)
    if "quantity" not in problems and runs and total > service.max:
        most = service.max // runs
        problems["runs"] = FieldProblem(
            _("%(runs)s runs of %(quantity)s add up to more than %(max)s, the most that one order can have.")
            % {"runs": f"{runs:,}", "quantity": f"{quantity:,}", "max": f"{service.max:,}"},
            str(most) if most >= service.min else "",
        )
    if problems:
        raise BadFields(problems)

    # 3. The numbers as they are sent.
    if runs:
        sent |= {"runs": str(runs), "interval": str(interval)}
    if "quantity" in kind.required:
        sent["quantity"] = str(quantity)
    shown, key = (link.text, link.key) if link else ("", "")
    return CheckedFields(shown, key, quantity, total, runs, interval, sent)


def _check_source(service: Service, sent: Mapping[str, str], problems: dict[str, FieldProblem]) -> None:
    """Add a problem if the chosen source of traffic needs a field that is empty."""
    needed = needed_by_source(service, sent["type_of_traffic"]) if "type_of_traffic" in sent else None
    if needed and needed not in sent and needed not in problems:
        problems[needed] = FieldProblem(_("Please fill this in."))


def _link_problem(refusal: BadLink) -> FieldProblem:
    if not isinstance(refusal, OtherPlatform):
        return FieldProblem(str(refusal.message), refusal.suggestion)
    suggestion = same_name(refusal.found, refusal.wanted)
    return FieldProblem(str(refusal.message), suggestion, refusal.found.platform)


def service_platforms(service: Service) -> tuple[str, ...]:
    """Return the platforms whose addresses this service may be ordered for, the main one first; none if unknown."""
    texts = (service.name, service.category.name) if service.category_id else (service.name,)
    return platforms_named(service.platform, *texts)


def _quantity(service: Service, kind: ServiceType, given: Mapping[str, str], problems: dict[str, FieldProblem]) -> int:
    """The quantity of one run, at least 1: from its field, or from the number of lines of a list."""
    if kind.quantity_from is QuantitySource.ONE:
        return 1
    by_lines = kind.quantity_from is not QuantitySource.FIELD
    name = kind.quantity_from.value if by_lines else "quantity"
    if by_lines:
        quantity = len(lines_of(given.get(name, "")))
        if name in problems:
            return max(quantity, 1)
    else:
        typed = read_whole(str(given.get("quantity") or ""))
        if typed is None:
            problems[name] = FieldProblem(_("Please enter a whole number."))
            return 1
        quantity = typed
    is_short = quantity < service.min
    if is_short or quantity > service.max:
        limit = service.min if is_short else service.max
        other = abs(limit - quantity)
        if by_lines and is_short:
            text = ngettext(
                "%(count)s of at least %(limit)s lines. %(other)s more is needed.",
                "%(count)s of at least %(limit)s lines. %(other)s more are needed.",
                other,
            )
        elif by_lines:
            text = _("%(count)s of at most %(limit)s lines. Take out %(other)s.")
        else:
            text = _("At least %(limit)s.") if is_short else _("At most %(limit)s.")
        words = {"count": f"{quantity:,}", "limit": f"{limit:,}", "other": f"{other:,}"}
        problems[name] = FieldProblem(text % words, "" if by_lines else str(limit))
    return max(quantity, 1)


def total_so_far(service: Service, given: Mapping[str, str]) -> int | None:
    """Return how much the fields ask for as they stand, whatever else is missing; None if they do not say.

    Lines count from the first one on, so that the charge grows with the list.
    """
    kind = service_type(service.type)
    if kind is None:
        return None
    if kind.quantity_from is QuantitySource.NONE:
        posts, most = (read_whole(str(given.get(name) or "")) for name in ("posts", "max"))
        old = read_whole(str(given.get("old_posts") or "0"))
        if not posts or not most or old is None or not service.min <= most <= service.max:
            return None
        return (posts + old) * most
    problems: dict[str, FieldProblem] = {}
    quantity = _quantity(service, kind, given, problems)
    if kind.quantity_from in (QuantitySource.COMMENT_LINES, QuantitySource.USERNAME_LINES):
        count = len(lines_of(given.get(kind.quantity_from.value, "")))
        return count if 0 < count <= service.max else None
    runs, _interval = _dripfeed(service, kind, given, problems)
    total = quantity * (runs or 1)
    return None if problems or total > service.max else total


def _dripfeed(
    service: Service, kind: ServiceType, given: Mapping[str, str], problems: dict[str, FieldProblem]
) -> tuple[int | None, int | None]:
    """The runs and the minutes between two of them; None for both without a drip-feed."""
    typed = {name: ascii_digits(str(given.get(name) or "").strip()) for name in ("runs", "interval")}
    if not any(typed.values()):
        return None, None
    if not (kind.allows_dripfeed and service.allows_dripfeed):
        problems["runs"] = FieldProblem(_("This service has no drip-feed."))
        return None, None
    numbers: dict[str, int] = {}
    for name, least, most in (("runs", 2, 1000), ("interval", 1, 10_080)):
        if not WHOLE.match(typed[name]) or not least <= int(typed[name]) <= most:
            bounds = {"least": f"{least:,}", "most": f"{most:,}"}
            problems[name] = FieldProblem(_("Enter a whole number from %(least)s to %(most)s.") % bounds)
        else:
            numbers[name] = int(typed[name])
    return numbers.get("runs"), numbers.get("interval")
