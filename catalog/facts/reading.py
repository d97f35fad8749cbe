"""What is known about a service's times, as pages and the API say it: measured here, or else somebody's word."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from catalog.facts.figures import MONTH
from catalog.models import Service, ServiceFigures
from core.owner_texts import shown
from core.templatetags.shop import duration_text
from upstream.service_types import PricedBy, QuantitySource, service_type

#: Up to so many services their rows are looked up; for more of them the whole table is read.
_FEW = 100
#: Stands for a service without figures; never saved.
_UNMEASURED = ServiceFigures()
_FIELD: Any = Service._meta.get_field("figures")


class Source(StrEnum):
    """Whose word a time is that was not measured here."""

    OWNER = "owner"
    SUPPLIER = "supplier"
    NOBODY = ""


@dataclass(frozen=True)
class Figure:
    """A median of so many orders of the last ``days`` days; ``time`` is None where those are too few to say."""

    time: timedelta | None
    orders: int
    days: int


@dataclass(frozen=True)
class ServiceTimes:
    """``word`` is what the owner, or else the supplier, says about how long it takes; ``said_by`` is who of them.

    ``is_scaled`` is False for services whose orders are not timed per 1,000, such as packages, ``has_start`` for those
    whose orders have no start, which are subscriptions.
    """

    starts: Figure
    takes: Figure
    word: str
    said_by: Source
    is_scaled: bool
    has_start: bool

    @property
    def is_empty(self) -> bool:
        """True if there is nothing to show, not even a number of orders."""
        return not (self.starts.orders or self.takes.orders or self.word)

    @property
    def reported(self) -> str:
        """The word in place of a time for 1,000 that was not measured; empty where it was."""
        return self.word if self.takes.time is None else ""


def read_figures(services: Sequence[Service]) -> None:
    """Read the figures of these services by one query, so that :func:`times_of` needs none.

    Not by a join: before its tables have statistics, Postgres would join a list of thousands row by row.
    """
    rows = ServiceFigures.objects.all()
    if len(services) <= _FEW:
        rows = rows.filter(pk__in=[service.pk for service in services])
    found = {row.pk: row for row in rows} if services else {}
    for service in services:
        _FIELD.set_cached_value(service, found.get(service.pk))


def times_of(service: Service) -> ServiceTimes:
    """Return the times of a service; no query after :func:`read_figures`."""
    figures: ServiceFigures = getattr(service, "figures", None) or _UNMEASURED
    kind = service_type(service.type)
    word, said_by = _word_about(service, shown(service, "own_time"), duration_text)
    return ServiceTimes(
        starts=_figure(figures.starts_in, figures.starts_orders, figures.starts_days),
        takes=_figure(figures.takes, figures.takes_orders, figures.takes_days),
        word=word,
        said_by=said_by,
        is_scaled=kind is not None
        and kind.quantity_from is QuantitySource.FIELD
        and kind.priced_by is PricedBy.THOUSAND,
        has_start=kind is None or kind.quantity_from is not QuantitySource.NONE,
    )


def average_time(service: Service) -> str:
    """Return the ``average_time`` of the API, such as "7 hours 12 minutes": measured if possible, else the word.

    In English in every language, and the same all day (`catalog.facts.figures.publish_times`).
    """
    figures: ServiceFigures | None = getattr(service, "figures", None)
    if figures is None or figures.average_time is None:
        return _word_about(service, service.own_time, english)[0]
    return english(timedelta(seconds=figures.average_time))


def english(span: timedelta) -> str:
    """``7 hours 12 minutes``, the way other panels write it: whole minutes, rounded up, with the two largest units."""
    minutes = max(1, -(-int(span.total_seconds()) // 60))
    parts = [(minutes // 1440, "day"), (minutes % 1440 // 60, "hour"), (minutes % 60, "minute")]
    largest = next(i for i, (n, _unit) in enumerate(parts) if n)
    return " ".join(f"{n} {unit}{'' if n == 1 else 's'}" for n, unit in parts[largest : largest + 2] if n)


def _figure(seconds: int | None, orders: int, days: int) -> Figure:
    return Figure(None if seconds is None else timedelta(seconds=seconds), orders, days or MONTH)


def _word_about(service: Service, owners: str, spelled: Callable[[timedelta], str]) -> tuple[str, Source]:
    if owners:
        return owners, Source.OWNER
    said = service.source.average_time.strip()
    # A bare number is in minutes: some panels answer 432 where others answer "7 hours 12 minutes".
    if said.isascii() and said.isdigit() and len(said) < 7:
        said = spelled(timedelta(minutes=int(said))) if int(said) else ""
    return said, Source.SUPPLIER if said else Source.NOBODY
