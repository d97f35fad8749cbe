"""What the page of a mass order shows of its checked lines."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.owner_texts import attach
from orders.mass.checking import Checked, Fault, ServiceShare, by_service, total_of
from orders.pages.forms import TEXTS

_HEADINGS: dict[Fault, str | Promise] = {
    Fault.TOO_FEW: gettext_lazy("Fewer than the service takes"),
    Fault.TOO_MANY: gettext_lazy("More than the service takes"),
    Fault.NO_SERVICE: gettext_lazy("Not on sale"),
    Fault.BELOW_COST: gettext_lazy("Not possible at the moment"),
    Fault.PLATFORM: gettext_lazy("Link of another platform"),
    Fault.LINK: gettext_lazy("Link that cannot be used"),
    Fault.NUMBER: gettext_lazy("Quantity that is no number"),
    Fault.SAME_LINK: gettext_lazy("Another order for the same link"),
    Fault.NOT_AN_ORDER: gettext_lazy("No order"),
    Fault.OTHER: gettext_lazy("Something else"),
}
#: What the button says that corrects all lines of a fault.
_ALL: dict[Fault, str | Promise] = {
    Fault.TOO_FEW: gettext_lazy("Use the minimum for all"),
    Fault.TOO_MANY: gettext_lazy("Use the maximum for all"),
}
#: Good lines that are listed one by one; more are shown by service only.
MOST_LISTED = 50


@dataclass(frozen=True)
class BadLine:
    """A line to correct; ``use`` is the value that the button for it puts in, empty without one."""

    number: int
    text: str
    rows: int
    reason: str
    use: str


@dataclass
class Group:
    """The lines with one fault. ``fix_all`` is the word of the button that corrects them all, empty without one."""

    fault: Fault
    heading: str
    count: int = 0
    lines: list[BadLine] = field(default_factory=list)
    fix_all: str = ""

    @property
    def more(self) -> int:
        return self.count - len(self.lines)


@dataclass(frozen=True)
class Risen:
    """A service whose price rose since its lines were checked and not placed."""

    share: ServiceShare
    before: Decimal


@dataclass(frozen=True)
class MassPage:
    """All lines, checked: how many are good, what they cost together, and what is wrong with the others."""

    ready: int
    bad: int
    charge: Decimal
    shares: list[ServiceShare]
    groups: list[Group]
    listed: list[Checked]
    risen: list[Risen]
    with_open_order: int
    repeated: int
    shown: str
    #: What good lines have to do with others for their link, where they are not listed; and how many there are in all.
    same_links: list[str]
    same_links_in_all: int

    @property
    def total(self) -> int:
        return self.ready + self.bad

    @property
    def more_same_links(self) -> int:
        return self.same_links_in_all - len(self.same_links)

    @classmethod
    def of(cls, checked: Sequence[Checked], risen: Mapping[int, Decimal], *, most: int) -> "MassPage":
        """Return the page of these lines; at most ``most`` bad ones have a field of their own."""
        good = [c for c in checked if c.quote]
        same = [c for c in good if c.earlier_line is not None or c.open_order is not None]
        is_listed = len(good) <= MOST_LISTED
        shares = by_service(good)
        attach(*(share.quote.service for share in shares))
        return cls(
            ready=len(good),
            bad=len(checked) - len(good),
            charge=total_of(good),
            shares=shares,
            groups=_groups([c for c in checked if c.quote is None], most),
            listed=good if is_listed else [],
            risen=[
                Risen(share, before)
                for share in shares
                if (before := risen.get(share.quote.service.pk)) is not None and before < share.quote.price
            ],
            with_open_order=sum(c.open_order is not None for c in good),
            repeated=sum(c.same_as is not None for c in good),
            shown=json.dumps({share.quote.service.pk: str(share.quote.price) for share in shares}),
            same_links=[] if is_listed else [c.same_link for c in same[:MOST_LISTED]],
            same_links_in_all=len(same),
        )


def reason_of(c: Checked) -> str:
    """Return why a line cannot be placed, in a sentence or more."""
    if c.refusal:
        return c.refusal
    return " ".join(
        problem.message if name in ("link", "quantity", "service") else f"{TEXTS[name][0]}: {problem.message}"
        for name, problem in c.problems
        if name in TEXTS or name == "service"
    )


def _groups(bad: Sequence[Checked], most: int) -> list[Group]:
    groups: dict[Fault, Group] = {}
    shown = 0
    for c in bad:
        fault = c.fault or Fault.OTHER
        group = groups.setdefault(fault, Group(fault, str(_HEADINGS[fault])))
        group.count += 1
        if shown < most:
            shown += 1
            group.lines.append(_bad_line(c))
        if fault in _ALL and c.fix:
            group.fix_all = str(_ALL[fault])
    return sorted(groups.values(), key=lambda group: -group.count)


def _bad_line(c: Checked) -> BadLine:
    use = c.problems[0][1].suggestion if c.fix else ""
    words = _("Use %(value)s") % {"value": use if len(use) <= 60 else f"{use[:60]}…"} if use else ""
    return BadLine(c.line.number, c.line.text, min(c.line.text.count("\n") + 1, 6), reason_of(c), words)
