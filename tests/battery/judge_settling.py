"""S1-S12 and R1: compares the refunds with the answers of the provider, and its charges with ours."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING, Any

from tests.battery.judge_rows import FINAL, Rows, Upstream, net_charge, target_of

if TYPE_CHECKING:
    from tests.battery.judge import Truth

Found = Iterator[tuple[str, str, str]]
QUANTUM = Fraction(1, 100_000)
#: Panels round what they charge; only more than this is a difference.
_ROUNDING = Decimal("0.01")


def refunds_follow_answers(rows: Rows, _upstream: Upstream, truth: "Truth") -> Found:
    if truth.said is None:
        return
    for order in rows.orders:
        if order.forward_state != "placed" or (hold := rows.hold_of.get(order.id)) is None:
            continue
        said = truth.said.get(target_of(order))
        dues = (*(said.dues if said else ()), *_decided(order))
        if Fraction(hold.refunded) > max(dues, default=0):
            about = f"order {order.id}: {hold.refunded} of {order.charge} was refunded, due were {_shown(dues)}"
            for name in ["S1", *sorted(said.oddities if said else ())]:
                yield name, "no more is refunded than the largest single answer says", about
        if hold.refunded and Fraction(hold.refunded) not in {_rounded_down(due) for due in dues}:
            yield "S8", "a refund is exact, rounded down", f"order {order.id}: {hold.refunded}, due {_shown(dues)}"


def decisions_are_paid(rows: Rows, _upstream: Upstream, _truth: "Truth") -> Found:
    """What a person decided is refunded at once; a later answer may pay more, and none takes it back."""
    for order in rows.orders:
        for due in _decided(order):
            hold = rows.hold_of.get(order.id)
            if hold is None or Fraction(hold.refunded) < _rounded_down(due):
                about = f"order {order.id}: {hold}, decided were {order.missing_by_hand} of {order.total}"
                about += f" and {order.refunded_by_hand} in all"
                yield "S2", "no less is refunded than a person decided", about


def _decided(order: Any) -> tuple[Fraction, ...]:
    """What decisions about the order refund in all, if any was taken. The provider's answer may say otherwise."""
    units = () if order.missing_by_hand is None else (Fraction(order.charge) * order.missing_by_hand / order.total,)
    return (*units, Fraction(order.refunded_by_hand)) if order.refunded_by_hand else units


def _rounded_down(due: Fraction) -> Fraction:
    return Fraction(floor(due / QUANTUM)) * QUANTUM


def _shown(dues: Iterable[Fraction]) -> str:
    return ", ".join(f"{float(due):.6f}" for due in dues) or "nothing"


def ended_orders_stay_ended(rows: Rows, _upstream: Upstream, _truth: "Truth") -> Found:
    parents = {child.parent_id for child in rows.children}
    for order in rows.orders:
        hold = rows.hold_of.get(order.id)
        if hold is None or order.forward_state != "placed" or order.id in parents or order.runs:
            continue
        by_hand = order.refunded_by_hand == order.charge  # all of it, and the order goes on
        if hold.earned + hold.refunded == hold.charged and order.progress not in FINAL and not by_hand:
            yield "S3", "an order that was settled stays ended", f"order {order.id} is {order.progress!r} again"


def refunds_reach_what_is_due(rows: Rows, _upstream: Upstream, truth: "Truth") -> Found:
    if truth.said is None:
        return
    for order in rows.orders:
        said, hold = truth.said.get(target_of(order)), rows.hold_of.get(order.id)
        if order.forward_state != "placed" or said is None or hold is None or said.last is None:
            continue
        if Fraction(hold.refunded) < _rounded_down(said.last):
            about = f"order {order.id}: {hold.refunded} of {order.charge}, due {_shown(said.dues)}"
            yield "S2", "no less is refunded than the last answer says", about


def provider_figures_agree(rows: Rows, upstream: Upstream, truth: "Truth") -> Found:
    """R1: the charges we reckon with are those of the log; each difference has its row."""
    if truth.opening is None:
        return
    told = {(b.provider_id, b.order_id) for b in rows.breaks if b.order_id is not None}
    account = {b.provider_id for b in rows.breaks if b.kind == "balance" and b.state != "closed"}
    parents = {child.parent_id for child in rows.children}
    for provider in rows.providers:
        if provider.id in account or provider.id not in truth.opening:
            continue
        for order in rows.orders:
            row = upstream.orders.get((provider.id, order.upstream_id)) if order.upstream_id else None
            if row is None or order.provider_id != provider.id or order.id in parents or order.runs:
                continue
            if (provider.id, order.id) in told or _charges_agree(order, provider, row):
                continue
            yield (
                "R1",
                "the provider's charge is the one we reckon with",
                f"order {order.id}: {order.provider_charge}, the provider took {net_charge(row)}",
            )


def _charges_agree(order: Any, provider: Any, row: Any) -> bool:
    if order.answered_currency not in ("", provider.currency):
        return True
    unknown = 0 if order.progress in ("canceled", "refunded") else order.expected_charge
    ours = unknown if order.provider_charge is None else order.provider_charge
    return bool(abs(ours - net_charge(row)) < _ROUNDING)


EACH_STEP = (refunds_follow_answers, decisions_are_paid, ended_orders_stay_ended)
AT_REST = (refunds_reach_what_is_due, provider_figures_agree)
