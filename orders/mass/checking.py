"""Check and price the lines of a mass order, each by the same rules as an order alone, with few queries for all."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from django.db import connection
from django.utils.translation import gettext as _

from catalog.models import SameLink
from catalog.prices.terms import Terms, known_terms, terms_sql
from core.numbers import read_whole
from core.prepared import read
from core.refusals import Refusal
from orders.checkout.fields import BadFields, FieldProblem
from orders.checkout.offers import CUSTOMER
from orders.checkout.quotes import Quote, SaleBelowCost, quote_of
from orders.checkout.same_link import open_orders_for
from orders.mass.reading import Line
from upstream.service_types import QuantitySource, service_type

LISTS = ("comments", "usernames", "hashtags", "groups", "keywords")


#: More lines than that take a while: a customer who loads the page again and again has one check at a time.
MANY = 1_000
#: The first key of the advisory locks for that; the second one is the customer.
_CHECKS = 0x6D617373


class StillChecking(Refusal):
    """Another page of the customer is checking many lines."""

    code = "still_checking"


class Fault(StrEnum):
    """What is wrong with a line, as far as lines with the same fault can be corrected together."""

    TOO_FEW = "too_few"
    TOO_MANY = "too_many"
    NO_SERVICE = "no_service"
    BELOW_COST = "below_cost"
    PLATFORM = "platform"
    LINK = "link"
    NUMBER = "number"
    SAME_LINK = "same_link"
    NOT_AN_ORDER = "not_an_order"
    OTHER = "other"


@dataclass(frozen=True)
class Checked:
    """A line with its quote, or with what is wrong: either ``problems`` of its fields, or a ``refusal`` of all of it.

    ``open_order`` is the customer's open order for the same link, ``same_as`` the number of an earlier line that is the
    same, ``earlier_line`` that of the last one before for the same link.
    """

    line: Line
    quote: Quote | None = None
    fault: Fault | None = None
    refusal: str = ""
    problems: tuple[tuple[str, FieldProblem], ...] = ()
    open_order: int | None = None
    earlier_line: int | None = None
    same_as: int | None = None

    @property
    def target(self) -> str:
        """What a good line delivers to: the link, or the account of a subscription."""
        fields = self.quote.fields if self.quote else None
        return (fields.link or fields.sent.get("username", "")) if fields else ""

    @property
    def waits(self) -> bool:
        """True if the line is good and its service sends one order for a link after the other."""
        return self.quote is not None and self.quote.service.same_link is SameLink.WAIT

    @property
    def same_link(self) -> str:
        """What a good line has to do with an earlier line or an open order for its link; "" if there is none."""
        if self.quote is None or (self.earlier_line is None and self.open_order is None):
            return ""
        words = {"line": self.line.number, "earlier": self.earlier_line, "number": self.open_order}
        if self.earlier_line is not None:
            text = _("Line %(line)s is for the same link as line %(earlier)s.")
            return (_("Line %(line)s waits for line %(earlier)s: same link.") if self.waits else text) % words
        text = _("Line %(line)s is for the same link as your open order #%(number)s.")
        return (_("Line %(line)s waits for your order #%(number)s: same link.") if self.waits else text) % words

    @property
    def fix(self) -> str:
        """The line with the value that would be right, empty if there is no obvious one."""
        text = ""
        for name, problem in self.problems:
            if not problem.suggestion or name not in ("link", "quantity", "runs", "interval"):
                return ""
            text = replace(self.line, text=text or self.line.text).with_part(name, problem.suggestion)
        return text


def check_lines(lines: Sequence[Line], *, customer_id: int, now: datetime) -> list[Checked]:
    """Return each line with its quote for this customer, or with what is wrong. Writes nothing."""
    terms = _terms_of({line.service for line in lines if line.service is not None}, customer_id)
    checked = [_check(line, terms.get(line.service or 0), now) for line in lines]
    return same_links(checked, customer_id=customer_id)


def check_alone(lines: Sequence[Line], *, customer_id: int, now: datetime) -> list[Checked]:
    """As :func:`check_lines`; of many lines only one text of a customer at a time. Raises StillChecking."""
    if len(lines) <= MANY:
        return check_lines(lines, customer_id=customer_id, now=now)
    lock = [_CHECKS, customer_id % 2**31]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", lock)
        if not cursor.fetchone()[0]:
            raise StillChecking(_("Your lines are still being checked for another page. Check again in a moment."))
        try:
            return check_lines(lines, customer_id=customer_id, now=now)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", lock)


def same_links(checked: Iterable[Checked], *, customer_id: int) -> list[Checked]:
    """Apply to each good line what its service says of a link for which another order is open, or an earlier line."""
    checked = list(checked)
    wanted = {(c.quote.service.pk, c.quote.fields.link_key) for c in checked if c.quote and c.quote.fields.link_key}
    open_orders = open_orders_for(customer_id=customer_id, wanted=wanted)
    seen: dict[tuple[int, str], int] = {}
    twins: dict[tuple[int, str], int] = {}
    result = []
    for c in checked:
        if c.quote is None:
            result.append(c)
            continue
        service, fields = c.quote.service, c.quote.fields
        twin = (service.pk, repr(sorted(fields.sent.items())))
        key = (service.pk, fields.link_key)
        order, earlier = (open_orders.get(key), seen.get(key)) if fields.link_key else (None, None)
        if service.same_link is SameLink.REFUSE and (order or earlier):
            result.append(replace(c, quote=None, fault=Fault.SAME_LINK, refusal=_one_at_a_time(order, earlier)))
            continue
        result.append(replace(c, open_order=order, earlier_line=earlier, same_as=twins.get(twin)))
        seen[key] = c.line.number
        twins.setdefault(twin, c.line.number)
    return result


def total_of(checked: Iterable[Checked]) -> Decimal:
    """Return the sum of the charges of the good lines."""
    return sum((c.quote.charge for c in checked if c.quote), Decimal(0))


def _terms_of(services: set[int], customer_id: int) -> dict[int, Terms | None]:
    """Read the terms of all services in one statement."""
    if not services:
        return {}
    wanted = ",".join(str(pk) for pk in sorted(services))
    statement = f"""
        SELECT terms.* FROM unnest(string_to_array(%(services)s::text, ',')::bigint[]) AS wanted (service)
        JOIN LATERAL ({terms_sql(CUSTOMER, service="wanted.service")}) AS terms ON true
    """  # noqa: S608 - constants of ours
    rows = read(statement, {"services": wanted, "customer": str(customer_id)})
    return {row[0]: known_terms(row, customer_id) for row in rows}


def _check(line: Line, terms: Terms | None, now: datetime) -> Checked:
    if line.service is None:
        text = _("This is no order. Write service, link and quantity, with | between.")
        return Checked(line, fault=Fault.NOT_AN_ORDER, refusal=text)
    if terms is None or terms.price is None:
        text = _("Service %(service)s is not on sale.") % {"service": line.service}
        return Checked(line, fault=Fault.NO_SERVICE, refusal=text)
    if "too many" in line.given:
        text = _("There are more parts than service, link, quantity, runs and interval.")
        return Checked(line, fault=Fault.OTHER, refusal=text)
    fields = dict(line.given)
    kind = service_type(terms.service.type)
    if kind is not None and kind.quantity_from is QuantitySource.NONE:
        fields.setdefault("username", fields.get("link", ""))
    if line.items:
        name = next((n for n in kind.fields if n in LISTS), None) if kind is not None else None
        if name is None:
            text = _("The lines under this order are no orders, and its service takes no list.")
            return Checked(line, fault=Fault.NOT_AN_ORDER, refusal=text)
        fields[name] = "\n".join(line.items)
    try:
        return Checked(line, quote_of(terms, fields, now=now))
    except BadFields as refusal:
        problems = tuple(refusal.problems.items())
        return Checked(line, fault=_fault_of(problems, fields), problems=problems)
    except SaleBelowCost as refusal:
        return Checked(line, fault=Fault.BELOW_COST, refusal=str(refusal.message))
    except Refusal as refusal:
        return Checked(line, fault=Fault.OTHER, refusal=str(refusal.message))


def _fault_of(problems: tuple[tuple[str, FieldProblem], ...], fields: dict[str, str]) -> Fault:
    name, problem = problems[0]
    if len(problems) > 1:
        return Fault.OTHER
    if name == "link":
        return Fault.PLATFORM if problem.other_platform else Fault.LINK
    if name != "quantity":
        return Fault.OTHER
    typed, right = read_whole(fields.get("quantity", "")), read_whole(problem.suggestion)
    if typed is None or right is None:
        return Fault.NUMBER
    return Fault.TOO_FEW if typed < right else Fault.TOO_MANY


def _one_at_a_time(order: int | None, earlier: int | None) -> str:
    if order is not None:
        text = _(
            "Your order #%(number)s for this link is still open. This service takes the next one when it has ended."
        )
        return text % {"number": order}
    return _("Line %(line)s is for this link too. This service takes one order at a time for a link.") % {
        "line": earlier
    }


@dataclass(frozen=True)
class ServiceShare:
    """The good lines of one service together."""

    quote: Quote
    lines: int
    quantity: int
    charge: Decimal


def by_service(checked: Iterable[Checked]) -> list[ServiceShare]:
    """Return the good lines service by service, most lines first."""
    shares: dict[int, list[Quote]] = defaultdict(list)
    for c in checked:
        if c.quote is not None:
            shares[c.quote.service.pk].append(c.quote)
    found = [
        ServiceShare(
            quotes[0], len(quotes), sum(q.fields.total for q in quotes), sum((q.charge for q in quotes), Decimal(0))
        )
        for quotes in shares.values()
    ]
    return sorted(found, key=lambda share: (-share.lines, share.quote.service.pk))
