"""Results and failures of the client in the notation of cases.tsv."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from upstream.client import ProviderClient
from upstream.errors import ErrorClass, InDoubt, NotSent, ProviderFailure, Refused, Unavailable
from upstream.messages import (
    CancelOutcome,
    CancelRequested,
    Ignored,
    InDoubtItem,
    ItemError,
    Missing,
    OrderStatus,
    Refilled,
    RefillItem,
    RefillStatus,
    RefusedItem,
    StatusItem,
)

Item = StatusItem | RefillItem | Refilled | CancelOutcome


def failure(problem: ProviderFailure) -> str:
    down = " down" if problem.outage else ""
    if isinstance(problem, NotSent):
        return f"not_sent {problem.reason}"
    if isinstance(problem, Refused):
        return f"refused {problem.error_class}" + (" noise" if problem.noise else "")
    if isinstance(problem, InDoubt):
        server_fault = " class=server_fault" if problem.error_class is ErrorClass.SERVER_FAULT else ""
        return f"doubt {','.join(problem.candidates) or '-'}{server_fault}{down}"
    assert isinstance(problem, Unavailable)
    return f"unavailable {problem.reason}" + (f" {problem.error_class}" if problem.error_class else "") + down


def item(one: Item) -> str:
    match one:
        case OrderStatus():
            return order(one)
        case RefillStatus():
            return str(one.state)
        case ItemError():
            return f"item_error {one.error_class}"
        case Ignored():
            return f"ignored {one.reason}"
        case Missing():
            return "missing"
        case Refilled():
            return f"refilled {one.refill_id}"
        case RefusedItem():
            return f"refused {one.error_class}"
        case InDoubtItem():
            return "doubt"
        case CancelRequested():
            return "requested"


def order(status: OrderStatus) -> str:
    numbers = (status.remains, status.charge, status.start_count)
    remains, charge, start = ("-" if number is None else plain(Decimal(number)) for number in numbers)
    words = [str(status.state), f"remains={remains}", f"charge={charge}", f"start={start}"]
    if status.children is not None:
        words.append(f"children={','.join(status.children) or 'none'}")
    words += [f"{name}={value}" for name in ("posts", "runs") if (value := getattr(status, name)) is not None]
    words += [f"flag={flag}" for flag in status.flags]
    if "currency_differs" in status.flags:
        words.append(f"currency={status.currency}")
    return " ".join(words) + (" noise" if status.noise else "")


def batch(items: dict[str, Item]) -> str:
    return " | ".join(f"{name}={item(one)}" for name, one in items.items())


def states(items: dict[str, StatusItem]) -> str:
    return "states " + " ".join(f"{name}={getattr(one, 'state', one)}" for name, one in items.items())


def counts(items: dict[str, StatusItem]) -> str:
    words = [str(one.state) if isinstance(one, OrderStatus) else item(one).replace(" ", ":") for one in items.values()]
    return "counts " + " ".join(f"{word}={number}" for word, number in sorted(Counter(words).items()))


def recent(client: ProviderClient) -> str:
    rows = client.recent_orders(50)
    fits = [
        row.order_id for row in rows if (row.service, row.link, row.quantity) == ("1", "https://example.com/p/1", 1000)
    ]
    return f"orders {','.join(row.order_id for row in rows) or '-'} match={','.join(fits) or '-'}"


def plain(number: Decimal) -> str:
    """Amounts compare as numbers: no trailing zeros, no exponent."""
    text = format(number, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
