"""Small charts as shapes of an SVG, and changes as words. Every number of a chart is also on the page as text."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate

from django.utils.translation import gettext as _

from core.money import divide
from core.templatetags.money import MINUS
from core.templatetags.shop import num

_TENTH = Decimal("0.1")
ZERO = Decimal(0)


@dataclass(frozen=True)
class Bar:
    """A rectangle of a chart, in its own units; texts, so that no language writes a comma into them."""

    x: str
    y: str
    width: str
    height: str
    kind: str = ""


@dataclass(frozen=True)
class Spark:
    """The bars of a very small chart as two paths: those of the past, and the one of now."""

    past: str
    now: str


@dataclass(frozen=True)
class Change:
    """How something changed, in words; ``kind`` is the class that colours it: is-better, is-worse, or nothing."""

    text: str
    kind: str = ""


def spark(values: Sequence[Decimal | int], *, width: int = 132, height: int = 28) -> Spark:
    """Return a bar for each value, from zero; the last one is the present. Below zero there is no bar."""
    most = max((Decimal(v) for v in values), default=ZERO)
    step = Decimal(width) / max(1, len(values))
    wide = _text(step - Decimal("1.2"))
    bars = [
        f"M{_text(step * n)} {height}v-{_text(tall)}h{wide}v{_text(tall)}z" if tall else ""
        for n, value in enumerate(values)
        for tall in [_height(Decimal(value), most, height - 1)]
    ]
    return Spark("".join(bars[:-1]), "".join(bars[-1:]))


def running(values: Sequence[Decimal], low: Decimal, high: Decimal, *, step: int, height: int) -> str:
    """Return the points of a line of running sums, from ``low`` at the bottom to ``high`` at the top."""
    span = high - low or Decimal(1)
    sums = [ZERO, *accumulate(values)]
    return " ".join(
        f"{n * step},{_text(height - divide((total - low) * height, span))}" for n, total in enumerate(sums)
    )


def stacked(days: Sequence[tuple[Decimal, Decimal]], *, width: int, height: int, top: Decimal) -> list[Bar]:
    """Return two bars for each day, of its cost from zero and its profit above it; the last day is pale."""
    step = Decimal(width) / max(1, len(days))
    bars = []
    for n, (cost, profit) in enumerate(days):
        pale = " part" if n == len(days) - 1 else ""
        low, high = (_height(value, top, height) for value in (cost, profit))
        x, wide = _text(step * n + 2), _text(max(Decimal(1), step - 4))
        bars.append(Bar(x, _text(height - low - high), wide, _text(high), "profit" + pale))
        bars.append(Bar(x, _text(height - low), wide, _text(low), "cost" + pale))
    return bars


def top_of(most: Decimal) -> Decimal:
    """Return a round number not below ``most``: 1, 2 or 5 with zeros."""
    top = Decimal(1)
    while top < most:
        top *= Decimal("2.5") if top.as_tuple().digits[0] == 2 else 2
    return top


def _height(value: Decimal, most: Decimal, height: int) -> Decimal:
    return max(ZERO, divide(value * height, most)) if most > 0 else ZERO


def _text(number: Decimal) -> str:
    return f"{number.quantize(_TENTH):f}"


def percent_text(value: Decimal) -> str:
    """``35.0%``, ``−4.2%``."""
    return f"{MINUS if value < 0 else ''}{abs(value.quantize(_TENTH)):,}%"


def change_in_percent(now: Decimal, before: Decimal, *, is_good: bool | None = True) -> Change | None:
    """Say how an amount changed; None where there was nothing to compare with. ``is_good``: whether more is better."""
    if before <= 0:
        return None
    percent = divide((now - before) * 100, before).quantize(_TENTH)
    return Change(f"{_sign(percent)}{abs(percent):,}%", _kind(percent, is_good))


def change_of_count(now: int, before: int) -> Change | None:
    """Say how a count changed."""
    if not now and not before:
        return None
    more = now - before
    return Change(f"{_sign(Decimal(more))}{num(abs(more))}", _kind(Decimal(more), True))


def change_in_points(now: Decimal | None, before: Decimal | None) -> Change | None:
    """Say how a percentage changed, in points."""
    if now is None or before is None:
        return None
    points = (now - before).quantize(_TENTH)
    return Change(_("%(n)s points") % {"n": f"{_sign(points)}{abs(points)}"}, _kind(points, True))


def _sign(value: Decimal) -> str:
    return MINUS if value < 0 else "+" if value > 0 else ""


def _kind(value: Decimal, is_good: bool | None) -> str:
    if is_good is None or value == 0:
        return ""
    return "is-better" if (value > 0) == is_good else "is-worse"
