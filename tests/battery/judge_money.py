"""I1-I6 and N1: the ledger recomputed from its transfers, and the orders compared with their holds."""

# mypy: disable-error-code="type-arg"

from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.battery.judge_rows import FINAL, Rows, Upstream

if TYPE_CHECKING:
    from tests.battery.judge import Truth

Found = Iterator[tuple[str, str, str]]
_LIMIT = Decimal("1e12")
_HOLD_CODES = ("hold", "settle", "release", "late_refund")


def transfers_are_sound(rows: Rows, _upstream: Upstream, _truth: "Truth") -> Found:
    accounts = {a.id for a in rows.accounts}
    for t in rows.transfers:
        if t.source_id == t.target_id or not {t.source_id, t.target_id} <= accounts:
            yield "I1", "a transfer goes from one account to one other", f"transfer {t.id} {t.key}"
        if not 0 < t.amount < _LIMIT:
            yield "I1", "a transfer's amount is above 0", f"transfer {t.id} {t.amount}"
        if not t.amount.is_finite() or t.amount != round(t.amount, 5):
            yield "I5", "no amount is finer than five places", f"transfer {t.id} {t.amount}"


def balances_are_sums(rows: Rows, _upstream: Upstream, _truth: "Truth") -> Found:
    moved = _moved(rows)
    total = Decimal(0)
    for account in rows.accounts:
        total += account.balance if account.kind == "wallet" else moved[account.id]
        if account.kind != "wallet":
            continue
        if account.balance != moved[account.id]:
            yield "I2", "a wallet's balance = in − out", f"wallet {account.id}: {account.balance}, {moved[account.id]}"
        if not 0 <= account.balance < _LIMIT:
            yield "I2", "no wallet is below 0", f"wallet {account.id}: {account.balance}"
    if total != 0:
        yield "I3", "all accounts sum to 0", f"they sum to {total}"


def _moved(rows: Rows) -> dict[int, Decimal]:
    moved: dict[int, Decimal] = defaultdict(Decimal)
    for t in rows.transfers:
        moved[t.source_id] -= t.amount
        moved[t.target_id] += t.amount
    return moved


def gateways_are_explained(rows: Rows, _upstream: Upstream, _truth: "Truth") -> Found:
    moved = _moved(rows)
    for gateway in [a for a in rows.accounts if a.kind == "gateway"]:
        paid = sum((t.amount for t in rows.transfers if t.code == "topup" and t.source_id == gateway.id), Decimal(0))
        back = [t.amount for t in rows.transfers if t.code in ("chargeback", "chargeback_loss", "fee")
                and t.target_id == gateway.id]  # fmt: skip
        if -moved[gateway.id] != paid - sum(back, Decimal(0)):
            yield "I3", "a gateway's balance = its payments", f"gateway {gateway.name}"


def keys_name_operations(rows: Rows, _upstream: Upstream, _truth: "Truth") -> Found:
    seen = Counter(t.key for t in rows.transfers)
    orders = {f"order:{o.id}" for o in rows.orders}
    for t in rows.transfers:
        if seen[t.key] > 1:
            yield "I4", "transfer keys are unique", t.key
        word, _, rest = t.key.partition(":")
        if word not in ("order", "credit", "debit", "topup", "bonus", "chargeback", "fee") or not rest:
            yield "I4", "each key parses", t.key
        if t.code in _HOLD_CODES and (t.reference not in orders or not t.key.startswith(f"{t.reference}:")):
            yield "I4", "each reference exists", f"{t.key} of {t.reference}"


def payments_are_credited_once(rows: Rows, _upstream: Upstream, truth: "Truth") -> Found:
    if truth.credits is None:
        return
    credited = {t.key.removeprefix("credit:"): t.amount for t in rows.transfers if t.code == "credit"}
    for reference in credited.keys() | truth.credits.keys():
        if credited.get(reference) != truth.credits.get(reference):
            yield (
                "I4",
                "each payment is credited exactly once",
                f"{reference}: {truth.credits.get(reference)} paid, {credited.get(reference)} credited",
            )


def holds_add_up(rows: Rows, _upstream: Upstream, _truth: "Truth") -> Found:
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    for t in rows.transfers:
        if t.code in _HOLD_CODES:
            sums[t.reference][t.code] += t.amount  # type: ignore[assignment]
    for hold in rows.holds:
        of = sums[hold.reference]
        told = (hold.charged, hold.earned, hold.refunded)
        summed = (of["hold"], of["settle"] - of["late_refund"], of["release"] + of["late_refund"])
        if told != summed:
            yield "I6", "a hold = the sum of its transfers", f"{hold.reference}: {told}, its transfers {summed}"
        if not (0 <= hold.refunded <= hold.charged and hold.earned >= 0):
            yield "I6", "0 <= refunded <= charged", f"{hold.reference}: {told}"
        if hold.earned + hold.refunded > hold.charged:
            yield "I6", "charged = held + earned + refunded", f"{hold.reference}: {told}"
    for order in rows.orders:
        own = rows.hold_of.get(order.id)
        if own is None or own.charged != order.charge or own.refunded != order.refunded:
            yield "I6", "an order's charge and refunds are those of its hold", f"order {order.id}: {own}"


def ended_orders_hold_nothing(rows: Rows, _upstream: Upstream, _truth: "Truth") -> Found:
    for order in rows.orders:
        hold = rows.hold_of.get(order.id)
        if hold is None:
            continue
        over = order.forward_state in ("refused", "refunded") or order.progress in FINAL
        if over and hold.charged != hold.earned + hold.refunded:
            yield "I6", "an order that is over holds nothing", f"order {order.id}: {hold}"
        if order.forward_state in ("refused", "refunded") and hold.refunded != hold.charged:
            yield "I6", "what was not bought is refunded whole", f"order {order.id}: {hold}"
        unplaced = order.forward_state not in ("placed", "refused", "refunded")
        if unplaced and (hold.earned or hold.refunded):
            yield "I6", "an order under way is held whole", f"order {order.id}: {hold}"


def acknowledged_orders_are_there(rows: Rows, _upstream: Upstream, truth: "Truth") -> Found:
    if truth.acknowledged is None:
        return
    charges = {order.id: order.charge for order in rows.orders}
    for number, charge in truth.acknowledged.items():
        if charges.get(number) != charge:
            yield "N1", "each acknowledged order is there with its charge", f"order {number}: {charges.get(number)}"


EACH_STEP = (
    transfers_are_sound,
    balances_are_sums,
    gateways_are_explained,
    keys_name_operations,
    payments_are_credited_once,
    holds_add_up,
    acknowledged_orders_are_there,
)
AT_REST = (ended_orders_hold_nothing,)
