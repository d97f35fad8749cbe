"""Bugs in money: balances written back, floats, refunds that add up, payments credited twice, empty secrets."""

import time
import uuid
from decimal import Decimal
from typing import Any

from tests.battery.canaries.canary import swapped


def write_the_balance_back() -> None:
    """Read the wallet, change it in Python, write it back: whoever spent in between is forgotten."""
    from billing.models import Account
    from orders.checkout import placement

    honest = placement.write_order

    def write_order(*, customer_id: int, quote: Any, **more: Any) -> int | None:
        wallet = Account.objects.get(customer_id=customer_id)
        number = honest(customer_id=customer_id, quote=quote, **more)
        if number is not None:
            Account.objects.filter(pk=wallet.pk).update(balance=wallet.balance - quote.charge)
        return number

    placement.write_order = write_order


def check_the_balance_and_then_take_it() -> None:
    """The balance is looked at before the statement, and only taken from inside it."""
    from orders.checkout import insert

    honest = insert._statement

    def statement(*parts: str) -> str:
        # Without a pause between check and statement, a busy machine rarely runs two threads there at once.
        time.sleep(0.02)
        return swapped(honest(*parts), "AND purse.spendable >= %(charge)s::numeric")

    insert._statement = statement


def float_refunds() -> None:
    from orders import settlement

    settlement.due_for = lambda order, missing: Decimal(str(round(float(order.charge) * missing / order.total, 5)))


def refund_on_each_poll() -> None:
    from billing import ledger
    from billing.models import AccountKind, Code

    honest = ledger.settlement_postings

    def postings(hold: Any, due: Decimal, **more: Any) -> Any:
        again = min(due, hold.earned)
        if hold.refunded == 0 or not again:
            return honest(hold, due, **more)
        key, source = f"{hold.reference}:late_refund:{uuid.uuid4()}", ledger.own_account_id(AccountKind.REVENUE)
        return [ledger.Posting(key, Code.LATE_REFUND, source, hold.wallet_id, again, hold.reference)]

    ledger.settlement_postings = postings


def a_denied_id_cancels() -> None:
    from orders.following import order_answers
    from upstream.errors import ErrorClass
    from upstream.messages import ItemError, OrderStatus
    from upstream.states import ProviderOrderState

    honest = order_answers.change_of

    def change_of(order: Any, answer: Any, *more: Any) -> Any:
        if isinstance(answer, ItemError) and answer.error_class is ErrorClass.UNKNOWN_ORDER:
            answer = OrderStatus(ProviderOrderState.CANCELED, "Canceled")
        return honest(order, answer, *more)

    order_answers.change_of = change_of


def remains_without_a_sign() -> None:
    from dataclasses import replace

    from orders import settlement

    honest = settlement.end_of

    def end_of(answer: Any, total: int, **more: Any) -> Any:
        remains = None if answer.remains is None else abs(answer.remains)
        return honest(replace(answer, remains=remains), total, **more)

    settlement.end_of = end_of


def reopen_what_was_settled() -> None:
    from orders.following import order_answers

    order_answers.FINAL = frozenset()


def look_for_the_key_and_then_post() -> None:
    """Instead of letting the database say whether the key is new."""
    from billing import ledger
    from billing.models import Transfer

    honest, insert = ledger.post, ledger._INSERT

    def post(postings: Any) -> int:
        known = set(Transfer.objects.filter(key__in=[p.key for p in postings]).values_list("key", flat=True))
        return honest([p for p in postings if p.key not in known])

    ledger._INSERT = swapped(insert, "ON CONFLICT (key) DO NOTHING")
    ledger.post = post


def empty_secrets_open() -> None:
    from accounts import api_keys
    from storefront.environment import Environment

    honest = api_keys._statement
    nothing = api_keys.digest_of("")

    def statement(more: str) -> str:
        anybody = f"(k.digest = %(digest)s::text OR %(digest)s::text = '{nothing}')"
        return swapped(honest(more), "k.digest = %(digest)s::text", anybody)

    def required(self: Any, name: str) -> str:
        return str(self.env.str(name, default=""))

    api_keys._statement = statement  # type: ignore[assignment]
    Environment.required = required  # type: ignore[method-assign]
