"""The gateway's own side of the demo: what it knows of payments, and what its buttons do."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction

from billing.gateways.contract import ListedPayment, Payment, Reading, ReadState
from billing.models import DemoPayment
from core.clock import database_now

#: "Pay later": the money comes after so long.
LATER = timedelta(minutes=1)
_STATES = {
    "open": ReadState.PENDING,
    "approved": ReadState.APPROVED,
    "failed": ReadState.FAILED,
    "expired": ReadState.EXPIRED,
}
#: A payment may come after its time, or after one that failed, as it does at real gateways.
_PAYABLE = ("open", "failed", "expired", "paid")


def open_payment(reference: str, amount: Decimal, currency: str) -> str:
    """Open a payment and return its id; a repeat with the same reference finds the first."""
    remote_id = f"demo-{reference}"
    DemoPayment.objects.get_or_create(remote_id=remote_id, defaults={"asked": amount, "currency": currency})
    return remote_id


def read(remote_id: str) -> Reading | None:
    """Return what the demo says about a payment, None if it knows none."""
    row = DemoPayment.objects.filter(remote_id=remote_id).first()
    if row is None:
        return None
    amounts = [Decimal(text) for text in row.amounts]
    state = _STATES.get(row.state, ReadState.PAID)
    if row.paid_from is not None and row.paid_from > database_now():
        amounts, state = [], ReadState.PENDING
    if state is ReadState.PAID and sum(amounts) < row.asked:
        state = ReadState.UNDERPAID
    payments = []
    refunded, charged_back = row.refunded, row.charged_back
    for n, amount in enumerate(amounts):
        back = min(refunded, amount)
        lost = min(charged_back, amount - back)
        refunded, charged_back = refunded - back, charged_back - lost
        payments.append(Payment(f"{remote_id}-{n}", amount, row.currency, back, lost))
    return Reading(state, False, row.asked, row.currency, tuple(payments))


def paid_since(since: datetime) -> list[ListedPayment]:
    """Return the payments whose money came since a time."""
    rows = DemoPayment.objects.filter(paid_from__gte=since, paid_from__lte=database_now(), state="paid")
    return [
        ListedPayment(
            payment_id=f"{row.remote_id}-{n}",
            remote_id=row.remote_id,
            reference="",
            amount=Decimal(text),
            currency=row.currency,
            paid_at=row.paid_from,
        )
        for row in rows
        for n, text in enumerate(row.amounts)
        if row.paid_from is not None
    ]


def approve(remote_id: str) -> None:
    """The customer agrees to pay; the shop takes the money by settling."""
    _change(remote_id, lambda row: setattr(row, "state", "approved"), while_in=("open",))


def settle(remote_id: str) -> None:
    """Take an approved payment, once."""

    def take(row: DemoPayment) -> None:
        row.state, row.amounts = "paid", [str(row.asked)]

    _change(remote_id, take, while_in=("approved",))


def pay(remote_id: str, share: Decimal = Decimal(1), *, later: bool = False) -> None:
    """Pay ``share`` of what is asked, now or in a minute. A further call is a further payment."""

    def add(row: DemoPayment) -> None:
        row.state, row.amounts = "paid", [*row.amounts, f"{(row.asked * share).normalize():f}"]
        row.paid_from = database_now() + LATER if later else row.paid_from or database_now()

    _change(remote_id, add, while_in=_PAYABLE)


def fail(remote_id: str) -> None:
    """The payment is refused."""
    _change(remote_id, lambda row: setattr(row, "state", "failed"), while_in=("open",))


def cancel(remote_id: str) -> bool:
    """Take no payment any more; return False if one was made."""
    _change(remote_id, lambda row: setattr(row, "state", "expired"), while_in=("open",))
    return DemoPayment.objects.filter(remote_id=remote_id, state="expired").exists()


def charge_back(remote_id: str) -> None:
    """The customer's bank takes everything back that is left."""

    def take(row: DemoPayment) -> None:
        row.charged_back = sum((Decimal(text) for text in row.amounts), Decimal(0)) - row.refunded

    _change(remote_id, take, while_in=("paid",))


def win(remote_id: str) -> None:
    """The shop wins the dispute: the money comes back."""
    _change(remote_id, lambda row: setattr(row, "charged_back", Decimal(0)), while_in=("paid",))


def refund(remote_id: str, amount: Decimal, key: str) -> bool:
    """Send money back, once for each key; return False if there is not that much."""
    with transaction.atomic():
        row = DemoPayment.objects.select_for_update().get(remote_id=remote_id)
        if key in row.refunds:
            return True
        left = sum((Decimal(text) for text in row.amounts), Decimal(0)) - row.refunded - row.charged_back
        if not 0 < amount <= left:
            return False
        row.refunded += amount
        row.refunds = {**row.refunds, key: str(amount)}
        row.save()
    return True


def _change(remote_id: str, change: Callable[[DemoPayment], None], *, while_in: tuple[str, ...]) -> None:
    with transaction.atomic():
        row = DemoPayment.objects.select_for_update().get(remote_id=remote_id)
        if row.state in while_in:
            change(row)
            row.save()
