"""What an answer changes about any row, be that an order or a child order."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache

from billing import ledger
from catalog.models import Provider
from notices import causes
from orders import settlement
from orders.changes import Change
from orders.following.starting import started_at
from orders.models import ChildOrder, EventKind, Order
from orders.settlement import End
from orders.states import Progress
from orders.timetable import next_poll
from upstream.messages import ItemError, OrderStatus, StatusItem
from upstream.states import ProviderOrderState

MISSES_TO_REVIEW = 10
#: How a reason for a review begins that many polls without an answer gave.
MISSED = f"{MISSES_TO_REVIEW} polls in a row: "

#: Providers round charges to their own decimals, two at the coarsest; only more than that is a higher price.
ROUNDING = Decimal("0.01")

Followed = Order | ChildOrder


@dataclass(frozen=True)
class StatusCall:
    """One call whose answers are applied. ``asked_at`` is a moment before it, ``now`` one after it."""

    provider: Provider
    asked_at: datetime
    now: datetime
    #: The shop's own accounts, looked up once for the whole call.
    account_of: ledger.OwnAccount = field(default_factory=lambda: cache(ledger.own_account_id))


def is_overtaken(row: Followed, call: StatusCall) -> bool:
    """Whether an answer to a later call was applied already."""
    return row.answered_at is not None and row.answered_at > call.asked_at


def count_miss(row: Followed, answer: StatusItem | None = None) -> bool:
    """Count one more poll without a usable answer; return whether a person should look at the row from now on."""
    row.poll_misses += 1
    was_reviewed = isinstance(row, Order) and row.reviewed.startswith(MISSED)
    # Not "==": calls that failed whole count as well, and may have counted past it.
    if row.poll_misses < MISSES_TO_REVIEW or row.needs_review or was_reviewed:
        return False
    row.needs_review = MISSED + (answer.error_class.value if isinstance(answer, ItemError) else "no usable answer")
    return True


def take_over(
    row: Followed, answer: OrderStatus, total: int, call: StatusCall, *, is_repeat: bool = False
) -> tuple[End | None, Change]:
    """Take over what is read alike of orders and child orders: all but the state and the remains.

    Returns the end that ``total`` units came to, if any, and what changes besides the row. ``is_repeat`` where the
    answer only repeats an end that is kept until all child orders have ended.
    """
    change = Change()
    # 1. There is an answer.
    if isinstance(row, Order):
        row.started_at = started_at(row, answer, call.asked_at)
    row.poll_misses, row.answered_at = 0, call.asked_at
    if row.needs_review.startswith(MISSED):
        row.needs_review = ""
    # 2. The start count.
    if answer.start_count is not None:
        if isinstance(row, Order) and row.start_count is None and answer.state is not ProviderOrderState.PENDING:
            change.note(EventKind.STARTED, start_count=answer.start_count)
        row.start_count = answer.start_count
    # 3. The charge, exactly as the provider names it; nothing is computed with another currency than was agreed on.
    currency = (answer.currency or "")[:8]
    if isinstance(row, Order) and currency:
        row.answered_currency = currency
    if "currency_differs" in answer.flags:
        provider = call.provider
        change.alert(causes.CHARGED_IN_FOREIGN_CURRENCY, provider=provider.pk, name=provider.name, currency=currency)
    elif isinstance(row, ChildOrder):
        row.charge = charge_after(answer, row.charge)
    elif (charge := charge_after(answer, row.provider_charge)) != row.provider_charge:
        before, row.provider_charge = row.provider_charge, charge
        if has_become_dearer(row, before):
            change.remark("charged above the expected cost", charge=str(charge))
            change.alert(causes.CHARGED_ABOVE_COST)
    # 4. Since when the provider has answered exactly this; a failure is an end only after some time.
    is_same_state = row.progress == answer.state.value
    is_same = is_same_state and answer.remains in (None, row.remains)
    if row.state_since is None or not (is_same or is_repeat):
        row.state_since = call.asked_at
    is_still_failed = is_same_state and answer.state is ProviderOrderState.FAILED
    failed_for = call.asked_at - row.state_since if is_still_failed else None
    return settlement.end_of(answer, total, failed_for=failed_for), change


def charge_after(answer: OrderStatus, before: Decimal | None) -> Decimal | None:
    """Return the charge that is known after an answer; None while the provider has named none.

    Nothing that is sold costs 0, so a running order that costs 0 has an unknown charge. The charge that was named while
    an order ran counts no more once it is canceled and no charge is named.
    """
    end = settlement.final_state_of(answer)
    if answer.charge is None:
        is_missing = "charge_unreadable" not in answer.flags and "charge_negative" not in answer.flags
        return None if is_missing and end in (Progress.CANCELED, Progress.REFUNDED) else before
    return before if answer.charge == 0 and end is None else answer.charge


def has_become_dearer(order: Order, before: Decimal | None) -> bool:
    """Whether the provider charges more than we expected, and did not by its charge ``before``."""
    return (order.provider_charge or 0) - order.expected_charge >= ROUNDING > (before or 0) - order.expected_charge


def next_poll_of(row: Followed, now: datetime) -> datetime | None:
    """When to ask about the row again, None when it is closed for good."""
    since = row.created_at if isinstance(row, ChildOrder) else row.placed_at or row.created_at
    return next_poll(order_id=row.pk, since=since, now=now, misses=row.poll_misses, finished_at=row.finished_at)
