"""What becomes of an order: a fate in words turned into dated steps.

A fate is ``name``, ``name:remains`` or nothing (then the order's own ordinal decides). An order's link scripts it:
``https://example.com/p/1?fate=partial:157&after=30``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from urllib.parse import parse_qs, urlsplit

PENDING_SHARE = 0.15


@dataclass(frozen=True, slots=True)
class LifeStep:
    """From ``at`` seconds after arrival on. ``remains`` moves evenly towards the next step while in progress.

    ``due`` is the share of the order the provider charges for, counted in units of the quantity.
    """

    at: float
    status: str
    remains: int
    due: int


@dataclass(frozen=True, slots=True)
class Script:
    """What a link asks for: a fate, a duration in seconds, a fault for the ``add`` that carries it."""

    fate: str = ""
    after: float | None = None
    fault: str = ""


# These fates let the order end as named here and spoil the answers about it.
SPOILED_ANSWERS: dict[str, str] = {
    "id_missing": "completed",
    "id_extra": "completed",
    "id_padded": "completed",
    "one_bad_in_100": "completed",
    "batch_error": "completed",
    "transient_incorrect_id": "completed",
    "charge_null": "completed",
    "charge_negative": "completed",
    "charge_nan": "completed",
    "charge_comma": "completed",
    "other_currency": "completed",
    "remains_negative": "partial",
    "remains_over": "partial",
    "remains_float": "partial",
    "remains_missing": "partial",
    "status_unknown": "completed",
    "status_case": "completed",
}


def read_script(link: str) -> Script:
    """Read the script out of a link; one without a script, or one that is no address, gives an empty one."""
    if "?" not in link:
        return Script()
    try:
        query = parse_qs(urlsplit(link).query)
    except ValueError:
        return Script()
    after = query.get("after", [""])[0]
    return Script(
        fate=query.get("fate", [""])[0],
        after=float(after) if after.replace(".", "", 1).isdigit() else None,
        fault=query.get("fault", [""])[0],
    )


def default_fate(ordinal: int, quantity: int) -> str:
    """Return how the n-th order ends: of each dozen the sixth is partial, the last canceled, the rest complete."""
    position = ordinal % 12
    if position == 6 and quantity > 1:
        return f"partial:{max(1, quantity * (10 + ordinal % 41) // 100)}"
    return "canceled" if position == 0 else "completed"


def is_fate(fate: str) -> bool:
    name = fate.partition(":")[0]
    return name in ENDINGS or name in SPOILED_ANSWERS or name in ("never_moves", "pending", "stuck")


def life(fate: str, quantity: int, seconds: float) -> tuple[LifeStep, ...]:
    """Return the steps of an order of ``quantity`` units that takes ``seconds``. Raise ValueError if unknown."""
    name, _, argument = fate.partition(":")
    name = SPOILED_ANSWERS.get(name, name)
    if not is_fate(fate):
        raise ValueError(f"unknown fate {fate[:60]!r}")
    start = LifeStep(0.0, "Pending", quantity, quantity)
    if name in ("never_moves", "pending"):
        return (start,)
    moving = LifeStep(seconds * PENDING_SHARE, "In progress", quantity, quantity)
    if name == "stuck":
        rest = quantity * 6 // 10
        return (start, moving, LifeStep(seconds * 0.5, "In progress", rest, quantity))
    remains = int(argument) if argument.isascii() and argument.isdigit() else None
    return (start, moving, *ENDINGS[name](quantity, remains, seconds))


def tail(fate: str, quantity: int, seconds: float, at: float) -> tuple[LifeStep, ...]:
    """Return only the steps after the running part of a fate, moved so that they begin at ``at``."""
    steps = [step for step in life(fate, quantity, seconds) if step.status not in ("Pending", "In progress")]
    steps = steps or list(life(fate, quantity, seconds))
    first = steps[0].at
    return tuple(replace(step, at=step.at - first + at) for step in steps)


def step_at(steps: tuple[LifeStep, ...], age: float) -> int:
    """Return the index of the step that an order of this age (seconds) is in."""
    found = 0
    for index, step in enumerate(steps):
        if step.at <= age:
            found = index
    return found


def remains_at(steps: tuple[LifeStep, ...], age: float) -> int:
    index = step_at(steps, age)
    here = steps[index]
    if here.status != "In progress" or index + 1 == len(steps):
        return here.remains
    following = steps[index + 1]
    passed = (age - here.at) / max(following.at - here.at, 1e-9)
    return round(here.remains + (following.remains - here.remains) * passed)


def charge_of(full: Decimal, due: int, quantity: int) -> Decimal:
    """Return the exact price of ``due`` units if ``quantity`` units cost ``full``."""
    with localcontext() as context:
        context.prec = 80
        return (full * due / quantity).normalize() if due != quantity else full


def _clamp(remains: int | None, quantity: int) -> int:
    return min(remains if remains is not None else max(1, quantity * 3 // 10), quantity)


Ending = Callable[[int, int | None, float], list[LifeStep]]


def _completed(quantity: int, remains: int | None, seconds: float) -> list[LifeStep]:
    return [LifeStep(seconds, "Completed", remains or 0, quantity)]


def _partial(quantity: int, remains: int | None, seconds: float) -> list[LifeStep]:
    rest = _clamp(remains, quantity)
    return [LifeStep(seconds, "Partial", rest, quantity - rest)]


def _ends_as(status: str, *, free: bool) -> Ending:
    def ending(quantity: int, remains: int | None, seconds: float) -> list[LifeStep]:
        return [LifeStep(seconds, status, quantity if remains is None else remains, 0 if free else quantity)]

    return ending


def _followed_by(first: Ending, second: Ending) -> Ending:
    def ending(quantity: int, remains: int | None, seconds: float) -> list[LifeStep]:
        return [*first(quantity, None, seconds), *second(quantity, remains, seconds * 2)]

    return ending


def _resumed(quantity: int, remains: int | None, seconds: float) -> list[LifeStep]:
    again = LifeStep(seconds, "In progress", _clamp(remains, quantity), quantity)
    return [again, *_completed(quantity, None, seconds * 1.5)]


def _partial_three_times(quantity: int, remains: int | None, seconds: float) -> list[LifeStep]:
    shares = ((1.0, 4), (1.5, 2), (2.0, 6))
    rests = [(factor, quantity * tenths // 10) for factor, tenths in shares]
    return [LifeStep(seconds * factor, "Partial", rest, quantity - rest) for factor, rest in rests]


_canceled = _ends_as("Canceled", free=True)
ENDINGS: dict[str, Ending] = {
    "completed": _completed,
    "partial": _partial,
    "canceled": _canceled,
    "refunded": _ends_as("Refunded", free=True),
    "failed": _ends_as("Failed", free=False),
    "paused": _ends_as("Paused", free=False),
    "expired": _ends_as("Expired", free=False),
    "canceled_charge_0": _canceled,
    "canceled_charge_full": _ends_as("Canceled", free=False),
    "completed_then_progress": _followed_by(_completed, _resumed),
    "completed_then_partial": _followed_by(_completed, _partial),
    "completed_then_canceled": _followed_by(_completed, _canceled),
    "partial_then_completed": _followed_by(_partial, _completed),
    "partial_changing": _partial_three_times,
    "canceled_then_completed": _followed_by(_canceled, _completed),
}
