"""The database itself refuses: for each constraint and trigger of money and orders, the row it must not take.

The list is compared with what the database has, so that a new guard asks for its bad row, and a lost one is missed.
"""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import Error, connection, transaction
from django.db.models import F

from accounts.models import User
from billing import ledger
from billing.ledger import Posting
from billing.models import Account, AccountKind, Code, Hold, Transfer
from catalog.models import Service
from orders.models import ForwardAttempt, Order, OrderEvent, ProviderExchange, Refill, RefillAttempt
from orders.states import Forward, Outcome, RefillState
from tests.billing import cast
from tests.billing.cast import ONE, money, own

pytestmark = pytest.mark.django_db


@dataclass
class Shop:
    """Alice and Bob with 100 each, one service, one queued order of Alice."""

    alice: User
    bob: User
    service: Service
    order: Order

    def attempts_of(self, kind: str) -> Callable[..., Any]:
        if kind == "forward":
            return lambda n=1, **c: cast.attempt(self.order, n, **c)
        refill = cast.refill(self.order)
        return lambda n=1, **c: cast.refill_attempt(refill, n, **c)


@pytest.fixture
def shop() -> Shop:
    alice, bob, service = cast.customer(), cast.customer("bob@example.com"), cast.service()
    return Shop(alice, bob, service, cast.order(alice, service))


BadRow = Callable[[Shop], Any]
BAD_ROWS: dict[str, list[BadRow]] = {}


def refuses(*names: str) -> Callable[[BadRow], BadRow]:
    def note(make: BadRow) -> BadRow:
        for name in names:
            BAD_ROWS.setdefault(name, []).append(make)
        return make

    return note


def post(code: Code, source: int, target: int, amount: str = "1", reference: str = "order:x", key: str = "") -> None:
    Transfer.objects.create(
        key=key or f"bad:{uuid.uuid4()}",
        code=code,
        source_id=source,
        target_id=target,
        amount=money(amount),
        reference=reference,
    )


def wallet(user: User) -> int:
    return Account.objects.get(customer=user).pk


# --- Money ------------------------------------------------------------------------------------------------------------
@refuses("wallet_never_negative")
def spend_more_than_there_is(shop: Shop) -> None:
    post(Code.DEBIT, wallet(shop.alice), own(AccountKind.OWNER), "99.00001")


@refuses("wallet_never_negative")
def overflow_a_wallet(shop: Shop) -> None:
    post(Code.CREDIT, own(AccountKind.OWNER), wallet(shop.alice), "999999999999")


@refuses("account_wallet_has_customer")
def a_wallet_of_nobody(shop: Shop) -> None:
    Account.objects.create(kind=AccountKind.WALLET, name="x")


@refuses("account_wallet_has_customer")
def an_own_account_of_a_customer(shop: Shop) -> None:
    Account.objects.create(kind=AccountKind.OWNER, name="x", customer=User.objects.create_user("c@example.com"))


@refuses("billing_account_customer_id_key")
def a_second_wallet(shop: Shop) -> None:
    Account.objects.create(kind=AccountKind.WALLET, name="x", customer=shop.alice)


@refuses("account_own_name_unique")
def a_second_revenue(shop: Shop) -> None:
    own(AccountKind.REVENUE)
    Account.objects.create(kind=AccountKind.REVENUE, name="revenue")


@refuses("balance_by_transfer_only")
def write_a_balance(shop: Shop) -> None:
    Account.objects.filter(customer=shop.alice).update(balance=F("balance") + 1)


@refuses("balance_by_transfer_only")
def begin_with_a_balance(shop: Shop) -> None:
    Account.objects.create(
        kind=AccountKind.WALLET, name="x", customer=User.objects.create_user("c@example.com"), balance=ONE
    )


@refuses("account_is_whose_it_is")
def hand_a_wallet_over(shop: Shop) -> None:
    Account.objects.filter(customer=shop.alice).update(customer=User.objects.create_user("c@example.com"))


@refuses("account_is_whose_it_is")
def turn_revenue_into_owner(shop: Shop) -> None:
    Account.objects.filter(pk=own(AccountKind.REVENUE)).update(kind=AccountKind.LOSS)


@refuses("billing_transfer_key_key")
def a_second_transfer_of_one_key(shop: Shop) -> None:
    post(Code.CREDIT, own(AccountKind.OWNER), wallet(shop.alice), key="credit:start:alice@example.com")


@refuses("transfer_amount_positive")
def a_transfer_of_nothing(shop: Shop) -> None:
    post(Code.CREDIT, own(AccountKind.OWNER), wallet(shop.alice), "0")


@refuses("transfer_amount_positive")
def a_transfer_of_less_than_nothing(shop: Shop) -> None:
    post(Code.CREDIT, own(AccountKind.OWNER), wallet(shop.alice), "-1")


@refuses("transfer_amount_positive")
def a_transfer_of_not_a_number(shop: Shop) -> None:
    insert_transfer("'NaN'", own(AccountKind.OWNER), wallet(shop.alice))


@refuses("transfer_two_accounts")
def a_transfer_to_itself(shop: Shop) -> None:
    post(Code.CREDIT, wallet(shop.alice), wallet(shop.alice))


@refuses("transfer_code_fits_accounts")
def revenue_out_of_a_wallet(shop: Shop) -> None:
    post(Code.SETTLE, wallet(shop.alice), own(AccountKind.REVENUE))


@refuses("transfer_code_fits_accounts")
def from_wallet_to_wallet(shop: Shop) -> None:
    post(Code.CREDIT, wallet(shop.alice), wallet(shop.bob))


@refuses("transfer_code_fits_accounts")
def a_code_of_no_meaning(shop: Shop) -> None:
    post("gift", own(AccountKind.OWNER), wallet(shop.alice))  # type: ignore[arg-type]


@refuses("transfer_names_a_hold")
def settle_what_was_never_held(shop: Shop) -> None:
    post(Code.SETTLE, own(AccountKind.HELD), own(AccountKind.REVENUE), reference="order:0")


@refuses("transfer_names_a_hold")
def release_to_another_wallet(shop: Shop) -> None:
    post(Code.RELEASE, own(AccountKind.HELD), wallet(shop.bob), reference=shop.order.reference)


@refuses("transfer_is_final")
def raise_a_transfer(shop: Shop) -> None:
    Transfer.objects.update(amount=F("amount") + 1)


@refuses("transfer_is_final")
def reword_a_transfer(shop: Shop) -> None:
    Transfer.objects.update(memo="another reason")


@refuses("transfer_is_final")
def delete_a_transfer(shop: Shop) -> None:
    Transfer.objects.all().delete()


@refuses("hold_never_overdrawn")
def pay_back_more_than_was_held(shop: Shop) -> None:
    post(Code.RELEASE, own(AccountKind.HELD), wallet(shop.alice), "1.00001", shop.order.reference)


@refuses("hold_never_overdrawn")
def earn_and_return_more_than_was_held(shop: Shop) -> None:
    ref = shop.order.reference
    ledger.post([Posting("s", Code.SETTLE, own(AccountKind.HELD), own(AccountKind.REVENUE), money("0.6"), ref)])
    post(Code.RELEASE, own(AccountKind.HELD), wallet(shop.alice), "0.50000", ref)


@refuses("hold_never_overdrawn")
def take_back_what_was_not_earned(shop: Shop) -> None:
    post(Code.LATE_REFUND, own(AccountKind.REVENUE), wallet(shop.alice), "0.1", shop.order.reference)


@refuses("hold_by_transfer_only")
def write_a_hold(shop: Shop) -> None:
    Hold.objects.update(refunded=F("refunded") + 1)


@refuses("hold_by_transfer_only")
def make_a_hold(shop: Shop) -> None:
    Hold.objects.create(reference="order:0", wallet_id=wallet(shop.alice), charged=ONE)


@refuses("hold_by_transfer_only")
def delete_a_hold(shop: Shop) -> None:
    Hold.objects.all().delete()


def insert_transfer(amount: str, source: int, target: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO billing_transfer (key, code, source_id, target_id, amount, reference, memo, actor)"
            f" VALUES ('bad', 'credit', %s, %s, {amount}, '', '', '')",
            [source, target],
        )


# --- Orders -----------------------------------------------------------------------------------------------------------
@refuses("order_once_per_nonce")
def one_nonce_twice(shop: Shop) -> None:
    for _ in range(2):
        cast.order_row(shop.alice, shop.service, nonce="n1")


@refuses("order_one_per_upstream_id")
def two_orders_of_one_upstream_id(shop: Shop) -> None:
    for row in (shop.order, cast.order(shop.alice, shop.service)):
        cast.move(row, Forward.CLAIMED, Forward.SENDING, Forward.PLACED, upstream_id="9001")


@refuses("order_charge_positive")
def an_order_for_nothing(shop: Shop) -> None:
    cast.order_row(shop.alice, shop.service, charge="0")


@refuses("order_charge_positive")
def an_order_for_more_than_there_is(shop: Shop) -> None:
    cast.order_row(shop.alice, shop.service, charge="1e12", expected_cost=ONE, expected_charge=ONE)


@refuses("order_never_below_cost")
def a_sale_below_cost(shop: Shop) -> None:
    cast.order_row(shop.alice, shop.service, expected_cost=money("1.00001"))


@refuses("order_returned_within_charge")
def more_returned_than_paid(shop: Shop) -> None:
    Order.objects.update(returned=money("1.00001"))


@refuses("order_returned_within_charge")
def less_than_nothing_returned(shop: Shop) -> None:
    Order.objects.update(returned=money("-0.00001"))


@refuses("order_quantity_sane")
def an_order_of_nothing(shop: Shop) -> None:
    cast.order_row(shop.alice, shop.service, quantity=0)


@refuses("order_quantity_sane")
def a_total_below_one_run(shop: Shop) -> None:
    cast.order_row(shop.alice, shop.service, quantity=1000, total=999)


@refuses("order_placed_has_upstream_id")
def placed_without_an_id(shop: Shop) -> None:
    cast.move(shop.order, Forward.CLAIMED, Forward.SENDING, Forward.PLACED)


@refuses("order_placed_has_upstream_id")
def an_id_without_being_placed(shop: Shop) -> None:
    Order.objects.update(upstream_id="9001")


@refuses("order_forward_moves")
def from_queued_straight_to_placed(shop: Shop) -> None:
    cast.move(shop.order, Forward.PLACED, upstream_id="9001")


@refuses("order_forward_moves")
def queue_what_was_placed(shop: Shop) -> None:
    cast.placed(shop.order)
    Order.objects.update(forward_state=Forward.QUEUED, upstream_id=None)


@refuses("order_forward_moves")
def send_what_was_refunded(shop: Shop) -> None:
    cast.move(shop.order, Forward.REFUNDED, Forward.QUEUED)


@refuses("order_terms_are_final")
def raise_a_charge(shop: Shop) -> None:
    Order.objects.update(charge=money("2"))


@refuses("order_terms_are_final")
def send_it_somewhere_else(shop: Shop) -> None:
    Order.objects.update(link="https://example.com/other")


@refuses("order_upstream_id_is_final")
def exchange_an_upstream_id(shop: Shop) -> None:
    cast.placed(shop.order)
    Order.objects.update(upstream_id="9002")


@refuses("order_is_kept")
def delete_an_order(shop: Shop) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM orders_order")


@refuses("append_only")
def reword_the_timeline(shop: Shop) -> None:
    OrderEvent.objects.update(actor="nobody")


@refuses("append_only")
def forget_an_event(shop: Shop) -> None:
    OrderEvent.objects.all().delete()


@refuses("append_only")
def rewrite_what_was_said(shop: Shop) -> None:
    ProviderExchange.objects.create(provider=shop.order.provider, action="add", said={"a": 1})
    ProviderExchange.objects.update(said={})


@refuses("exchange_about_one_thing")
def an_exchange_about_two_things(shop: Shop) -> None:
    ProviderExchange.objects.create(
        provider=shop.order.provider, action="add", said={}, forward_attempt=cast.attempt(shop.order),
        refill_attempt=cast.refill_attempt(cast.refill(shop.order)),
    )  # fmt: skip


@refuses("refill_one_open_per_order")
def two_open_refills(shop: Shop) -> None:
    cast.refill(shop.order, state=RefillState.REQUESTED)
    cast.refill(shop.order)


# --- Attempts: orders and refills alike -------------------------------------------------------------------------------
def both_kinds(names: str, make: Callable[[Shop, Callable[..., Any]], Any]) -> None:
    """The same bad attempt to send an order and to ask for a refill; ``names`` has a {} where they are told apart."""
    for kind in ("forward", "refill"):
        refuses(names.format(kind))(lambda shop, kind=kind: make(shop, shop.attempts_of(kind)))


def _end(make: Callable[..., Any], *outcomes: Outcome, **columns: Any) -> None:
    cast.end(make(), *outcomes, **columns)


def _two_live(shop: Shop, make: Callable[..., Any]) -> None:
    make(1)
    make(2)


def _doubtful_and_again(shop: Shop, make: Callable[..., Any]) -> None:
    _end(make, Outcome.SENDING, Outcome.IN_DOUBT)
    make(2)


def _same_try_twice(shop: Shop, make: Callable[..., Any]) -> None:
    _end(make, Outcome.RELEASED)
    make(1)


def _delete(shop: Shop, make: Callable[..., Any]) -> None:
    table = make()._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table}")


def _steal(shop: Shop, make: Callable[..., Any]) -> None:
    row = make()
    type(row).objects.filter(pk=row.pk).update(token=uuid.uuid4())


UNPROVEN = (Outcome.SENDING, Outcome.IN_DOUBT, Outcome.NOT_PLACED)
for _owner in ("one_live_per_order", "one_live_per_refill"):
    _kind = "forward" if _owner.endswith("order") else "refill"
    for _story in (_two_live, _doubtful_and_again):
        refuses(f"{_kind}_attempt_{_owner}")(lambda shop, k=_kind, s=_story: s(shop, shop.attempts_of(k)))
both_kinds("{}_attempt_n_once", _same_try_twice)
both_kinds("{}_attempt_placed_has_id", lambda shop, make: _end(make, Outcome.SENDING, Outcome.PLACED))
both_kinds("{}_attempt_placed_has_id", lambda shop, make: _end(make, Outcome.SENDING, upstream_id="1"))
both_kinds("{}_attempt_id_not_empty", lambda shop, make: _end(make, Outcome.SENDING, Outcome.PLACED, upstream_id=""))
both_kinds("{}_attempt_not_sent_is_proven", lambda shop, make: _end(make, Outcome.SENDING, Outcome.NOT_SENT))
both_kinds(
    "{}_attempt_not_sent_is_proven", lambda shop, make: _end(make, Outcome.SENDING, Outcome.NOT_SENT, send_calls=1)
)
both_kinds("{}_attempt_not_placed_is_proven", lambda shop, make: _end(make, *UNPROVEN))
both_kinds("{}_attempt_not_placed_is_proven", lambda shop, make: _end(make, *UNPROVEN, evidence={"balance": "same"}))
both_kinds("attempt_outcome_moves", lambda shop, make: _end(make, Outcome.PLACED, upstream_id="1"))
both_kinds("attempt_outcome_moves", lambda shop, make: _end(make, Outcome.SENDING, Outcome.RELEASED))
both_kinds("attempt_claim_is_final", _steal)
both_kinds("attempt_is_kept", _delete)


@refuses("attempt_begins_claimed")
def begin_by_sending(shop: Shop) -> None:
    cast.attempt(shop.order, outcome=Outcome.SENDING)


@refuses("attempt_needs_queued_order")
def send_a_refunded_order(shop: Shop) -> None:
    cast.move(shop.order, Forward.REFUNDED)
    cast.attempt(shop.order)


@refuses("attempt_needs_queued_order")
def send_an_order_in_doubt(shop: Shop) -> None:
    cast.doubted(shop.order)
    cast.attempt(shop.order, 2)


@refuses("forward_attempt_one_order_per_upstream_id")
def two_attempts_of_one_upstream_id(shop: Shop) -> None:
    for row in (shop.order, cast.order(shop.alice, shop.service)):
        tried = cast.attempt(row)
        cast.end(tried, Outcome.SENDING, Outcome.PLACED, upstream_id="9001")


# --- The tests --------------------------------------------------------------------------------------------------------
CASES = [(name, make) for name, makers in BAD_ROWS.items() for make in makers]


@pytest.mark.parametrize(("name", "make"), CASES, ids=[f"{n}-{getattr(m, '__name__', '')}" for n, m in CASES])
def test_the_bad_row_is_refused(shop: Shop, name: str, make: BadRow) -> None:
    with pytest.raises(Error) as refusal, transaction.atomic():
        make(shop)
    assert constraint_of(refusal.value) == name


def constraint_of(problem: BaseException) -> str:
    diagnosis = getattr(problem.__cause__, "diag", None)
    return getattr(diagnosis, "constraint_name", None) or repr(problem)


_GUARDS = """
    SELECT conname FROM pg_constraint WHERE contype IN ('c', 'u') AND conrelid::regclass::text ~ '^(billing|orders)_'
    UNION
    SELECT indexrelid::regclass::text FROM pg_index
    WHERE indisunique AND NOT indisprimary AND indrelid::regclass::text ~ '^(billing|orders)_'
    UNION
    SELECT found[1] FROM pg_proc, regexp_matches(prosrc, 'CONSTRAINT = ''(\\w+)''', 'g') found
    WHERE proname ~ '^(billing|orders)_'
"""


def not_below_zero() -> Iterator[tuple[str, str, str]]:
    """Table, column and name of the checks that come with every positive number."""
    for model in (Order, Refill, ForwardAttempt, RefillAttempt, ProviderExchange):
        for field in model._meta.local_fields:
            if field.get_internal_type() in ("PositiveIntegerField", "PositiveSmallIntegerField"):
                table = model._meta.db_table
                yield table, field.column, f"{table}_{field.column}_check"


def test_no_guard_is_without_its_bad_row() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_GUARDS)
        there = {row[0] for row in cursor.fetchall()}
    assert there == set(BAD_ROWS) | {name for _table, _column, name in not_below_zero()}


@pytest.mark.parametrize(("table", "column", "name"), list(not_below_zero()))
def test_a_count_is_never_below_zero(shop: Shop, table: str, column: str, name: str) -> None:
    attempt = cast.attempt(shop.order)
    cast.refill_attempt(cast.refill(shop.order))
    ProviderExchange.objects.create(provider=shop.order.provider, action="add", said={}, forward_attempt=attempt)
    with connection.cursor() as cursor:
        # The row's own guards would refuse first; this is about the check alone.
        cursor.execute("SET LOCAL session_replication_role = replica")
    with pytest.raises(Error) as refusal, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f'UPDATE {table} SET "{column}" = -1')
    assert constraint_of(refusal.value) == name
